//! The statements over fact tables: events in windows, and the metrics made of them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::Schema;
use minijinja::{Value, context};
use whom_spec::Diagnostic;
use whom_spec::plan::{Aggregate, Fact, IncompleteWindow, Measure, MissingMetric, NonFinite};
use whom_stats::Grid;

use crate::catalog::{column, fact_table};
use crate::columns::{instant, same_unit_key};
use crate::compile::grids::{grid_of, may_round, not_zero_column, rounded_to_zero_column};
use crate::compile::steps::{ROUNDED_PRODUCT, steps};
use crate::compile::{Compiler, EventsColumn, MeasureColumn, Purpose};
use crate::days::{Period, through_end, windows};
use crate::dialect::Dialect;
use crate::error::QueryError;
use crate::expression::{Expected, Scope};
use crate::sql::Fragment;
use crate::status::Status;

/// A measure ready for the unit table.
pub(super) struct CompiledMeasure {
    pub(super) column: MeasureColumn,
    /// The table of its fact's metrics.
    pub(super) table: Purpose,
    /// The name of its count of values that are not finite.
    pub(super) not_finite: String,
    /// When its window closes, as hours after first exposure.
    pub(super) closes: i64,
    /// The instant by which its window must have closed, if incomplete windows are excluded.
    pub(super) complete_until: Option<DateTime<Utc>>,
    /// What a unit with a value that is not finite comes to, if its values can be that.
    pub(super) if_not_finite: Option<Status>,
    /// Whether a unit without a value is taken out.
    pub(super) needs_value: bool,
}

/// A fact table whose metrics are compiled together.
struct FactScope<'a> {
    fact: &'a Fact,
    schema: &'a Schema,
    owner: String,
    /// The name of the column that holds an event's unit.
    unit: String,
    /// The name of the column that holds an event's instant.
    instant: String,
}

impl<'a> FactScope<'a> {
    fn new(fact: &'a Fact, schema: &'a Schema) -> Self {
        Self {
            fact,
            schema,
            owner: format!("fact table `{}`", fact.name.value),
            unit: free_name(schema, "event unit"),
            instant: free_name(schema, "event instant"),
        }
    }
}

