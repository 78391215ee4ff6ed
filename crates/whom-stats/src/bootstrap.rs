//! The bucket bootstrap: one procedure for simultaneous intervals and adjusted p-values, without a further scan.
//!
//! A replicate draws for each bucket a Poisson(1) number of copies, as a function of (experiment, replicate, bucket), and
//! estimates every hypothesis again from the weighted sums by bucket. Buckets are random groups of units (or hold whole
//! clusters), so this is a bootstrap of the units that respects whatever units of a bucket share.
//!
//! **One critical value.** Of each replicate the largest |t*| = |estimate* - estimate| / std_err* over the family is kept. The
//! order statistic of rank ceil((replicates + 1) level) is the critical value c of the single-step max-t procedure (Westfall and
//! Young 1993): |t| > c anywhere in the family happens with probability at most 1 - level if nothing is there, however the
//! hypotheses depend on each other. The simultaneous intervals are estimate plus-minus c standard errors.
//!
//! **p-values beyond the replicates.** Counting replicates cannot give a p-value below 1 / (replicates + 1). Instead the family
//! is summed up by the number of independent tests with the same critical value,
//! m = ln(level) / ln(1 - p(c)), with p the two-sided reference distribution; it is at least 1 and mirrors how correlated the
//! hypotheses are. The adjusted p-value is Šidák's with that number, 1 - (1 - p(|t|))^m. It falls below 1 - level exactly where
//! |t| > c, so that interval and p-value never contradict each other, and it is smooth to the far tail. Where the bootstrap's
//! critical value lies below that of a single test, the latter is taken (m = 1): correcting never helps.
//!
//! **Step down.** Beside it stands the p-value of Romano and Wolf (2005), which corrects a hypothesis only for those that are
//! not clearer than itself. It is never larger, so it never contradicts an interval that excludes zero.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::bucket::BucketSet;
use crate::distribution::Reference;
use crate::estimate::{Estimate, Interval, NotEstimable};
use crate::estimator::{MeasuredProducts, Question, WeightedProducts};
use crate::identity::Identity;
use crate::measured::{Measured, Target};
use crate::replicate::Resampled;
use crate::step_down::Correcting;

/// Share of undefined replicates above which a hypothesis is not estimable.
const MOST_UNDEFINED: f64 = 0.01;

/// What a target's effect is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// Zero: does the cohort gain or lose?
    Zero,
    /// The effect in the rest of the units: is the cohort different?
    Rest,
}

/// One hypothesis of a family: that the target's effect equals what it is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Hypothesis {
    /// Whose effect.
    pub target: Target,
    /// What it is held against.
    pub against: Against,
}

/// How a family is bootstrapped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap<'a> {
    /// The experiment: part of every weight's identity.
    pub experiment: &'a str,
    /// The number of replicates; at least 1 / (1 - level).
    pub replicates: u64,
    /// The probability with which all intervals of the family cover at once.
    pub level: f64,
    /// The distribution behind the p-values.
    pub reference: Reference,
}

/// The result for a family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaxT {
    /// The bootstrap's critical value of max |t|; `None` if no hypothesis is estimable.
    pub critical_value: Option<f64>,
    /// One outcome per hypothesis, in the order of the family. Those not estimable take no part in the maximum.
    pub outcomes: Vec<Result<Simultaneous, NotEstimable>>,
}

/// The result for one hypothesis, corrected for its family.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Simultaneous {
    /// The estimate with its own standard error.
    pub estimate: Estimate,
    /// The number of standard errors that count as proof: the family's critical value, or a single test's if that is larger.
    pub critical_value: f64,
    /// The number of independent tests that would have this critical value.
    pub effective_tests: f64,
    /// The adjusted p-value, below 1 - level exactly if the interval excludes zero.
    pub p_adjusted: f64,
    /// Romano and Wolf's step-down p-value, at most `p_adjusted`; it may reject where the interval does not exclude zero.
    pub p_step_down: f64,
    /// The simultaneous interval.
    pub interval: Interval,
    /// The standard deviation of the replicates' estimates.
    pub bootstrap_std_err: f64,
    /// Share of replicates in which an arm ran empty or did not vary.
    pub undefined: f64,
}

