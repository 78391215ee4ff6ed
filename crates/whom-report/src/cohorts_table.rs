//! `cohorts.parquet`: one row per cohort, with its sizes, its profile and its shrunken effects as lists.

mod shrunken;

use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, ListArray, RecordBatch, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field, Fields};
use arrow::error::ArrowError;

use crate::cohort::{CohortDefinition, CohortView, TagDifference, TagStatistic};
use crate::cohorts_sql::condition_of;
use crate::error::ReportError;
use crate::parquet_file::{Columns, finite, table_bytes};
use crate::results::Results;

/// The version of the columns of `cohorts.parquet`.
pub const COHORTS_SCHEMA_VERSION: u32 = 1;

const TABLE: &str = "cohorts.parquet";

/// The cohorts as columns: the discovered ones in their order, then the pre-registered ones.
///
/// `rule` is for people and `condition` for SQL. `sizes` holds units by fold and variant, `profile` the tags that differ,
/// `shrunken` what a model of the whole partition expects of the cohort.
///
/// # Errors
/// If the columns do not fit together, which would be a bug.
pub fn cohorts_batch(results: &Results) -> Result<RecordBatch, ReportError> {
    let cohorts: Vec<&CohortView> = results.discovered().iter().chain(&results.registered).collect();
    let rules: Vec<String> = cohorts.iter().map(|cohort| cohort.definition.in_words()).collect();
    let conditions: Vec<String> = cohorts.iter().map(|cohort| condition(&cohort.definition)).collect();
    let columns_error = |source| ReportError::Columns { table: TABLE, source };
    Columns::of(TABLE)
        .words("cohort", cohorts.iter().map(|cohort| cohort.name.as_str()))
        .words("origin", cohorts.iter().map(|cohort| origin(&cohort.definition)))
        .words("rule", rules.iter().map(String::as_str))
        .words("condition", conditions.iter().map(String::as_str))
        .add("sizes", false, sizes(&cohorts).map_err(columns_error)?)
        .add("profile", false, profiles(&cohorts).map_err(columns_error)?)
        .add("shrunken", false, shrunken::shrunken(results, &cohorts).map_err(columns_error)?)
        .batch()
}

/// The bytes of `cohorts.parquet`: the same results give the same bytes.
///
/// # Errors
/// If the table cannot be encoded, which would be a bug.
pub fn cohorts_parquet(results: &Results) -> Result<Vec<u8>, ReportError> {
    table_bytes(TABLE, COHORTS_SCHEMA_VERSION, &results.analysis, &cohorts_batch(results)?)
}

fn origin(definition: &CohortDefinition) -> &'static str {
    match definition {
        CohortDefinition::Discovered(_) => "discovered",
        CohortDefinition::Registered(_) => "registered",
        CohortDefinition::Frozen(_) => "frozen",
    }
}

fn condition(definition: &CohortDefinition) -> String {
    match definition {
        CohortDefinition::Discovered(rule) | CohortDefinition::Frozen(rule) => condition_of(rule),
        CohortDefinition::Registered(expression) => expression.clone(),
    }
}

fn sizes(cohorts: &[&CohortView]) -> Result<ListArray, ArrowError> {
    let sizes = || cohorts.iter().flat_map(|cohort| &cohort.sizes);
    let columns: Vec<(&str, bool, ArrayRef)> = vec![
        ("fold", false, Arc::new(sizes().map(|size| Some(size.fold.as_str())).collect::<StringArray>())),
        ("variant", false, Arc::new(sizes().map(|size| Some(size.variant.as_str())).collect::<StringArray>())),
        ("units", true, Arc::new(sizes().map(|size| size.units.map(|units| units as i64)).collect::<Int64Array>())),
        ("share", true, Arc::new(sizes().map(|size| finite(size.share)).collect::<Float64Array>())),
    ];
    list(columns, cohorts.iter().map(|cohort| cohort.sizes.len()))
}

