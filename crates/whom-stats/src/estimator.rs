//! The seam between what is estimated and what it is estimated from.
//!
//! An [`Estimator`] turns a sample per arm into an estimate and knows nothing of buckets, cohorts or replicates. The cells of
//! [`CellProducts`] ask it for every cohort, for the rest of the units, and again for every replicate of the bootstrap: from
//! sums about common centres, weighted by bucket. So a ratio, an adjusted mean or a lift is corrected for its family exactly
//! like a difference of means.

use crate::bootstrap::Against;
use crate::bucket::BucketSet;
use crate::cell_products::CellProducts;
use crate::cross_products::CrossProducts;
use crate::estimate::{Estimate, NotEstimable};
use crate::grid::Grid;
use crate::sample::{CentredSums, Sample, centres};

/// Something that can be estimated from one sample per arm, control first; arms without enough units are `None`.
///
/// Any function of the samples is one.
pub trait Estimator: Sync {
    /// The estimate.
    ///
    /// # Errors
    /// What cannot be estimated, and why.
    fn estimate(&self, arms: &[Option<Sample>]) -> Result<Estimate, NotEstimable>;
}

impl<F: Fn(&[Option<Sample>]) -> Result<Estimate, NotEstimable> + Sync> Estimator for F {
    fn estimate(&self, arms: &[Option<Sample>]) -> Result<Estimate, NotEstimable> {
        self(arms)
    }
}

/// The products of a partition's cells on the buckets of a fold.
#[derive(Clone, Copy, Debug)]
pub struct MeasuredProducts<'a> {
    /// Products by (cell, arm, bucket).
    pub products: &'a CellProducts,
    /// The fold.
    pub buckets: &'a BucketSet,
    /// By group, the grid of each column.
    pub grids: &'a [Vec<Grid>],
}

/// One question of a family: an estimator, in a cell, against zero or the rest.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// What is estimated.
    pub estimator: &'a dyn Estimator,
    /// The group whose columns it reads.
    pub group: usize,
    /// The cell; `None` for all cells together, which have no rest.
    pub cell: Option<usize>,
    /// What the estimate is held against.
    pub against: Against,
}

impl MeasuredProducts<'_> {
    /// The estimate in the question's cell, or its contrast with the rest.
    ///
    /// # Errors
    /// Whatever the estimator cannot estimate; [`NotEstimable::NotCounted`] for a cell or group that is not there;
    /// [`NotEstimable::OneGroup`] for a contrast of all cells with no rest.
    pub fn estimate(&self, question: &Question<'_>) -> Result<Estimate, NotEstimable> {
        let cells = 0..self.products.cells();
        if question.group >= self.products.groups().min(self.grids.len())
            || question.cell.is_some_and(|cell| !cells.contains(&cell))
        {
            return Err(NotEstimable::NotCounted);
        }
        let in_cell = self.estimate_in(question, |cell| question.cell.is_none_or(|asked| asked == cell))?;
        match (question.against, question.cell) {
            (Against::Zero, _) => Ok(in_cell),
            (Against::Rest, None) => Err(NotEstimable::OneGroup),
            (Against::Rest, Some(asked)) => Ok(in_cell.minus(&self.estimate_in(question, |cell| cell != asked)?)),
        }
    }

    /// The samples of the arms in chosen cells, about their own centres.
    pub fn samples(&self, group: usize, selects: impl Fn(usize) -> bool) -> Vec<Option<Sample>> {
        let cells: Vec<usize> = (0..self.products.cells()).filter(|cell| selects(*cell)).collect();
        let arms = self.products.sum(group, &cells, self.buckets);
        let (centres, grids) = (centres(&arms), self.grids.get(group));
        let sample = |arm| Sample::exact(arm, &centres, grids?).ok();
        arms.iter().map(sample).collect()
    }

    fn estimate_in(&self, question: &Question<'_>, selects: impl Fn(usize) -> bool) -> Result<Estimate, NotEstimable> {
        question.estimator.estimate(&self.samples(question.group, selects))
    }
}

