//! Linear models: three looks at the units for all of them together.
//!
//! The first look counts arms, levels and clusters, and sums what numbers are standardised by; the second adds products, from
//! which the coefficients follow; the third adds squared scores, of which the errors are made. All three add integers, so that
//! the order of units, pieces and threads changes no byte.

mod calibration;
mod design;
mod fitting;
mod look;
mod prediction;
mod predictor;
mod profile;
mod survey;
mod unit_predictions;
mod view;

use std::sync::Arc;

use whom_engine::blocking;
use whom_query::{AnalysedUnits, Looks, ModelColumns, QueryError};
use whom_report::ModelView;
use whom_spec::plan::{self, Plan};

use calibration::{Calibrated, Edges, Tenths, calibrate};
use design::Design;
use fitting::{Fitted, Scored, fit_all};
use look::ModelLook;
use predictor::Predictor;
use survey::{Counting, Survey};
pub(crate) use unit_predictions::UnitPredictions;

use crate::study::Study;

/// Adds the looks of models to those that a worker knows.
pub(crate) fn with_looks(looks: Looks) -> Looks {
    looks
        .with::<ModelLook<Counting>>()
        .with::<ModelLook<Design>>()
        .with::<ModelLook<Scored>>()
        .with::<ModelLook<Edges>>()
        .with::<ModelLook<Tenths>>()
}

/// A model of the plan, and where what it reads stands among the units' columns.
struct Asked {
    model: plan::Model,
    columns: ModelColumns,
    /// The same for the units that it is calibrated on, if it is.
    calibrated: Option<ModelColumns>,
    /// The variants, control first.
    variants: Vec<String>,
    /// The level of intervals.
    level: f64,
}

/// The models of a plan, in the order of the file.
#[derive(Default)]
pub(crate) struct Models {
    pub(crate) views: Vec<ModelView>,
    /// What each predicts for single units.
    pub(crate) of_units: Vec<UnitPredictions>,
}

/// The models of the plan.
///
/// # Errors
/// [`QueryError::Engine`] if the run is cancelled or the units cannot be read back; [`QueryError::Data`] for a number beyond the
/// grid of its tag.
pub(crate) async fn models(study: &Study<'_>) -> Result<Models, QueryError> {
    let asked = study.plan.models.iter().map(|model| Asked::of(study, model)).collect::<Result<Vec<_>, _>>()?;
    if asked.is_empty() {
        return Ok(Models::default());
    }
    let units = Arc::clone(study.units);
    blocking(study.units.cancel(), move || found(&units, &asked)).await
}

fn found(units: &AnalysedUnits, asked: &[Asked]) -> Result<Models, QueryError> {
    let surveys = Survey::take(units, asked)?;
    let designs: Vec<Result<Design, String>> =
        asked.iter().zip(&surveys).map(|(asked, survey)| Design::of(units, asked, survey)).collect();
    let drawn: Vec<(&ModelColumns, &Design)> = asked
        .iter()
        .zip(&designs)
        .filter_map(|(asked, design)| Some((&asked.columns, design.as_ref().ok()?)))
        .collect();
    let mut fitted = fit_all(units, &drawn)?.into_iter();
    let models = asked.iter().zip(&surveys).zip(&designs).map(|((asked, survey), design)| match design {
        Err(reason) => (view::without_design(asked, survey, reason), UnitPredictions::nothing(asked)),
        Ok(design) => {
            let fitted = fitted.next().unwrap_or_else(Fitted::nothing);
            let of_units = match (&fitted.fit, &fitted.errors) {
                (Ok(fit), Ok(errors)) => UnitPredictions::of(asked, design, fit, errors),
                _ => UnitPredictions::nothing(asked),
            };
            (view::of(asked, survey, design, fitted), of_units)
        }
    });
    let (views, of_units) = models.unzip();
    Ok(Models { views: with_calibration(units, (asked, &designs), views)?, of_units })
}

/// The models with the tenths of those that are calibrated, a treatment after the other.
fn with_calibration(
    units: &AnalysedUnits,
    (asked, designs): (&[Asked], &[Result<Design, String>]),
    mut views: Vec<ModelView>,
) -> Result<Vec<ModelView>, QueryError> {
    let (mut calibrated, mut whose) = (Vec::new(), Vec::new());
    for (place, ((asked, design), model)) in asked.iter().zip(designs).zip(&views).enumerate() {
        let (Some(columns), Ok(design)) = (&asked.calibrated, design) else { continue };
        for (arm, variant) in asked.variants.iter().enumerate().skip(1) {
            if let Some(predictor) = Predictor::of(design, model, (arm, variant)) {
                calibrated.push(Calibrated { columns: columns.clone(), predictor, grid: design.interaction.outcome });
                whose.push((place, variant));
            }
        }
    }
    let found = calibrate(units, &calibrated)?;
    for ((place, variant), tenths) in whose.into_iter().zip(found) {
        let rows = tenths.iter().map(|tenth| view::tenth(&asked[place], variant, tenth));
        views[place].calibration.extend(rows);
    }
    Ok(views)
}

impl Asked {
    fn of(study: &Study<'_>, model: &plan::Model) -> Result<Self, QueryError> {
        let plan: &Plan = study.plan;
        let unknown =
            |name: &str| QueryError::Internal(format!("the model `{}` names an unknown `{name}`", model.name));
        let column = |name: &str| study.units.tag_column(name).ok_or_else(|| unknown(name));
        let metric = plan.metrics.iter().position(|metric| metric.name == model.metric);
        let inside = |units: &plan::TagLevels| {
            Ok((column(&units.tag)?, units.levels.iter().map(|level| level.value.clone()).collect()))
        };
        let all_inside = |units: &[plan::TagLevels]| units.iter().map(inside).collect::<Result<Vec<_>, QueryError>>();
        let columns = ModelColumns {
            metric: metric.ok_or_else(|| unknown(&model.metric))?,
            tags: model.tags.iter().map(|tag| column(tag)).collect::<Result<_, _>>()?,
            units: all_inside(&model.units)?,
            cluster: model.cluster.as_ref().map(|cluster| column(cluster)).transpose()?,
        };
        let calibrated = ModelColumns { units: all_inside(&model.calibrate)?, cluster: None, ..columns.clone() };
        Ok(Self {
            columns,
            calibrated: Some(calibrated).filter(|_| !model.calibrate.is_empty()),
            variants: (0..plan.split.variants.len()).map(|arm| study.variant(arm).to_owned()).collect(),
            level: plan.validate.level,
            model: model.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
