//! Checks of an assignment by cluster: they count clusters, because units of one cluster are together in their arm.

use whom_spec::plan::{SeveralVariants, SeveralVariantsRule};
use whom_stats::{Check, Folds};

use super::assignment::Assignment;
use crate::clusters::ClusterTally;

/// What to do about clusters in several arms.
const CROSSING: &str = "find out why units of one cluster saw different variants: if units were assigned by themselves, leave \
     `cluster` out; a larger `at_most` leaves so many clusters out";

/// What to think of checks that count units where these are in clusters.
pub(super) const COUNTS_UNITS: &str = "this test counts units, and those of a cluster are not independent, so it objects too often; look at \
     it if the difference is large";

/// The share of clusters whose units saw several variants is tolerated.
pub(super) fn in_one_variant(clusters: &ClusterTally, declared: SeveralVariants) -> Check {
    let all = clusters.crossing + clusters.by_arm.iter().sum::<u64>();
    let share = clusters.crossing as f64 / all.max(1) as f64;
    let limit = if declared.rule == SeveralVariantsRule::Refuse { 0.0 } else { declared.at_most };
    let detail =
        format!("{} of {all} clusters ({:.3}%) have units in several variants", clusters.crossing, 100.0 * share);
    Check { threshold: Some(limit), ..Check::ruled("clusters in several variants", share > limit, detail) }
        .with_fix(CROSSING)
}

impl Assignment<'_> {
    /// The clusters by arm are as the declared shares promise, know no bucket, and their shares do not move.
    pub(super) fn of_clusters(&self, clusters: &ClusterTally, folds: &Folds) -> Vec<Check> {
        let days = vec![(String::new(), clusters.by_day.clone())];
        let mut checks = vec![self.sample_ratio("sample ratio of clusters", &clusters.by_arm)];
        checks.extend(self.by_fold(folds, &clusters.by_bucket));
        checks.push(self.by_bucket(&clusters.by_bucket));
        checks.extend([self.by_day(&days), self.by_trend(&days)]);
        checks
    }
}
