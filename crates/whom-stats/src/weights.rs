//! How often each bucket counts: the weights of a bootstrap that grows trees again.

use serde::{Deserialize, Serialize};

use crate::bootstrap::poisson;
use crate::bucket::{BUCKETS, BucketSet};
use crate::identity::Identity;

/// An integer weight per bucket: its units count so often, exactly as if their rows were repeated.
///
/// A weight is at most 255. Sums that hold over 2^34 units therefore hold over 2^26 units of any weights, and under Poisson
/// weights, of which none exceeds 21, over 2^29.
///
/// ```
/// use whom_stats::{BucketSet, BucketWeights};
///
/// let weights = BucketWeights::poisson("checkout_v3", "search", 7);
/// assert_eq!(weights, BucketWeights::poisson("checkout_v3", "search", 7));
/// assert_ne!(weights, BucketWeights::poisson("checkout_v3", "search", 8));
/// let out_of_bag = weights.absent();
/// assert!((300..450).contains(&out_of_bag.len()), "1 in e of 1,024 buckets, give or take");
/// assert!(out_of_bag.iter().all(|bucket| weights.of(bucket) == 0));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Vec<u8>", into = "Vec<u8>")]
pub struct BucketWeights {
    weights: Vec<u8>,
}

impl BucketWeights {
    /// A weight for each bucket.
    pub fn from_fn(weight: impl FnMut(u16) -> u8) -> Self {
        Self { weights: (0..BUCKETS as u16).map(weight).collect() }
    }

    /// Poisson(1) weights as a function of (experiment, purpose, replicate, bucket).
    pub fn poisson(experiment: &str, purpose: &str, replicate: u64) -> Self {
        let identity = Identity::new(experiment, purpose);
        Self::from_fn(|bucket| poisson(identity.hash(bucket, replicate)))
    }

    /// The weight of a bucket; 0 of one that does not exist.
    #[inline]
    pub fn of(&self, bucket: u16) -> u8 {
        self.weights.get(usize::from(bucket)).copied().unwrap_or(0)
    }

    /// The buckets of weight 0.
    pub fn absent(&self) -> BucketSet {
        (0..BUCKETS as u16).filter(|bucket| self.of(*bucket) == 0).collect()
    }
}

impl TryFrom<Vec<u8>> for BucketWeights {
    type Error = String;

    fn try_from(weights: Vec<u8>) -> Result<Self, String> {
        if weights.len() == BUCKETS {
            return Ok(Self { weights });
        }
        Err(format!("weights of {} buckets; there are {BUCKETS} buckets", weights.len()))
    }
}

impl From<BucketWeights> for Vec<u8> {
    fn from(weights: BucketWeights) -> Self {
        weights.weights
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_never_change() {
        // Of tests/reference/stats_weights.py.
        let weights = BucketWeights::poisson("checkout_v3", "search", 0);
        let first: Vec<u8> = (0..16).map(|bucket| weights.of(bucket)).collect();
        assert_eq!(first, [0, 0, 0, 0, 0, 2, 1, 0, 1, 0, 1, 1, 1, 1, 2, 2]);
    }

    #[test]
    fn a_bucket_counts_once_on_average() {
        let total = |replicate| -> u64 {
            let weights = BucketWeights::poisson("checkout_v3", "search", replicate);
            (0..BUCKETS as u16).map(|bucket| u64::from(weights.of(bucket))).sum()
        };
        let all: u64 = (0..100).map(total).sum();
        let expected = 100 * BUCKETS as u64;
        // The sum of so many Poisson(1) numbers has variance `expected`; four of its standard deviations.
        assert!(all.abs_diff(expected) < 4 * expected.isqrt(), "{all} of {expected}");
    }

    #[test]
    fn weights_of_other_than_all_buckets_are_refused() {
        let refused = BucketWeights::try_from(vec![1, 2]).unwrap_err();
        assert_eq!(refused, "weights of 2 buckets; there are 1024 buckets");
        let weights = BucketWeights::from_fn(|bucket| (bucket % 3) as u8);
        assert_eq!(BucketWeights::try_from(Vec::from(weights.clone())), Ok(weights));
    }
}
