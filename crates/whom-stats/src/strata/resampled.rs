//! The bootstrap of effects within strata: every replicate compares the arms within each stratum again, and weights the
//! strata by the units that it drew in them.
//!
//! A bucket is drawn as often in one stratum as in all others, so units that share a bucket stay together, and the shares of the
//! strata vary from replicate to replicate as they do from sample to sample. A stratum that lacks an arm in a replicate is left out
//! of it as [`Stratified::new`] leaves it out; where that is too much of the units the replicate is undefined, and counted.

use crate::bootstrap::{Against, Bootstrap, MaxT};
use crate::bucket::BucketSet;
use crate::cell_sums::CellSums;
use crate::comparison::Comparison;
use crate::cross_products::CrossProducts;
use crate::estimate::{Estimate, NotEstimable};
use crate::grid::Grid;
use crate::moments::Moments;
use crate::sample::{CentredSums, Sample, centres};
use crate::strata::{Stratified, Stratum};

/// A treatment and control within a stratum, from one sample per arm, control first; arms without enough units are `None`.
pub type WithinStratum<'a> = dyn Fn(&[Option<Sample>]) -> Result<Comparison, NotEstimable> + Sync + 'a;

/// The sums of cohorts by stratum, on the buckets of a fold.
#[derive(Clone, Copy, Debug)]
pub struct MeasuredStrata<'a> {
    /// Sums by (cell, arm, bucket); the cells of a cohort are its strata, one cohort after the other.
    pub sums: &'a CellSums,
    /// How many strata there are.
    pub strata: usize,
    /// The fold.
    pub buckets: &'a BucketSet,
    /// The grid of each metric.
    pub grids: &'a [Grid],
    /// By group of products, the grid of each column.
    pub group_grids: &'a [Vec<Grid>],
}

/// One question of a family: an effect within strata in a cohort, against zero or the rest.
#[derive(Clone, Copy)]
pub struct StratifiedQuestion<'a> {
    /// The comparison in each stratum.
    pub within: &'a WithinStratum<'a>,
    /// The metric whose units weigh the strata.
    pub metric: usize,
    /// The group whose columns the comparison reads; `None` for the metric as its only column.
    pub group: Option<usize>,
    /// The cohort.
    pub cohort: usize,
    /// What the effect is held against.
    pub against: Against,
    /// The stratum-weighted effect, or its contrast with the rest, as the units themselves have it.
    pub estimate: Result<Estimate, NotEstimable>,
}

impl Bootstrap<'_> {
    /// Tests and intervals for a family of stratum-weighted effects: [`Bootstrap::max_t`] within strata.
    ///
    /// Memory is that of one `f64` for each column, and each pair of columns, of (metric, cohort, stratum, arm, bucket), and
    /// of the replicates' estimates. A question about a cohort, metric or group that is not there is
    /// [`NotEstimable::NotCounted`]; one without an estimate keeps its reason and takes no part.
    pub fn max_t_within_strata(&self, measured: &MeasuredStrata<'_>, family: &[StratifiedQuestion<'_>]) -> MaxT {
        let judged = |question: &StratifiedQuestion<'_>| {
            if measured.has(question) { question.estimate } else { Err(NotEstimable::NotCounted) }
        };
        let estimates: Vec<_> = family.iter().map(judged).collect();
        let asked = family.iter().zip(&estimates).filter(|(_, estimate)| estimate.is_ok());
        let resampled = Resampled::new(measured, asked.map(|(question, _)| *question).collect());
        self.corrected(measured.buckets, estimates, |weights| resampled.estimates(weights))
    }
}

impl MeasuredStrata<'_> {
    /// The number of cohorts.
    fn cohorts(&self) -> usize {
        self.sums.cells.cells.checked_div(self.strata).unwrap_or(0)
    }

    fn has(&self, question: &StratifiedQuestion<'_>) -> bool {
        let metrics = self.sums.cells.tables.first().map_or(0, crate::arm_table::ArmTable::metrics);
        let groups = self.sums.products.groups().min(self.group_grids.len());
        question.cohort < self.cohorts()
            && question.metric < metrics.min(self.grids.len())
            && question.group.is_none_or(|group| group < groups)
    }

    /// The moments of a metric in some cells, a bucket and an arm.
    fn moments(&self, metric: usize, cells: &[usize], (bucket, arm): (u16, usize)) -> Moments {
        let tables = cells.iter().filter_map(|cell| self.sums.cells.table(*cell, bucket));
        tables.fold(Moments::default(), |sum, table| sum + *table.get(arm, metric))
    }
}

