//! An oracle that knows no histogram: it takes the units of each node of a tree, writes down every candidate split as
//! two lists of units, scores each by the textbook formulas, and checks what the tree did.

use std::collections::BTreeSet;

use proptest::prelude::*;
use whom_stats::routing::{Code, NodeIndex, Split};

use super::population::{Population, Unit, path, shape};
use crate::{Controls, DiscoveryPlan, SplitCriterion, Stop, Target, Tree};

/// Rounding allowed between the oracle's arithmetic and the search's, relative to the scores.
const TOLERANCE: f64 = 1e-9;

type Units<'a> = Vec<&'a Unit>;

struct Oracle<'a> {
    population: &'a Population,
    plan: &'a DiscoveryPlan,
    tree: &'a Tree,
    discovering: Units<'a>,
    /// The targets that can be scored, each with its metric's root variance.
    scored: Vec<(Target, f64)>,
}

#[derive(Clone, Debug)]
struct Candidate {
    column: usize,
    left: BTreeSet<Code>,
    /// Which units of the node go left, turned so that the first one does.
    partition: Vec<bool>,
    gain: f64,
    magnitude: f64,
}

fn values(units: &[&Unit], arm: usize, metric: usize) -> Vec<f64> {
    units
        .iter()
        .filter(|unit| unit.arm == arm)
        .filter_map(|unit| unit.values[metric])
        .map(|value| value as f64)
        .collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64
}

impl<'a> Oracle<'a> {
    fn new(population: &'a Population, plan: &'a DiscoveryPlan, tree: &'a Tree) -> Self {
        let discovering = population.units.iter().filter(|unit| plan.buckets.contains(unit.bucket)).collect();
        let mut oracle = Self { population, plan, tree, discovering, scored: Vec::new() };
        let arms_present = |target: &&Target| {
            [0, target.treatment].iter().all(|arm| !values(&oracle.discovering, *arm, target.metric).is_empty())
        };
        let scored = tree.targets.iter().filter(arms_present);
        oracle.scored = scored.filter_map(|target| Some((*target, oracle.root_variance(target.metric)?))).collect();
        oracle
    }

