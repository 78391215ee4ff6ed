//! From the rows of statements to where rows go.

use std::collections::BTreeMap;

use datafusion::arrow::array::{AsArray, RecordBatch};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use serde::{Deserialize, Serialize};
use whom_engine::Rows;
use whom_spec::plan::GivenFolds;

use super::{ExposureStep, FactRows, Rounding, RowFlow, SplitRows, TagRows};
use crate::align::Beside;
use crate::build::Made;
use crate::catalog::{Catalog, SPLIT, fact_table, tag_table};
use crate::compile::{Compiled, MeasureColumn, Purpose, not_zero_column, rounded_to_zero_column};
use crate::error::QueryError;
use crate::flow::rows_in_words;
use crate::unit_table::column;

/// The column of the unit table that counts the units without a given fold.
const IN_NO_FOLD: &str = "in_no_fold";

/// The one that counts those that discover by a given fold.
const DISCOVERING: &str = "discovering";

/// Collects the flow while the statements run, in their order.
pub(crate) struct Recorder<'a> {
    catalog: &'a Catalog,
    compiled: &'a Compiled,
    recorded: Recorded,
}

/// What was collected so far.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Recorded {
    flow: RowFlow,
    /// The events of the fact table at hand, if it has a `unique` column.
    keyed: Option<Keyed>,
    /// Snapshots of the tag table at hand that count for nobody, if it is dated.
    unused: UnusedSnapshots,
}

/// Rows of exposed units that are not as of the day that counts.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct UnusedSnapshots {
    later: u64,
    too_old: u64,
}

impl<'a> Recorder<'a> {
    pub(crate) fn new(catalog: &'a Catalog, compiled: &'a Compiled) -> Self {
        Self::going_on(catalog, compiled, Recorded::default())
    }

    /// One that knows what another has collected.
    pub(crate) fn going_on(catalog: &'a Catalog, compiled: &'a Compiled, recorded: Recorded) -> Self {
        Self { catalog, compiled, recorded }
    }

    /// What was collected so far.
    pub(crate) fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    /// What all statements together said.
    pub(crate) fn finish(self) -> RowFlow {
        self.recorded.flow
    }

    /// Takes note of how far the rows of the split came.
    pub(crate) fn exposures(&mut self, steps: &[u64]) -> Result<(), QueryError> {
        let from = |step: ExposureStep| steps[step as usize..ExposureStep::COUNT - 1].iter().sum();
        self.recorded.flow.split = SplitRows {
            read: self.catalog.source(SPLIT)?.pinned.rows(),
            of_experiment: steps.iter().sum(),
            in_days: from(ExposureStep::InDays),
            with_unit: from(ExposureStep::WithUnit),
            with_variant: from(ExposureStep::WithVariant),
            of_variants: from(ExposureStep::OfVariants),
            unknown_variants: BTreeMap::new(),
        };
        Ok(())
    }

    /// Whether the split holds variants that are not declared.
    pub(crate) fn asks_for_unknown_variants(&self) -> bool {
        self.recorded.flow.split.with_variant > self.recorded.flow.split.of_variants
    }

    /// Takes note of the variants that are not declared.
    pub(crate) fn unknown_variants(&mut self, rows: &Rows) -> Result<(), QueryError> {
        self.recorded.flow.split.unknown_variants = rows_by_name(&rows.to_batch()?)?;
        Ok(())
    }

    /// The columns of counts whose sums [`Self::record`] asks for.
    pub(crate) fn counted(&self, purpose: &Purpose) -> Vec<String> {
        let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        match purpose {
            Purpose::EventRepeats(_) => named(&["without_key", "deliveries", "distinct_events"]),
            Purpose::DistinctKeys(_) => named(&["distinct_keys"]),
            Purpose::Snapshots(_) => named(&["later", "too_old"]),
            Purpose::Metrics(_) => {
                let metrics = self.compiled.measures.iter();
                let of = |metric: &MeasureColumn| [not_zero_column(&metric.name), rounded_to_zero_column(&metric.name)];
                metrics.flat_map(of).chain(["event_count".to_owned()]).collect()
            }
            Purpose::UnitTable => named(&[IN_NO_FOLD, DISCOVERING]),
            _ => Vec::new(),
        }
    }

