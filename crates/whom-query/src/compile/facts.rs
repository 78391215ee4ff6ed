//! The statements over fact tables: events in windows, and the metrics made of them.

use chrono::{DateTime, Utc};
use datafusion::arrow::datatypes::{DataType, Schema};
use minijinja::{Value, context};
use whom_spec::Diagnostic;
use whom_spec::plan::{Aggregate, Fact, GridBase, IncompleteWindow, Metric, MissingMetric, NonFinite, Precision};
use whom_stats::Grid;

use crate::catalog::{column, fact_table};
use crate::columns::{instant, instant_literal, interval, same_unit_key};
use crate::compile::{Compiler, MetricColumn, Purpose};
use crate::days::{through_end, windows};
use crate::error::QueryError;
use crate::expression::{Expected, Resolved, Scope};
use crate::sql::Fragment;

/// A metric ready for the unit table.
pub(super) struct CompiledMetric {
    pub(super) column: MetricColumn,
    /// The table of its fact's metrics.
    pub(super) table: String,
    /// The name of its count of values that are not finite.
    pub(super) not_finite: String,
    /// When its window closes, as hours after first exposure.
    pub(super) closes: u32,
    /// The instant by which its window must have closed, if incomplete windows are excluded.
    pub(super) complete_until: Option<DateTime<Utc>>,
    /// Whether a value that is not finite takes the unit out.
    pub(super) refuses_not_finite: bool,
    /// Whether a unit without a value is taken out.
    pub(super) needs_value: bool,
}

/// A fact table whose metrics are compiled together.
struct FactScope<'a> {
    fact: &'a Fact,
    schema: &'a Schema,
    owner: String,
    /// The name of the column that holds an event's instant.
    instant: String,
}

impl Compiler<'_> {
    /// Compiles every fact table that a metric uses; the answer is in the order of the metrics in the file.
    pub(super) fn facts(&mut self) -> Result<Vec<CompiledMetric>, QueryError> {
        let mut compiled = Vec::new();
        for fact in &self.plan.facts {
            let metrics: Vec<&Metric> = self.plan.metrics.iter().filter(|metric| *metric.from == *fact.name).collect();
            if !metrics.is_empty() {
                compiled.extend(self.fact(fact, &metrics)?);
            }
        }
        compiled.sort_by_key(|metric| self.plan.metrics.iter().position(|known| *known.name == metric.column.name));
        Ok(compiled)
    }

    fn fact(&mut self, fact: &Fact, metrics: &[&Metric]) -> Result<Vec<CompiledMetric>, QueryError> {
        let source = fact_table(&fact.name);
        let schema = self.catalog.schema(&source)?;
        let scope = FactScope {
            fact,
            schema: &schema,
            owner: format!("fact table `{}`", fact.name.value),
            instant: free_name(&schema),
        };
        let mut compiled = Vec::new();
        let mut contexts = Vec::new();
        for metric in metrics {
            let resolved = self.metric(metric, &scope);
            if let Some((metric, context)) = self.keep(resolved) {
                compiled.push(metric);
                contexts.push(context);
            }
        }
        let common = self.fact_context(&scope, metrics, &contexts);
        let Some(common) = self.keep(common) else { return Ok(compiled) };
        let events = Purpose::Events(fact.name.value.clone());
        let aggregated = context! { events => Fragment::identifier(&events.table()), metrics => contexts };
        self.emit(events, &[&source], common)?;
        if fact.unique.is_some() {
            self.emit(Purpose::EventRepeats(fact.name.value.clone()), &[], aggregated.clone())?;
        }
        self.emit(Purpose::Metrics(fact.name.value.clone()), &[], aggregated)?;
        Ok(compiled)
    }

    fn fact_context(
        &self,
        scope: &FactScope<'_>,
        metrics: &[&Metric],
        contexts: &[Value],
    ) -> Result<Value, Diagnostic> {
        let FactScope { fact, schema, owner, .. } = scope;
        let (opens, closes) = windows(metrics.iter().copied()).unwrap_or_default();
        let time = instant(schema, "f", &fact.time, owner)?;
        let unique = match &fact.unique {
            Some(key) => {
                column(schema, key, owner)?;
                Some(Value::from(Fragment::trusted(format!("CAST({} AS VARCHAR)", Fragment::column("f", key)))))
            }
            None => None,
        };
        let through = through_end(self.plan, fact.partition.as_ref());
        Ok(context! {
            table => Fragment::identifier(&fact_table(&fact.name)),
            unit => same_unit_key(schema, "f", &self.plan.unit, owner, self.id)?,
            time => &time,
            instant => Fragment::column("f", &scope.instant),
            instant_name => Fragment::identifier(&scope.instant),
            filter => self.columns_of(scope).condition(fact.filter.as_ref())?,
            through => through.map(|end| Value::from(instant_literal(end))),
            unique => unique,
            opens => interval(opens),
            closes => interval(closes),
            metrics => contexts,
        })
    }

    fn columns_of<'a>(&'a self, scope: &'a FactScope<'_>) -> Scope<'a> {
        Scope { state: self.state, alias: "f", schema: scope.schema, prefix: "", owner: &scope.owner }
    }

    fn metric(&self, metric: &Metric, scope: &FactScope<'_>) -> Result<(CompiledMetric, Value), Diagnostic> {
        let columns = self.columns_of(scope);
        let value = metric.value.as_ref().map(|value| columns.resolve(value, Expected::Number)).transpose()?;
        let grid = grid_of(metric, value.as_ref())?;
        let name = &metric.name.value;
        let compiled = CompiledMetric {
            column: MetricColumn {
                name: name.clone(),
                column: format!("metric {name}"),
                status: format!("status of {name}"),
                grid,
                proportion: metric.aggregate == Aggregate::Any,
            },
            table: Purpose::Metrics(scope.fact.name.value.clone()).table(),
            not_finite: format!("not finite in {name}"),
            closes: metric.delay.0 + metric.window.0,
            complete_until: match metric.incomplete_window {
                IncompleteWindow::Exclude => through_end(self.plan, scope.fact.partition.as_ref()),
                IncompleteWindow::Include => None,
            },
            refuses_not_finite: is_graded(metric) && metric.non_finite != NonFinite::Zero,
            needs_value: metric.missing != MissingMetric::Zero,
        };
        let context = context! {
            name => Fragment::identifier(&compiled.column.column),
            aggregate => aggregate_word(metric.aggregate),
            opens => interval(metric.delay.0),
            closes => interval(compiled.closes),
            filter => columns.condition(metric.filter.as_ref())?,
            counts => Fragment::identifier(&format!("counts for {name}")),
            number => Fragment::identifier(&format!("number for {name}")),
            on_grid => Fragment::identifier(&format!("value of {name}")),
            value => value.as_ref().map(|value| Value::from(&value.sql)),
            text => metric.value.as_ref().map(|value| Value::from(Fragment::literal(value))),
            grid => Fragment::literal(&grid.to_string()),
            graded => is_graded(metric),
            flag => Fragment::identifier(&format!("not finite for {name}")),
            not_finite => Fragment::identifier(&compiled.not_finite),
            rounds => value.as_ref().is_some_and(|value| is_graded(metric) && may_round(&value.kind, grid)),
            vanishes => Fragment::identifier(&format!("rounds to zero for {name}")),
            not_zero => Fragment::identifier(&not_zero_column(name)),
            rounded_to_zero => Fragment::identifier(&rounded_to_zero_column(name)),
        };
        Ok((compiled, context))
    }
}

