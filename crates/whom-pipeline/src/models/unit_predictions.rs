//! The effects that a model predicts for single units, as columns of the unit table.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use whom_query::{ModelReader, QueryError, UnitRows};
use whom_stats::ABSENT;
use whom_stats::linear::{Covariance, LeastSquares, Predictions};

use super::Asked;
use super::design::{ColumnOf, Design};

/// What a model predicts for any unit, whether it is of the model or not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct UnitPredictions {
    model: String,
    treatments: Vec<String>,
    /// The columns of its tags.
    tags: Vec<usize>,
    /// `None` for a model that could not be estimated, which predicts nothing.
    fitted: Option<Fitted>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Fitted {
    design: Design,
    predictions: Predictions,
}

impl UnitPredictions {
    /// Those of a model that could not be estimated.
    pub(super) fn nothing(asked: &Asked) -> Self {
        Self {
            model: asked.model.name.value.clone(),
            treatments: asked.variants.iter().skip(1).cloned().collect(),
            tags: asked.columns.tags.clone(),
            fitted: None,
        }
    }

    /// Those of a model with its coefficients and their errors.
    pub(super) fn of(asked: &Asked, design: &Design, fit: &LeastSquares, errors: &Covariance) -> Self {
        let fitted = Fitted { design: design.of_units(), predictions: Predictions::new(fit, errors) };
        Self { fitted: Some(fitted), ..Self::nothing(asked) }
    }

    /// By treatment, the predicted effect on each unit and its standard error, under the names of the columns.
    ///
    /// # Errors
    /// As [`ModelReader::tag`].
    pub(crate) fn columns(
        &self,
        reader: &ModelReader<'_>,
        rows: &UnitRows,
    ) -> Result<Vec<(String, ArrayRef)>, QueryError> {
        let tags = self.tags.iter().map(|tag| reader.tag(rows, *tag)).collect::<Result<Vec<Vec<i64>>, QueryError>>()?;
        let covariates = |unit: usize| {
            let tags: Vec<i64> = tags.iter().map(|tag| tag[unit]).collect();
            self.fitted.as_ref()?.covariates(&tags)
        };
        let covariates: Vec<Option<Vec<f64>>> = (0..rows.len()).into_par_iter().map(covariates).collect();
        let mut columns = Vec::new();
        for (treatment, arm) in self.treatments.iter().zip(1..) {
            let at = |covariates: &Option<Vec<f64>>| self.fitted.as_ref()?.at(arm, covariates.as_ref()?);
            let predicted: Vec<Option<(f64, f64)>> = covariates.par_iter().map(at).collect();
            let values: Float64Array = predicted.iter().map(|found| found.map(|(value, _)| value)).collect();
            let errors: Float64Array = predicted.iter().map(|found| found.map(|(_, std_err)| std_err)).collect();
            columns.push((format!("predicted {}: {treatment}", self.model), Arc::new(values) as ArrayRef));
            columns.push((format!("predicted_std_err {}: {treatment}", self.model), Arc::new(errors) as ArrayRef));
        }
        Ok(columns)
    }
}

impl Fitted {
    /// What the columns of the model hold for a unit with these tags; `None` if it lacks one, or has a level that no unit of the model
    /// had.
    fn covariates(&self, tags: &[i64]) -> Option<Vec<f64>> {
        if tags.contains(&ABSENT) || !self.design.knows(tags) {
            return None;
        }
        let columns = self.design.columns.iter().zip(&self.design.interaction.covariates);
        let values = columns.map(|(column, covariate)| match &column.of {
            ColumnOf::Number => covariate.grid.from_grid(tags[column.tag]),
            ColumnOf::Level { code, .. } => f64::from(u8::from(*code == tags[column.tag])),
        });
        Some(values.collect())
    }

    /// The effect of an arm on a unit, and its standard error; `None` if the model cannot tell.
    fn at(&self, arm: usize, covariates: &[f64]) -> Option<(f64, f64)> {
        self.predictions.at(&self.design.interaction.effect_at(arm, covariates)).ok()
    }
}
