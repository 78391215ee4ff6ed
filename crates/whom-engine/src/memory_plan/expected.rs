//! What comes of a plan: the peak of the process, and what will lie on disk.
//!
//! Allocators keep small blocks for later use instead of giving them back, and rows in batches are small blocks. So the most
//! that was ever taken while the unit table was made stays with the process. The search for trees and the writer of the unit table
//! use it again; binned units are large blocks and come on top of it.

use super::{COPIES_AT_WORK, MemoryPlan, Moment, Needs, ScanNeeds};
use crate::day::day_group_bytes;

/// One part in so many is what allocators keep beside what was taken at the peak.
const KEPT: u64 = 16;

/// The same where rows go to disk, so that blocks of all sizes come and go while the memory is full.
const KEPT_SPILLING: u64 = 8;

/// Bytes that a batch on disk takes beside its rows: what its columns are, and the dictionaries of its words. Whenever a reader
/// writes down what it has collected, each piece gets a batch.
const BATCH: u64 = 4 << 10;

/// What a reader collects at least before it writes.
const LEAST_BUFFER: u64 = 1 << 20;

/// What rows take on disk, in percent of what they take in memory: about a third of simulated warehouses, and something more
/// for those that compress less.
pub(crate) const SPILLED_PERCENT: u64 = 40;

/// A session that does what a plan says.
#[derive(Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) plan: &'a MemoryPlan,
    pub(super) needs: &'a Needs,
    pub(super) threads: u64,
    pub(super) batch_size: usize,
}

impl Expected<'_> {
    /// The largest amount that the process takes.
    pub(super) fn peak(self) -> u64 {
        let Self { plan, needs, .. } = self;
        let making = needs.moments.iter().map(|moment| self.at(moment)).max().unwrap_or(0).max(self.filling());
        let afterwards = needs.table.min(plan.rows as u64).saturating_add(needs.afterwards());
        let most = making.max(afterwards).min(plan.limit as u64);
        let [binned, _] = self.binned();
        let counted = (plan.program + plan.filters) as u64 + most + binned;
        let kept = if needs.waiting() > plan.rows as u64 { KEPT_SPILLING } else { KEPT };
        (counted + counted / kept).min(plan.limit as u64)
    }

    /// The most bytes that lie on disk: rows beyond their room, or the unit table and the binned units.
    pub(super) fn on_disk(self) -> u64 {
        let Self { plan, needs, .. } = self;
        let rows = |waiting: u64| waiting.saturating_sub(plan.rows as u64);
        let [_, binned] = self.binned();
        let scattered = rows(needs.waiting());
        let times = scattered / (plan.buffers as u64 / self.threads).max(LEAST_BUFFER);
        let batches = times * plan.pieces.count() as u64 * BATCH;
        (scattered * SPILLED_PERCENT / 100 + batches).max((rows(needs.table) + binned) * SPILLED_PERCENT / 100)
    }

    /// Bytes of binned units in memory and on disk: all of them together, and then the sample, lie where they fit.
    fn binned(self) -> [u64; 2] {
        let (mut memory, mut disk) = (0, 0);
        for bytes in [self.needs.analysed, self.needs.sampled] {
            let fits = memory + bytes <= self.plan.resident() as u64;
            *(if fits { &mut memory } else { &mut disk }) += bytes;
        }
        [memory, disk]
    }

    /// Bytes while days are made for the cache: what readers take, and the row groups that they write.
    fn filling(self) -> u64 {
        let Self { plan, needs, threads, batch_size } = self;
        let group = day_group_bytes(plan.pool, threads as usize) as u64;
        let of_day = |scan: &ScanNeeds| scan.reader(batch_size) + group.min(scan.bytes);
        threads * needs.fill.iter().map(of_day).max().unwrap_or(0)
    }

    /// Bytes at a moment, beside the program and the filters.
    fn at(self, moment: &Moment) -> u64 {
        let Self { plan, needs, threads, batch_size } = self;
        match moment.scan.and_then(|scan| needs.scans.get(scan)) {
            Some(scan) => threads * scan.reader(batch_size) + moment.waiting.min((plan.rows + plan.buffers) as u64),
            None => moment.waiting.min(plan.rows as u64) + self.at_work(moment).min(plan.work as u64),
        }
    }

    /// Bytes of the pieces that are worked on at once. They are made for the most copies of their rows; at one time there are
    /// about half as many.
    fn at_work(self, moment: &Moment) -> u64 {
        let pieces = self.plan.pieces.count() as u64;
        moment.worked * COPIES_AT_WORK * self.threads.min(pieces) / pieces / 2
    }
}
