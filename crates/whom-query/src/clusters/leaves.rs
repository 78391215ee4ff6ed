//! Sums by cluster in the leaves of a tree.

use whom_stats::{ABSENT, BucketSet, Routing};

use super::Clusters;
use super::totals::{Asked, ClusterTotals, Groups, Sum};
use crate::analysed::AnalysedUnits;
use crate::cohort_sums::Ranks;
use crate::error::QueryError;
use crate::unit_table::UnitRows;
use crate::values::values;

impl AnalysedUnits {
    /// Sums every metric by cluster in each leaf of a tree, fold by fold, in one look at all units; `None` where units were
    /// assigned by themselves. A bucket belongs to the first fold that holds it, and counts nowhere if none does. Keeps
    /// processors busy.
    ///
    /// # Errors
    /// As [`AnalysedUnits::new`]; [`QueryError::Internal`] for a tree that does not fit the units.
    pub fn cluster_totals_in(
        &self,
        tree: &Routing,
        folds: &[BucketSet],
    ) -> Result<Option<Vec<ClusterTotals>>, QueryError> {
        let Some(clusters) = &self.schema.clusters else { return Ok(None) };
        tree.check(self.shapes.len()).map_err(|error| QueryError::Internal(error.to_string()))?;
        let mut asked: Vec<Asked> = Vec::new();
        for outcome in self.outcomes() {
            let of_metric = (outcome.value, outcome.denominator);
            if !asked.contains(&of_metric) {
                asked.push(of_metric);
            }
        }
        let groups = (Groups::Leaves, tree.leaves().count());
        let empty = ClusterTotals::nothing(asked.clone(), groups, (self.schema.arms, clusters.cells()));
        let look = LeafLook { units: self, clusters, ranks: Ranks::of(&self.schema, &self.bins, tree), folds, asked };
        let merge = |one: Vec<ClusterTotals>, other: Vec<ClusterTotals>| {
            one.into_iter().zip(other).map(|(one, other)| one.merged(other)).collect()
        };
        let add = |totals: &mut Vec<ClusterTotals>, rows: UnitRows| look.add(totals, &self.schema.analysed(rows)?);
        self.table.gather(&self.cancel, || vec![empty.clone(); folds.len()], add, merge).map(Some)
    }
}

/// A look at some units.
struct LeafLook<'a> {
    units: &'a AnalysedUnits,
    clusters: &'a Clusters,
    ranks: Ranks<'a>,
    folds: &'a [BucketSet],
    asked: Vec<Asked>,
}

impl LeafLook<'_> {
    fn add(&self, totals: &mut [ClusterTotals], rows: &UnitRows) -> Result<(), QueryError> {
        let (cells, arms, leaves) = (self.clusters.cells_of(rows)?, rows.arms()?, self.ranks.of_each(rows)?);
        let columns = values(&self.units.schema.values, rows)?;
        let fold = |bucket: u16| self.folds.iter().position(|fold| fold.contains(bucket));
        let folds: Vec<Option<usize>> = rows.buckets()?.into_iter().map(fold).collect();
        for (place, (value, denominator)) in self.asked.iter().enumerate() {
            for (row, fold) in folds.iter().enumerate() {
                let Some(totals) = fold.and_then(|fold| totals.get_mut(fold)) else { continue };
                let (above, below) = (columns[*value][row], denominator.map_or(0, |below| columns[below][row]));
                if above != ABSENT && below != ABSENT {
                    totals.add((place, leaves[row], usize::from(arms[row]), cells[row]), Sum::of(above, below));
                }
            }
        }
        Ok(())
    }
}
