//! Least squares on the covariances of a few columns.

use super::Dropped;
use crate::linear::{Cholesky, Symmetric};
use crate::sample::Sample;

/// The columns' correlations, factored; what they say is standardised, and scaled back by their standard deviations.
pub(super) struct LeastSquares<'a> {
    columns: &'a [usize],
    deviations: Vec<f64>,
    factor: Cholesky,
}

impl<'a> LeastSquares<'a> {
    pub(super) fn new(sample: &Sample, columns: &'a [usize]) -> Self {
        let deviations: Vec<f64> = columns.iter().map(|column| sample.covariance(*column, *column).sqrt()).collect();
        let correlation = |row: usize, column: usize| {
            if deviations[row] == 0.0 || deviations[column] == 0.0 {
                return 0.0;
            }
            if row == column {
                return 1.0;
            }
            sample.covariance(columns[row], columns[column]) / deviations[row] / deviations[column]
        };
        let factor = Cholesky::new(&Symmetric::from_lower(columns.len(), correlation));
        Self { columns, deviations, factor }
    }

    pub(super) fn dropped(self) -> Vec<Option<Dropped>> {
        let mut dropped = vec![None; self.columns.len()];
        for column in self.factor.left_out() {
            let is_constant = self.deviations[column] == 0.0;
            dropped[column] = Some(if is_constant { Dropped::Constant } else { Dropped::Collinear });
        }
        dropped
    }

    /// S^-1 s with s the covariances with the outcome; 0 for dropped columns.
    pub(super) fn coefficients(&self, sample: &Sample, outcome: usize) -> Vec<f64> {
        let covariance = |column: &usize| sample.covariance(self.columns[*column], outcome) / self.deviations[*column];
        let standardised: Vec<f64> = self.factor.kept().iter().map(covariance).collect();
        let solution = self.factor.solve_upper(&self.factor.solve_lower(&standardised));
        let mut coefficients = vec![0.0; self.columns.len()];
        for (column, value) in self.factor.kept().iter().zip(solution) {
            coefficients[*column] = value / self.deviations[*column];
        }
        coefficients
    }

    /// d' S^-1 d over the columns that are kept.
    pub(super) fn quadratic(&self, direction: &[f64]) -> f64 {
        let standardised = |column: &usize| direction[*column] / self.deviations[*column];
        let direction: Vec<f64> = self.factor.kept().iter().map(standardised).collect();
        self.factor.solve_lower(&direction).iter().map(|entry| entry * entry).sum()
    }
}
