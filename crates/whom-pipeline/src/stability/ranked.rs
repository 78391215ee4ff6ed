//! Ranked groups: the effects of units in the order that a tree of the other half predicts.

use whom_forest::Tree;
use whom_report::{Correction, Evidence, Family, Fold, RankedGroupRow, ResplitStability};
use whom_stats::{ArmSums, BucketSet, ClusterEffect, Estimate, NotEstimable, OverSplits, RankedGroup, ranked_groups};

use crate::clustered::Clustered;
use crate::leaf_sums::LeafSums;
use crate::study::{Question, Study};

/// The number of groups.
const GROUPS: usize = 4;

/// What one halving says: the effect of each group, lowest predictions first, and the highest less the lowest.
pub(super) struct Ranked {
    groups: Vec<Result<Estimate, NotEstimable>>,
    spread: Result<Estimate, NotEstimable>,
}

impl Ranked {
    /// Ranks the measuring units by the tree that the discovering ones grew, given its leaves and, where units were assigned by cluster,
    /// the sums of clusters in them. A tree without a prediction ranks nobody.
    pub(super) fn of(
        study: &Study<'_>,
        question: Question,
        tree: &Tree,
        (leaves, clusters): (&LeafSums, Option<&Clustered>),
    ) -> Self {
        let measured = study.measured(&leaves.cells.cells, Fold::Measure);
        let predictions = tree.predictions(0).unwrap_or_default().into_iter();
        let predictions: Vec<f64> =
            predictions.flat_map(|effect| std::iter::repeat_n(effect, leaves.strata())).collect();
        let groups = ranked_groups(&measured, &predictions, GROUPS);
        if let Some(clusters) = clusters {
            return Self::by_cluster(study, question, &groups, (leaves, clusters));
        }
        let groups: Vec<_> = groups
            .iter()
            .map(|group| study.compare_units(&of_group(leaves, group), question).effect.map(|found| found.difference))
            .collect();
        Self { spread: spread(&groups, |highest, lowest| Ok(highest.minus(lowest))), groups }
    }

    /// The same by cluster: the groups may share some.
    fn by_cluster(
        study: &Study<'_>,
        question: Question,
        groups: &[RankedGroup],
        (leaves, clusters): (&LeafSums, &Clustered),
    ) -> Self {
        let estimation = study.estimation(question);
        let of = |group: &RankedGroup| {
            let units = study.compare_units(&of_group(leaves, group), question);
            clusters.compare_in_buckets(units, &group.buckets, &estimation).difference()
        };
        let groups: Vec<Result<ClusterEffect, NotEstimable>> = groups.iter().map(of).collect();
        let spread = spread(&groups, ClusterEffect::minus);
        Self { groups: groups.into_iter().map(|group| group.map(|group| group.estimate)).collect(), spread }
    }
}

/// The effect of the highest group less that of the lowest.
fn spread<T>(
    groups: &[Result<T, NotEstimable>],
    minus: impl Fn(&T, &T) -> Result<Estimate, NotEstimable>,
) -> Result<Estimate, NotEstimable> {
    match (groups.first(), groups.last()) {
        (Some(Ok(lowest)), Some(Ok(highest))) => minus(highest, lowest),
        (Some(Err(reason)), _) | (_, Some(Err(reason))) => Err(*reason),
        _ => Err(NotEstimable::NoUnits),
    }
}

/// The sums of the units of a group, by stratum.
fn of_group(leaves: &LeafSums, group: &RankedGroup) -> Vec<ArmSums> {
    let of_stratum = |stratum: usize| {
        let mut all = leaves.cells.over(&[], &BucketSet::none());
        let cells = group.buckets.iter().enumerate().skip(stratum).step_by(leaves.strata());
        cells.for_each(|(cell, buckets)| all.add(&leaves.cells.sum(cell, buckets)));
        all
    };
    (0..leaves.strata()).map(of_stratum).collect()
}

/// A row for each group, and one for the highest less the lowest.
pub(super) fn over_splits(study: &Study<'_>, question: Question, halvings: &[&Ranked]) -> Vec<RankedGroupRow> {
    let row = |group: Option<usize>| {
        let of_halving = |ranked: &&Ranked| match group {
            Some(group) => ranked.groups.get(group - 1).copied().unwrap_or(Err(NotEstimable::NoUnits)),
            None => ranked.spread,
        };
        let estimates: Vec<Result<Estimate, NotEstimable>> = halvings.iter().map(of_halving).collect();
        let level = study.plan.validate.level;
        let found = OverSplits::of(&estimates, level, study.reference());
        RankedGroupRow {
            variant: study.variant(question.treatment).to_owned(),
            metric: study.metric(question.metric).name.value.clone(),
            evidence: Evidence::Exploratory,
            family: Family::Exploratory,
            group,
            groups: GROUPS,
            estimate: found.ok().map(|found| found.value),
            interval: found.ok().map(|found| found.interval),
            level,
            p_value: found.ok().map(|found| found.p_value),
            p_value_adjusted: None,
            correction: Correction::BenjaminiYekutieli,
            halvings: found.map_or(0, |found| found.splits),
            not_estimable: found.err().map(|reason| reason.to_string()),
        }
    };
    (1..=GROUPS).map(Some).chain([None]).map(row).collect()
}

/// The p-values of ranked groups, which are corrected with all others of their family.
pub(crate) fn ranked_p_values(resplits: Option<&ResplitStability>) -> Vec<f64> {
    resplits.iter().flat_map(|found| &found.groups).filter_map(|row| row.p_value).collect()
}

/// The same looks with corrected p-values, which are given in the order of [`ranked_p_values`].
pub(crate) fn with_corrected(resplits: ResplitStability, adjusted: Vec<f64>) -> ResplitStability {
    let mut adjusted = adjusted.into_iter();
    let correct = |row: RankedGroupRow| {
        let p_value_adjusted = row.p_value.and_then(|_| adjusted.next());
        RankedGroupRow { p_value_adjusted, ..row }
    };
    let groups = resplits.groups.into_iter().map(correct).collect();
    ResplitStability { groups, ..resplits }
}
