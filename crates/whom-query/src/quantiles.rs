//! Quantiles of units and of events: further looks at the unit table, of which none holds more than counts.
//!
//! A quantile is no sum, so statistics by cell do not tell it. Each look counts values in bins, for every group, metric and arm
//! that is asked for, and the next one looks into the bins that matter ([`QuantileSearch`]). Counts add up in any order, so
//! pieces and threads change nothing. Where units were assigned by cluster, one of the looks counts by cells of clusters.

use datafusion::arrow::array::{Array, AsArray, ListArray};
use datafusion::arrow::datatypes::Int64Type;
use serde::{Deserialize, Serialize};
use whom_stats::{ABSENT, BucketSet, FoundQuantile, Percentile, QuantileOf, QuantileSearch, Routing};

use crate::analysed::AnalysedUnits;
use crate::bins::TagBins;
use crate::cohort_sums::Ranks;
use crate::compile::MeasureColumn;
use crate::error::QueryError;
use crate::look::Look;
use crate::unit_schema::UnitSchema;
use crate::unit_table::UnitRows;

/// Some of the units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Among {
    /// All that are analysed.
    Everybody,
    /// All that were exposed, by the first variant that they saw; not told where units were assigned by cluster.
    Exposed,
    /// Those of the pre-registered cohort at a place in the file.
    Cohort(usize),
    /// Those that are not of that cohort.
    BesideCohort(usize),
    /// Those of a leaf, by its rank among the leaves.
    Leaf(usize),
    /// Those of all other leaves.
    BesideLeaf(usize),
}

/// Quantiles that are asked for.
#[derive(Clone, Debug)]
pub struct AskedQuantiles {
    /// Metrics by their places in the file, each with the share that does not exceed the quantile.
    pub metrics: Vec<(usize, Percentile)>,
    /// Of whom.
    pub among: Vec<Among>,
    /// The tree whose leaves are meant, and the buckets whose units count in them; needed only where leaves are asked for.
    pub tree: Option<(Routing, BucketSet)>,
}

/// Arms that are searched at once: at most 96 KiB each, in every thread.
const AT_ONCE: usize = 32;

/// Bytes of what all threads together count at once.
pub fn counted_bytes(threads: u64) -> u64 {
    threads * AT_ONCE as u64 * (96 << 10)
}

impl AnalysedUnits {
    /// The quantiles by group, metric and arm, in the order in which they are asked for. Keeps processors busy.
    ///
    /// # Errors
    /// As [`AnalysedUnits::new`]; [`QueryError::Internal`] for a metric, cohort or tree that there is not, and for exposed units whose
    /// clusters may lie in several arms.
    pub fn quantiles(&self, asked: &AskedQuantiles) -> Result<Vec<Vec<Vec<FoundQuantile>>>, QueryError> {
        if self.schema.clusters.is_some() && asked.among.contains(&Among::Exposed) {
            return Err(QueryError::Internal("nobody knows the cells of clusters that are not analysed".to_owned()));
        }
        if let Some((tree, _)) = &asked.tree {
            tree.check(self.shapes.len()).map_err(|error| QueryError::Internal(error.to_string()))?;
        }
        let pairs = asked.among.iter().flat_map(|among| asked.metrics.iter().map(move |metric| (*among, *metric)));
        let pairs: Vec<Pair> = pairs.map(|(among, (metric, percentile))| Pair { among, metric, percentile }).collect();
        let mut found = Vec::with_capacity(pairs.len());
        for some in pairs.chunks((AT_ONCE / self.schema.arms.max(1)).max(1)) {
            found.extend(self.found(some, asked)?);
        }
        let mut found = found.into_iter();
        Ok(asked.among.iter().map(|_| found.by_ref().take(asked.metrics.len()).collect()).collect())
    }

