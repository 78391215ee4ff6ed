//! The score of a node: how much effect it holds, less what honest measurement of it would cost.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use whom_stats::moments::Moments;
use whom_stats::{ArmCell, ArmTable};

use crate::centre::{nearest_mean, squared_deviations};
use crate::controls::{Controls, SplitCriterion};
use crate::target::Target;

/// Why a target takes no part in a tree's score and in the sizes that a leaf must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Silence {
    /// The metric has the same value for all discovery units of an arm, in every involved arm.
    ConstantMetric,
    /// Control or the treatment has no discovery unit with a value.
    EmptyArm,
}

/// A target that takes no part, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SilentTarget {
    /// The target.
    pub target: Target,
    /// The reason.
    pub silence: Silence,
}

/// The criterion of one tree, fixed by the totals of all discovery units.
///
/// A node's score is the mean over targets of Q over the metric's root variance, where (Athey and Imbens 2016)
///
/// Q = (1 - penalty) n tau² - penalty (1 + r) n (v1/n1 + v0/n0),
///
/// n = n1 + n0 are the units with a value, tau the difference of the arms' means, v the variances with divisor n1, n0.
/// or, for a transformed outcome (Athey and Imbens 2016, the TOT rule), Q = (sum of Y*)² / n, where the sum of
/// Y* = (Y - m) (W - p) / (p (1 - p)) is S1 / p - S0 / (1 - p), S the sums of Y - m by arm and p the share of the treated among
/// the root's n; the gain of a split is then what it takes off the squared error of Y*.
/// The root variance is the metric's variance within arms, pooled over the involved arms. Sums are centred exactly at
/// the metric's root mean before they become floating point, so a shift of a metric changes no bit, and swapping a
/// treatment with control changes none either.
#[derive(Clone, Debug)]
pub(crate) struct Criterion {
    slots: Vec<Slot>,
    scored: Vec<ScoredTarget>,
    silent: Vec<SilentTarget>,
    arms: Vec<usize>,
    maximises: SplitCriterion,
    units: u64,
    penalty: f64,
    honesty_ratio: f64,
    units_per_arm: u64,
    events_per_arm: u64,
}

/// One (arm, metric) that the score reads, and the centre of its metric.
#[derive(Clone, Debug)]
struct Slot {
    arm: usize,
    metric: usize,
    centre: i128,
}

#[derive(Clone, Debug)]
struct ScoredTarget {
    target: Target,
    treatment: usize,
    control: usize,
    root_variance: f64,
    /// The shares of the treatment's and the control's discovery units in their sum.
    shares: [f64; 2],
}

impl Criterion {
    /// The criterion of a tree for `targets`, with `root` the totals of all discovery units.
    pub(crate) fn new(targets: &[Target], root: &ArmTable, controls: &Controls) -> Self {
        let arms: BTreeSet<usize> = std::iter::once(0).chain(targets.iter().map(|target| target.treatment)).collect();
        let mut criterion = Self {
            slots: Vec::new(),
            scored: Vec::new(),
            silent: Vec::new(),
            arms: arms.into_iter().collect(),
            maximises: controls.criterion,
            units: controls.units,
            penalty: controls.penalty,
            honesty_ratio: controls.honesty_ratio,
            units_per_arm: controls.units_per_arm,
            events_per_arm: controls.events_per_arm,
        };
        for target in targets {
            criterion.add(*target, targets, root);
        }
        criterion
    }

    fn add(&mut self, target: Target, targets: &[Target], root: &ArmTable) {
        let treatments = targets.iter().filter(|other| other.metric == target.metric).map(|other| other.treatment);
        let involved: BTreeSet<usize> = std::iter::once(0).chain(treatments).collect();
        let of_arm = |arm: usize| root.get(arm, target.metric);
        let pooled = involved.iter().fold(Moments::default(), |sum, arm| sum + *of_arm(*arm));
        let deviations: f64 = involved.iter().map(|arm| squared_deviations(of_arm(*arm))).sum();
        let silence = if of_arm(0).n == 0 || of_arm(target.treatment).n == 0 {
            Some(Silence::EmptyArm)
        } else {
            (deviations == 0.0).then_some(Silence::ConstantMetric)
        };
        if let Some(silence) = silence {
            self.silent.push(SilentTarget { target, silence });
            return;
        }
        let centre = match self.maximises {
            SplitCriterion::CausalMse | SplitCriterion::TransformedOutcome => nearest_mean(&pooled),
            SplitCriterion::RawTransformedOutcome => 0,
        };
        let treatment = self.slot(target.treatment, target.metric, centre);
        let control = self.slot(0, target.metric, centre);
        let root_variance = deviations / pooled.n as f64;
        let (treated, untreated) = (of_arm(target.treatment).n as f64, of_arm(0).n as f64);
        let shares = [treated, untreated].map(|units| units / (treated + untreated));
        self.scored.push(ScoredTarget { target, treatment, control, root_variance, shares });
    }

