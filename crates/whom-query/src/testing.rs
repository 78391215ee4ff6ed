//! A tiny warehouse in a temporary folder, for tests.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use chrono::DateTime;
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::Int64Type;
use parquet::arrow::ArrowWriter;
use tempfile::TempDir;
use whom_engine::{Engine, Limits, SpillFolder};
use whom_spec::{LoadedPlan, MemoryReader, Settings, load};
use whom_store::Stores;

use crate::analysed::Room;
use crate::build::{Watch, build};
use crate::cache::{Cache, Filling, Needed, TableReads, keep_days};
use crate::catalog::Catalog;
use crate::compile::{Compiled, compile};
use crate::error::QueryError;
use crate::unit_table::{UnitRows, UnitTable};

/// Files and pipelines over them.
pub(crate) struct Warehouse {
    folder: TempDir,
}

/// A plan that fits its tables.
pub(crate) struct Fitted {
    pub(crate) loaded: LoadedPlan,
    pub(crate) catalog: Catalog,
    pub(crate) compiled: Compiled,
    pub(crate) engine: Engine,
}

pub(crate) struct Unwatched;

impl Watch for Unwatched {
    fn statement(&self, _name: &str, _done: usize, _all: usize) {}

    fn note(&self, _note: &str) {}
}

impl Warehouse {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A warehouse whose split holds these exposures: unit, variant, instant.
    pub(crate) fn exposing(rows: &[(&str, &str, &str)]) -> Self {
        let warehouse = Self::new();
        warehouse.write("split.parquet", exposures(rows));
        warehouse
    }

    pub(crate) fn write(&self, name: &str, columns: Vec<(&str, ArrayRef)>) -> &Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let batch =
            RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true)));
        let batch = batch.unwrap();
        let mut writer = ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        self
    }

    /// Where the files lie.
    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Removes a folder and what is in it.
    pub(crate) fn remove(&self, folder: &str) {
        std::fs::remove_dir_all(self.folder.path().join(folder)).unwrap();
    }

    /// Reads a pipeline and fits it to the tables.
    pub(crate) async fn fit(&self, pipeline: &str) -> Result<Fitted, String> {
        self.fit_with(pipeline, None).await
    }

    async fn fit_with(&self, pipeline: &str, cache: Option<&Cache>) -> Result<Fitted, String> {
        let path = self.folder.path().join("pipeline.yaml");
        let reader = MemoryReader::default().with(&path, pipeline);
        let loaded = load(&path, &Settings::default(), &reader).unwrap();
        let [threads, pieces] = [2, 3].map(|count| NonZeroUsize::new(count).unwrap());
        let limits = Limits { batch_size: 3, threads, pieces: Some(pieces), ..Limits::default() };
        let engine = Engine::new(&limits).unwrap();
        let shown = |error: QueryError| self.shown(&loaded, &error);
        let catalog = Catalog::open_with(&loaded.plan, &loaded.sources, &Stores::new(), cache).await.map_err(shown)?;
        let compiled = compile(&loaded.plan, &catalog, &engine.state()).map_err(shown)?;
        Ok(Fitted { loaded, catalog, compiled, engine })
    }

    /// The unit table of a pipeline, or why there is none.
    pub(crate) async fn units(&self, pipeline: &str) -> Result<UnitTable, String> {
        let fitted = self.fit(pipeline).await?;
        let built = build(&fitted.compiled, &fitted.catalog, &fitted.engine, &Unwatched).await;
        built.map_err(|error| self.shown(&fitted.loaded, &error))
    }

    /// The unit table of a pipeline over cached days, and what was read for it.
    pub(crate) async fn units_cached(
        &self,
        pipeline: &str,
        cache: &Cache,
    ) -> Result<(UnitTable, Vec<TableReads>), String> {
        let Fitted { loaded, mut catalog, compiled, engine } = self.fit_with(pipeline, Some(cache)).await?;
        let shown = |error: QueryError| self.shown(&loaded, &error);
        let needed = Needed::of(&compiled, &catalog, &Engine::new(&Limits::default()).unwrap()).await.map_err(shown)?;
        let (cancel, watch) = (Arc::default(), |_: &str, _: usize, _: usize| {});
        let filling = Filling { cache, needed: &needed, cancel, now: chrono::Utc::now(), watch: &watch };
        keep_days(&mut catalog, &engine, &filling).await.map_err(shown)?;
        let table = build(&compiled, &catalog, &engine, &Unwatched).await.map_err(shown)?;
        Ok((table, catalog.reads()))
    }

    /// The message of a pipeline that must be refused.
    pub(crate) async fn refusal(&self, pipeline: &str) -> String {
        self.units(pipeline).await.map_or_else(|message| message, |_| "accepted".to_owned())
    }

    fn shown(&self, loaded: &LoadedPlan, error: &QueryError) -> String {
        let text = match error {
            QueryError::Plan(problems) | QueryError::MissingDays(problems) => {
                problems.iter().map(|problem| loaded.sources.render(problem)).collect::<Vec<_>>().join("\n\n")
            }
            other => other.to_string(),
        };
        text.replace(&format!("{}/", self.folder.path().display()), "")
    }
}

