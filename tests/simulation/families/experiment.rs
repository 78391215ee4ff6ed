//! Experiments on eight cohorts that are named beforehand, and their hypotheses.

use std::sync::atomic::AtomicBool;

use whom_stats::{
    Against, Bootstrap, BucketSet, CellSums, CodeColumn, ColumnShape, Comparison, Estimate, Estimator, Grid, Grouping,
    Hypothesis, Measured, MeasuredProducts, NotEstimable, ProductColumn, ProductGroup, Question, RatioColumn,
    RegressionAdjustment, Sample, Simultaneous, UnitColumnParts, UnitColumns, bucket_of_integer, cell_sums,
};

use crate::simulation::draws::Draws;
use crate::simulation::spend::spend;
use crate::simulation::trial::target;

pub(super) const COHORTS: usize = 8;

/// What a unit's metric is, and how it is estimated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Metric {
    /// Normal noise.
    Mean,
    /// Spend of Hillstrom's customers.
    Spend,
    /// Clicks per view of units that differ in both.
    Ratio,
    /// A metric adjusted by a skewed covariate.
    Adjusted,
}

/// Experiments of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Design {
    pub(super) metric: Metric,
    /// Units of a cohort.
    pub(super) units: usize,
    /// One unit in so many is treated.
    pub(super) one_in: usize,
    /// What the treatment adds to an affected unit.
    pub(super) gain: f64,
    pub(super) against: Against,
}

impl Design {
    pub(super) const fn new(metric: Metric, units: usize, one_in: usize, gain: f64) -> Self {
        Self { metric, units, one_in, gain, against: Against::Zero }
    }

    pub(super) fn words(self) -> String {
        let Self { metric, units, one_in, against, .. } = self;
        let metric = match metric {
            Metric::Mean => "mean, normal",
            Metric::Spend => "mean, Hillstrom's spend",
            Metric::Ratio => "ratio",
            Metric::Adjusted => "CUPED",
        };
        let against = if against == Against::Zero { "zero" } else { "the rest" };
        format!("{metric} | {units} | 1 in {one_in} | {against}")
    }

    fn grid(self) -> Grid {
        match self.metric {
            Metric::Mean | Metric::Adjusted => Grid::FLOAT,
            Metric::Spend => Grid::decimal(2).expect("a grid"),
            Metric::Ratio => Grid::INTEGER,
        }
    }

    /// The metric's columns of a unit, given what the treatment adds.
    fn unit(self, draws: &mut Draws, gain: f64) -> [f64; 2] {
        match self.metric {
            Metric::Mean => [draws.normal() + gain, 0.0],
            Metric::Spend => [spend(draws) as f64 / 100.0 + gain, 0.0],
            Metric::Ratio => {
                let (rate, views) = (0.1 + 0.4 * draws.uniform(), (1.0 - 4.0 * libm::log(draws.uniform())).floor());
                let clicks = (0..views as usize).filter(|_| draws.uniform() < rate + gain).count();
                [clicks as f64, views]
            }
            Metric::Adjusted => {
                let before = -libm::log(draws.uniform());
                [before + draws.normal() + gain, before]
            }
        }
    }

    /// Sums of the cohorts, of which the first ones are affected.
    pub(super) fn sums(self, affected: usize, repetition: u64) -> CellSums {
        let mut draws = Draws::new(&format!("families {self:?} {affected} {repetition}"));
        let (mut arms, mut cohorts, mut columns) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
        for cohort in 0..COHORTS {
            for _ in 0..self.units {
                let is_treated = draws.below(self.one_in) == 0;
                let gain = if is_treated && cohort < affected { self.gain } else { 0.0 };
                let values = self.unit(&mut draws, gain);
                columns.iter_mut().zip(values).for_each(|(column, value)| column.push(self.on_grid(value)));
                arms.push(u8::from(is_treated));
                cohorts.push(cohort as u8);
            }
        }
        let first_id = (repetition << 32) as i64;
        let units = UnitColumns::new(UnitColumnParts {
            arm_count: 2,
            buckets: (0..arms.len() as i64).map(|row| bucket_of_integer(first_id + row)).collect(),
            arms,
            codes: vec![CodeColumn::U8(cohorts)],
            shapes: vec![ColumnShape { name: "cohort".into(), codes: COHORTS, ordered: false, missing: None }],
            metrics: columns.into(),
        });
        let grouping = Grouping::Codes { column: 0, codes: COHORTS as u16 };
        let counted = cell_sums(&units.expect("units"), &[grouping], &self.groups(), &AtomicBool::new(false));
        counted.expect("a grouping that fits").remove(0)
    }