    fn units_of(&self, node: NodeIndex) -> Units<'a> {
        let discovering = self.discovering.iter().copied();
        discovering.filter(|unit| path(&self.tree.routing, unit).contains(&node)).collect()
    }

    fn involves(&self, unit: &Unit) -> bool {
        unit.arm == 0 || self.tree.targets.iter().any(|target| target.treatment == unit.arm)
    }

    fn root_variance(&self, metric: usize) -> Option<f64> {
        let arms: BTreeSet<usize> = self
            .tree
            .targets
            .iter()
            .filter(|target| target.metric == metric)
            .map(|target| target.treatment)
            .chain([0])
            .collect();
        let by_arm: Vec<Vec<f64>> =
            arms.iter().map(|arm| values(&self.discovering, *arm, metric)).filter(|arm| !arm.is_empty()).collect();
        let n: usize = by_arm.iter().map(Vec::len).sum();
        let pooled = by_arm.iter().map(|arm| arm.len() as f64 * variance(arm)).sum::<f64>() / n as f64;
        (pooled > 1e-12).then_some(pooled)
    }

    fn score(&self, units: &[&Unit]) -> f64 {
        let controls = &self.plan.controls;
        let scores: Vec<f64> = self
            .scored
            .iter()
            .map(|(target, root_variance)| {
                let (treated, control) =
                    (values(units, target.treatment, target.metric), values(units, 0, target.metric));
                let (n1, n0) = (treated.len() as f64, control.len() as f64);
                let tau = mean(&treated) - mean(&control);
                let noise = variance(&treated) / n1 + variance(&control) / n0;
                let n = n1 + n0;
                let causal = (1.0 - controls.penalty) * n * tau * tau
                    - controls.penalty * (1.0 + controls.honesty_ratio) * n * noise;
                let q = match controls.criterion {
                    SplitCriterion::CausalMse => causal,
                    SplitCriterion::TransformedOutcome => self.squared_error_taken(units, *target, true),
                    SplitCriterion::RawTransformedOutcome => self.squared_error_taken(units, *target, false),
                };
                q / root_variance
            })
            .collect();
        mean(&scores)
    }

    /// What predicting Y* by its mean takes off the sum of its squares, unit by unit.
    fn squared_error_taken(&self, units: &[&Unit], target: Target, centred: bool) -> f64 {
        let of = |units: &[&Unit], arm| values(units, arm, target.metric);
        let (treated, control) = (of(&self.discovering, target.treatment), of(&self.discovering, 0));
        let p = treated.len() as f64 / (treated.len() + control.len()) as f64;
        let pooled: Vec<f64> = self.involved_values(target.metric);
        let m = if centred { (mean(&pooled) + 0.5).floor() } else { 0.0 };
        let transformed: Vec<f64> = [(1.0, target.treatment), (0.0, 0)]
            .into_iter()
            .flat_map(|(w, arm)| of(units, arm).into_iter().map(move |y| (y - m) * (w - p) / (p * (1.0 - p))))
            .collect();
        let leaf = mean(&transformed);
        transformed.iter().map(|y| y * y - (y - leaf) * (y - leaf)).sum()
    }

    fn involved_values(&self, metric: usize) -> Vec<f64> {
        let of_metric = self.tree.targets.iter().filter(|target| target.metric == metric);
        let arms: BTreeSet<usize> = of_metric.map(|target| target.treatment).chain([0]).collect();
        arms.iter().flat_map(|arm| values(&self.discovering, *arm, metric)).collect()
    }

    fn large_enough(&self, units: &[&Unit]) -> bool {
        self.scored.iter().all(|(target, _)| {
            let of_arm = |arm| values(units, arm, target.metric).len() as u64;
            of_arm(0) + of_arm(target.treatment) >= self.plan.controls.units
                && [0, target.treatment].iter().all(|arm| {
                    let values = values(units, *arm, target.metric);
                    let events = values.iter().filter(|value| **value != 0.0).count() as u64;
                    values.len() as u64 >= self.plan.controls.units_per_arm
                        && events >= self.plan.controls.events_per_arm
                })
        })
    }

    /// The codes of the units of the involved arms.
    fn occurring(&self, units: &[&Unit], column: usize) -> BTreeSet<Code> {
        units.iter().filter(|unit| self.involves(unit)).map(|unit| unit.codes[column]).collect()
    }

    /// Every left side of a column that is to be considered.
    fn left_sides(&self, units: &[&Unit], column: usize) -> Vec<BTreeSet<Code>> {
        let shape = &self.population.shapes[column];
        let occurring = self.occurring(units, column);
        let missing: Option<Code> = shape.missing.filter(|missing| occurring.contains(missing));
        let others: Vec<Code> = occurring.iter().copied().filter(|code| Some(*code) != missing).collect();
        let with_missing = |side: BTreeSet<Code>| {
            let other = missing.map(|missing| side.iter().copied().chain([missing]).collect());
            [Some(side), other].into_iter().flatten()
        };
        let sides: Vec<BTreeSet<Code>> = if shape.ordered {
            let prefixes = (1..=others.len()).map(|length| others[..length].iter().copied().collect());
            return prefixes.flat_map(with_missing).collect();
        } else if occurring.len() <= 10 {
            let codes: Vec<Code> = occurring.iter().copied().collect();
            let subset = |members: u32| {
                (0..codes.len()).filter(|level| members >> level & 1 == 1).map(|level| codes[level]).collect()
            };
            (0..1_u32 << codes.len()).map(subset).collect()
        } else {
            self.scored
                .iter()
                .flat_map(|(target, _)| effect_prefixes(units, column, &others, *target))
                .flat_map(with_missing)
                .collect()
        };
        let smallest = occurring.first().copied();
        sides
            .into_iter()
            .map(|side| match smallest {
                Some(smallest) if !side.contains(&smallest) => occurring.difference(&side).copied().collect(),
                _ => side,
            })
            .collect()
    }

    fn candidates(&self, units: &[&Unit]) -> Vec<Candidate> {
        let own = self.score(units);
        let columns = self.plan.columns.iter().copied();
        let sides =
            columns.flat_map(|column| self.left_sides(units, column).into_iter().map(move |left| (column, left)));
        sides
            .filter_map(|(column, left)| {
                let (on_left, on_right): (Units<'_>, Units<'_>) = units
                    .iter()
                    .copied()
                    .filter(|unit| self.involves(unit))
                    .partition(|unit| left.contains(&unit.codes[column]));
                if on_left.is_empty()
                    || on_right.is_empty()
                    || !self.large_enough(&on_left)
                    || !self.large_enough(&on_right)
                {
                    return None;
                }
                let (one, other) = (self.score(&on_left), self.score(&on_right));
                let sides: Vec<bool> = units
                    .iter()
                    .filter(|unit| self.involves(unit))
                    .map(|unit| left.contains(&unit.codes[column]))
                    .collect();
                let partition = sides.iter().map(|side| *side == sides[0]).collect();
                Some(Candidate {
                    column,
                    left,
                    partition,
                    gain: one + other - own,
                    magnitude: one.abs() + other.abs() + own.abs(),
                })
            })
            .collect()
    }

    fn audit(&self) {
        assert!(!self.tree.nodes.is_empty());
        for (node, split) in self.tree.routing.nodes().iter().enumerate() {
            let units = self.units_of(node);
            match split {
                Some(split) => self.audit_split(node, &units, split),
                None => self.audit_leaf(node, &units),
            }
        }
    }

    fn audit_leaf(&self, node: NodeIndex, units: &[&Unit]) {
        let stop = self.tree.nodes[node].stop.unwrap();
        if self.scored.is_empty() {
            assert_eq!(stop, Stop::NothingToScore);
        } else if self.tree.nodes[node].depth == self.plan.controls.depth {
            assert_eq!(stop, Stop::Depth);
        } else {
            let candidates = self.candidates(units);
            let gains = |candidate: &Candidate| {
                candidate.gain > self.plan.controls.smallest_gain + TOLERANCE * candidate.magnitude
            };
            assert!(!candidates.iter().any(gains), "node {node} stopped by {stop:?} although a split gains");
            assert_eq!(stop == Stop::NoGain, !candidates.is_empty(), "{stop:?}");
        }
    }

    fn audit_split(&self, node: NodeIndex, units: &[&Unit], split: &Split) {
        let candidates = self.candidates(units);
        let occurring = self.occurring(units, split.column);
        let left: BTreeSet<Code> = occurring.iter().copied().filter(|code| split.left.contains(*code)).collect();
        let chosen = candidates.iter().find(|candidate| candidate.column == split.column && candidate.left == left);
        let chosen = chosen.expect("the split is a candidate");
        let best = candidates.iter().map(|candidate| candidate.gain).fold(f64::MIN, f64::max);
        let tolerance = TOLERANCE * chosen.magnitude;
        assert!(chosen.gain >= best - tolerance, "node {node} gains {} where {best} is possible", chosen.gain);
        assert!(chosen.gain > self.plan.controls.smallest_gain - tolerance);
        assert!((self.tree.nodes[node].gain.unwrap() - chosen.gain).abs() <= tolerance);

        let name =
            |candidate: &&Candidate| (self.population.shapes[candidate.column].name.clone(), candidate.left.clone());
        let same_units = candidates.iter().filter(|candidate| candidate.partition == chosen.partition);
        let first = same_units.min_by_key(name).unwrap();
        assert_eq!(name(&first), name(&chosen), "a tie goes by name, then by the left codes");
        self.audit_unseen(units, split, &left, &occurring);
    }

    /// Codes that growth did not see.
    fn audit_unseen(&self, units: &[&Unit], split: &Split, left: &BTreeSet<Code>, occurring: &BTreeSet<Code>) {
        let shape = &self.population.shapes[split.column];
        let is_left = |unit: &&&Unit| left.contains(&unit.codes[split.column]);
        let involved = units.iter().filter(|unit| self.involves(unit));
        let (n, n_left) = (involved.clone().count(), involved.filter(is_left).count());
        let in_order = |code: &&Code| shape.missing != Some(**code);
        for code in (0..shape.codes as Code).filter(|code| !occurring.contains(code)) {
            let expected = if shape.ordered && shape.missing != Some(code) {
                let right_in_order = occurring.difference(left).filter(in_order).count();
                right_in_order == 0 || left.iter().filter(in_order).any(|seen| code <= *seen)
            } else {
                n_left >= n - n_left
            };
            assert_eq!(split.left.contains(code), expected, "code {code} of `{}`", shape.name);
        }
        assert!(split.left.iter().all(|code| usize::from(code) < shape.codes));
    }
}

