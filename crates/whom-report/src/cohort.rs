//! Cohorts: their rules, sizes and how their tags differ from everybody's.

use serde::{Deserialize, Serialize};

use crate::label;
use crate::rule::CohortRule;
use crate::rule_words::rule_words;
use crate::word::words;

words! {
    /// The units that a count is over.
    pub enum Fold {
        /// The units that discover cohorts.
        Discover = "discover",
        /// The units that measure them.
        Measure = "measure",
        /// The units that judge an allocation.
        Judge = "judge",
        /// All units.
        All = "all",
    }
}

/// A cohort as it is shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CohortView {
    /// The cohort's name, as in every row of the effects.
    pub name: String,
    /// What selects its units.
    pub definition: CohortDefinition,
    /// Units by fold and arm.
    pub sizes: Vec<CohortSize>,
    /// How the cohort's tags differ from everybody's, the largest difference first.
    pub profile: Vec<TagDifference>,
}

impl CohortView {
    /// Units of all arms in a fold; `None` if their number is withheld.
    pub fn units(&self, fold: Fold) -> Option<u64> {
        self.sizes.iter().filter(|size| size.fold == fold).map(|size| size.units).sum()
    }

    /// The rule, if the cohort was discovered.
    pub fn rule(&self) -> Option<&CohortRule> {
        match &self.definition {
            CohortDefinition::Discovered(rule) => Some(rule),
            CohortDefinition::Registered(_) | CohortDefinition::Frozen(_) => None,
        }
    }

    /// The rule, if a search found it, in this run or in an earlier one.
    pub fn found_rule(&self) -> Option<&CohortRule> {
        match &self.definition {
            CohortDefinition::Discovered(rule) | CohortDefinition::Frozen(rule) => Some(rule),
            CohortDefinition::Registered(_) => None,
        }
    }

    /// Whether an earlier run found it.
    pub fn is_frozen(&self) -> bool {
        matches!(self.definition, CohortDefinition::Frozen(_))
    }
}

/// What selects a cohort's units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CohortDefinition {
    /// A rule that a search found.
    Discovered(CohortRule),
    /// The expression that the pipeline file declares.
    Registered(String),
    /// A rule that an earlier run found, as it was.
    Frozen(CohortRule),
}

impl CohortDefinition {
    /// What selects the units, in words; an expression as the pipeline file declares it.
    pub fn in_words(&self) -> String {
        match self {
            Self::Discovered(rule) | Self::Frozen(rule) => rule_words(&rule.conditions),
            Self::Registered(expression) => label::plain(expression),
        }
    }
}

/// The size of a cohort in one fold and arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CohortSize {
    /// The fold.
    pub fold: Fold,
    /// The variant, control included.
    pub variant: String,
    /// Units; `None` if their number is withheld.
    pub units: Option<u64>,
    /// Their share of the units of that fold and arm; `None` if there are none at all, or if their number is withheld.
    pub share: Option<f64>,
}

/// How one tag differs between a cohort and everybody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TagDifference {
    /// The tag's name.
    pub tag: String,
    /// What of the tag is compared.
    pub statistic: TagStatistic,
    /// The figure in the cohort.
    pub cohort: Option<f64>,
    /// The figure over everybody.
    pub everybody: Option<f64>,
    /// The difference in standard deviations of everybody.
    pub standardised: Option<f64>,
}

/// A figure of a tag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagStatistic {
    /// The mean of a numeric tag where it is known.
    Mean,
    /// The share of a level among all units.
    Share(String),
    /// The share of units whose tag is missing.
    Missing,
}
