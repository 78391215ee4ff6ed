//! Who would have been in which arm: an assignment by hash, for experiments that nobody was in.

use crate::identity::Identity;

/// What the hash of an assignment is for. The hash of [buckets](crate::bucket) has another seed, so that no bucket, and no fold,
/// knows the arm.
const PURPOSE: &str = "assignment";

/// The bits of a hash that place a unit between 0 and 1: as many as a floating-point number holds exactly.
const BITS: u32 = 53;

/// Puts units into arms, each with the share of its weight: the hash of (experiment, "assignment", unit) is a number in [0, 1), and
/// the arm is the first up to which the weights add up to more than it.
///
/// Weights sum to one; what rounding leaves goes to the last arm. Of no arms every unit is in arm 0.
///
/// ```
/// use whom_stats::HashedAssignment;
///
/// let assignment = HashedAssignment::new("checkout_v3", &[0.9, 0.1]);
/// let treated = (0..10_000).filter(|id| assignment.arm_of_integer(*id) == 1).count();
/// assert!((900..1_100).contains(&treated));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct HashedAssignment {
    identity: Identity,
    /// Where each arm but the last ends.
    ends: Vec<f64>,
}

impl HashedAssignment {
    /// The assignment of an experiment to arms of these weights.
    pub fn new(experiment: &str, weights: &[f64]) -> Self {
        let mut end = 0.0;
        let mut ends: Vec<f64> = weights
            .iter()
            .map(|weight| {
                end += weight;
                end
            })
            .collect();
        ends.pop();
        Self { identity: Identity::new(experiment, PURPOSE), ends }
    }

    /// The arm of a unit with an integer id of any width: that of its 64 bits, little-endian.
    pub fn arm_of_integer(&self, id: i64) -> usize {
        self.arm_of_bytes(&id.to_le_bytes())
    }

    /// The arm of a unit with a textual id: that of its UTF-8 bytes.
    pub fn arm_of_text(&self, id: &str) -> usize {
        self.arm_of_bytes(id.as_bytes())
    }

    fn arm_of_bytes(&self, canonical: &[u8]) -> usize {
        let place = (self.identity.hash_of_unit(canonical) >> (u64::BITS - BITS)) as f64 / (1_u64 << BITS) as f64;
        self.ends.iter().take_while(|end| **end <= place).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::{BUCKETS, bucket_of_integer};
    use crate::{independence, sample_ratio};

    const WEIGHTS: [f64; 3] = [0.5, 0.3, 0.2];

    #[test]
    fn every_arm_has_its_share() {
        let assignment = HashedAssignment::new("checkout", &WEIGHTS);
        let mut units = [0_u64; 3];
        (0..100_000).for_each(|id| units[assignment.arm_of_integer(id)] += 1);
        let test = sample_ratio(&units, &WEIGHTS).expect("a test");
        assert!(test.p_value > 0.01, "{units:?}: p = {}", test.p_value);
    }

    #[test]
    fn no_bucket_knows_the_arm() {
        let assignment = HashedAssignment::new("checkout", &[0.5, 0.5]);
        let mut by_bucket = vec![vec![0_u64; 2]; BUCKETS];
        (0..200_000).for_each(|id| by_bucket[usize::from(bucket_of_integer(id))][assignment.arm_of_integer(id)] += 1);
        let test = independence(&by_bucket).expect("a test");
        assert!(test.p_value > 0.01, "p = {}", test.p_value);
    }

    #[test]
    fn another_experiment_assigns_otherwise() {
        let [one, other] = ["one", "other"].map(|experiment| HashedAssignment::new(experiment, &[0.5, 0.5]));
        let same = (0..10_000).filter(|id| one.arm_of_integer(*id) == other.arm_of_integer(*id)).count();
        assert!((4_800..5_200).contains(&same), "{same}");
    }

    #[test]
    fn what_rounding_leaves_goes_to_the_last_arm_and_an_arm_without_weight_gets_nobody() {
        let thirds = HashedAssignment::new("checkout", &[0.333_333_3; 3]);
        assert!((0..10_000).all(|id| thirds.arm_of_integer(id) < 3));
        let none = HashedAssignment::new("checkout", &[0.0, 1.0]);
        assert!((0..1_000).all(|id| none.arm_of_integer(id) == 1));
        assert_eq!(HashedAssignment::new("checkout", &[]).arm_of_text("u"), 0);
    }
}
