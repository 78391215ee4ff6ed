use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::cap::{CapAt, CapView};
use crate::cohort::{CohortDefinition, CohortSize, CohortView, Fold, TagDifference, TagStatistic};
use crate::effect::{EVERYBODY, EffectRow, Estimand};
use crate::fixture;
use crate::terminal::{Colour, terminal_summary};
use crate::tree::{NodeEffect, NodeView, SplitView, TreeView};
use crate::{effects_batch, result_json, summary_md, tree_json};

const FOLDS: [Fold; 2] = [Fold::Discover, Fold::Measure];

/// Units of each leaf by fold and arm, how many of them have a level, and where the tree cuts.
#[derive(Clone, Debug)]
struct Population {
    units: Vec<[[u64; 3]; 2]>,
    with_level: Vec<u64>,
    cuts: Vec<usize>,
}

fn populations() -> impl Strategy<Value = Population> {
    let count = || prop_oneof![0_u64..30, 0_u64..400];
    let leaf = || (prop::array::uniform2(prop::array::uniform3(count())), 0.0..1.0_f64);
    (prop::collection::vec(leaf(), 2..7), prop::collection::vec(0_usize..6, 6)).prop_map(|(leaves, cuts)| {
        let whole = |units: &[[u64; 3]; 2]| units.iter().flatten().sum::<u64>();
        let with_level = leaves.iter().map(|(units, share)| (whole(units) as f64 * share.powi(4)) as u64).collect();
        Population { units: leaves.into_iter().map(|(units, _)| units).collect(), with_level, cuts }
    })
}

impl Population {
    fn sum(&self, leaves: &[usize], fold: Fold, arm: usize) -> u64 {
        let of = |leaf: &usize| match fold {
            Fold::Discover => self.units[*leaf][0][arm],
            Fold::Measure => self.units[*leaf][1][arm],
            _ => self.units[*leaf][0][arm] + self.units[*leaf][1][arm],
        };
        leaves.iter().map(of).sum()
    }

    fn all(&self) -> Vec<usize> {
        (0..self.units.len()).collect()
    }

    /// The leaves below each node, children behind their parents, with the place of the left child.
    fn nodes(&self) -> Vec<(Vec<usize>, Option<usize>)> {
        let mut nodes = vec![(self.all(), None)];
        let (mut place, mut cuts) = (0, self.cuts.iter().cycle());
        while place < nodes.len() {
            let leaves = nodes[place].0.clone();
            if leaves.len() > 1 {
                let (left, right) = leaves.split_at(1 + cuts.next().unwrap() % (leaves.len() - 1));
                nodes[place].1 = Some(nodes.len());
                nodes.extend([(left.to_vec(), None), (right.to_vec(), None)]);
            }
            place += 1;
        }
        nodes
    }

    /// What a run would find of it.
    fn results(&self) -> Results {
        let mut results = fixture::hillstrom();
        for (arm, variant) in results.variants.iter_mut().enumerate() {
            variant.units = self.sum(&self.all(), Fold::All, arm);
        }
        let variants: Vec<String> = results.variants.iter().map(|variant| variant.name.clone()).collect();
        let templates: Vec<EffectRow> = results.effects.iter().filter(|row| row.cohort == "1").cloned().collect();
        results.effects.retain(|row| row.cohort == EVERYBODY);
        let arm = |name: &str| variants.iter().position(|variant| variant == name).unwrap();
        let numbered = |row: &EffectRow, leaves: &[usize], fold: Fold, cohort: &str| EffectRow {
            n_control: Some(self.sum(leaves, fold, 0)),
            n_variant: Some(self.sum(leaves, fold, arm(&row.variant))),
            cohort: cohort.to_owned(),
            ..row.clone()
        };
        let everybody = results.effects.iter().map(|row| numbered(row, &self.all(), Fold::All, EVERYBODY));
        let mut effects: Vec<EffectRow> = everybody.collect();
        for leaf in self.all() {
            effects.extend(templates.iter().map(|row| numbered(row, &[leaf], Fold::Measure, &leaf.to_string())));
        }
        let cohorts = self.all().into_iter().map(|leaf| self.cohort(leaf, &variants)).collect();
        results.trees = vec![self.tree(&results.trees[0], &variants)];
        results.partition = Some(Partition { tree: "joint".to_owned(), cohorts });
        Results { effects, ..results }
    }

