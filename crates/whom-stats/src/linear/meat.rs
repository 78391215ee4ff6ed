//! Heteroskedasticity-robust errors: the sum over rows of squared scores, from one more pass.

use std::ops::AddAssign;

use arrow_buffer::i256;
use serde::{Deserialize, Serialize};

use super::covariance::{Covariance, Range};
use super::least_squares::LeastSquares;
use super::score::Scorer;
use super::symmetric::Symmetric;
use super::wide;
use crate::cross_products::to_f64;
use crate::estimate::NotEstimable;

/// The leverage from which a row's scores are rounded to a coarser grid, as HC3 may inflate them; at most twice as many
/// rows as coefficients can have it.
const HIGH_LEVERAGE: f64 = 0.5;
/// How much coarser, in bits: up to the largest factor 1 / √(1 - h).
const COARSER_BITS: u8 = 10;
/// 1 - h at which a row decides a coefficient alone.
const DECIDES: f64 = 1.0 / (1_u64 << (2 * COARSER_BITS)) as f64;

/// Effective units of a coefficient from which HC3 holds its level.
const HC3_UNITS: u64 = 50;
/// The same for the others.
const OTHER_UNITS: u64 = 120;
/// Grid steps in 1 of the squared shares of rows in a coefficient.
const SHARE_STEPS: f64 = (1_u128 << 100) as f64;

/// Standard errors that allow each unit a variance of its own (MacKinnon and White 1985). All are held against Student's t
/// with n - rank degrees of freedom.
///
/// **Range.** A coefficient c'b weighs row i by its share q_i = (c'u_i)² / |c|² and rests on 1 / sum q_i² units, as if they were
/// equal. At a level of 95 %, HC3 covers 94.4 to 95.2 % from 50 such units on, HC2 94.2 to 94.9 % from 120 on
/// (`tests/reference/linear_ranges.csv`); HC0 and HC1 are held to the 120 too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RobustError {
    /// Squared residuals e² (White 1980).
    Hc0,
    /// e² n / (n - rank).
    Hc1,
    /// e² / (1 - h), h the row's leverage: unbiased if all variances are equal.
    Hc2,
    /// e² / (1 - h)²: nearly the jackknife.
    Hc3,
}

/// The sum over rows of u u' times the squared residual, as exact integers: a partial state that merges.
///
/// ```
/// use whom_stats::linear::{LeastSquares, Meat, RobustError, Variables};
/// use whom_stats::{CrossProducts, Grid};
///
/// let rows = [[0, 3], [0, 5], [0, 7], [1, 4], [1, 10]]; // an arm and an outcome
/// let mut products = CrossProducts::new(2);
/// rows.iter().for_each(|row| products.push(row));
/// let fit = LeastSquares::fit(&products, &Variables { predictors: vec![0], outcome: 1 }, &[Grid::INTEGER; 2])?;
///
/// let mut meat = Meat::new(&fit, RobustError::Hc2);
/// rows.iter().for_each(|row| meat.push(row));
/// let effect = fit.estimate(&[0.0, 1.0], &meat.covariance()?)?;
/// assert_eq!(format!("{:.3}", effect.value), "2.000");
/// let welch = (4.0_f64 / 3.0 + 18.0 / 2.0).sqrt();
/// assert!((effect.std_err - welch).abs() < 1e-14, "HC2 of two arms is Welch's standard error");
/// # Ok::<(), whom_stats::NotEstimable>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Meat {
    kind: RobustError,
    scorer: Scorer,
    n: u64,
    /// Rows that decide a coefficient alone.
    deciding: u64,
    /// The lower triangle, row by row, in squared grid steps of scores.
    #[serde(with = "wide")]
    squares: Vec<i256>,
    /// The directions of the coefficients, and of combinations after them, at length 1.
    directions: Vec<Option<Vec<f64>>>,
    /// By direction, the sum of the rows' squared shares, on a grid of 2^-100.
    squared_shares: Vec<i128>,
    scores: Vec<i64>,
}

impl Meat {
    /// Of no row of the fit.
    pub fn new(fit: &LeastSquares, kind: RobustError) -> Self {
        Self::with_combinations(fit, kind, &[])
    }

