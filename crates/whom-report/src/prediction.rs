//! The effects that linear models predict for profiles of units.

use serde::{Deserialize, Serialize};
use whom_stats::Interval;

/// The effect of a treatment on a unit of a profile, as a model predicts it: c'b for the coefficients b, of which the treatment's has
/// the weight 1 and those of its interactions the profile's tags.
///
/// It is as exploratory as its model. What cannot be estimated is `None` and says why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelPrediction {
    /// The name of the profile.
    pub profile: String,
    /// What units of it have; of the model's other tags the average over its units.
    pub at: Vec<PredictedAt>,
    /// The treatment.
    pub variant: String,
    /// The predicted effect, in the metric's unit.
    pub estimate: Option<f64>,
    /// Its standard error √(c'Vc), V the covariance of the coefficients.
    pub std_err: Option<f64>,
    /// The interval of this effect by itself, at the level of the results.
    pub interval: Option<Interval>,
    /// Degrees of freedom of this combination of coefficients.
    pub degrees_of_freedom: Option<f64>,
    /// The estimate in standard errors.
    pub statistic: Option<f64>,
    /// The two-sided p-value against zero.
    pub p_value: Option<f64>,
    /// The p-value corrected over the predictions of the model, by the correction of its interactions.
    pub p_value_adjusted: Option<f64>,
    /// Why its interval may not hold its level.
    pub unreliable: Option<String>,
    /// Why there is no estimate.
    pub not_estimable: Option<String>,
}

/// What a profile has of a tag: a number or a level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PredictedAt {
    /// The tag.
    pub tag: String,
    /// The number of a numeric tag.
    pub number: Option<f64>,
    /// The level of a categorical tag.
    pub level: Option<String>,
}

impl ModelPrediction {
    /// A prediction that there is not, and why; at the average of all tags.
    pub fn not_estimated(profile: String, variant: String, reason: String) -> Self {
        Self {
            profile,
            at: Vec::new(),
            variant,
            estimate: None,
            std_err: None,
            interval: None,
            degrees_of_freedom: None,
            statistic: None,
            p_value: None,
            p_value_adjusted: None,
            unreliable: None,
            not_estimable: Some(reason),
        }
    }

    /// What units of the profile have, in words: `age is 20 and device is mobile`; empty for the average unit.
    pub fn at_in_words(&self) -> String {
        let one = |at: &PredictedAt| match (at.number, &at.level) {
            (Some(number), _) => format!("{} is {number}", at.tag),
            (None, level) => format!("{} is {}", at.tag, level.as_deref().unwrap_or_default()),
        };
        self.at.iter().map(one).collect::<Vec<_>>().join(" and ")
    }
}
