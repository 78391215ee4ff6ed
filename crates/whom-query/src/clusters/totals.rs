//! Sums by cluster: what errors by cluster are made from.

use datafusion::arrow::array::Array;
use serde::{Deserialize, Serialize};
use whom_stats::{ABSENT, BucketSet, Moments, ProductColumn};

use super::Clusters;
use crate::analysed::AnalysedUnits;
use crate::error::QueryError;
use crate::look::Look;
use crate::outcome::Outcome;
use crate::quantiles::Among;
use crate::unit_schema::UnitSchema;
use crate::unit_table::UnitRows;
use crate::values::values;

/// What is summed, over the units that have all values of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// The metric's value, by its place among the values of a unit.
    pub value: usize,
    /// The denominator of a ratio.
    pub denominator: Option<usize>,
    /// What is summed in place of them: a column that the metric is adjusted by.
    pub covariate: Option<ProductColumn>,
}

impl Asked {
    /// A metric itself: its value, and the denominator of a ratio.
    pub fn of(outcome: &Outcome) -> Self {
        Self { value: outcome.value, denominator: outcome.denominator, covariate: None }
    }

    /// What an outcome is estimated from: itself, and each covariate that it is adjusted by, in the order of its group.
    pub fn all_of(outcome: &Outcome) -> impl Iterator<Item = Self> + use<> {
        let (itself, columns) = (Self::of(outcome), outcome.products().columns);
        let of = move |place: usize| Self { covariate: Some(columns[place]), ..itself };
        std::iter::once(itself).chain(outcome.adjusted_by().map(of))
    }

    /// What a unit adds above and below; `None` if it lacks a value.
    pub(super) fn sum(self, columns: &[Vec<i64>], row: usize) -> Option<Sum> {
        let (above, below) = (columns[self.value][row], self.denominator.map_or(0, |below| columns[below][row]));
        if above == ABSENT || below == ABSENT {
            return None;
        }
        let Some(covariate) = self.covariate else { return Some(Sum::of(above, below)) };
        covariate
            .of(|column| Some(columns[column][row]).filter(|value| *value != ABSENT))
            .map(|value| Sum::of(value, 0))
    }
}

/// Exact sums of metrics by cell of clusters and arm, over some groups of units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterTotals {
    asked: Vec<Asked>,
    kind: Groups,
    /// Their number.
    groups: usize,
    arms: usize,
    /// By cell, the bucket of its clusters.
    buckets: Vec<u16>,
    /// Index `((asked * groups + group) * arms + arm) * cells + cell`.
    sums: Vec<Sum>,
}

/// Which units are summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Groups {
    /// Everybody who is analysed, then each pre-registered cohort in the order of the file.
    Declared,
    /// The leaves of a tree, which together are everybody of a fold.
    Leaves,
}

/// The units that have all values of a metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum {
    units: u64,
    above: i128,
    below: i128,
}

impl Sum {
    pub(super) fn of(above: i64, below: i64) -> Self {
        Self { units: 1, above: above.into(), below: below.into() }
    }

    fn plus(self, other: Self) -> Self {
        // Values are below 2^46, so sums over 2^34 units are below 2^80.
        Self { units: self.units + other.units, above: self.above + other.above, below: self.below + other.below }
    }

    fn less(self, part: Self) -> Self {
        Self { units: self.units - part.units, above: self.above - part.above, below: self.below - part.below }
    }
}

/// Bytes of the sums of so many metrics, by groups, arms and cells.
pub(crate) fn sums_bytes(sums: u64) -> u64 {
    sums * size_of::<Sum>() as u64
}

impl ClusterTotals {
    /// No sums yet.
    pub(super) fn nothing(
        asked: Vec<Asked>,
        (kind, groups): (Groups, usize),
        (arms, buckets): (usize, Vec<u16>),
    ) -> Self {
        let sums = vec![Sum::default(); asked.len() * groups * arms * buckets.len()];
        Self { asked, kind, groups, arms, buckets, sums }
    }

    /// The number of arms.
    pub fn arms(&self) -> usize {
        self.arms
    }

    /// The totals of a metric in one arm, by cell: its value, and the denominator of a ratio. `None` for what was not counted.
    pub fn of(&self, among: Among, asked: Asked, arm: usize) -> Option<[Vec<Moments>; 2]> {
        let leaves = |holds: &dyn Fn(usize) -> bool| (0..self.groups).filter(|leaf| holds(*leaf)).collect::<Vec<_>>();
        match (self.kind, among) {
            (Groups::Declared, Among::Everybody) => self.over(&[0], asked, arm),
            (Groups::Declared, Among::Cohort(place)) => self.over(&[1 + place], asked, arm),
            (Groups::Declared, Among::BesideCohort(place)) => {
                let place_of = self.place(asked)?;
                let (all, part) = (self.in_group(place_of, 0, arm)?, self.in_group(place_of, 1 + place, arm)?);
                Some(moments(&all.iter().zip(part).map(|(all, part)| all.less(*part)).collect::<Vec<_>>()))
            }
            (Groups::Leaves, Among::Everybody) => self.over(&leaves(&|_| true), asked, arm),
            (Groups::Leaves, Among::Leaf(rank)) => self.over(&[rank], asked, arm),
            (Groups::Leaves, Among::BesideLeaf(rank)) => self.over(&leaves(&|leaf| leaf != rank), asked, arm),
            _ => None,
        }
    }

