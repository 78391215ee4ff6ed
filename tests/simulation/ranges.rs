//! Inside the range that a method declares its intervals cover as promised; what happens outside of it stands beside.
//!
//! Customers spend as in Hillstrom's challenge. The treatment lets each of them spend a fifth more.

use std::fmt::Write as _;

use whom_stats::{
    Cap, CapOf, Comparison, ConfidenceSet, Effect, Grid, Moments, Percentile, RatioColumn, Reference,
    RegressionAdjustment, Sample, ValueCounts,
};

use super::draws::Draws;
use super::estimators::{AT_LEAST, BOTH_SIDES, Row, samples, with_views};
use super::repeated::{asked, resumed, sum};
use super::results::{share, thousands, write};
use super::spend::{mean_over_customers, spend};
use super::trial::LEVEL;

/// What an interval says of the truth.
struct Said {
    covers: bool,
    /// Whether the row is not marked `unreliable`.
    reliable: bool,
}

/// A kind of experiment.
struct Case {
    name: &'static str,
    /// Control's units and the treatment's.
    units: [usize; 2],
    says: fn(&mut Draws, [usize; 2]) -> Said,
    /// Between which percentages reliable intervals have to cover.
    promised: (f64, f64),
}

const fn case(
    name: &'static str,
    units: [usize; 2],
    says: fn(&mut Draws, [usize; 2]) -> Said,
    promised: (f64, f64),
) -> Case {
    Case { name, units, says, promised }
}

const CASES: [Case; 18] = [
    case("mean of spend", [4_000, 4_000], mean, BOTH_SIDES),
    case("mean of spend", [180_000, 20_000], mean, BOTH_SIDES),
    case("mean of spend", [18_000, 2_000], mean, BOTH_SIDES),
    case("mean of spend", [4_500, 500], mean, BOTH_SIDES),
    case("mean of spend", [500, 500], mean, BOTH_SIDES),
    case("mean of spend, capped at 90 % of spenders", [4_000, 4_000], capped, BOTH_SIDES),
    case("mean of spend, capped at 90 % of spenders", [180_000, 20_000], capped, BOTH_SIDES),
    case("mean of spend, capped at 90 % of spenders", [4_500, 500], capped, BOTH_SIDES),
    case("lift of spend, Fieller where control is near zero", [4_000, 4_000], lift, AT_LEAST),
    case("lift of spend, Fieller where control is near zero", [36_000, 4_000], lift, AT_LEAST),
    case("lift by the delta method, control twelve standard errors from zero", [500, 500], far_lift, BOTH_SIDES),
    case("lift by the delta method, control two standard errors from zero", [500, 500], near_lift, BOTH_SIDES),
    case("spend adjusted by earlier spend", [4_000, 4_000], adjusted, BOTH_SIDES),
    case("spend adjusted by earlier spend", [4_500, 500], adjusted, BOTH_SIDES),
    case("ratio of clicks to views", [2_700, 300], ratio, BOTH_SIDES),
    case("ratio of clicks to views", [270, 30], ratio, BOTH_SIDES),
    case("proportion of 5 %", [72_000, 8_000], proportion, BOTH_SIDES),
    case("proportion of 5 %", [1_800, 200], proportion, BOTH_SIDES),
];

fn cents() -> Grid {
    Grid::decimal(2).expect("a grid")
}

/// What a treated customer spends.
fn more(cents: i64) -> i64 {
    (1.2 * cents as f64).round() as i64
}

/// The mean of what the treatment adds, of values that count up to a threshold, in dollars.
fn gain(threshold: i64) -> f64 {
    mean_over_customers(|cents| (more(cents).min(threshold) - cents.min(threshold)) as f64) / 100.0
}

/// What the customers of control and of the treatment spend.
fn spent(draws: &mut Draws, [control, treated]: [usize; 2]) -> [Vec<i64>; 2] {
    let control = (0..control).map(|_| spend(draws)).collect();
    [control, (0..treated).map(|_| more(spend(draws))).collect()]
}

fn moments(values: &[i64]) -> Moments {
    values.iter().copied().collect()
}

fn said(effect: &Effect, truth: f64) -> Said {
    let covers = effect.difference.interval(LEVEL, Reference::T).contains(truth);
    Said { covers, reliable: effect.unreliable.is_none() }
}

fn welch(draws: &mut Draws, units: [usize; 2]) -> Option<Effect> {
    let [control, treated] = spent(draws, units);
    Effect::welch(&moments(&treated), &moments(&control), cents()).ok()
}

