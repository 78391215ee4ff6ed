//! Buckets: the 1,024 logical groups of units on which every random choice is made.

use serde::{Deserialize, Serialize};

/// The number of buckets.
pub const BUCKETS: usize = 1024;

/// A set of buckets, as a bit per bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BucketSet {
    words: Vec<u64>,
}

impl BucketSet {
    /// The set of no bucket.
    pub fn none() -> Self {
        Self { words: vec![0; BUCKETS / 64] }
    }

    /// The set of all buckets.
    pub fn all() -> Self {
        Self { words: vec![u64::MAX; BUCKETS / 64] }
    }

    /// Adds a bucket below [`BUCKETS`].
    pub fn insert(&mut self, bucket: u16) {
        self.words[usize::from(bucket) / 64] |= 1 << (bucket % 64);
    }

    /// Whether the set holds the bucket.
    #[inline]
    pub fn contains(&self, bucket: u16) -> bool {
        (self.words[usize::from(bucket) / 64] >> (bucket % 64)) & 1 == 1
    }

    /// The buckets in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (0..BUCKETS as u16).filter(|bucket| self.contains(*bucket))
    }
}

impl FromIterator<u16> for BucketSet {
    fn from_iter<I: IntoIterator<Item = u16>>(buckets: I) -> Self {
        let mut set = Self::none();
        buckets.into_iter().for_each(|bucket| set.insert(bucket));
        set
    }
}
