//! A row's place, residual and score in the basis of a fit, and the grid of scores.

use serde::{Deserialize, Serialize};

use super::least_squares::LeastSquares;
use super::symmetric::dot;

/// Bits of the largest score.
const SCORE_BITS: i32 = 60;

/// Works out rows of a fit one after the other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Scorer {
    fit: LeastSquares,
    /// Grid steps of scores in a grid step of the outcome: a power of two.
    steps: f64,
    constant: f64,
    centred: Vec<f64>,
    /// The row in the basis, without the constant.
    row: Vec<f64>,
}

/// What a row amounts to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Residual {
    /// The residual, in grid steps of the outcome.
    pub(super) value: f64,
    /// The leverage h, in (0, 1].
    pub(super) leverage: f64,
}

impl Scorer {
    /// The grid of scores comes from the fit alone: as |u| ≤ 1 and |e| ≤ √(RSS (1 - h)), no score u e, nor one divided by
    /// √(1 - h), exceeds √RSS, and it holds 60 bits; with the divisor 1 - h up to a half, 61.
    ///
    /// The typical score is √RSS / n. So even if rounding pushed all of 2^30 rows in one direction, a standard error would be
    /// right to 1e-9.
    pub(super) fn new(fit: &LeastSquares) -> Self {
        let (_, exponent) = libm::frexp(fit.residual_squares.sqrt());
        let constant = 1.0 / (fit.n as f64).sqrt();
        let steps = libm::ldexp(1.0, SCORE_BITS - exponent);
        Self { fit: fit.clone(), steps, constant, centred: Vec::new(), row: Vec::new() }
    }

    pub(super) fn fit(&self) -> &LeastSquares {
        &self.fit
    }

    /// Squared grid steps of scores in a squared grid step of the outcome.
    pub(super) fn squared_steps(&self) -> f64 {
        self.steps * self.steps
    }

    /// Works out a row, which has the layout of the rows that the fit was made of.
    pub(super) fn work_out(&mut self, row: &[i64]) -> Residual {
        let Self { fit, centred, row: placed, constant, .. } = self;
        centred.clear();
        placed.clear();
        centred.extend(fit.basis.kept().iter().map(|kept| fit.predictors[*kept].place(row)));
        fit.basis.solve_lower_into(centred, placed);
        let (mut leverage, mut explained) = (*constant * *constant, 0.0);
        for (place, loading) in placed.iter().zip(&fit.loadings) {
            leverage += place * place;
            explained += place * loading;
        }
        Residual { value: fit.outcome.place(row) * fit.outcome.scale - explained, leverage }
    }

    /// The last row's part in a direction of length 1.
    pub(super) fn part(&self, direction: &[f64]) -> f64 {
        self.constant * direction[0] + dot(&direction[1..], &self.row)
    }

    /// Writes the last row times `residual` as grid values, the constant first; `coarser` is a power of two by which the
    /// grid's step is larger.
    pub(super) fn scores(&self, residual: f64, coarser: f64, scores: &mut Vec<i64>) {
        scores.clear();
        let factor = residual * (self.steps / coarser);
        let places = std::iter::once(&self.constant).chain(&self.row);
        scores.extend(places.map(|place| (place * factor).round_ties_even() as i64));
    }
}
