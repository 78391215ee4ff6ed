//! Buckets: the 1,024 logical groups of units on which every random choice is made.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64_with_seed;

/// The number of buckets.
pub const BUCKETS: usize = 1024;

/// The product's own constant in the hash of a unit: platforms that assign by hash(id) must not share our buckets.
const BUCKET_SEED: u64 = 0x77_68_6f_6d_3f_62_6b_74;

/// The bucket of a unit with an integer id of any width: the hash of its 64 bits, little-endian.
///
/// The same in all pipelines and versions, so that pieces can be shared.
#[inline]
pub fn bucket_of_integer(id: i64) -> u16 {
    (xxh3_of_eight_bytes(id.cast_unsigned()) % BUCKETS as u64) as u16
}

/// XXH3 of eight bytes with our seed, as `XXH3_len_4to8_64b` of its reference computes it: every row of every table comes
/// through here, and the general function first asks how long its input is.
#[inline]
const fn xxh3_of_eight_bytes(bytes: u64) -> u64 {
    const SECRET: u64 = 0x1cad_21f7_2c81_017c ^ 0xdb97_9083_e96d_d4de;
    const SEED: u64 = BUCKET_SEED ^ (((BUCKET_SEED as u32).swap_bytes() as u64) << 32);
    const PRIME: u64 = 0x9fb2_1c65_1e98_df25;
    let keyed = bytes.rotate_left(32) ^ SECRET.wrapping_sub(SEED);
    let mixed = (keyed ^ keyed.rotate_left(49) ^ keyed.rotate_left(24)).wrapping_mul(PRIME);
    let mixed = (mixed ^ ((mixed >> 35) + 8)).wrapping_mul(PRIME);
    mixed ^ (mixed >> 28)
}

/// The bucket of a unit with a textual id: the hash of its UTF-8 bytes, however the column stores them.
pub fn bucket_of_text(id: &str) -> u16 {
    bucket_of_bytes(id.as_bytes())
}

fn bucket_of_bytes(canonical: &[u8]) -> u16 {
    (xxh3_64_with_seed(canonical, BUCKET_SEED) % BUCKETS as u64) as u16
}

/// A set of buckets, as a bit per bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u64>", into = "Vec<u64>")]
pub struct BucketSet {
    words: [u64; WORDS],
}

const WORDS: usize = BUCKETS / 64;

impl BucketSet {
    /// The set of no bucket.
    pub fn none() -> Self {
        Self { words: [0; WORDS] }
    }

    /// The set of all buckets.
    pub fn all() -> Self {
        Self { words: [u64::MAX; WORDS] }
    }

    /// Adds a bucket below [`BUCKETS`]; others do not exist and are left out.
    pub fn insert(&mut self, bucket: u16) {
        if let Some(word) = self.words.get_mut(usize::from(bucket) / 64) {
            *word |= 1 << (bucket % 64);
        }
    }

    /// Whether the set holds the bucket.
    #[inline]
    pub fn contains(&self, bucket: u16) -> bool {
        self.words.get(usize::from(bucket) / 64).is_some_and(|word| (word >> (bucket % 64)) & 1 == 1)
    }

    /// The buckets in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (0..BUCKETS as u16).filter(|bucket| self.contains(*bucket))
    }

    /// The number of buckets in the set.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether the set holds no bucket.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The buckets that this set does not hold.
    #[must_use]
    pub fn complement(&self) -> Self {
        Self { words: self.words.map(|word| !word) }
    }

    /// The buckets that are in this set and not in `other`.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.iter().filter(|bucket| !other.contains(*bucket)).collect()
    }
}

impl FromIterator<u16> for BucketSet {
    fn from_iter<I: IntoIterator<Item = u16>>(buckets: I) -> Self {
        let mut set = Self::none();
        buckets.into_iter().for_each(|bucket| set.insert(bucket));
        set
    }
}

impl TryFrom<Vec<u64>> for BucketSet {
    type Error = String;

    fn try_from(words: Vec<u64>) -> Result<Self, String> {
        let words = words.try_into().map_err(|words: Vec<u64>| {
            format!("a set of buckets has {} words; a set of {BUCKETS} buckets has {WORDS}", words.len())
        })?;
        Ok(Self { words })
    }
}

impl From<BucketSet> for Vec<u64> {
    fn from(set: BucketSet) -> Self {
        set.words.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_of_a_unit_never_changes() {
        assert_eq!([0, 1, -1, 42].map(bucket_of_integer), [962, 0, 285, 485]);
        assert_eq!(["", "1", "user-42"].map(bucket_of_text), [62, 1006, 926]);
    }

    proptest::proptest! {
        #[test]
        fn an_integer_hashes_like_its_bytes(id: i64) {
            proptest::prop_assert_eq!(bucket_of_integer(id), bucket_of_bytes(&id.to_le_bytes()));
            proptest::prop_assert_eq!(bucket_of_integer(id >> 40), bucket_of_bytes(&(id >> 40).to_le_bytes()));
        }
    }

    #[test]
    fn consecutive_ids_spread_evenly() {
        let mut counts = [0_u32; BUCKETS];
        (0..1024 * 100).for_each(|id| counts[usize::from(bucket_of_integer(id))] += 1);
        let chi_square: f64 = counts.iter().map(|count| (f64::from(*count) - 100.0).powi(2) / 100.0).sum();
        assert!((1023.0 - 4.0 * 45.2..1023.0 + 4.0 * 45.2).contains(&chi_square), "chi-square is {chi_square}");
    }

    #[test]
    fn a_set_and_its_complement_hold_every_bucket_once() {
        let even: BucketSet = (0..BUCKETS as u16).step_by(2).collect();
        let odd = even.complement();
        assert_eq!((even.len(), odd.len()), (512, 512));
        assert!(even.iter().all(|bucket| !odd.contains(bucket)));
        assert_eq!(BucketSet::all().without(&even), odd);
        assert!(!even.contains(4096));
    }
}
