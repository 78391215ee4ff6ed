//! Sums by cluster in the leaves of a tree.

use serde::{Deserialize, Serialize};
use whom_stats::{BucketSet, Routing};

use super::Clusters;
use super::totals::{Asked, ClusterTotals, Groups};
use crate::analysed::AnalysedUnits;
use crate::bins::TagBins;
use crate::cohort_sums::Ranks;
use crate::error::QueryError;
use crate::look::Look;
use crate::unit_schema::UnitSchema;
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
        if self.schema.clusters.is_none() {
            return Ok(None);
        }
        tree.check(self.shapes.len()).map_err(|error| QueryError::Internal(error.to_string()))?;
        let mut asked: Vec<Asked> = Vec::new();
        for outcome in self.outcomes() {
            let missing: Vec<Asked> = Asked::all_of(outcome).filter(|of_metric| !asked.contains(of_metric)).collect();
            asked.extend(missing);
        }
        let (schema, bins) = (self.schema.clone(), self.bins.clone());
        let look = LeafTotalsLook { schema, bins, tree: tree.clone(), folds: folds.to_vec(), asked };
        self.table.look(&look, self.cancel()).map(Some)
    }
}

/// The look by which metrics are summed by cluster in the leaves of a tree, fold by fold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct LeafTotalsLook {
    schema: UnitSchema,
    bins: Vec<TagBins>,
    tree: Routing,
    folds: Vec<BucketSet>,
    asked: Vec<Asked>,
}

/// Looks at some units.
pub(crate) struct Ready<'a> {
    look: &'a LeafTotalsLook,
    clusters: &'a Clusters,
    ranks: Ranks<'a>,
}

impl Look for LeafTotalsLook {
    const NAME: &'static str = "totals of clusters in leaves";
    type Seen = Vec<ClusterTotals>;
    type Ready<'a> = Ready<'a>;

    fn ready(&self) -> Result<Ready<'_>, QueryError> {
        let without = || QueryError::Internal("units were assigned by themselves".to_owned());
        let clusters = self.schema.clusters.as_ref().ok_or_else(without)?;
        Ok(Ready { look: self, clusters, ranks: Ranks::of(&self.schema, &self.bins, &self.tree) })
    }

    fn nothing(&self) -> Vec<ClusterTotals> {
        let cells = self.schema.clusters.as_ref().map(Clusters::buckets_of_cells).unwrap_or_default();
        let groups = (Groups::Leaves, self.tree.leaves().count());
        vec![ClusterTotals::nothing(self.asked.clone(), groups, (self.schema.arms, cells)); self.folds.len()]
    }

    fn add(ready: &Ready<'_>, seen: &mut Vec<ClusterTotals>, rows: UnitRows) -> Result<(), QueryError> {
        ready.add(seen, &ready.look.schema.analysed(rows)?)
    }

    fn merged(one: Vec<ClusterTotals>, other: Vec<ClusterTotals>) -> Vec<ClusterTotals> {
        one.into_iter().zip(other).map(|(one, other)| one.plus(other)).collect()
    }
}

impl Ready<'_> {
    fn add(&self, totals: &mut [ClusterTotals], rows: &UnitRows) -> Result<(), QueryError> {
        let (cells, arms, leaves) = (self.clusters.cells_of(rows)?, rows.arms()?, self.ranks.of_each(rows)?);
        let columns = values(&self.look.schema.values, rows)?;
        let fold = |bucket: u16| self.look.folds.iter().position(|fold| fold.contains(bucket));
        let folds: Vec<Option<usize>> = rows.buckets()?.into_iter().map(fold).collect();
        for (place, asked) in self.look.asked.iter().enumerate() {
            for (row, fold) in folds.iter().enumerate() {
                let Some(totals) = fold.and_then(|fold| totals.get_mut(fold)) else { continue };
                if let Some(sum) = asked.sum(&columns, row) {
                    totals.add((place, leaves[row], usize::from(arms[row]), cells[row]), sum);
                }
            }
        }
        Ok(())
    }
}