    /// The totals of a metric in one arm over some groups that share no unit. `None` for what was not counted.
    pub fn over(&self, groups: &[usize], asked: Asked, arm: usize) -> Option<[Vec<Moments>; 2]> {
        let (asked, mut sums) = (self.place(asked)?, vec![Sum::default(); self.buckets.len()]);
        for group in groups {
            let part = self.in_group(asked, *group, arm)?;
            sums.iter_mut().zip(part).for_each(|(sum, part)| *sum = sum.plus(*part));
        }
        Some(moments(&sums))
    }

    /// The totals of a metric in one arm over the units of some buckets of each group. `None` for what was not counted.
    pub fn in_buckets(&self, parts: &[BucketSet], asked: Asked, arm: usize) -> Option<[Vec<Moments>; 2]> {
        let (asked, mut sums) = (self.place(asked)?, vec![Sum::default(); self.buckets.len()]);
        for (group, part) in parts.iter().enumerate() {
            for ((sum, of), bucket) in sums.iter_mut().zip(self.in_group(asked, group, arm)?).zip(&self.buckets) {
                if part.contains(*bucket) {
                    *sum = sum.plus(*of);
                }
            }
        }
        Some(moments(&sums))
    }

    fn place(&self, asked: Asked) -> Option<usize> {
        self.asked.iter().position(|counted| *counted == asked)
    }

    fn in_group(&self, asked: usize, group: usize, arm: usize) -> Option<&[Sum]> {
        let cells = self.buckets.len();
        let first = ((asked * self.groups + group) * self.arms + arm) * cells;
        self.sums.get(first..first + cells).filter(|_| group < self.groups && arm < self.arms)
    }

    /// The sums over the units of both, which are of the same groups.
    #[must_use]
    pub fn plus(mut self, other: Self) -> Self {
        self.sums.iter_mut().zip(other.sums).for_each(|(sum, other)| *sum = sum.plus(other));
        self
    }

    pub(super) fn add(&mut self, (asked, group, arm, cell): (usize, usize, usize, usize), sum: Sum) {
        let place = ((asked * self.groups + group) * self.arms + arm) * self.buckets.len() + cell;
        if let Some(total) = self.sums.get_mut(place) {
            *total = total.plus(sum);
        }
    }
}

fn moments(sums: &[Sum]) -> [Vec<Moments>; 2] {
    let moments = |sum: fn(&Sum) -> i128| {
        let one = |total: &Sum| Moments { n: total.units, sum: sum(total), ..Moments::default() };
        sums.iter().map(one).collect()
    };
    [moments(|sum| sum.above), moments(|sum| sum.below)]
}

impl AnalysedUnits {
    /// Sums every metric by cluster in one look at all units; `None` where units were assigned by themselves. Keeps processors
    /// busy.
    ///
    /// # Errors
    /// As [`AnalysedUnits::new`].
    pub fn cluster_totals(&self) -> Result<Option<ClusterTotals>, QueryError> {
        if self.schema.clusters.is_none() {
            return Ok(None);
        }
        let mut asked: Vec<Asked> = Vec::new();
        for outcome in self.outcomes() {
            asked.extend(Asked::all_of(outcome));
            asked.extend(outcome.uncapped.map(|value| Asked { value, ..Asked::of(outcome) }));
        }
        let look = TotalsLook { schema: self.schema.clone(), asked };
        self.table.look(&look, self.cancel()).map(Some)
    }
}

/// The look by which metrics are summed by cluster.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TotalsLook {
    schema: UnitSchema,
    asked: Vec<Asked>,
}

impl Look for TotalsLook {
    const NAME: &'static str = "totals of clusters";
    type Seen = ClusterTotals;
    type Ready<'a> = (&'a Self, &'a Clusters);

    fn ready(&self) -> Result<(&Self, &Clusters), QueryError> {
        let without = || QueryError::Internal("units were assigned by themselves".to_owned());
        Ok((self, self.schema.clusters.as_ref().ok_or_else(without)?))
    }

    fn nothing(&self) -> ClusterTotals {
        let cells = self.schema.clusters.as_ref().map(Clusters::buckets_of_cells).unwrap_or_default();
        let groups = (Groups::Declared, 1 + self.schema.cohorts.len());
        ClusterTotals::nothing(self.asked.clone(), groups, (self.schema.arms, cells))
    }

    fn add((look, clusters): &(&Self, &Clusters), seen: &mut ClusterTotals, rows: UnitRows) -> Result<(), QueryError> {
        look.add_to(seen, clusters, &look.schema.analysed(rows)?)
    }

    fn merged(one: ClusterTotals, other: ClusterTotals) -> ClusterTotals {
        one.plus(other)
    }
}

impl TotalsLook {
    fn add_to(&self, totals: &mut ClusterTotals, clusters: &Clusters, rows: &UnitRows) -> Result<(), QueryError> {
        let (cells, arms) = (clusters.cells_of(rows)?, rows.arms()?);
        let columns = values(&self.schema.values, rows)?;
        let cohorts = self.schema.cohorts.iter().map(|cohort| rows.cohort(&cohort.column));
        let cohorts = cohorts.collect::<Result<Vec<_>, _>>()?;
        for (place, asked) in self.asked.iter().enumerate() {
            for (row, (cell, arm)) in cells.iter().zip(&arms).enumerate() {
                let Some(sum) = asked.sum(&columns, row) else { continue };
                totals.add((place, 0, usize::from(*arm), *cell), sum);
                for (cohort, members) in cohorts.iter().enumerate() {
                    if members.is_valid(row) && members.value(row) {
                        totals.add((place, 1 + cohort, usize::from(*arm), *cell), sum);
                    }
                }
            }
        }
        Ok(())
    }
}