    fn cohort(&self, leaf: usize, variants: &[String]) -> CohortView {
        let whole = |units: u64, all: u64| (all > 0).then(|| units as f64 / all as f64);
        let size = |fold: Fold, arm: usize| {
            let (units, all) = (self.sum(&[leaf], fold, arm), self.sum(&self.all(), fold, arm));
            CohortSize { fold, variant: variants[arm].clone(), units: Some(units), share: whole(units, all) }
        };
        let folds = [Fold::Discover, Fold::Measure, Fold::All].into_iter();
        let units: u64 = (0..3).map(|arm| self.sum(&[leaf], Fold::All, arm)).sum();
        let everybody: u64 = (0..3).map(|arm| self.sum(&self.all(), Fold::All, arm)).sum();
        let line = TagDifference {
            tag: "channel".to_owned(),
            statistic: TagStatistic::Share("Phone".to_owned()),
            cohort: whole(self.with_level[leaf], units),
            everybody: whole(self.with_level.iter().sum(), everybody),
            standardised: Some(0.1),
        };
        CohortView {
            name: leaf.to_string(),
            definition: CohortDefinition::Registered("a rule".to_owned()),
            sizes: folds
                .flat_map(|fold| (0..3).map(move |arm| (fold, arm)))
                .map(|(fold, arm)| size(fold, arm))
                .collect(),
            profile: vec![line],
        }
    }

    fn tree(&self, template: &TreeView, variants: &[String]) -> TreeView {
        let split = template.nodes[0].split.clone().unwrap();
        let effects = |leaves: &[usize], fold: Fold| -> Vec<NodeEffect> {
            let effect = |arm: usize| NodeEffect {
                variant: variants[arm].clone(),
                metric: "visit".to_owned(),
                n_control: Some(self.sum(leaves, fold, 0)),
                n_variant: Some(self.sum(leaves, fold, arm)),
                estimate: Some(0.1),
                std_err: Some(0.01),
            };
            [1, 2].map(effect).to_vec()
        };
        let node = |(leaves, left): (Vec<usize>, Option<usize>)| NodeView {
            split: left.map(|left| SplitView { left, right: left + 1, ..split.clone() }),
            cohort: left.is_none().then(|| leaves[0].to_string()),
            discovery: effects(&leaves, Fold::Discover),
            measuring: effects(&leaves, Fold::Measure),
        };
        TreeView { nodes: self.nodes().into_iter().map(node).collect(), ..template.clone() }
    }
}

/// Every number of units that is shown under one of the names that count them.
fn shown_counts(value: &Value, found: &mut Vec<u64>) {
    const COUNTS: [&str; 5] = ["units", "n_control", "n_variant", "kept", "dropped"];
    match value {
        Value::Object(fields) => {
            let counts = fields.iter().filter(|(name, _)| COUNTS.contains(&name.as_str()));
            found.extend(counts.filter_map(|(_, count)| count.as_u64()));
            fields.values().for_each(|field| shown_counts(field, found));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| shown_counts(entry, found)),
        _ => {}
    }
}

