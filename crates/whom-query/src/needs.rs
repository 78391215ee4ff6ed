//! What a plan will need, from footers and from its statements planned over empty tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, new_empty_array};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::physical_plan::ExecutionPlan;
use futures::future::BoxFuture;
use whom_engine::scanned::{columns, row_bytes};
use whom_engine::{Engine, Moment, Needs, Rows, ScanNeeds, remembered_bytes};

use crate::align::JOINED;
use crate::build::{aligned, groups};
use crate::catalog::{Catalog, SPLIT, fact_table, tag_table};
use crate::compile::{Compiled, JoinedTable, Place, Purpose, Statement};
use crate::error::QueryError;

/// Bytes of an analysed unit besides its tags and cohorts: arm, bucket, week, and where it stands.
const UNIT: u64 = 9;

/// Bytes of an analysed unit's metric, packed.
const METRIC: u64 = 8;

/// Bytes of the step of an exposure, which is counted and does not wait.
const STEP: u64 = 8;

/// Plans every statement, in its order, over the footers of the files and empty tables.
///
/// # Errors
/// What planning refuses.
pub(crate) async fn dry_plans<'c>(
    compiled: &'c Compiled,
    catalog: &Catalog,
    engine: &Engine,
) -> Result<Vec<(&'c Statement, Arc<dyn ExecutionPlan>)>, QueryError> {
    catalog.register(engine)?;
    let piece = engine.piece();
    let mut plans = Vec::new();
    for statement in &compiled.statements {
        if statement.purpose == Purpose::UnitTable {
            let (joined, _) = aligned(&piece, &compiled.joined)?;
            piece.add_rows(JOINED, Rows { schema: joined.schema(), batches: vec![joined] })?;
        }
        let session = match statement.purpose.place() {
            Place::Scan | Place::Files => engine,
            Place::Piece | Place::Regroup => &piece,
        };
        let plan = session.plan(&statement.sql).await?;
        piece.add_rows(&statement.purpose.table(), no_rows(plan.schema())?)?;
        plans.push((statement, plan));
    }
    Ok(plans)
}

fn no_rows(schema: SchemaRef) -> Result<Rows, QueryError> {
    let columns = schema.fields().iter().map(|field| new_empty_array(field.data_type())).collect();
    let empty = RecordBatch::try_new(Arc::clone(&schema), columns);
    Ok(Rows { schema, batches: vec![empty.map_err(|error| QueryError::Internal(error.to_string()))?] })
}

/// What a plan needs to make and hold units; what is done before and afterwards is left out. `engine` is a session that knows
/// no table yet; it is good for nothing else afterwards.
///
/// # Errors
/// What planning refuses.
pub fn needs<'a>(
    compiled: &'a Compiled,
    catalog: &'a Catalog,
    engine: &'a Engine,
) -> BoxFuture<'a, Result<Needs, QueryError>> {
    Box::pin(async move {
        let plans = dry_plans(compiled, catalog, engine).await?;
        let units = units(catalog)?;
        let mut sizes = Sizes::default();
        let mut scans = Vec::new();
        for (statement, plan) in &plans {
            let rows = rows_at_most(&statement.purpose, catalog, units)?;
            let counted = if statement.purpose == Purpose::Exposures { STEP } else { 0 };
            let events = event_bytes(&statement.purpose, compiled, catalog)?;
            sizes.0.insert(statement.purpose.clone(), rows * (row_bytes(&plan.schema()) - counted) + events);
            if matches!(statement.purpose.place(), Place::Scan) {
                scans.push(scan_needs(statement, plan, catalog)?);
            }
        }
        Ok(Needs {
            fill: Vec::new(),
            scans,
            units,
            moments: moments(compiled, &sizes),
            table: sizes.of(&Purpose::UnitTable),
            analysed: units * analysed_bytes(compiled),
            sampled: 0,
            search: 0,
            writer: 0,
        })
    })
}

/// Bytes of an event in the list of its unit.
const EVENT: u64 = 8;

/// Bytes of the lists of events in what a statement makes, as if every row of their fact table were in one.
fn event_bytes(purpose: &Purpose, compiled: &Compiled, catalog: &Catalog) -> Result<u64, QueryError> {
    let mut bytes = 0;
    for table in &compiled.joined {
        let Purpose::Metrics(fact) = &table.purpose else { continue };
        if *purpose != Purpose::UnitTable && *purpose != table.purpose {
            continue;
        }
        let lists = compiled.measures.iter().filter_map(|measure| measure.events.as_ref());
        let lists = lists.filter(|events| table.columns.contains(&events.column)).count() as u64;
        bytes += lists * EVENT * catalog.source(&fact_table(fact))?.pinned.rows();
    }
    Ok(bytes)
}

fn analysed_bytes(compiled: &Compiled) -> u64 {
    let columns = compiled.tags.len() + compiled.cohorts.len();
    UNIT + columns as u64 + METRIC * compiled.measures.len() as u64
}

/// Bytes of what statements make, all pieces together.
#[derive(Debug, Default)]
struct Sizes(BTreeMap<Purpose, u64>);

impl Sizes {
    fn of(&self, purpose: &Purpose) -> u64 {
        self.0.get(purpose).copied().unwrap_or(0)
    }

    fn of_all(&self, purposes: &BTreeSet<Purpose>) -> u64 {
        purposes.iter().map(|purpose| self.of(purpose)).sum()
    }
}