fn effect_prefixes(units: &[&Unit], column: usize, codes: &[Code], target: Target) -> Vec<BTreeSet<Code>> {
    let effect = |units: &[&Unit]| -> Option<(i64, i64)> {
        let total = |arm| {
            units
                .iter()
                .filter(|unit| unit.arm == arm)
                .filter_map(|unit| unit.values[target.metric])
                .fold((0, 0), |(n, sum), value| (n + 1, sum + value))
        };
        let ((n1, sum1), (n0, sum0)) = (total(target.treatment), total(0));
        (n1 > 0 && n0 > 0).then_some((sum1 * n0 - sum0 * n1, n1 * n0))
    };
    let neutral = effect(units).unwrap_or((0, 1));
    let effects: Vec<((i64, i64), Code)> = codes
        .iter()
        .map(|code| {
            let of_code: Units<'_> = units.iter().copied().filter(|unit| unit.codes[column] == *code).collect();
            (effect(&of_code).unwrap_or(neutral), *code)
        })
        .collect();
    // A prefix is everything up to some code's effect: fractions compared exactly.
    effects
        .iter()
        .map(|(bound, _)| {
            effects.iter().filter(|(own, _)| own.0 * bound.1 <= bound.0 * own.1).map(|(_, code)| *code).collect()
        })
        .collect()
}

