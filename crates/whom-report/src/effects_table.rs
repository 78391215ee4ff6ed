//! `effects.parquet`: one row per effect, long and tidy.

use arrow::array::RecordBatch;
use whom_stats::Interval;

use crate::effect::{ClusterErrors, EffectRow};
use crate::error::ReportError;
use crate::parquet_file::{Columns, table_bytes};
use crate::results::Results;

/// The version of the columns of `effects.parquet`; it grows when one changes its meaning or goes away.
pub const EFFECTS_SCHEMA_VERSION: u32 = 1;

const TABLE: &str = "effects.parquet";

/// The effects as columns, in the order of the rows.
///
/// A proportion is a fraction. Where `not_estimable` is not null, estimate, error, intervals and p-values are null.
///
/// # Errors
/// If the columns do not fit together, which would be a bug.
pub fn effects_batch(rows: &[EffectRow]) -> Result<RecordBatch, ReportError> {
    let columns = Columns::of(TABLE)
        .words("metric", rows.iter().map(|row| row.metric.as_str()))
        .words("role", rows.iter().map(|row| row.role.as_str()))
        .words("variant", rows.iter().map(|row| row.variant.as_str()))
        .words("cohort", rows.iter().map(|row| row.cohort.as_str()));
    let beside = |of: fn(&ClusterErrors) -> f64| rows.iter().map(move |row| row.cluster_errors.as_ref().map(of));
    with_figures(columns, rows.iter())
        .numbers("sequence_lower", rows.iter().map(|row| row.sequence.map(|look| look.interval.lower)))
        .numbers("sequence_upper", rows.iter().map(|row| row.sequence.map(|look| look.interval.upper)))
        .numbers("sequence_p_value", rows.iter().map(|row| row.sequence.map(|look| look.p_value)))
        .optional_counts("clusters_control", rows.iter().map(|row| row.clusters_control))
        .optional_counts("clusters_variant", rows.iter().map(|row| row.clusters_variant))
        .numbers("clusters_effective", beside(|errors| errors.effective_clusters))
        .numbers("clusters_degrees_of_freedom", beside(|errors| errors.degrees_of_freedom))
        .numbers("clusters_std_err_cr1", beside(|errors| errors.std_err_cr1))
        .words("holds", rows.iter().map(|row| row.holds.as_str()))
        .batch()
}

/// Adds what a row says of its question: evidence, estimate, uncertainty, test and arms.
pub(crate) fn with_figures<'a>(columns: Columns, rows: impl Iterator<Item = &'a EffectRow> + Clone) -> Columns {
    let lower = |interval: Option<Interval>| interval.map(|interval| interval.lower);
    let upper = |interval: Option<Interval>| interval.map(|interval| interval.upper);
    columns
        .words("evidence", rows.clone().map(|row| row.evidence.as_str()))
        .words("family", rows.clone().map(|row| row.family.as_str()))
        .words("estimand", rows.clone().map(|row| row.estimand.as_str()))
        .words("method", rows.clone().map(|row| row.method.as_str()))
        .words("reference", rows.clone().map(|row| row.reference.as_str()))
        .numbers("estimate", rows.clone().map(|row| row.estimate))
        .numbers("std_err", rows.clone().map(|row| row.std_err))
        .numbers("ci_lower", rows.clone().map(|row| lower(row.interval)))
        .numbers("ci_upper", rows.clone().map(|row| upper(row.interval)))
        .numbers("ci_lower_individual", rows.clone().map(|row| lower(row.individual_interval)))
        .numbers("ci_upper_individual", rows.clone().map(|row| upper(row.individual_interval)))
        .numbers("level", rows.clone().map(|row| Some(row.level)))
        .words("alternative", rows.clone().map(|row| row.alternative.as_str()))
        .numbers("p_value", rows.clone().map(|row| row.p_value))
        .numbers("p_value_adjusted", rows.clone().map(|row| row.p_value_adjusted))
        .words("correction", rows.clone().map(|row| row.correction.as_str()))
        .flags("reliable", rows.clone().map(EffectRow::is_reliable))
        .optional_words("unreliable", rows.clone().map(|row| row.unreliable.as_deref()))
        .optional_words("not_estimable", rows.clone().map(|row| row.not_estimable.as_deref()))
        .optional_counts("n_control", rows.clone().map(|row| row.n_control))
        .optional_counts("n_variant", rows.clone().map(|row| row.n_variant))
        .numbers("mean_control", rows.clone().map(|row| row.mean_control))
        .numbers("mean_variant", rows.clone().map(|row| row.mean_variant))
        .numbers("variance_reduction", rows.map(|row| row.variance_reduction))
}

