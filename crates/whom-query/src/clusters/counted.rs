//! Counting clusters: a part of them at a time, so that however many there are, few are held.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;

use datafusion::arrow::array::Array;
use serde::{Deserialize, Serialize};
use whom_stats::BUCKETS;
use whom_stats::bucket::bucket_of_text;

use super::{Cells, Clusters, MOST_CLUSTERS, is_missing};
use crate::error::QueryError;
use crate::look::Look;
use crate::unit_table::{UnitRows, UnitTable};

/// About as many units are looked at for each part of the clusters.
const UNITS_AT_ONCE: u64 = 1_000_000;

/// The most clusters in several arms that are held.
const MOST_CROSSING: usize = 65_536;

/// Bytes of the clusters that are held at once.
pub(crate) fn held_bytes(units: u64) -> u64 {
    /// A cluster's name, where it stands, and what is known of it.
    const CLUSTER: u64 = 96;
    (units.min(UNITS_AT_ONCE) + (MOST_CROSSING + MOST_CLUSTERS) as u64) * CLUSTER
}

/// Clusters by arm and by whatever is asked besides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterTally {
    /// Those with units in one arm only, by arm.
    pub by_arm: Vec<u64>,
    /// Those with units in several arms.
    pub crossing: u64,
    /// Those in one arm by bucket and arm.
    pub(crate) by_bucket: BTreeMap<u16, Vec<u64>>,
    /// The same by the day of their earliest first exposure.
    pub(crate) by_day: BTreeMap<i32, Vec<u64>>,
}

/// What is known of a cluster.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct Seen {
    arm: u8,
    crosses: bool,
    day: i32,
}

impl Seen {
    fn merged(self, other: Self) -> Self {
        let crosses = self.crosses || other.crosses || self.arm != other.arm;
        Self { arm: self.arm.min(other.arm), crosses, day: self.day.min(other.day) }
    }
}

/// The clusters of some buckets.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct SomeClusters {
    seen: HashMap<Box<str>, Seen>,
    missing: u64,
}

impl SomeClusters {
    fn add(&mut self, clusters: &Clusters, (part, parts): (u64, u64), rows: &UnitRows) -> Result<(), QueryError> {
        let (names, arms, days, several) =
            (clusters.of_units(rows)?, rows.arms()?, rows.exposure_days()?, rows.several_variants()?);
        for row in 0..names.len() {
            if is_missing(&names, row) {
                self.missing += 1;
                continue;
            }
            let name = names.value(row);
            if parts > 1 && u64::from(bucket_of_text(name)) % parts != part {
                continue;
            }
            let seen = Seen { arm: arms[row], crosses: several.value(row), day: days[row] };
            match self.seen.get_mut(name) {
                Some(known) => *known = known.merged(seen),
                None => {
                    self.seen.insert(name.into(), seen);
                }
            }
        }
        Ok(())
    }

    fn merged(self, other: Self) -> Self {
        let (mut large, small) = if self.seen.len() < other.seen.len() { (other, self) } else { (self, other) };
        large.missing += small.missing;
        // What both know of a cluster merges in any order.
        small.seen.into_iter().for_each(|(name, seen)| {
            large.seen.entry(name).and_modify(|known| *known = known.merged(seen)).or_insert(seen);
        });
        large
    }
}

/// The look by which a part of the clusters is counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ClusterLook {
    clusters: Clusters,
    part: u64,
    parts: u64,
}

impl Look for ClusterLook {
    const NAME: &'static str = "clusters";
    type Seen = SomeClusters;
    type Ready<'a> = &'a Self;

    fn ready(&self) -> Result<&Self, QueryError> {
        Ok(self)
    }

    fn nothing(&self) -> SomeClusters {
        SomeClusters::default()
    }

    fn add(look: &&Self, seen: &mut SomeClusters, rows: UnitRows) -> Result<(), QueryError> {
        seen.add(&look.clusters, (look.part, look.parts), &rows)
    }

    fn merged(one: SomeClusters, other: SomeClusters) -> SomeClusters {
        one.merged(other)
    }
}

/// Looks at every unit, and learns which clusters there are.
///
/// # Errors
/// [`QueryError::Data`] if units lack their cluster, or more clusters than can be left out are in several arms;
/// [`QueryError::Internal`] if the table lacks the column; [`QueryError::Engine`] if units cannot be read.
pub(crate) fn count(
    clusters: &mut Clusters,
    arms: usize,
    table: &UnitTable,
    cancel: &AtomicBool,
) -> Result<ClusterTally, QueryError> {
    let parts = table.units().div_ceil(UNITS_AT_ONCE).clamp(1, BUCKETS as u64);
    count_in(parts, clusters, arms, (table, cancel))
}

/// As [`count`], in so many parts.
fn count_in(
    parts: u64,
    clusters: &mut Clusters,
    arms: usize,
    (table, cancel): (&UnitTable, &AtomicBool),
) -> Result<ClusterTally, QueryError> {
    let mut tally = ClusterTally { by_arm: vec![0; arms], ..ClusterTally::default() };
    let (mut crossing, mut names) = (Vec::new(), Vec::new());
    for part in 0..parts {
        let found = table.look(&ClusterLook { clusters: clusters.clone(), part, parts }, cancel)?;
        if found.missing > 0 {
            return Err(missing(&clusters.name, found.missing, table.units()));
        }
        let mut seen: Vec<(Box<str>, Seen)> = found.seen.into_iter().collect();
        seen.sort_unstable_by(|one, other| one.0.cmp(&other.0));
        for (name, seen) in seen {
            tally.add(&name, seen);
            let list: &mut Vec<String> = if seen.crosses { &mut crossing } else { &mut names };
            if list.len() <= if seen.crosses { MOST_CROSSING } else { MOST_CLUSTERS } {
                list.push(name.into());
            }
        }
    }
    if crossing.len() > MOST_CROSSING {
        return Err(QueryError::Data(format!(
            "{} clusters of `{}` have units in several variants: units were not assigned by it; name the column that they were \
             assigned by, or leave `cluster` out",
            tally.crossing, clusters.name
        )));
    }
    crossing.sort_unstable();
    names.sort_unstable();
    clusters.crossing = crossing;
    clusters.cells = if names.len() > MOST_CLUSTERS { Cells::Buckets } else { Cells::Own(names) };
    Ok(tally)
}

fn missing(name: &str, missing: u64, units: u64) -> QueryError {
    QueryError::Data(format!(
        "{missing} of {units} units have no `{name}` in the row of their first exposure, so nobody knows whom they were assigned \
         with; write it for every row of the split, or choose by `where` the rows that have one"
    ))
}

impl ClusterTally {
    fn add(&mut self, name: &str, seen: Seen) {
        if seen.crosses {
            self.crossing += 1;
            return;
        }
        let (arm, arms) = (usize::from(seen.arm), self.by_arm.len());
        let none = || vec![0; arms];
        self.by_arm[arm] += 1;
        self.by_bucket.entry(bucket_of_text(name)).or_insert_with(none)[arm] += 1;
        self.by_day.entry(seen.day).or_insert_with(none)[arm] += 1;
    }
}

#[cfg(test)]
mod tests;
