//! How the memory of a run is shared out, decided before any row is read.
//!
//! The limit is for the whole process. First comes what nothing can do without: the program itself, a row group and some
//! batches for each reader, and the filters of keys. What is left is shared among rows that wait for later statements, the
//! pieces that are being worked on, and DataFusion's operators. Rows that do not fit go to disk; pieces are made so small
//! that as many as there are threads fit. Searching for trees and writing the unit table come when nothing is read any more, and
//! take what readers and pieces have left. So the limit decides how fast a run is, and never what it finds.

mod expected;
mod needs;

use std::num::NonZeroUsize;

use thiserror::Error;

use crate::pieces::Pieces;
use crate::session::Limits;
use expected::Expected;

pub(crate) use expected::SPILLED_PERCENT;
pub use needs::{Moment, Needs, ScanNeeds};

/// The program with its pages, its runtime, and footers; with the cluster, which makes it the largest.
const PROGRAM: usize = 88 << 20;

/// Stacks and caches of a thread.
const THREAD: usize = 8 << 20;

/// Units of which hash tables fit into the caches of a core.
const UNITS_CACHED: u64 = 1 << 15;

/// The most pieces that are made for the sake of caches.
const MOST_FOR_CACHES: u64 = 64;

/// One part in so many is what allocators keep of memory that was given back, and what is too small to be counted.
const SLACK: usize = 8;

/// The least that must be left to work with.
const LEAST_ROOM: usize = 96 << 20;

/// Bits of a filter for each key that it holds.
const FILTER_BITS: u64 = 12;

/// Filters that are known at the same time: units, and snapshots of units.
const FILTERS: u64 = 2;

/// A piece at work holds its rows about so often: read, put together, and made into the next table.
const COPIES_AT_WORK: u64 = 3;

/// An executor's slot keeps one part in so many for the rows of a piece.
const PIECE_OF_A_SLOT: u64 = 4;

/// And one part in so many for what a reader decodes.
const READER_OF_A_SLOT: u64 = 8;

/// How the memory of a run is shared out, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemoryPlan {
    /// What the process may take.
    pub limit: usize,
    /// What allocators keep, and what is not counted.
    pub slack: usize,
    /// The program and its threads.
    pub program: usize,
    /// Row groups and batches of all readers.
    pub readers: usize,
    /// Filters of keys.
    pub filters: usize,
    /// What all readers may collect before they ask for room.
    pub buffers: usize,
    /// Rows that wait for later statements.
    pub rows: usize,
    /// The pieces that are worked on at once.
    pub work: usize,
    /// DataFusion's operators.
    pub pool: usize,
    /// What the search for trees and the writer of the unit table need beyond what readers and pieces have left by then.
    pub afterwards: usize,
    /// The number of pieces.
    pub pieces: Pieces,
    /// The largest amount that the run is expected to take.
    pub peak: u64,
    /// The most that is expected to lie on disk.
    pub spilled: u64,
}

/// A limit under which nothing can be done.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "{limit} bytes of memory are too few: the program takes {program}, {threads} readers take {readers}, filters of keys take {filters}, {least} are needed to work with, and an eighth is kept for what allocators hold back; raise `--memory-limit` to {floor} bytes or more, or lower `--threads`",
    least = LEAST_ROOM
)]
pub struct TooLittleMemory {
    limit: usize,
    program: usize,
    threads: usize,
    readers: usize,
    filters: usize,
    /// A limit that would do; by rounding up to 16 bytes above the least.
    pub floor: usize,
}