/// The bytes of `effects.parquet`: the same results give the same bytes.
///
/// # Errors
/// If the table cannot be encoded, which would be a bug.
pub fn effects_parquet(results: &Results) -> Result<Vec<u8>, ReportError> {
    table_bytes(TABLE, EFFECTS_SCHEMA_VERSION, &results.analysis, &effects_batch(&results.effects)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;
    use crate::fixture;

    #[test]
    fn the_columns_are_those_of_the_design() {
        let batch = effects_batch(&[]).expect("a batch");
        let fields: Vec<String> =
            batch.schema().fields().iter().map(|field| format!("{} {}", field.name(), field.data_type())).collect();
        insta::assert_snapshot!(fields.join("\n"), @"
        metric Utf8
        role Utf8
        variant Utf8
        cohort Utf8
        evidence Utf8
        family Utf8
        estimand Utf8
        method Utf8
        reference Utf8
        estimate Float64
        std_err Float64
        ci_lower Float64
        ci_upper Float64
        ci_lower_individual Float64
        ci_upper_individual Float64
        level Float64
        alternative Utf8
        p_value Float64
        p_value_adjusted Float64
        correction Utf8
        reliable Boolean
        unreliable Utf8
        not_estimable Utf8
        n_control Int64
        n_variant Int64
        mean_control Float64
        mean_variant Float64
        variance_reduction Float64
        sequence_lower Float64
        sequence_upper Float64
        sequence_p_value Float64
        clusters_control Int64
        clusters_variant Int64
        clusters_effective Float64
        clusters_degrees_of_freedom Float64
        clusters_std_err_cr1 Float64
        holds Utf8
        ");
    }

    #[test]
    fn what_is_not_estimable_is_null_and_says_why() {
        let row = fixture::not_estimable();
        let batch = effects_batch(&[row]).expect("a batch");
        let column = |name: &str| batch.column_by_name(name).expect("a column");
        for name in ["estimate", "std_err", "ci_lower", "ci_upper", "p_value", "mean_variant"] {
            assert!(column(name).is_null(0), "{name}");
        }
        assert_eq!(fixture::words(&batch, "not_estimable"), ["all values of control are equal"]);
    }

    #[test]
    fn a_number_that_is_not_finite_is_null() {
        let mut row = fixture::not_estimable();
        row.estimate = Some(f64::NAN);
        row.std_err = Some(f64::INFINITY);
        let batch = effects_batch(&[row]).expect("a batch");
        assert_eq!(batch.column_by_name("estimate").expect("a column").null_count(), 1);
        assert_eq!(batch.column_by_name("std_err").expect("a column").null_count(), 1);
    }

    #[test]
    fn the_same_results_give_the_same_bytes() {
        let results = fixture::hillstrom();
        let bytes = effects_parquet(&results).expect("a file");
        assert_eq!(bytes, effects_parquet(&results).expect("a file"));
        assert!(bytes.starts_with(b"PAR1") && bytes.ends_with(b"PAR1"));
    }

    #[test]
    fn a_file_reads_back_as_it_was_written() {
        let results = fixture::hillstrom();
        let bytes = effects_parquet(&results).expect("a file");
        let (batches, metadata) = fixture::read_parquet(bytes);
        assert_eq!(batches, [effects_batch(&results.effects).expect("a batch")]);
        insta::assert_snapshot!(metadata, @"
        created_by = whom
        whom.schema = effects
        whom.schema_version = 1
        whom.analysis = 3f9c1a7be0d24458
        ");
    }
}
