//! Ordinary least squares with an intercept, from cross-products.

use serde::{Deserialize, Serialize};

use super::cholesky::Cholesky;
use super::covariance::{Covariance, Range, Variances};
use super::symmetric::{Symmetric, dot};
use crate::cross_products::{CrossProducts, to_f64};
use crate::estimate::{Estimate, NotEstimable};
use crate::grid::Grid;

/// The share of the outcome's variance that a fit must leave: below, the residuals are the rounding of the sums they are
/// told from, and a standard error made of them would be noise.
const LEAST_RESIDUAL_VARIANCE: f64 = 1e-10;
/// The largest difference, in relative terms, between what a combination asks of a left-out column and what it must ask.
const ESTIMABLE: f64 = 1e-6;

/// Which columns of the cross-products play which part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variables {
    /// The columns that predict, in the order of their coefficients. The intercept is not among them: it always is there.
    pub predictors: Vec<usize>,
    /// The column that is predicted.
    pub outcome: usize,
}

/// A column centred and scaled: its values less the mean, over the root of their sum of squares.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Axis {
    /// The column.
    pub(super) column: usize,
    /// The grid value nearest to the mean.
    pub(super) centre: i64,
    /// The mean less `centre`, in grid steps.
    pub(super) rest: f64,
    /// The root of the sum of squared deviations, in grid steps; 1 for a column that does not vary.
    pub(super) scale: f64,
    steps_per_one: f64,
}

/// A fit of y = a + b'x by least squares.
///
/// A predictor that is a linear combination of those before it, or does not vary, is left out ([`Self::left_out`]); its
/// coefficient is [`NotEstimable::Collinear`], and so is every combination that the data cannot tell. Combinations that
/// they can tell, such as the prediction for a row like those seen, are estimated as if the column had coefficient zero.
///
/// ```
/// use whom_stats::linear::{LeastSquares, Variables};
/// use whom_stats::{CrossProducts, Grid};
///
/// let mut products = CrossProducts::new(2);
/// [[1, 3], [2, 5], [3, 6], [4, 10]].iter().for_each(|row| products.push(row));
/// let variables = Variables { predictors: vec![0], outcome: 1 };
/// let fit = LeastSquares::fit(&products, &variables, &[Grid::INTEGER; 2])?;
/// let slope = fit.estimate(&[0.0, 1.0], &fit.classical())?;
/// assert_eq!(format!("{:.3} ({:.3})", slope.value, slope.std_err), "2.200 (0.424)");
/// # Ok::<(), whom_stats::NotEstimable>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LeastSquares {
    pub(super) n: u64,
    pub(super) predictors: Vec<Axis>,
    pub(super) outcome: Axis,
    pub(super) basis: Cholesky,
    /// The outcome's coordinates in the basis without the constant, in grid steps.
    pub(super) loadings: Vec<f64>,
    /// The sum of squared residuals, in grid steps of the outcome.
    pub(super) residual_squares: f64,
}

impl LeastSquares {
    /// Fits the outcome to the predictors; `grids` has the grid of every column of the products.
    ///
    /// # Errors
    /// No row; no more rows than coefficients; an outcome that does not vary, or that the predictors give exactly.
    pub fn fit(products: &CrossProducts, variables: &Variables, grids: &[Grid]) -> Result<Self, NotEstimable> {
        if products.n() == 0 {
            return Err(NotEstimable::NoUnits);
        }
        let axis = |column: &usize| Axis::new(products, *column, grids[*column]);
        let predictors: Vec<Axis> = variables.predictors.iter().map(axis).collect();
        let outcome = axis(&variables.outcome);
        let basis = Cholesky::new(&Symmetric::from_lower(predictors.len(), |row, column| {
            correlation(products, &predictors[row], &predictors[column])
        }));
        if products.n() <= basis.rank() as u64 + 1 {
            return Err(NotEstimable::NoDegreesOfFreedom);
        }
        let with_outcome = |kept: &usize| correlation(products, &predictors[*kept], &outcome);
        let shares = basis.solve_lower(&basis.kept().iter().map(with_outcome).collect::<Vec<_>>());
        let residual_share = 1.0 - dot(&shares, &shares);
        if !products.varies(outcome.column) || residual_share <= LEAST_RESIDUAL_VARIANCE {
            return Err(NotEstimable::NoVariance);
        }
        let loadings = shares.iter().map(|share| share * outcome.scale).collect();
        let residual_squares = residual_share * outcome.scale * outcome.scale;
        Ok(Self { n: products.n(), predictors, outcome, basis, loadings, residual_squares })
    }

    /// The number of rows.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The number of coefficients that are estimated, the intercept included.
    pub fn rank(&self) -> usize {
        self.basis.rank() + 1
    }

