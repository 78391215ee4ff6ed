//! What the looks at an estimate have seen.

use whom_stats::{ConfidenceSequence, Estimate, Reference};

use crate::simulation::trial::LEVEL;

/// What a look sees: whether the sequence misses, and whether a fixed-horizon interval does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub(super) sequence: bool,
    pub(super) fixed: bool,
}

impl Seen {
    /// Of an effect that is none.
    pub(super) fn of(sequence: &ConfidenceSequence, estimate: &Estimate, units: u64) -> Self {
        Self {
            sequence: !sequence.look(estimate, units).expect("a look").interval.contains(0.0),
            fixed: !estimate.interval(LEVEL, Reference::T).contains(0.0),
        }
    }
}

/// What the looks at one estimate have seen.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    ever: bool,
    fixed_ever: bool,
    fixed_last: bool,
    looks: i64,
}

impl Counts {
    pub(super) fn add(&mut self, seen: Seen) {
        self.ever |= seen.sequence;
        self.fixed_ever |= seen.fixed;
        self.fixed_last = seen.fixed;
        self.looks += 1;
    }

    /// Whether a sequence ever misses, whether a fixed-horizon interval ever does, whether it does on the last night; and nights that are
    /// looked at.
    pub(super) fn of_all(estimates: &[Self]) -> Vec<i64> {
        let any = |of: fn(&Self) -> bool| i64::from(estimates.iter().any(of));
        let looks = estimates.iter().map(|counts| counts.looks).sum();
        vec![any(|counts| counts.ever), any(|counts| counts.fixed_ever), any(|counts| counts.fixed_last), looks]
    }
}
