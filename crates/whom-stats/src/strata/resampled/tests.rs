use std::sync::atomic::AtomicBool;

use super::*;
use crate::bootstrap::Hypothesis;
use crate::bucket::BUCKETS;
use crate::cell_products::{ProductColumn, ProductGroup};
use crate::cell_sums::cell_sums;
use crate::columns::{CodeColumn, UnitColumnParts, UnitColumns};
use crate::distribution::Reference;
use crate::measured::{CONTROL, Measured, Target};
use crate::pass::{ColumnShape, Grouping};
use crate::simulated::Draws;

const COHORTS: usize = 2;
const BOOTSTRAP: Bootstrap<'static> =
    Bootstrap { experiment: "strata", replicates: 300, level: 0.95, reference: Reference::T };

/// Units of two cohorts in some strata, of which the first has one treated unit in ten and values that are higher by `apart`.
fn sums(strata: usize, apart: i64) -> CellSums {
    let mut draws = Draws::new(5);
    let cells = COHORTS * strata;
    let shape = ColumnShape { name: "cell".into(), codes: cells, ordered: true, missing: None };
    let mut parts = UnitColumnParts {
        arm_count: 2,
        arms: Vec::new(),
        buckets: Vec::new(),
        codes: Vec::new(),
        shapes: vec![shape],
        metrics: vec![Vec::new()],
    };
    let mut codes = Vec::new();
    for _ in 0..8_000 {
        let (cohort, stratum) = (draws.below(COHORTS as u64), draws.below(strata as u64));
        let is_first = strata > 1 && stratum == 0;
        let arm = u64::from(draws.below(10) < if is_first { 1 } else { 5 });
        let more = if is_first { apart } else { 0 };
        parts.arms.push(arm as u8);
        parts.buckets.push(draws.below(BUCKETS as u64) as u16);
        codes.push((cohort * strata as u64 + stratum) as u8);
        parts.metrics[0].push(draws.noise() + more + if cohort == 1 { 200 * arm as i64 } else { 0 });
    }
    parts.codes = vec![CodeColumn::U8(codes)];
    let units = UnitColumns::new(parts).unwrap();
    let grouping = Grouping::Codes { column: 0, codes: cells as u16 };
    let group = ProductGroup { columns: vec![ProductColumn::Value(0)] };
    cell_sums(&units, &[grouping], &[group], &AtomicBool::new(false)).unwrap().remove(0)
}

fn means(arms: &[Option<Sample>]) -> Result<Comparison, NotEstimable> {
    let arm = |arm: usize| arms[arm].as_ref().ok_or(NotEstimable::EmptyArm);
    Comparison::of_means(arm(1)?, arm(CONTROL)?, 0)
}

/// The effect over strata in some cohorts, from the exact moments.
fn exact(sums: &CellSums, strata: usize, cohorts: &[usize]) -> Result<Estimate, NotEstimable> {
    let stratum = |stratum: usize| {
        let cells: Vec<usize> = cohorts.iter().map(|cohort| cohort * strata + stratum).collect();
        let table = sums.over(&cells, &BucketSet::all()).table;
        let units = table.total_units();
        let comparison = Comparison::of_moments(table.get(1, 0), table.get(CONTROL, 0), Grid::INTEGER);
        Stratum { units, independent: units, comparison }
    };
    let strata: Vec<Stratum> = (0..strata).map(stratum).collect();
    Stratified::new(&strata)?.comparison.difference()
}

/// Both cohorts against zero and against the rest.
fn family(sums: &CellSums, strata: usize, group: Option<usize>) -> Vec<StratifiedQuestion<'static>> {
    let question = |against: Against, cohort: usize| {
        let own = exact(sums, strata, &[cohort]);
        let estimate = match against {
            Against::Zero => own,
            Against::Rest => own.map(|own| own.minus(&exact(sums, strata, &[1 - cohort]).unwrap())),
        };
        StratifiedQuestion { within: &means, metric: 0, group, cohort, against, estimate }
    };
    [Against::Zero, Against::Rest]
        .into_iter()
        .flat_map(|against| [0, 1].map(|cohort| question(against, cohort)))
        .collect()
}

fn measured<'a>(sums: &'a CellSums, strata: usize, buckets: &'a BucketSet) -> MeasuredStrata<'a> {
    const GRIDS: [Grid; 1] = [Grid::INTEGER];
    static GROUP_GRIDS: std::sync::LazyLock<Vec<Vec<Grid>>> = std::sync::LazyLock::new(|| vec![vec![Grid::INTEGER]]);
    MeasuredStrata { sums, strata, buckets, grids: &GRIDS, group_grids: &GROUP_GRIDS }
}

