//! Effects of cohorts drawn to each other: what a Bayesian model of the declared partition expects of each.

use serde::{Deserialize, Serialize};
use whom_stats::{Interval, Prior};

use crate::effect::Evidence;

/// The cohorts of the declared partition on one treatment and metric, under one model, on the measuring fold.
///
/// Intervals hold on average over cohorts, not for the one that looks best. Without a posterior the list of cohorts is empty
/// and [`not_estimable`](Self::not_estimable) says why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShrunkenEffects {
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// What the measured effects are evidence of.
    pub evidence: Evidence,
    /// The model: `normal_normal`, measured effects normal about true ones, these normal about their mean.
    pub model: String,
    /// The prior of the standard deviation of true effects; its scale was fixed before any effect of the measuring fold was
    /// seen. `None` where there is no scale.
    pub prior: Option<Prior>,
    /// The probability of intervals, such as 0.95.
    pub level: f64,
    /// The mean over a population of such cohorts.
    pub mean: Option<f64>,
    /// Its interval.
    pub mean_interval: Option<Interval>,
    /// The median of the standard deviation of true effects, in the metric's unit.
    pub between: Option<f64>,
    /// Its interval.
    pub between_interval: Option<Interval>,
    /// In the order of the partition's cohorts.
    pub cohorts: Vec<ShrunkenEffect>,
    /// Why there is no posterior; `None` where there is one.
    pub not_estimable: Option<String>,
}

/// What a model expects of a cohort.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShrunkenEffect {
    /// The cohort.
    pub cohort: String,
    /// The posterior mean of its effect, in the metric's unit.
    pub estimate: Option<f64>,
    /// The posterior standard deviation.
    pub std_dev: Option<f64>,
    /// The equal-tailed interval.
    pub interval: Option<Interval>,
    /// The probability that the effect is positive.
    pub positive: Option<f64>,
    /// The probability that no other cohort's effect is better, in the direction that is wanted.
    pub best: Option<f64>,
    /// How far the measured effect was drawn to the common mean: 0 is not at all, 1 is all the way.
    pub shrinkage: Option<f64>,
    /// Why the measured effect is outside the range of its method; `None` for a reliable one.
    pub unreliable: Option<String>,
    /// Why the cohort has no effect; `None` where it has one.
    pub not_estimable: Option<String>,
}

impl ShrunkenEffects {
    /// The cohort that is the best one with the largest probability; of several alike, the first. `None` if one whose figures
    /// are not shown may be as probable.
    pub fn best(&self) -> Option<&ShrunkenEffect> {
        let shown = self.cohorts.iter().filter_map(|cohort| Some((cohort, cohort.best?)));
        let (best, probability) = shown.clone().reduce(|best, other| if other.1 > best.1 { other } else { best })?;
        let not_shown = 1.0 - shown.map(|(_, probability)| probability).sum::<f64>();
        (probability > not_shown).then_some(best)
    }
}

#[cfg(test)]
mod tests {
    use crate::fixture;

    #[test]
    fn the_best_cohort_is_the_most_probable_one_unless_another_is_not_shown() {
        let mut womens = fixture::hillstrom().shrunken_effects.remove(1);
        assert_eq!(womens.best().map(|best| best.cohort.as_str()), Some("1"));
        womens.cohorts[1].best = womens.cohorts[0].best;
        assert_eq!(womens.best().map(|best| best.cohort.as_str()), Some("1"), "the first of two alike");
        womens.cohorts.truncate(2);
        womens.cohorts[0].best = None;
        womens.cohorts[1].best = Some(0.05);
        assert_eq!(womens.best(), None);
        womens.cohorts.clear();
        assert_eq!(womens.best(), None);
    }
}