    /// As many looks as some pairs need.
    fn found(&self, pairs: &[Pair], asked: &AskedQuantiles) -> Result<Vec<Vec<FoundQuantile>>, QueryError> {
        let start = |pair: &Pair| {
            let events = &measure(&self.schema, pair.metric)?.events;
            let of = events.as_ref().map_or(QuantileOf::Units, |_| QuantileOf::Events);
            let search = QuantileSearch::new(pair.percentile, of);
            let search = match &self.schema.clusters {
                Some(clusters) => search.by_cluster(clusters.count_of_cells()),
                None => search,
            };
            Ok(vec![search; self.schema.arms])
        };
        let searches = pairs.iter().map(start).collect::<Result<Vec<Vec<QuantileSearch>>, QueryError>>()?;
        let (schema, bins) = (self.schema.clone(), self.bins.clone());
        let mut look = QuantileLook { schema, bins, tree: asked.tree.clone(), pairs: pairs.to_vec(), searches };
        while !look.searches.iter().flatten().all(QuantileSearch::is_done) {
            let counted = self.table.look(&look, self.cancel())?;
            look.searches =
                counted.into_iter().map(|arms| arms.into_iter().map(QuantileSearch::narrow).collect()).collect();
        }
        let of_pair = |(pair, arms): (&Pair, Vec<QuantileSearch>)| {
            let grid = measure(&self.schema, pair.metric)?.grid_of_events();
            Ok(arms.iter().map(|search| search.found(grid)).collect())
        };
        pairs.iter().zip(look.searches).map(of_pair).collect()
    }
}

fn measure(schema: &UnitSchema, metric: usize) -> Result<&MeasureColumn, QueryError> {
    let measure = schema.measures.get(metric);
    measure.ok_or_else(|| QueryError::Internal(format!("there is no metric {metric}")))
}

/// A metric among some units.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Pair {
    among: Among,
    metric: usize,
    percentile: Percentile,
}

/// The look by which quantiles are come nearer to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct QuantileLook {
    schema: UnitSchema,
    bins: Vec<TagBins>,
    /// The tree whose leaves are meant, and the buckets whose units count in them.
    tree: Option<(Routing, BucketSet)>,
    pairs: Vec<Pair>,
    /// By pair and arm; they have counted nothing yet.
    searches: Vec<Vec<QuantileSearch>>,
}

/// The look, and what finds the leaves of units.
pub(crate) struct ReadyLook<'a> {
    look: &'a QuantileLook,
    ranks: Option<(Ranks<'a>, &'a BucketSet)>,
}

impl Look for QuantileLook {
    const NAME: &'static str = "quantiles";
    type Seen = Vec<Vec<QuantileSearch>>;
    type Ready<'a> = ReadyLook<'a>;

    fn ready(&self) -> Result<ReadyLook<'_>, QueryError> {
        let tree = self.tree.as_ref();
        let ranks = tree.map(|(tree, buckets)| (Ranks::of(&self.schema, &self.bins, tree), buckets));
        Ok(ReadyLook { look: self, ranks })
    }

    fn nothing(&self) -> Self::Seen {
        self.searches.clone()
    }

    fn add(ready: &ReadyLook<'_>, seen: &mut Self::Seen, rows: UnitRows) -> Result<(), QueryError> {
        ready.add(seen, &rows)
    }

    fn merged(mut one: Self::Seen, other: Self::Seen) -> Self::Seen {
        one.iter_mut().flatten().zip(other.iter().flatten()).for_each(|(one, other)| one.add(other));
        one
    }
}

