//! The units that are analysed, as columns that passes can be asked of.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;
use whom_engine::{LayoutRecord, SpillFolder, UnitKeeper, UnitSource};
use whom_stats::{CellSums, ColumnShape, Grid, ProductGroup};

use crate::bins::{Fitted, TagBins, TagSurvey};
use crate::clusters::{ClusterTally, count};
use crate::encoding::{Counts, Encoding};
use crate::error::QueryError;
use crate::outcome::Outcome;
use crate::sampling::Sampling;
use crate::strata::Strata;
use crate::survey::Survey;
use crate::tally::Tally;
use crate::thresholds::{FoundCap, derive};
use crate::unit_schema::UnitSchema;
use crate::unit_table::UnitTable;
use crate::weeks::Weeks;

/// The analysed units: those of the unit table, less the ones in several variants where the plan excludes them.
#[derive(Clone, Debug)]
pub struct AnalysedUnits {
    /// All units with a first exposure, with the values that the columns are made from.
    pub table: Arc<UnitTable>,
    /// Answers passes. The tag columns stand in alphabetical order; a column of 0 and 1 for each pre-registered cohort
    /// follows them, then that of weeks, and where arms are compared within them, those of [`Strata`].
    pub source: UnitSource,
    /// What the columns are.
    pub shapes: Vec<ColumnShape>,
    /// The bins of the tags, in the order of the columns.
    pub bins: Vec<TagBins>,
    /// What was counted while the units were encoded.
    pub tally: Tally,
    /// All exposed units by their first arm, where units in several variants are excluded and there are some: the intention
    /// to treat. A cell for each of [`Self::strata`], or one.
    pub by_first_exposure: Option<CellSums>,
    /// The clusters, where units were assigned by cluster.
    pub clusters: Option<ClusterTally>,
    /// The cross-products that metrics are estimated from, where they are no plain means.
    pub groups: Vec<ProductGroup>,
    /// The caps that were found.
    pub caps: Vec<FoundCap>,
    /// A value in the middle of each tag.
    pub(crate) centres: Vec<f64>,
    /// Which columns and units of the table are analysed.
    pub schema: UnitSchema,
    layout: LayoutRecord,
    room: Room,
}

/// Where binned units may lie, and the flag that ends work on them.
#[derive(Clone, Debug)]
pub struct Room {
    /// The most bytes of units in memory; more lie in the folder.
    pub resident: u64,
    /// The folder.
    pub folder: Arc<SpillFolder>,
    /// Work on units stops soon after this becomes true.
    pub cancel: Arc<AtomicBool>,
}

impl AnalysedUnits {
    /// Bins the tags and lays the units out: two looks at the unit table, a piece at a time. Keeps processors busy: enter it
    /// by [`whom_engine::blocking`] from a thread that waits for others.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the unit table contradicts the plan; [`QueryError::Data`] if there are too many strata; [`QueryError::Engine`] if the run is cancelled, or
    /// if units fit neither into memory nor on disk.
    pub fn new(mut schema: UnitSchema, table: Arc<UnitTable>, room: &Room) -> Result<Self, QueryError> {
        let clusters = match &mut schema.clusters {
            Some(clusters) => Some(count(clusters, schema.arms, &table, &room.cancel)?),
            None => None,
        };
        let caps = derive(&mut schema, &table, &room.cancel)?;
        let Survey { analysed, left_out, mut ranges, tags, strata } = Survey::take(&schema, &table, &room.cancel)?;
        if let Some(held) = &mut schema.strata {
            held.hold(strata)?;
        }
        let tags = fitted(&schema, tags);
        let bins: Vec<TagBins> = tags.iter().map(|tag| tag.bins.clone()).collect();
        ranges.extend(schema.add_levels(&bins));
        let groups = schema.group();
        let shapes = schema.shapes(&bins);
        let layout = LayoutRecord::new(schema.arms, shapes.clone(), ranges);
        let laying = Laying { schema: &schema, tags: &tags, groups: &groups, layout: &layout, room };
        let (source, Counts { tally, by_first_exposure }) = laying.lay_out(&table, analysed, left_out > 0)?;
        let centres = tags.into_iter().map(|tag| tag.centre).collect();
        Ok(Self {
            table,
            source,
            shapes,
            bins,
            tally,
            by_first_exposure,
            clusters,
            groups,
            caps,
            centres,
            schema,
            layout,
            room: room.clone(),
        })
    }

