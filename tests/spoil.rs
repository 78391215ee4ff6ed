//! Ways to spoil the tables and the pipeline file of a sample.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::{cast, concat, concat_batches, filter_record_batch};
use arrow::datatypes::{DataType, Field, Float64Type, Schema};

use crate::effects::Table;
use crate::warehouse::{Warehouse, read_parquet};

impl Warehouse {
    pub(crate) fn append(&self, text: &str) {
        let before = fs::read_to_string(self.pipeline()).expect("a pipeline file");
        fs::write(self.pipeline(), before + text).expect("a pipeline file");
    }

    pub(crate) fn filter_sign_ups(&self, expression: &str) {
        self.edit("where: kind = 'sign_up'", &format!("where: \"{expression}\""));
    }

    /// Writes over the first rows of a file, and leaves its footer as it is.
    pub(crate) fn damage(&self, table: &str) {
        let mut bytes = fs::read(self.table(table)).expect("a file");
        bytes[4..2_000].fill(0xff);
        fs::write(self.table(table), bytes).expect("a file");
    }

    /// Keeps one part in `divisor` of a file's bytes.
    pub(crate) fn truncate(&self, table: &str, divisor: usize) {
        let bytes = fs::read(self.table(table)).expect("a file");
        fs::write(self.table(table), &bytes[..bytes.len() / divisor]).expect("a file");
    }
}

pub(crate) fn without(rows: &RecordBatch, column: &str) -> RecordBatch {
    let kept: Vec<usize> =
        (0..rows.num_columns()).filter(|index| rows.schema().field(*index).name() != column).collect();
    rows.project(&kept).expect("fewer columns")
}

/// The rows with a column replaced, whatever its type.
fn with_column(rows: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let index = rows.schema().index_of(name).expect("a column");
    let mut fields = rows.schema().fields().to_vec();
    fields[index] = Arc::new(Field::new(name, column.data_type().clone(), fields[index].is_nullable()));
    let mut columns = rows.columns().to_vec();
    columns[index] = column;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("the same rows")
}

pub(crate) fn as_text(rows: &RecordBatch, name: &str) -> RecordBatch {
    let column = cast(rows.column_by_name(name).expect("a column"), &DataType::Utf8).expect("text");
    with_column(rows, name, column)
}

pub(crate) fn with_integer_ids(rows: &RecordBatch) -> RecordBatch {
    with_column(rows, "user_id", Arc::new(Int64Array::from_iter_values(0..rows.num_rows() as i64)))
}

pub(crate) fn where_variant(rows: &RecordBatch, keep: impl Fn(&str) -> bool) -> RecordBatch {
    let variants = rows.column_by_name("variant").expect("a column").as_string::<i32>();
    let kept: BooleanArray = variants.iter().map(|variant| Some(variant.is_some_and(&keep))).collect();
    filter_record_batch(rows, &kept).expect("fewer rows")
}

/// One more unit, in a variant that the pipeline does not know.
pub(crate) fn with_a_stranger(rows: &RecordBatch) -> RecordBatch {
    let stranger = with_column(&rows.slice(0, 1), "user_id", Arc::new(StringArray::from(vec!["stranger"])));
    let stranger = with_column(&stranger, "variant", Arc::new(StringArray::from(vec!["beta"])));
    concat_batches(&rows.schema(), [rows, &stranger]).expect("one more row")
}

/// The rows with some of the ratings replaced.
pub(crate) fn with_a_rating(rows: &RecordBatch, rating: f64) -> RecordBatch {
    let ratings = rows.column_by_name("rating").expect("a column").as_primitive::<Float64Type>();
    let replaced = |(row, found): (usize, Option<f64>)| if row % 50 == 0 { found.map(|_| rating) } else { found };
    with_column(rows, "rating", Arc::new(ratings.iter().enumerate().map(replaced).collect::<Float64Array>()))
}

/// All rows under the key of the first.
pub(crate) fn one_key(rows: &RecordBatch) -> RecordBatch {
    let key = rows.column_by_name("order_id").expect("a column").slice(0, 1);
    let keys = vec![&*key; rows.num_rows()];
    with_column(rows, "order_id", concat(&keys).expect("one key"))
}

/// The rows without those of the units that saw `variant`.
pub(crate) fn without_units_of(warehouse: &Warehouse, variant: &str, rows: &RecordBatch) -> RecordBatch {
    let exposures = read_parquet(&warehouse.table("exposures.parquet"));
    let exposed = where_variant(&exposures, |found| found == variant);
    let units: BTreeSet<String> = Table(exposed).words("user_id").into_iter().collect();
    let kept: Vec<bool> = Table(rows.clone()).words("user_id").iter().map(|unit| !units.contains(unit)).collect();
    filter_record_batch(rows, &BooleanArray::from(kept)).expect("fewer rows")
}