    /// The places among the predictors of those that are left out, as linear combinations of others before them.
    pub fn left_out(&self) -> impl Iterator<Item = usize> + '_ {
        self.basis.left_out()
    }

    /// The share of the outcome's variance that the predictors explain.
    pub fn r_squared(&self) -> f64 {
        1.0 - self.residual_squares / (self.outcome.scale * self.outcome.scale)
    }

    /// The covariance of homoskedastic errors: residual variance with divisor n - rank, times (X'X)⁻¹. Its relative
    /// precision is that of 1 - R² as a difference: about 1e-15 / (1 - R²).
    pub fn classical(&self) -> Covariance {
        let variance = self.residual_squares / self.residual_degrees();
        Covariance::with_degrees(
            Symmetric::identity(self.rank()).times(variance),
            self.residual_degrees(),
            Range::Assumed,
        )
    }

    /// The combination `weights[0]` times the intercept plus `weights[1..]` times the predictors' coefficients: all zero but
    /// a one for a coefficient, a one and a row for a prediction. In natural units, not grid steps.
    ///
    /// # Errors
    /// [`NotEstimable::Collinear`] if the data cannot tell it from other values; [`NotEstimable::NoVariance`] if nothing
    /// varies that it depends on; [`NotEstimable::OneClusterDecides`] for some covariances by cluster.
    ///
    /// # Panics
    /// There is another number of weights: a bug of the caller.
    pub fn estimate(&self, weights: &[f64], covariance: &Covariance) -> Result<Estimate, NotEstimable> {
        let direction = self.direction(weights)?;
        let (variance, degrees_of_freedom) = covariance.variance(&direction, self.homoskedastic(&direction))?;
        Ok(Estimate { value: self.value(weights[0], &direction), std_err: self.std_err(variance), degrees_of_freedom })
    }

    /// The value and the standard error of [`Self::estimate`].
    pub(super) fn valued(&self, weights: &[f64], variances: &Variances) -> Result<(f64, f64), NotEstimable> {
        let direction = self.direction(weights)?;
        let variance = variances.variance(&direction, self.homoskedastic(&direction))?;
        Ok((self.value(weights[0], &direction), self.std_err(variance)))
    }

    /// The variance of a direction if all errors have the same.
    fn homoskedastic(&self, direction: &[f64]) -> f64 {
        self.residual_squares / self.residual_degrees() * dot(direction, direction)
    }

    fn std_err(&self, variance: f64) -> f64 {
        variance.sqrt() / self.outcome.steps_per_one
    }

    fn value(&self, intercept: f64, direction: &[f64]) -> f64 {
        let mean = self.outcome.centre as f64 + self.outcome.rest;
        (intercept * mean + dot(&direction[1..], &self.loadings)) / self.outcome.steps_per_one
    }

    /// A combination of coefficients in the orthonormal basis: the covariance's quadratic form in it is its variance.
    fn direction(&self, weights: &[f64]) -> Result<Vec<f64>, NotEstimable> {
        assert_eq!(weights.len(), self.predictors.len() + 1, "a weight for the intercept and for each predictor");
        let intercept = weights[0];
        let asked: Vec<f64> =
            self.predictors.iter().zip(&weights[1..]).map(|(axis, weight)| axis.asked(intercept, *weight)).collect();
        let of_kept: Vec<f64> = self.basis.kept().iter().map(|kept| asked[*kept]).collect();
        let direction = self.basis.solve_lower(&of_kept);
        for left_out in self.basis.left_out() {
            let coordinates = self.basis.coordinates(left_out);
            let size = self.predictors[left_out].size(intercept, weights[left_out + 1]);
            let sizes: f64 = coordinates.iter().zip(&direction).map(|(left, right)| (left * right).abs()).sum();
            if (asked[left_out] - dot(coordinates, &direction)).abs() > ESTIMABLE * (size + sizes) {
                return Err(NotEstimable::Collinear);
            }
        }
        Ok(std::iter::once(intercept / (self.n as f64).sqrt()).chain(direction).collect())
    }

    /// The direction of each coefficient, the intercept first, at length 1; none of one that is not estimable.
    pub(super) fn unit_directions(&self) -> Vec<Option<Vec<f64>>> {
        let coefficients = 0..=self.predictors.len();
        let weights = |coefficient| -> Vec<f64> {
            coefficients.clone().map(|place| f64::from(u8::from(place == coefficient))).collect()
        };
        coefficients.clone().map(|place| self.unit_direction(&weights(place))).collect()
    }

    /// The direction of a combination at length 1; none if it is not estimable, or of no coefficient at all.
    pub(super) fn unit_direction(&self, weights: &[f64]) -> Option<Vec<f64>> {
        let direction = self.direction(weights).ok()?;
        let length = dot(&direction, &direction).sqrt();
        (length > 0.0).then(|| direction.iter().map(|place| place / length).collect())
    }

    pub(super) fn residual_degrees(&self) -> f64 {
        (self.n - self.rank() as u64) as f64
    }
}

impl Axis {
    fn new(products: &CrossProducts, column: usize, grid: Grid) -> Self {
        let (n, sum) = (i128::from(products.n()), products.sum(column));
        let centre = (2 * sum + n).div_euclid(2 * n);
        let rest = (sum - centre * n) as f64 / n as f64;
        let squares = to_f64(products.centred(column, column)) / n as f64;
        let scale = if squares > 0.0 { squares.sqrt() } else { 1.0 };
        Self { column, centre: centre as i64, rest, scale, steps_per_one: grid.steps_per_one() }
    }

    /// A value's place on the axis.
    #[inline]
    pub(super) fn place(&self, row: &[i64]) -> f64 {
        ((row[self.column] - self.centre) as f64 - self.rest) / self.scale
    }

    /// What a combination asks of the column in the basis where all columns are centred and scaled.
    fn asked(&self, intercept: f64, weight: f64) -> f64 {
        (weight * self.steps_per_one - intercept * self.centre as f64 - intercept * self.rest) / self.scale
    }

    /// The size of the terms of [`Self::asked`].
    fn size(&self, intercept: f64, weight: f64) -> f64 {
        ((weight * self.steps_per_one).abs() + (intercept * (self.centre as f64 + self.rest)).abs()) / self.scale
    }
}

/// The correlation of two columns; 0 if one of them does not vary, also with itself.
fn correlation(products: &CrossProducts, first: &Axis, second: &Axis) -> f64 {
    let n = products.n() as f64;
    let centred = to_f64(products.centred(first.column, second.column)) / n;
    if first.column == second.column && centred > 0.0 { 1.0 } else { centred / first.scale / second.scale }
}
