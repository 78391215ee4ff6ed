//! From the rows of statements to where rows go.

use std::collections::BTreeMap;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::datatypes::Int64Type;
use whom_engine::integer;
use whom_engine::session::Rows;

use super::{FactRows, Rounding, RowFlow, SplitRows, TagRows};
use crate::catalog::{Catalog, fact_table, tag_table};
use crate::compile::{MetricColumn, Purpose, not_zero_column, rounded_to_zero_column};
use crate::error::QueryError;
use crate::flow::rows_in_words;
use crate::unit_table::column;

/// Collects the flow while the statements run, in their order.
pub(crate) struct Recorder<'a> {
    catalog: &'a Catalog,
    metrics: &'a [MetricColumn],
    flow: RowFlow,
    /// Deliveries of the events of the fact table at hand, if it has a `unique` column.
    deliveries: Option<u64>,
    /// Snapshots of the tag table at hand that count for nobody, if it is dated.
    unused: Option<UnusedSnapshots>,
}

/// Rows of exposed units that are not as of the day that counts.
#[derive(Clone, Copy, Default)]
struct UnusedSnapshots {
    later: u64,
    too_old: u64,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(catalog: &'a Catalog, metrics: &'a [MetricColumn]) -> Self {
        Self { catalog, metrics, flow: RowFlow::default(), deliveries: None, unused: None }
    }

    /// What all statements together said.
    pub(crate) fn finish(self) -> RowFlow {
        self.flow
    }

    /// Takes note of a statement's rows.
    ///
    /// # Errors
    /// [`QueryError::Data`] for rows that contradict each other, [`QueryError::Internal`] if a join lost or made a row.
    pub(crate) fn record(&mut self, purpose: &Purpose, rows: &Rows) -> Result<(), QueryError> {
        match purpose {
            Purpose::SplitRows => self.flow.split = split_rows(rows)?,
            Purpose::UnknownVariants => self.flow.split.unknown_variants = rows_by_name(&rows.to_batch()?)?,
            Purpose::EarlierExposed => self.flow.earlier_exposed = Some(rows.len() as u64),
            Purpose::Units => self.flow.units = rows.len() as u64,
            Purpose::EventRepeats(fact) => self.deliveries = Some(deliveries(fact, rows)?),
            Purpose::Metrics(fact) => self.metrics(fact, rows)?,
            Purpose::Snapshots(_) => {
                let batch = rows.to_batch()?;
                self.unused =
                    Some(UnusedSnapshots { later: total(&batch, "later")?, too_old: total(&batch, "too_old")? });
            }
            Purpose::Tags(table) => self.tags(table, rows)?,
            Purpose::TagRepeats(table) => self.refuse_tag_repeats(table, rows)?,
            Purpose::UnitTable => self.conserved(rows)?,
            Purpose::FirstExposure | Purpose::Events(_) => {}
        }
        Ok(())
    }

    fn metrics(&mut self, fact: &str, rows: &Rows) -> Result<(), QueryError> {
        let batch = rows.to_batch()?;
        let events = total(&batch, "event_count")?;
        let rounding = self.rounding(&batch)?;
        self.flow.facts.push(FactRows {
            table: fact.to_owned(),
            read: self.catalog.source(&fact_table(fact))?.pinned.rows(),
            delivered: self.deliveries.take().unwrap_or(events),
            events,
            rounding,
        });
        Ok(())
    }

    /// What grids made of small values, for the metrics whose counts are among the columns.
    fn rounding(&self, batch: &RecordBatch) -> Result<Vec<Rounding>, QueryError> {
        let rounds =
            |metric: &&MetricColumn| batch.schema_ref().index_of(&rounded_to_zero_column(&metric.name)).is_ok();
        let counts = |metric: &MetricColumn| {
            Ok(Rounding {
                metric: metric.name.clone(),
                not_zero: total(batch, &not_zero_column(&metric.name))?,
                to_zero: total(batch, &rounded_to_zero_column(&metric.name))?,
            })
        };
        self.metrics.iter().filter(rounds).map(counts).collect()
    }

    fn tags(&mut self, table: &str, rows: &Rows) -> Result<(), QueryError> {
        let UnusedSnapshots { later, too_old } = self.unused.unwrap_or_default();
        self.flow.tags.push(TagRows {
            table: table.to_owned(),
            read: self.catalog.source(&tag_table(table))?.pinned.rows(),
            units: rows.len() as u64,
            later,
            too_old,
        });
        Ok(())
    }

    fn refuse_tag_repeats(&mut self, table: &str, rows: &Rows) -> Result<(), QueryError> {
        let (found, units) = (count(rows, "row_count")?, count(rows, "unit_count")?);
        let dated = self.unused.take().is_some();
        if found == units {
            return Ok(());
        }
        Err(QueryError::Data(format!(
            "units have more than one row in tag table `{table}`{}, with different tags ({found} rows of {units} units); keep one row per unit",
            if dated { " on one day" } else { "" },
        )))
    }

    /// The unit table has a row for each unit, whatever it was joined with.
    fn conserved(&self, rows: &Rows) -> Result<(), QueryError> {
        let (made, units) = (rows.len() as u64, self.flow.units);
        if made == units {
            return Ok(());
        }
        Err(QueryError::Internal(format!("the joins made {made} rows of {units} units")))
    }
}

fn split_rows(rows: &Rows) -> Result<SplitRows, QueryError> {
    Ok(SplitRows {
        read: count(rows, "rows_read")?,
        of_experiment: count(rows, "rows_of_experiment")?,
        in_days: count(rows, "rows_in_days")?,
        with_unit: count(rows, "rows_with_unit")?,
        with_variant: count(rows, "rows_with_variant")?,
        of_variants: count(rows, "rows_of_variants")?,
        unknown_variants: BTreeMap::new(),
    })
}

/// The deliveries of a fact table's events, if each key has one content.
fn deliveries(fact: &str, rows: &Rows) -> Result<u64, QueryError> {
    let without = count(rows, "without_key")?;
    if without > 0 {
        return Err(QueryError::Data(format!(
            "fact table `{fact}` has no value in its `unique` column in {}; fill it, or leave `unique` out",
            rows_in_words(without)
        )));
    }
    let (events, keys) = (count(rows, "distinct_events")?, count(rows, "distinct_keys")?);
    if events != keys {
        return Err(QueryError::Data(format!(
            "fact table `{fact}` repeats a key of its `unique` column with different content in {}; keep one row per key, or leave `unique` out if the column does not name an event",
            rows_in_words(events.saturating_sub(keys))
        )));
    }
    count(rows, "deliveries")
}

/// A count in a one-row answer; the sum of no rows is 0.
fn count(rows: &Rows, name: &str) -> Result<u64, QueryError> {
    Ok(integer(rows, name)?.and_then(|value| u64::try_from(value).ok()).unwrap_or(0))
}

/// The sum of a column of counts.
fn total(batch: &RecordBatch, name: &str) -> Result<u64, QueryError> {
    let counts = column(batch, name)?;
    Ok(counts.as_primitive::<Int64Type>().iter().flatten().map(i64::unsigned_abs).sum())
}

fn rows_by_name(batch: &RecordBatch) -> Result<BTreeMap<String, u64>, QueryError> {
    let (names, counts) = (column(batch, "variant")?, column(batch, "row_count")?);
    let counts = counts.as_primitive::<Int64Type>().values().iter().map(|rows| rows.unsigned_abs());
    Ok(names.as_string::<i32>().iter().flatten().map(str::to_owned).zip(counts).collect())
}
