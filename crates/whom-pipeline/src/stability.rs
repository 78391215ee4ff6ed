//! How stable the search is: its tree among those of bootstrap replicates, its cohorts among those of other halves.
//!
//! Nothing here is read by discovery, validation or the verdict; the p-values of ranked groups count in the exploratory family. The
//! bootstrap reads discovery units only and ends before any unit is measured; other halves come last.

mod ranked;
mod resplits;
mod search;

use whom_forest::Tree;
use whom_stats::{BucketSet, CellStatistics, Routing, UnitSample};

pub(crate) use ranked::{ranked_p_values, with_corrected};
pub(crate) use resplits::resplits;
pub(crate) use search::search_stability;

use crate::error::{Cause, RunError};
use crate::event::{Event, Observer, Stage};
use crate::planned::search_bytes;
use crate::searches::{Repeated, Repetition, Searches};
use crate::study::Study;

/// The Jaccard index from which a cohort counts as returned: "valid, stable" clusters in Hennig, *Cluster-wise assessment of
/// cluster stability* (2007).
const RETURNED_FROM: f64 = 0.75;

/// Units that trees are compared on, or a few more.
const COMPARED: u64 = 8_192;

/// Units that trees are grown on again at most, unless the fewest buckets hold more. A function of the data alone, so that a
/// result depends on no machine.
const MOST_UNITS: u64 = 4_000_000;

/// Units beyond which the search is not repeated: its replicates would read all of them again and again. Like [`MOST_UNITS`] a
/// function of the data alone.
const REPEATED_UNITS: u64 = 8_000_000;

/// Buckets that stand for all units at least: a bootstrap of fewer would tell more of the buckets than of the units.
const FEWEST_BUCKETS: usize = 128;

/// Bytes of histograms that trees which grow together may hold, where the search itself held less.
const ROOM: u64 = 8 << 20;

/// What stability is asked of: the declared tree.
pub(crate) struct Declaration<'a> {
    pub(crate) study: &'a Study<'a>,
    /// The tree's name.
    pub(crate) name: &'a str,
    /// Its leaves are the declared cohorts.
    pub(crate) tree: &'a Tree,
    /// Everybody, in one cell or one for each stratum.
    pub(crate) everybody: &'a CellStatistics,
    pub(crate) observer: &'a dyn Observer,
}

impl Declaration<'_> {
    /// The units of a set of buckets.
    fn units(&self, buckets: &BucketSet) -> u64 {
        self.everybody.pooled(buckets).total_units()
    }

    /// Whether there are few enough units to repeat the search.
    fn is_repeatable(&self) -> bool {
        self.units(&self.study.everyone) <= REPEATED_UNITS
    }

    /// The first of some buckets that stand for all of them: all, unless there are too many units. A bucket's number is a hash,
    /// so that the first ones are as good as any; pieces on disk lie in that order.
    fn first_buckets(&self, buckets: &BucketSet) -> BucketSet {
        let mut units = 0;
        let first = buckets.iter().enumerate().take_while(|(place, bucket)| {
            let cells = (0..self.everybody.cells).filter_map(|cell| self.everybody.table(cell, *bucket));
            units += cells.map(whom_stats::ArmTable::total_units).sum::<u64>();
            *place < FEWEST_BUCKETS || units <= MOST_UNITS
        });
        first.map(|(_, bucket)| bucket).collect()
    }

    /// The units of some buckets that trees are compared on.
    fn sample(&self, buckets: &BucketSet) -> UnitSample {
        UnitSample { buckets: buckets.clone(), step: (self.units(buckets) / COMPARED).max(1) }
    }

    /// How many searches of `trees` questions grow together in the memory that the search itself had.
    fn together(&self, trees: usize) -> usize {
        let questions = self.study.targets().len();
        let grown = (questions + usize::from(questions > 1)) as u64;
        let searched = search_bytes(self.study.plan, self.units(&self.study.everyone)) * self.study.strata() as u64;
        let each = (searched / grown).saturating_mul(trees as u64).max(1);
        (searched.max(ROOM) / each).clamp(1, 25) as usize
    }

    /// Repeats a search, for the parts of a stage that has `doing` to tell.
    async fn repeated(
        &self,
        stage: Stage,
        (name, doing): (&str, &str),
        searches: &Searches,
        repetitions: &[Repetition],
    ) -> Result<Vec<Repeated>, RunError> {
        let tell = |done| {
            let (all, doing) = (Some(repetitions.len()), doing.to_owned());
            self.observer.event(&Event::Progress { stage, done, all, doing });
        };
        let grown = searches.grow(name, &self.study.units.source, repetitions, tell).await;
        grown.map_err(|error| RunError::engine(stage, &error))
    }

    /// The declared tree's routing, and those of others.
    fn routings<'t>(&self, others: impl Iterator<Item = &'t Tree>) -> Vec<Routing> {
        std::iter::once(&self.tree.routing).chain(others.map(|tree| &tree.routing)).cloned().collect()
    }
}

fn internal(stage: Stage, error: &dyn std::fmt::Display) -> RunError {
    RunError::new(stage, Cause::Internal, format!("the search could not be repeated: {error}"))
}

/// The mean of some numbers; `None` of none.
fn mean(numbers: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = numbers.fold((0.0, 0_u32), |(sum, count), number| (sum + number, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests;
