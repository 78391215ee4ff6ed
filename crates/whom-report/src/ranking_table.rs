//! `ranking.parquet`: one row per treatment, primary metric and tag, the clearest effect modifier first.

use arrow::array::RecordBatch;
use whom_stats::Interval;

use crate::error::ReportError;
use crate::parquet_file::{Columns, table_bytes};
use crate::ranking::{RankedTag, TagRanking};
use crate::results::Results;
use crate::scatter::Scatter;

/// The version of the columns of `ranking.parquet`.
pub const RANKING_SCHEMA_VERSION: u32 = 1;

const TABLE: &str = "ranking.parquet";

/// The rankings as columns. What is about differences begins with `absolute`, what is about ratios with `relative`, on the
/// scale of their logarithms; `modifying` and `prognostic` are standard deviations between levels, noise taken out.
///
/// # Errors
/// If the columns do not fit together, which would be a bug.
pub fn ranking_batch(rankings: &[TagRanking]) -> Result<RecordBatch, ReportError> {
    let rows: Vec<(&TagRanking, u64, &RankedTag)> = rankings
        .iter()
        .flat_map(|ranking| ranking.tags.iter().zip(1..).map(move |(tag, rank)| (ranking, rank, tag)))
        .collect();
    let tags = || rows.iter().map(|(_, _, tag)| *tag);
    let columns = Columns::of(TABLE)
        .words("metric", rows.iter().map(|(ranking, ..)| ranking.metric.as_str()))
        .words("variant", rows.iter().map(|(ranking, ..)| ranking.variant.as_str()))
        .counts("rank", rows.iter().map(|(_, rank, _)| *rank))
        .words("tag", tags().map(|tag| tag.tag.as_str()))
        .words("evidence", rows.iter().map(|(ranking, ..)| ranking.evidence.as_str()))
        .words("correction", rows.iter().map(|(ranking, ..)| ranking.correction.as_str()))
        .words("role", tags().map(|tag| tag.role.as_str()))
        .words("differing", tags().map(|tag| tag.differing.as_str()));
    let columns = with_scatter(columns, "absolute", tags().map(|tag| &tag.absolute));
    with_scatter(columns, "relative", tags().map(|tag| &tag.relative))
        .numbers("modifying", tags().map(|tag| tag.modifying))
        .numbers("modifying_over_control", tags().map(|tag| tag.modifying_over_control))
        .numbers("prognostic", tags().map(|tag| tag.prognostic))
        .numbers("prognostic_over_control", tags().map(|tag| tag.prognostic_over_control))
        .numbers("prognostic_p_value", tags().map(|tag| tag.prognostic_p_value))
        .numbers("prognostic_p_value_adjusted", tags().map(|tag| tag.prognostic_p_value_adjusted))
        .batch()
}

fn with_scatter<'a>(columns: Columns, scale: &str, scatters: impl Iterator<Item = &'a Scatter> + Clone) -> Columns {
    let name = |column: &str| format!("{scale}_{column}");
    let lower = |interval: Option<Interval>| interval.map(|interval| interval.lower);
    let upper = |interval: Option<Interval>| interval.map(|interval| interval.upper);
    columns
        .counts(&name("levels"), scatters.clone().map(|scatter| scatter.groups as u64))
        .counts(&name("levels_left_out"), scatters.clone().map(|scatter| scatter.left_out as u64))
        .numbers(&name("cochran_q"), scatters.clone().map(|scatter| scatter.cochran_q))
        .numbers(&name("cochran_p_value"), scatters.clone().map(|scatter| scatter.cochran_p_value))
        .numbers(&name("p_value"), scatters.clone().map(|scatter| scatter.p_value))
        .numbers(&name("p_value_adjusted"), scatters.clone().map(|scatter| scatter.p_value_adjusted))
        .numbers(&name("i_squared"), scatters.clone().map(|scatter| scatter.i_squared))
        .numbers(&name("i_squared_lower"), scatters.clone().map(|scatter| lower(scatter.i_squared_interval)))
        .numbers(&name("i_squared_upper"), scatters.clone().map(|scatter| upper(scatter.i_squared_interval)))
        .numbers(&name("between"), scatters.clone().map(|scatter| scatter.between))
        .numbers(&name("between_lower"), scatters.clone().map(|scatter| lower(scatter.between_interval)))
        .numbers(&name("between_upper"), scatters.clone().map(|scatter| upper(scatter.between_interval)))
        .optional_words(&name("not_estimable"), scatters.map(|scatter| scatter.not_estimable.as_deref()))
}

/// The bytes of `ranking.parquet`: the same results give the same bytes.
///
/// # Errors
/// If the table cannot be encoded, which would be a bug.
pub fn ranking_parquet(results: &Results) -> Result<Vec<u8>, ReportError> {
    table_bytes(TABLE, RANKING_SCHEMA_VERSION, &results.analysis, &ranking_batch(&results.tag_rankings)?)
}

#[cfg(test)]
mod tests {
    use arrow::array::Array;

    use super::*;
    use crate::fixture;

    #[test]
    fn the_columns_are_told_apart_by_scale() {
        let schema = ranking_batch(&[]).expect("a batch").schema();
        let names: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        insta::assert_snapshot!(names.join(" "));
    }

    #[test]
    fn a_tag_of_one_level_is_null_and_says_why() {
        let batch = ranking_batch(&fixture::hillstrom().tag_rankings).expect("a batch");
        let last = batch.num_rows() - 1;
        assert!(batch.column_by_name("absolute_cochran_q").expect("a column").is_null(last));
        assert_eq!(
            fixture::words(&batch, "absolute_not_estimable").last(),
            Some(&"fewer than two groups hold enough units")
        );
    }

    #[test]
    fn a_file_reads_back_as_it_was_written_and_has_the_same_bytes_again() {
        let results = fixture::hillstrom();
        let bytes = ranking_parquet(&results).expect("a file");
        assert_eq!(bytes, ranking_parquet(&results).expect("a file"));
        let (batches, metadata) = fixture::read_parquet(bytes);
        assert_eq!(batches, [ranking_batch(&results.tag_rankings).expect("a batch")]);
        insta::assert_snapshot!(metadata, @"
        created_by = whom
        whom.schema = ranking
        whom.schema_version = 1
        whom.analysis = 3f9c1a7be0d24458
        ");
    }
}
