//! Typed results to tables, JSON, HTML, Markdown, text and SQL.
//!
//! The pipeline fills one value, [`Results`]: plain names, numbers and words. Every output is a function of it:
//!
//! | output | function | for |
//! |---|---|---|
//! | `effects.parquet` | [`effects_parquet`] | the data scientist: one row per effect, long and tidy |
//! | `units.parquet` | [`UnitsWriter`] | whoever needs the units themselves |
//! | `cohorts.parquet` | [`cohorts_parquet`] | the same, by cohort: rule, sizes, profile |
//! | `slices.parquet` | [`slices_parquet`] | the same, by slice: effects by week and by declared slices |
//! | `tags.parquet` | [`tags_parquet`] | the first look: the effects in every level of every tag |
//! | `ranking.parquet` | [`ranking_parquet`] | the same, by tag: which of them change an effect |
//! | `models.parquet` | [`models_parquet`] | the coefficients of linear models, where a pipeline has some |
//! | `predictions.parquet` | [`predictions_parquet`] | the effects that they predict for named profiles of units, where asked for |
//! | `calibration.parquet` | [`calibration_parquet`] | where it was asked for: how well their predicted effects hold |
//! | `cohorts.sql` | [`cohorts_sql`] | whoever needs the cohort of a unit in a query |
//! | `tree.json` | [`tree_json`] | programs that draw trees |
//! | `result.json` | [`result_json`] | programs that act on the verdict |
//! | `summary.md` | [`summary_md`] | a chat message |
//! | `report.json` | [`report_json`] | all of it, to write the page again |
//! | `report.html` | [`report_html`] | a page that a product manager reads and a statistician trusts |
//! | `charts.json` | [`charts_json`] | notebooks: the data of each picture, and how to draw them |
//! | the terminal | [`terminal_summary`], [`refusal_text`] | a person who waited for it |
//!
//! # No statistics here
//! Whatever is a number in an output was a number in the results. What this crate adds is words: the [`Verdict`] follows
//! from typed results by rules in code, so that the terminal, the chat and the dashboard cannot disagree. What may be
//! claimed is decided once, there: a cohort is *different* only behind an open global test, *gains* only if its
//! simultaneous interval says so too, and *ship* is said on sealed or replicated evidence alone.
//!
//! # The same bytes
//! Results hold nothing about where, when or how a run ran, and no output adds any of it: Parquet is written with fixed
//! properties and without the name of a version, JSON in the order of declaration, numbers with the fewest digits that
//! read back as the same double. Absence has a name: what cannot be estimated is `None`, null, and a reason.
//!
//! # Names are not trusted
//! Metrics, variants, tags and levels are named by people. Identifiers and strings of SQL are quoted by one function each;
//! on a terminal nothing invisible survives; in Markdown and HTML nothing is markup.
//!
//! ```
//! use whom_report::{CohortRule, RuleCondition, cohorts_sql, rule_words};
//!
//! let condition = RuleCondition::Categorical {
//!     tag: "channel".to_owned(),
//!     levels: vec!["Web".to_owned(), "Phone".to_owned()],
//!     other: None,
//!     missing: true,
//! };
//! let rule = CohortRule { name: "1".to_owned(), conditions: vec![condition] };
//! assert_eq!(rule_words(&rule.conditions), "channel is Web or Phone (or unknown)");
//! assert_eq!(
//!     cohorts_sql(&[rule]),
//!     r#"CASE
//!   -- 1: channel is Web or Phone (or unknown)
//!   WHEN (CAST("channel" AS VARCHAR) IN ('Web', 'Phone') OR "channel" IS NULL)
//!   THEN '1'
//! END
//! "#
//! );
//! ```

mod calibration_table;
mod cap;
mod chart;
mod charts_json;
mod cohort;
mod cohorts_sql;
mod cohorts_table;
mod effect;
mod effects_table;
mod error;
#[cfg(test)]
mod fixture;
mod folds;
mod heterogeneity;
mod json;
mod label;
mod model;
mod models_table;
mod number;
mod page;
mod parquet_file;
mod planning;
mod prediction;
mod predictions_table;
mod quantile;
mod quote;
mod ranking;
mod ranking_table;
mod replication;
mod report_json;
mod result_json;
mod results;
mod rule;
mod rule_words;
mod scatter;
mod seal;
mod shrunken;
mod sliced;
mod slices_table;
mod stability;
mod stability_table;
mod summary_md;
mod tag_table;
mod tags_table;
mod terminal;
mod tree;
mod tree_json;
mod units_table;
mod verdict;
mod waterfall;
mod withhold;
mod word;

