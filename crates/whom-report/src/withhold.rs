//! What is too small to be shown: a function from results to results, before anything is written.
//!
//! A pipeline may declare the fewest units that a number may be about. What counts fewer is taken out together with what is
//! estimated from it, and so is what would tell it: a number that stands alone among its like follows from their total. Nobody
//! is no unit, so a count of 0 stays.
//!
//! # The rules
//! - A **variant** of too few units leaves nothing to be published ([`SmallestCell::apply`] fails).
//! - A **tree** is shown down to where both children of a node may be; below, everything is withheld, so that no node
//!   follows from its sibling and their parent. The cohorts of the declared partition are its leaves.
//! - A **pre-registered cohort** is also withheld if the rest of the units is too few. Those that an earlier run found are the
//!   leaves of its tree, so that of them, too, one is never withheld alone.
//! - A **metric** that too few units of some cohort have a value of is withheld in all cohorts of the partition. Where
//!   too few have none, its numbers of units are withheld, and its estimates stay.
//! - **Slices** are withheld as a whole: all slices of a cohort if one of them is too small or would tell of too few.
//! - A **profile** loses the shares of a tag in all cohorts of the partition if one of them counts too few, and the means
//!   if too few are known.
//! - A **level** of a tag of too few units is withheld with the next smallest ones, until those that are withheld are not too
//!   few together. Numbers of units that tell how few have no value of a metric are withheld in all tables. What is said of
//!   all levels, or of all cohorts, together stays.
//! - A **model** is withheld as a whole if too few units are in an arm, in an arm and a level of one of its tags, left out, or
//!   analysed and not of the model, with its predictions, and its calibration if a tenth of an arm or the rest of the units is. How many units have one value of a numeric tag is not looked at.
//! - A **cap** loses its numbers where too few units lie on a side of it, or where they would tell how few have no value; a threshold
//!   that is a percentile goes with them where too few lie on a side, one that the file gives stays.
//! - A **quantile** is the value of a unit: a metric that compares quantiles is withheld in a cohort where too few units of an arm lie
//!   on a side of it, and with it in all cohorts of the partition.
//! - A **check** whose words count too few loses them with its figures, and keeps its verdict. The **waterfall** keeps only
//!   numbers no two of which are so near each other that their difference is too few.
//!
//! A mean is about all units of its arm: how many of them bought something is no count of this kind. Sets that overlap in
//! other ways, such as two pre-registered cohorts, or the leaves of two trees, are not held against each other. Nor are those of
//! two cohorts that an earlier run found, of which this one shows only the findings: two that are shown may leave few others.
//!
//! [`Results`] is taken apart and put together field by field, so that a new field does not compile until it is decided.

mod caps;
mod checks;
mod cohorts;
mod effects;
mod models;
mod profiles;
mod replication;
mod shrunken;
mod slices;
mod stability;
mod summary;
mod tags;
mod trees;
mod waterfall;

use thiserror::Error;
use whom_stats::Check;

pub use summary::Withheld;

use crate::results::{Partition, Results, VariantView};
use crate::waterfall::WaterfallStep;
use cohorts::HiddenCohorts;
use effects::HiddenMetrics;
use summary::Counted;

/// The fewest units that a number may be about: at least 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmallestCell(u64);

/// A variant with too few units for anything to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("variant `{variant}` has fewer than {smallest} units, and results show no number about so few")]
pub struct TooFewUnits {
    /// The variant.
    pub variant: String,
    /// The fewest units that may be shown.
    pub smallest: u64,
}

impl SmallestCell {
    /// A bound of so many units; `None` for 0 and 1, which withhold nothing.
    pub fn new(units: u64) -> Option<Self> {
        (units > 1).then_some(Self(units))
    }

