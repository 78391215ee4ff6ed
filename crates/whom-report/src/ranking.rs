//! Tags by how much they change an effect, beside how much they predict the metric.

use serde::{Deserialize, Serialize};

use crate::effect::{Correction, Evidence};
use crate::scatter::{DifferingScale, Scatter};
use crate::word::words;

words! {
    /// What a tag does, as far as it can be shown.
    pub enum TagRole {
        /// Neither is shown.
        Neither = "neither",
        /// It predicts the metric; that it changes the effect is not shown.
        Prognostic = "prognostic",
        /// It changes the effect; that it predicts the metric is not shown.
        EffectModifying = "effect_modifying",
        /// Both are shown.
        Both = "both",
    }
}

/// The tags as they change the effect of one treatment on one primary metric: read off the [one-tag tables](crate::TagTable),
/// over all units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TagRanking {
    /// The treatment.
    pub variant: String,
    /// The metric.
    pub metric: String,
    /// What the ranking is evidence of: exploratory.
    pub evidence: Evidence,
    /// By what the p-values are corrected over the tags of this ranking, each kind by itself.
    pub correction: Correction,
    /// The clearest effect modifier first, by the corrected p-value of differences, then the raw one, then by name; tags
    /// that could not be tested come last.
    pub tags: Vec<RankedTag>,
}

/// A tag in a ranking.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RankedTag {
    /// The tag's name.
    pub tag: String,
    /// How much the levels' effects differ, in the metric's unit.
    pub absolute: Scatter,
    /// How much the logarithms of treatment mean over control mean differ: the relative scale.
    pub relative: Scatter,
    /// The scales on which effects are shown to differ.
    pub differing: DifferingScale,
    /// What the tag does.
    pub role: TagRole,
    /// The standard deviation of the effects between levels, noise taken out, in the metric's unit.
    pub modifying: Option<f64>,
    /// The same over the standard deviation of the metric in control.
    pub modifying_over_control: Option<f64>,
    /// The standard deviation of control's means between levels, noise taken out, in the metric's unit.
    pub prognostic: Option<f64>,
    /// The same over the standard deviation of the metric in control; its square is the share of variance explained.
    pub prognostic_over_control: Option<f64>,
    /// The p-value of Welch's test that control's means are equal in all levels; by cluster of Hotelling's.
    pub prognostic_p_value: Option<f64>,
    /// The same, corrected over the tags.
    pub prognostic_p_value_adjusted: Option<f64>,
}
