//! Names with quotes, semicolons, spaces and letters of other alphabets work like any other: the numbers are those of
//! plain names, and `cohorts.sql` is still SQL.

use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};

use crate::checker::assert_agrees;
use crate::program::{Baseline, Published};
use crate::warehouse::{Sample, Warehouse};

const VARIANT: &str = "n'e\"w; drop table units; --";
const TAG: &str = "de\"vi'ce; $x Gerät";
const LEVEL: &str = "Händy '\"; --";
const METRIC: &str = "sign \"up'; --";

#[test]
fn strange_names_give_the_numbers_of_plain_ones() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    rename(&warehouse);
    let published = warehouse.run(&["--keep-units"]);
    assert_eq!(numbers(&published), numbers(&Baseline::of(Sample::Tiny).published));
    let folder = published.unpacked();
    assert_agrees("check_cohorts_sql.py", &[&folder.path().to_string_lossy()]);
}

fn rename(warehouse: &Warehouse) {
    let text = |name: &str| serde_json::to_string(name).expect("text");
    let condition = format!("\"{}\" = '{}'", TAG.replace('"', "\"\""), LEVEL.replace('\'', "''"));
    warehouse
        .edit("    new: { weight", &format!("    {}: {{ weight", text(VARIANT)))
        .edit("      device: categorical", &format!("      {}: categorical", text(TAG)))
        .edit("  sign_up:\n", &format!("  {}:\n", text(METRIC)))
        .edit("device = 'phone'", &text(&condition))
        .rewrite("exposures.parquet", |_, rows| with_word(&rows, "variant", ("new", VARIANT)))
        .rewrite("profiles", |_, rows| renamed(&with_word(&rows, "device", ("phone", LEVEL)), "device", TAG));
}

/// Everything in `effects.parquet` but the names, in an order that does not depend on them.
fn numbers(published: &Published) -> Vec<String> {
    let effects = published.effects();
    let mut numbers: Vec<String> = effects
        .into_iter()
        .map(|row| format!("{:?}", (row.n_control, row.n_variant, row.estimate, row.std_err, row.mean_variant)))
        .collect();
    numbers.sort();
    numbers
}

fn with_word(rows: &RecordBatch, column: &str, (from, to): (&str, &str)) -> RecordBatch {
    let index = rows.schema().index_of(column).expect("a column");
    let words = rows.column(index).as_string::<i32>();
    let mut columns = rows.columns().to_vec();
    columns[index] = Arc::new(
        words.iter().map(|word| word.map(|word| if word == from { to } else { word })).collect::<StringArray>(),
    );
    RecordBatch::try_new(rows.schema(), columns).expect("the same columns")
}

fn renamed(rows: &RecordBatch, from: &str, to: &str) -> RecordBatch {
    let fields = rows
        .schema()
        .fields()
        .iter()
        .map(|field| {
            let name = if field.name() == from { to } else { field.name() };
            Field::new(name, field.data_type().clone(), field.is_nullable())
        })
        .collect::<Vec<_>>();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), rows.columns().to_vec()).expect("the same columns")
}