impl Bootstrap<'_> {
    /// Tests and intervals for a family of hypotheses on the same statistics.
    ///
    /// Work and memory are proportional to replicates times hypotheses; replicates run in parallel, each in a fixed order, so
    /// the result is the same to the bit on any number of threads.
    pub fn max_t(&self, measured: &Measured<'_>, family: &[Hypothesis]) -> MaxT {
        let estimates: Vec<_> = family.iter().map(|hypothesis| hypothesis.estimate(measured)).collect();
        let estimable = family.iter().zip(&estimates).filter(|(_, estimate)| estimate.is_ok());
        let resampled = Resampled::new(measured, estimable.map(|(hypothesis, _)| *hypothesis));
        self.corrected(measured.buckets, estimates, |weights| resampled.estimates(weights))
    }

    /// The same for any estimators of cross-products.
    ///
    /// ```
    /// use std::sync::atomic::AtomicBool;
    /// use whom_stats::*;
    ///
    /// // Clicks per view of 4,000 units, of which every second is treated and clicks once more.
    /// let units = UnitColumns::new(UnitColumnParts {
    ///     arm_count: 2,
    ///     arms: (0..4_000).map(|id| (id % 2) as u8).collect(),
    ///     buckets: (0..4_000).map(bucket_of_integer).collect(),
    ///     codes: Vec::new(),
    ///     shapes: Vec::new(),
    ///     metrics: vec![(0..4_000).map(|id| id % 2 + id / 2 % 3).collect(), (0..4_000).map(|id| 4 + id / 2 % 7).collect()],
    /// })?;
    /// let clicks_and_views = ProductGroup { columns: vec![ProductColumn::Value(0), ProductColumn::Value(1)] };
    /// let grids = [clicks_and_views.grids(&[Grid::INTEGER; 2])];
    /// let products = cell_products(&units, &Grouping::Everybody, &[clicks_and_views], &AtomicBool::new(false))?;
    ///
    /// let rate = RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 };
    /// let effect = |arms: &[Option<Sample>]| {
    ///     let arm = |arm: usize| arms[arm].as_ref().ok_or(NotEstimable::EmptyArm)?.ratios(&[rate]);
    ///     Comparison::of_means(&arm(1)?, &arm(0)?, 0)?.difference()
    /// };
    /// let measured = MeasuredProducts { products: &products, buckets: &BucketSet::all(), grids: &grids };
    /// let question = Question { estimator: &effect, group: 0, cell: None, against: Against::Zero };
    /// let bootstrap = Bootstrap { experiment: "clicks", replicates: 199, level: 0.95, reference: Reference::T };
    /// let found = bootstrap.max_t_of_products(&measured, &[question]).outcomes[0]?;
    /// assert!((found.estimate.value - 1.0 / 7.0).abs() < 1e-3);
    /// assert!((found.bootstrap_std_err / found.estimate.std_err - 1.0).abs() < 0.15);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_t_of_products(&self, measured: &MeasuredProducts<'_>, family: &[Question<'_>]) -> MaxT {
        let estimates: Vec<_> = family.iter().map(|question| measured.estimate(question)).collect();
        let estimable = family.iter().zip(&estimates).filter(|(_, estimate)| estimate.is_ok());
        let weighted = WeightedProducts::new(measured, estimable.map(|(question, _)| *question).collect());
        self.corrected(measured.buckets, estimates, |weights| weighted.estimates(weights))
    }

    /// Corrects estimates for their family, given those that are estimable again under a weight per bucket.
    pub(crate) fn corrected(
        &self,
        buckets: &BucketSet,
        estimates: Vec<Result<Estimate, NotEstimable>>,
        again: impl Fn(&[f64]) -> Vec<Option<(f64, f64)>> + Sync,
    ) -> MaxT {
        let estimable: Vec<Estimate> = estimates.iter().filter_map(|estimate| estimate.ok()).collect();
        let replicates = self.replicates(buckets, &estimable, again);
        let spreads: Vec<Spread> =
            (0..estimable.len()).map(|hypothesis| Spread::new(&replicates, hypothesis)).collect();
        let defined: Vec<usize> = (0..spreads.len()).filter(|hypothesis| spreads[*hypothesis].is_defined()).collect();
        let distances = distances(&replicates, &defined);
        let mut maxima: Vec<f64> = distances.iter().map(|row| row.iter().copied().fold(0.0, f64::max)).collect();
        let critical_value = self.correcting().critical_value(&mut maxima);
        let tested: Vec<Estimate> = defined.iter().map(|hypothesis| estimable[*hypothesis]).collect();
        let mut step_down = self.correcting().step_down(&tested, &distances).into_iter();
        let mut spreads = spreads.into_iter();
        let outcome = |estimate: Result<Estimate, NotEstimable>| {
            let (estimate, spread) = (estimate?, spreads.next().filter(Spread::is_defined));
            let step_down = spread.and_then(|_| step_down.next());
            match (critical_value, spread, step_down) {
                (Some(critical), Some(spread), Some(p_step_down)) => {
                    Ok(self.simultaneous(estimate, critical, spread, p_step_down))
                }
                _ => Err(NotEstimable::UndefinedReplicates),
            }
        };
        MaxT { critical_value, outcomes: estimates.into_iter().map(outcome).collect() }
    }

    fn correcting(&self) -> Correcting {
        Correcting { reference: self.reference, level: self.level }
    }

    /// By replicate, then by hypothesis: the estimate and its studentised distance from the original one.
    fn replicates(
        &self,
        buckets: &BucketSet,
        estimable: &[Estimate],
        again: impl Fn(&[f64]) -> Vec<Option<(f64, f64)>> + Sync,
    ) -> Vec<Vec<Option<Draw>>> {
        if estimable.is_empty() {
            return Vec::new();
        }
        let identity = Identity::new(self.experiment, "bootstrap");
        let draw = |replicate| {
            let weights: Vec<f64> =
                buckets.iter().map(|bucket| f64::from(poisson(identity.hash(bucket, replicate)))).collect();
            again(&weights).into_iter().zip(estimable).map(|(again, estimate)| Draw::new(again?, estimate)).collect()
        };
        (0..self.replicates).into_par_iter().map(draw).collect()
    }

    fn simultaneous(&self, estimate: Estimate, critical_value: f64, spread: Spread, p_step_down: f64) -> Simultaneous {
        let (correcting, degrees_of_freedom) = (self.correcting(), estimate.degrees_of_freedom);
        let critical_value = correcting.at_least_single(critical_value, degrees_of_freedom);
        let effective_tests = correcting.effective_tests(critical_value, degrees_of_freedom);
        let p_adjusted = correcting.p_adjusted(&estimate, effective_tests);
        Simultaneous {
            estimate,
            critical_value,
            effective_tests,
            p_adjusted,
            p_step_down,
            interval: estimate.interval_at(critical_value),
            bootstrap_std_err: spread.std_err,
            undefined: spread.undefined,
        }
    }
}

