//! The effect of a treatment on a unit, as a model predicts it.

use serde::{Deserialize, Serialize};
use whom_query::ModelUnit;
use whom_report::{ModelCoefficient, ModelTerm, ModelView};
use whom_stats::Grid;

use super::design::{ColumnOf, Design};

/// Bits of a prediction below the error of the treatment's coefficient.
const FINE_BITS: i32 = 24;
/// The largest prediction on its grid; what is larger counts as this.
const MOST: f64 = ((1_u64 << 45) - 1) as f64;

/// Predicts by the coefficients of a model as they are published.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Predictor {
    design: Design,
    /// The treatment's arm.
    arm: usize,
    effect: f64,
    slopes: Vec<Slope>,
    /// Steps of a prediction in 1: a power of two.
    steps: f64,
}

/// What a column of the model adds.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Slope {
    by: f64,
    grid: Grid,
    mean: f64,
    deviation: f64,
}

impl Predictor {
    /// The predictions for an arm; `None` if one of its coefficients could not be estimated.
    pub(super) fn of(design: &Design, model: &ModelView, (arm, variant): (usize, &str)) -> Option<Self> {
        let is_of = |row: &&ModelCoefficient, term| row.term == term && row.variant.as_deref() == Some(variant);
        let effect = model.coefficients.iter().find(|row| is_of(row, ModelTerm::Variant))?;
        let interactions = model.coefficients.iter().filter(|row| is_of(row, ModelTerm::Interaction));
        let slope = |(row, grid): (&ModelCoefficient, Grid)| {
            let (mean, deviation) = (row.mean.unwrap_or(0.0), row.deviation.unwrap_or(1.0));
            Some(Slope { by: row.estimate?, grid, mean, deviation })
        };
        let grids = design.interaction.covariates.iter().map(|covariate| covariate.grid);
        let slopes = interactions.zip(grids).map(slope).collect::<Option<Vec<Slope>>>()?;
        let (_, exponent) = libm::frexp(effect.std_err?);
        let design = design.of_units();
        Some(Self { design, arm, effect: effect.estimate?, slopes, steps: libm::ldexp(1.0, FINE_BITS - exponent) })
    }

    /// The prediction for a unit of the control or the treatment, on its grid; `None` for others, and for a unit with a level that no
    /// unit of the model had.
    pub(super) fn predict(&self, unit: ModelUnit<'_>) -> Option<i64> {
        let ModelUnit::Complete { arm, tags, .. } = unit else { return None };
        if (arm != 0 && arm != self.arm) || !self.design.knows(tags) {
            return None;
        }
        let added = self.design.columns.iter().zip(&self.slopes).map(|(column, slope)| {
            let value = match &column.of {
                ColumnOf::Number => slope.grid.from_grid(tags[column.tag]),
                ColumnOf::Level { code, .. } => f64::from(u8::from(*code == tags[column.tag])),
            };
            slope.by * ((value - slope.mean) / slope.deviation)
        });
        let predicted = self.effect + added.sum::<f64>();
        Some((predicted * self.steps).round_ties_even().clamp(-MOST, MOST) as i64)
    }

    /// The mean of predictions from their sum.
    pub(super) fn mean(&self, sum: i128, units: u64) -> f64 {
        sum as f64 / units as f64 / self.steps
    }
}
