//! Randomness as identity: every random choice is a hash of what it is for.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// A source of random numbers for one purpose of one experiment.
///
/// The number for a bucket depends on nothing but (experiment, purpose, bucket, number): neither on order nor on time nor
/// on threads, so that whoever needs it can compute it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    seed: u64,
}

impl Identity {
    /// The source for a purpose, such as "fold", of an experiment.
    pub fn new(experiment: &str, purpose: &str) -> Self {
        // The length goes first, so that ("ab", "c") and ("a", "bc") differ.
        let mut key = Vec::with_capacity(8 + experiment.len() + purpose.len());
        key.extend((experiment.len() as u64).to_le_bytes());
        key.extend(experiment.as_bytes());
        key.extend(purpose.as_bytes());
        Self { seed: xxh3_64(&key) }
    }

    /// 64 random bits for a bucket and a number, such as a replicate's or a tree's.
    pub fn hash(self, bucket: u16, number: u64) -> u64 {
        let mut key = [0; 10];
        key[..2].copy_from_slice(&bucket.to_le_bytes());
        key[2..].copy_from_slice(&number.to_le_bytes());
        xxh3_64_with_seed(&key, self.seed)
    }

    /// 64 random bits for a unit, given the canonical bytes of its id.
    pub fn hash_of_unit(self, id: &[u8]) -> u64 {
        xxh3_64_with_seed(id, self.seed)
    }
}

/// 64 random bits for (experiment, purpose, bucket, number).
pub fn identity_hash(experiment: &str, purpose: &str, bucket: u16, number: u64) -> u64 {
    Identity::new(experiment, purpose).hash(bucket, number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_the_identity_matters() {
        let reference = identity_hash("checkout", "fold", 1, 2);
        for other in [
            identity_hash("checkou", "tfold", 1, 2),
            identity_hash("checkout", "weight", 1, 2),
            identity_hash("checkout", "fold", 2, 2),
            identity_hash("checkout", "fold", 1, 3),
        ] {
            assert_ne!(reference, other);
        }
    }

    #[test]
    fn the_hash_never_changes() {
        assert_eq!(identity_hash("checkout_v3", "fold", 17, 4), 16_805_847_689_515_570_012);
    }
}
