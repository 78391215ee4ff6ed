use whom_stats::{ArmTable, Grid};

use super::*;
use crate::averages::{AverageCells, average_rows};
use crate::fixture::{Experiment, LETTER, MEAN, Person};
use crate::study::Question;

/// By stratum, the values of control and of the treatment.
type Values = Vec<[Vec<i64>; 2]>;

/// Two strata of other levels and other shares, in both of which the treatment is worth 3 on average.
fn ramp() -> Values {
    let noise = |from: i64, to: i64, level: i64| (from..to).map(|unit| level + unit * 7_919 % 11).collect::<Vec<_>>();
    vec![[noise(0, 990, 0), noise(990, 1_012, 3)], [noise(0, 550, 100), noise(550, 1_100, 103)]]
}

fn sums(values: &[Vec<i64>; 2]) -> ArmSums {
    let mut table = ArmTable::new(2, 1);
    for (arm, values) in values.iter().enumerate() {
        table.units[arm] = values.len() as u64;
        for value in values {
            table.moments[arm].push(*value);
        }
    }
    ArmSums { table, products: Vec::new() }
}

fn compare(strata: &Values) -> Comparison {
    let question = Question { treatment: 1, metric: 0 };
    let estimation = Estimation { question, outcome: &MEAN, grid: Grid::INTEGER, grids: Vec::new(), parent: None };
    Comparison::of_strata(&strata.iter().map(sums).collect::<Vec<_>>(), &estimation)
}

fn effect(strata: &Values) -> (f64, f64) {
    let difference = compare(strata).effect.unwrap().difference;
    (difference.value, difference.std_err)
}

#[test]
fn a_ramp_is_no_longer_simpson_s_paradox() {
    let pooled = vec![ramp().into_iter().reduce(|[a, b], [c, d]| [[a, c].concat(), [b, d].concat()]).unwrap()];
    assert!(effect(&pooled).0 > 50.0, "late units are worth more, and more of them are treated");
    assert!((effect(&ramp()).0 - 3.0).abs() < 0.2, "{:?}", effect(&ramp()));
    let found = compare(&ramp());
    assert_eq!((found.method, found.control.units, found.treatment.units), ("stratified_welch", 1_540, 572));
    assert_eq!(compare(&pooled).method, "welch");
}

#[test]
fn swapping_the_arms_flips_the_sign() {
    let swapped = ramp().into_iter().map(|[control, treatment]| [treatment, control]).collect();
    let (there, back) = (effect(&ramp()), effect(&swapped));
    assert!((there.0 + back.0).abs() < 1e-12 && (there.1 - back.1).abs() < 1e-12, "{there:?}, {back:?}");
}

#[test]
fn a_shift_of_all_units_changes_nothing() {
    let shifted =
        ramp().into_iter().map(|arms| arms.map(|arm| arm.iter().map(|value| value + 1_000).collect())).collect();
    let (there, then) = (effect(&ramp()), effect(&shifted));
    assert_eq!(there.0, then.0);
    assert!((there.1 - then.1).abs() < 1e-9, "{there:?}, {then:?}");
}

#[test]
fn the_order_of_strata_does_not_matter() {
    let mut turned = ramp();
    turned.reverse();
    let (there, then) = (effect(&ramp()), effect(&turned));
    assert!((there.0 - then.0).abs() < 1e-12 && (there.1 - then.1).abs() < 1e-12);
}

#[test]
fn one_stratum_is_no_stratum_bit_for_bit_and_an_empty_one_counts_for_nothing() {
    let one = vec![ramp()[0].clone()];
    let with_nobody = [one.clone(), vec![[Vec::new(), Vec::new()]]].concat();
    assert_eq!(effect(&one), effect(&with_nobody));
    let degrees = |strata| compare(strata).effect.unwrap().difference.degrees_of_freedom;
    assert_eq!(degrees(&one), degrees(&with_nobody));
}

#[test]
fn a_stratum_without_an_arm_is_left_out_and_told_and_above_a_twentieth_nothing_is_estimated() {
    let with = |control: usize| [ramp(), vec![[vec![1; control], Vec::new()]]].concat();
    let (few, many) = (compare(&with(100)), compare(&with(200)));
    let found = few.effect.unwrap();
    assert_eq!(found.difference.value, effect(&ramp()).0);
    assert!(found.unreliable().is_some_and(|reason| reason.to_string().contains("100")), "{found:?}");
    assert_eq!(many.effect, Err(NotEstimable::StrataWithoutArm));
    assert_eq!((many.control.units, compare(&Vec::new()).effect), (1_740, Err(NotEstimable::NoUnits)));
}

