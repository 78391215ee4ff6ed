//! A planted tree is found, from units to verdict.

use whom_forest::{Controls, Rule};
use whom_stats::{Against, ColumnShape, Grid};

use super::draws::Draws;
use super::trial::{Trial, Units};

/// Name, codes, whether they are ordered, and the code of missing.
const TAGS: [(&str, usize, bool, Option<u16>); 5] = [
    ("age", 20, true, Some(19)),
    ("country", 6, false, None),
    ("device", 3, false, Some(2)),
    ("noise", 30, true, None),
    ("city", 40, false, None),
];

/// What the treatment adds to the outcome of a unit.
fn effect(codes: &[usize; 5]) -> f64 {
    match (codes[0] < 8, codes[1]) {
        (true, 1 | 4) => 12.0,
        (true, _) => 4.0,
        (false, _) => -3.0,
    }
}

fn planted() -> Trial {
    let mut draws = Draws::new("planted");
    let shape =
        |(name, codes, ordered, missing): (&str, _, _, _)| ColumnShape { name: name.into(), codes, ordered, missing };
    let tags = TAGS.map(|tag| (shape(tag), Vec::new())).to_vec();
    let mut units = Units { arms: Vec::new(), outcomes: Vec::new(), tags };
    for _ in 0..20_000 {
        let (codes, arm) = (TAGS.map(|(_, codes, _, _)| draws.below(codes)), draws.arm());
        let noise = draws.below(21) + draws.below(21);
        units.outcomes.push(noise as f64 + f64::from(arm) * effect(&codes));
        units.arms.push(arm);
        units.tags.iter_mut().zip(codes).for_each(|((_, column), code)| column.push(code as u8));
    }
    Trial::new("planted".into(), 0, units, Grid::INTEGER)
}

#[test]
fn a_planted_tree_is_found_and_proven() {
    let trial = planted();
    let analysis = trial.analyse(&Controls { depth: 2, ..Controls::default() });
    assert!(analysis.gate_opens());
    let rules: Vec<String> =
        analysis.cohorts().iter().map(|cohort| format!("{}: {}", cohort.name, words(&cohort.rule))).collect();
    insta::assert_snapshot!(rules.join("\n"), @"
    c1: age in {0 1 2 3 4 5 6 7} and country in {1 4}
    c2: age in {0 1 2 3 4 5 6 7} and country in {0 2 3 5}
    c3: age in {8 9 10 11 12 13 14 15 16 17 18 19}
    ");
    assert_eq!(analysis.different(), 3);
    for (outcome, truth) in analysis.simultaneous(Against::Zero).iter().zip([12.0, 4.0, -3.0]) {
        let effect = outcome.as_ref().expect("an estimate");
        assert!(effect.interval.contains(truth) && !effect.interval.contains(0.0), "{truth}: {effect:?}");
    }
}

fn words(rule: &Rule) -> String {
    let conditions = rule.conditions.iter().map(|condition| {
        let codes: Vec<String> = condition.admitted.iter().map(|code| code.to_string()).collect();
        format!("{} in {{{}}}", condition.name, codes.join(" "))
    });
    conditions.collect::<Vec<_>>().join(" and ")
}
