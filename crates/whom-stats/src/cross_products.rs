//! Exact, mergeable sums and products of several columns on their integer grids: what regressions and ratios are made of.

use std::ops::AddAssign;

use arrow_buffer::i256;
use serde::{Deserialize, Serialize};

use crate::grid::Grid;
use crate::moments::non_negative_to_f64;

/// Count, sums and products of grid values, for every pair of `columns` columns: the partial state that merges.
///
/// All are integers, so merging is associative and commutative to the bit. A value lies below 2^45 in absolute terms
/// ([`crate::grid::MAX_GRID_VALUE`]); over 2^34 rows a sum of products stays below 2^124 and fits an `i128`. A row counts
/// in all columns or in none: what is missing is decided before.
///
/// ```
/// use whom_stats::{CrossProducts, Grid};
///
/// let (clicks, views) = (0, 1);
/// let mut products = CrossProducts::new(2);
/// products.push(&[1, 10]);
/// products.push(&[3, 14]);
/// assert_eq!((products.n(), products.sum(clicks), products.product(clicks, views)), (2, 4, 52));
/// assert_eq!(products.mean(views, Grid::INTEGER), Some(12.0));
/// assert_eq!(products.covariance(clicks, views, &[Grid::INTEGER; 2]), Some(4.0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrossProducts {
    n: u64,
    sums: Vec<i128>,
    /// Row by row of the upper triangle: (0, 0), (0, 1), ..., (1, 1), (1, 2), ...
    products: Vec<i128>,
}

impl CrossProducts {
    /// Of no row.
    pub fn new(columns: usize) -> Self {
        Self { n: 0, sums: vec![0; columns], products: vec![0; columns * (columns + 1) / 2] }
    }

    /// Adds a row of grid values, one per column.
    ///
    /// # Panics
    /// The row has another number of values: a bug of the caller.
    #[inline]
    pub fn push(&mut self, row: &[i64]) {
        assert_eq!(row.len(), self.columns(), "a row has a value for each column");
        self.n += 1;
        let mut products = self.products.iter_mut();
        for (first, value) in row.iter().enumerate() {
            let wide = i128::from(*value);
            self.sums[first] += wide;
            for (other, product) in row[first..].iter().zip(products.by_ref()) {
                *product += wide * i128::from(*other);
            }
        }
    }

    /// The number of columns.
    pub fn columns(&self) -> usize {
        self.sums.len()
    }

    /// The number of rows.
    pub fn n(&self) -> u64 {
        self.n
    }

    /// The sum of a column's grid values.
    pub fn sum(&self, column: usize) -> i128 {
        self.sums[column]
    }

    /// The sum of the products of two columns' grid values; of the squares, if it is one column.
    pub fn product(&self, first: usize, second: usize) -> i128 {
        let (first, second) = (first.min(second), first.max(second));
        let row = first * self.columns() - first * first.saturating_sub(1) / 2;
        self.products[row + second - first]
    }

    /// The centred product n * `product` - `sum` * `sum`, which is n times the sum of products of deviations, in grid steps.
    ///
    /// Exact in 256 bits: below 2^159. Adding constants to the columns changes nothing.
    pub fn centred(&self, first: usize, second: usize) -> i256 {
        let products = i256::from_i128(i128::from(self.n)) * i256::from_i128(self.product(first, second));
        products - i256::from_i128(self.sums[first]) * i256::from_i128(self.sums[second])
    }

    /// Whether some values of a column differ.
    pub fn varies(&self, column: usize) -> bool {
        self.centred(column, column) != i256::ZERO
    }

    /// A column's mean, or `None` without a row.
    pub fn mean(&self, column: usize, grid: Grid) -> Option<f64> {
        (self.n > 0).then(|| self.sums[column] as f64 / self.n as f64 / grid.steps_per_one())
    }

    /// The sample covariance of two columns with divisor n - 1, or a column's variance; `None` with fewer than two rows.
    ///
    /// `grids` has the grid of every column. The numerator is exact, so that a shift of the values changes no bit, and
    /// negating a column changes the sign only.
    pub fn covariance(&self, first: usize, second: usize, grids: &[Grid]) -> Option<f64> {
        let pairs = u128::from(self.n) * u128::from(self.n.saturating_sub(1));
        let (first_steps, second_steps) = (grids[first].steps_per_one(), grids[second].steps_per_one());
        (pairs > 0).then(|| to_f64(self.centred(first, second)) / pairs as f64 / first_steps / second_steps)
    }
}

/// The nearest `f64` or its neighbour, the same on every machine; odd, as multiplication by -1 is exact.
pub(crate) fn to_f64(value: i256) -> f64 {
    if value.is_negative() { -non_negative_to_f64(value.wrapping_neg()) } else { non_negative_to_f64(value) }
}

