//! The slices of a population, counted.

use whom_engine::EngineError;
use whom_report::Fold;
use whom_stats::{ArmSums, BucketSet, ClusterEffect, NotEstimable, Routing};

use crate::clustered::Clustered;
use crate::comparison::Comparison;
use crate::estimation::Estimation;
use crate::leaf_sums::LeafSums;
use crate::study::Study;

/// What is known of the cells of a cut.
pub(super) struct Counted {
    pub(super) sums: LeafSums,
    clusters: Option<ByCluster>,
}

/// Sums by cluster.
struct ByCluster {
    everybody: Clustered,
    /// On the measuring fold; nothing where no group is measured there.
    measuring: Option<Clustered>,
}

/// What is compared in a slice.
pub(super) struct SliceEffect {
    pub(super) comparison: Comparison,
    /// With what each cluster adds to it; `None` where units were assigned by themselves.
    pub(super) by_cluster: Option<Result<ClusterEffect, NotEstimable>>,
}

impl Counted {
    /// The cells of some trees. Of each it is said whether a group is measured on the measuring fold only. Clusters are summed one tree
    /// after the other, as there may be thousands.
    pub(super) async fn of_each(study: &Study<'_>, trees: &[(&Routing, bool)]) -> Result<Vec<Self>, EngineError> {
        let sums = LeafSums::of_each(study, trees.iter().map(|(tree, _)| *tree)).await?;
        let mut counted = Vec::with_capacity(sums.len());
        for (sums, (tree, has_measuring)) in sums.into_iter().zip(trees) {
            counted.push(Self { sums, clusters: ByCluster::of(study, tree, *has_measuring).await? });
        }
        Ok(counted)
    }

    /// The units of some cells in a set of buckets, by stratum.
    pub(super) fn over(&self, cells: &[usize], buckets: &BucketSet) -> Vec<ArmSums> {
        self.sums.over(cells, buckets)
    }

    /// A question on the units of some cells in a fold.
    pub(super) fn compare(
        &self,
        (study, fold): (&Study<'_>, Fold),
        cells: &[usize],
        estimation: &Estimation<'_>,
    ) -> SliceEffect {
        let units = Comparison::of_strata(&self.over(cells, study.buckets(fold)), estimation);
        let Some(clusters) = self.clusters.as_ref().map(|clusters| clusters.of_fold(fold)) else {
            return SliceEffect { comparison: units, by_cluster: None };
        };
        let slice = clusters.compare_sharing(units, cells, estimation);
        SliceEffect { by_cluster: Some(slice.difference()), comparison: slice.comparison }
    }
}

impl ByCluster {
    async fn of(study: &Study<'_>, tree: &Routing, has_measuring: bool) -> Result<Option<Self>, EngineError> {
        // A bucket counts in the first fold that holds it.
        let folds: &[Fold] = if has_measuring { &[Fold::Measure, Fold::All] } else { &[Fold::All] };
        let mut counted = Clustered::of_leaves(study, tree, folds).await?.into_iter();
        let measuring = if has_measuring { counted.next() } else { None };
        let Some(others) = counted.next() else { return Ok(None) };
        let everybody = match &measuring {
            Some(measuring) => others.plus(measuring),
            None => others,
        };
        Ok(Some(Self { everybody, measuring }))
    }

    fn of_fold(&self, fold: Fold) -> &Clustered {
        if fold == Fold::All { &self.everybody } else { self.measuring.as_ref().unwrap_or(&self.everybody) }
    }
}