    /// The same, for a covariance that also judges combinations of coefficients, whose weights are those of
    /// [`LeastSquares::estimate`]. Each costs a product of the coefficients' number for every row.
    ///
    /// # Panics
    /// A combination has another number of weights: a bug of the caller.
    pub fn with_combinations(fit: &LeastSquares, kind: RobustError, combinations: &[Vec<f64>]) -> Self {
        let size = fit.rank();
        let squares = vec![i256::ZERO; size * (size + 1) / 2];
        let mut directions = fit.unit_directions();
        directions.extend(combinations.iter().map(|weights| fit.unit_direction(weights)));
        let (squared_shares, scores) = (vec![0; directions.len()], Vec::with_capacity(size));
        Self { kind, scorer: Scorer::new(fit), n: 0, deciding: 0, squares, directions, squared_shares, scores }
    }

    /// Adds one of the rows that the fit was made of, in the same layout.
    pub fn push(&mut self, row: &[i64]) {
        self.n += 1;
        let residual = self.scorer.work_out(row);
        for (direction, sum) in self.directions.iter().zip(&mut self.squared_shares) {
            let part = direction.as_ref().map_or(0.0, |direction| self.scorer.part(direction));
            let share = part * part;
            *sum += (share * share * SHARE_STEPS) as i128;
        }
        let rest = 1.0 - residual.leverage;
        let inflated = match self.kind {
            RobustError::Hc0 | RobustError::Hc1 => residual.value,
            _ if rest <= DECIDES => {
                self.deciding += 1;
                return;
            }
            RobustError::Hc2 => residual.value / rest.sqrt(),
            RobustError::Hc3 => residual.value / rest,
        };
        let coarser_bits = if residual.leverage >= HIGH_LEVERAGE { COARSER_BITS } else { 0 };
        self.scorer.scores(inflated, f64::from(1_u32 << coarser_bits), &mut self.scores);
        let mut squares = self.squares.iter_mut();
        for (row, left) in self.scores.iter().enumerate() {
            let wide = i128::from(*left);
            for (right, square) in self.scores[..=row].iter().zip(squares.by_ref()) {
                *square += i256::from_i128(wide * i128::from(*right)) << (2 * coarser_bits);
            }
        }
    }

    /// The number of rows so far.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The covariance of the coefficients.
    ///
    /// # Errors
    /// [`NotEstimable::LeverageOne`] for HC2 and HC3 if a row decides a coefficient alone.
    ///
    /// # Panics
    /// Not all rows of the fit were added, or more: a bug of the caller.
    pub fn covariance(&self) -> Result<Covariance, NotEstimable> {
        let fit = self.scorer.fit();
        assert_eq!(self.n, fit.n(), "the meat needs the rows of the fit");
        if self.deciding > 0 {
            return Err(NotEstimable::LeverageOne);
        }
        let factor = if self.kind == RobustError::Hc1 { self.n as f64 / fit.residual_degrees() } else { 1.0 };
        let matrix = lower_triangle(&self.squares, fit.rank(), factor / self.scorer.squared_steps());
        Ok(Covariance::with_degrees(matrix, fit.residual_degrees(), self.range()))
    }

    fn range(&self) -> Range {
        let units = |(direction, sum): (&Option<Vec<f64>>, &i128)| {
            direction.as_ref().map(|_| SHARE_STEPS / (*sum).max(1) as f64)
        };
        let of = self.directions.iter().zip(&self.squared_shares).map(units).collect();
        let needed = if self.kind == RobustError::Hc3 { HC3_UNITS } else { OTHER_UNITS };
        Range::EffectiveUnits { of, needed }
    }
}

/// A matrix from its lower triangle as integers.
pub(super) fn lower_triangle(entries: &[i256], size: usize, factor: f64) -> Symmetric {
    Symmetric::from_lower(size, |row, column| to_f64(entries[row * (row + 1) / 2 + column]) * factor)
}

impl AddAssign<&Self> for Meat {
    /// Adds other rows of the same fit.
    ///
    /// # Panics
    /// The other is of another fit or kind: a bug of the caller.
    fn add_assign(&mut self, other: &Self) {
        assert!(self.scorer.fit() == other.scorer.fit() && self.kind == other.kind, "meats of one fit are added");
        self.n += other.n;
        self.deciding += other.deciding;
        self.squares.iter_mut().zip(&other.squares).for_each(|(square, other)| *square += *other);
        self.squared_shares.iter_mut().zip(&other.squared_shares).for_each(|(sum, other)| *sum += other);
    }
}