/// An experiment in which nobody spends has no interval and says so: it counts as unreliable, and as a miss.
const NO_INTERVAL: Said = Said { covers: false, reliable: false };

fn mean(draws: &mut Draws, units: [usize; 2]) -> Said {
    welch(draws, units).map_or(NO_INTERVAL, |effect| said(&effect, gain(i64::MAX)))
}

fn capped(draws: &mut Draws, units: [usize; 2]) -> Said {
    let [control, treated] = spent(draws, units).map(|values| values.into_iter().collect::<ValueCounts>());
    let mut all = control.clone();
    treated.iter().for_each(|(value, times)| all.add(value, times));
    let share = Percentile::new(0.9).expect("a share");
    let Ok(cap) = Cap::at_percentile(&all, share, CapOf::NonZero, cents()) else { return NO_INTERVAL };
    let effect = Effect::welch(&cap.moments(&treated), &cap.moments(&control), cents());
    effect.map_or(NO_INTERVAL, |effect| said(&effect, gain(cap.threshold)))
}

/// The lift as the program tells it: Fieller's set where control's mean is near zero.
fn lift(draws: &mut Draws, units: [usize; 2]) -> Said {
    let Some(effect) = welch(draws, units) else { return NO_INTERVAL };
    let truth = gain(i64::MAX) / (mean_over_customers(|cents| cents as f64) / 100.0);
    let found = effect.lift().expect("a lift");
    let set = match found.unreliable {
        None => ConfidenceSet::Bounded(found.relative.interval(LEVEL, Reference::T)),
        Some(_) => Comparison::from(&effect).fieller(LEVEL, Reference::T).expect("a set"),
    };
    Said { covers: set.contains(truth), reliable: effect.unreliable.is_none() }
}

fn far_lift(draws: &mut Draws, units: [usize; 2]) -> Said {
    normal_lift(draws, units, 12.0)
}

fn near_lift(draws: &mut Draws, units: [usize; 2]) -> Said {
    normal_lift(draws, units, 2.0)
}

/// Normal values whose mean in control is so many standard errors from zero; the treatment adds a half to it.
fn normal_lift(draws: &mut Draws, units: [usize; 2], distance: f64) -> Said {
    let base = distance / (units[0] as f64).sqrt();
    let mut arm = |units: usize, mean: f64| -> Moments {
        (0..units).map(|_| Grid::FLOAT.to_grid(mean + draws.normal()).expect("a value in range")).collect()
    };
    let (control, treated) = (arm(units[0], base), arm(units[1], 1.5 * base));
    let lift = Effect::welch(&treated, &control, Grid::FLOAT).and_then(|effect| effect.lift()).expect("a lift");
    let covers = lift.relative.interval(LEVEL, Reference::T).contains(0.5);
    Said { covers, reliable: lift.unreliable.is_none() }
}

/// Half of the customers spent before what they spend now, the others something else.
fn adjusted(draws: &mut Draws, units: [usize; 2]) -> Said {
    let mut arm = |units: usize, now: fn(i64) -> i64| {
        let rows = (0..units).map(|_| {
            let cents = spend(draws);
            let before = if draws.below(2) == 0 { cents } else { spend(draws) };
            [now(cents) as f64 / 100.0, before as f64 / 100.0, 0.0, 0.0]
        });
        rows.collect::<Vec<_>>()
    };
    let (control, treated) = (arm(units[0], |cents| cents), arm(units[1], more));
    let of_spend = |rows: &[Row]| -> Moments {
        rows.iter().map(|row| cents().to_grid(row[0]).expect("a value in range")).collect()
    };
    let judged = [of_spend(&treated), of_spend(&control)];
    let arms = samples(&[control, treated]);
    let adjustment = RegressionAdjustment { outcome: 0, covariates: &[1], treatment: 1, parent: None };
    let Ok(found) = adjustment.compare(&arms) else { return NO_INTERVAL };
    compared(&found.comparison.judged(&judged[0], &judged[1]), gain(i64::MAX))
}

