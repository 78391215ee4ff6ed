//! `predictions.parquet`: one row per model, profile and treatment.

use arrow::array::RecordBatch;
use whom_stats::Interval;

use crate::error::ReportError;
use crate::model::ModelView;
use crate::parquet_file::{Columns, table_bytes};
use crate::prediction::ModelPrediction;
use crate::results::Results;

/// The version of the columns of `predictions.parquet`.
pub const PREDICTIONS_SCHEMA_VERSION: u32 = 1;

const TABLE: &str = "predictions.parquet";

/// The predictions as columns. `at` is the profile in words, empty for the average unit of the model; `level` is that of the interval.
///
/// # Errors
/// If the columns do not fit together, which would be a bug.
pub fn predictions_batch(results: &Results) -> Result<RecordBatch, ReportError> {
    let rows: Vec<(&ModelView, &ModelPrediction)> =
        results.models.iter().flat_map(|model| model.predictions.iter().map(move |row| (model, row))).collect();
    let (models, found) = (|| rows.iter().map(|(model, _)| *model), || rows.iter().map(|(_, row)| *row));
    let at: Vec<String> = found().map(ModelPrediction::at_in_words).collect();
    let bound = |bound: fn(Interval) -> f64| found().map(move |row| row.interval.map(bound));
    Columns::of(TABLE)
        .words("model", models().map(|model| model.name.as_str()))
        .words("metric", models().map(|model| model.metric.as_str()))
        .words("evidence", models().map(|model| model.evidence.as_str()))
        .words("family", models().map(|model| model.family.as_str()))
        .words("profile", found().map(|row| row.profile.as_str()))
        .words("at", at.iter().map(String::as_str))
        .words("variant", found().map(|row| row.variant.as_str()))
        .numbers("estimate", found().map(|row| row.estimate))
        .numbers("std_err", found().map(|row| row.std_err))
        .numbers("ci_lower", bound(|interval| interval.lower))
        .numbers("ci_upper", bound(|interval| interval.upper))
        .numbers("level", models().map(|_| Some(results.level)))
        .numbers("statistic", found().map(|row| row.statistic))
        .numbers("degrees_of_freedom", found().map(|row| row.degrees_of_freedom))
        .numbers("p_value", found().map(|row| row.p_value))
        .numbers("p_value_adjusted", found().map(|row| row.p_value_adjusted))
        .words("correction", models().map(|model| model.correction.as_str()))
        .words("errors", models().map(|model| model.errors.as_str()))
        .words("reference", models().map(|model| model.reference.as_str()))
        .optional_words("cluster", models().map(|model| model.cluster.as_deref()))
        .optional_words("unreliable", found().map(|row| row.unreliable.as_deref()))
        .optional_words("not_estimable", found().map(|row| row.not_estimable.as_deref()))
        .batch()
}

/// The file `predictions.parquet`.
///
/// # Errors
/// If the table cannot be encoded, which would be a bug.
pub fn predictions_parquet(results: &Results) -> Result<Vec<u8>, ReportError> {
    table_bytes(TABLE, PREDICTIONS_SCHEMA_VERSION, &results.analysis, &predictions_batch(results)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_file_reads_back_as_it_was_written_and_has_the_same_bytes_again() {
        let results = fixture::modelled();
        let bytes = predictions_parquet(&results).expect("a file");
        assert_eq!(bytes, predictions_parquet(&results).expect("a file"));
        let (batches, metadata) = fixture::read_parquet(bytes);
        assert_eq!(batches, [predictions_batch(&results).expect("a batch")]);
        assert_eq!(fixture::words(&batches[0], "at")[..3], ["", "recency is 2 and area is Rural", "area is Moon"]);
        insta::assert_snapshot!(metadata, @"
        created_by = whom
        whom.schema = predictions
        whom.schema_version = 1
        whom.analysis = 3f9c1a7be0d24458
        ");
    }
}
