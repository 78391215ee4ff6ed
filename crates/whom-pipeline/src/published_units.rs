//! What is published of every analysed unit: id, arm, first exposure, bucket, fold, metrics in their own unit, tags, strata,
//! cluster, the effects that linear models predict.

use std::io::Write;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray, UInt16Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use whom_engine::PlainWriter;
use whom_query::compile::MeasureColumn;
use whom_query::{AnalysedRows, ModelUnits, QueryError, StretchFile, UnitRows};
use whom_report::UnitsWriter;
use whom_stats::{ABSENT, Folds};

use crate::models::UnitPredictions;
use crate::names;
use crate::study::Study;

/// Columns beside metrics and tags.
pub(crate) const OWN_COLUMNS: u64 = 5;

/// What the columns are made from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PublishedUnits {
    variants: Vec<String>,
    folds: Folds,
    metrics: Vec<MeasureColumn>,
    /// The tags in the order of the plan: name, and column of the unit table.
    tags: Vec<(String, String)>,
    /// The columns of strata and of clusters in the unit table, whose names they keep.
    carried: Vec<String>,
    /// `None` without models.
    predicted: Option<Predicted>,
    analysis: String,
}

/// What models predict, and what they read of the units.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Predicted {
    units: ModelUnits,
    models: Vec<UnitPredictions>,
}

impl StretchFile for PublishedUnits {
    const NAME: &'static str = "units";

    fn write(&self, units: &mut AnalysedRows<'_>, out: &mut PlainWriter) -> Result<(), QueryError> {
        let first = units.next().ok_or_else(|| internal("a file of no units"))??;
        let mut writer = self.writer(&first, out)?;
        writer.write(self.columns(&first)?).map_err(internal)?;
        for rows in units {
            writer.write(self.columns(&rows?)?).map_err(internal)?;
        }
        writer.finish().map(|_| ()).map_err(internal)
    }
}

impl PublishedUnits {
    /// The columns of a study, for the analysis of this identity.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the plan has a tag that the unit table lacks.
    pub(crate) fn new(study: &Study<'_>, analysis: &str) -> Result<Self, QueryError> {
        let column = |name: &str| {
            let found = study.compiled.tags.iter().find(|tag| tag.name == name);
            found.map(|tag| (name.to_owned(), tag.column.clone())).ok_or_else(|| internal(format!("no tag `{name}`")))
        };
        Ok(Self {
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
            predicted: None,
            analysis: analysis.to_owned(),
        })
    }

    /// The same columns, and those of what models predict after them.
    pub(crate) fn with_predictions(self, study: &Study<'_>, models: Vec<UnitPredictions>) -> Self {
        let predicted = Predicted { units: study.units.of_models(), models };
        Self { predicted: Some(predicted).filter(|predicted| !predicted.models.is_empty()), ..self }
    }

    /// Begins a file, given some units or none in the columns of the unit table.
    pub(crate) fn writer<W: Write + Send>(&self, rows: &UnitRows, out: W) -> Result<UnitsWriter<W>, QueryError> {
        UnitsWriter::new(&self.columns(rows)?.schema(), &self.analysis, out).map_err(internal)
    }

    /// The columns of some units.
    pub(crate) fn columns(&self, rows: &UnitRows) -> Result<RecordBatch, QueryError> {
        let predicted = self.predicted.as_ref().map_or(Ok(Vec::new()), |predicted| predicted.columns(rows))?;
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
        columns.extend(predicted.iter().map(|(name, array)| (name.as_str(), Arc::clone(array))));
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

impl Predicted {
    /// The columns of all models under their names.
    fn columns(&self, rows: &UnitRows) -> Result<Vec<(String, ArrayRef)>, QueryError> {
        let reader = self.units.reader();
        let of_models = self.models.iter().map(|model| model.columns(&reader, rows));
        Ok(of_models.collect::<Result<Vec<_>, QueryError>>()?.concat())
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

fn internal(error: impl std::fmt::Display) -> QueryError {
    QueryError::Internal(error.to_string())
}
