//! Errors that allow the units of a cluster any correlation: scores summed by cluster, from one more pass.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use arrow_buffer::i256;
use serde::{Deserialize, Serialize};

use super::covariance::{ClusterShape, Covariance, Range};
use super::eigen::Eigen;
use super::least_squares::LeastSquares;
use super::meat::lower_triangle;
use super::score::Scorer;
use super::symmetric::Symmetric;
use crate::clusters::cr1_factor;
use crate::cross_products::CrossProducts;
use crate::estimate::NotEstimable;

/// 1 less an eigenvalue of a cluster's shape at which the cluster alone decides the direction.
const DECIDES: f64 = 1e-9;

/// Where CR0 and CR1 are shown without a mark: from 50 clusters on.
const MANY_CLUSTERS: Range = Range::Degrees(49);
/// Where CR2 holds its level: from 4 degrees of freedom on.
const BELL_MCCAFFREY: Range = Range::Degrees(4);

/// Standard errors by cluster.
///
/// **Range.** From 4 degrees of freedom on CR2 covers 93.8 to 95.6 % at a level of 95 %; with fewer it is on the safe side, up to
/// 99 %. CR0 and CR1 are marked below 50 clusters, but it is not their number that matters: with 50 clusters of 4 to 604
/// units, ten of which are treated, CR1 covers 88 % (`tests/reference/linear_ranges.csv`). Where clusters are unequal or few
/// of them are treated, CR2 is the one to read at any number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClusterError {
    /// Sums of scores as they are (Liang and Zeger 1986); clusters - 1 degrees of freedom.
    Cr0,
    /// Times G / (G - 1) (n - 1) / (n - rank) for G clusters, as Stata and statsmodels do; G - 1 degrees of freedom.
    Cr1,
    /// Residuals of cluster g times (I - H_gg)^(-1/2), unbiased if errors are independent with one variance; degrees of
    /// freedom by Satterthwaite (Bell and McCaffrey 2002). For few or unequal clusters.
    Cr2,
}

/// Sums of scores by cluster, as exact integers: a partial state that merges.
///
/// CR2 from sums alone: residuals of cluster g times A_g = (I - H_gg)^(-1/2), H_gg = U_g U_g', are needed only as U_g' A_g e_g.
/// For any function f of a symmetric matrix U f(U'U) = f(UU') U, hence U_g' A_g e_g = (I - G_g)^(-1/2) U_g' e_g with G_g =
/// U_g'U_g, a matrix of the coefficients' size that holds for clusters of any sizes. Where G_g has the eigenvalue 1 the
/// inverse is Moore's and Penrose's, as in Pustejovsky and Tipton (2018), and combinations that lie there are
/// [`NotEstimable::OneClusterDecides`].
///
/// ```
/// use whom_stats::linear::{ClusterError, ClusterScores, LeastSquares, Variables};
/// use whom_stats::{CrossProducts, Grid};
///
/// // Cluster, arm and outcome.
/// let rows = [(1, [0, 3]), (1, [0, 5]), (2, [0, 7]), (3, [1, 4]), (3, [1, 6]), (4, [1, 12]), (5, [1, 9])];
/// let mut products = CrossProducts::new(2);
/// rows.iter().for_each(|(_, row)| products.push(row));
/// let fit = LeastSquares::fit(&products, &Variables { predictors: vec![0], outcome: 1 }, &[Grid::INTEGER; 2])?;
///
/// let mut scores = ClusterScores::new(&fit, ClusterError::Cr2);
/// rows.iter().for_each(|(cluster, row)| scores.push(*cluster, row));
/// let effect = fit.estimate(&[0.0, 1.0], &scores.covariance()?)?;
/// assert_eq!(format!("{:.3} ({:.3})", effect.value, effect.std_err), "2.750 (2.723)");
/// assert!(effect.degrees_of_freedom < 4.0, "{} clusters say less than 4 degrees", scores.clusters());
/// # Ok::<(), whom_stats::NotEstimable>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClusterScores {
    kind: ClusterError,
    scorer: Scorer,
    clusters: BTreeMap<u64, ClusterSum>,
    scores: Vec<i64>,
    centred: Vec<i64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct ClusterSum {
    n: u64,
    /// In grid steps of scores, the constant first.
    scores: Vec<i128>,
    /// Of the kept predictors about their centres; of no column where CR2 is not asked for.
    products: CrossProducts,
}