    fn slot(&mut self, arm: usize, metric: usize, centre: i128) -> usize {
        let known = self.slots.iter().position(|slot| slot.arm == arm && slot.metric == metric);
        known.unwrap_or_else(|| {
            self.slots.push(Slot { arm, metric, centre });
            self.slots.len() - 1
        })
    }

    /// The same criterion for a part of the discovery units `whole`: r shrinks with the part.
    pub(crate) fn for_part(&self, part: &ArmTable, whole: &ArmTable) -> Self {
        let share = self.units(part.cell()) as f64 / self.units(whole.cell()).max(1) as f64;
        Self { honesty_ratio: self.honesty_ratio * share, ..self.clone() }
    }

    /// Targets that take no part.
    pub(crate) fn silent(&self) -> &[SilentTarget] {
        &self.silent
    }

    /// The number of targets that take part.
    pub(crate) fn targets(&self) -> usize {
        self.scored.len()
    }

    /// The root standard deviation of a target's metric, or `None` if the target is silent.
    pub(crate) fn root_deviation(&self, target: Target) -> Option<f64> {
        self.scored.iter().find(|scored| scored.target == target).map(|scored| scored.root_variance.sqrt())
    }

    /// The number of (arm, metric) pairs in [`Criterion::cells`].
    pub(crate) fn width(&self) -> usize {
        self.slots.len()
    }

    /// What the score reads of a table, exactly centred.
    pub(crate) fn cells<'a>(&'a self, table: ArmCell<'a>) -> impl Iterator<Item = Moments> + 'a {
        self.slots.iter().map(move |slot| table.get(slot.arm, slot.metric).about(slot.centre))
    }

    /// Units of the involved arms, whether or not a metric has a value for them.
    pub(crate) fn units(&self, table: ArmCell<'_>) -> u64 {
        self.arms.iter().map(|arm| table.units[*arm]).sum()
    }

    /// Whether a leaf with these cells is large enough in every involved arm, `times` over.
    pub(crate) fn admits(&self, cells: &[Moments], times: u64) -> bool {
        cells.iter().all(|cell| {
            cell.n >= self.units_per_arm.saturating_mul(times)
                && cell.events >= self.events_per_arm.saturating_mul(times)
        }) && self
            .scored
            .iter()
            .all(|scored| cells[scored.treatment].n + cells[scored.control].n >= self.units.saturating_mul(times))
    }

    /// The mean score over targets; a target with an empty arm contributes nothing.
    pub(crate) fn score(&self, cells: &[Moments]) -> f64 {
        let scores = self.scored.iter().filter_map(|scored| self.score_of(scored, cells));
        scores.sum::<f64>() / self.scored.len().max(1) as f64
    }

    /// One target's Q over its root variance, or `None` if an arm is empty.
    #[inline]
    fn score_of(&self, scored: &ScoredTarget, cells: &[Moments]) -> Option<f64> {
        let (treated, control) = (&cells[scored.treatment], &cells[scored.control]);
        let q = match self.maximises {
            SplitCriterion::CausalMse => self.causal(treated, control)?,
            SplitCriterion::TransformedOutcome | SplitCriterion::RawTransformedOutcome => {
                transformed(treated, control, scored.shares)?
            }
        };
        Some(q / scored.root_variance)
    }

    #[inline]
    fn causal(&self, treated: &Moments, control: &Moments) -> Option<f64> {
        let treated = Sample::new(treated)?;
        let control = Sample::new(control)?;
        let n = treated.n + control.n;
        let tau = treated.mean - control.mean;
        let noise = treated.variance / treated.n + control.variance / control.n;
        Some((1.0 - self.penalty) * n * tau * tau - self.penalty * (1.0 + self.honesty_ratio) * n * noise)
    }

    /// One target's effect, in grid units, or `None` if an arm is empty.
    pub(crate) fn effect_of(&self, target: usize, cells: &[Moments]) -> Option<f64> {
        cells[self.scored[target].treatment].mean_difference(&cells[self.scored[target].control])
    }
}

/// (sum of Y*)² / n, or `None` if an arm is empty; `shares` are those of the treatment and of the control.
#[inline]
fn transformed(treated: &Moments, control: &Moments, shares: [f64; 2]) -> Option<f64> {
    if treated.n == 0 || control.n == 0 {
        return None;
    }
    let sum = float(treated.sum) / shares[0] - float(control.sum) / shares[1];
    Some(sum * sum / (treated.n + control.n) as f64)
}

/// Centred moments as floating point.
struct Sample {
    n: f64,
    mean: f64,
    variance: f64,
}

impl Sample {
    #[inline]
    fn new(cell: &Moments) -> Option<Self> {
        if cell.n == 0 {
            return None;
        }
        let n = cell.n as f64;
        let mean = float(cell.sum) / n;
        Some(Self { n, mean, variance: (float(cell.sum_squares) / n - mean * mean).max(0.0) })
    }
}

/// The nearest floating-point number; one instruction where 64 bits suffice, which is nearly always.
#[inline]
fn float(wide: i128) -> f64 {
    i64::try_from(wide).map_or_else(|_| wide as f64, |narrow| narrow as f64)
}
