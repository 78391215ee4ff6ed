//! The intervals of every estimator cover the truth as often as they say, on fresh units from a population.
//!
//! Every case is inside the range that its method declares; a result that marks itself unreliable is counted apart.

use std::fmt::Write as _;

use whom_stats::{
    Comparison, CrossProducts, Desired, Grid, Limit, Moments, NotEstimable, Percentile, QuantileArm, RatioColumn,
    Reference, RegressionAdjustment, Sample, Stratified, Stratum, ValueCounts, centres,
};

use super::draws::Draws;
use super::estimators_by_cluster as by_cluster;
use super::repeated::{asked, resumed, sum};
use super::results::{percent, thousands, write};

pub(super) const GRID: Grid = Grid::FLOAT;
pub(super) const LEVEL: f64 = 0.95;

/// A kind of experiment, analysed by one estimator.
struct Case {
    name: &'static str,
    /// Whether the interval covers the truth; `None` if the estimate marks itself unreliable.
    covers: fn(&mut Draws) -> Option<bool>,
    /// Between which percentages the coverage has to lie.
    promised: (f64, f64),
}

const fn case(name: &'static str, covers: fn(&mut Draws) -> Option<bool>, promised: (f64, f64)) -> Case {
    Case { name, covers, promised }
}

pub(super) const BOTH_SIDES: (f64, f64) = (94.0, 96.0);
pub(super) const AT_LEAST: (f64, f64) = (94.0, 100.0);

const CASES: [Case; 19] = [
    case("adjusted by three covariates, 160 treated of 1,600, unequal slopes", adjusted_unbalanced, BOTH_SIDES),
    case("adjusted by one covariate, 60 units an arm", adjusted_small, BOTH_SIDES),
    case("lift of an adjusted mean, 300 units an arm", adjusted_lift, BOTH_SIDES),
    case("ratio of clicks to views, 500 units an arm", ratio, BOTH_SIDES),
    case("ratio adjusted by a covariate, 500 units an arm", adjusted_ratio, BOTH_SIDES),
    case("stratum-weighted, four strata treated at 5 to 50 %, 1,600 units", strata, BOTH_SIDES),
    case("clusters of unequal size, 80 an arm", by_cluster::mean, BOTH_SIDES),
    case("cohort against the rest within 80 clusters an arm", by_cluster::contrast, BOTH_SIDES),
    case("adjusted by a covariate, 80 clusters an arm", by_cluster::adjusted_mean, BOTH_SIDES),
    case("ratio adjusted by a covariate, 80 clusters an arm", by_cluster::adjusted_ratio, BOTH_SIDES),
    case("proportions, 60 events of 1,000 an arm", proportions, BOTH_SIDES),
    case("Fieller, control mean two standard errors from zero", |draws| Some(fieller(draws)), AT_LEAST),
    case("a relative limit that is just broken, one-sided", non_inferiority, AT_LEAST),
    case("median of units, 100 against 900, heavy tail", median, AT_LEAST),
    case("90 % quantile of units, 400 an arm, heavy tail", high_quantile, AT_LEAST),
    case("median of events, clustered by 400 units an arm", median_of_events, AT_LEAST),
    case("median of units, 80 clusters an arm", by_cluster::median, AT_LEAST),
    case("90 % quantile of events, 80 clusters an arm", by_cluster::high_quantile_of_events, AT_LEAST),
    case(
        "median of a cohort against the rest within 80 clusters an arm",
        by_cluster::median_against_the_rest,
        AT_LEAST,
    ),
];

/// A unit's columns.
pub(super) type Row = [f64; 4];

/// A sample per arm.
pub(super) fn samples(arms: &[Vec<Row>]) -> Vec<Option<Sample>> {
    let products: Vec<CrossProducts> = arms.iter().map(|rows| products(rows)).collect();
    let centres = centres(&products);
    products.iter().map(|products| Sample::exact(products, &centres, &[GRID; 4]).ok()).collect()
}

fn products(rows: &[Row]) -> CrossProducts {
    let mut products = CrossProducts::new(4);
    for row in rows {
        products.push(&row.map(grid_value));
    }
    products
}

pub(super) fn grid_value(value: f64) -> i64 {
    GRID.to_grid(value).expect("a value in range")
}

fn arms(units: [usize; 2], mut row: impl FnMut(f64) -> Row) -> Vec<Vec<Row>> {
    let mut arm = |(arm, units): (usize, usize)| (0..units).map(|_| row(arm as f64)).collect();
    [(0, units[0]), (1, units[1])].map(&mut arm).into()
}

/// Whether the interval of the difference covers the truth.
pub(super) fn covers(comparison: Result<Comparison, NotEstimable>, truth: f64) -> Option<bool> {
    let comparison = comparison.expect("estimable");
    if comparison.unreliable.is_some() {
        return None;
    }
    Some(comparison.difference().expect("estimable").interval(LEVEL, Reference::T).contains(truth))
}