impl Compiler<'_> {
    /// Compiles every fact table that a metric uses; the answer is in the order of the plan's measures.
    pub(super) fn facts(&mut self) -> Result<Vec<CompiledMeasure>, QueryError> {
        let measures = self.plan.measures();
        let mut compiled = Vec::new();
        for fact in &self.plan.facts {
            let of_fact: Vec<&Measure<'_>> = measures.iter().filter(|measure| *measure.from == fact.name).collect();
            if !of_fact.is_empty() {
                compiled.extend(self.fact(fact, &of_fact)?);
            }
        }
        compiled.sort_by_key(|compiled| measures.iter().position(|measure| measure.name == compiled.column.name));
        Ok(compiled)
    }

    fn fact(&mut self, fact: &Fact, metrics: &[&Measure<'_>]) -> Result<Vec<CompiledMeasure>, QueryError> {
        let schema = self.catalog.schema(&fact_table(&fact.name))?;
        let scope = FactScope::new(fact, &schema);
        let mut compiled = Vec::new();
        let (mut contexts, mut columns) = (Vec::new(), BTreeSet::new());
        for metric in metrics {
            let resolved = self.metric(metric, &scope);
            if let Some((metric, context, reads)) = self.keep(resolved) {
                compiled.push(metric);
                contexts.push(context);
                columns.extend(reads);
            }
        }
        columns.extend(fact.unique.as_ref().map(|key| key.value.clone()));
        let scanned = self.scanned(&scope, metrics, &columns);
        if let Some(scanned) = self.keep(scanned) {
            self.fact_statements(&scope, scanned, windowed(self.dialect, &scope, metrics, &contexts), &contexts)?;
        }
        Ok(compiled)
    }

    /// The statements of a fact table, in their order: rows, events in windows, what is known of their keys, metrics.
    fn fact_statements(
        &mut self,
        scope: &FactScope<'_>,
        scanned: Value,
        windowed: Value,
        metrics: &[Value],
    ) -> Result<(), QueryError> {
        let name = &scope.fact.name.value;
        let (events, keys) = (Purpose::Events(name.clone()), Purpose::EventKeys(name.clone()));
        let aggregated = context! { events => Fragment::identifier(&events.table()), metrics => metrics };
        self.emit(Purpose::FactRows(name.clone()), &[&fact_table(name)], scanned)?;
        self.emit(events, &[], windowed)?;
        if scope.fact.unique.is_some() {
            let counted = context! { keys => Fragment::identifier(&keys.table()) };
            self.emit(Purpose::EventRepeats(name.clone()), &[], aggregated.clone())?;
            self.emit(keys, &[], aggregated.clone())?;
            self.emit(Purpose::DistinctKeys(name.clone()), &[], counted)?;
        }
        self.emit(Purpose::Metrics(name.clone()), &[], aggregated)
    }

    /// The context of the scan.
    fn scanned(
        &self,
        scope: &FactScope<'_>,
        metrics: &[&Measure<'_>],
        columns: &BTreeSet<String>,
    ) -> Result<Value, Diagnostic> {
        let FactScope { fact, schema, owner, .. } = scope;
        if let Some(key) = &fact.unique {
            column(schema, key, owner)?;
        }
        let (opens, _) = windows(metrics.iter().copied()).unwrap_or_default();
        let earliest = Period::of(self.plan).from + chrono::Duration::hours(opens);
        let through = through_end(self.plan, fact.partition.as_ref());
        let columns: Vec<Value> = columns.iter().map(|name| Value::from(Fragment::column("f", name))).collect();
        Ok(context! {
            table => Fragment::identifier(&fact_table(&fact.name)),
            unit => same_unit_key(schema, "f", &self.plan.unit, owner, self.id)?,
            unit_name => Fragment::identifier(&scope.unit),
            time => instant(self.dialect, schema, "f", &fact.time, owner)?,
            instant_name => Fragment::identifier(&scope.instant),
            columns => columns,
            filter => self.columns_of(scope).condition(fact.filter.as_ref())?.sql,
            earliest => self.dialect.instant_literal(earliest),
            through => through.map(|end| Value::from(self.dialect.instant_literal(end))),
            filter_of_units => Fragment::literal(&Purpose::Units.table()),
        })
    }

    fn columns_of<'a>(&'a self, scope: &'a FactScope<'_>) -> Scope<'a> {
        Scope {
            state: self.state,
            dialect: self.dialect,
            alias: "f",
            schema: scope.schema,
            prefix: "",
            owner: &scope.owner,
        }
    }

    /// A metric, the context of its SQL, and the columns that it reads.
    fn metric(
        &self,
        metric: &Measure<'_>,
        scope: &FactScope<'_>,
    ) -> Result<(CompiledMeasure, Value, BTreeSet<String>), Diagnostic> {
        let columns = self.columns_of(scope);
        let graded = metric.aggregate.is_graded();
        let expected = if graded { Expected::Number } else { Expected::Key };
        let value = metric.value.map(|value| columns.resolve(value, expected)).transpose()?;
        let filter = columns.condition(metric.filter)?;
        let mut reads = filter.columns;
        reads.extend(value.iter().flat_map(|value| value.columns.iter().cloned()));
        let grid = grid_of(metric, value.as_ref())?;
        let (name, of_events) = (&metric.name, metric.aggregate == Aggregate::Events);
        let compiled = CompiledMeasure {
            column: MeasureColumn {
                metric: metric.metric,
                part: metric.part,
                name: name.clone(),
                column: format!("metric {name}"),
                status: format!("status of {name}"),
                grid: if of_events { Grid::INTEGER } else { grid },
                proportion: metric.aggregate == Aggregate::Any,
                events: of_events.then(|| EventsColumn { column: format!("events of {name}"), grid }),
            },
            table: Purpose::Metrics(scope.fact.name.value.clone()),
            not_finite: format!("not finite in {name}"),
            closes: metric.closes,
            complete_until: match metric.incomplete_window {
                IncompleteWindow::Exclude if metric.part.is_before() => None,
                IncompleteWindow::Exclude => through_end(self.plan, scope.fact.partition.as_ref()),
                IncompleteWindow::Include => None,
            },
            if_not_finite: graded.then_some(match metric.non_finite {
                NonFinite::Zero => Status::NotFiniteAsZero,
                NonFinite::Refuse | NonFinite::DropUnit => Status::NotFinite,
            }),
            needs_value: metric.missing != MissingMetric::Zero,
        };
        let context = context! {
            name => Fragment::identifier(&compiled.column.column),
            aggregate => aggregate_word(metric.aggregate),
            opens => self.dialect.after("u.first_exposure", metric.opens),
            closes => self.dialect.after("u.first_exposure", compiled.closes),
            filter => filter.sql,
            counts => Fragment::identifier(&format!("counts for {name}")),
            number => Fragment::identifier(&format!("number for {name}")),
            on_grid => Fragment::identifier(&format!("value of {name}")),
            value => value.as_ref().map(|value| Value::from(&value.sql)),
            text => metric.value.map(|value| Value::from(Fragment::literal(value))),
            grid => Fragment::literal(&grid.to_string()),
            graded => graded,
            events => Fragment::identifier(&format!("events of {name}")),
            distinct => metric.aggregate == Aggregate::Distinct,
            flag => Fragment::identifier(&format!("not finite for {name}")),
            not_finite => Fragment::identifier(&compiled.not_finite),
            rounds => value.as_ref().is_some_and(|value| graded && may_round(&value.kind, grid)),
            vanishes => Fragment::identifier(&format!("rounds to zero for {name}")),
            not_zero => Fragment::identifier(&not_zero_column(name)),
            rounded_to_zero => Fragment::identifier(&rounded_to_zero_column(name)),
            steps => value.as_ref().filter(|_| graded).map(|value| steps(&value.kind, grid)),
            product => Fragment::identifier(&format!("product for {name}")),
            high_part => Fragment::identifier(&format!("high part for {name}")),
            remainder => Fragment::identifier(&format!("remainder for {name}")),
        };
        Ok((compiled, context, reads))
    }
}

