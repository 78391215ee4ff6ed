//! Where Welch's interval holds its level: the range that each estimate is judged by.
//!
//! The error of a two-sided interval comes from the skewness of the statistic, squared (Edgeworth). If an arm is r times as
//! large as the other and both share a distribution, it is proportional to g(r) = (1 - 1/r)² / (1 + 1/r) times the squared
//! skewness of the smaller arm's mean: equal arms cancel it. Moments hold no third power, but for a metric that is mostly
//! zero the squared skewness of a mean is a constant over the number of events, the non-zero values. On spend like
//! Hillstrom's that makes an error of about 1.1 g(r) / events (`tests/reference/stats_reliability.py`: 20 events against 180
//! cover 92 %, 50 against 150 94.6 %, 200 against 1,800 94.6 %, 20 against 20 95.6 %), and 200 g(r) events keep it within
//! about half a percentage point. Below 20 events even equal arms stray beyond 96 %.
//!
//! Proportions are milder: all pairs of counts enumerated (`tests/reference/stats_proportions.py`), the interval covers 94.2 % or
//! more from 20 expected events on at any imbalance up to 9, and 94.7 to 95.5 % wherever the rule keeps most experiments.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::effect::ArmSummary;
use crate::moments::Moments;

/// Units per arm below which no metric is trusted to be near enough to normal.
const UNITS: u64 = 50;
/// Events per arm between equal arms.
const EVENTS: u64 = 20;
/// Events in the smaller arm against a very large one.
const EVENTS_UNBALANCED: f64 = 200.0;
/// Standard errors between the control's mean and zero. Below, Fieller's g = (1.96 / 9)² exceeds .05 and the delta method
/// is no longer a good substitute (Finney, Statistical Method in Biological Assay).
const BASE_IN_STANDARD_ERRORS: f64 = 9.0;

/// Why an interval may not hold its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Error)]
#[serde(rename_all = "snake_case")]
pub enum Unreliable {
    /// An arm has few units with a value.
    #[error("an arm has {found} units where {needed} are needed")]
    FewUnits {
        /// Units in the arm.
        found: u64,
        /// Units needed.
        needed: u64,
    },
    /// A coefficient rests on few units: those far out in its direction weigh most.
    #[error("a coefficient rests on as much as {found} equal units where {needed} are needed")]
    FewEffectiveUnits {
        /// The effective number of units.
        found: u64,
        /// Units needed, given the kind of standard error.
        needed: u64,
    },
    /// A standard error has few degrees of freedom.
    #[error("a standard error has {found} degrees of freedom where {needed} are needed")]
    FewDegrees {
        /// Degrees of freedom, rounded down.
        found: u64,
        /// Degrees of freedom needed, given the kind of standard error.
        needed: u64,
    },
    /// An arm has few events (non-zero values; for a proportion also few non-events).
    #[error("an arm has {found} events where {needed} are needed")]
    FewEvents {
        /// Events in the arm.
        found: u64,
        /// Events needed, given the imbalance of the arms.
        needed: u64,
    },
    /// A lift over a control mean that is not clearly different from zero.
    #[error("the control's mean is within nine standard errors of zero")]
    ControlMeanNearZero,
    /// A ratio whose denominator is not clearly different from zero.
    #[error("the mean of a denominator is within nine standard errors of zero")]
    DenominatorNearZero,
    /// An arm has few clusters, or a few large ones that dominate it.
    #[error("an arm counts as {found} equal clusters where {needed} are needed")]
    FewClusters {
        /// The effective number of clusters in the arm.
        found: u64,
        /// Clusters needed.
        needed: u64,
    },
    /// Some units are in strata that lack an arm, and take no part.
    #[error("{units} units are in strata with fewer than two units in an arm and are left out")]
    StrataLeftOut {
        /// Units left out.
        units: u64,
    },
    /// The value at the quantile is so frequent that the quantile hardly moves from sample to sample.
    #[error("more units share the value at the quantile than its sampling error spans")]
    TiedQuantile,
}

/// Whether a mean lies so near zero that dividing by it is not nearly linear.
pub(crate) fn is_near_zero(mean: f64, variance_of_mean: f64) -> bool {
    mean.abs() < BASE_IN_STANDARD_ERRORS * variance_of_mean.sqrt()
}

/// Judges a difference in means by units, events and imbalance.
pub(crate) fn judge(treatment: &Moments, control: &Moments) -> Option<Unreliable> {
    let (smaller, larger) = if treatment.n <= control.n { (treatment, control) } else { (control, treatment) };
    if smaller.n < UNITS {
        return Some(Unreliable::FewUnits { found: smaller.n, needed: UNITS });
    }
    let few = |moments: &Moments, needed| {
        let found = events(moments);
        (found < needed).then_some(Unreliable::FewEvents { found, needed })
    };
    few(smaller, events_needed(smaller.n, larger.n)).or_else(|| few(larger, EVENTS))
}

/// Judges the delta method of a lift by its base.
pub(crate) fn judge_lift(control: &ArmSummary) -> Option<Unreliable> {
    is_near_zero(control.mean, control.variance_of_mean()).then_some(Unreliable::ControlMeanNearZero)
}

/// Non-zero values; of a metric with two values, the rarer one counts.
fn events(moments: &Moments) -> u64 {
    if moments.is_two_valued() { moments.events.min(moments.n - moments.events) } else { moments.events }
}

fn events_needed(smaller: u64, larger: u64) -> u64 {
    let share = smaller as f64 / larger as f64;
    let imbalance = (1.0 - share) * (1.0 - share) / (1.0 + share);
    EVENTS.max((EVENTS_UNBALANCED * imbalance).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proportion(n: u64, events: u64) -> Moments {
        Moments { n, events, sum: events.into(), sum_squares: events.into() }
    }

    #[test]
    fn imbalance_asks_for_more_events() {
        let needed: Vec<_> = [1, 2, 3, 9, 19, 1000].map(|ratio| events_needed(1000, 1000 * ratio)).into();
        assert_eq!(needed, [20, 34, 67, 143, 171, 200]);
    }

    #[test]
    fn a_rare_non_event_counts_as_an_event() {
        let few = Some(Unreliable::FewEvents { found: 10, needed: 20 });
        assert_eq!(judge(&proportion(1000, 990), &proportion(1000, 500)), few);
        assert_eq!(judge(&proportion(1000, 10), &proportion(1000, 500)), few);
        assert_eq!(judge(&proportion(1000, 500), &proportion(1000, 500)), None);
    }

    #[test]
    fn a_metric_without_zeros_is_judged_by_its_units() {
        let dense = |n: u64| Moments { n, events: n, sum: i128::from(n) * 10, sum_squares: i128::from(n) * 101 };
        assert_eq!(judge(&dense(49), &dense(60)), Some(Unreliable::FewUnits { found: 49, needed: 50 }));
        assert_eq!(judge(&dense(60), &dense(60)), None);
    }
}
