//! What statements took: the figures of the plans that were executed, added up over pieces.
//!
//! A statement runs as one plan over the files, or as one plan in each piece. Plans of one statement have the same operators,
//! so their figures are added up operator by operator, and a plan is shown once, with the figures of all pieces. A plan that
//! failed counts with what it had done until then.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use datafusion::physical_plan::metrics::{MetricValue, MetricsSet};
use datafusion::physical_plan::{ExecutionPlan, displayable};
use serde::{Deserialize, Serialize};

use crate::watched_pool::{Watch, WatchedPool};

/// What executing a statement took, all its plans together.
#[derive(Clone, Debug, Default)]
pub struct Executed {
    /// Plans: one over the files, or one in each piece.
    pub plans: u64,
    /// Rows that came out.
    pub rows: u64,
    /// Bytes read from files.
    pub bytes_read: u64,
    /// Bytes that went to disk, by operators or as rows that wait for a later statement.
    pub bytes_spilled: u64,
    /// The most bytes that operators had reserved while one of the plans ran, with those of all plans that ran beside it. Rows
    /// that wait, and what readers decode, are not among them.
    pub bytes_reserved: u64,
    /// From the start of a plan to its end. Plans of pieces run side by side, so this is more than what a clock shows.
    pub took: Duration,
    /// The time that operators spent computing, by their own account; a plan over the files has several threads.
    pub computed: Duration,
    /// Whether one of the plans failed.
    pub failed: bool,
    /// The plan as it was shown, if not this process executed the statement but one before it, whose work was taken over.
    carried: Option<String>,
    operators: Vec<Operator>,
}

/// What executing a statement took, as it can be written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutedRecord {
    plans: u64,
    rows: u64,
    bytes_read: u64,
    bytes_spilled: u64,
    bytes_reserved: u64,
    took: Duration,
    computed: Duration,
    plan: String,
}

/// When a plan began to be executed.
pub(crate) struct Beginning {
    at: Instant,
    reserved: Watch,
}

impl Beginning {
    /// Now, for a plan that takes its memory of this pool.
    pub(crate) fn now(pool: &WatchedPool) -> Self {
        Self { at: Instant::now(), reserved: pool.watch() }
    }
}

/// An operator of a plan, in the order in which plans are shown.
#[derive(Clone, Debug)]
struct Operator {
    depth: usize,
    /// As the first plan says it; what the others say may differ in numbers of files and rows.
    line: String,
    metrics: MetricsSet,
}

impl Executed {
    fn of(plan: &dyn ExecutionPlan, began: &Beginning, failed: bool) -> Self {
        let took = began.at.elapsed();
        let mut operators = Vec::new();
        collect(plan, 0, &mut operators);
        let total = |counts: fn(&MetricValue) -> bool| {
            let sums = operators.iter().filter_map(|operator| operator.metrics.sum(|metric| counts(metric.value())));
            sums.map(|sum| sum.as_usize() as u64).sum::<u64>()
        };
        let is_read = |value: &MetricValue| value.name() == "bytes_scanned";
        let is_computing = |value: &MetricValue| matches!(value, MetricValue::ElapsedCompute(_));
        Self {
            plans: 1,
            rows: operators.first().and_then(|root| root.metrics.output_rows()).unwrap_or_default() as u64,
            bytes_read: total(is_read),
            bytes_spilled: total(|value| matches!(value, MetricValue::SpilledBytes(_))),
            bytes_reserved: began.reserved.most(),
            took,
            computed: Duration::from_nanos(total(is_computing)),
            failed,
            carried: None,
            operators,
        }
    }

    /// What is written down of it.
    pub fn record(&self) -> ExecutedRecord {
        let Self { plans, rows, bytes_read, bytes_spilled, bytes_reserved, took, computed, .. } = *self;
        let plan = self.explain();
        ExecutedRecord { plans, rows, bytes_read, bytes_spilled, bytes_reserved, took, computed, plan }
    }

    /// What another process took that executed the statement.
    pub fn carried(record: ExecutedRecord) -> Self {
        let ExecutedRecord { plans, rows, bytes_read, bytes_spilled, bytes_reserved, took, computed, plan } = record;
        let (failed, carried, operators) = (false, Some(plan), Vec::new());
        Self { plans, rows, bytes_read, bytes_spilled, bytes_reserved, took, computed, failed, carried, operators }
    }

    /// Whether another process executed the statement.
    pub fn is_carried(&self) -> bool {
        self.carried.is_some()
    }

    fn add(&mut self, other: Self) {
        self.plans += other.plans;
        self.rows += other.rows;
        self.bytes_read += other.bytes_read;
        self.bytes_spilled += other.bytes_spilled;
        self.bytes_reserved = self.bytes_reserved.max(other.bytes_reserved);
        self.took += other.took;
        self.computed += other.computed;
        self.failed |= other.failed;
        self.carried = self.carried.take().or(other.carried);
        if self.operators.is_empty() {
            self.operators = other.operators;
            return;
        }
        for (all, one) in self.operators.iter_mut().zip(other.operators) {
            one.metrics.iter().for_each(|metric| all.metrics.push(metric.clone()));
            all.metrics = all.metrics.aggregate_by_name();
        }
    }

    /// The plan with the figures of each operator; what is zero is left out.
    pub fn explain(&self) -> String {
        if let Some(plan) = &self.carried {
            return plan.clone();
        }
        let mut text = String::new();
        for Operator { depth, line, metrics } in &self.operators {
            // Writing to a text cannot fail.
            let _ = writeln!(text, "{:indent$}{line}{}", "", shown(metrics), indent = 2 * depth);
        }
        text
    }
}