impl Hypothesis {
    /// The estimate of the effect, or of its contrast with the rest.
    ///
    /// # Errors
    /// As [`Measured::effect`] and [`Measured::contrast`].
    pub fn estimate(&self, measured: &Measured<'_>) -> Result<Estimate, NotEstimable> {
        match self.against {
            Against::Zero => measured.effect(self.target).map(|effect| effect.difference),
            Against::Rest => measured.contrast(self.target),
        }
    }
}

/// By replicate, |t*| of the `defined` hypotheses, zero where it has no value; replicates without any value are left out.
fn distances(replicates: &[Vec<Option<Draw>>], defined: &[usize]) -> Vec<Vec<f64>> {
    let distance = |draw: Option<Draw>| draw.map_or(0.0, |draw| draw.statistic.abs());
    let has_value = |draws: &&Vec<Option<Draw>>| defined.iter().any(|hypothesis| draws[*hypothesis].is_some());
    let row = |draws: &Vec<Option<Draw>>| defined.iter().map(|hypothesis| distance(draws[*hypothesis])).collect();
    replicates.iter().filter(has_value).map(row).collect()
}

/// One hypothesis in one replicate.
#[derive(Clone, Copy, Debug)]
struct Draw {
    estimate: f64,
    statistic: f64,
}

impl Draw {
    fn new((value, std_err): (f64, f64), original: &Estimate) -> Option<Self> {
        (std_err > 0.0).then(|| Self { estimate: value, statistic: (value - original.value) / std_err })
    }
}

/// One hypothesis over all replicates.
#[derive(Clone, Copy, Debug)]
struct Spread {
    std_err: f64,
    undefined: f64,
}

impl Spread {
    fn new(replicates: &[Vec<Option<Draw>>], hypothesis: usize) -> Self {
        let estimates: Vec<f64> =
            replicates.iter().filter_map(|draws| draws[hypothesis].map(|draw| draw.estimate)).collect();
        let count = estimates.len() as f64;
        let mean = estimates.iter().sum::<f64>() / count;
        let squares: f64 = estimates.iter().map(|estimate| (estimate - mean) * (estimate - mean)).sum();
        Self { std_err: (squares / (count - 1.0)).sqrt(), undefined: 1.0 - count / replicates.len() as f64 }
    }

    /// False also for none or one replicate, whose spread is not a number.
    fn is_defined(&self) -> bool {
        self.undefined <= MOST_UNDEFINED && self.std_err.is_finite()
    }
}

/// A Poisson(1) count from 64 random bits: the number of thresholds floor(2^64 P(count <= k)) that they reach.
pub(crate) fn poisson(bits: u64) -> u8 {
    const THRESHOLDS: [u64; 21] = [
        6_786_177_901_268_885_274,
        13_572_355_802_537_770_549,
        16_965_444_753_172_213_186,
        18_096_474_403_383_694_065,
        18_379_231_815_936_564_285,
        18_435_783_298_447_138_329,
        18_445_208_545_532_234_003,
        18_446_555_009_401_533_385,
        18_446_723_317_385_195_808,
        18_446_742_018_272_269_410,
        18_446_743_888_360_976_771,
        18_446_744_058_369_041_076,
        18_446_744_072_536_379_768,
        18_446_744_073_626_175_052,
        18_446_744_073_704_017_573,
        18_446_744_073_709_207_074,
        18_446_744_073_709_531_418,
        18_446_744_073_709_550_497,
        18_446_744_073_709_551_557,
        18_446_744_073_709_551_613,
        18_446_744_073_709_551_615,
    ];
    THRESHOLDS.iter().take_while(|threshold| bits >= **threshold).count() as u8
}

#[cfg(test)]
mod tests;