pub(super) fn means(arms: &[Option<Sample>], column: usize) -> Result<Comparison, NotEstimable> {
    let arm = |arm: usize| arms[arm].as_ref().ok_or(NotEstimable::EmptyArm);
    Comparison::of_means(arm(1)?, arm(0)?, column)
}

pub(super) fn exponential(draws: &mut Draws) -> f64 {
    -libm::log(draws.uniform())
}

/// The metric, a skewed covariate that one unit in ten misses, its indicator, and a second covariate. The treatment adds half
/// the covariate, .45 on average.
fn with_pre_period(draws: &mut Draws, arm: f64) -> Row {
    let is_missing = draws.below(10) == 0;
    let (pre, other) = (if is_missing { 0.0 } else { exponential(draws) }, draws.uniform());
    let missing = f64::from(u8::from(is_missing));
    [5.0 + pre * (1.0 + arm / 2.0) + other - missing + draws.normal(), pre, missing, other]
}

fn adjust(arms: &[Option<Sample>], covariates: &[usize]) -> Result<Comparison, NotEstimable> {
    let adjustment = RegressionAdjustment { outcome: 0, covariates, treatment: 1, parent: None };
    adjustment.compare(arms).map(|adjusted| adjusted.comparison)
}

fn adjusted_unbalanced(draws: &mut Draws) -> Option<bool> {
    let arms = arms([1_440, 160], |arm| with_pre_period(draws, arm));
    covers(adjust(&samples(&arms), &[1, 2, 3]), 0.45)
}

fn adjusted_small(draws: &mut Draws) -> Option<bool> {
    covers(adjust(&samples(&arms([60, 60], |arm| with_pre_period(draws, arm))), &[1]), 0.45)
}

fn adjusted_lift(draws: &mut Draws) -> Option<bool> {
    let comparison =
        adjust(&samples(&arms([300, 300], |arm| with_pre_period(draws, arm))), &[1, 2, 3]).expect("estimable");
    let lift = comparison.lift().expect("estimable");
    // The control's mean is 5 + .9 + .5 - .1.
    lift.unreliable.is_none().then(|| lift.relative.interval(LEVEL, Reference::T).contains(0.45 / 6.3))
}

/// Clicks, views and a covariate: the unit's own rate of clicking, of which the treatment adds .05.
pub(super) fn with_views(draws: &mut Draws, arm: f64) -> Row {
    let (rate, views) = (0.1 + 0.4 * draws.uniform(), (1.0 + 4.0 * exponential(draws)).floor());
    let clicks = (0..views as usize).filter(|_| draws.uniform() < rate + 0.05 * arm).count();
    [clicks as f64, views, rate, 0.0]
}

fn ratios(draws: &mut Draws) -> Vec<Option<Sample>> {
    let keep = RatioColumn { numerator: 2, denominator: None, centre: 0.0 };
    let rate = RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 };
    let arms = samples(&arms([500, 500], |arm| with_views(draws, arm)));
    arms.iter().map(|arm| arm.as_ref()?.ratios(&[rate, keep]).ok()).collect()
}

fn ratio(draws: &mut Draws) -> Option<bool> {
    covers(means(&ratios(draws), 0), 0.05)
}

fn adjusted_ratio(draws: &mut Draws) -> Option<bool> {
    covers(adjust(&ratios(draws), &[1]), 0.05)
}

fn strata(draws: &mut Draws) -> Option<bool> {
    // A quarter of the units each; level and effect rise with the stratum, as does the share that is treated.
    let mut by_stratum = vec![vec![Vec::new(), Vec::new()]; 4];
    for _ in 0..1_600 {
        let stratum = draws.below(4);
        let arm = usize::from(draws.uniform() < [0.05, 0.1, 0.25, 0.5][stratum]);
        let value = 3.0 * stratum as f64 + arm as f64 * stratum as f64 / 2.0 + draws.normal();
        by_stratum[stratum][arm].push([value, 0.0, 0.0, 0.0]);
    }
    let stratum = |arms: &Vec<Vec<Row>>| {
        let units = arms.iter().map(Vec::len).sum::<usize>() as u64;
        Stratum { units, independent: units, comparison: means(&samples(arms), 0) }
    };
    let strata: Vec<Stratum> = by_stratum.iter().map(stratum).collect();
    covers(Stratified::new(&strata).map(|stratified| stratified.comparison), 0.75)
}

fn proportions(draws: &mut Draws) -> Option<bool> {
    let mut arm = || (0..1_000).map(|_| i64::from(draws.below(1_000) < 60)).collect::<Moments>();
    let effect = whom_stats::Effect::welch(&arm(), &arm(), Grid::INTEGER).expect("estimable");
    effect.unreliable.is_none().then(|| effect.difference.interval(LEVEL, Reference::T).contains(0.0))
}

fn near_zero(draws: &mut Draws) -> Comparison {
    // 400 units: a standard error of .05, so the control's mean of .1 is two of them from zero.
    let arms = arms([400, 400], |arm| [0.1 + 0.2 * arm + draws.normal(), 0.0, 0.0, 0.0]);
    means(&samples(&arms), 0).expect("estimable")
}

