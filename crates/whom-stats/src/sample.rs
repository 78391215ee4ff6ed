//! What every estimator of an arm reads: means and covariances of its columns, whoever counted them.
//!
//! Exact cross-products of units, totals of clusters, and sums that a bootstrap has weighted all become a [`Sample`]. An
//! estimator is a function of one sample per arm, so whatever can be estimated once can be estimated for clusters and in
//! every replicate.

use serde::{Deserialize, Serialize};

use crate::cross_products::CrossProducts;
use crate::estimate::NotEstimable;
use crate::grid::Grid;
use crate::reliability::{Unreliable, is_near_zero};

/// A variance below this part of the squares that it is the difference of is rounding.
pub(crate) const ROUNDING: f64 = 1e-12;

/// Means and covariances of the columns of one arm.
///
/// A column's mean is held as a centre, the same for all arms, and an offset from it: a difference of arms is one of offsets,
/// so that it keeps its digits however far from zero the column lies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    units: f64,
    centres: Vec<f64>,
    offsets: Vec<f64>,
    /// Row after row.
    covariances: Vec<f64>,
    degrees_of_freedom: f64,
    unreliable: Option<Unreliable>,
}

/// Weighted sums of the columns about their centres.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CentredSums {
    /// The number of units, or the sum of their weights.
    pub units: f64,
    /// By column, the sum of value less centre.
    pub sums: Vec<f64>,
    /// The sums of products of two columns less their centres, row after row.
    pub products: Vec<f64>,
}

/// A column to be made of others: one column's mean over that of another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatioColumn {
    /// The column above.
    pub numerator: usize,
    /// The column below; `None` keeps the numerator as it is.
    pub denominator: Option<usize>,
    /// What was taken off the numerator per unit of the denominator, and the centre of the result. 0 if nothing was.
    pub centre: f64,
}

impl CentredSums {
    /// The sums of exact cross-products about integer centres, one per column; `grids` has the grid of each.
    ///
    /// Values less centres are below 2^46, so sums of their products over 2^34 units are below 2^126.
    pub fn new(products: &CrossProducts, centres: &[i64], grids: &[Grid]) -> Self {
        let columns = centres.len();
        let units = i128::from(products.n());
        let sum = |column: usize| products.sum(column) - i128::from(centres[column]) * units;
        let steps = |column: usize| grids[column].steps_per_one();
        let product = |place: usize| {
            let (row, column) = (place / columns, place % columns);
            let (above, beside) = (i128::from(centres[row]), i128::from(centres[column]));
            let about = products.product(row, column) - above * products.sum(column) - beside * sum(row);
            about as f64 / steps(row) / steps(column)
        };
        Self {
            units: products.n() as f64,
            sums: (0..columns).map(|column| sum(column) as f64 / steps(column)).collect(),
            products: (0..columns * columns).map(product).collect(),
        }
    }

    /// Adds the sums of other units, each `weight` times.
    pub(crate) fn add(&mut self, other: &Self, weight: f64) {
        self.units += weight * other.units;
        self.sums.resize(other.sums.len(), 0.0);
        self.products.resize(other.products.len(), 0.0);
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, other)| *sum += weight * other);
        self.products.iter_mut().zip(&other.products).for_each(|(sum, other)| *sum += weight * other);
    }

    /// The sums of the units that are not in `part`.
    pub(crate) fn without(&self, part: &Self) -> Self {
        let mut rest = self.clone();
        rest.add(part, -1.0);
        rest
    }
}

impl Sample {
    /// The sample of exact cross-products. `centres` are grid values near the columns' means, the same for all arms, such as
    /// [`centres`]; with them a difference of arms keeps its digits however far from zero the columns lie. Covariances are
    /// exact until they are rounded once.
    ///
    /// # Errors
    /// No unit, or only one.
    pub fn exact(products: &CrossProducts, centres: &[i64], grids: &[Grid]) -> Result<Self, NotEstimable> {
        let columns = centres.len();
        if products.n() == 0 {
            return Err(NotEstimable::EmptyArm);
        }
        let units = products.n() as f64;
        let offset = |column: usize| {
            let sum = products.sum(column) - i128::from(centres[column]) * i128::from(products.n());
            sum as f64 / units / grids[column].steps_per_one()
        };
        let covariances: Option<Vec<f64>> =
            (0..columns * columns).map(|place| products.covariance(place / columns, place % columns, grids)).collect();
        let covariances = covariances.ok_or(NotEstimable::OneUnit)?;
        let means = centres.iter().zip(grids).map(|(centre, grid)| grid.from_grid(*centre)).collect();
        Ok(Self::new(units, means, (0..columns).map(offset).collect(), covariances))
    }

