//! How stable the search is: its tree among those of bootstrap replicates, its cohorts among those of other halves.
//!
//! Nothing here is read by discovery, validation or the verdict; the p-values of ranked groups count in the exploratory family. The
//! bootstrap reads discovery units only and ends before any unit is measured; other halves come last.

mod ranked;
mod resplits;
mod search;

use std::sync::Arc;

use whom_engine::blocking;
use whom_forest::Tree;
use whom_query::AnalysedUnits;
use whom_stats::{BucketSet, Routing, UnitSample};

pub(crate) use ranked::{ranked_p_values, with_corrected};
pub(crate) use resplits::resplits;
pub(crate) use search::search_stability;

use crate::clustered::uncounted;
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

/// Bytes of histograms that trees which grow together may hold, where the search itself held less.
const ROOM: u64 = 8 << 20;

/// What stability is asked of: the declared tree.
pub(crate) struct Declaration<'a> {
    /// All units, which the tree was grown on.
    pub(crate) all: &'a Study<'a>,
    /// Those that searches are repeated on: all, or some that [`sampled`] chose.
    pub(crate) study: &'a Study<'a>,
    /// The tree's name.
    pub(crate) name: &'a str,
    /// Its leaves are the declared cohorts.
    pub(crate) tree: &'a Tree,
    pub(crate) observer: &'a dyn Observer,
}

/// The units that stand for all where searches are repeated: about as many as the plan says, whatever memory there is, so that a
/// result depends on no machine. `None` if there are no more, or if no search is repeated.
///
/// # Errors
/// If the run is cancelled or the units cannot be read back.
pub(crate) async fn sampled(study: &Study<'_>) -> Result<Option<Arc<AnalysedUnits>>, RunError> {
    let discover = &study.plan.discover;
    if !study.searches() || !discover.repeats() {
        return Ok(None);
    }
    let (units, some) = (Arc::clone(study.units), discover.repeated_units);
    let chosen = blocking(study.units.cancel(), move || units.sampled(some)).await;
    let chosen = chosen.map_err(|error| RunError::engine(Stage::Stability, &uncounted(error)))?;
    Ok(chosen.map(Arc::new))
}

impl Declaration<'_> {
    /// The units of a set of buckets that searches are repeated on.
    fn units(&self, buckets: &BucketSet) -> u64 {
        self.study.units.tally.units_in(buckets)
    }

    /// All units of a set of buckets.
    fn all_units(&self, buckets: &BucketSet) -> u64 {
        self.all.units.tally.units_in(buckets)
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
