//! Small symmetric matrices.

use serde::{Deserialize, Serialize};

/// A symmetric matrix of a few hundred rows; the lower triangle is kept, row by row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Symmetric {
    size: usize,
    entries: Vec<f64>,
}

impl Symmetric {
    /// The matrix whose entry in row i and column j ≤ i is `entry(i, j)`.
    pub fn from_lower(size: usize, mut entry: impl FnMut(usize, usize) -> f64) -> Self {
        let places = (0..size).flat_map(|row| (0..=row).map(move |column| (row, column)));
        Self { size, entries: places.map(|(row, column)| entry(row, column)).collect() }
    }

    /// The matrix of ones in the diagonal and zeros elsewhere.
    pub fn identity(size: usize) -> Self {
        Self::from_lower(size, |row, column| f64::from(u8::from(row == column)))
    }

    /// The number of rows, which is that of columns.
    pub fn size(&self) -> usize {
        self.size
    }

    /// An entry; of two places that mirror each other, either may be asked for.
    #[inline]
    pub fn get(&self, row: usize, column: usize) -> f64 {
        self.entries[place(row, column)]
    }

    #[inline]
    pub(crate) fn set(&mut self, row: usize, column: usize, value: f64) {
        self.entries[place(row, column)] = value;
    }

    /// Adds `weight` times v v'.
    pub(crate) fn add_square(&mut self, weight: f64, vector: &[f64]) {
        let mut entries = self.entries.iter_mut();
        for (row, left) in vector.iter().enumerate() {
            for (right, entry) in vector[..=row].iter().zip(entries.by_ref()) {
                *entry += weight * left * right;
            }
        }
    }

    /// The matrix times a factor.
    #[must_use]
    pub fn times(&self, factor: f64) -> Self {
        Self { size: self.size, entries: self.entries.iter().map(|entry| entry * factor).collect() }
    }

    /// The product with a vector.
    pub fn product(&self, vector: &[f64]) -> Vec<f64> {
        let row = |row| (0..self.size).map(|column| self.get(row, column) * vector[column]).sum();
        (0..self.size).map(row).collect()
    }

    /// v' A v.
    pub fn quadratic(&self, vector: &[f64]) -> f64 {
        dot(vector, &self.product(vector))
    }

    /// The sum of all squared entries.
    pub(crate) fn sum_of_squares(&self) -> f64 {
        let square =
            |row, column| if row == column { 1.0 } else { 2.0 } * self.get(row, column) * self.get(row, column);
        (0..self.size).map(|row| (0..=row).map(|column| square(row, column)).sum::<f64>()).sum()
    }
}

#[inline]
fn place(row: usize, column: usize) -> usize {
    let (row, column) = (row.max(column), row.min(column));
    row * (row + 1) / 2 + column
}

/// The sum of products, from the first pair to the last.
#[inline]
pub(crate) fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_full_matrix() {
        let matrix = Symmetric::from_lower(3, |row, column| (10 * row + column) as f64);
        assert_eq!(matrix.get(0, 2), 20.0);
        assert_eq!(matrix.product(&[1.0, 2.0, 3.0]), [10.0 * 2.0 + 20.0 * 3.0, 10.0 + 22.0 + 63.0, 20.0 + 42.0 + 66.0]);
        assert_eq!(matrix.quadratic(&[1.0, 2.0, 3.0]), 80.0 + 2.0 * 95.0 + 3.0 * 128.0);
        assert_eq!(matrix.sum_of_squares(), 121.0 + 484.0 + 2.0 * (100.0 + 400.0 + 441.0));
        let mut square = Symmetric::identity(2);
        square.add_square(2.0, &[1.0, 3.0]);
        assert_eq!(square, Symmetric::from_lower(2, |row, column| [[3.0, 0.0], [6.0, 19.0]][row][column]));
    }
}