    /// The sample of weighted sums; `centres` are those of the columns.
    ///
    /// # Errors
    /// No unit, or not more than one; a variance would divide by zero.
    pub fn from_sums(sums: &CentredSums, centres: &[f64]) -> Result<Self, NotEstimable> {
        let (units, columns) = (sums.units, centres.len());
        if units <= 0.0 {
            return Err(NotEstimable::EmptyArm);
        }
        if units <= 1.0 {
            return Err(NotEstimable::OneUnit);
        }
        let offsets: Vec<f64> = sums.sums.iter().map(|sum| sum / units).collect();
        let squares = |column: usize| sums.products[column * columns + column];
        let covariance = |place: usize| {
            let (row, column) = (place / columns, place % columns);
            let deviations = sums.products[place] - sums.sums[row] * offsets[column];
            let scale = (squares(row) * squares(column)).sqrt();
            if deviations.abs() > ROUNDING * scale { deviations / (units - 1.0) } else { 0.0 }
        };
        let covariances = (0..columns * columns).map(covariance).collect();
        Ok(Self::new(units, centres.to_vec(), offsets, covariances))
    }

    /// The sample of rows that are held one by one, as those of clusters are, each as often as its weight says.
    ///
    /// Deviations are formed before they are squared, so nothing cancels.
    ///
    /// # Errors
    /// No row with a weight, or weights that add up to no more than one.
    pub fn from_rows(rows: &[Vec<f64>], weights: Option<&[f64]>) -> Result<Self, NotEstimable> {
        let weight = |row: usize| weights.map_or(1.0, |weights| weights.get(row).copied().unwrap_or(0.0));
        let columns = rows.first().map_or(0, Vec::len);
        let units: f64 = (0..rows.len()).map(weight).sum();
        if units <= 0.0 {
            return Err(NotEstimable::EmptyArm);
        }
        if units <= 1.0 {
            return Err(NotEstimable::OneUnit);
        }
        let total =
            |column: usize| rows.iter().enumerate().map(|(row, values)| weight(row) * values[column]).sum::<f64>();
        let offsets: Vec<f64> = (0..columns).map(|column| total(column) / units).collect();
        let mut covariances = vec![0.0; columns * columns];
        for (row, values) in rows.iter().enumerate() {
            let weight = weight(row) / (units - 1.0);
            let deviation = |column: usize| values[column] - offsets[column];
            for (place, covariance) in covariances.iter_mut().enumerate() {
                *covariance += weight * deviation(place / columns) * deviation(place % columns);
            }
        }
        Ok(Self::new(units, vec![0.0; columns], offsets, covariances))
    }

    pub(crate) fn new(units: f64, centres: Vec<f64>, offsets: Vec<f64>, covariances: Vec<f64>) -> Self {
        Self { units, centres, offsets, covariances, degrees_of_freedom: units - 1.0, unreliable: None }
    }

    /// With these degrees of freedom, and this reason why an interval may not hold its level.
    #[must_use]
    pub(crate) fn judged(self, degrees_of_freedom: f64, unreliable: Option<Unreliable>) -> Self {
        Self { degrees_of_freedom, unreliable, ..self }
    }

    /// Units, or clusters.
    pub fn units(&self) -> f64 {
        self.units
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.offsets.len()
    }

    /// Degrees of freedom of a variance.
    pub fn degrees_of_freedom(&self) -> f64 {
        self.degrees_of_freedom
    }

    /// Why an interval may not hold its level, if it may not.
    pub fn unreliable(&self) -> Option<Unreliable> {
        self.unreliable
    }

    /// A column's mean.
    pub fn mean(&self, column: usize) -> f64 {
        self.centres[column] + self.offsets[column]
    }

    /// A column's mean less the centre that it shares with the other arms.
    pub fn offset(&self, column: usize) -> f64 {
        self.offsets[column]
    }

    /// The covariance of two columns over units, divisor n - 1.
    pub fn covariance(&self, left: usize, right: usize) -> f64 {
        self.covariances[left * self.columns() + right]
    }