impl ReadyLook<'_> {
    fn add(&self, counted: &mut [Vec<QuantileSearch>], exposed: &UnitRows) -> Result<(), QueryError> {
        let QuantileLook { schema, pairs, .. } = self.look;
        let analysed = schema.analysed(exposed.clone())?;
        let (arms, arms_exposed) = (analysed.arms()?, exposed.arms()?);
        let asks_for_cells = counted.iter().flatten().any(QuantileSearch::asks_for_cells);
        let cells = match &schema.clusters {
            Some(clusters) if asks_for_cells => clusters.cells_of(&analysed)?,
            _ => Vec::new(),
        };
        let leaves = match &self.ranks {
            Some((ranks, buckets)) => leaves(ranks, buckets, &analysed)?,
            None => Vec::new(),
        };
        for (pair, searches) in pairs.iter().zip(counted) {
            if searches.iter().all(QuantileSearch::is_done) {
                continue;
            }
            let (rows, arms) = if pair.among == Among::Exposed { (exposed, &arms_exposed) } else { (&analysed, &arms) };
            let values = Values::of(measure(schema, pair.metric)?, rows)?;
            let holds = self.members(pair.among, rows, &leaves)?;
            for (row, arm) in arms.iter().enumerate() {
                let search = searches.get_mut(usize::from(*arm)).filter(|_| holds(row));
                if let (Some(search), Some(values)) = (search, values.of_unit(row)) {
                    search.push(values, cells.get(row).copied().unwrap_or_default());
                }
            }
        }
        Ok(())
    }

    /// Whether a group holds the unit in a row.
    fn members<'m>(
        &self,
        among: Among,
        rows: &UnitRows,
        leaves: &'m [Option<usize>],
    ) -> Result<Box<dyn Fn(usize) -> bool + 'm>, QueryError> {
        let in_leaf = move |row: usize| leaves.get(row).copied().flatten();
        Ok(match among {
            Among::Everybody | Among::Exposed => Box::new(|_| true),
            Among::Leaf(rank) => Box::new(move |row| in_leaf(row) == Some(rank)),
            Among::BesideLeaf(rank) => Box::new(move |row| in_leaf(row).is_some_and(|leaf| leaf != rank)),
            Among::Cohort(place) | Among::BesideCohort(place) => {
                let cohort = self.look.schema.cohorts.get(place);
                let cohort = cohort.ok_or_else(|| QueryError::Internal(format!("there is no cohort {place}")))?;
                let members: Vec<bool> =
                    rows.cohort(&cohort.column)?.iter().map(|member| member == Some(true)).collect();
                let wanted = matches!(among, Among::Cohort(_));
                Box::new(move |row| members.get(row) == Some(&wanted))
            }
        })
    }
}

/// The values of a metric that units have.
enum Values {
    /// One each, [`ABSENT`] where there is none.
    OfUnits(Vec<i64>),
    OfEvents(ListArray),
}

impl Values {
    fn of(measure: &MeasureColumn, rows: &UnitRows) -> Result<Self, QueryError> {
        let Some(events) = &measure.events else { return Ok(Self::OfUnits(rows.metric(&measure.column)?)) };
        let column = rows.column(&events.column)?;
        let lists =
            column.as_list_opt::<i32>().filter(|lists| lists.values().as_primitive_opt::<Int64Type>().is_some());
        let wrong = || QueryError::Internal(format!("events are of type {}", column.data_type()));
        Ok(Self::OfEvents(lists.ok_or_else(wrong)?.clone()))
    }

    /// Those of a unit; `None` if it has none.
    fn of_unit(&self, row: usize) -> Option<&[i64]> {
        match self {
            Self::OfUnits(values) => values.get(row..=row).filter(|value| *value != [ABSENT]),
            Self::OfEvents(lists) => {
                let offsets = lists.value_offsets();
                let (first, end) = (*offsets.get(row)?, *offsets.get(row + 1)?);
                let values = lists.values().as_primitive_opt::<Int64Type>()?.values();
                values.get(first as usize..end as usize).filter(|_| lists.is_valid(row))
            }
        }
    }
}

/// The leaf of each unit by its rank; `None` of a unit that does not count.
fn leaves(ranks: &Ranks<'_>, buckets: &BucketSet, rows: &UnitRows) -> Result<Vec<Option<usize>>, QueryError> {
    let of_each = ranks.of_each(rows)?.into_iter().zip(rows.buckets()?);
    Ok(of_each.map(|(rank, bucket)| buckets.contains(bucket).then_some(rank)).collect())
}

#[cfg(test)]
mod tests;