/// Whether a leaf follows from sums over sets of leaves: its unit vector is a combination of theirs.
fn follows(leaf: usize, leaves: usize, sums: &BTreeSet<Vec<usize>>) -> bool {
    let vector = |set: &[usize]| (0..leaves).map(|place| f64::from(u8::from(set.contains(&place)))).collect::<Vec<_>>();
    let rank = |mut rows: Vec<Vec<f64>>| {
        let mut rank = 0;
        for column in 0..leaves {
            let Some(pivot) = (rank..rows.len()).find(|row| rows[*row][column].abs() > 1e-9) else { continue };
            rows.swap(rank, pivot);
            for row in rank + 1..rows.len() {
                let factor = rows[row][column] / rows[rank][column];
                let pivot = rows[rank].clone();
                rows[row].iter_mut().zip(pivot).for_each(|(cell, of_pivot)| *cell -= factor * of_pivot);
            }
            rank += 1;
        }
        rank
    };
    let known: Vec<Vec<f64>> = sums.iter().map(|set| vector(set)).collect();
    let with_leaf = known.iter().cloned().chain([vector(&[leaf])]).collect();
    rank(with_leaf) == rank(known)
}

proptest! {
    #[test]
    fn no_count_below_the_bound_is_written(population in populations(), bound in 2_u64..40) {
        let cell = SmallestCell::new(bound).unwrap();
        let Ok(results) = cell.apply(population.results()) else { return Ok(()) };
        for text in [result_json(&results).unwrap(), tree_json(&results).unwrap()] {
            let mut found = Vec::new();
            shown_counts(&serde_json::from_str(&text).unwrap(), &mut found);
            prop_assert!(!found.iter().any(|count| cell.hides(*count)), "{found:?}");
        }
        for row in &results.effects {
            let shows = row.estimate.is_some() || row.mean_control.is_some() || row.mean_variant.is_some();
            prop_assert!(!shows || (row.n_control.is_some() && row.n_variant.is_some()), "{row:?}");
        }
        for cohort in results.discovered() {
            for line in &cohort.profile {
                let (Some(share), Some(units)) = (line.cohort, cohort.units(Fold::All)) else { continue };
                let with_level = (share * units as f64).round() as u64;
                prop_assert!(!cell.hides(with_level) && !cell.hides(units - with_level), "{line:?}");
            }
        }
    }

    #[test]
    fn no_small_cohort_follows_from_what_is_shown(population in populations(), bound in 2_u64..40) {
        let cell = SmallestCell::new(bound).unwrap();
        let Ok(results) = cell.apply(population.results()) else { return Ok(()) };
        for (fold, arm) in FOLDS.into_iter().flat_map(|fold| (0..3).map(move |arm| (fold, arm))) {
            let variant = &results.variants[arm].name;
            // Everybody in a fold: the shares of cohorts that are shown tell it, and the root of the tree.
            let mut sums = BTreeSet::from([population.all()]);
            for (leaf, cohort) in results.discovered().iter().enumerate() {
                let size = cohort.sizes.iter().find(|size| size.fold == fold && size.variant == *variant).unwrap();
                sums.extend(size.units.map(|_| vec![leaf]));
            }
            for ((leaves, _), node) in population.nodes().into_iter().zip(&results.trees[0].nodes) {
                let effects = if fold == Fold::Discover { &node.discovery } else { &node.measuring };
                let told = effects.iter().any(|effect| match arm {
                    0 => effect.n_control.is_some(),
                    _ => effect.variant == *variant && effect.n_variant.is_some(),
                });
                sums.extend(told.then_some(leaves));
            }
            for leaf in population.all().into_iter().filter(|leaf| cell.hides(population.sum(&[*leaf], fold, arm))) {
                prop_assert!(!follows(leaf, population.units.len(), &sums), "leaf {leaf} of {sums:?}");
            }
        }
    }

    #[test]
    fn what_is_large_enough_stays(population in populations(), bound in 2_u64..40) {
        let cell = SmallestCell::new(bound).unwrap();
        let mut population = population;
        population.units.iter_mut().flatten().flatten().for_each(|units| *units += 10 * bound);
        population.with_level.iter_mut().for_each(|units| *units = 30 * bound);
        let results = Results { checks: Vec::new(), waterfall: Vec::new(), ..population.results() };
        let expected = Results { withheld: None, ..results.clone() };
        let shown = cell.apply(results).unwrap();
        prop_assert_eq!(Results { withheld: None, ..shown }, expected);
    }

    #[test]
    fn numbers_of_the_waterfall_tell_of_nobody_by_their_differences(
        drops in prop::collection::vec(prop_oneof![Just(0_u64), 1_u64..9, 1_u64..900], 1..9),
        analysed in 100_u64..10_000,
        bound in 2_u64..60,
    ) {
        let cell = SmallestCell::new(bound).unwrap();
        let step = |(kept, dropped): (u64, u64)| WaterfallStep {
            step: String::new(),
            table: None,
            kept: Some(kept),
            dropped: Some(dropped),
            reason: if dropped > 0 { format!("{dropped} lost") } else { String::new() },
        };
        let mut kept = analysed + drops.iter().sum::<u64>();
        let steps: Vec<WaterfallStep> = drops.iter().map(|dropped| { kept -= dropped; step((kept, *dropped)) }).collect();
        let shown = waterfall::withheld(cell, steps.clone(), analysed, &mut Counted::default());
        let numbers: Vec<u64> = shown.iter().filter_map(|step| step.kept).chain([analysed]).collect();
        for (one, other) in numbers.iter().flat_map(|one| numbers.iter().map(move |other| (*one, *other))) {
            prop_assert!(!cell.hides_between(one, other), "{numbers:?}");
        }
        for (step, before) in shown.iter().zip(&steps) {
            prop_assert!(!step.dropped.is_some_and(|dropped| cell.hides(dropped)));
            prop_assert!(step.dropped == Some(0) || step.dropped.is_none() || step.kept == before.kept);
            prop_assert!(!counts_shown(&step.reason, cell), "{}", step.reason);
        }
        prop_assert_eq!(shown.last().and_then(|step| step.kept), Some(analysed));
    }
}