    /// The sample of new columns, each a ratio of means or a mean, to first order (the delta method).
    ///
    /// With R = N / D the unit moves R by e / D, e = n - R d; the covariance of two new columns is that of their e / D. A mean
    /// per unit of clusters, a ratio metric and one measured on clusters are all of this kind: the ratio of two sums over
    /// independent units.
    ///
    /// # Errors
    /// [`NotEstimable::DenominatorZero`]; [`NotEstimable::NotCounted`] for a column that is not there. A denominator within
    /// nine standard errors of zero marks the sample unreliable: e / D is no longer nearly linear.
    pub fn ratios(&self, columns: &[RatioColumn]) -> Result<Self, NotEstimable> {
        let directions = columns.iter().map(|column| self.direction(*column)).collect::<Result<Vec<_>, _>>()?;
        let near_zero = columns.iter().filter_map(|column| column.denominator).any(|denominator| {
            is_near_zero(self.mean(denominator), self.covariance(denominator, denominator) / self.units)
        });
        let centres = columns.iter().map(|column| match column.denominator {
            Some(_) => column.centre,
            None => self.centres[column.numerator],
        });
        let offsets = columns.iter().map(|column| match column.denominator {
            Some(denominator) => self.mean(column.numerator) / self.mean(denominator),
            None => self.offsets[column.numerator],
        });
        let covariances = directions.iter().flat_map(|left| directions.iter().map(|right| self.along(left, right)));
        let made = Self::new(self.units, centres.collect(), offsets.collect(), covariances.collect());
        Ok(made
            .judged(self.degrees_of_freedom, self.unreliable.or(near_zero.then_some(Unreliable::DenominatorNearZero))))
    }

    /// With one more column, at the end: the difference of two, such as a cohort's mean and that of the rest.
    ///
    /// # Errors
    /// [`NotEstimable::NotCounted`] for a column that is not there.
    pub fn with_difference(&self, left: usize, right: usize) -> Result<Self, NotEstimable> {
        let columns = self.columns();
        if left.max(right) >= columns {
            return Err(NotEstimable::NotCounted);
        }
        let mut directions: Vec<Direction> = (0..columns).map(|column| [(column, 1.0), (column, 0.0)]).collect();
        directions.push([(left, 1.0), (right, -1.0)]);
        let with = |values: &[f64]| values.iter().copied().chain([values[left] - values[right]]).collect();
        let covariances = directions.iter().flat_map(|left| directions.iter().map(|right| self.along(left, right)));
        let made = Self::new(self.units, with(&self.centres), with(&self.offsets), covariances.collect());
        Ok(made.judged(self.degrees_of_freedom, self.unreliable))
    }

    /// How a unit's values move the new column.
    fn direction(&self, column: RatioColumn) -> Result<Direction, NotEstimable> {
        let denominator = column.denominator.unwrap_or(column.numerator);
        if column.numerator.max(denominator) >= self.columns() {
            return Err(NotEstimable::NotCounted);
        }
        if column.denominator.is_none() {
            return Ok([(column.numerator, 1.0), (column.numerator, 0.0)]);
        }
        let below = self.mean(denominator);
        if below == 0.0 {
            return Err(NotEstimable::DenominatorZero);
        }
        Ok([(column.numerator, 1.0 / below), (denominator, -self.mean(column.numerator) / below / below)])
    }

    fn along(&self, left: &Direction, right: &Direction) -> f64 {
        let terms =
            left.iter().flat_map(|(row, by)| right.iter().map(move |(column, times)| (row, column, by * times)));
        terms.map(|(row, column, weight)| weight * self.covariance(*row, *column)).sum()
    }
}

/// By column, the grid value below its mean over all arms: centres that move along with a shift of the column.
pub fn centres(arms: &[CrossProducts]) -> Vec<i64> {
    let units: i128 = arms.iter().map(|arm| i128::from(arm.n())).sum();
    let columns = arms.first().map_or(0, CrossProducts::columns);
    let centre = |column: usize| {
        let sum: i128 = arms.iter().map(|arm| arm.sum(column)).sum();
        sum.checked_div_euclid(units).and_then(|centre| i64::try_from(centre).ok()).unwrap_or(0)
    };
    (0..columns).map(centre).collect()
}

/// A linear combination of two columns.
type Direction = [(usize, f64); 2];

#[cfg(test)]
mod tests;