/// The name under which the instant of an event is known: one that no column of the table has.
fn free_name(schema: &Schema) -> String {
    let mut name = "event instant".to_owned();
    while schema.field_with_name(&name).is_ok() {
        name.push('\'');
    }
    name
}

/// Whether a metric takes numbers from its rows, which may be NaN or infinite.
fn is_graded(metric: &Metric) -> bool {
    matches!(metric.aggregate, Aggregate::Sum | Aggregate::Mean)
}

/// Whether a number of this type can lie between the steps of a grid.
fn may_round(kind: &DataType, grid: Grid) -> bool {
    match kind {
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) => {
            Grid::decimal(scale.unsigned_abs()).ok() != Some(grid)
        }
        kind => kind.is_floating(),
    }
}

/// The column of a unit's values that are not zero on the grid of a metric.
pub(crate) fn not_zero_column(metric: &str) -> String {
    format!("not zero in {metric}")
}

/// The column of a unit's values that the grid of a metric rounds to zero.
pub(crate) fn rounded_to_zero_column(metric: &str) -> String {
    format!("rounded to zero in {metric}")
}

fn aggregate_word(aggregate: Aggregate) -> &'static str {
    match aggregate {
        Aggregate::Sum => "sum",
        Aggregate::Count => "count",
        Aggregate::Any => "any",
        Aggregate::Mean => "mean",
    }
}

/// The grid: declared, or given by the type of the value, never read off the data.
fn grid_of(metric: &Metric, value: Option<&Resolved>) -> Result<Grid, Diagnostic> {
    if !is_graded(metric) {
        return Ok(Grid::INTEGER);
    }
    let refused = |error: &dyn std::fmt::Display| Diagnostic::error(error.to_string()).at(metric.name.span);
    if let Some(Precision { base, exponent }) = metric.precision {
        let digits = u8::try_from(exponent).map_err(|error| refused(&error))?;
        return match base {
            GridBase::Ten => Grid::decimal(digits),
            GridBase::Two => Grid::binary(digits),
        }
        .map_err(|error| refused(&error));
    }
    match value.map(|value| &value.kind) {
        Some(DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale))
            if *scale >= 0 =>
        {
            Grid::decimal(scale.unsigned_abs()).map_err(|error| refused(&error))
        }
        Some(kind) if kind.is_floating() => Ok(Grid::FLOAT),
        _ => Ok(if metric.aggregate == Aggregate::Mean { Grid::FLOAT } else { Grid::INTEGER }),
    }
}
