use super::*;
use crate::distribution::Reference;
use crate::effect::Effect;
use crate::grid::Grid;
use crate::moments::Moments;
use crate::reference_units::{SPEND, Unit, assert_estimate, samples, units};
use crate::regression_adjustment::RegressionAdjustment;
use crate::simulated::Draws;

fn stratum<'a>(members: impl Iterator<Item = &'a Unit>) -> Stratum {
    let members: Vec<&Unit> = members.collect();
    let arms = samples(members.iter().copied());
    let compare = |treatment: &Option<_>, control: &Option<_>| {
        let (treatment, control) = (treatment.as_ref()?, control.as_ref()?);
        Comparison::of_means(treatment, control, SPEND).ok()
    };
    let units = members.len() as u64;
    let comparison = compare(&arms[1], &arms[0]).ok_or(NotEstimable::EmptyArm);
    Stratum { units, independent: units, comparison }
}

fn by_stratum(units: &[Unit]) -> Vec<Stratum> {
    (0..4).map(|place| stratum(units.iter().filter(|unit| unit.stratum == place))).collect()
}

#[test]
fn stratum_weighted_effects_meet_numpy() {
    let Stratified { comparison, weights, left_out } = Stratified::new(&by_stratum(&units())).unwrap();
    assert_estimate("strata", &comparison.difference().unwrap());
    assert_estimate("strata lift", &comparison.lift().unwrap().relative);
    assert!((weights.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    assert_eq!((left_out, comparison.unreliable), (0, None));
}

#[test]
fn a_ramp_is_no_longer_simpson_s_paradox() {
    // The second period is worth 100 more, and 1 then 50 % are treated; the effect is 3 in both.
    let unit = |place: i64| {
        let (period, noise) = ((place % 2) as usize, place * 7_919 % 11);
        let arm = usize::from(place / 2 % 100 < if period == 0 { 1 } else { 50 });
        let spend = 100 * period as i64 + noise + 3 * arm as i64;
        Unit { stratum: period, cluster: 0, arm, missing: 0, pre: 0, age: 0, spend, views: 1, clicks: 0 }
    };
    let ramp: Vec<Unit> = (0..20_000).map(unit).collect();
    let pooled = stratum(ramp.iter()).comparison.unwrap().difference().unwrap();
    assert!(pooled.value > 0.4, "in units, 45 too many: {}", pooled.value);
    let strata: Vec<Stratum> = (0..2).map(|place| stratum(ramp.iter().filter(|unit| unit.stratum == place))).collect();
    let effect = Stratified::new(&strata).unwrap().comparison.difference().unwrap();
    assert!(effect.interval(0.95, crate::Reference::T).contains(0.03) && effect.std_err < 0.005, "{effect:?}");
}

#[test]
fn one_stratum_is_the_plain_comparison() {
    let all = units();
    let plain = stratum(all.iter());
    let stratified = Stratified::new(std::slice::from_ref(&plain)).unwrap();
    let (found, expected) = (stratified.comparison.difference(), plain.comparison.unwrap().difference());
    assert_eq!(found, expected);
}

#[test]
fn strata_without_an_arm_are_left_out_and_named() {
    let mut strata = by_stratum(&units());
    strata.push(Stratum { units: 100, independent: 100, comparison: Err(NotEstimable::EmptyArm) });
    let few = Stratified::new(&strata).unwrap();
    assert_eq!(few.comparison.unreliable, Some(Unreliable::StrataLeftOut { units: 100 }));
    assert_eq!((few.left_out, few.weights[4]), (100, 0.0));
    strata[4].units = 1_000;
    assert_eq!(Stratified::new(&strata), Err(NotEstimable::StrataWithoutArm));
    assert_eq!(Stratified::new(&[]), Err(NotEstimable::NoUnits));
}

#[test]
fn a_stratum_where_nothing_happens_still_counts() {
    let mut all = units();
    all.iter_mut().filter(|unit| unit.stratum == 0).for_each(|unit| unit.spend = 0);
    let with = Stratified::new(&by_stratum(&all)).unwrap();
    assert_eq!(with.left_out, 0);
    for unit in &mut all {
        unit.spend = 0;
    }
    let nothing = Stratified::new(&by_stratum(&all)).unwrap();
    assert_eq!(nothing.comparison.difference(), Err(NotEstimable::NoVariance));
}

#[test]
fn the_order_of_arms_flips_the_sign_and_adjusted_strata_are_more_precise() {
    let all = units();
    let plain = Stratified::new(&by_stratum(&all)).unwrap().comparison.difference().unwrap();
    let mut turned = all.clone();
    turned.iter_mut().filter(|unit| unit.arm < 2).for_each(|unit| unit.arm = 1 - unit.arm);
    let back = Stratified::new(&by_stratum(&turned)).unwrap().comparison.difference().unwrap();
    assert!((plain.value + back.value).abs() < 1e-12 && (plain.std_err - back.std_err).abs() < 1e-12);

    let covariates = [crate::reference_units::PRE];
    let adjustment = RegressionAdjustment { outcome: SPEND, covariates: &covariates, treatment: 1, parent: None };
    let adjusted = |place| {
        let members: Vec<&Unit> = all.iter().filter(|unit| unit.stratum == place).collect();
        let comparison = adjustment.compare(&samples(members.iter().copied())).map(|adjusted| adjusted.comparison);
        Stratum { units: members.len() as u64, independent: members.len() as u64, comparison }
    };
    let strata: Vec<Stratum> = (0..4).map(adjusted).collect();
    let adjusted = Stratified::new(&strata).unwrap().comparison.difference().unwrap();
    assert!(adjusted.std_err < 0.85 * plain.std_err);
}

/// Experiments of so many blocks with so many untreated and treated units each, of which every value is a skewed one (chi-square with one degree
/// of freedom) about its block's mean: in how many the interval holds the truth, that the effect is none, and how many are unreliable.
fn covered(experiments: usize, blocks: usize, units: [usize; 2]) -> (usize, usize) {
    let mut draws = Draws::new(29);
    let mut arm = |units: usize, block: i64| {
        (0..units).fold(Moments::default(), |mut sum, _| {
            let noise = draws.noise();
            sum.push(noise * noise / 1_000 + 2_000 * block);
            sum
        })
    };
    let (mut covered, mut unreliable) = (0, 0);
    for _ in 0..experiments {
        let block = |place: usize| {
            let [control, treatment] = units.map(|units| arm(units, place as i64));
            let comparison = Effect::welch(&treatment, &control, Grid::INTEGER).map(|effect| Comparison::from(&effect));
            let units = units.iter().sum::<usize>() as u64;
            Stratum { units, independent: units, comparison }
        };
        let blocks: Vec<Stratum> = (0..blocks).map(block).collect();
        let comparison = Stratified::new(&blocks).unwrap().comparison;
        unreliable += usize::from(comparison.unreliable.is_some());
        covered += usize::from(comparison.difference().unwrap().interval(0.95, Reference::T).contains(0.0));
    }
    (covered, unreliable)
}

#[test]
fn many_small_skewed_blocks_cover_though_one_that_carries_a_tenth_is_held_against_them() {
    // Of 1,000, 929 to 971 are 3.1 standard errors about 950.
    assert_eq!(covered(1_000, 60, [8, 4]), (960, 469));
    let (_, unreliable) = covered(100, 4, [8, 4]);
    assert_eq!(unreliable, 100, "a block of four or fewer adds a tenth of the variance at least");
}