/// The sums by bucket that a family reads, each once: by group and cell, `None` for all cells.
pub(crate) struct WeightedProducts<'a> {
    family: Vec<Question<'a>>,
    keys: Vec<(usize, Option<usize>)>,
    series: Vec<ArmSeries>,
}

/// The sums of a group in a cell about the group's centres, by arm and then by bucket.
struct ArmSeries {
    centres: Vec<f64>,
    arms: Vec<Vec<CentredSums>>,
}

impl<'a> WeightedProducts<'a> {
    /// Gathers what questions read that the products can answer.
    pub(crate) fn new(measured: &MeasuredProducts<'_>, family: Vec<Question<'a>>) -> Self {
        let everybody = |question: &Question<'_>| (question.against == Against::Rest).then_some((question.group, None));
        let mut keys: Vec<_> = family
            .iter()
            .flat_map(|question| [Some((question.group, question.cell)), everybody(question)])
            .flatten()
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let series = keys.iter().map(|(group, cell)| ArmSeries::new(measured, *group, *cell)).collect();
        Self { family, keys, series }
    }

    /// Each question's estimate and standard error under a weight per bucket; `None` where there is none.
    pub(crate) fn estimates(&self, weights: &[f64]) -> Vec<Option<(f64, f64)>> {
        let sums: Vec<Vec<CentredSums>> = self.series.iter().map(|series| series.weighted(weights)).collect();
        self.family.iter().map(|question| self.answer(question, &sums)).collect()
    }

    fn answer(&self, question: &Question<'_>, sums: &[Vec<CentredSums>]) -> Option<(f64, f64)> {
        let place = |cell| self.keys.binary_search(&(question.group, cell)).ok();
        let here = place(question.cell)?;
        let centres = &self.series[here].centres;
        let estimate = |arms: &[CentredSums]| {
            let samples: Vec<_> = arms.iter().map(|arm| Sample::from_sums(arm, centres).ok()).collect();
            question.estimator.estimate(&samples).ok()
        };
        let in_cell = estimate(&sums[here])?;
        if question.against == Against::Zero {
            return Some((in_cell.value, in_cell.std_err));
        }
        let all = &sums[place(None)?];
        let rest: Vec<CentredSums> = all.iter().zip(&sums[here]).map(|(all, part)| all.without(part)).collect();
        let rest = estimate(&rest)?;
        let variance = in_cell.std_err * in_cell.std_err + rest.std_err * rest.std_err;
        Some((in_cell.value - rest.value, variance.sqrt()))
    }
}

impl ArmSeries {
    fn new(measured: &MeasuredProducts<'_>, group: usize, cell: Option<usize>) -> Self {
        let (products, grids) = (measured.products, &measured.grids[group]);
        let everybody: Vec<usize> = (0..products.cells()).collect();
        let centres = centres(&products.sum(group, &everybody, measured.buckets));
        let bucket_sums = |arm: usize, bucket: u16| {
            let mut sum = CrossProducts::new(centres.len());
            let cells = cell.map_or(0..products.cells(), |cell| cell..cell + 1);
            cells.filter_map(|cell| products.get(group, cell, bucket, arm)).for_each(|part| sum += part);
            CentredSums::new(&sum, &centres, grids)
        };
        let arm = |arm| measured.buckets.iter().map(|bucket| bucket_sums(arm, bucket)).collect();
        Self {
            arms: (0..products.arms()).map(arm).collect(),
            centres: centres.iter().zip(grids).map(|(centre, grid)| grid.from_grid(*centre)).collect(),
        }
    }

    /// By arm, the sums over buckets, each as often as its weight says, in the order of the buckets.
    fn weighted(&self, weights: &[f64]) -> Vec<CentredSums> {
        let total = |buckets: &Vec<CentredSums>| {
            let mut sum = CentredSums::default();
            buckets.iter().zip(weights).for_each(|(bucket, weight)| sum.add(bucket, *weight));
            sum
        };
        self.arms.iter().map(total).collect()
    }
}

#[cfg(test)]
mod tests;
