//! Least squares on the covariances of a few columns.

use super::Dropped;
use crate::sample::Sample;

/// A covariate whose variance given the earlier ones is below this part of its own repeats them.
const REPEATS: f64 = 1e-10;

/// The Cholesky factor L of the covariances, S = L L'. A dropped column has a zero row and pivot.
pub(super) struct LeastSquares<'a> {
    columns: &'a [usize],
    /// Rows of the lower triangle.
    factor: Vec<Vec<f64>>,
    dropped: Vec<Option<Dropped>>,
}

impl<'a> LeastSquares<'a> {
    pub(super) fn new(sample: &Sample, columns: &'a [usize]) -> Self {
        let mut made = Self { columns, factor: Vec::new(), dropped: Vec::new() };
        for (place, column) in columns.iter().enumerate() {
            let mut row = vec![0.0; place + 1];
            for earlier in 0..place {
                let pivot = made.factor[earlier][earlier];
                let known: f64 = (0..earlier).map(|k| row[k] * made.factor[earlier][k]).sum();
                row[earlier] =
                    if pivot > 0.0 { (sample.covariance(*column, columns[earlier]) - known) / pivot } else { 0.0 };
            }
            let variance = sample.covariance(*column, *column);
            let left = variance - row.iter().map(|entry| entry * entry).sum::<f64>();
            let dropped = match variance {
                0.0 => Some(Dropped::Constant),
                _ if left <= REPEATS * variance => Some(Dropped::Collinear),
                _ => None,
            };
            match dropped {
                None => row[place] = left.sqrt(),
                Some(_) => row.fill(0.0),
            }
            made.factor.push(row);
            made.dropped.push(dropped);
        }
        made
    }

    pub(super) fn dropped(self) -> Vec<Option<Dropped>> {
        self.dropped
    }

    /// S^-1 s with s the covariances with the outcome; 0 for dropped columns.
    pub(super) fn coefficients(&self, sample: &Sample, outcome: usize) -> Vec<f64> {
        let covariances: Vec<f64> = self.columns.iter().map(|column| sample.covariance(*column, outcome)).collect();
        let mut solution = self.forward(&covariances);
        for place in (0..solution.len()).rev() {
            let later: f64 = (place + 1..solution.len()).map(|k| self.factor[k][place] * solution[k]).sum();
            let pivot = self.factor[place][place];
            solution[place] = if pivot > 0.0 { (solution[place] - later) / pivot } else { 0.0 };
        }
        solution
    }

    /// d' S^-1 d.
    pub(super) fn quadratic(&self, direction: &[f64]) -> f64 {
        self.forward(direction).iter().map(|entry| entry * entry).sum()
    }

    /// L^-1 v.
    fn forward(&self, vector: &[f64]) -> Vec<f64> {
        let mut solution = vec![0.0; vector.len()];
        for (place, entry) in vector.iter().enumerate() {
            let earlier: f64 = (0..place).map(|k| self.factor[place][k] * solution[k]).sum();
            let pivot = self.factor[place][place];
            solution[place] = if pivot > 0.0 { (entry - earlier) / pivot } else { 0.0 };
        }
        solution
    }
}
