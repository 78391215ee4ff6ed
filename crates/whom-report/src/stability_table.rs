//! `stability.parquet`: one row per split, cohort, rank or group whose stability was looked at.

use arrow::array::RecordBatch;
use whom_stats::Interval;

use crate::error::ReportError;
use crate::parquet_file::{Columns, table_bytes};
use crate::results::Results;
use crate::stability::{ResplitStability, SearchStability, Stability};

/// The version of the columns of `stability.parquet`.
pub const STABILITY_SCHEMA_VERSION: u32 = 1;

const TABLE: &str = "stability.parquet";

/// What a row is about, in the order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Looked {
    /// A split of the declared tree, in replicates of the search.
    Split,
    /// A cohort, in replicates of the search.
    Cohort,
    /// A leaf by the rank of its estimate, in replicates of the search.
    Rank,
    /// Whether effects differ at all, in other halvings.
    Detection,
    /// What is found of a cohort in other halvings.
    CohortAgain,
    /// The effect in a group of units ranked by trees of the other half.
    RankedGroup,
}

impl Looked {
    fn as_str(self) -> &'static str {
        match self {
            Self::Split => "split",
            Self::Cohort => "cohort",
            Self::Rank => "rank",
            Self::Detection => "detection",
            Self::CohortAgain => "cohort_again",
            Self::RankedGroup => "ranked_group",
        }
    }
}

/// A row; what is not about it is `None`.
#[derive(Clone, Copy, Debug)]
struct Row<'a> {
    looked: Looked,
    /// Replicates or halvings.
    repetitions: u64,
    node: Option<u64>,
    tag: Option<&'a str>,
    cohort: Option<&'a str>,
    variant: Option<&'a str>,
    metric: Option<&'a str>,
    evidence: Option<&'a str>,
    family: Option<&'a str>,
    rank_from: Option<&'a str>,
    rank: Option<u64>,
    group: Option<u64>,
    groups: Option<u64>,
    /// Shares of replicates: the tag returns, with nearly the same cut, with the same cut.
    split_returns: [Option<f64>; 3],
    returned: Option<f64>,
    mean_jaccard: Option<f64>,
    /// On units that grew the leaf, on units that did not, and the difference.
    flattery: [Option<f64>; 3],
    /// Halvings in which it is found, with the same sign, and called different.
    halvings: [Option<u64>; 3],
    estimate: Option<f64>,
    interval: Option<Interval>,
    level: Option<f64>,
    p_value: Option<f64>,
    p_value_adjusted: Option<f64>,
    correction: Option<&'a str>,
    not_estimable: Option<&'a str>,
}

impl Row<'_> {
    fn of(looked: Looked, repetitions: u64) -> Self {
        Self {
            looked,
            repetitions,
            node: None,
            tag: None,
            cohort: None,
            variant: None,
            metric: None,
            evidence: None,
            family: None,
            rank_from: None,
            rank: None,
            group: None,
            groups: None,
            split_returns: [None; 3],
            returned: None,
            mean_jaccard: None,
            flattery: [None; 3],
            halvings: [None; 3],
            estimate: None,
            interval: None,
            level: None,
            p_value: None,
            p_value_adjusted: None,
            correction: None,
            not_estimable: None,
        }
    }
}

