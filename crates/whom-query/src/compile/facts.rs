//! The statements over fact tables: events in windows, and the metrics made of them.

use minijinja::{Value, context};
use whom_spec::plan::{Aggregate, Fact, GridBase, IncompleteWindow, Metric, MissingMetric, NonFinite, Precision};
use whom_spec::{Diagnostic, Spanned};
use whom_stats::Grid;

use crate::catalog::{column, fact_table};
use crate::columns::{instant, interval, same_unit_key};
use crate::compile::{Compiler, MetricColumn};
use crate::days::{through_end, windows};
use crate::error::QueryError;
use crate::expression::{Expected, Resolved, Scope};
use crate::sql::Fragment;
use datafusion::arrow::datatypes::{DataType, Schema};

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
    pub(super) complete_until: Option<chrono::DateTime<chrono::Utc>>,
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
        let scope = FactScope { fact, schema: &schema, owner: format!("fact table `{}`", fact.name.value) };
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
        let (events, results) = (format!("events of {}", fact.name.value), metrics_table(&fact.name));
        self.emit("events", &events, &[&source], common)?;
        let aggregated = context! { events => Fragment::identifier(&events), metrics => contexts };
        if fact.unique.is_some() {
            self.emit("repeats", &format!("repeats of {}", fact.name.value), &[], aggregated.clone())?;
        }
        self.emit("metrics", &results, &[], aggregated)?;
        Ok(compiled)
    }

    fn fact_context(
        &self,
        scope: &FactScope<'_>,
        metrics: &[&Metric],
        contexts: &[Value],
    ) -> Result<Value, Diagnostic> {
        let FactScope { fact, schema, owner } = scope;
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
            unit => same_unit_key(schema, "f", &self.plan.unit, (owner, self.id))?,
            time => &time,
            filter => self.condition(fact.filter.as_ref(), scope)?,
            through => through.map(|end| Value::from(crate::columns::instant_literal(end))),
            unique => unique,
            opens => interval(opens),
            closes => interval(closes),
            metrics => contexts,
        })
    }

    fn condition(&self, filter: Option<&Spanned<String>>, scope: &FactScope<'_>) -> Result<Fragment, Diagnostic> {
        match filter {
            Some(filter) => Ok(self.expression(filter, Expected::Condition, scope)?.sql),
            None => Ok(Fragment::trusted("true")),
        }
    }

    fn expression(
        &self,
        text: &Spanned<String>,
        expected: Expected,
        scope: &FactScope<'_>,
    ) -> Result<Resolved, Diagnostic> {
        let expressions =
            Scope { state: self.state, alias: "f", schema: scope.schema, prefix: "", owner: &scope.owner };
        expressions.resolve(text, expected)
    }

    fn metric(&self, metric: &Metric, scope: &FactScope<'_>) -> Result<(CompiledMetric, Value), Diagnostic> {
        let value = metric
            .value
            .as_ref()
            .map(|value| self.expression(value, value_type(metric.aggregate), scope))
            .transpose()?;
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
            table: metrics_table(&scope.fact.name),
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
            filter => self.condition(metric.filter.as_ref(), scope)?,
            counts => Fragment::identifier(&format!("{name} counts")),
            raw => value.as_ref().map(|_| Value::from(Fragment::identifier(&format!("value of {name}")))),
            value => value.as_ref().map(|value| Value::from(&value.sql)),
            grid => Fragment::literal(&grid.to_string()),
            graded => is_graded(metric),
            flag => Fragment::identifier(&format!("{name} is not finite")),
            not_finite => Fragment::identifier(&compiled.not_finite),
        };
        Ok((compiled, context))
    }
}

/// The table that holds the metrics of a fact table.
fn metrics_table(fact: &str) -> String {
    format!("metrics of {fact}")
}

/// Whether a metric takes numbers from its rows, which may be NaN or infinite.
fn is_graded(metric: &Metric) -> bool {
    matches!(metric.aggregate, Aggregate::Sum | Aggregate::Mean)
}

fn value_type(aggregate: Aggregate) -> Expected {
    match aggregate {
        Aggregate::Sum | Aggregate::Mean => Expected::Number,
        Aggregate::Count | Aggregate::Any => Expected::Anything,
    }
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
