//! Clusters: whom units were assigned with, from a column of the split at the first exposure.
//!
//! Before units are analysed all of them are looked at once: how many clusters each arm has, which clusters have units in several
//! arms, and what the clusters are called, if they are few. Whoever counts by cluster has a cell for each of up to
//! [`MOST_CLUSTERS`] clusters; of more clusters the cells are their buckets, each of which holds whole clusters. Nothing here
//! depends on the order of rows.

mod counted;
mod leaves;
mod totals;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};
use whom_stats::BUCKETS;
use whom_stats::bucket::bucket_of_text;

pub use counted::ClusterTally;
pub(crate) use counted::{ClusterLook, count};
pub(crate) use leaves::LeafTotalsLook;
pub(crate) use totals::TotalsLook;
pub use totals::{Asked, ClusterTotals};

use crate::error::QueryError;
use crate::unit_table::UnitRows;

/// The most clusters that have a cell each.
pub const MOST_CLUSTERS: usize = 4_096;

/// Bytes of what is held to count so many units by cluster: the clusters, or on each thread so many sums by cell.
pub fn counted_bytes(units: u64, sums: u64, threads: u64) -> u64 {
    let cells = units.min(MOST_CLUSTERS as u64).max(BUCKETS as u64);
    counted::held_bytes(units).max(totals::sums_bytes(sums * cells) * (threads + 1))
}

/// The clusters of the units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clusters {
    /// Its name in the split.
    name: String,
    /// Its column in the unit table.
    column: String,
    /// The clusters with units in several arms, ascending: none of their units is analysed.
    crossing: Vec<String>,
    cells: Cells,
}

/// What is counted by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Cells {
    /// Each of these clusters, ascending.
    Own(Vec<String>),
    /// Buckets of clusters.
    Buckets,
}

impl Clusters {
    /// The clusters of a column of the split, given its column in the unit table; nothing is known of them yet.
    pub(crate) fn new(name: &str, column: &str) -> Self {
        Self { name: name.to_owned(), column: column.to_owned(), crossing: Vec::new(), cells: Cells::Buckets }
    }

    /// The number of cells.
    pub(crate) fn count_of_cells(&self) -> usize {
        match &self.cells {
            Cells::Own(names) => names.len(),
            Cells::Buckets => BUCKETS,
        }
    }

    /// The bucket of each cell.
    fn buckets_of_cells(&self) -> Vec<u16> {
        match &self.cells {
            Cells::Own(names) => names.iter().map(|name| bucket_of_text(name)).collect(),
            Cells::Buckets => (0..BUCKETS as u16).collect(),
        }
    }

    /// The cluster of each unit.
    fn of_units(&self, rows: &UnitRows) -> Result<StringArray, QueryError> {
        texts(&rows.column(&self.column)?)
    }

    /// The cell of each unit.
    pub(crate) fn cells_of(&self, rows: &UnitRows) -> Result<Vec<usize>, QueryError> {
        let cells: Option<Vec<usize>> = self.of_units(rows)?.iter().map(|name| self.cell(name?)).collect();
        cells.ok_or_else(|| QueryError::Internal("a unit is in no cluster".to_owned()))
    }

    /// The cell of a cluster; `None` for one that was not there when clusters were counted.
    fn cell(&self, cluster: &str) -> Option<usize> {
        match &self.cells {
            Cells::Own(names) => names.binary_search_by(|name| name.as_str().cmp(cluster)).ok(),
            Cells::Buckets => Some(usize::from(bucket_of_text(cluster))),
        }
    }

    /// Which units are of clusters in one arm; `None` if all are.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the rows are not of the unit table.
    pub(crate) fn in_one_arm(&self, rows: &UnitRows) -> Result<Option<BooleanArray>, QueryError> {
        if self.crossing.is_empty() {
            return Ok(None);
        }
        let crosses = |cluster: &str| self.crossing.binary_search_by(|name| name.as_str().cmp(cluster)).is_ok();
        let clusters = self.of_units(rows)?;
        Ok(Some(clusters.iter().map(|cluster| Some(cluster.is_some_and(|cluster| !crosses(cluster)))).collect()))
    }
}

fn texts(column: &ArrayRef) -> Result<StringArray, QueryError> {
    let texts = cast(column, &DataType::Utf8).map_err(|error| QueryError::Internal(error.to_string()))?;
    Ok(texts.as_string::<i32>().clone())
}

fn is_missing(clusters: &StringArray, row: usize) -> bool {
    clusters.is_null(row) || clusters.value(row).is_empty()
}