/// Whether a text holds a count that is too small, but for the bound itself.
fn counts_shown(text: &str, cell: SmallestCell) -> bool {
    checks::counts_in(text).any(|count| cell.hides(count))
}

#[test]
fn nobody_and_one_withhold_nothing() {
    assert_eq!([0, 1].map(SmallestCell::new), [None, None]);
    assert!(!SmallestCell::new(5).unwrap().hides(0));
}

#[test]
fn a_variant_of_too_few_units_leaves_nothing_to_show() {
    let mut results = fixture::hillstrom();
    results.variants[1].units = 49;
    let refused = SmallestCell::new(50).unwrap().apply(results).unwrap_err();
    insta::assert_snapshot!(refused, @"variant `Mens E-Mail` has fewer than 50 units, and results show no number about so few");
}

#[test]
fn a_cohort_that_is_withheld_alone_takes_the_next_smallest_with_it() {
    let mut results = fixture::registered();
    results.trees.clear();
    let partition = results.partition.as_mut().unwrap();
    partition.cohorts[2].sizes[0].units = Some(7);
    let shown = SmallestCell::new(50).unwrap().apply(results).unwrap();
    assert_eq!(shown.withheld.as_ref().unwrap().cohorts, ["3", "4"], "cohort 4 is the smallest of the others");
    assert!(shown.effects.iter().filter(|row| ["3", "4"].contains(&row.cohort.as_str())).all(|row| {
        (row.estimate, row.n_control, row.mean_variant, row.p_value) == (None, None, None, None)
            && row.not_estimable.as_deref() == Some("withheld: fewer than 50 units, or it would tell of so few")
    }));
}

#[test]
fn a_registered_cohort_of_nearly_everybody_is_withheld() {
    let mut results = fixture::registered();
    let size = &mut results.registered[0].sizes[0];
    (size.units, size.share) = (Some(21_380), Some(21_380.0 / 21_387.0));
    let shown = SmallestCell::new(50).unwrap().apply(results).unwrap();
    assert_eq!(shown.withheld.unwrap().cohorts, ["newcomers"]);
}

