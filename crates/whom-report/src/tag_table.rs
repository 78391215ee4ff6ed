//! One-tag tables: the effects in every level of a tag, the transparent first look of an analysis.

use serde::{Deserialize, Serialize};

use crate::effect::EffectRow;
use crate::rule::RuleCondition;

/// The one-tag table of a tag, over all units.
///
/// Levels follow from the tag and from how many units have each of its values, never from a metric. They share no unit and
/// leave none out. The table is exploratory: nothing is selected by it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TagTable {
    /// The tag's name.
    pub tag: String,
    /// Whether the tag is protected: never searched, and reported by.
    pub protected: bool,
    /// Its levels: numbers in ascending groups of about equally many units, categories by name, then the rarer ones
    /// together, then the units that miss the tag. Empty without a unit.
    pub levels: Vec<TagLevel>,
}

/// A level of a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TagLevel {
    /// The level's name, unique in the results: it stands as the cohort in the level's rows.
    pub name: String,
    /// What selects its units.
    pub condition: RuleCondition,
    /// Units over all variants; `None` if their number is withheld.
    pub units: Option<u64>,
    /// Their share of all units; `None` if their number is withheld.
    pub share: Option<f64>,
    /// Effect and lift of every treatment on every primary metric; exploratory, family F3.
    pub effects: Vec<EffectRow>,
}