    /// The results without what is too small. Applied again it changes nothing but its own account of itself.
    ///
    /// # Errors
    /// [`TooFewUnits`] if a variant has too few units itself.
    pub fn apply(self, results: Results) -> Result<Results, TooFewUnits> {
        if let Some(variant) = results.variants.iter().find(|variant| self.hides(variant.units)) {
            return Err(TooFewUnits { variant: variant.name.clone(), smallest: self.0 });
        }
        let cohorts = HiddenCohorts::of(self, &results);
        let metrics = HiddenMetrics::of(self, &results, &cohorts);
        let units = results.units();
        let partition_names: Vec<String> = results.discovered().iter().map(|cohort| cohort.name.clone()).collect();
        let Results {
            experiment,
            analysis,
            through,
            start,
            level,
            seal,
            folds,
            withheld: _,
            variants,
            metrics: views,
            waterfall,
            checks,
            effects,
            slices,
            tag_tables,
            tag_rankings,
            models,
            partition,
            registered,
            trees,
            global_tests,
            cohort_scatter,
            shrunken_effects,
            importance,
            detectable_differences,
            confirming_tests,
            replication,
            stability,
        } = results;
        let mut counted = Counted::default();
        let waterfall = waterfall::withheld(self, waterfall, units, &mut counted);
        let checks = checks::withheld(self, checks, &variants, Some(&cohorts), &mut counted);
        let effects = effects.into_iter().map(|row| metrics.row(row, &cohorts, &mut counted)).collect();
        let beside = slices::Beside { cohorts: &cohorts, metrics: &metrics, partition: &partition_names };
        let slices = slices::withheld(self, slices, &beside, &mut counted);
        let views = views.into_iter().map(|view| caps::withheld(self, view, &metrics)).collect();
        let tag_tables = tags::withheld(self, tag_tables, &metrics, &mut counted);
        let models = models::withheld(self, models, units, &mut counted);
        let shrunken_effects =
            shrunken_effects.into_iter().map(|found| shrunken::withheld(self, found, &cohorts, &metrics)).collect();
        let partition = partition.map(|Partition { tree, cohorts: views }| Partition {
            tree,
            cohorts: profiles::of_partition(self, cohorts.views(views), units, &mut counted),
        });
        let registered = profiles::of_registered(self, cohorts.views(registered), units, &mut counted);
        let trees =
            trees.into_iter().map(|tree| trees::withheld(self, tree, &cohorts, &metrics, &mut counted)).collect();
        let tests = confirming_tests.into_iter();
        let confirming_tests = tests.filter(|test| !metrics.hides(&test.metric, &test.cohort, &cohorts)).collect();
        let replication = replication.map(|found| replication::withheld(self, found, &cohorts, &metrics));
        let stability = stability::withheld(self, stability, &variants, &mut counted);
        Ok(Results {
            experiment,
            analysis,
            through,
            start,
            level,
            seal,
            folds,
            withheld: Some(counted.told(self.0, cohorts)),
            variants,
            metrics: views,
            waterfall,
            checks,
            effects,
            slices,
            tag_tables,
            tag_rankings,
            models,
            partition,
            registered,
            trees,
            global_tests,
            cohort_scatter,
            shrunken_effects,
            importance,
            detectable_differences,
            confirming_tests,
            replication,
            stability,
        })
    }

    /// Checks and waterfall of a run that ends with them, without what is too small.
    pub fn of_refused(
        self,
        checks: Vec<Check>,
        waterfall: Vec<WaterfallStep>,
        variants: &[VariantView],
    ) -> (Vec<Check>, Vec<WaterfallStep>) {
        let mut counted = Counted::default();
        let units = variants.iter().map(|variant| variant.units).sum();
        let checks = checks::withheld(self, checks, variants, None, &mut counted);
        (checks, waterfall::withheld(self, waterfall, units, &mut counted))
    }

    /// Whether so many units are too few to be told.
    pub fn hides(self, units: u64) -> bool {
        0 < units && units < self.0
    }

    /// Whether two numbers of units are so near each other that they tell of too few.
    fn hides_between(self, one: u64, other: u64) -> bool {
        self.hides(one.abs_diff(other))
    }

    /// What stands where something is withheld, whether it is about too few itself or would tell of others.
    fn reason(self) -> String {
        format!("withheld: fewer than {} units, or it would tell of so few", self.0)
    }
}

#[cfg(test)]
mod tests;