fn scan_needs(
    statement: &Statement,
    plan: &Arc<dyn ExecutionPlan>,
    catalog: &Catalog,
) -> Result<ScanNeeds, QueryError> {
    let table = statement.reads.first().map_or(SPLIT, String::as_str);
    let pinned = catalog.source(table)?.scanned();
    let read = columns(plan);
    let (bytes, row_group) = pinned.bytes_of(read.iter().map(String::as_str));
    let files = pinned.files().len();
    Ok(ScanNeeds {
        table: table.to_owned(),
        files,
        rows: pinned.rows(),
        bytes,
        row_group,
        row: row_bytes(&plan.schema()),
        remembered: if statement.purpose == Purpose::Exposures { remembered_bytes() } else { 0 },
    })
}

/// About how many units there are: no more than rows of the split, and if there are tags, about as many as have them on a
/// day, and an eighth more for those whom that day lacks.
fn units(catalog: &Catalog) -> Result<u64, QueryError> {
    let exposures = catalog.source(SPLIT)?.pinned.rows();
    let tagged = catalog.sources().filter(|source| source.is_of_tags());
    let tagged = tagged.map(|source| source.pinned.rows_of_largest_day()).max();
    Ok(tagged.map_or(exposures, |tagged| (tagged + tagged / 8).min(exposures)))
}

fn rows_at_most(purpose: &Purpose, catalog: &Catalog, units: u64) -> Result<u64, QueryError> {
    let rows = |table: &str| Ok::<u64, QueryError>(catalog.source(table)?.pinned.rows());
    Ok(match purpose {
        Purpose::Exposures => rows(SPLIT)?,
        Purpose::FactRows(fact) | Purpose::Events(fact) | Purpose::EventKeys(fact) => rows(&fact_table(fact))?,
        Purpose::SnapshotDays(tags) => rows(&tag_table(tags))?,
        Purpose::UnknownVariants | Purpose::EventRepeats(_) | Purpose::DistinctKeys(_) => 1,
        Purpose::Metrics(fact) => rows(&fact_table(fact))?.min(units),
        Purpose::FirstExposure
        | Purpose::EarlierExposed
        | Purpose::Units
        | Purpose::Snapshots(_)
        | Purpose::TagRows(_)
        | Purpose::Tags(_)
        | Purpose::UnitTable
        | Purpose::UnitsOfClusters
        | Purpose::UnitsByCluster => units,
    })
}

/// What lies in memory while each group of statements runs.
fn moments(compiled: &Compiled, sizes: &Sizes) -> Vec<Moment> {
    let mut waiting = BTreeSet::new();
    let (mut moments, mut scans) = (Vec::new(), 0..);
    for group in groups(&compiled.statements) {
        let before = sizes.of_all(&waiting);
        for Statement { purpose, .. } in group {
            purpose.supersedes().iter().for_each(|superseded| {
                waiting.remove(superseded);
            });
            match purpose {
                Purpose::UnitTable => waiting = BTreeSet::from([Purpose::UnitTable]),
                purpose if purpose.is_read() => _ = waiting.insert(purpose.clone()),
                _ => {}
            }
        }
        let waits = before.max(sizes.of_all(&waiting));
        let scan = if group[0].purpose.place() == Place::Scan { scans.next() } else { None };
        moments.push(Moment { scan, waiting: waits, worked: worked(group, compiled, sizes) });
    }
    moments
}

/// The bytes that statements between two scans read and make.
fn worked(group: &[Statement], compiled: &Compiled, sizes: &Sizes) -> u64 {
    let size = |purpose: &Purpose| sizes.of(purpose);
    let read = |statement: &Statement| -> u64 {
        let superseded = statement.purpose.supersedes();
        superseded.iter().filter(|purpose| !group.iter().any(|one| one.purpose == **purpose)).map(size).sum()
    };
    let beside = |statement: &Statement| -> u64 {
        let joins = statement.purpose == Purpose::UnitTable;
        let beside = compiled.joined.iter().filter(|_| joins).flat_map(JoinedTable::read);
        beside.map(size).sum()
    };
    let worked = group.iter().filter(|statement| statement.purpose.place() == Place::Piece);
    worked.map(|statement| size(&statement.purpose) + read(statement) + beside(statement)).sum()
}

#[cfg(test)]
mod tests {
    use whom_engine::Limits;

    use super::*;
    use crate::testing::{ANY_ORDER, Warehouse, orders, pipeline};

    #[tokio::test]
    async fn footers_tell_what_will_be_read() {
        let warehouse = Warehouse::exposing(&[("u", "a", "2026-10-06T10:00:00"), ("v", "b", "2026-10-07T10:00:00")]);
        warehouse.write("orders.parquet", orders(&[("u", "2026-10-06T11:00:00", Some(1.0))]));
        let fitted = warehouse.fit(&pipeline("", ANY_ORDER)).await.unwrap();
        let engine = Engine::new(&Limits::default()).unwrap();
        let needs = needs(&fitted.compiled, &fitted.catalog, &engine).await.unwrap();
        let read: Vec<(&str, u64)> = needs.scans.iter().map(|scan| (scan.table.as_str(), scan.rows)).collect();
        assert_eq!((needs.units, read), (2, vec![("split", 2), ("fact orders", 1)]));
        assert!(needs.scans.iter().all(|scan| scan.bytes > 0 && scan.row_group <= scan.bytes && scan.row > 0));
        let [split, orders] = needs.scans.as_slice() else { panic!("two scans") };
        let amount = fitted.catalog.source("fact orders").unwrap().pinned.bytes_of(["amount"]).0;
        let all = fitted.catalog.source("fact orders").unwrap().pinned.bytes_of(["user", "at", "amount"]).0;
        assert_eq!(orders.bytes, all - amount, "no metric reads `amount`");
        assert!(split.bytes > orders.bytes);
        assert!(needs.waiting() > 0 && needs.table > 0 && needs.analysed > 0);
    }
}