#[test]
fn a_stratum_where_nothing_varies_counts_with_its_values() {
    let constant = [ramp(), vec![[vec![5; 500], vec![9; 500]]]].concat();
    let weight = 1_000.0 / 3_112.0;
    let expected = (1.0 - weight) * effect(&ramp()).0 + weight * 4.0;
    assert!((effect(&constant).0 - expected).abs() < 1e-12);
    assert_eq!(
        compare(&vec![[vec![1; 5], vec![2; 5]], [vec![1; 5], vec![2; 5]]]).effect,
        Err(NotEstimable::NoVariance)
    );
}

/// People who are treated more, and buy more, from the fifteenth day on; a letter convinces one in ten at any time.
fn bought_late(person: Person) -> Person {
    let draw = i64::from(person.bucket) * 7_919 % 100;
    let late = person.bucket.is_multiple_of(2);
    let arm = if late && person.arm == 0 && !person.bucket.is_multiple_of(3) { LETTER } else { person.arm };
    let rate = if late { 60 } else { 20 } + if arm == LETTER { 10 } else { 0 };
    Person { arm, buys: i64::from(draw < rate), day: if late { 14 } else { 13 }, ..person }
}

#[tokio::test]
async fn averages_and_declared_cohorts_are_compared_within_periods() {
    let experiment = Experiment::ramped(bought_late);
    let study = experiment.study();
    let cells = AverageCells::count(&study).await.unwrap();
    let rows = average_rows(&study, &cells);
    let all = rows.done.iter().chain(rows.exploratory.iter().map(|draft| &draft.row));
    let found = |cohort: &str| {
        let mut rows =
            all.clone().filter(|row| row.metric == "buys" && row.variant == "letter" && row.cohort == cohort);
        rows.find(|row| row.estimand == whom_report::Estimand::Effect).unwrap().clone()
    };
    let grown_up = |person: &Person| person.age.is_some_and(|age| age >= 2.0);
    for (cohort, row) in [("all", found("all")), ("grown_up", found("grown_up"))] {
        let members: Vec<&Person> =
            experiment.people.iter().filter(|person| cohort == "all" || grown_up(person)).collect();
        let (effect, variance) = by_hand(&members);
        assert!((row.estimate.unwrap() - effect).abs() < 1e-12, "{cohort}: {row:?}");
        assert!((row.std_err.unwrap() - variance.sqrt()).abs() < 1e-12, "{cohort}: {row:?}");
        assert_eq!(row.method, "stratified_welch");
    }
    let naive = Comparison::of(
        &cells.everybody.pooled(&study.everyone),
        &study.estimation(Question { treatment: 2, metric: 0 }),
    );
    assert!(
        (naive.effect.unwrap().difference.value - found("all").estimate.unwrap()).abs() > 0.02,
        "Simpson's paradox"
    );
}

/// The effect of a letter on buying and its variance, from the people themselves.
fn by_hand(people: &[&Person]) -> (f64, f64) {
    let total = people.len() as f64;
    let strata: Vec<(f64, [f64; 2], f64)> = [13, 14]
        .iter()
        .map(|day| {
            let arm = |arm: u8| {
                let bought: Vec<f64> = people
                    .iter()
                    .filter(|person| person.day == *day && person.arm == arm)
                    .map(|person| person.buys as f64)
                    .collect();
                let mean = bought.iter().sum::<f64>() / bought.len() as f64;
                let squares: f64 = bought.iter().map(|value| (value - mean) * (value - mean)).sum();
                (mean, squares / (bought.len() as f64 - 1.0) / bought.len() as f64)
            };
            let ((control, of_control), (letter, of_letter)) = (arm(0), arm(LETTER));
            let units = people.iter().filter(|person| person.day == *day).count() as f64;
            (units / total, [control, letter], of_control + of_letter)
        })
        .collect();
    let mean = |arm: usize| strata.iter().map(|(weight, means, _)| weight * means[arm]).sum::<f64>();
    let effect = mean(1) - mean(0);
    let variance = strata.iter().map(|(weight, means, within)| {
        let off = means[1] - means[0] - effect;
        (weight * weight - weight * (1.0 - weight) / total) * within + weight * off * off / total
    });
    (effect, variance.sum())
}
