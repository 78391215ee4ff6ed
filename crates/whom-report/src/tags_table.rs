//! `tags.parquet`: the one-tag tables, one row per tag, level, metric, treatment and estimand.

use arrow::array::RecordBatch;

use crate::cohorts_sql::condition_of;
use crate::effect::EffectRow;
use crate::effects_table::with_figures;
use crate::error::ReportError;
use crate::parquet_file::{Columns, table_bytes};
use crate::results::Results;
use crate::rule::CohortRule;
use crate::rule_words::condition_words;
use crate::tag_table::{TagLevel, TagTable};

/// The version of the columns of `tags.parquet`.
pub const TAGS_SCHEMA_VERSION: u32 = 1;

const TABLE: &str = "tags.parquet";

/// The rows of all levels as columns, in the order of the tables.
///
/// `tag_level` counts the levels of a tag from 1, `rule` says for people and `condition` in SQL which units are in one; `units`
/// and `share` are over all variants. Columns that `effects.parquet` has mean the same here.
///
/// # Errors
/// If the columns do not fit together, which would be a bug.
pub fn tags_batch(tables: &[TagTable]) -> Result<RecordBatch, ReportError> {
    let levels: Vec<Level<'_>> = tables.iter().flat_map(levels_of).collect();
    let rows: Vec<(&Level<'_>, &EffectRow)> =
        levels.iter().flat_map(|level| level.of.effects.iter().map(move |row| (level, row))).collect();
    let columns = Columns::of(TABLE)
        .words("tag", rows.iter().map(|(level, _)| level.table.tag.as_str()))
        .flags("protected", rows.iter().map(|(level, _)| level.table.protected))
        .counts("tag_level", rows.iter().map(|(level, _)| level.number))
        .words("rule", rows.iter().map(|(level, _)| level.rule.as_str()))
        .words("condition", rows.iter().map(|(level, _)| level.condition.as_str()))
        .optional_counts("units", rows.iter().map(|(level, _)| level.of.units))
        .numbers("share", rows.iter().map(|(level, _)| level.of.share))
        .words("metric", rows.iter().map(|(_, row)| row.metric.as_str()))
        .words("role", rows.iter().map(|(_, row)| row.role.as_str()))
        .words("variant", rows.iter().map(|(_, row)| row.variant.as_str()));
    with_figures(columns, rows.iter().map(|(_, row)| *row)).batch()
}

/// The bytes of `tags.parquet`: the same results give the same bytes.
///
/// # Errors
/// If the table cannot be encoded, which would be a bug.
pub fn tags_parquet(results: &Results) -> Result<Vec<u8>, ReportError> {
    table_bytes(TABLE, TAGS_SCHEMA_VERSION, &results.analysis, &tags_batch(&results.tag_tables)?)
}

/// A level with what is the same in all of its rows.
struct Level<'a> {
    table: &'a TagTable,
    of: &'a TagLevel,
    number: u64,
    rule: String,
    condition: String,
}

fn levels_of(table: &TagTable) -> impl Iterator<Item = Level<'_>> {
    table.levels.iter().zip(1..).map(move |(level, number)| {
        let rule = CohortRule { name: level.name.clone(), conditions: vec![level.condition.clone()] };
        Level { table, of: level, number, rule: condition_words(&level.condition), condition: condition_of(&rule) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_row_says_which_level_of_which_tag_it_is_about() {
        let batch = tags_batch(&fixture::hillstrom().tag_tables).expect("a batch");
        let columns = ["tag", "rule", "condition", "variant", "estimand"].map(|name| fixture::words(&batch, name));
        let lines: Vec<String> =
            (0..batch.num_rows()).map(|row| columns.each_ref().map(|words| words[row]).join(" | ")).collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn shared_columns_have_the_types_they_have_for_effects() {
        let effects = crate::effects_table::effects_batch(&[]).expect("a batch").schema();
        let tags = tags_batch(&[]).expect("a batch").schema();
        // Levels are no cohorts, have no confidence sequences, and are not compared by cluster.
        let is_own = |name: &str| {
            ["cohort", "holds"].contains(&name) || name.starts_with("sequence_") || name.starts_with("clusters_")
        };
        let shared: Vec<_> = effects.fields().iter().filter(|field| !is_own(field.name())).collect();
        assert!(shared.iter().all(|field| tags.field_with_name(field.name()).ok() == Some(field.as_ref())));
        let own: Vec<&str> = tags
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .filter(|name| effects.field_with_name(name).is_err())
            .collect();
        assert_eq!(own, ["tag", "protected", "tag_level", "rule", "condition", "units", "share"]);
    }

    #[test]
    fn a_file_reads_back_as_it_was_written_and_has_the_same_bytes_again() {
        let results = fixture::hillstrom();
        let bytes = tags_parquet(&results).expect("a file");
        assert_eq!(bytes, tags_parquet(&results).expect("a file"));
        let (batches, metadata) = fixture::read_parquet(bytes);
        assert_eq!(batches, [tags_batch(&results.tag_tables).expect("a batch")]);
        insta::assert_snapshot!(metadata, @"
        created_by = whom
        whom.schema = tags
        whom.schema_version = 1
        whom.analysis = 3f9c1a7be0d24458
        ");
    }

    #[test]
    fn no_tag_is_an_empty_table() {
        assert_eq!(tags_batch(&[]).expect("a batch").num_rows(), 0);
    }
}
