//! Where rows go: counts from rows read to units, each step with what it took away and why.

mod recorder;

use std::collections::BTreeMap;

pub(crate) use recorder::{Recorded, Recorder};
use serde::{Deserialize, Serialize};

use crate::compile::Purpose;

/// Rows and units along the way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowFlow {
    /// The rows of the split.
    pub split: SplitRows,
    /// Units that would count but were exposed in the declared `lookback`; `None` if none is declared.
    pub earlier_exposed: Option<u64>,
    /// Units with a first exposure, those in several variants included.
    pub units: u64,
    /// The rows of each fact table.
    pub facts: Vec<FactRows>,
    /// The rows of each tag table.
    pub tags: Vec<TagRows>,
}

/// How far a row of the split comes; a number from 0 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ExposureStep {
    /// It meets `where`, but lies outside the days.
    OfExperiment,
    /// It names no unit.
    InDays,
    /// It names no variant.
    WithUnit,
    /// Its variant is not declared.
    WithVariant,
    /// It counts.
    OfVariants,
    /// It tells that its unit was exposed before the start.
    Earlier,
}

impl ExposureStep {
    /// The first step of rows that pieces see.
    pub(crate) const KEPT: usize = Self::OfVariants as usize;
    /// The number of steps.
    pub(crate) const COUNT: usize = Self::Earlier as usize + 1;

    /// How the rows of a statement are followed on their way to pieces; `None` if they are not those of the split.
    pub(crate) fn of(purpose: &Purpose) -> Option<whom_engine::Step<'static>> {
        let first = Some(["exposed_at", "arm", "several"]);
        let steps = || whom_engine::Step { column: "step", kept: Self::KEPT, count: Self::COUNT, first };
        (*purpose == Purpose::Exposures).then(steps)
    }
}

/// The rows of the split. Each count is a part of the one before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SplitRows {
    /// Rows in the files of the needed days.
    pub read: u64,
    /// Rows that meet `where`.
    pub of_experiment: u64,
    /// Rows from `start` to `end`.
    pub in_days: u64,
    /// Rows whose unit is known.
    pub with_unit: u64,
    /// Rows whose variant is not empty.
    pub with_variant: u64,
    /// Rows of a declared variant.
    pub of_variants: u64,
    /// The most frequent names that are not declared, with their rows.
    pub unknown_variants: BTreeMap<String, u64>,
}

/// The rows of a fact table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactRows {
    /// The table's name in the pipeline file.
    pub table: String,
    /// Rows in the files of the needed days.
    pub read: u64,
    /// Rows of exposed units within a window, repeats included.
    pub delivered: u64,
    /// The same, each event once.
    pub events: u64,
    /// What the grids of its metrics made of small values, for the metrics whose values need rounding.
    pub rounding: Vec<Rounding>,
}

/// The values of a metric that were not zero when they came to its grid.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rounding {
    /// The metric.
    pub metric: String,
    /// Values that are not zero on the grid either.
    pub not_zero: u64,
    /// Values that the grid rounds to zero.
    pub to_zero: u64,
}

/// The rows of a tag table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagRows {
    /// The table's name in the pipeline file.
    pub table: String,
    /// Rows in the files of the needed days.
    pub read: u64,
    /// Units with a row that counts.
    pub units: u64,
    /// Rows of exposed units from the day of exposure or later: never joined.
    pub later: u64,
    /// Rows of exposed units older than `at_most`.
    pub too_old: u64,
}

/// One step of the waterfall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What was done.
    pub step: String,
    /// The table that the step is about.
    pub table: Option<String>,
    /// Rows or units that remain.
    pub kept: u64,
    /// Rows or units taken away.
    pub dropped: u64,
    /// Why; empty if none were.
    pub reason: String,
}

impl RowFlow {
    /// The way from exposure rows to units with a first exposure, then what each other table gave.
    pub fn steps(&self) -> Vec<Step> {
        let split = &self.split;
        let unknown: Vec<String> = split.unknown_variants.keys().map(|name| format!("`{name}`")).collect();
        let mut steps = vec![
            step("exposure rows read", split.read, split.read, ""),
            step("of this experiment", split.of_experiment, split.read, "`where` of the split"),
            step("between start and end", split.in_days, split.of_experiment, "outside the experiment's days"),
            step("with a unit", split.with_unit, split.in_days, "no id"),
            step("with a variant", split.with_variant, split.with_unit, "empty variant"),
            step(
                "of a declared variant",
                split.of_variants,
                split.with_variant,
                &format!("unknown: {}", unknown.join(", ")),
            ),
        ];
        if let Some(earlier) = self.earlier_exposed {
            steps.push(step(
                "units not exposed before start",
                self.units,
                self.units + earlier,
                "exposed during `lookback`",
            ));
        }
        steps.push(Step {
            step: "units with a first exposure".to_owned(),
            table: None,
            kept: self.units,
            dropped: 0,
            reason: String::new(),
        });
        steps.extend(self.facts.iter().flat_map(FactRows::steps));
        steps.extend(self.tags.iter().flat_map(TagRows::steps));
        steps
    }
}

/// A number of rows, as it is read.
pub(crate) fn rows_in_words(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{rows} rows") }
}

fn step(name: &str, kept: u64, before: u64, reason: &str) -> Step {
    let dropped = before - kept.min(before);
    let reason = if dropped > 0 { reason.to_owned() } else { String::new() };
    Step { step: name.to_owned(), table: Some("split".to_owned()), kept, dropped, reason }
}

impl FactRows {
    fn steps(&self) -> Vec<Step> {
        let named = |step: Step| Step { table: Some(self.table.clone()), ..step };
        vec![
            named(step("rows read", self.read, self.read, "")),
            named(step("in a window of a unit", self.delivered, self.read, "other units, or outside every window")),
            named(step("each event once", self.events, self.delivered, "exact repeats")),
        ]
    }
}

impl TagRows {
    fn steps(&self) -> Vec<Step> {
        let named = |step: Step| Step { table: Some(self.table.clone()), ..step };
        let reason = format!(
            "{} from the day of exposure or later, {} too old, the rest superseded or of other units",
            self.later, self.too_old
        );
        vec![
            named(step("rows read", self.read, self.read, "")),
            named(step("the snapshot that counts, per unit", self.units, self.read, &reason)),
        ]
    }
}
