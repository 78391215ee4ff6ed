//! The score of a node: how much effect it holds, less what honest measurement of it would cost.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use whom_stats::moments::Moments;
use whom_stats::{ArmCell, ArmTable};

use crate::centre::squared_deviations;
use crate::controls::SplitCriterion;
use crate::plan::DiscoveryPlan;
use crate::scored_target::ScoredTarget;
use crate::target::Target;
use crate::weighting::{WeightedMean, Weighting, centres};

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
///
/// Where arms are compared within strata, means and their variances are those of a [`Weighting`], p is the stratum's, m the
/// stratum's mean, and the root variance is within arms of a stratum.
#[derive(Clone, Debug)]
pub(crate) struct Criterion {
    /// The number of strata, at least one.
    strata: usize,
    /// The column that tells strata apart.
    within: Option<usize>,
    /// By target, whether or not it takes part.
    weightings: Vec<Weighting>,
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

/// One (arm, metric) that the score reads, and the centre of its metric in each stratum.
#[derive(Clone, Debug)]
struct Slot {
    arm: usize,
    metric: usize,
    centres: Vec<i128>,
}

impl Criterion {
    /// The criterion of a tree for `targets`, with `root` the totals of all discovery units.
    pub(crate) fn new(targets: &[Target], root: &ArmTable, plan: &DiscoveryPlan) -> Self {
        let arms: BTreeSet<usize> = std::iter::once(0).chain(targets.iter().map(|target| target.treatment)).collect();
        let controls = &plan.controls;
        let mut criterion = Self {
            strata: plan.strata(),
            within: plan.within,
            weightings: Vec::new(),
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
        let strata = || (0..self.strata).map(|stratum| self.of_arms(root, (stratum, &involved), target.metric));
        let pooled = strata().flatten().fold(Moments::default(), |sum, cell| sum + *cell);
        // Arms are added up first, so that exchanging two of them changes no bit.
        let deviations: f64 = strata().map(|cells| cells.map(squared_deviations).sum::<f64>()).sum();
        let centres = match self.maximises {
            SplitCriterion::CausalMse | SplitCriterion::TransformedOutcome => {
                centres(root, target.metric, &involved, self.strata)
            }
            SplitCriterion::RawTransformedOutcome => vec![0; self.strata],
        };
        let weighting = Weighting::new(target, root, &centres);
        self.weightings.push(weighting.clone());
        let [treated, untreated] = weighting.counted(root.cell()).map(|cell| cell.n);
        let silence = if treated == 0 || untreated == 0 || weighting.counts_nobody() {
            Some(Silence::EmptyArm)
        } else {
            (deviations == 0.0).then_some(Silence::ConstantMetric)
        };
        if let Some(silence) = silence {
            self.silent.push(SilentTarget { target, silence });
            return;
        }
        let treatment = self.slot(target.treatment, target.metric, &centres);
        let control = self.slot(0, target.metric, &centres);
        let root_variance = deviations / pooled.n as f64;
        let shares = [treated, untreated].map(|units| units as f64 / (treated as f64 + untreated as f64));
        self.scored.push(ScoredTarget { target, treatment, control, root_variance, shares, weighting });
    }

    /// The moments of some arms in a stratum.
    fn of_arms<'a>(
        &self,
        table: &'a ArmTable,
        (stratum, arms): (usize, &'a BTreeSet<usize>),
        metric: usize,
    ) -> impl Iterator<Item = &'a Moments> + use<'a> {
        let all = table.units.len() / self.strata;
        arms.iter().map(move |arm| table.get(stratum * all + arm, metric))
    }

    fn slot(&mut self, arm: usize, metric: usize, centres: &[i128]) -> usize {
        let known = self.slots.iter().position(|slot| slot.arm == arm && slot.metric == metric);
        known.unwrap_or_else(|| {
            self.slots.push(Slot { arm, metric, centres: centres.to_vec() });
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

    /// How the units of strata count, by target.
    pub(crate) fn weightings(&self) -> &[Weighting] {
        &self.weightings
    }

    /// The column that tells strata apart, if some are.
    pub(crate) fn within(&self) -> Option<usize> {
        self.within
    }

    /// The number of moments in [`Criterion::cells`].
    pub(crate) fn width(&self) -> usize {
        self.slots.len() * self.strata
    }

    /// What the score reads of a table, exactly centred: by (arm, metric), then by stratum.
    pub(crate) fn cells<'a>(&'a self, table: ArmCell<'a>) -> impl Iterator<Item = Moments> + 'a {
        let arms = table.units.len() / self.strata;
        self.slots.iter().flat_map(move |slot| {
            let centres = slot.centres.iter().enumerate();
            centres.map(move |(stratum, centre)| table.get(stratum * arms + slot.arm, slot.metric).about(*centre))
        })
    }

    /// Units of the involved arms, whether or not a metric has a value for them.
    pub(crate) fn units(&self, table: ArmCell<'_>) -> u64 {
        let arms = table.units.len() / self.strata;
        let strata = table.units.chunks(arms.max(1));
        strata.map(|stratum| self.arms.iter().map(|arm| stratum[*arm]).sum::<u64>()).sum()
    }

    /// Whether a leaf with these cells is large enough in every involved arm, `times` over.
    pub(crate) fn admits(&self, cells: &[Moments], times: u64) -> bool {
        self.scored.iter().all(|scored| {
            let arms = [scored.treatment, scored.control].map(|slot| scored.size(self.of_slot(cells, slot)));
            arms.iter().all(|(n, events)| {
                *n >= self.units_per_arm.saturating_mul(times) && *events >= self.events_per_arm.saturating_mul(times)
            }) && arms.iter().map(|(n, _)| n).sum::<u64>() >= self.units.saturating_mul(times)
        })
    }

    /// The mean score over targets; a target with an empty arm contributes nothing.
    pub(crate) fn score(&self, cells: &[Moments]) -> f64 {
        let scores = self.scored.iter().filter_map(|scored| self.score_of(scored, cells));
        scores.sum::<f64>() / self.scored.len().max(1) as f64
    }

    /// One target's Q over its root variance, or `None` if an arm is empty.
    #[inline]
    fn score_of(&self, scored: &ScoredTarget, cells: &[Moments]) -> Option<f64> {
        let arms = [scored.treatment, scored.control].map(|slot| self.of_slot(cells, slot));
        let q = match self.maximises {
            SplitCriterion::CausalMse => self.causal(scored.mean(arms[0], 0)?, scored.mean(arms[1], 1)?),
            SplitCriterion::TransformedOutcome | SplitCriterion::RawTransformedOutcome => scored.transformed(arms)?,
        };
        Some(q / scored.root_variance)
    }

    #[inline]
    fn causal(&self, treated: WeightedMean, control: WeightedMean) -> f64 {
        let n = treated.n + control.n;
        let tau = treated.mean - control.mean;
        let noise = treated.noise + control.noise;
        (1.0 - self.penalty) * n * tau * tau - self.penalty * (1.0 + self.honesty_ratio) * n * noise
    }

    /// The cells of one (arm, metric), by stratum.
    #[inline]
    fn of_slot<'a>(&self, cells: &'a [Moments], slot: usize) -> &'a [Moments] {
        &cells[slot * self.strata..(slot + 1) * self.strata]
    }

    /// One target's effect, in grid units, or `None` if an arm is empty.
    pub(crate) fn effect_of(&self, target: usize, cells: &[Moments]) -> Option<f64> {
        let scored = &self.scored[target];
        let [treated, control] = [scored.treatment, scored.control].map(|slot| self.of_slot(cells, slot));
        if scored.strata().is_empty() {
            return treated[0].mean_difference(&control[0]);
        }
        Some(scored.mean(treated, 0)?.mean - scored.mean(control, 1)?.mean)
    }
}
