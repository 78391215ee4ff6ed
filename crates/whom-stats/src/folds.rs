//! Folds: which buckets discover cohorts, which measure them, and which judge an allocation.

use serde::{Deserialize, Serialize};

use crate::bucket::{BUCKETS, BucketSet};
use crate::identity::Identity;

/// What a bucket is used for. Everything that reads a metric before a rule is frozen sees `Discover` only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fold {
    /// Finds cohorts.
    Discover,
    /// Measures the cohorts found.
    Measure,
    /// Judges an allocation; empty unless one is learned.
    Judge,
}

/// The fold of every bucket.
///
/// ```
/// use whom_stats::{Fold, Folds};
///
/// let folds = Folds::hashed("checkout_v3");
/// assert_eq!(folds.buckets(Fold::Discover).len(), 512);
/// assert_eq!(folds.buckets(Fold::Measure).len(), 512);
/// assert!(folds.buckets(Fold::Judge).is_empty());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folds {
    discover: BucketSet,
    measure: BucketSet,
    judge: BucketSet,
}

impl Folds {
    /// Buckets ranked by the hash of (experiment, "fold", bucket): the first 512 discover, the last 512 measure.
    ///
    /// Folds follow from the experiment, not from a seed that one could try until the result pleases.
    pub fn hashed(experiment: &str) -> Self {
        let ranked = ranked(&BucketSet::all(), Identity::new(experiment, "fold"));
        let (discover, measure) = ranked.split_at(BUCKETS / 2);
        Self {
            discover: discover.iter().copied().collect(),
            measure: measure.iter().copied().collect(),
            judge: BucketSet::none(),
        }
    }

    /// Folds that the data give: even buckets discover and odd ones measure. Whoever makes the units' buckets puts each unit into
    /// the one of its pair (2k, 2k + 1) that has its fold, so that a bucket never holds units of two folds.
    pub fn given() -> Self {
        let (discover, measure) = (0..BUCKETS as u16).partition::<Vec<u16>, _>(|bucket| bucket % 2 == 0);
        Self {
            discover: discover.into_iter().collect(),
            measure: measure.into_iter().collect(),
            judge: BucketSet::none(),
        }
    }

    /// Other halves of some buckets, ranked by the hash of (experiment, "resplit", bucket, number): the first half discovers, the
    /// others measure. For a look at how much depends on the halves that were drawn; never for a result.
    pub fn resplit(experiment: &str, number: u64, buckets: &BucketSet) -> Self {
        let identity = Identity::new(experiment, "resplit");
        let mut ranked: Vec<u16> = buckets.iter().collect();
        ranked.sort_by_key(|bucket| (identity.hash(*bucket, number), *bucket));
        let (discover, measure) = ranked.split_at(ranked.len() / 2);
        Self {
            discover: discover.iter().copied().collect(),
            measure: measure.iter().copied().collect(),
            judge: BucketSet::none(),
        }
    }

    /// The fold of a bucket below [`BUCKETS`].
    pub fn of(&self, bucket: u16) -> Fold {
        if self.discover.contains(bucket) {
            Fold::Discover
        } else if self.judge.contains(bucket) {
            Fold::Judge
        } else {
            Fold::Measure
        }
    }

    /// The buckets of a fold.
    pub fn buckets(&self, fold: Fold) -> &BucketSet {
        match fold {
            Fold::Discover => &self.discover,
            Fold::Measure => &self.measure,
            Fold::Judge => &self.judge,
        }
    }

    /// The discovering buckets split into `count` sets for cross-validated pruning, by rank; sizes differ by at most one.
    pub fn pruning_folds(&self, experiment: &str, count: usize) -> Vec<BucketSet> {
        let mut folds = vec![BucketSet::none(); count];
        let ranked = ranked(&self.discover, Identity::new(experiment, "pruning fold"));
        for (rank, bucket) in ranked.into_iter().enumerate() {
            if let Some(fold) = rank.checked_rem(count).and_then(|fold| folds.get_mut(fold)) {
                fold.insert(bucket);
            }
        }
        folds
    }
}

/// Buckets in the order of their hash; equal hashes go by bucket.
fn ranked(buckets: &BucketSet, identity: Identity) -> Vec<u16> {
    let mut ranked: Vec<u16> = buckets.iter().collect();
    ranked.sort_by_key(|bucket| (identity.hash(*bucket, 0), *bucket));
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_depend_on_the_experiment_alone() {
        assert_eq!(Folds::hashed("a"), Folds::hashed("a"));
        assert_ne!(Folds::hashed("a"), Folds::hashed("b"));
    }

    #[test]
    fn each_bucket_is_in_the_fold_it_names() {
        for folds in [Folds::hashed("checkout_v3"), Folds::given()] {
            for bucket in 0..BUCKETS as u16 {
                assert!(folds.buckets(folds.of(bucket)).contains(bucket));
            }
        }
    }

    #[test]
    fn of_a_pair_of_buckets_given_folds_have_one_in_each() {
        let folds = Folds::given();
        let pairs = (0..BUCKETS as u16).step_by(2).map(|bucket| [folds.of(bucket), folds.of(bucket + 1)]);
        assert!(pairs.into_iter().all(|pair| pair == [Fold::Discover, Fold::Measure]));
    }

    #[test]
    fn another_split_halves_the_same_buckets_otherwise() {
        let buckets: BucketSet = (0..301).collect();
        let [one, other] = [0, 1].map(|number| Folds::resplit("checkout_v3", number, &buckets));
        for folds in [&one, &other] {
            let (discover, measure) = (folds.buckets(Fold::Discover), folds.buckets(Fold::Measure));
            assert_eq!((discover.len(), &buckets.without(discover)), (150, measure));
        }
        assert_ne!(one, other);
        let shared = one.buckets(Fold::Discover).without(other.buckets(Fold::Discover)).len();
        assert!((50..100).contains(&shared), "about half of them: {shared}");
    }

    #[test]
    fn pruning_folds_partition_the_discovering_buckets() {
        let folds = Folds::hashed("checkout_v3");
        let pruning = folds.pruning_folds("checkout_v3", 5);
        assert_eq!(pruning.iter().map(BucketSet::len).collect::<Vec<_>>(), [103, 103, 102, 102, 102]);
        let together: BucketSet = pruning.iter().flat_map(BucketSet::iter).collect();
        assert_eq!(&together, folds.buckets(Fold::Discover));
        assert!(folds.pruning_folds("checkout_v3", 0).is_empty());
    }
}