/// What a family reads, each once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    metric: usize,
    group: Option<usize>,
    /// `None` for all cohorts together.
    cohort: Option<usize>,
}

impl Key {
    fn of(question: &StratifiedQuestion<'_>, cohort: Option<usize>) -> Self {
        Self { metric: question.metric, group: question.group, cohort }
    }

    /// The cells of a stratum.
    fn cells(self, measured: &MeasuredStrata<'_>, stratum: usize) -> Vec<usize> {
        let cohorts = self.cohort.map_or(0..measured.cohorts(), |cohort| cohort..cohort + 1);
        cohorts.map(|cohort| cohort * measured.strata + stratum).collect()
    }
}

struct Resampled<'a> {
    family: Vec<StratifiedQuestion<'a>>,
    keys: Vec<Key>,
    series: Vec<Series>,
}

/// Sums by stratum, arm and bucket about centres that all cohorts, strata and arms share.
struct Series {
    centres: Vec<f64>,
    strata: Vec<StratumSeries>,
}

struct StratumSeries {
    /// By arm, and then by bucket.
    arms: Vec<Packed>,
    /// By bucket, the units of all arms that have a value.
    units: Vec<f64>,
}

/// Sums of buckets one after the other: units, sums, products.
struct Packed {
    columns: usize,
    sums: Vec<f64>,
}

/// What a replicate drew in a stratum.
#[derive(Clone)]
struct Drawn {
    arms: Vec<CentredSums>,
    units: f64,
}

impl<'a> Resampled<'a> {
    fn new(measured: &MeasuredStrata<'_>, family: Vec<StratifiedQuestion<'a>>) -> Self {
        let everybody =
            |question: &StratifiedQuestion<'_>| (question.against == Against::Rest).then(|| Key::of(question, None));
        let read = |question| [Some(Key::of(question, Some(question.cohort))), everybody(question)];
        let mut keys: Vec<Key> = family.iter().flat_map(read).flatten().collect();
        keys.sort_unstable();
        keys.dedup();
        let series = keys.iter().map(|key| Series::new(measured, *key)).collect();
        Self { family, keys, series }
    }

    /// Each question's estimate and standard error under a weight per bucket; `None` where there is none.
    fn estimates(&self, weights: &[f64]) -> Vec<Option<(f64, f64)>> {
        let drawn: Vec<Vec<Drawn>> = self.series.iter().map(|series| series.drawn(weights)).collect();
        self.family.iter().map(|question| self.answer(question, &drawn)).collect()
    }

    fn answer(&self, question: &StratifiedQuestion<'_>, drawn: &[Vec<Drawn>]) -> Option<(f64, f64)> {
        let place = |cohort| self.keys.binary_search(&Key::of(question, cohort)).ok();
        let here = place(Some(question.cohort))?;
        let centres = &self.series[here].centres;
        let cohort = compared(question, &drawn[here], centres)?;
        if question.against == Against::Zero {
            return Some((cohort.value, cohort.std_err));
        }
        let all = &drawn[place(None)?];
        let rest: Vec<Drawn> = all.iter().zip(&drawn[here]).map(|(all, part)| all.without(part)).collect();
        let rest = compared(question, &rest, centres)?;
        let variance = cohort.std_err * cohort.std_err + rest.std_err * rest.std_err;
        Some((cohort.value - rest.value, variance.sqrt()))
    }
}

/// The effect over strata in a replicate.
fn compared(question: &StratifiedQuestion<'_>, strata: &[Drawn], centres: &[f64]) -> Option<Estimate> {
    let stratum = |drawn: &Drawn| {
        let samples: Vec<_> = drawn.arms.iter().map(|arm| Sample::from_sums(arm, centres).ok()).collect();
        let units = drawn.units as u64;
        Stratum { units, independent: units, comparison: (question.within)(&samples) }
    };
    let strata: Vec<Stratum> = strata.iter().map(stratum).collect();
    Stratified::new(&strata).ok()?.comparison.difference().ok()
}

