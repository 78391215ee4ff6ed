//! `models.parquet`: one row per coefficient of a linear model.

use arrow::array::RecordBatch;
use whom_stats::Interval;

use crate::error::ReportError;
use crate::model::{ModelCoefficient, ModelView};
use crate::parquet_file::{Columns, table_bytes};
use crate::results::Results;

/// The version of the columns of `models.parquet`.
pub const MODELS_SCHEMA_VERSION: u32 = 1;

const TABLE: &str = "models.parquet";

/// The coefficients as columns. `tag_is` is the level of a categorical tag and `compared_with` its base level;
/// `level` is that of the interval.
///
/// # Errors
/// If the columns do not fit together, which would be a bug.
pub fn models_batch(results: &Results) -> Result<RecordBatch, ReportError> {
    let rows: Vec<(&ModelView, &ModelCoefficient)> =
        results.models.iter().flat_map(|model| model.coefficients.iter().map(move |row| (model, row))).collect();
    let (models, found) = (|| rows.iter().map(|(model, _)| *model), || rows.iter().map(|(_, row)| *row));
    let of_units: Vec<String> = models().map(ModelView::of_units_in_words).collect();
    let bound = |bound: fn(Interval) -> f64| found().map(move |row| row.interval.map(bound));
    Columns::of(TABLE)
        .words("model", models().map(|model| model.name.as_str()))
        .words("metric", models().map(|model| model.metric.as_str()))
        .words("evidence", models().map(|model| model.evidence.as_str()))
        .words("family", models().map(|model| model.family.as_str()))
        .words("term", found().map(|row| row.term.as_str()))
        .optional_words("variant", found().map(|row| row.variant.as_deref()))
        .optional_words("tag", found().map(|row| row.tag.as_deref()))
        .optional_words("tag_is", found().map(|row| row.level.as_deref()))
        .optional_words("compared_with", found().map(|row| row.base.as_deref()))
        .numbers("mean", found().map(|row| row.mean))
        .numbers("deviation", found().map(|row| row.deviation))
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
        .words("of_units", of_units.iter().map(String::as_str))
        .optional_counts("units", models().map(|model| model.units))
        .optional_counts("left_out", models().map(|model| model.left_out))
        .optional_counts("clusters", models().map(|model| model.clusters))
        .numbers("effective_clusters", models().map(|model| model.effective_clusters))
        .numbers("r_squared", models().map(|model| model.r_squared))
        .optional_words("unreliable", found().map(|row| row.unreliable.as_deref()))
        .optional_words("not_estimable", found().map(|row| row.not_estimable.as_deref()))
        .batch()
}

/// The file `models.parquet`.
///
/// # Errors
/// If the table cannot be encoded, which would be a bug.
pub fn models_parquet(results: &Results) -> Result<Vec<u8>, ReportError> {
    table_bytes(TABLE, MODELS_SCHEMA_VERSION, &results.analysis, &models_batch(results)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_coefficient_is_told_by_term_variant_tag_and_level() {
        let batch = models_batch(&fixture::modelled()).expect("a batch");
        let [models, terms] = ["model", "term"].map(|name| fixture::words(&batch, name));
        assert_eq!(batch.num_rows(), 10);
        assert_eq!((models[0], models[9], terms[0], terms[8]), ("by_area", "of_nobody", "intercept", "interaction"));
        assert_eq!(fixture::words(&batch, "tag_is"), ["Rural"; 3]);
        assert_eq!(fixture::words(&batch, "compared_with"), ["Urban"; 3]);
        assert_eq!(fixture::words(&batch, "not_estimable"), ["there are no units"]);
    }

    #[test]
    fn a_file_reads_back_as_it_was_written_and_has_the_same_bytes_again() {
        let results = fixture::modelled();
        let bytes = models_parquet(&results).expect("a file");
        assert_eq!(bytes, models_parquet(&results).expect("a file"));
        let (batches, metadata) = fixture::read_parquet(bytes);
        assert_eq!(batches, [models_batch(&results).expect("a batch")]);
        insta::assert_snapshot!(metadata, @"
        created_by = whom
        whom.schema = models
        whom.schema_version = 1
        whom.analysis = 3f9c1a7be0d24458
        ");
    }
}