fn fieller(draws: &mut Draws) -> bool {
    let set = near_zero(draws).fieller(LEVEL, Reference::T).expect("estimable");
    set.contains(2.0)
}

fn non_inferiority(draws: &mut Draws) -> Option<bool> {
    let arms = arms([300, 300], |arm| [(2.0 - 0.1 * arm) * exponential(draws), 0.0, 0.0, 0.0]);
    let comparison = means(&samples(&arms), 0).expect("estimable");
    let test = comparison.non_inferiority(Limit::Relative(-0.05), Desired::Increase, Reference::T).expect("estimable");
    test.unreliable.is_none().then_some(test.p_value > 0.05)
}

fn heavy(draws: &mut Draws) -> i64 {
    grid_value(libm::exp(1.5 * draws.normal()))
}

fn quantile(draws: &mut Draws, units: [usize; 2], share: f64) -> Option<bool> {
    let percentile = Percentile::new(share).expect("a share");
    let arm = |units: usize| {
        let counts: ValueCounts = (0..units).map(|_| heavy(draws)).collect();
        QuantileArm::of_units(&counts, percentile, GRID).expect("estimable")
    };
    let [control, treatment] = units.map(arm);
    covers(Ok(treatment.against(&control)), 0.0)
}

fn median(draws: &mut Draws) -> Option<bool> {
    quantile(draws, [900, 100], 0.5)
}

fn high_quantile(draws: &mut Draws) -> Option<bool> {
    quantile(draws, [400, 400], 0.9)
}

fn median_of_events(draws: &mut Draws) -> Option<bool> {
    let percentile = Percentile::new(0.5).expect("a share");
    let mut arm = || {
        let unit = |_| {
            let (common, events) = (draws.normal(), 1 + draws.below(10));
            (0..events).map(|_| grid_value(libm::exp(common + draws.normal()))).collect::<Vec<_>>()
        };
        let units: Vec<Vec<i64>> = (0..400).map(unit).collect();
        let counts: ValueCounts = units.iter().flatten().copied().collect();
        let quantile = counts.quantile(percentile).expect("events");
        let mut products = CrossProducts::new(2);
        for events in &units {
            products.push(&[events.iter().filter(|value| **value <= quantile).count() as i64, events.len() as i64]);
        }
        let share = RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 };
        let sample = Sample::exact(&products, &[0, 0], &[Grid::INTEGER; 2]).and_then(|sample| sample.ratios(&[share]));
        QuantileArm::of_events(&counts, percentile, GRID, &sample.expect("estimable")).expect("estimable")
    };
    let (control, treatment) = (arm(), arm());
    covers(Ok(treatment.against(&control)), 0.0)
}

/// Whether a case covered, and whether it marked itself unreliable.
fn tried(case: &Case, repetition: u64) -> Vec<i64> {
    let covers = (case.covers)(&mut Draws::new(&format!("{} {repetition}", case.name)));
    [covers == Some(true), covers.is_none()].map(i64::from).to_vec()
}

#[test]
fn intervals_of_every_estimator_cover_the_truth() {
    let counts = CASES.map(|case| sum(0..200, |repetition| tried(&case, repetition)));
    let expected = [184, 191, 195, 189, 192, 192, 186, 190, 187, 192, 190, 194, 189, 196, 191, 187, 190, 194, 195]
        .map(|covered| vec![covered, 0]);
    assert_eq!(counts, expected, "covered and unreliable, of 200 each");
}

#[test]
#[ignore = "10,000 experiments for each of 19 estimators"]
fn intervals_of_every_estimator_cover_the_truth_in_10_000_experiments() {
    let repetitions = asked(10_000);
    let mut table = String::from("| what | promised | covered | unreliable |\n|---|--:|--:|--:|\n");
    let mut faults = Vec::new();
    for case in &CASES {
        let counts = resumed(&format!("estimator {}", case.name), repetitions, |repetition| tried(case, repetition));
        let [covered, unreliable] = counts.as_slice() else { panic!("{counts:?}") };
        let (covered, reliable) = (*covered as usize, repetitions as usize - *unreliable as usize);
        let (low, high) = case.promised;
        let share = 100.0 * covered as f64 / reliable as f64;
        if !(low..=high).contains(&share) {
            faults.push(case.name);
        }
        let promised = if high < 100.0 { format!("{low} to {high} %") } else { format!("{low} % or more") };
        let name = case.name;
        writeln!(table, "| {name} | {promised} | {} | {unreliable} |", percent(covered, reliable)).expect("a string");
    }
    write("estimators", &ABOUT.replace("REPETITIONS", &thousands(repetitions)), &table);
    assert!(faults.is_empty(), "{faults:?}\n{table}");
}

const ABOUT: &str = "\
# Intervals of every estimator

REPETITIONS experiments a row, on fresh units from a population whose effect is known: is it inside the 95 % interval? Two-sided methods
have to cover in 94 to 96 %; quantiles, Fieller's sets and one-sided tests in 94 % or more. *Unreliable* are the results that
mark themselves as outside their method's range; they are left out of the share.";
