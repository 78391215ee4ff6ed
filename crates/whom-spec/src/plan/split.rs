//! The split: the log of exposures, its variants, and what happens to units that saw several.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Gaps, Hours, Partition, Period, Strata, TimeColumn};
use crate::spanned::{Spanned, text};

/// The exposure log: unit, variant, time. A unit has many rows; its first one counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Split {
    /// A file, folder or glob.
    pub path: Spanned<String>,
    /// `where`: the rows that belong to this experiment, as SQL text.
    pub filter: Option<Spanned<String>>,
    /// When the unit was exposed.
    pub time: TimeColumn,
    /// The Hive partition by day, if the files have one.
    pub partition: Option<Partition>,
    /// Whether a day without a partition is an error.
    pub gaps: Gaps,
    /// Where the variant of a row comes from.
    pub variant: VariantSource,
    /// The control first, then the treatments by name. This order is the arm's code: 0 is the control.
    pub variants: Vec<Variant>,
    /// The first day of the experiment, in the plan's time zone.
    #[serde(serialize_with = "text")]
    pub start: Spanned<NaiveDate>,
    /// The last day whose first exposures count, in the plan's time zone.
    #[serde(serialize_with = "text")]
    pub end: Spanned<NaiveDate>,
    /// What happens to units that saw more than one variant.
    pub several_variants: SeveralVariants,
    /// How far before `start` an earlier exposure excludes a unit; `None` does not look.
    pub lookback: Option<Hours>,
    /// The event that a unit must have reached to be analysed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure_filter: Option<ExposureFilter>,
    /// The periods with other weights that follow the first one, in their order; [`Split::periods`] has all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub allocation: Vec<Period>,
    /// The columns within whose values the variants were assigned, if there are some.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strata: Option<Strata>,
}

impl Split {
    /// The control.
    pub fn control(&self) -> Option<&Variant> {
        self.variants.first()
    }

    /// The treatments, by name; the first one has code 1.
    pub fn treatments(&self) -> &[Variant] {
        self.variants.get(1..).unwrap_or_default()
    }
}

/// Where the variant of an exposure comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum VariantSource {
    /// A column of the split: so in every plan that a file declares.
    Column(Spanned<String>),
    /// A hash of the experiment and the unit, or its cluster, by the weights of the variants: nobody was assigned, and rows of a fact
    /// table stand for exposures.
    Hash {
        /// The fact table.
        rows_of: Spanned<String>,
    },
}

impl VariantSource {
    /// The column that holds it, if one does.
    pub fn column(&self) -> Option<&Spanned<String>> {
        match self {
            Self::Column(column) => Some(column),
            Self::Hash { .. } => None,
        }
    }
}

/// An event that a unit must have reached to be analysed, such as a view of the page that is tested: the analysis of those who
/// were triggered. It must be one that the treatment cannot bring about.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExposureFilter {
    /// The fact table's name; it exists.
    pub from: Spanned<String>,
    /// `where`: the events that count, as SQL text.
    pub filter: Option<Spanned<String>>,
    /// How long after first exposure the event may come; never zero.
    pub window: Hours,
}

/// One arm of the experiment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Variant {
    /// The value in the split's variant column.
    pub name: Spanned<String>,
    /// The share of units meant for it; the shares of all variants sum to one.
    pub weight: Spanned<f64>,
    /// What one unit in this arm costs.
    pub cost: Option<f64>,
}

/// What happens to units that saw several variants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SeveralVariants {
    /// The rule.
    pub rule: SeveralVariantsRule,
    /// The largest tolerated share of such units among the exposed ones, as a fraction (0.005 unless declared).
    pub at_most: f64,
}

/// The rule for units that saw several variants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeveralVariantsRule {
    /// The first exposure decides.
    First,
    /// The unit is left out and counted (the default).
    Exclude,
    /// One such unit stops the run.
    Refuse,
}
