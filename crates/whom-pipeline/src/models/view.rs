//! Models in the words of the report.

use whom_report::{
    self as report, CalibrationRow, Evidence, Family, ModelCoefficient, ModelTerm, ModelUnits, ModelView,
};
use whom_spec::plan::{self, ModelCorrection, StandardErrors};
use whom_stats::linear::{Coefficient, Covariance, Inference, LeastSquares, Scaling};
use whom_stats::{Correction, NotEstimable, Reference};

use super::Asked;
use super::calibration::Tenth;
use super::design::{ColumnOf, Design, DesignColumn};
use super::fitting::Fitted;
use super::prediction::{not_predicted, predictions};
use super::survey::Survey;
use crate::names;

/// A model of which not even the columns are known.
pub(super) fn without_design(asked: &Asked, survey: &Survey, reason: &str) -> ModelView {
    let not_estimated = |term| ModelCoefficient::not_estimated(term, reason.to_owned());
    let of_variant =
        |name: &String| ModelCoefficient { variant: Some(name.clone()), ..not_estimated(ModelTerm::Variant) };
    let variants = asked.variants.iter().skip(1).map(of_variant);
    let coefficients = std::iter::once(not_estimated(ModelTerm::Intercept)).chain(variants).collect();
    let predictions = not_predicted(asked, reason);
    ModelView { not_estimable: Some(reason.to_owned()), coefficients, predictions, ..described(asked, survey) }
}

/// A model with its coefficients, or why they could not be estimated.
pub(super) fn of(asked: &Asked, survey: &Survey, design: &Design, fitted: Fitted) -> ModelView {
    let view = ModelView { effective_clusters: fitted.effective_clusters, ..described(asked, survey) };
    let places = places(asked, design);
    let fitted = match (fitted.fit, fitted.errors) {
        (Ok(fit), Ok(errors)) => Ok((fit, errors)),
        (Err(reason), _) | (_, Err(reason)) => Err(reason),
    };
    match fitted {
        Ok((fit, errors)) => ModelView {
            r_squared: Some(fit.r_squared()),
            coefficients: estimated(asked, design, (&fit, &errors), places),
            predictions: predictions(asked, design, &fit, &errors),
            ..view
        },
        Err(reason) => ModelView {
            not_estimable: Some(reason.to_string()),
            coefficients: places.into_iter().map(|place| not_estimable(place, reason)).collect(),
            predictions: not_predicted(asked, &reason.to_string()),
            ..view
        },
    }
}

/// A model without its numbers.
fn described(asked: &Asked, survey: &Survey) -> ModelView {
    let model = &asked.model;
    ModelView {
        name: model.name.value.clone(),
        metric: model.metric.value.clone(),
        evidence: Evidence::Exploratory,
        family: Family::Exploratory,
        of_units: model.units.iter().map(levels).collect(),
        calibrated_on: model.calibrate.iter().map(levels).collect(),
        errors: errors(model.errors),
        cluster: model.cluster.as_ref().map(|cluster| cluster.value.clone()),
        reference: names::reference(model.reference),
        correction: correction(model.correction).0,
        units: Some(survey.units()),
        left_out: Some(survey.incomplete),
        fewest_units: survey.fewest(),
        clusters: model.cluster.as_ref().map(|_| survey.clusters.len() as u64),
        effective_clusters: None,
        r_squared: None,
        not_estimable: None,
        coefficients: Vec::new(),
        calibration: Vec::new(),
        predictions: Vec::new(),
    }
}

fn levels(units: &plan::TagLevels) -> ModelUnits {
    ModelUnits { tag: units.tag.value.clone(), levels: units.levels.iter().map(|level| level.value.clone()).collect() }
}

/// A tenth of a calibration.
pub(super) fn tenth(asked: &Asked, variant: &str, tenth: &Tenth) -> CalibrationRow {
    let measured = tenth.measured.as_ref();
    let difference = measured.ok().map(|effect| effect.difference);
    CalibrationRow {
        variant: variant.to_owned(),
        tenth: tenth.number,
        n_control: tenth.control,
        n_variant: tenth.treatment,
        predicted: tenth.predicted,
        estimate: difference.map(|difference| difference.value),
        std_err: difference.map(|difference| difference.std_err),
        interval: difference.map(|difference| difference.interval(asked.level, reference(asked))),
        unreliable: measured.ok().and_then(|effect| effect.unreliable).map(|reason| reason.to_string()),
        not_estimable: measured.err().map(ToString::to_string),
    }
}