#[test]
fn one_stratum_is_the_bootstrap_of_all_units() {
    let (sums, buckets) = (sums(1, 0), BucketSet::all());
    let hypotheses: Vec<Hypothesis> = [Against::Zero, Against::Rest]
        .into_iter()
        .flat_map(|against| [0, 1].map(|cell| Hypothesis { target: Target { metric: 0, treatment: 1, cell }, against }))
        .collect();
    let plain = Measured { cells: &sums.cells, buckets: &buckets, grids: &[Grid::INTEGER] };
    let expected = BOOTSTRAP.max_t(&plain, &hypotheses);
    let found = BOOTSTRAP.max_t_within_strata(&measured(&sums, 1, &buckets), &family(&sums, 1, None));
    let near = |left: f64, right: f64| (left / right - 1.0).abs() < 1e-9;
    assert!(near(expected.critical_value.unwrap(), found.critical_value.unwrap()));
    for (expected, found) in expected.outcomes.iter().zip(&found.outcomes) {
        let (expected, found) = (expected.unwrap(), found.unwrap());
        assert!(near(expected.p_adjusted, found.p_adjusted) && near(expected.p_step_down, found.p_step_down));
        assert!(near(expected.bootstrap_std_err, found.bootstrap_std_err));
    }
}

#[test]
fn what_strata_have_in_common_moves_nothing_and_errors_agree_with_those_of_the_estimates() {
    let buckets = BucketSet::all();
    let of = |sums: &CellSums| BOOTSTRAP.max_t_within_strata(&measured(sums, 3, &buckets), &family(sums, 3, None));
    let outcomes = of(&sums(3, 40_000)).outcomes;
    for (found, same) in outcomes.iter().zip(of(&sums(3, 0)).outcomes) {
        let (found, same) = (found.as_ref().unwrap(), same.unwrap());
        assert!((found.estimate.value - same.estimate.value).abs() < 1e-9 * same.estimate.std_err.max(1.0));
        assert!((found.p_adjusted - same.p_adjusted).abs() < 1e-6, "{found:?} {same:?}");
        let ratio = found.bootstrap_std_err / found.estimate.std_err;
        assert!((ratio - 1.0).abs() < 0.15, "{ratio}: 300 replicates are within 4 % of the true one, 2 in 3 times");
    }
    let significant: Vec<bool> = outcomes.iter().map(|outcome| outcome.unwrap().p_adjusted < 0.05).collect();
    assert_eq!(significant, [false, true, true, true], "cohort 1 gains, and both differ");
}

#[test]
fn products_tell_of_a_mean_what_moments_tell() {
    let (sums, buckets) = (sums(3, 700), BucketSet::all());
    let of = |group| BOOTSTRAP.max_t_within_strata(&measured(&sums, 3, &buckets), &family(&sums, 3, group));
    let (moments, products) = (of(None), of(Some(0)));
    for (moments, products) in moments.outcomes.iter().zip(&products.outcomes) {
        let (moments, products) = (moments.unwrap(), products.unwrap());
        assert!((moments.p_adjusted / products.p_adjusted - 1.0).abs() < 1e-9, "{moments:?} {products:?}");
    }
}

#[test]
fn questions_that_the_sums_cannot_answer_are_named() {
    let (sums, buckets) = (sums(3, 0), BucketSet::all());
    let good = family(&sums, 3, None)[0];
    let family = [
        StratifiedQuestion { cohort: 2, ..good },
        StratifiedQuestion { metric: 1, ..good },
        StratifiedQuestion { group: Some(1), ..good },
        StratifiedQuestion { estimate: Err(NotEstimable::StrataWithoutArm), ..good },
    ];
    let found = BOOTSTRAP.max_t_within_strata(&measured(&sums, 3, &buckets), &family);
    let expected =
        [NotEstimable::NotCounted, NotEstimable::NotCounted, NotEstimable::NotCounted, NotEstimable::StrataWithoutArm];
    assert_eq!(found.outcomes, expected.map(Err));
    assert_eq!(found.critical_value, None);
}

#[test]
fn an_arm_that_replicates_often_lose_in_a_heavy_stratum_is_not_judged() {
    let mut few = sums(3, 0);
    for table in few.cells.tables.iter_mut().take(BUCKETS) {
        // Of the first stratum of cohort 0 only the treated units of one bucket in 200 stay.
        table.moments[1] = Moments::default();
        table.units[1] = 0;
    }
    for place in [3, 500] {
        (0..2).for_each(|value| few.cells.tables[place].moments[1].push(value));
        few.cells.tables[place].units[1] = 2;
    }
    let buckets = BucketSet::all();
    let question = family(&few, 3, None)[0];
    assert!(question.estimate.is_ok());
    let found = BOOTSTRAP.max_t_within_strata(&measured(&few, 3, &buckets), &[question]);
    assert_eq!(found.outcomes, [Err(NotEstimable::UndefinedReplicates)], "one replicate in seven draws neither bucket");
}
