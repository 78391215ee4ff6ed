//! Typed results to tables, JSON, Markdown, text and SQL.

mod check;
mod cohort;
mod cohorts_sql;
mod cohorts_table;
mod effect;
mod effects_table;
mod error;
#[cfg(test)]
mod fixture;
mod heterogeneity;
mod json;
mod label;
mod number;
mod parquet_file;
mod quote;
mod result_json;
mod results;
mod rule;
mod rule_words;
mod summary_md;
mod terminal;
mod tree;
mod tree_json;
mod verdict;
mod word;

pub use check::{Check, CheckRow, CheckVerdict, WaterfallStep};
pub use cohort::{CohortDefinition, CohortSize, CohortView, Fold, TagDifference, TagStatistic};
pub use cohorts_sql::cohorts_sql;
pub use cohorts_table::{COHORTS_SCHEMA_VERSION, cohorts_batch, cohorts_parquet};
pub use effect::{Correction, EVERYBODY, EffectRow, Estimand, Evidence, Family, Interval, Reference, Role};
pub use effects_table::{EFFECTS_SCHEMA_VERSION, effects_batch, effects_parquet};
pub use error::ReportError;
pub use heterogeneity::{ConfirmingTest, DetectableDifference, GlobalTestRow, ImportanceRow};
pub use result_json::{RESULT_SCHEMA_VERSION, result_json};
pub use results::{Direction, EffectKey, MetricView, Partition, Results, Threshold, VariantView};
pub use rule::{CohortRule, Range, RuleCondition};
pub use rule_words::{condition_words, rule_words};
pub use summary_md::summary_md;
pub use terminal::{Colour, refusal_text, terminal_summary};
pub use tree::{NodeEffect, NodeView, Side, SplitView, TreeView};
pub use tree_json::{TREE_SCHEMA_VERSION, tree_json};
pub use verdict::{
    AverageOutcome, AverageVerdict, CohortVerdict, GuardrailOutcome, GuardrailVerdict, HeterogeneityOutcome,
    HeterogeneityVerdict, Standing, Verdict,
};