impl MemoryPlan {
    /// Shares out `limit` bytes among so many threads.
    ///
    /// # Errors
    /// [`TooLittleMemory`], with the parts of the floor.
    pub fn new(limit: usize, limits: &Limits, needs: &Needs) -> Result<Self, TooLittleMemory> {
        let threads = limits.threads.get();
        let program = PROGRAM + threads * THREAD;
        let readers = threads * needs.reader(limits.batch_size) as usize;
        let filters = (needs.units * FILTER_BITS / 8 * FILTERS) as usize;
        let slack = limit / SLACK;
        let taken = program + readers + filters;
        let room = limit.saturating_sub(slack + taken);
        if room < LEAST_ROOM {
            let floor = (taken + LEAST_ROOM).div_ceil(SLACK - 1) * SLACK;
            return Err(TooLittleMemory { limit, program, threads, readers, filters, floor });
        }
        let buffers = (room / 8).min(threads * limits.buffer);
        let (work, pool) = (room / 4, room / 8);
        let share = room - buffers - work - pool;
        // What a search needs at most is seldom what it takes: no more than half of what would keep rows from the disk.
        let afterwards = (needs.afterwards() as usize).saturating_sub(readers + buffers + work / 4).min(share / 2);
        let needed = || pieces(needs.worked() * COPIES_AT_WORK, work, limits.threads).max(cached(needs.units));
        let pieces = limits.pieces.unwrap_or_else(needed);
        let plan = Self {
            limit,
            slack,
            program,
            readers,
            filters,
            buffers,
            rows: share - afterwards,
            work,
            pool,
            afterwards,
            pieces: Pieces::new(pieces),
            peak: 0,
            spilled: 0,
        };
        let expected = Expected { plan: &plan, needs, threads: threads as u64, batch_size: limits.batch_size };
        Ok(Self { peak: expected.peak(), spilled: expected.on_disk(), ..plan.clone() })
    }

    /// The plan of a caller of other machines, which reads no table and holds no unit: its memory is for what searches count, and
    /// for the writer of the unit table. A piece fits into what a thread of the caller would have for it, as if it did the
    /// work itself, so executors whose slots have as much as that have enough.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn of_caller(limit: usize, limits: &Limits, needs: &Needs) -> Result<Self, TooLittleMemory> {
        let held = Needs { search: needs.search, writer: needs.writer, ..Needs::default() };
        let plan = Self::new(limit, limits, &held)?;
        let needed = || pieces(needs.worked() * COPIES_AT_WORK, plan.work, limits.threads).max(cached(needs.units));
        Ok(Self { pieces: Pieces::new(limits.pieces.unwrap_or_else(needed)), ..plan })
    }

    /// The least memory that an executor's slot needs to work on the pieces of this plan, and to read the tables: a fourth of it
    /// holds a piece, an eighth what a reader decodes.
    pub fn slot(&self, needs: &Needs, batch_size: usize) -> u64 {
        let piece = (needs.worked() * COPIES_AT_WORK).div_ceil(self.pieces.count() as u64);
        (PIECE_OF_A_SLOT * piece).max(READER_OF_A_SLOT * needs.reader(batch_size))
    }

    /// The limits of a session under this plan.
    #[must_use]
    pub fn limits(&self, asked: &Limits) -> Limits {
        Limits {
            memory: self.pool,
            rows: self.rows.min(asked.rows),
            resident: Some(self.resident().min(asked.resident.unwrap_or(usize::MAX))),
            buffer: self.buffers / asked.threads.get(),
            pieces: NonZeroUsize::new(self.pieces.count()),
            ..asked.clone()
        }
    }

    /// What binned units may take: they come when nothing is read any more, and leave a fourth of the pieces' share for
    /// the pieces that become binned units, and for what comes afterwards.
    fn resident(&self) -> usize {
        self.pool + self.work / 4 * 3
    }
}

/// So many pieces that those at work fit into the room for them.
fn pieces(worked: u64, room: usize, threads: NonZeroUsize) -> NonZeroUsize {
    let of_one_thread = (room / threads.get()).max(1) as u64;
    let needed = NonZeroUsize::new(worked.div_ceil(of_one_thread) as usize).unwrap_or(NonZeroUsize::MIN);
    needed.max(threads)
}