/// A pipeline over `split.parquet` in New York days 5 to 10 October 2026, read through the 20th; `rest` follows.
pub(crate) fn pipeline(split: &str, rest: &str) -> String {
    format!(
        "version: 1
experiment: sample
unit: user
through: 2026-10-20
time_zone: America/New_York
split:
  path: split.parquet
  time: at
  variant: variant
  variants: {{ a: {{ weight: 0.5 }}, b: {{ weight: 0.5 }} }}
  control: a
  start: 2026-10-05
  end: 2026-10-10
{split}
{rest}
output: {{ path: out/ }}
"
    )
}

/// The section `facts` with one table `orders`, and `metrics` with one metric `m` of these properties.
pub(crate) fn metric(properties: &str) -> String {
    pipeline(
        "",
        &format!(
            "facts:
  orders: {{ path: orders.parquet, time: at }}
metrics:
  m: {{ role: primary, from: orders, {properties}, desired: increase, matters: 1% }}"
        ),
    )
}

/// The simplest metric, for pipelines that are about something else.
pub(crate) const ANY_ORDER: &str = "facts:
  orders: { path: orders.parquet, time: at }
metrics:
  m: { role: primary, from: orders, aggregate: any, window: 1d, desired: increase, matters: 1% }";

pub(crate) fn exposures(rows: &[(&str, &str, &str)]) -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("user", texts(rows.iter().map(|row| Some(row.0)))),
        ("variant", texts(rows.iter().map(|row| Some(row.1)))),
        ("at", instants(rows.iter().map(|row| row.2))),
    ]
}

/// Orders: unit, instant, value.
pub(crate) fn orders(rows: &[(&str, &str, Option<f64>)]) -> Vec<(&'static str, ArrayRef)> {
    vec![
        ("user", texts(rows.iter().map(|row| Some(row.0)))),
        ("at", instants(rows.iter().map(|row| row.1))),
        ("amount", Arc::new(rows.iter().map(|row| row.2).collect::<Float64Array>())),
    ]
}

pub(crate) fn texts<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<StringArray>())
}

pub(crate) fn integers(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

pub(crate) fn numbers(values: &[f64]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

/// Instants in UTC, as `2026-10-05T12:00:00`.
pub(crate) fn instants<'a>(values: impl IntoIterator<Item = &'a str>) -> ArrayRef {
    let micros = |text: &str| DateTime::parse_from_rfc3339(&format!("{text}Z")).unwrap().timestamp_micros();
    let micros: TimestampMicrosecondArray = values.into_iter().map(|text| Some(micros(text))).collect();
    Arc::new(micros.with_timezone("UTC"))
}

/// All units of a table at once.
pub(crate) fn whole(table: &UnitTable) -> UnitRows {
    let rows: Vec<UnitRows> = table.read().map(Result::unwrap).collect();
    UnitRows::joined(&rows)
}

/// Room for binned units in memory, up to so many bytes.
pub(crate) fn room(resident: u64) -> Room {
    Room { resident, folder: SpillFolder::create(&std::env::temp_dir(), None).unwrap(), cancel: Arc::default() }
}

/// An integer column of the unit table by unit.
pub(crate) fn by_unit(table: &UnitTable, column: &str) -> BTreeMap<String, Option<i64>> {
    let values = whole(table).column(column).unwrap();
    let values = datafusion::arrow::compute::cast(&values, &datafusion::arrow::datatypes::DataType::Int64).unwrap();
    units(table).into_iter().zip(values.as_primitive::<Int64Type>().iter()).collect()
}

/// A text column of the unit table by unit.
pub(crate) fn texts_by_unit(table: &UnitTable, column: &str) -> BTreeMap<String, Option<String>> {
    let values = whole(table).column(column).unwrap();
    let values = datafusion::arrow::compute::cast(&values, &datafusion::arrow::datatypes::DataType::Utf8).unwrap();
    let values = values.as_string::<i32>().iter().map(|value| value.map(str::to_owned));
    units(table).into_iter().zip(values).collect()
}

/// The units in the order of the table.
pub(crate) fn units(table: &UnitTable) -> Vec<String> {
    let units = whole(table).column("unit").unwrap();
    let units = datafusion::arrow::compute::cast(&units, &datafusion::arrow::datatypes::DataType::Utf8).unwrap();
    assert_eq!(units.null_count(), 0);
    units.as_string::<i32>().iter().flatten().map(str::to_owned).collect()
}

/// What is expected of [`by_unit`].
pub(crate) fn expected(values: &[(&str, Option<i64>)]) -> BTreeMap<String, Option<i64>> {
    values.iter().map(|(unit, value)| ((*unit).to_owned(), *value)).collect()
}
