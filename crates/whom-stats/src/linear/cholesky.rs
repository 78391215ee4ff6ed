//! Cholesky's factor of a correlation matrix, with a rule for columns that say nothing new.

use serde::{Deserialize, Serialize};

use super::symmetric::{Symmetric, dot};

/// The share of a column's variance that those before it must leave unexplained. Below, the column counts as a linear
/// combination of them: what would be left is mostly the rounding of values to their grids and of correlations to 53 bits.
pub const LEAST_NEW_VARIANCE: f64 = 1e-10;

/// R = L L' for the columns that are linearly independent.
///
/// Columns are taken in their order. One whose pivot, the share of its variance that the columns kept so far do not explain,
/// is at most [`LEAST_NEW_VARIANCE`] is left out, and its place is known: of columns that depend on each other the last one
/// goes, on every machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cholesky {
    /// The columns that are kept, ascending.
    kept: Vec<usize>,
    /// For each column its coordinates in the orthonormal basis of the kept ones; the rows of L for those that are kept.
    rows: Vec<Vec<f64>>,
}

impl Cholesky {
    /// Factors a matrix with ones in its diagonal; zero in the diagonal marks a column that does not vary.
    pub fn new(correlations: &Symmetric) -> Self {
        let mut factor = Self { kept: Vec::new(), rows: Vec::new() };
        for column in 0..correlations.size() {
            let with_kept: Vec<f64> = factor.kept.iter().map(|kept| correlations.get(column, *kept)).collect();
            let mut row = factor.solve_lower(&with_kept);
            let pivot = correlations.get(column, column) - dot(&row, &row);
            if pivot > LEAST_NEW_VARIANCE {
                row.push(pivot.sqrt());
                factor.kept.push(column);
            }
            factor.rows.push(row);
        }
        factor
    }

    /// The number of columns that are kept.
    pub fn rank(&self) -> usize {
        self.kept.len()
    }

    /// The columns that are kept, ascending.
    pub fn kept(&self) -> &[usize] {
        &self.kept
    }

    /// The columns that are left out, ascending.
    pub fn left_out(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.rows.len()).filter(|column| !self.kept.contains(column))
    }

    /// A column as a combination of the orthonormal basis.
    pub(crate) fn coordinates(&self, column: usize) -> &[f64] {
        &self.rows[column]
    }

    /// x with L x = b, for a b of the kept columns, or of as many as it has entries.
    pub fn solve_lower(&self, right: &[f64]) -> Vec<f64> {
        let mut solution = Vec::with_capacity(right.len());
        self.solve_lower_into(right, &mut solution);
        solution
    }

    /// x with L' x = b, for a b of all kept columns.
    pub(crate) fn solve_upper(&self, right: &[f64]) -> Vec<f64> {
        let mut solution = right.to_vec();
        for (place, column) in self.kept.iter().enumerate().rev() {
            let row = &self.rows[*column];
            let value = solution[place] / row[place];
            solution[place] = value;
            solution[..place].iter_mut().zip(row).for_each(|(left, entry)| *left -= entry * value);
        }
        solution
    }

    /// As [`Self::solve_lower`], appended to `solution`, which must be empty.
    #[inline]
    pub(crate) fn solve_lower_into(&self, right: &[f64], solution: &mut Vec<f64>) {
        for (place, (value, column)) in right.iter().zip(&self.kept).enumerate() {
            let row = &self.rows[*column];
            solution.push((value - dot(row, solution)) / row[place]);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn of_columns_that_depend_on_each_other_the_last_one_is_left_out() {
        // The third column is the standardised sum of the first two, which are independent; the fourth does not vary.
        let half = std::f64::consts::FRAC_1_SQRT_2;
        let rows = [[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [half, half, 1.0, 0.0], [0.0; 4]];
        let factor = Cholesky::new(&Symmetric::from_lower(4, |row, column| rows[row][column]));
        assert_eq!(factor.kept(), [0, 1]);
        assert_eq!(factor.left_out().collect::<Vec<_>>(), [2, 3]);
        assert_eq!(factor.coordinates(2), [half, half]);
        assert_eq!(factor.coordinates(3), [0.0, 0.0]);
    }

    proptest! {
        #[test]
        fn the_factor_times_its_transpose_is_the_matrix(entries in prop::collection::vec(-0.2..0.2_f64, 10)) {
            let mut entries = entries.into_iter();
            let matrix = Symmetric::from_lower(4, |row, column| if row == column { 1.0 } else { entries.next().unwrap() });
            let factor = Cholesky::new(&matrix);
            prop_assert_eq!(factor.rank(), 4);
            for row in 0..4 {
                for column in 0..=row {
                    let product = dot(factor.coordinates(row), factor.coordinates(column));
                    prop_assert!((product - matrix.get(row, column)).abs() < 1e-15);
                }
            }
            let solution = factor.solve_lower(&[1.0, 2.0, 3.0, 4.0]);
            for row in 0..4 {
                prop_assert!((dot(factor.coordinates(row), &solution) - (row + 1) as f64).abs() < 1e-14);
            }
            let inverse = factor.solve_upper(&solution);
            for (row, found) in matrix.product(&inverse).into_iter().enumerate() {
                prop_assert!((found - (row + 1) as f64).abs() < 1e-13);
            }
        }
    }
}
