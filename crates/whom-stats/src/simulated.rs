//! Simulated statistics for tests, fixed by their seed.

use crate::arm_table::ArmTable;
use crate::bucket::{BUCKETS, BucketSet};
use crate::identity::Identity;
use crate::pass::CellStatistics;

/// A stream of random numbers.
pub(crate) struct Draws {
    identity: Identity,
    next: u64,
}

impl Draws {
    pub(crate) fn new(seed: u64) -> Self {
        Self { identity: Identity::new("simulation", &seed.to_string()), next: 0 }
    }

    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.next += 1;
        self.identity.hash(0, self.next) % bound
    }

    /// Nearly normal with standard deviation 1,000: a sum of twelve uniform numbers.
    pub(crate) fn noise(&mut self) -> i64 {
        (0..12).map(|_| self.below(1001) as i64 - 500).sum::<i64>()
    }
}

/// A trial of two arms and equally likely cells, one metric with noise of standard deviation 1,000.
pub(crate) struct Trial<'a> {
    pub(crate) units: usize,
    pub(crate) buckets: &'a BucketSet,
    /// The effect in each cell.
    pub(crate) effects: &'a [i64],
}

impl Trial<'_> {
    pub(crate) fn run(&self, seed: u64) -> CellStatistics {
        let mut draws = Draws::new(seed);
        let buckets: Vec<u16> = self.buckets.iter().collect();
        let cells = self.effects.len();
        let mut tables = vec![ArmTable::new(2, 1); cells * BUCKETS];
        for _ in 0..self.units {
            let bucket = buckets[draws.below(buckets.len() as u64) as usize];
            let cell = draws.below(cells as u64) as usize;
            let arm = draws.below(2) as usize;
            let table = &mut tables[cell * BUCKETS + usize::from(bucket)];
            table.units[arm] += 1;
            table.moments[arm].push(draws.noise() + arm as i64 * self.effects[cell]);
        }
        CellStatistics { cells, tables }
    }
}