    /// Takes note of what a statement made in all pieces.
    ///
    /// # Errors
    /// [`QueryError::Data`] for rows that contradict each other, [`QueryError::Internal`] if a join lost or made a row.
    pub(crate) fn record(&mut self, purpose: &Purpose, made: &Made) -> Result<(), QueryError> {
        match purpose {
            Purpose::EarlierExposed => self.recorded.flow.earlier_exposed = Some(made.rows),
            Purpose::Units => self.recorded.flow.units = made.rows,
            Purpose::EventRepeats(fact) => self.recorded.keyed = Some(keyed(fact, made)?),
            Purpose::DistinctKeys(fact) => {
                refuse_repeated_keys(
                    fact,
                    self.recorded.keyed.unwrap_or_default().events,
                    made.total("distinct_keys")?,
                )?;
            }
            Purpose::Metrics(fact) => self.metrics(fact, made)?,
            Purpose::Snapshots(_) => {
                self.recorded.unused = UnusedSnapshots { later: made.total("later")?, too_old: made.total("too_old")? };
            }
            Purpose::UnitTable => {
                for (table, beside) in self.compiled.joined.iter().zip(&made.beside) {
                    self.beside_units(&table.purpose, *beside)?;
                }
                self.conserved(made.rows)?;
                self.compiled.folds.as_ref().map_or(Ok(()), |folds| refuse_folds(folds, made))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn metrics(&mut self, fact: &str, made: &Made) -> Result<(), QueryError> {
        let events = made.total("event_count")?;
        self.recorded.flow.facts.push(FactRows {
            table: fact.to_owned(),
            read: self.catalog.source(&fact_table(fact))?.pinned.rows(),
            delivered: self.recorded.keyed.take().map_or(events, |keyed| keyed.deliveries),
            events,
            rounding: self.compiled.measures.iter().filter_map(|metric| rounding(metric, made)).collect(),
        });
        Ok(())
    }

    /// Takes note of a scan. The units with tags are counted when their tags stand beside them.
    pub(crate) fn scanned(&mut self, purpose: &Purpose) -> Result<(), QueryError> {
        let Purpose::TagRows(table) = purpose else { return Ok(()) };
        let UnusedSnapshots { later, too_old } = std::mem::take(&mut self.recorded.unused);
        self.recorded.flow.tags.push(TagRows {
            table: table.clone(),
            read: self.catalog.source(&tag_table(table))?.pinned.rows(),
            units: 0,
            later,
            too_old,
        });
        Ok(())
    }

    /// Takes note of the units that a table has rows of.
    ///
    /// # Errors
    /// [`QueryError::Data`] if units have several rows of tags which differ.
    fn beside_units(&mut self, purpose: &Purpose, beside: Beside) -> Result<(), QueryError> {
        let Purpose::TagRows(table) = purpose else { return Ok(()) };
        if beside.differing > 0 {
            return Err(QueryError::Data(format!(
                "{} several rows that count in tag table `{table}`, with different tags; keep one row per unit, and per day where rows have one",
                if beside.differing == 1 {
                    "1 unit has".to_owned()
                } else {
                    format!("{} units have", beside.differing)
                },
            )));
        }
        if let Some(rows) = self.recorded.flow.tags.iter_mut().find(|rows| rows.table == *table) {
            rows.units = beside.units;
        }
        Ok(())
    }

    /// The unit table has a row for each unit, whatever it was joined with.
    fn conserved(&self, made: u64) -> Result<(), QueryError> {
        let units = self.recorded.flow.units;
        if made == units {
            return Ok(());
        }
        Err(QueryError::Internal(format!("the joins made {made} rows of {units} units")))
    }
}

/// Refuses units to which given folds give none (to leave them out would change whom the averages are about), and folds
/// without units.
fn refuse_folds(folds: &GivenFolds, made: &Made) -> Result<(), QueryError> {
    let GivenFolds { column, discover, measure } = folds;
    let (in_none, discovering) = (made.total(IN_NO_FOLD)?, made.total(DISCOVERING)?);
    if in_none > 0 {
        let units = if in_none == 1 { "1 unit has".to_owned() } else { format!("{in_none} units have") };
        return Err(QueryError::Data(format!(
            "{units} neither `{discover}` nor `{measure}` in the tag `{column}`, which `discover.folds` names; give every unit one of the two, or leave the others out by `where` of the split"
        )));
    }
    let empty = if discovering == 0 { discover } else { measure };
    if made.rows > 0 && (discovering == 0 || discovering == made.rows) {
        return Err(QueryError::Data(format!(
            "no unit has `{empty}` in the tag `{column}`, so that the fold to which `discover.folds` gives it is empty; name two levels that units have"
        )));
    }
    Ok(())
}

/// What the events of a fact table with a `unique` column are.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Keyed {
    deliveries: u64,
    events: u64,
}

/// What a metric's grid made of small values, if it is counted.
fn rounding(metric: &MeasureColumn, made: &Made) -> Option<Rounding> {
    Some(Rounding {
        metric: metric.name.clone(),
        not_zero: made.find(&not_zero_column(&metric.name))?,
        to_zero: made.find(&rounded_to_zero_column(&metric.name))?,
    })
}

/// The events of a fact table, if each has a key.
fn keyed(fact: &str, made: &Made) -> Result<Keyed, QueryError> {
    let without = made.total("without_key")?;
    if without > 0 {
        return Err(QueryError::Data(format!(
            "fact table `{fact}` has no value in its `unique` column in {}; fill it, or leave `unique` out",
            rows_in_words(without)
        )));
    }
    Ok(Keyed { deliveries: made.total("deliveries")?, events: made.total("distinct_events")? })
}

/// Refuses keys with more than one content.
fn refuse_repeated_keys(fact: &str, events: u64, keys: u64) -> Result<(), QueryError> {
    if events == keys {
        return Ok(());
    }
    Err(QueryError::Data(format!(
        "fact table `{fact}` repeats a key of its `unique` column with different content in {}; keep one row per key, or leave `unique` out if the column does not name an event",
        rows_in_words(events.saturating_sub(keys))
    )))
}

fn rows_by_name(batch: &RecordBatch) -> Result<BTreeMap<String, u64>, QueryError> {
    let (names, counts) = (column(batch, "variant")?, column(batch, "row_count")?);
    let names = cast(&names, &DataType::Utf8).map_err(|error| QueryError::Internal(error.to_string()))?;
    let counts = counts.as_primitive::<Int64Type>().values().iter().map(|rows| rows.unsigned_abs());
    Ok(names.as_string::<i32>().iter().flatten().map(str::to_owned).zip(counts).collect())
}