impl ClusterScores {
    /// Of no row of the fit. CR2 keeps the cross-products of every cluster, the others a sum for each coefficient.
    pub fn new(fit: &LeastSquares, kind: ClusterError) -> Self {
        let (scores, centred) = (Vec::with_capacity(fit.rank()), Vec::with_capacity(fit.rank()));
        Self { kind, scorer: Scorer::new(fit), clusters: BTreeMap::new(), scores, centred }
    }

    /// Adds one of the rows that the fit was made of, in the same layout, to its cluster.
    pub fn push(&mut self, cluster: u64, row: &[i64]) {
        let residual = self.scorer.work_out(row);
        self.scorer.scores(residual.value, 1.0, &mut self.scores);
        self.centred.clear();
        if self.kind == ClusterError::Cr2 {
            let fit = self.scorer.fit();
            let axes = fit.basis.kept().iter().map(|kept| fit.predictors[*kept]);
            self.centred.extend(axes.map(|axis| row[axis.column] - axis.centre));
        }
        let sum =
            self.clusters.entry(cluster).or_insert_with(|| ClusterSum::new(self.scores.len(), self.centred.len()));
        sum.n += 1;
        sum.scores.iter_mut().zip(&self.scores).for_each(|(sum, score)| *sum += i128::from(*score));
        sum.products.push(&self.centred);
    }

    /// The number of clusters.
    pub fn clusters(&self) -> usize {
        self.clusters.len()
    }

    /// The number of equal clusters that would say as much about a mean: (sum of sizes)² / sum of squared sizes.
    pub fn effective_clusters(&self) -> f64 {
        let squares: u128 = self.clusters.values().map(|sum| u128::from(sum.n) * u128::from(sum.n)).sum();
        let n = self.n() as f64;
        if squares > 0 { n * n / squares as f64 } else { 0.0 }
    }

    /// The covariance of the coefficients.
    ///
    /// # Errors
    /// All rows are in one cluster.
    ///
    /// # Panics
    /// Not all rows of the fit were added, or more: a bug of the caller.
    pub fn covariance(&self) -> Result<Covariance, NotEstimable> {
        let fit = self.scorer.fit();
        assert_eq!(self.n(), fit.n(), "scores by cluster need the rows of the fit");
        if self.clusters.len() < 2 {
            return Err(NotEstimable::OneCluster);
        }
        let (clusters, n) = (self.clusters.len() as f64, fit.n() as f64);
        match self.kind {
            ClusterError::Cr0 => Ok(Covariance::with_degrees(self.squares(1.0), clusters - 1.0, MANY_CLUSTERS)),
            ClusterError::Cr1 => {
                let factor = cr1_factor(clusters, n, fit.residual_degrees());
                Ok(Covariance::with_degrees(self.squares(factor), clusters - 1.0, MANY_CLUSTERS))
            }
            ClusterError::Cr2 => Ok(self.adjusted()),
        }
    }

    fn n(&self) -> u64 {
        self.clusters.values().map(|sum| sum.n).sum()
    }

    /// The sum over clusters of squared sums of scores.
    fn squares(&self, factor: f64) -> Symmetric {
        let size = self.scorer.fit().rank();
        let mut squares = vec![i256::ZERO; size * (size + 1) / 2];
        for cluster in self.clusters.values() {
            let mut squares = squares.iter_mut();
            for (row, left) in cluster.scores.iter().enumerate() {
                let wide = i256::from_i128(*left);
                for (right, square) in cluster.scores[..=row].iter().zip(squares.by_ref()) {
                    *square += wide * i256::from_i128(*right);
                }
            }
        }
        lower_triangle(&squares, size, factor / self.scorer.squared_steps())
    }

