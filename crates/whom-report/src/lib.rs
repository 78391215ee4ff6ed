//! Typed results to tables, JSON, Markdown, text and SQL.

mod check;
mod cohort;
mod effect;
mod heterogeneity;
mod results;
mod rule;
mod tree;
mod word;

pub use check::{Check, CheckRow, CheckVerdict, WaterfallStep};
pub use cohort::{CohortDefinition, CohortSize, CohortView, Fold, TagDifference, TagStatistic};
pub use effect::{Correction, EVERYBODY, EffectRow, Estimand, Evidence, Family, Interval, Reference, Role};
pub use heterogeneity::{ConfirmingTest, DetectableDifference, GlobalTestRow, ImportanceRow};
pub use results::{Direction, EffectKey, MetricView, Partition, Results, Threshold, VariantView};
pub use rule::{CohortRule, Range, RuleCondition};
pub use tree::{NodeEffect, NodeView, Side, SplitView, TreeView};