#[test]
fn effects_by_first_exposure_do_not_tell_who_saw_several_variants() {
    let mut results = fixture::no_discovery();
    let row = results.effects[0].clone();
    let (n_control, estimand) = (row.n_control.map(|n| n + 12), Estimand::EffectByFirstExposure);
    results.effects.push(EffectRow { estimand, n_control, ..row });
    let shown = SmallestCell::new(50).unwrap().apply(results).unwrap();
    let last = shown.effects.last().unwrap();
    assert_eq!((last.estimate, last.n_control), (None, None));
    assert!(shown.effects[0].estimate.is_some());
}

#[test]
fn numbers_of_units_do_not_tell_how_few_have_no_value() {
    let mut results = fixture::no_discovery();
    results.effects[4].n_control = Some(21_300);
    let metric = results.effects[4].metric.clone();
    let shown = SmallestCell::new(50).unwrap().apply(results).unwrap();
    for row in &shown.effects {
        assert_eq!((row.n_control.is_none(), row.estimate.is_some()), (row.metric == metric, true), "{row:?}");
    }
}

#[test]
fn a_quantile_tells_of_nobody_where_few_lie_beyond_it() {
    // 90 % of 21,306: 19,176 lie at or below, 2,130 above.
    let shown = |bound: u64| {
        let results = SmallestCell::new(bound).unwrap().apply(fixture::by_quantile()).unwrap();
        let row = |metric: &str| results.average(metric, fixture::MENS, Estimand::Effect).unwrap().clone();
        (row("spend"), row("conversion"))
    };
    let (spend, conversion) = shown(2_130);
    assert!(spend.estimate.is_some() && spend.mean_control.is_some() && conversion.estimate.is_some());
    let (spend, conversion) = shown(2_131);
    assert_eq!((spend.estimate, spend.std_err, spend.mean_control, spend.mean_variant), (None, None, None, None));
    assert!(conversion.estimate.is_some());
}

#[test]
fn a_cap_tells_of_nobody_where_few_lie_beyond_it() {
    let shown = |bound: u64, change: &dyn Fn(&mut CapView)| {
        let mut results = fixture::capped();
        let cap = results.metrics.iter_mut().find_map(|metric| metric.cap.as_mut()).unwrap();
        change(cap);
        let shown = SmallestCell::new(bound).unwrap().apply(results).unwrap();
        shown.metric("spend").unwrap().cap.clone().unwrap()
    };
    let withheld = CapAt { threshold: None, units: None, share: None };
    let before = fixture::capped().metric("spend").unwrap().cap.clone().unwrap();
    assert_eq!(shown(62, &|_| {}), before);
    let few_discover = shown(63, &|_| {});
    assert_eq!((few_discover.reporting, few_discover.discovery), (before.reporting, withheld));
    assert_eq!(shown(122, &|_| {}).reporting, withheld);
    let declared = shown(122, &|cap| cap.declared = true);
    assert_eq!(declared.reporting, CapAt { threshold: before.reporting.threshold, ..withheld });
    let nearly_all = shown(50, &|cap| {
        cap.reporting = CapAt { units: Some(63_960), share: Some(63_960.0 / 64_000.0), ..cap.reporting }
    });
    assert_eq!(nearly_all.reporting, withheld, "40 lie below");
    let near = shown(50, &|cap| {
        cap.discovery = CapAt { threshold: cap.reporting.threshold, units: Some(80), ..cap.discovery };
    });
    assert_eq!(
        (near.reporting, near.discovery),
        (before.reporting, CapAt { threshold: before.reporting.threshold, ..withheld })
    );
}

#[test]
fn a_reader_is_told_what_is_withheld() {
    let mut results = fixture::registered();
    let partition = results.partition.as_mut().unwrap();
    partition.cohorts[3].sizes[0].units = Some(7);
    let shown = SmallestCell::new(50).unwrap().apply(results).unwrap();
    insta::assert_snapshot!("withheld_terminal", terminal_summary(&shown, Colour::Never));
    insta::assert_snapshot!("withheld_markdown", summary_md(&shown));
    let batch = effects_batch(&shown.effects).unwrap();
    assert_eq!(batch.column_by_name("n_control").unwrap().null_count(), 8, "two cohorts, two rows, two treatments");
}