    fn on_grid(self, value: f64) -> i64 {
        self.grid().to_grid(value).expect("a value within the grid")
    }

    /// The columns that are estimated together; none for a plain mean.
    fn groups(self) -> Vec<ProductGroup> {
        let both = ProductGroup { columns: vec![ProductColumn::Value(0), ProductColumn::Value(1)] };
        if matches!(self.metric, Metric::Ratio | Metric::Adjusted) { vec![both] } else { Vec::new() }
    }
}

/// The hypotheses of an experiment.
pub(super) struct Family<'a> {
    pub(super) design: Design,
    pub(super) sums: &'a CellSums,
    pub(super) everybody: &'a BucketSet,
}

impl Family<'_> {
    pub(super) fn estimates(&self) -> Vec<Result<Estimate, NotEstimable>> {
        let grids = vec![self.design.grid(); 2];
        if self.design.groups().is_empty() {
            let measured = self.measured(&grids);
            return self.hypotheses().iter().map(|hypothesis| hypothesis.estimate(&measured)).collect();
        }
        let (estimator, grids) = (self.design.metric, [grids]);
        let measured = self.products(&grids);
        (0..COHORTS).map(|cohort| measured.estimate(&self.question(&estimator, cohort))).collect()
    }

    pub(super) fn bootstrapped(&self, bootstrap: &Bootstrap<'_>) -> Vec<Result<Simultaneous, NotEstimable>> {
        let grids = vec![self.design.grid(); 2];
        if self.design.groups().is_empty() {
            return bootstrap.max_t(&self.measured(&grids), &self.hypotheses()).outcomes;
        }
        let (estimator, grids) = (self.design.metric, [grids]);
        let questions: Vec<Question<'_>> = (0..COHORTS).map(|cohort| self.question(&estimator, cohort)).collect();
        bootstrap.max_t_of_products(&self.products(&grids), &questions).outcomes
    }

    fn hypotheses(&self) -> Vec<Hypothesis> {
        (0..COHORTS).map(|cohort| Hypothesis { target: target(cohort), against: self.design.against }).collect()
    }

    fn question<'q>(&self, estimator: &'q Metric, cohort: usize) -> Question<'q> {
        Question { estimator, group: 0, cell: Some(cohort), against: self.design.against }
    }

    fn measured<'a>(&'a self, grids: &'a [Grid]) -> Measured<'a> {
        Measured { cells: &self.sums.cells, buckets: self.everybody, grids }
    }

    fn products<'a>(&'a self, grids: &'a [Vec<Grid>]) -> MeasuredProducts<'a> {
        MeasuredProducts { products: &self.sums.products, buckets: self.everybody, grids }
    }
}

impl Estimator for Metric {
    fn estimate(&self, arms: &[Option<Sample>]) -> Result<Estimate, NotEstimable> {
        if *self == Self::Adjusted {
            let adjustment = RegressionAdjustment { outcome: 0, covariates: &[1], treatment: 1, parent: None };
            return adjustment.compare(arms)?.comparison.difference();
        }
        let ratio = RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 };
        let arm = |arm: usize| arms[arm].as_ref().ok_or(NotEstimable::EmptyArm)?.ratios(&[ratio]);
        Comparison::of_means(&arm(1)?, &arm(0)?, 0)?.difference()
    }
}
