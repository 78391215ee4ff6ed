//! The controls of growth and pruning.

use serde::{Deserialize, Serialize};

use crate::error::ForestError;

/// What the split of a node maximises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SplitCriterion {
    /// The squared effects less what honest measurement of them would cost (Athey and Imbens 2016).
    #[default]
    CausalMse,
    /// The variance between leaves of the transformed outcome Y* = (Y - m) (W - p) / (p (1 - p)), whose mean in a leaf is the
    /// effect if m is a constant: m the metric's mean over all discovery units, p the realised share of the treated. A shift
    /// of the metric changes nothing.
    TransformedOutcome,
    /// The same with m = 0, as textbooks have it. Leaves then also differ by the chance imbalance of arms times the level of the
    /// metric, so that a shift of the metric moves splits: for published trees only.
    RawTransformedOutcome,
}

/// How trees are grown and pruned. The fields are public; [`Controls::validate`] is the one place that judges them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Controls {
    /// Most splits on the way from the root to a leaf: 1 to 16.
    pub depth: usize,
    /// What the split of a node maximises.
    #[serde(default)]
    pub criterion: SplitCriterion,
    /// Fewest units with a value that a leaf holds in the treatment and control together, for each target.
    #[serde(default)]
    pub units: u64,
    /// Fewest units with a value that a leaf holds in each involved arm, for each target's metric: 2 or more.
    pub units_per_arm: u64,
    /// Fewest events (non-zero values) that a leaf holds in each involved arm, for each target's metric.
    pub events_per_arm: u64,
    /// Weight of a leaf's sampling variance against its squared effect: 0 (adaptive) to 1; one half is the honest
    /// criterion of Athey and Imbens (2016). A transformed outcome has no use for it.
    pub penalty: f64,
    /// A split's gain must exceed this. Gains are in units x squared effect in root standard deviations, so a
    /// threshold means the same for every metric; 0 or more.
    pub smallest_gain: f64,
    /// The number of folds of pruning by cross-validation: 0 for none, else 2 to 20.
    pub pruning_folds: usize,
    /// r, the number of discovery units over the number of measuring units: the penalty is (1 + r) variances.
    pub honesty_ratio: f64,
}

impl Default for Controls {
    fn default() -> Self {
        Self {
            depth: 3,
            criterion: SplitCriterion::CausalMse,
            units: 0,
            units_per_arm: 500,
            events_per_arm: 50,
            penalty: 0.5,
            smallest_gain: 0.0,
            pruning_folds: 5,
            honesty_ratio: 1.0,
        }
    }
}

impl Controls {
    /// Checks every control against its range.
    ///
    /// # Errors
    /// [`ForestError::Control`] names the first control outside its range; NaN and infinities are outside every range.
    pub fn validate(&self) -> Result<(), ForestError> {
        let rules = [
            ("depth", self.depth.to_string(), (1..=16).contains(&self.depth), "between 1 and 16"),
            ("units_per_arm", self.units_per_arm.to_string(), self.units_per_arm >= 2, "2 or more"),
            ("penalty", self.penalty.to_string(), (0.0..=1.0).contains(&self.penalty), "between 0 and 1"),
            ("smallest_gain", self.smallest_gain.to_string(), finite_from_zero(self.smallest_gain), "0 or more"),
            (
                "pruning_folds",
                self.pruning_folds.to_string(),
                self.pruning_folds == 0 || (2..=20).contains(&self.pruning_folds),
                "0 for no pruning, or between 2 and 20",
            ),
            ("honesty_ratio", self.honesty_ratio.to_string(), finite_from_zero(self.honesty_ratio), "0 or more"),
        ];
        match rules.into_iter().find(|(_, _, holds, _)| !holds) {
            Some((control, value, _, allowed)) => Err(ForestError::Control { control, value, allowed }),
            None => Ok(()),
        }
    }
}

fn finite_from_zero(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_controls_are_valid() {
        assert_eq!(Controls::default().validate(), Ok(()));
    }

    #[test]
    fn a_control_outside_its_range_is_named_with_its_value_and_range() {
        let refuse = |controls: Controls| controls.validate().unwrap_err().to_string();
        insta::assert_snapshot!(refuse(Controls { depth: 0, ..Controls::default() }), @"`depth` is 0, but must be between 1 and 16");
        insta::assert_snapshot!(refuse(Controls { units_per_arm: 1, ..Controls::default() }), @"`units_per_arm` is 1, but must be 2 or more");
        insta::assert_snapshot!(refuse(Controls { penalty: f64::NAN, ..Controls::default() }), @"`penalty` is NaN, but must be between 0 and 1");
        insta::assert_snapshot!(refuse(Controls { smallest_gain: -0.5, ..Controls::default() }), @"`smallest_gain` is -0.5, but must be 0 or more");
        insta::assert_snapshot!(refuse(Controls { pruning_folds: 1, ..Controls::default() }), @"`pruning_folds` is 1, but must be 0 for no pruning, or between 2 and 20");
        insta::assert_snapshot!(refuse(Controls { honesty_ratio: f64::INFINITY, ..Controls::default() }), @"`honesty_ratio` is inf, but must be 0 or more");
    }
}
