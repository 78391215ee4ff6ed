//! `slices.parquet`: one row per effect and slice, with the test of the effect's stability repeated on each.

use arrow::array::RecordBatch;

use crate::error::ReportError;
use crate::parquet_file::{Columns, table_bytes};
use crate::results::Results;
use crate::sliced::{SliceRow, SlicedBy, SlicedEffect};

/// The version of the columns of `slices.parquet`; it grows when one changes its meaning or goes away.
pub const SLICES_SCHEMA_VERSION: u32 = 1;

const TABLE: &str = "slices.parquet";

/// The slices as columns, in the order of the rows and, within a row, of the slices.
///
/// `sliced_by` is `week`, or `tag` with its name in `tag`. A proportion is a fraction. `trend` is the change of the effect from one
/// week to the next. Where `not_estimable` is not null the slice has no estimate; where `not_tested` is not null there is no test.
///
/// # Errors
/// If the columns do not fit together, which would be a bug.
pub fn slices_batch(rows: &[SlicedEffect]) -> Result<RecordBatch, ReportError> {
    let slices = || rows.iter().flat_map(|row| row.slices.iter().map(move |slice| (row, slice)));
    let of_row = |number: fn(&SlicedEffect) -> Option<f64>| slices().map(move |(row, _)| number(row));
    let of_slice = |number: fn(&SliceRow) -> Option<f64>| slices().map(move |(_, slice)| number(slice));
    Columns::of(TABLE)
        .words("sliced_by", slices().map(|(row, _)| sliced_by(row).0))
        .optional_words("tag", slices().map(|(row, _)| sliced_by(row).1))
        .words("slice", slices().map(|(_, slice)| slice.slice.as_str()))
        .optional_counts("slice_number", rows.iter().flat_map(|row| (1..=row.slices.len() as u64).map(Some)))
        .words("metric", slices().map(|(row, _)| row.metric.as_str()))
        .words("role", slices().map(|(row, _)| row.role.as_str()))
        .words("variant", slices().map(|(row, _)| row.variant.as_str()))
        .words("cohort", slices().map(|(row, _)| row.cohort.as_str()))
        .words("evidence", slices().map(|(row, _)| row.evidence.as_str()))
        .words("family", slices().map(|(row, _)| row.family.as_str()))
        .numbers("estimate", of_slice(|slice| slice.estimate))
        .numbers("std_err", of_slice(|slice| slice.std_err))
        .numbers("ci_lower", of_slice(|slice| slice.interval.map(|interval| interval.lower)))
        .numbers("ci_upper", of_slice(|slice| slice.interval.map(|interval| interval.upper)))
        .numbers("level", of_row(|row| Some(row.level)))
        .flags("reliable", slices().map(|(_, slice)| slice.unreliable.is_none() && slice.not_estimable.is_none()))
        .optional_words("unreliable", slices().map(|(_, slice)| slice.unreliable.as_deref()))
        .optional_words("not_estimable", slices().map(|(_, slice)| slice.not_estimable.as_deref()))
        .optional_counts("n_control", slices().map(|(_, slice)| slice.n_control))
        .optional_counts("n_variant", slices().map(|(_, slice)| slice.n_variant))
        .numbers("mean_control", of_slice(|slice| slice.mean_control))
        .numbers("mean_variant", of_slice(|slice| slice.mean_variant))
        .words("found", slices().map(|(row, _)| row.found.as_str()))
        .optional_words("not_tested", slices().map(|(row, _)| row.not_tested.as_deref()))
        .numbers("p_differences", of_row(|row| row.p_differences))
        .numbers("trend", of_row(|row| row.trend))
        .numbers("trend_std_err", of_row(|row| row.trend_std_err))
        .numbers("p_trend", of_row(|row| row.p_trend))
        .numbers("p_value", of_row(|row| row.p_value))
        .numbers("p_value_adjusted", of_row(|row| row.p_value_adjusted))
        .words("correction", slices().map(|(row, _)| row.correction.as_str()))
        .batch()
}

/// How many rows `slices.parquet` has.
pub fn slices_rows(results: &Results) -> usize {
    results.slices.iter().map(|row| row.slices.len()).sum()
}

/// The bytes of `slices.parquet`: the same results give the same bytes.
///
/// # Errors
/// If the table cannot be encoded, which would be a bug.
pub fn slices_parquet(results: &Results) -> Result<Vec<u8>, ReportError> {
    table_bytes(TABLE, SLICES_SCHEMA_VERSION, &results.analysis, &slices_batch(&results.slices)?)
}

fn sliced_by(row: &SlicedEffect) -> (&str, Option<&str>) {
    match &row.sliced_by {
        SlicedBy::Week => ("week", None),
        SlicedBy::Tag(tag) => ("tag", Some(tag)),
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;
    use crate::fixture;

    #[test]
    fn there_is_a_row_for_each_slice_of_each_effect() {
        let results = fixture::sliced();
        let batch = slices_batch(&results.slices).expect("a batch");
        assert_eq!((batch.num_rows(), slices_rows(&results)), (13, 13));
        assert_eq!(fixture::words(&batch, "sliced_by")[9..], ["week", "tag", "tag", "tag"]);
        assert_eq!(fixture::words(&batch, "tag"), ["channel"; 3]);
        let column = |name: &str| batch.column_by_name(name).expect("a column");
        assert!(column("estimate").is_null(2) && column("ci_lower").is_null(2), "the last week of the men's campaign");
        assert_eq!(fixture::words(&batch, "not_estimable"), ["an arm has no unit with a value"]);
    }

    #[test]
    fn a_file_reads_back_as_it_was_written() {
        let results = fixture::sliced();
        let (batches, metadata) = fixture::read_parquet(slices_parquet(&results).expect("a file"));
        assert_eq!(batches, [slices_batch(&results.slices).expect("a batch")]);
        assert!(metadata.contains("whom.schema = slices"), "{metadata}");
    }
}