impl AddAssign<&Self> for CrossProducts {
    /// Adds the products of other rows of the same columns.
    ///
    /// # Panics
    /// The other has another number of columns: a bug of the caller.
    fn add_assign(&mut self, other: &Self) {
        assert_eq!(self.columns(), other.columns(), "products of the same columns are added");
        self.n += other.n;
        self.sums.iter_mut().zip(&other.sums).for_each(|(sum, other)| *sum += other);
        self.products.iter_mut().zip(&other.products).for_each(|(product, other)| *product += other);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grid::MAX_GRID_VALUE;
    use crate::moments::Moments;

    const COLUMNS: usize = 4;
    const GRIDS: [Grid; COLUMNS] = [Grid::INTEGER, Grid::FLOAT, Grid::INTEGER, Grid::FLOAT];

    type Row = [i64; COLUMNS];

    fn of_rows(rows: &[Row]) -> CrossProducts {
        let mut products = CrossProducts::new(COLUMNS);
        for row in rows {
            products.push(row);
        }
        products
    }

    fn sum(left: &CrossProducts, right: &CrossProducts) -> CrossProducts {
        let mut sum = left.clone();
        sum += right;
        sum
    }

    fn any_rows() -> impl Strategy<Value = Vec<Row>> {
        prop::collection::vec(prop::array::uniform4(-MAX_GRID_VALUE..=MAX_GRID_VALUE), 0..12)
    }

    fn small_rows() -> impl Strategy<Value = Vec<Row>> {
        prop::collection::vec(prop::array::uniform4(-1_000_000_i64..1_000_000), 2..20)
    }

    fn pairs() -> impl Iterator<Item = (usize, usize)> {
        (0..COLUMNS).flat_map(|first| (0..COLUMNS).map(move |second| (first, second)))
    }

    proptest! {
        #[test]
        fn merging_is_commutative_and_associative(a in any_rows(), b in any_rows(), c in any_rows()) {
            let (a, b, c) = (of_rows(&a), of_rows(&b), of_rows(&c));
            prop_assert_eq!(sum(&a, &b), sum(&b, &a));
            prop_assert_eq!(sum(&sum(&a, &b), &c), sum(&a, &sum(&b, &c)));
        }

        #[test]
        fn merging_parts_is_counting_all_rows_in_any_order(rows in any_rows(), cut in 0..12_usize) {
            let cut = cut.min(rows.len());
            let turned: Vec<Row> = rows.iter().rev().copied().collect();
            prop_assert_eq!(sum(&of_rows(&rows[..cut]), &of_rows(&rows[cut..])), of_rows(&turned));
        }

        #[test]
        fn every_product_is_the_sum_over_rows(rows in any_rows()) {
            let products = of_rows(&rows);
            for (i, j) in pairs() {
                let slow: i128 = rows.iter().map(|row| i128::from(row[i]) * i128::from(row[j])).sum();
                prop_assert_eq!(products.product(i, j), slow);
            }
        }

        #[test]
        fn a_shift_of_the_columns_changes_no_centred_product(
            rows in small_rows(), shift in prop::array::uniform4(-10_000_000_000_000_i64..10_000_000_000_000),
        ) {
            let shifted: Vec<Row> = rows.iter().map(|row| std::array::from_fn(|i| row[i] + shift[i])).collect();
            let (before, after) = (of_rows(&rows), of_rows(&shifted));
            for (i, j) in pairs() {
                prop_assert_eq!(before.centred(i, j), after.centred(i, j));
                prop_assert_eq!(before.covariance(i, j, &GRIDS), after.covariance(i, j, &GRIDS));
            }
        }

        #[test]
        fn the_covariance_is_that_of_the_deviations(rows in small_rows()) {
            let products = of_rows(&rows);
            let n = rows.len() as f64;
            for (i, j) in pairs() {
                let value = |row: &Row, column: usize| GRIDS[column].from_grid(row[column]);
                let mean = |column| rows.iter().map(|row| value(row, column)).sum::<f64>() / n;
                let (mean_i, mean_j) = (mean(i), mean(j));
                let slow: f64 = rows.iter().map(|row| (value(row, i) - mean_i) * (value(row, j) - mean_j)).sum();
                let scale = (products.covariance(i, i, &GRIDS).unwrap() * products.covariance(j, j, &GRIDS).unwrap()).sqrt();
                let found = products.covariance(i, j, &GRIDS).unwrap();
                prop_assert!((found - slow / (n - 1.0)).abs() <= 1e-12 * scale, "{} {}", found, slow / (n - 1.0));
            }
        }

        #[test]
        fn negating_a_column_changes_the_sign_only(rows in small_rows()) {
            let negated: Vec<Row> = rows.iter().map(|row| [-row[0], row[1], row[2], row[3]]).collect();
            let (before, after) = (of_rows(&rows), of_rows(&negated));
            prop_assert_eq!(before.covariance(0, 1, &GRIDS).map(|covariance| -covariance), after.covariance(0, 1, &GRIDS));
            prop_assert_eq!(before.covariance(0, 0, &GRIDS), after.covariance(0, 0, &GRIDS));
        }

        #[test]
        fn one_column_has_the_moments_of_its_values(rows in any_rows()) {
            let products = of_rows(&rows);
            let moments: Moments = rows.iter().map(|row| row[1]).collect();
            prop_assert_eq!((products.n(), products.sum(1), products.product(1, 1)), (moments.n, moments.sum, moments.sum_squares));
            prop_assert_eq!(products.covariance(1, 1, &GRIDS), moments.variance(GRIDS[1]));
            prop_assert_eq!(products.mean(1, GRIDS[1]), moments.mean(GRIDS[1]));
            prop_assert_eq!(products.varies(1), moments.varies());
        }
    }

    #[test]
    fn the_ends_of_the_range_fit_over_two_to_the_34_rows() {
        let mut products = of_rows(&[[MAX_GRID_VALUE; COLUMNS], [-MAX_GRID_VALUE; COLUMNS]]);
        while products.n() < 1 << 34 {
            let half = products.clone();
            products += &half;
        }
        let square = f64::powi(MAX_GRID_VALUE as f64, 2);
        let found = products.covariance(0, 2, &[Grid::INTEGER; COLUMNS]).unwrap();
        assert!((found / square - 1.0).abs() < 1e-9, "divisor n - 1");
    }

    #[test]
    fn nothing_has_no_mean_and_one_row_no_covariance() {
        assert_eq!(CrossProducts::new(2).mean(0, Grid::INTEGER), None);
        assert_eq!(of_rows(&[[1; COLUMNS]]).covariance(0, 1, &GRIDS), None);
    }
}
