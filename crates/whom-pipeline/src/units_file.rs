//! `units.parquet`: the analysed units, uploaded while they are encoded.

use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt16Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use rayon::prelude::*;
use tokio::sync::mpsc::{Sender, channel};
use whom_engine::EngineError;
use whom_query::compile::MeasureColumn;
use whom_query::{AnalysedUnits, QueryError, UnitRows};
use whom_report::{UNITS_FILE, UnitsWriter};
use whom_stats::{ABSENT, Folds};
use whom_store::{PARTS_BYTES, Stage, StoreError};

use crate::names;
use crate::study::Study;

/// Columns beside metrics and tags.
pub(crate) const OWN_COLUMNS: u64 = 5;

/// Bytes that are handed to the upload at once.
const PART: usize = 1 << 20;

/// Parts that may wait for the upload.
const WAITING: usize = 4;

/// The most bytes of parts that wait for the upload or are on their way.
pub(crate) const UPLOAD: u64 = ((WAITING + 1) * PART) as u64 + PARTS_BYTES;

/// The analysed units: id, arm, first exposure, bucket, fold, metrics in their own unit, tags, strata, cluster.
pub(crate) struct UnitsFile {
    units: Arc<AnalysedUnits>,
    variants: Vec<String>,
    folds: Folds,
    metrics: Vec<MeasureColumn>,
    /// The tags in the order of the plan: name, and column of the unit table.
    tags: Vec<(String, String)>,
    /// The columns of strata and of clusters in the unit table, whose names they keep.
    carried: Vec<String>,
    analysis: String,
}

/// Why there is no file.
#[derive(Debug)]
pub(crate) enum UnitsFileError {
    /// The store failed.
    Store(StoreError),
    /// The units could not be read back or encoded, or the run was stopped.
    Units(QueryError),
}

impl UnitsFile {
    /// The file of a study, for the analysis of this identity.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the plan has a tag that the unit table lacks.
    pub(crate) fn new(study: &Study<'_>, analysis: &str) -> Result<Self, QueryError> {
        let column = |name: &str| {
            let found = study.compiled.tags.iter().find(|tag| tag.name == name);
            found.map(|tag| (name.to_owned(), tag.column.clone())).ok_or_else(|| internal(format!("no tag `{name}`")))
        };
        Ok(Self {
            units: Arc::clone(study.units),
            variants: study.plan.split.variants.iter().map(|variant| variant.name.value.clone()).collect(),
            folds: study.folds.clone(),
            metrics: study.compiled.measures.clone(),
            tags: study.plan.tag_columns().map(|tag| column(&tag.name)).collect::<Result<_, _>>()?,
            carried: study
                .compiled
                .strata
                .iter()
                .chain(&study.compiled.cluster)
                .map(|carried| carried.column.clone())
                .collect(),
            analysis: analysis.to_owned(),
        })
    }

    /// Writes the file to a stage.
    ///
    /// # Errors
    /// [`UnitsFileError`]; the stage is then as before.
    pub(crate) async fn write(self, stage: &mut Stage) -> Result<(), UnitsFileError> {
        let mut file = stage.writer(UNITS_FILE).await.map_err(UnitsFileError::Store)?;
        let (sender, mut parts) = channel(WAITING);
        let encoded = tokio::task::spawn_blocking(move || self.encode(sender));
        while let Some(part) = parts.recv().await {
            if let Err(error) = file.write(part).await {
                file.discard().await;
                return Err(UnitsFileError::Store(error));
            }
        }
        let encoded = encoded.await.unwrap_or_else(|error| Err(internal(format!("units were not encoded: {error}"))));
        match encoded {
            Ok(units) => file.finish(Some(units)).await.map_err(UnitsFileError::Store),
            Err(error) => {
                file.discard().await;
                Err(UnitsFileError::Units(error))
            }
        }
    }

    /// Encodes all units, and gives their number.
    fn encode(&self, sender: Sender<Bytes>) -> Result<u64, QueryError> {
        let none = self.columns(&self.units.table.no_rows()?)?;
        let outlet = Outlet { sender, part: Vec::new() };
        let mut writer = UnitsWriter::new(&none.schema(), &self.analysis, outlet).map_err(internal)?;
        for rows in self.units.table.read() {
            if self.units.is_cancelled() {
                return Err(EngineError::Cancelled.into());
            }
            writer.write(self.columns(&self.units.schema.analysed(rows?)?)?).map_err(internal)?;
        }
        writer.finish().map_err(internal)
    }

    fn columns(&self, rows: &UnitRows) -> Result<RecordBatch, QueryError> {
        let mut columns: Vec<(&str, ArrayRef)> = vec![
            ("unit", rows.column("unit")?),
            ("arm", self.arms(rows)?),
            ("first_exposure", rows.column("first_exposure")?),
        ];
        let buckets = rows.buckets()?;
        let fold = |bucket: &u16| names::fold(self.folds.of(*bucket)).as_str();
        let folds: StringArray = buckets.iter().map(fold).map(Some).collect();
        columns.push(("bucket", Arc::new(UInt16Array::from(buckets))));
        columns.push(("fold", Arc::new(folds)));
        for metric in &self.metrics {
            columns.push((&metric.name, metric_values(rows, metric)?));
        }
        let tags = self.tags.par_iter().map(|(name, column)| Ok((name.as_str(), plain(rows.column(column)?)?)));
        columns.extend(tags.collect::<Result<Vec<_>, QueryError>>()?);
        for carried in &self.carried {
            columns.push((carried, plain(rows.column(carried)?)?));
        }
        let fields: Vec<Field> =
            columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(internal)
    }

    fn arms(&self, rows: &UnitRows) -> Result<ArrayRef, QueryError> {
        let arms = rows.arms()?;
        let names = arms.iter().map(|arm| self.variants.get(usize::from(*arm)).map(String::as_str));
        Ok(Arc::new(names.collect::<StringArray>()))
    }
}

/// The values of a metric in its own unit.
fn metric_values(rows: &UnitRows, metric: &MeasureColumn) -> Result<ArrayRef, QueryError> {
    let values = rows.metric(&metric.column)?;
    let values = values.into_iter().map(|value| (value != ABSENT).then(|| metric.grid.from_grid(value)));
    Ok(Arc::new(values.collect::<Float64Array>()))
}

/// A column without its dictionary, which is how units are held and not what they are.
fn plain(column: ArrayRef) -> Result<ArrayRef, QueryError> {
    match column.data_type() {
        DataType::Dictionary(_, value) => cast(&column, value).map_err(internal),
        _ => Ok(column),
    }
}

/// Hands on what is written, in parts.
struct Outlet {
    sender: Sender<Bytes>,
    part: Vec<u8>,
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = std::mem::take(&mut self.part);
        self.sender.blocking_send(part.into()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

fn internal(error: impl std::fmt::Display) -> QueryError {
    QueryError::Internal(error.to_string())
}