fn profiles(cohorts: &[&CohortView]) -> Result<ListArray, ArrowError> {
    let tags = || cohorts.iter().flat_map(|cohort| &cohort.profile);
    let numbers = |number: fn(&TagDifference) -> Option<f64>| -> ArrayRef {
        Arc::new(tags().map(|tag| finite(number(tag))).collect::<Float64Array>())
    };
    let columns: Vec<(&str, bool, ArrayRef)> = vec![
        ("tag", false, Arc::new(tags().map(|tag| Some(tag.tag.as_str())).collect::<StringArray>())),
        ("statistic", false, Arc::new(tags().map(|tag| Some(statistic(&tag.statistic))).collect::<StringArray>())),
        ("level", true, Arc::new(tags().map(|tag| level(&tag.statistic)).collect::<StringArray>())),
        ("in_cohort", true, numbers(|tag| tag.cohort)),
        ("everybody", true, numbers(|tag| tag.everybody)),
        ("standardised", true, numbers(|tag| tag.standardised)),
    ];
    list(columns, cohorts.iter().map(|cohort| cohort.profile.len()))
}

fn statistic(statistic: &TagStatistic) -> &'static str {
    match statistic {
        TagStatistic::Mean => "mean",
        TagStatistic::Share(_) => "share",
        TagStatistic::Missing => "missing",
    }
}

fn level(statistic: &TagStatistic) -> Option<&str> {
    match statistic {
        TagStatistic::Share(level) => Some(level),
        TagStatistic::Mean | TagStatistic::Missing => None,
    }
}

/// A list of structures: the flattened columns, and how many entries each list has.
fn list(columns: Vec<(&str, bool, ArrayRef)>, lengths: impl Iterator<Item = usize>) -> Result<ListArray, ArrowError> {
    let fields: Fields =
        columns.iter().map(|(name, nullable, array)| Field::new(*name, array.data_type().clone(), *nullable)).collect();
    let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
    let entries = StructArray::try_new(fields.clone(), arrays, None)?;
    let item = Arc::new(Field::new("element", DataType::Struct(fields), false));
    ListArray::try_new(item, OffsetBuffer::from_lengths(lengths), Arc::new(entries), None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn one_row_per_cohort_with_its_rule_for_people_and_for_sql() {
        let results = fixture::registered();
        let batch = cohorts_batch(&results).expect("a batch");
        assert_eq!(batch.num_rows(), results.discovered().len() + results.registered.len());
        let columns = ["cohort", "origin", "rule", "condition"].map(|name| fixture::words(&batch, name).join("\n"));
        insta::assert_snapshot!(columns.join("\n\n"), @r#"
        1
        2
        3
        4
        newcomers

        discovered
        discovered
        discovered
        discovered
        registered

        womens is 1 and recency up to 6
        womens is 1 and recency above 6
        womens is 0 and channel is Phone or Web (or unknown)
        womens is 0 and channel is Multichannel
        newbie = 1

        (CAST("womens" AS DOUBLE) > CAST('0.0' AS DOUBLE) AND NOT isnan(CAST("womens" AS DOUBLE))) AND CAST("recency" AS DOUBLE) <= CAST('6.0' AS DOUBLE)
        (CAST("womens" AS DOUBLE) > CAST('0.0' AS DOUBLE) AND NOT isnan(CAST("womens" AS DOUBLE))) AND (CAST("recency" AS DOUBLE) > CAST('6.0' AS DOUBLE) AND NOT isnan(CAST("recency" AS DOUBLE)))
        CAST("womens" AS DOUBLE) <= CAST('0.0' AS DOUBLE) AND (CAST("channel" AS VARCHAR) IN ('Phone', 'Web') OR "channel" IS NULL)
        CAST("womens" AS DOUBLE) <= CAST('0.0' AS DOUBLE) AND CAST("channel" AS VARCHAR) IN ('Multichannel')
        newbie = 1
        "#);
    }

    #[test]
    fn a_file_reads_back_as_it_was_written_and_has_the_same_bytes_again() {
        let results = fixture::hillstrom();
        let bytes = cohorts_parquet(&results).expect("a file");
        assert_eq!(bytes, cohorts_parquet(&results).expect("a file"));
        let (batches, metadata) = fixture::read_parquet(bytes);
        assert_eq!(batches, [cohorts_batch(&results).expect("a batch")]);
        insta::assert_snapshot!(metadata, @"
        created_by = whom
        whom.schema = cohorts
        whom.schema_version = 1
        whom.analysis = 3f9c1a7be0d24458
        ");
    }

    #[test]
    fn no_cohort_is_an_empty_table() {
        let results = fixture::no_partition();
        assert_eq!(cohorts_batch(&results).expect("a batch").num_rows(), 0);
        assert!(cohorts_parquet(&results).is_ok());
    }
}
