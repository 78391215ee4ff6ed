//! The caps that were found, as results tell them.

use whom_query::FoundCap;
use whom_report::{CapAt, CapView, Fold};
use whom_spec::plan;
use whom_stats::{Cap, CellStatistics};

use crate::study::Study;

/// What shares of units are told of.
pub(crate) struct Caps<'a> {
    pub(crate) study: &'a Study<'a>,
    /// Everybody in one cell.
    pub(crate) everybody: &'a CellStatistics,
}

impl Caps<'_> {
    /// The cap of a metric by its place; `None` without one.
    pub(crate) fn of(&self, metric: usize) -> Option<CapView> {
        let found = self.study.units.caps.iter().find(|found| found.metric == metric)?;
        Some(CapView {
            declared: matches!(self.study.metric(metric).cap, Some(plan::Cap::Value(_))),
            reporting: self.among(found, found.all, Fold::All),
            discovery: self.among(found, found.discover, Fold::Discover),
        })
    }

    fn among(&self, found: &FoundCap, cap: Cap, fold: Fold) -> CapAt {
        let outcome = self.study.outcome(found.metric);
        let (all, grid) = (self.everybody.pooled(self.study.buckets(fold)), self.study.grids[outcome.value]);
        let valued: u64 = (0..all.units.len()).map(|arm| all.get(arm, outcome.value).n).sum();
        CapAt {
            // Without a value to rank there is no threshold.
            threshold: (cap.threshold != i64::MAX).then(|| grid.from_grid(cap.threshold)),
            units: Some(cap.capped),
            share: (valued > 0).then(|| cap.capped as f64 / valued as f64),
        }
    }
}