fn ratio(draws: &mut Draws, units: [usize; 2]) -> Said {
    let mut arm = |(arm, units): (usize, usize)| (0..units).map(|_| with_views(draws, arm as f64)).collect::<Vec<_>>();
    let arms = [(0, units[0]), (1, units[1])].map(&mut arm);
    let clicks = |rows: &[Row]| rows.iter().map(|row| row[0] as i64).collect::<Moments>();
    let judged = [clicks(&arms[1]), clicks(&arms[0])];
    let rate = RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 };
    let ratios: Vec<Sample> =
        samples(&arms).iter().flatten().filter_map(|sample| sample.ratios(&[rate]).ok()).collect();
    let [control, treated] = ratios.as_slice() else { return NO_INTERVAL };
    let comparison = Comparison::of_means(treated, control, 0).expect("a column");
    compared(&comparison.judged(&judged[0], &judged[1]), 0.05)
}

fn proportion(draws: &mut Draws, units: [usize; 2]) -> Said {
    let mut arm = |units: usize| (0..units).map(|_| i64::from(draws.below(100) < 5)).collect::<Moments>();
    let (control, treated) = (arm(units[0]), arm(units[1]));
    Effect::welch(&treated, &control, Grid::INTEGER).map_or(NO_INTERVAL, |effect| said(&effect, 0.0))
}

fn compared(comparison: &Comparison, truth: f64) -> Said {
    let Ok(difference) = comparison.difference() else { return NO_INTERVAL };
    let covers = difference.interval(LEVEL, Reference::T).contains(truth);
    Said { covers, reliable: comparison.unreliable.is_none() }
}

/// Reliable intervals, those among them that cover, and those that cover among the others.
fn once(case: &Case, repetition: u64) -> Vec<i64> {
    let Case { name, units, says, .. } = case;
    let Said { covers, reliable } = says(&mut Draws::new(&format!("{name} {units:?} {repetition}")), *units);
    [reliable, reliable && covers, !reliable && covers].map(i64::from).to_vec()
}

#[test]
fn reliable_intervals_cover_the_truth() {
    let small = CASES.iter().filter(|case| case.units[0] <= 5_000);
    let counts: Vec<Vec<i64>> = small.map(|case| sum(0..100, |repetition| once(case, repetition))).collect();
    let expected = [
        [99, 95, 1],
        [0, 0, 85],
        [0, 0, 96],
        [100, 95, 0],
        [0, 0, 85],
        [99, 97, 0],
        [100, 97, 0],
        [0, 0, 92],
        [100, 94, 0],
        [0, 0, 91],
        [100, 93, 0],
        [0, 0, 95],
        [0, 0, 95],
    ];
    assert_eq!(counts, expected, "reliable, covering among these, and covering among the others, of 100 each");
}

#[test]
#[ignore = "10,000 experiments of each of 18 kinds"]
fn reliable_intervals_cover_the_truth_in_10_000_experiments() {
    let repetitions = asked(10_000);
    let mut table = String::from(
        "| what | control | treated | promised | reliable | reliable ones cover | the others cover |\n|---|--:|--:|--:|--:|--:|--:|\n",
    );
    let mut faults = Vec::new();
    for case in &CASES {
        let Case { name, units: [control, treated], promised: (low, high), .. } = case;
        let counts = resumed(&format!("range of {name} {control} {treated}"), repetitions, |number| once(case, number));
        let [reliable, covered, others] = counts.as_slice() else { panic!("{counts:?}") };
        let of = |count: i64, all: i64| if all < 100 { "–".to_owned() } else { share(count as f64 / all as f64) };
        let rate = 100.0 * *covered as f64 / *reliable as f64;
        if 10 * *reliable >= 9 * repetitions as i64 && !(*low..=*high).contains(&rate) {
            faults.push(format!("{name} {control} {treated}: {rate}"));
        }
        let promise = if *high < 100.0 { format!("{low} to {high} %") } else { format!("{low} % or more") };
        let told =
            [of(*reliable, repetitions as i64), of(*covered, *reliable), of(*others, repetitions as i64 - reliable)];
        writeln!(table, "| {name} | {control} | {treated} | {promise} | {} |", told.join(" | ")).expect("a string");
    }
    write("ranges", &ABOUT.replace("REPETITIONS", &thousands(repetitions)), &table);
    assert!(faults.is_empty(), "{faults:?}\n{table}");
}

const ABOUT: &str = "\
# Inside and outside the range of a method

REPETITIONS experiments a row, of so many units in control and under treatment: is the known effect inside the 95 % interval? A row that
is marked `unreliable` is outside the range that its method declares: how often intervals inside and outside cover. The
promise is that of reliable ones, and judged where nine in ten of them are: a mark that depends on the number of events that happened
to be seen selects. Shares of fewer than 100 are left out.";