impl Drawn {
    fn without(&self, part: &Self) -> Self {
        let arms = self.arms.iter().zip(&part.arms).map(|(all, part)| all.without(part)).collect();
        Self { arms, units: self.units - part.units }
    }
}

impl Series {
    fn new(measured: &MeasuredStrata<'_>, key: Key) -> Self {
        let (centres, grids) = about(measured, key);
        let strata = (0..measured.strata).map(|stratum| {
            let cells = key.cells(measured, stratum);
            let sums = |bucket, arm| match key.group {
                None => of_moments(&measured.moments(key.metric, &cells, (bucket, arm)), centres[0], grids[0]),
                Some(group) => {
                    let mut sum = CrossProducts::new(centres.len());
                    let parts = cells.iter().filter_map(|cell| measured.sums.products.get(group, *cell, bucket, arm));
                    parts.for_each(|part| sum += part);
                    CentredSums::new(&sum, &centres, &grids)
                }
            };
            let arms = 0..measured.sums.cells.arms();
            let packed = |arm| Packed::new(centres.len(), measured.buckets.iter().map(|bucket| sums(bucket, arm)));
            let counted = |bucket| {
                let of = |arm| measured.moments(key.metric, &cells, (bucket, arm)).n;
                arms.clone().map(of).sum::<u64>() as f64
            };
            StratumSeries {
                arms: arms.clone().map(packed).collect(),
                units: measured.buckets.iter().map(counted).collect(),
            }
        });
        let strata = strata.collect();
        Self { centres: centres.iter().zip(&grids).map(|(centre, grid)| grid.from_grid(*centre)).collect(), strata }
    }

    fn drawn(&self, weights: &[f64]) -> Vec<Drawn> {
        let drawn = |stratum: &StratumSeries| Drawn {
            arms: stratum.arms.iter().map(|arm| arm.weighted(weights)).collect(),
            units: stratum.units.iter().zip(weights).map(|(units, weight)| units * weight).sum(),
        };
        self.strata.iter().map(drawn).collect()
    }
}

/// Centres near the means of a key's columns over all cohorts, and the columns' grids.
fn about(measured: &MeasuredStrata<'_>, key: Key) -> (Vec<i64>, Vec<Grid>) {
    if let Some(group) = key.group {
        let everything: Vec<usize> = (0..measured.sums.products.cells()).collect();
        let sums = measured.sums.products.sum(group, &everything, measured.buckets);
        return (centres(&sums), measured.group_grids[group].clone());
    }
    let everybody = measured.sums.cells.pooled(measured.buckets);
    let all = (0..everybody.units.len()).fold(Moments::default(), |sum, arm| sum + *everybody.get(arm, key.metric));
    let centre = all.sum.checked_div_euclid(i128::from(all.n)).and_then(|centre| i64::try_from(centre).ok());
    (vec![centre.unwrap_or(0)], vec![measured.grids[key.metric]])
}

/// The sums of a metric as the only column.
fn of_moments(moments: &Moments, centre: i64, grid: Grid) -> CentredSums {
    let (Moments { n, sum, sum_squares, .. }, steps) = (moments.about(i128::from(centre)), grid.steps_per_one());
    CentredSums { units: n as f64, sums: vec![sum as f64 / steps], products: vec![sum_squares as f64 / steps / steps] }
}

impl Packed {
    fn new(columns: usize, buckets: impl Iterator<Item = CentredSums>) -> Self {
        let mut sums = Vec::new();
        for bucket in buckets {
            sums.push(bucket.units);
            sums.extend(bucket.sums);
            sums.extend(bucket.products);
        }
        Self { columns, sums }
    }

    /// The sum over buckets, each as often as its weight says, in their order.
    fn weighted(&self, weights: &[f64]) -> CentredSums {
        let width = 1 + self.columns + self.columns * self.columns;
        let mut total = vec![0.0; width];
        for (bucket, weight) in self.sums.chunks_exact(width).zip(weights).filter(|(_, weight)| **weight != 0.0) {
            total.iter_mut().zip(bucket).for_each(|(total, sum)| *total += weight * sum);
        }
        let (sums, products) = total[1..].split_at(self.columns);
        CentredSums { units: total[0], sums: sums.to_vec(), products: products.to_vec() }
    }
}

#[cfg(test)]
mod tests;