fn columns() -> impl Strategy<Value = Vec<whom_stats::pass::ColumnShape>> {
    let column = (1_usize..=14, any::<bool>(), any::<bool>(), any::<bool>());
    prop::collection::vec(column, 1..4).prop_map(|columns| {
        let named = columns.into_iter().enumerate();
        named
            .map(|(index, (codes, ordered, misses, first))| {
                let missing = if first { 0 } else { codes as Code - 1 };
                shape(&format!("tag {}", 9 - index), codes, ordered, misses.then_some(missing))
            })
            .collect()
    })
}

pub(super) fn populations() -> impl Strategy<Value = Population> {
    (columns(), 2_usize..=3, 1_usize..=2).prop_flat_map(|(shapes, arms, metrics)| {
        let codes: Vec<_> = shapes.iter().map(|shape| 0..shape.codes as Code).collect();
        let value = prop_oneof![1 => Just(None), 4 => Just(Some(0)), 6 => (-3_i64..12).prop_map(Some)];
        let unit = (0_u16..40, 0..arms, codes, prop::collection::vec(value, metrics));
        let unit = unit.prop_map(|(bucket, arm, codes, values)| Unit { bucket, arm, codes, values });
        prop::collection::vec(unit, 10..160).prop_map(move |units| Population {
            shapes: shapes.clone(),
            arms,
            metrics,
            units,
        })
    })
}

pub(super) fn controls() -> impl Strategy<Value = Controls> {
    let criteria =
        vec![SplitCriterion::CausalMse, SplitCriterion::TransformedOutcome, SplitCriterion::RawTransformedOutcome];
    let criterion = (prop::sample::select(criteria), prop::sample::select(vec![0, 12]));
    let numbers = (prop::sample::select(vec![0.0, 0.25, 0.5, 1.0]), prop::sample::select(vec![0.5, 1.0, 2.0]));
    let leaf = (2_u64..5, 0_u64..3);
    (1_usize..=3, criterion, leaf, numbers, prop::sample::select(vec![0.0, 0.5, 4.0])).prop_map(
        |(depth, (criterion, units), (units_per_arm, events_per_arm), (penalty, honesty_ratio), smallest_gain)| {
            Controls {
                depth,
                criterion,
                units,
                units_per_arm,
                events_per_arm,
                penalty,
                smallest_gain,
                pruning_folds: 0,
                honesty_ratio,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_split_is_the_best_of_all_candidates(population in populations(), controls in controls()) {
        let plan = population.plan(controls);
        let discovered = population.discover(plan.clone());
        for tree in discovered.single.iter().chain([&discovered.joint]) {
            Oracle::new(&population, &plan, &tree.unpruned).audit();
        }
    }
}