/// So many pieces that what is looked up for each row of one stays in the caches of a core, as long as they are not so many
/// that what is done once a piece counts.
fn cached(units: u64) -> NonZeroUsize {
    let wanted = (units / UNITS_CACHED).min(MOST_FOR_CACHES);
    NonZeroUsize::new(wanted as usize).unwrap_or(NonZeroUsize::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(threads: usize) -> Limits {
        Limits { threads: NonZeroUsize::new(threads).unwrap(), ..Limits::default() }
    }

    fn needs(units: u64) -> Needs {
        let scan = ScanNeeds {
            table: "split".to_owned(),
            files: 1,
            rows: 10 * units,
            bytes: 80 * units,
            row_group: 16 << 20,
            row: 32,
            remembered: 6 << 20,
        };
        let scanning = Moment { scan: Some(0), waiting: 200 * units, worked: 0 };
        let working = Moment { scan: None, waiting: 300 * units, worked: 500 * units };
        let moments = vec![scanning, working];
        Needs {
            fill: Vec::new(),
            scans: vec![scan],
            units,
            moments,
            table: 250 * units,
            analysed: 60 * units,
            sampled: 0,
            search: 150 << 20,
            writer: 0,
        }
    }

    #[test]
    fn the_parts_are_the_limit() {
        for limit in [512 << 20, 2 << 30, 8 << 30] {
            let plan = MemoryPlan::new(limit, &asked(2), &needs(10_000_000)).unwrap();
            let parts = plan.slack
                + plan.program
                + plan.readers
                + plan.filters
                + plan.buffers
                + plan.rows
                + plan.work
                + plan.pool
                + plan.afterwards;
            assert_eq!(parts, limit);
            assert!(plan.peak <= limit as u64);
        }
    }

    #[test]
    fn a_caller_needs_neither_filters_nor_readers_and_its_pieces_fit_into_slots() {
        let (large, limit) = (needs(1_000_000_000), 2 << 30);
        MemoryPlan::new(limit, &asked(2), &large).unwrap_err();
        let caller = MemoryPlan::of_caller(limit, &asked(2), &large).unwrap();
        assert_eq!((caller.filters, caller.readers, caller.spilled), (0, 0, 0));
        assert!(caller.peak < 512 << 20, "{}", caller.peak);
        let alone = MemoryPlan::new(16 << 30, &asked(2), &large).unwrap();
        assert!(caller.pieces.count() >= alone.pieces.count());
        let small = needs(10_000_000);
        let caller = MemoryPlan::of_caller(limit, &asked(2), &small).unwrap();
        let slot = caller.slot(&small, 8_192);
        assert!(slot <= limit as u64 / 2, "a slot with the memory of a thread of the caller has enough: {slot}");
        assert!(slot >= 4 * small.worked() / caller.pieces.count() as u64);
    }

    #[test]
    fn less_memory_means_more_pieces_and_more_on_disk() {
        let plan = |limit| MemoryPlan::new(limit, &asked(2), &needs(10_000_000)).unwrap();
        let (small, large) = (plan(1 << 30), plan(16 << 30));
        assert!(small.pieces.count() > large.pieces.count());
        assert!(small.spilled > 0 && large.spilled == 0);
    }

    #[test]
    fn small_data_need_one_piece_a_thread_and_little_memory() {
        let plan = MemoryPlan::new(8 << 30, &asked(3), &needs(1_000)).unwrap();
        assert_eq!((plan.pieces.count(), plan.spilled), (3, 0));
        assert!(plan.peak < 300 << 20);
    }

    #[test]
    fn a_sample_of_the_units_lies_beside_them_or_on_disk() {
        let all = needs(10_000_000);
        let with = Needs { sampled: all.analysed / 2, ..all.clone() };
        let plan = |limit, needs: &Needs| MemoryPlan::new(limit, &asked(2), needs).unwrap();
        let (roomy, alone) = (plan(16 << 30, &with), plan(16 << 30, &all));
        assert!(roomy.peak >= alone.peak + with.sampled && roomy.spilled == alone.spilled);
        let (small, alone) = (plan(1 << 30, &with), plan(1 << 30, &all));
        assert!(alone.resident() < with.sampled as usize);
        assert_eq!(small.peak, alone.peak);
        assert!(small.spilled > alone.spilled);
    }

    #[test]
    fn making_days_for_a_cache_is_part_of_the_plan() {
        let without = Needs { search: 0, ..needs(1_000) };
        let day = ScanNeeds { row_group: 64 << 20, remembered: 15 << 20, ..without.scans[0].clone() };
        let with = Needs { fill: vec![day], ..without.clone() };
        let plan = |needs: &Needs| MemoryPlan::new(2 << 30, &asked(2), needs).unwrap();
        let (without, with) = (plan(&without), plan(&with));
        assert!(with.readers >= without.readers + 2 * (48 << 20), "{} {}", with.readers, without.readers);
        assert!(with.peak >= without.peak + 2 * (48 << 20) && with.peak <= 2 << 30, "{} {}", with.peak, without.peak);
    }

    #[test]
    fn a_limit_below_the_floor_is_refused_with_its_parts() {
        let refused = MemoryPlan::new(128 << 20, &asked(2), &needs(1_000)).unwrap_err();
        insta::assert_snapshot!(refused);
        assert!(MemoryPlan::new(refused.floor, &asked(2), &needs(1_000)).is_ok());
        assert!(MemoryPlan::new(refused.floor - 2 * SLACK, &asked(2), &needs(1_000)).is_err());
    }
}