/// The operators of a plan, each before its inputs.
fn collect(plan: &dyn ExecutionPlan, depth: usize, operators: &mut Vec<Operator>) {
    let metrics = plan.metrics().unwrap_or_default().aggregate_by_name();
    let line = displayable(plan).one_line().to_string().trim_end().to_owned();
    operators.push(Operator { depth, line, metrics });
    plan.children().into_iter().for_each(|input| collect(input.as_ref(), depth + 1, operators));
}

fn shown(metrics: &MetricsSet) -> String {
    let metrics = metrics.clone().sorted_for_display().timestamps_removed();
    let told = metrics.iter().filter(|metric| metric.value().as_usize() > 0);
    let told: Vec<String> = told.map(|metric| format!("{}={}", metric.value().name(), metric.value())).collect();
    if told.is_empty() { String::new() } else { format!(", metrics=[{}]", told.join(", ")) }
}

/// What was executed in a session and its pieces, by the text of the statement.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<BTreeMap<String, Executed>>);

impl Ledger {
    /// What a statement took so far; `None` if it was not executed.
    pub fn executed(&self, sql: &str) -> Option<Executed> {
        self.entries().get(sql).cloned()
    }

    /// Takes note of a statement that another process executed.
    pub fn carry(&self, sql: &str, record: ExecutedRecord) {
        self.entries().insert(sql.to_owned(), Executed::carried(record));
    }

    /// Takes note of a part of a statement that another machine executed.
    pub fn add(&self, sql: &str, record: ExecutedRecord) {
        self.entries().entry(sql.to_owned()).or_default().add(Executed::carried(record));
    }

    /// Takes note of a plan that was executed, or failed.
    pub(crate) fn note<T, E>(&self, sql: &str, plan: &dyn ExecutionPlan, began: &Beginning, ended: &Result<T, E>) {
        let executed = Executed::of(plan, began, ended.is_err());
        self.entries().entry(sql.to_owned()).or_default().add(executed);
    }

    /// Takes note of rows of a statement that went to disk.
    pub fn note_spilled(&self, sql: &str, bytes: u64) {
        if bytes > 0 {
            self.entries().entry(sql.to_owned()).or_default().bytes_spilled += bytes;
        }
    }

    fn entries(&self) -> MutexGuard<'_, BTreeMap<String, Executed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use datafusion::arrow::array::{ArrayRef, Int64Array};

    use crate::pieces::Pieces;
    use crate::testing::{engine_with, open, write};

    const COUNTED: &str = "SELECT v % 2 AS odd, count(*) AS n FROM t GROUP BY v % 2 ORDER BY odd";

    fn numbers() -> Vec<(&'static str, ArrayRef)> {
        vec![("v", std::sync::Arc::new(Int64Array::from_iter_values(0..1_000)))]
    }

    #[tokio::test]
    async fn a_statement_is_told_with_the_figures_of_all_its_plans() {
        let engine = engine_with("t", numbers());
        assert!(engine.ledger().executed(COUNTED).is_none());
        for _ in 0..3 {
            engine.query(COUNTED).await.unwrap();
        }
        let executed = engine.ledger().executed(COUNTED).unwrap();
        assert_eq!((executed.plans, executed.rows, executed.failed), (3, 6, false));
        assert!(executed.bytes_reserved > 0, "{executed:?}");
        let plan = executed.explain();
        assert!(!executed.took.is_zero() && !executed.computed.is_zero(), "{executed:?}");
        assert!(plan.contains("AggregateExec: mode=") && plan.contains("output_rows=6"), "{plan}");
        assert!(!plan.contains("=0,") && !plan.contains("=0]"), "{plan}");
    }

    #[tokio::test]
    async fn a_scan_is_told_with_the_bytes_that_it_read() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.parquet", numbers());
        let engine = open(folder.path()).await.unwrap();
        engine.scatter("SELECT v FROM t", Pieces::new(NonZeroUsize::MIN), None).await.unwrap();
        let executed = engine.ledger().executed("SELECT v FROM t").unwrap();
        let size = folder.path().join("a.parquet").metadata().unwrap().len();
        assert!((1..=size).contains(&executed.bytes_read), "{} of {size}", executed.bytes_read);
        assert_eq!((executed.plans, executed.rows), (1, 1_000));
    }

    #[tokio::test]
    async fn what_another_process_executed_is_told_as_it_told_it() {
        let engine = engine_with("t", numbers());
        engine.query(COUNTED).await.unwrap();
        let executed = engine.ledger().executed(COUNTED).unwrap();
        let next = engine_with("t", numbers());
        next.ledger().carry(COUNTED, executed.record());
        let carried = next.ledger().executed(COUNTED).unwrap();
        assert_eq!((carried.is_carried(), executed.is_carried()), (true, false));
        assert_eq!((carried.record(), carried.explain()), (executed.record(), executed.explain()));
    }

    #[tokio::test]
    async fn a_piece_tells_the_session_that_it_is_a_piece_of() {
        let whole = engine_with("u", numbers());
        let piece = whole.piece();
        piece.query("SELECT 1 AS one").await.unwrap();
        assert_eq!(whole.ledger().executed("SELECT 1 AS one").unwrap().plans, 1);
    }

    #[tokio::test]
    async fn a_statement_that_fails_is_told_as_far_as_it_came() {
        let engine = engine_with("t", numbers());
        let failing = "SELECT 1 / (v - 999) AS n FROM t";
        engine.query(failing).await.unwrap_err();
        let executed = engine.ledger().executed(failing).unwrap();
        assert_eq!((executed.plans, executed.failed), (1, true));
        assert!(executed.explain().contains("ProjectionExec"), "{}", executed.explain());
    }
}
