//! `calibration.parquet`: one row per model, treatment and tenth of the predicted effect.

use arrow::array::RecordBatch;
use whom_stats::Interval;

use crate::error::ReportError;
use crate::model::{CalibrationRow, ModelView};
use crate::parquet_file::{Columns, table_bytes};
use crate::results::Results;

/// The version of the columns of `calibration.parquet`.
pub const CALIBRATION_SCHEMA_VERSION: u32 = 1;

const TABLE: &str = "calibration.parquet";

/// The tenths as columns: what was predicted, and the measured effect with its error and interval.
///
/// # Errors
/// If the columns do not fit together, which would be a bug.
pub fn calibration_batch(results: &Results) -> Result<RecordBatch, ReportError> {
    let rows: Vec<(&ModelView, &CalibrationRow)> =
        results.models.iter().flat_map(|model| model.calibration.iter().map(move |row| (model, row))).collect();
    let (models, found) = (|| rows.iter().map(|(model, _)| *model), || rows.iter().map(|(_, row)| *row));
    let calibrated_on: Vec<String> = models().map(ModelView::calibrated_on_in_words).collect();
    let bound = |bound: fn(Interval) -> f64| found().map(move |row| row.interval.map(bound));
    Columns::of(TABLE)
        .words("model", models().map(|model| model.name.as_str()))
        .words("metric", models().map(|model| model.metric.as_str()))
        .words("evidence", models().map(|model| model.evidence.as_str()))
        .words("family", models().map(|model| model.family.as_str()))
        .words("calibrated_on", calibrated_on.iter().map(String::as_str))
        .words("variant", found().map(|row| row.variant.as_str()))
        .counts("tenth", found().map(|row| row.tenth))
        .counts("n_control", found().map(|row| row.n_control))
        .counts("n_variant", found().map(|row| row.n_variant))
        .numbers("predicted", found().map(|row| Some(row.predicted)))
        .numbers("estimate", found().map(|row| row.estimate))
        .numbers("std_err", found().map(|row| row.std_err))
        .numbers("ci_lower", bound(|interval| interval.lower))
        .numbers("ci_upper", bound(|interval| interval.upper))
        .numbers("level", models().map(|_| Some(results.level)))
        .words("reference", models().map(|model| model.reference.as_str()))
        .optional_words("unreliable", found().map(|row| row.unreliable.as_deref()))
        .optional_words("not_estimable", found().map(|row| row.not_estimable.as_deref()))
        .batch()
}

/// The file `calibration.parquet`.
///
/// # Errors
/// If the table cannot be encoded, which would be a bug.
pub fn calibration_parquet(results: &Results) -> Result<Vec<u8>, ReportError> {
    table_bytes(TABLE, CALIBRATION_SCHEMA_VERSION, &results.analysis, &calibration_batch(results)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_file_reads_back_as_it_was_written_and_has_the_same_bytes_again() {
        let results = fixture::modelled();
        let bytes = calibration_parquet(&results).expect("a file");
        assert_eq!(bytes, calibration_parquet(&results).expect("a file"));
        let (batches, metadata) = fixture::read_parquet(bytes);
        assert_eq!(batches, [calibration_batch(&results).expect("a batch")]);
        assert_eq!(fixture::words(&batches[0], "calibrated_on"), ["area is Suburban"; 3]);
        assert_eq!(batches[0].num_rows(), 3);
        insta::assert_snapshot!(metadata, @"
        created_by = whom
        whom.schema = calibration
        whom.schema_version = 1
        whom.analysis = 3f9c1a7be0d24458
        ");
    }
}
