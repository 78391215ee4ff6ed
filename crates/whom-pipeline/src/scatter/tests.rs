use whom_stats::{ArmSums, ArmTable, Grid, Identity};

use super::*;
use crate::estimation::Estimation;
use crate::fixture::MEAN;
use crate::study::Question;

/// So many units in both arms, of which each is 1 with a chance in percent.
fn proportions(draws: &mut impl Iterator<Item = u64>, units: usize, percent: u64) -> Comparison {
    let mut table = ArmTable::new(2, 1);
    for arm in [1, 0] {
        table.units[arm] = units as u64;
        table.moments[arm] = draws.take(units).map(|draw| i64::from(draw % 100 < percent)).collect();
    }
    let question = Question { treatment: 1, metric: 0 };
    let estimation = Estimation { question, outcome: &MEAN, grid: Grid::INTEGER, grids: Vec::new(), parent: None };
    Comparison::of(&ArmSums { table, products: Vec::new() }, &estimation)
}

/// The heterogeneity of ten levels without any, whose events per arm lie about the number from which an effect is reliable.
fn without_any(repetition: u16) -> Scatter {
    let identity = Identity::new("levels alike", "simulation");
    let mut draws = (0..).map(|place| identity.hash(repetition, place));
    let levels: Vec<Comparison> = (0..10).map(|level| proportions(&mut draws, 300 + 60 * level, 5)).collect();
    let effects: Vec<_> = reliable(levels.iter()).map(|(_, effect)| Ok(effect.difference)).collect();
    scatter(&Heterogeneity::of(&effects, 0.95), None, 10)
}

#[test]
fn leaving_out_unreliable_levels_does_not_make_the_others_differ() {
    let found: Vec<Scatter> = (0..1_000).map(without_any).collect();
    assert!(found.iter().all(|scatter| scatter.groups + scatter.left_out == 10));
    let left_out: usize = found.iter().map(|scatter| scatter.left_out).sum();
    let rejected = |level: f64| found.iter().filter(|scatter| scatter.p_value.is_some_and(|p| p < level)).count();
    let tested = rejected(f64::INFINITY);
    assert_eq!(
        (tested, left_out, rejected(0.05), rejected(0.01)),
        (1_000, 2_963, 26, 3),
        "50 and 10 would be the levels"
    );
}

#[test]
fn what_is_not_tested_has_a_reason_and_no_figure() {
    let found = scatter(&Err(NotEstimable::OneGroup), Some(0.2), 3);
    assert_eq!((found.groups, found.left_out, found.p_value_adjusted), (0, 3, None));
    assert_eq!((found.cochran_q, found.i_squared, found.between_interval), (None, None, None));
    assert_eq!(found.not_estimable.as_deref(), Some("fewer than two groups hold enough units"));
}

#[test]
fn a_standard_deviation_between_groups_is_the_root_of_their_variance() {
    let estimate = |value| Ok(whom_stats::Estimate { value, std_err: 1.0, degrees_of_freedom: f64::INFINITY });
    let found = scatter(&Heterogeneity::of(&[estimate(0.0), estimate(2.0), estimate(4.0)], 0.95), Some(0.5), 3);
    assert!((found.between.unwrap() - 3.0_f64.sqrt()).abs() < 1e-9, "errors of 1 and a variance of 4 leave 3");
    assert_eq!((found.cochran_q, found.i_squared, found.p_value_adjusted), (Some(8.0), Some(0.75), Some(0.5)));
    let interval = found.between_interval.unwrap();
    assert!(interval.lower < 3.0_f64.sqrt() && 3.0_f64.sqrt() < interval.upper);
}