    fn adjusted(&self) -> Covariance {
        let fit = self.scorer.fit();
        let mut matrix = Symmetric::from_lower(fit.rank(), |_, _| 0.0);
        let mut shapes = Vec::with_capacity(self.clusters.len());
        for cluster in self.clusters.values() {
            let shape = cluster.shape(fit);
            let scores: Vec<f64> = cluster.scores.iter().map(|score| *score as f64).collect();
            matrix.add_square(1.0, &shape.inverse_root.product(&scores));
            shapes.push(shape);
        }
        Covariance::with_shapes(matrix.times(1.0 / self.scorer.squared_steps()), shapes, BELL_MCCAFFREY)
    }
}

impl ClusterSum {
    fn new(scores: usize, columns: usize) -> Self {
        Self { n: 0, scores: vec![0; scores], products: CrossProducts::new(columns) }
    }

    /// The cluster's rows in the basis of the fit.
    fn shape(&self, fit: &LeastSquares) -> ClusterShape {
        let gram = self.gram(fit);
        let eigen = Eigen::new(&gram);
        let inverse_root = eigen.map(|value| if 1.0 - value > DECIDES { 1.0 / (1.0 - value).sqrt() } else { 0.0 });
        let pairs = eigen.values.iter().zip(eigen.vectors);
        let decided = pairs.filter(|(value, _)| 1.0 - **value <= DECIDES).map(|(_, vector)| vector).collect();
        ClusterShape { gram, inverse_root, decided }
    }

    /// U_g'U_g, the constant first: L⁻¹ times the products of the centred and scaled columns times L⁻¹'.
    fn gram(&self, fit: &LeastSquares) -> Symmetric {
        let (n, products) = (self.n as f64, &self.products);
        let axes: Vec<_> = fit.basis.kept().iter().map(|kept| fit.predictors[*kept]).collect();
        let sum = |place: usize| products.sum(place) as f64 - n * axes[place].rest;
        let product = |row: usize, column: usize| {
            let about_centre = products.product(row, column) as f64;
            let correction = axes[row].rest * products.sum(column) as f64 + axes[column].rest * sum(row);
            (about_centre - correction) / axes[row].scale / axes[column].scale
        };
        let constant = 1.0 / (fit.n() as f64).sqrt();
        let sums: Vec<f64> = (0..axes.len()).map(|place| sum(place) / axes[place].scale * constant).collect();
        let half: Vec<Vec<f64>> = (0..axes.len())
            .map(|row| fit.basis.solve_lower(&(0..axes.len()).map(|column| product(row, column)).collect::<Vec<_>>()))
            .collect();
        // `half` has the rows of D'D L⁻¹'; its columns, solved once more, are those of L⁻¹ D'D L⁻¹'.
        let column = |column: usize| fit.basis.solve_lower(&half.iter().map(|row| row[column]).collect::<Vec<_>>());
        let columns: Vec<Vec<f64>> = (0..axes.len()).map(column).collect();
        let with_constant = fit.basis.solve_lower(&sums);
        Symmetric::from_lower(axes.len() + 1, |row, column| match (row, column) {
            (0, _) => n * constant * constant,
            (_, 0) => with_constant[row - 1],
            _ => columns[column - 1][row - 1],
        })
    }
}

impl AddAssign<&Self> for ClusterScores {
    /// Adds other rows of the same fit; a cluster may have rows in both.
    ///
    /// # Panics
    /// The other is of another fit or kind: a bug of the caller.
    fn add_assign(&mut self, other: &Self) {
        assert!(self.scorer.fit() == other.scorer.fit() && self.kind == other.kind, "scores of one fit are added");
        for (cluster, part) in &other.clusters {
            let empty = || ClusterSum::new(part.scores.len(), part.products.columns());
            let sum = self.clusters.entry(*cluster).or_insert_with(empty);
            sum.n += part.n;
            sum.scores.iter_mut().zip(&part.scores).for_each(|(sum, part)| *sum += part);
            sum.products += &part.products;
        }
    }
}
