//! The effects that a model predicts for its profiles, with their errors.

use whom_report::{ModelPrediction, PredictedAt};
use whom_spec::plan::{self, ProfileTag, ProfileValue};
use whom_stats::Estimate;
use whom_stats::linear::{Covariance, LeastSquares};

use super::Asked;
use super::design::Design;
use super::profile::Profile;
use super::view::{correction, reference};

/// The predictions of a model, profile by profile and a treatment after the other: c'b with the standard error √(c'Vc) and the degrees of
/// freedom of that combination of coefficients. Their p-values are corrected as one family, by what the model's interactions are.
pub(super) fn predictions(
    asked: &Asked,
    design: &Design,
    fit: &LeastSquares,
    errors: &Covariance,
) -> Vec<ModelPrediction> {
    let mut rows = not_predicted(asked, "");
    let profiles = design.profiles.iter().flat_map(|profile| vec![profile; asked.variants.len() - 1]);
    let weights = design.combinations();
    // Combinations are judged after the coefficients, which are as many as a row has columns.
    let mut combinations = weights.iter().zip(design.interaction.columns()..);
    for (row, profile) in rows.iter_mut().zip(profiles) {
        let found = profile.as_ref().map_err(Clone::clone).and_then(|profile| {
            let (weights, place) = combinations.next().ok_or("the model was not fitted")?;
            let estimate = fit.estimate(weights, errors).map_err(|reason| reason.to_string())?;
            Ok((estimate, unreliable(profile, errors.judge(place, &estimate).map(|reason| reason.to_string()))))
        });
        *row = match found {
            Ok((estimate, unreliable)) => ModelPrediction { unreliable, ..estimated(asked, row.clone(), &estimate) },
            Err(reason) => ModelPrediction { not_estimable: Some(reason), ..row.clone() },
        };
    }
    corrected(asked, rows)
}

/// The predictions of a model that has none, for one reason.
pub(super) fn not_predicted(asked: &Asked, reason: &str) -> Vec<ModelPrediction> {
    let rows = |profile: &plan::Profile| {
        let row = |variant: &String| ModelPrediction {
            at: profile.at.iter().map(at).collect(),
            ..ModelPrediction::not_estimated(profile.name.value.clone(), variant.clone(), reason.to_owned())
        };
        asked.variants.iter().skip(1).map(row).collect::<Vec<_>>()
    };
    asked.model.predict.iter().flat_map(rows).collect()
}

fn at(at: &ProfileTag) -> PredictedAt {
    let (number, level) = match &at.value {
        ProfileValue::Number(number) => (Some(*number), None),
        ProfileValue::Level(level) => (None, Some(level.clone())),
    };
    PredictedAt { tag: at.tag.value.clone(), number, level }
}

fn estimated(asked: &Asked, row: ModelPrediction, estimate: &Estimate) -> ModelPrediction {
    let reference = reference(asked);
    ModelPrediction {
        estimate: Some(estimate.value),
        std_err: Some(estimate.std_err),
        interval: Some(estimate.interval(asked.level, reference)),
        degrees_of_freedom: Some(estimate.degrees_of_freedom),
        statistic: Some(estimate.statistic()),
        p_value: Some(estimate.p_value(reference)),
        not_estimable: None,
        ..row
    }
}

/// Why an interval may not hold its level: few units behind it, or none as far away as the profile.
fn unreliable(profile: &Profile, few: Option<String>) -> Option<String> {
    let reasons: Vec<String> = few.into_iter().chain(profile.beyond.clone()).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

fn corrected(asked: &Asked, rows: Vec<ModelPrediction>) -> Vec<ModelPrediction> {
    let Some(correction) = correction(asked.model.correction).1 else { return rows };
    let p_values: Vec<Option<f64>> = rows.iter().map(|row| row.p_value).collect();
    let adjusted = correction.adjust_tested(&p_values);
    let rows = rows.into_iter().zip(adjusted);
    rows.map(|(row, p_value_adjusted)| ModelPrediction { p_value_adjusted, ..row }).collect()
}