/// The looks as columns: first what replicates of the search found, then what other halvings found.
///
/// `returned` and what begins with `split_` are shares of replicates; what ends in `halvings` counts them. Effects are in the
/// metric's unit; a proportion is a fraction. Only ranked groups are tested, and only they have evidence, family and p-values.
///
/// # Errors
/// If the columns do not fit together, which would be a bug.
pub fn stability_batch(stability: &Stability) -> Result<RecordBatch, ReportError> {
    let rows = rows(stability);
    let of = |number: fn(&Row<'_>) -> Option<f64>| rows.iter().map(number);
    let count = |count: fn(&Row<'_>) -> Option<u64>| rows.iter().map(count);
    Columns::of(TABLE)
        .words("looked_at", rows.iter().map(|row| row.looked.as_str()))
        .counts("repetitions", rows.iter().map(|row| row.repetitions))
        .optional_counts("node", count(|row| row.node))
        .optional_words("tag", rows.iter().map(|row| row.tag))
        .optional_words("cohort", rows.iter().map(|row| row.cohort))
        .optional_words("variant", rows.iter().map(|row| row.variant))
        .optional_words("metric", rows.iter().map(|row| row.metric))
        .optional_words("evidence", rows.iter().map(|row| row.evidence))
        .optional_words("family", rows.iter().map(|row| row.family))
        .optional_words("rank_from", rows.iter().map(|row| row.rank_from))
        .optional_counts("rank", count(|row| row.rank))
        .optional_counts("group", count(|row| row.group))
        .optional_counts("groups", count(|row| row.groups))
        .numbers("split_tag_returned", of(|row| row.split_returns[0]))
        .numbers("split_nearly_returned", of(|row| row.split_returns[1]))
        .numbers("split_returned", of(|row| row.split_returns[2]))
        .numbers("returned", of(|row| row.returned))
        .numbers("mean_jaccard", of(|row| row.mean_jaccard))
        .numbers("in_bag", of(|row| row.flattery[0]))
        .numbers("out_of_bag", of(|row| row.flattery[1]))
        .numbers("optimism", of(|row| row.flattery[2]))
        .optional_counts("found_halvings", count(|row| row.halvings[0]))
        .optional_counts("same_sign_halvings", count(|row| row.halvings[1]))
        .optional_counts("different_halvings", count(|row| row.halvings[2]))
        .numbers("estimate", of(|row| row.estimate))
        .numbers("ci_lower", of(|row| row.interval.map(|interval| interval.lower)))
        .numbers("ci_upper", of(|row| row.interval.map(|interval| interval.upper)))
        .numbers("level", of(|row| row.level))
        .numbers("p_value", of(|row| row.p_value))
        .numbers("p_value_adjusted", of(|row| row.p_value_adjusted))
        .optional_words("correction", rows.iter().map(|row| row.correction))
        .optional_words("not_estimable", rows.iter().map(|row| row.not_estimable))
        .batch()
}

/// The bytes of `stability.parquet`: the same results give the same bytes.
///
/// # Errors
/// If the table cannot be encoded, which would be a bug.
pub fn stability_parquet(results: &Results) -> Result<Vec<u8>, ReportError> {
    table_bytes(TABLE, STABILITY_SCHEMA_VERSION, &results.analysis, &stability_batch(&results.stability)?)
}

/// How many rows `stability.parquet` has.
pub fn stability_rows(results: &Results) -> usize {
    rows(&results.stability).len()
}

/// The row of the first of what was looked at.
pub(crate) fn first_row(stability: &Stability, looked: Looked) -> usize {
    rows(stability).iter().take_while(|row| row.looked < looked).count()
}

fn rows(stability: &Stability) -> Vec<Row<'_>> {
    let searched = stability.search.iter().flat_map(of_search);
    searched.chain(stability.resplits.iter().flat_map(of_resplits)).collect()
}

fn of_search(search: &SearchStability) -> impl Iterator<Item = Row<'_>> {
    let splits = search.splits.iter().map(|split| Row {
        node: Some(split.node as u64),
        tag: Some(&split.tag),
        split_returns: [split.tag_share(), split.near_share(), split.cut_share()].map(Some),
        ..Row::of(Looked::Split, search.replicates)
    });
    let cohorts = search.cohorts.iter().map(|cohort| Row {
        cohort: Some(&cohort.cohort),
        returned: Some(cohort.returned),
        mean_jaccard: cohort.mean_jaccard,
        ..Row::of(Looked::Cohort, search.replicates)
    });
    let ranks = search.optimism.iter().map(|row| Row {
        variant: Some(&row.variant),
        metric: Some(&row.metric),
        rank_from: Some(row.end.as_str()),
        rank: Some(row.rank as u64),
        flattery: [row.in_bag, row.out_of_bag, row.optimism],
        ..Row::of(Looked::Rank, row.replicates)
    });
    splits.chain(cohorts).chain(ranks)
}

fn of_resplits(resplits: &ResplitStability) -> impl Iterator<Item = Row<'_>> {
    let detected = resplits.detected.iter().map(|row| Row {
        variant: Some(&row.variant),
        metric: Some(&row.metric),
        halvings: [Some(row.halvings), None, None],
        ..Row::of(Looked::Detection, resplits.splits)
    });
    let cohorts = resplits.cohorts.iter().map(|row| Row {
        cohort: Some(&row.cohort),
        variant: Some(&row.variant),
        metric: Some(&row.metric),
        mean_jaccard: row.mean_jaccard,
        halvings: [row.returned, row.same_sign, row.different].map(Some),
        ..Row::of(Looked::CohortAgain, resplits.splits)
    });
    let groups = resplits.groups.iter().map(|row| Row {
        variant: Some(&row.variant),
        metric: Some(&row.metric),
        evidence: Some(row.evidence.as_str()),
        family: Some(row.family.as_str()),
        group: row.group.map(|group| group as u64),
        groups: Some(row.groups as u64),
        estimate: row.estimate,
        interval: row.interval,
        level: Some(row.level),
        p_value: row.p_value,
        p_value_adjusted: row.p_value_adjusted,
        correction: Some(row.correction.as_str()),
        not_estimable: row.not_estimable.as_deref(),
        ..Row::of(Looked::RankedGroup, row.halvings)
    });
    detected.chain(cohorts).chain(groups)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn each_thing_that_was_looked_at_has_its_rows() {
        let results = fixture::hillstrom();
        let batch = stability_batch(&results.stability).expect("a batch");
        let looked = fixture::words(&batch, "looked_at");
        let expected = [
            (Looked::Split, 2),
            (Looked::Cohort, 4),
            (Looked::Rank, 2),
            (Looked::Detection, 2),
            (Looked::CohortAgain, 8),
            (Looked::RankedGroup, 5),
        ];
        let mut first = 0;
        for (what, count) in expected {
            assert_eq!(first_row(&results.stability, what), first, "{what:?}");
            assert_eq!(looked[first..first + count], vec![what.as_str(); count]);
            first += count;
        }
        assert_eq!((first, stability_rows(&results)), (batch.num_rows(), batch.num_rows()));
        let told = ["evidence", "family", "correction"].map(|column| fixture::words(&batch, column));
        let of_groups = ["exploratory", "F3", "benjamini_yekutieli"];
        assert_eq!(told, of_groups.map(|word| vec![word; 5]), "of ranked groups only");
    }

    #[test]
    fn a_file_reads_back_as_it_was_written() {
        for results in [fixture::hillstrom(), fixture::no_discovery()] {
            let (batches, metadata) = fixture::read_parquet(stability_parquet(&results).expect("a file"));
            let written = stability_batch(&results.stability).expect("a batch");
            assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), written.num_rows());
            assert!(batches.is_empty() || batches == [written]);
            assert!(metadata.contains("whom.schema = stability"), "{metadata}");
        }
    }
}
