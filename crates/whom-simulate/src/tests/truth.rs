use super::rows::{Analysed, flawed, outcomes, units};
use crate::CohortTruth;

fn takes(cohort: &CohortTruth, unit: &Analysed) -> bool {
    let rule = cohort.rule.as_deref().unwrap_or_default();
    let cut = |sign: &str| -> Option<f64> {
        let (_, rest) = rule.split_once(&format!("tenure_days {sign} "))?;
        rest.split(' ').next()?.parse().ok()
    };
    match (cohort.cohort.as_str(), &unit.tags) {
        ("all", _) => true,
        (_, None) => false,
        ("new_on_phone", Some(tags)) => tags.tenure_days < cut("<").expect("a cut") && tags.device == "phone",
        ("new_on_others", Some(tags)) => tags.tenure_days < cut("<").expect("a cut") && tags.device != "phone",
        ("long_standing", Some(tags)) => tags.tenure_days >= cut(">=").expect("a cut"),
        (other, _) => panic!("`{other}` was not planted"),
    }
}

fn mean_and_standard_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (mean, (variance / n).sqrt())
}

#[test]
fn a_large_draw_meets_the_truth_within_four_standard_errors() {
    let population = flawed(150_000, 11);
    let (truth, units) = (population.truth(), units(&population));
    let mut compared = 0;
    for fact in 0..2 {
        let outcomes = outcomes(&population, fact, &units);
        for cohort in &truth.cohorts {
            for (number, metric) in cohort.metrics[3 * fact..3 * fact + 3].iter().enumerate() {
                for arm in &metric.arms {
                    let members = units.iter().filter(|(_, unit)| unit.variant == arm.variant && takes(cohort, unit));
                    let values: Vec<f64> = members.map(|(unit, _)| outcomes[unit][number]).collect();
                    let (mean, error) = mean_and_standard_error(&values);
                    let place = format!("{} of {} in {}", metric.metric, cohort.cohort, arm.variant);
                    assert!((mean - arm.mean).abs() < 4.0 * error, "{place}: {mean} ± {error}, in truth {}", arm.mean);
                    compared += 1;
                }
            }
        }
    }
    assert_eq!(compared, 2 * 4 * 3 * 3);
}

#[test]
fn cohorts_have_their_shares() {
    let population = flawed(100_000, 12);
    let units = units(&population);
    let known = units.values().filter(|unit| unit.tags.is_some()).count() as f64;
    for cohort in &population.truth().cohorts[1..] {
        let found = units.values().filter(|unit| takes(cohort, unit)).count() as f64 / known;
        let error = (cohort.share * (1.0 - cohort.share) / known).sqrt();
        assert!((found - cohort.share).abs() < 4.0 * error, "{}: {found}, in truth {}", cohort.cohort, cohort.share);
    }
}

#[test]
fn everybody_is_the_mean_of_the_cohorts() {
    let truth = flawed(1_000, 1).truth();
    let (everybody, cohorts) = truth.cohorts.split_first().expect("everybody");
    assert!((cohorts.iter().map(|cohort| cohort.share).sum::<f64>() - 1.0).abs() < 1e-12);
    for (metric, all) in everybody.metrics.iter().enumerate() {
        for (arm, all) in all.arms.iter().enumerate() {
            let weighted = cohorts.iter().map(|cohort| cohort.share * cohort.metrics[metric].arms[arm].effect);
            assert!((weighted.sum::<f64>() - all.effect).abs() < 1e-12);
        }
    }
}

#[test]
fn what_is_added_to_the_rate_is_the_effect_whatever_the_tags() {
    let truth = flawed(1_000, 1).truth();
    let effects: Vec<Vec<f64>> = truth.cohorts[1..]
        .iter()
        .map(|cohort| cohort.metrics[1].arms.iter().map(|arm| arm.effect / (14.0 * 0.9)).collect())
        .collect();
    let planted = [[0.0, 0.03, 0.01], [0.0, 0.0, 0.02], [0.0, -0.01, 0.0]];
    for (found, planted) in effects.iter().flatten().zip(planted.iter().flatten()) {
        assert!((found - planted).abs() < 1e-12, "{effects:?}");
    }
}

#[test]
fn snapshots_from_the_exposure_day_on_say_nothing_about_the_cohort() {
    let population = flawed(20_000, 13);
    let steering = [population.tags.iter().position(|tag| tag.name == "device").expect("device")];
    let differ = (0..20_000)
        .filter(|unit| {
            let at = |is_exposed| population.tags[steering[0]].pick(&population.tags, *unit, 0, is_exposed).step;
            at(true) != at(false)
        })
        .count();
    assert!(differ > 19_950, "{differ} of 20,000 steps are drawn anew");
}
