//! `effects.parquet` and `units.parquet` as rows.

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::program::Published;
use crate::warehouse::rows_of;

/// One row of `effects.parquet`, as far as tests look at it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Effect {
    pub(crate) metric: String,
    pub(crate) variant: String,
    pub(crate) cohort: String,
    pub(crate) evidence: String,
    pub(crate) family: String,
    pub(crate) estimand: String,
    pub(crate) method: String,
    pub(crate) estimate: Option<f64>,
    pub(crate) std_err: Option<f64>,
    pub(crate) interval: Option<(f64, f64)>,
    pub(crate) p_value_adjusted: Option<f64>,
    pub(crate) n_control: i64,
    pub(crate) n_variant: i64,
    pub(crate) mean_control: Option<f64>,
    pub(crate) mean_variant: Option<f64>,
}

impl Published {
    pub(crate) fn table(&self, name: &str) -> RecordBatch {
        let bytes = self.bytes(name).to_vec();
        rows_of(ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes)).expect("a Parquet file"))
    }

    pub(crate) fn effects(&self) -> Vec<Effect> {
        let table = Table(self.table("effects.parquet"));
        let word = |name| table.words(name);
        let (metric, variant, cohort) = (word("metric"), word("variant"), word("cohort"));
        let (evidence, family, estimand) = (word("evidence"), word("family"), word("estimand"));
        let method = word("method");
        let (estimate, std_err) = (table.numbers("estimate"), table.numbers("std_err"));
        let (lower, upper) = (table.numbers("ci_lower"), table.numbers("ci_upper"));
        let p_value_adjusted = table.numbers("p_value_adjusted");
        let (n_control, n_variant) = (table.counts("n_control"), table.counts("n_variant"));
        let (mean_control, mean_variant) = (table.numbers("mean_control"), table.numbers("mean_variant"));
        (0..table.0.num_rows())
            .map(|row| Effect {
                metric: metric[row].clone(),
                variant: variant[row].clone(),
                cohort: cohort[row].clone(),
                evidence: evidence[row].clone(),
                family: family[row].clone(),
                estimand: estimand[row].clone(),
                method: method[row].clone(),
                estimate: estimate[row],
                std_err: std_err[row],
                interval: lower[row].zip(upper[row]),
                p_value_adjusted: p_value_adjusted[row],
                n_control: n_control[row],
                n_variant: n_variant[row],
                mean_control: mean_control[row],
                mean_variant: mean_variant[row],
            })
            .collect()
    }

    /// The ids of the units of a fold, as text.
    pub(crate) fn units_of_fold(&self, fold: &str) -> Vec<String> {
        let table = Table(self.table("units.parquet"));
        let pairs = table.words("unit").into_iter().zip(table.words("fold"));
        pairs.filter(|(_, of)| of == fold).map(|(unit, _)| unit).collect()
    }
}

/// Columns by name, in one type each.
pub(crate) struct Table(pub(crate) RecordBatch);

impl Table {
    fn column(&self, name: &str, kind: &DataType) -> ArrayRef {
        let found = self.0.column_by_name(name);
        let array = found.unwrap_or_else(|| panic!("`{name}` is not among {:?}", self.0.schema().fields()));
        cast(array, kind).expect("a column of another type")
    }

    /// Text, or whatever has a text, with nothing missing.
    pub(crate) fn words(&self, name: &str) -> Vec<String> {
        let array = self.column(name, &DataType::Utf8);
        assert_eq!(array.null_count(), 0, "`{name}`");
        array.as_string::<i32>().iter().flatten().map(str::to_owned).collect()
    }

    /// Numbers, where there are some.
    pub(crate) fn numbers(&self, name: &str) -> Vec<Option<f64>> {
        self.column(name, &DataType::Float64).as_primitive::<Float64Type>().iter().collect()
    }

    /// Whole numbers, with nothing missing.
    pub(crate) fn counts(&self, name: &str) -> Vec<i64> {
        self.column(name, &DataType::Int64).as_primitive::<Int64Type>().values().to_vec()
    }
}