/// The context of the events in windows.
fn windowed(dialect: Dialect, scope: &FactScope<'_>, metrics: &[&Measure<'_>], contexts: &[Value]) -> Value {
    let (opens, closes) = windows(metrics.iter().copied()).unwrap_or_default();
    context! {
        rows => Fragment::identifier(&Purpose::FactRows(scope.fact.name.value.clone()).table()),
        unit => Fragment::column("f", &scope.unit),
        instant => Fragment::column("f", &scope.instant),
        unique => scope.fact.unique.as_ref().map(|key| Value::from(unique_key(key))),
        opens => dialect.after("u.first_exposure", opens),
        closes => dialect.after("u.first_exposure", closes),
        metrics => contexts,
        needs_instant => scope.fact.unique.is_some() || metrics.iter().any(|metric| metric.aggregate == Aggregate::Last),
        has_remainders => contexts.iter().any(has_remainder),
    }
}

/// Whether plain SQL counts the steps of a metric by a product that has to be rounded.
fn has_remainder(metric: &Value) -> bool {
    let form = metric.get_attr("steps").and_then(|steps| steps.get_attr("form"));
    form.is_ok_and(|form| form.as_str() == Some(ROUNDED_PRODUCT))
}

/// The key by which an event is known again.
fn unique_key(key: &str) -> Fragment {
    Fragment::trusted(format!("CAST({} AS VARCHAR)", Fragment::column("f", key)))
}

/// A name that no column of the table has.
fn free_name(schema: &Schema, name: &str) -> String {
    let mut name = name.to_owned();
    while schema.field_with_name(&name).is_ok() {
        name.push('\'');
    }
    name
}

fn aggregate_word(aggregate: Aggregate) -> &'static str {
    match aggregate {
        Aggregate::Sum => "sum",
        Aggregate::Count => "count",
        Aggregate::Any => "any",
        Aggregate::Mean => "mean",
        Aggregate::Min => "min",
        Aggregate::Max => "max",
        Aggregate::Last => "last",
        Aggregate::Distinct => "distinct",
        Aggregate::Events => "events",
    }
}