pub use calibration_table::{CALIBRATION_SCHEMA_VERSION, calibration_batch, calibration_parquet};
pub use cap::{CapAt, CapView};
pub use charts_json::{CHARTS_SCHEMA_VERSION, charts_json};
pub use cohort::{CohortDefinition, CohortSize, CohortView, Fold, TagDifference, TagStatistic};
pub use cohorts_sql::{cohorts_sql, condition_of};
pub use cohorts_table::{COHORTS_SCHEMA_VERSION, cohorts_batch, cohorts_parquet};
pub use effect::{ClusterErrors, Correction, EVERYBODY, EffectRow, Estimand, Evidence, Family, Holds, Reference, Role};
pub use effects_table::{EFFECTS_SCHEMA_VERSION, effects_batch, effects_parquet};
pub use error::ReportError;
pub use folds::GivenFolds;
pub use heterogeneity::{ConfirmingTest, DetectableDifference, GlobalTestRow, ImportanceRow};
pub use model::{CalibrationRow, ModelCoefficient, ModelTerm, ModelUnits, ModelView, StandardErrors};
pub use models_table::{MODELS_SCHEMA_VERSION, models_batch, models_parquet};
pub use number::count;
pub use page::{Templates, report_html};
pub use planning::{POWERS, PlannedRow, PlannedSubject, Planning, PrePeriodView};
pub use prediction::{ModelPrediction, PredictedAt};
pub use predictions_table::{PREDICTIONS_SCHEMA_VERSION, predictions_batch, predictions_parquet};
pub use quantile::{QuantileOf, QuantileView};
pub use ranking::{RankedTag, TagRanking, TagRole};
pub use ranking_table::{RANKING_SCHEMA_VERSION, ranking_batch, ranking_parquet};
pub use replication::{FindingPart, FindingView, JudgedPart, ReplicationView};
pub use report_json::{REPORT_SCHEMA_VERSION, report_json, results_of};
pub use result_json::{RESULT_SCHEMA_VERSION, result_json};
pub use results::{Direction, EffectKey, MetricView, Partition, Results, Threshold, VariantView};
pub use rule::{CohortRule, Range, RuleCondition};
pub use rule_words::{condition_words, rule_words};
pub use scatter::{CohortScatter, DifferingScale, Scatter};
pub use seal::{PlanDifference, Seal, SealStanding};
pub use shrunken::{ShrunkenEffect, ShrunkenEffects};
pub use sliced::{SliceRow, SlicedBy, SlicedEffect, Steadiness};
pub use slices_table::{SLICES_SCHEMA_VERSION, slices_batch, slices_parquet, slices_rows};
pub use stability::{
    CohortStability, ConsensusTree, DetectedAgain, OptimismRow, RankEnd, RankedGroupRow, ResplitCohort,
    ResplitStability, SearchStability, SplitStability, Stability,
};
pub use stability_table::{STABILITY_SCHEMA_VERSION, stability_batch, stability_parquet, stability_rows};
pub use summary_md::summary_md;
pub use tag_table::{TagLevel, TagTable};
pub use tags_table::{TAGS_SCHEMA_VERSION, tags_batch, tags_parquet};
pub use terminal::{Colour, planning_text, refusal_text, terminal_summary};
pub use tree::{NodeEffect, NodeView, Side, SplitView, TreeView};
pub use tree_json::{TREE_SCHEMA_VERSION, tree_json};
pub use units_table::{UNITS_FILE, UNITS_GROUP, UNITS_SCHEMA_VERSION, UnitsWriter, units_writer_bytes};
pub use verdict::{
    Action, AverageOutcome, AverageVerdict, CohortVerdict, GuardrailOutcome, GuardrailVerdict, Headline,
    HeterogeneityOutcome, HeterogeneityVerdict, Standing, Verdict,
};
pub use waterfall::WaterfallStep;
pub use whom_stats::{Check, CheckPart, CheckVerdict, Interval, Prior};
pub use withhold::{SmallestCell, TooFewUnits, Withheld};