pub(super) fn reference(asked: &Asked) -> Reference {
    match asked.model.reference {
        plan::Reference::T => Reference::T,
        plan::Reference::Normal => Reference::Normal,
    }
}

/// The coefficients without their numbers, in the order of the model's terms.
fn places(asked: &Asked, design: &Design) -> Vec<ModelCoefficient> {
    let empty = |term| ModelCoefficient { not_estimable: None, ..ModelCoefficient::not_estimated(term, String::new()) };
    let of_column = |term, (column, scaling): (&DesignColumn, &Scaling)| {
        let (level, base) = match &column.of {
            ColumnOf::Number => (None, None),
            ColumnOf::Level { level, base, .. } => (Some(level.clone()), Some(base.clone())),
        };
        let (mean, deviation) = match scaling {
            Scaling::Raw => (None, None),
            Scaling::Standardised { mean, deviation } => (Some(*mean), Some(*deviation)),
        };
        let tag = asked.model.tags.get(column.tag).map(|tag| tag.value.clone());
        ModelCoefficient { tag, level, base, mean, deviation, ..empty(term) }
    };
    let columns =
        || design.columns.iter().zip(design.interaction.covariates.iter().map(|covariate| &covariate.scaling));
    let treatments = || asked.variants.iter().skip(1);
    let mut places = vec![empty(ModelTerm::Intercept)];
    let variant = |name: &String| ModelCoefficient { variant: Some(name.clone()), ..empty(ModelTerm::Variant) };
    places.extend(treatments().map(variant));
    places.extend(columns().map(|column| of_column(ModelTerm::Tag, column)));
    for name in treatments() {
        let interaction =
            |column| ModelCoefficient { variant: Some(name.clone()), ..of_column(ModelTerm::Interaction, column) };
        places.extend(columns().map(interaction));
    }
    places
}

fn estimated(
    asked: &Asked,
    design: &Design,
    (fit, errors): (&LeastSquares, &Covariance),
    places: Vec<ModelCoefficient>,
) -> Vec<ModelCoefficient> {
    let reference = reference(asked);
    let corrected_by = correction(asked.model.correction).1;
    let inference = Inference { reference, correction: corrected_by.unwrap_or(Correction::Bonferroni) };
    let table = design.interaction.table(fit, errors, inference);
    let filled = |(place, found): (ModelCoefficient, Coefficient)| match found.estimate {
        Err(reason) => not_estimable(place, reason),
        Ok(estimate) => ModelCoefficient {
            estimate: Some(estimate.value),
            std_err: Some(estimate.std_err),
            interval: Some(estimate.interval(asked.level, reference)),
            degrees_of_freedom: Some(estimate.degrees_of_freedom),
            statistic: Some(estimate.statistic()),
            p_value: found.p_value,
            p_value_adjusted: if corrected_by.is_some() { found.p_value_adjusted } else { None },
            unreliable: found.unreliable.map(|reason| reason.to_string()),
            ..place
        },
    };
    places.into_iter().zip(table).map(filled).collect()
}

fn not_estimable(place: ModelCoefficient, reason: NotEstimable) -> ModelCoefficient {
    ModelCoefficient { not_estimable: Some(reason.to_string()), ..place }
}

fn errors(errors: StandardErrors) -> report::StandardErrors {
    match errors {
        StandardErrors::Classical => report::StandardErrors::Classical,
        StandardErrors::Hc0 => report::StandardErrors::Hc0,
        StandardErrors::Hc1 => report::StandardErrors::Hc1,
        StandardErrors::Hc2 => report::StandardErrors::Hc2,
        StandardErrors::Hc3 => report::StandardErrors::Hc3,
        StandardErrors::Cr0 => report::StandardErrors::Cr0,
        StandardErrors::Cr1 => report::StandardErrors::Cr1,
        StandardErrors::Cr2 => report::StandardErrors::Cr2,
    }
}

/// A correction in words and as it is computed; nothing is computed of none.
pub(super) fn correction(correction: ModelCorrection) -> (report::Correction, Option<Correction>) {
    match correction {
        ModelCorrection::None => (report::Correction::None, None),
        ModelCorrection::Holm => (report::Correction::Holm, Some(Correction::Holm)),
        ModelCorrection::Bonferroni => (report::Correction::Bonferroni, Some(Correction::Bonferroni)),
        ModelCorrection::BenjaminiYekutieli => {
            (report::Correction::BenjaminiYekutieli, Some(Correction::BenjaminiYekutieli))
        }
    }
}
