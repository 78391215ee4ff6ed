//! The files of a run.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, StringArray, UInt16Array};
use datafusion::arrow::compute::filter_record_batch;
use datafusion::arrow::datatypes::{Field, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use whom_query::compile::{Compiled, MetricColumn};
use whom_query::{AnalysedUnits, QueryError, UnitTable};
use whom_report::{CohortView, ReportError, Results, units_parquet};
use whom_spec::plan::Plan;
use whom_stats::{ABSENT, Folds};

use crate::names;

/// A result file, ready to be staged.
pub(crate) struct ResultFile {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) rows: Option<u64>,
}

/// Everything but the unit table.
pub(crate) fn result_files(results: &Results) -> Result<Vec<ResultFile>, ReportError> {
    let rules: Vec<_> = results.discovered().iter().filter_map(CohortView::rule).cloned().collect();
    let cohorts = results.discovered().len() + results.registered.len();
    let text = |name, text: String| ResultFile { name, bytes: text.into_bytes(), rows: None };
    Ok(vec![
        ResultFile {
            name: "effects.parquet",
            bytes: whom_report::effects_parquet(results)?,
            rows: Some(results.effects.len() as u64),
        },
        ResultFile {
            name: "cohorts.parquet",
            bytes: whom_report::cohorts_parquet(results)?,
            rows: Some(cohorts as u64),
        },
        text("tree.json", whom_report::tree_json(results)?),
        text("cohorts.sql", whom_report::cohorts_sql(&rules)),
        text("summary.md", whom_report::summary_md(results)),
        text("result.json", whom_report::result_json(results)?),
    ])
}

/// The analysed units: id, arm, first exposure, bucket, fold, metrics in their own unit, tags.
pub(crate) struct UnitsFile<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) compiled: &'a Compiled,
    pub(crate) table: &'a UnitTable,
    pub(crate) units: &'a AnalysedUnits,
    pub(crate) folds: &'a Folds,
}

impl UnitsFile<'_> {
    /// The table as Parquet.
    ///
    /// # Errors
    /// [`QueryError::Internal`], because the unit table was made by us.
    pub(crate) fn write(&self, analysis: &str) -> Result<ResultFile, QueryError> {
        let batch = filter_record_batch(&self.batch()?, &self.units.kept)
            .map_err(|error| QueryError::Internal(error.to_string()))?;
        let bytes = units_parquet(&batch, analysis).map_err(|error| QueryError::Internal(error.to_string()))?;
        Ok(ResultFile { name: "units.parquet", bytes, rows: Some(batch.num_rows() as u64) })
    }

    fn batch(&self) -> Result<RecordBatch, QueryError> {
        let mut columns: Vec<(String, ArrayRef)> = vec![
            ("unit".to_owned(), self.table.column("unit")?),
            ("arm".to_owned(), self.arms()?),
            ("first_exposure".to_owned(), self.table.column("first_exposure")?),
        ];
        let buckets = self.table.buckets()?;
        let fold = |bucket: &u16| names::fold(self.folds.of(*bucket)).as_str();
        columns.push(("bucket".to_owned(), Arc::new(UInt16Array::from(buckets.clone()))));
        columns.push(("fold".to_owned(), Arc::new(buckets.iter().map(fold).map(Some).collect::<StringArray>())));
        for metric in &self.compiled.metrics {
            columns.push((metric.name.clone(), self.metric(metric)?));
        }
        for tag in self.plan.tag_columns() {
            columns.push((tag.name.value.clone(), self.tag(&tag.name)?));
        }
        let fields: Vec<Field> =
            columns.iter().map(|(name, array)| Field::new(name, array.data_type().clone(), true)).collect();
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|error| QueryError::Internal(error.to_string()))
    }

    fn arms(&self) -> Result<ArrayRef, QueryError> {
        let variants = &self.plan.split.variants;
        let names = self.table.arms()?;
        let names = names.iter().map(|arm| variants.get(usize::from(*arm)).map(|variant| variant.name.as_str()));
        Ok(Arc::new(names.collect::<StringArray>()))
    }

    fn tag(&self, name: &str) -> Result<ArrayRef, QueryError> {
        let found = self.compiled.tags.iter().find(|tag| tag.name == name);
        let found = found.ok_or_else(|| QueryError::Internal(format!("tag `{name}` is not in the unit table")))?;
        self.table.column(&found.column)
    }

    fn metric(&self, metric: &MetricColumn) -> Result<ArrayRef, QueryError> {
        let values = self.table.metric(&metric.column)?;
        let values = values.into_iter().map(|value| (value != ABSENT).then(|| metric.grid.from_grid(value)));
        Ok(Arc::new(values.collect::<Float64Array>()))
    }
}