    /// About `some` of the units, chosen by a hash of their ids, as if nobody else were analysed: one more look at the unit table.
    /// Bins, caps and grids are those of all units. `None` if there are no more units than that. Keeps processors busy.
    ///
    /// # Errors
    /// [`QueryError::Engine`] if the run is cancelled, or if the units fit neither into memory nor on disk.
    pub fn sampled(&self, some: u64) -> Result<Option<Self>, QueryError> {
        let analysed = self.tally.units();
        if analysed <= some {
            return Ok(None);
        }
        let schema = self.schema.sampled(Sampling::about(some, analysed));
        let fitted = self.bins.iter().cloned().zip(self.centres.iter().copied());
        let tags: Vec<Fitted> = fitted.map(|(bins, centre)| Fitted { bins, centre }).collect();
        let taken = if self.source.is_streamed() { 0 } else { self.layout.layout().resident_bytes(analysed) };
        let room = Room { resident: self.room.resident.saturating_sub(taken), ..self.room.clone() };
        let laying = Laying { schema: &schema, tags: &tags, groups: &self.groups, layout: &self.layout, room: &room };
        let (source, Counts { tally, .. }) = laying.lay_out(&self.table, some, false)?;
        Ok(Some(Self { source, tally, by_first_exposure: None, schema, room, ..self.clone() }))
    }

    /// By metric, which integers it is estimated from.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.schema.outcomes
    }

    /// The grids of the integers that passes and products see.
    pub fn grids(&self) -> Vec<Grid> {
        self.schema.grids()
    }

    /// Whether work on the units has to stop.
    pub fn is_cancelled(&self) -> bool {
        self.room.cancel.load(Ordering::Relaxed)
    }

    /// The flag that ends work on the units.
    pub fn cancel(&self) -> &AtomicBool {
        &self.room.cancel
    }

    /// The column of a tag.
    pub fn tag_column(&self, name: &str) -> Option<usize> {
        self.bins.iter().position(|bins| bins.name == name)
    }

    /// The column of the pre-registered cohort at a place in the file.
    pub fn cohort_column(&self, place: usize) -> usize {
        self.bins.len() + place
    }

    /// The weeks of first exposure.
    pub fn weeks(&self) -> Weeks {
        self.schema.weeks
    }

    /// The column of the week of first exposure; `None` where there is only one week.
    pub fn week_column(&self) -> Option<usize> {
        self.schema.week_column(&self.bins)
    }

    /// What arms are compared within, with its column; `None` where that is all units together. The column of the pre-registered
    /// cohort at a place in the file follows as many columns later, and one: twice the stratum, and one more for members.
    pub fn strata(&self) -> Option<(&Strata, usize)> {
        let others = self.schema.cohorts.len() + usize::from(self.schema.weeks.shape().is_some());
        Some((self.schema.strata.as_ref()?, self.bins.len() + others))
    }
}

/// How units are laid out for passes.
struct Laying<'a> {
    schema: &'a UnitSchema,
    tags: &'a [Fitted],
    groups: &'a [ProductGroup],
    layout: &'a LayoutRecord,
    room: &'a Room,
}

impl Laying<'_> {
    /// Encodes the units of a table, about `units` of which are analysed, where they lie. Whether all exposed units are counted by
    /// their first arm as well.
    fn lay_out(
        &self,
        table: &UnitTable,
        units: u64,
        by_first_exposure: bool,
    ) -> Result<(UnitSource, Counts), QueryError> {
        let Self { schema, tags, groups, layout, room } = *self;
        if let Some(elsewhere) = table.elsewhere() {
            return elsewhere.encode(schema, (tags, groups), (layout.clone(), by_first_exposure), &room.cancel);
        }
        let layout = layout.layout();
        let keeper = UnitKeeper::new(Arc::clone(&layout), units, room.resident, &room.folder);
        let encoding = Encoding::new(schema, (tags, groups), by_first_exposure, &layout, &room.cancel);
        let (kept, counts) = encoding.run(table, &keeper)?;
        Ok((keeper.finish(kept, Arc::clone(&room.cancel))?, counts))
    }
}

fn fitted(schema: &UnitSchema, tags: Vec<TagSurvey>) -> Vec<Fitted> {
    let tags: Vec<_> = schema.tags.iter().zip(tags).collect();
    tags.into_par_iter().map(|(tag, survey)| survey.fit(&tag.name)).collect()
}

#[cfg(test)]
mod tests;
