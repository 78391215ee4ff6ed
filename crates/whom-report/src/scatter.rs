//! How much the effects of groups that share no unit differ, as such: Q, I² and the deviation between groups.

use serde::{Deserialize, Serialize};
use whom_stats::Interval;

use crate::effect::Evidence;
use crate::word::words;

words! {
    /// The scales on which effects are shown to differ.
    pub enum DifferingScale {
        /// On neither, as far as can be proven.
        Neither = "neither",
        /// Differences differ, ratios are not shown to: effects follow the baseline.
        FollowsBaseline = "follows_baseline",
        /// Ratios differ, differences are not shown to.
        RelativeOnly = "relative_only",
        /// On both.
        Both = "both",
    }
}

/// How much the effects of some groups differ on one scale.
///
/// Groups without an estimate, and those outside the range of its method, take no part. With fewer than two left nothing is tested: all
/// figures are `None` and [`not_estimable`](Self::not_estimable) says why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scatter {
    /// Groups that take part; none where nothing was tested.
    pub groups: usize,
    /// Groups that do not.
    pub left_out: usize,
    /// Cochran's Q, which takes standard errors for known.
    pub cochran_q: Option<f64>,
    /// Its p-value, by chi-square with one degree of freedom less than groups.
    pub cochran_p_value: Option<f64>,
    /// The p-value of Welch's and James's test, which is Q for standard errors that are estimated: the one to read. Of groups that may
    /// share clusters that of Hotelling's, and Q has their covariance.
    pub p_value: Option<f64>,
    /// The same, corrected over what was tested beside it.
    pub p_value_adjusted: Option<f64>,
    /// I²: the share of the effects' scatter that is no noise.
    pub i_squared: Option<f64>,
    /// Its interval.
    pub i_squared_interval: Option<Interval>,
    /// The standard deviation of true effects between groups (Paule and Mandel), in the unit of the scale.
    pub between: Option<f64>,
    /// Its interval (Q-profile).
    pub between_interval: Option<Interval>,
    /// Why there is no figure; `None` where there are.
    pub not_estimable: Option<String>,
}

/// How much the effects of one treatment on one metric differ between the cohorts of the declared partition, on the measuring
/// fold. It stands beside the global test and decides nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CohortScatter {
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// What it is evidence of.
    pub evidence: Evidence,
    /// In the metric's unit; corrected by Holm over treatments and primary metrics.
    pub absolute: Scatter,
    /// Of the logarithms of treatment mean over control mean; corrected likewise.
    pub relative: Scatter,
    /// The scales on which effects are shown to differ.
    pub differing: DifferingScale,
}
