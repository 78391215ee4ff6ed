use proptest::prelude::*;

use super::*;
use crate::clusters::ClusterMeans;
use crate::estimate::Satterthwaite;
use crate::grid::Grid;
use crate::heterogeneity::Heterogeneity;
use crate::moments::Moments;
use crate::simulated::Draws;
use crate::stability::{Stability, StabilityTest, Steadiness};

/// The units of one arm: by group and cluster the values.
type Values = Vec<Vec<Vec<i64>>>;

fn totals(clusters: &[Vec<i64>]) -> Vec<Moments> {
    clusters.iter().map(|values| values.iter().copied().collect()).collect()
}

fn means(totals: &[Moments]) -> ClusterMeans<'_> {
    ClusterMeans { totals, grid: Grid::INTEGER, centre: 0 }
}

/// The effect of treatment and control in each group.
fn effects(treatment: &Values, control: &Values) -> Vec<Result<ClusterEffect, NotEstimable>> {
    let effect = |(treatment, control): (&Vec<Vec<i64>>, &Vec<Vec<i64>>)| {
        let totals = [totals(treatment), totals(control)];
        let [treated, control] = [means(&totals[0]), means(&totals[1])];
        let (of_treatment, of_control) = (treated.mean()?, control.mean()?);
        let variance = [of_treatment, of_control]
            .into_iter()
            .fold(Satterthwaite::default(), |variance, mean| variance.plus(mean.variance, mean.degrees_of_freedom));
        let estimate = variance.estimate(of_treatment.offset - of_control.offset);
        Ok(ClusterEffect { estimate, scores: vec![treated.scores()?, control.scores()?] })
    };
    treatment.iter().zip(control).map(effect).collect()
}

fn groups(effects: &[Result<ClusterEffect, NotEstimable>]) -> Result<Correlated<'_>, NotEstimable> {
    Correlated::new(effects.iter().map(|effect| effect.as_ref().unwrap()).collect())
}

/// Clusters that have a unit or two in each of some groups, half of whose variance their units share in all groups; `fades` is how much the
/// effect falls from one group to the next.
fn households(draws: &mut Draws, (clusters, groups): (usize, usize), fades: i64) -> [Values; 2] {
    let mut arm = |treated: i64| {
        let mut values = vec![vec![Vec::new(); clusters]; groups];
        for cluster in 0..clusters {
            let own = draws.noise();
            for (group, values) in values.iter_mut().enumerate() {
                let units = 1 + draws.below(2);
                let value = |_| own + draws.noise() - treated * fades * group as i64;
                values[cluster] = (0..units).map(value).collect();
            }
        }
        values
    };
    [arm(1), arm(0)]
}

/// The test of weeks.
fn tested(effects: &[Result<ClusterEffect, NotEstimable>]) -> Result<Stability, NotEstimable> {
    let effects: Vec<_> = effects.iter().map(|effect| effect.as_ref().map_err(|reason| *reason)).collect();
    WEEKS.run_by_cluster(&effects)
}

const WEEKS: StabilityTest = StabilityTest { ordered: true, level: 0.95 };

#[test]
fn a_steady_effect_on_households_that_come_in_several_weeks_is_called_unsteady_about_once_in_twenty() {
    let mut draws = Draws::new(29);
    let (mut differs, mut unsteady) = (0, 0);
    for _ in 0..1_000 {
        let [treatment, control] = households(&mut draws, (60, 5), 0);
        let effects = effects(&treatment, &control);
        differs += usize::from(Heterogeneity::by_cluster(&effects, 0.95).unwrap().equal_effects.p_value < 0.05);
        unsteady += usize::from(tested(&effects).unwrap().found != Steadiness::NoChangeFound);
    }
    assert_eq!((differs, unsteady), (48, 40), "of 1,000; at most 72");
}

#[test]
fn what_households_share_does_not_hide_that_an_effect_fades() {
    let mut draws = Draws::new(31);
    let (mut found, mut taken_for_independent) = (0, 0);
    for _ in 0..200 {
        let [treatment, control] = households(&mut draws, (60, 5), 150);
        let effects = effects(&treatment, &control);
        let estimates: Vec<_> = effects
            .iter()
            .map(|effect| effect.as_ref().map(|effect| effect.estimate).map_err(|error| *error))
            .collect();
        found += usize::from(tested(&effects).unwrap().found == Steadiness::Trend);
        taken_for_independent += usize::from(WEEKS.run(&estimates).unwrap().found == Steadiness::Trend);
    }
    assert_eq!((found, taken_for_independent), (157, 71), "of 200");
}

#[test]
fn what_cannot_be_tested_has_a_name() {
    let one = |values: &[i64]| values.iter().map(|value| vec![*value]).collect::<Vec<_>>();
    let (rising, falling, flat) = (one(&[1, 2, 3, 5]), one(&[9, 7, 7, 1]), one(&[4, 4, 4, 4]));
    let of = |groups: &[&Vec<Vec<i64>>]| -> Values { groups.iter().map(|group| (*group).clone()).collect() };
    let found = |treatment: &[&Vec<Vec<i64>>], control: &[&Vec<Vec<i64>>]| {
        tested(&effects(&of(treatment), &of(control))).map(|found| found.equal_effects.numerator)
    };
    assert_eq!(found(&[&rising], &[&falling]), Err(NotEstimable::OneGroup));
    assert_eq!(found(&[&rising, &flat], &[&falling, &flat]), Err(NotEstimable::OneGroup), "an effect without an error");
    assert_eq!(found(&[&rising, &rising], &[&falling, &falling]), Err(NotEstimable::NoVariance), "the same twice");
    assert_eq!(found(&[&rising, &falling], &[&falling, &rising]), Ok(1.0));
    let many = vec![&rising; 9];
    assert_eq!(found(&many, &many), Err(NotEstimable::NoDegreesOfFreedom));
}

#[test]
fn an_arm_may_have_a_part_in_some_effects_alone() {
    let effect = |value: f64, scores: [&[f64]; 3]| {
        let variance: f64 = scores.iter().copied().flatten().map(|score| score * score).sum();
        let estimate = Estimate { value, std_err: variance.sqrt(), degrees_of_freedom: 50.0 };
        Ok(ClusterEffect { estimate, scores: scores.map(<[f64]>::to_vec).to_vec() })
    };
    let with = |nothing: &'static [f64]| {
        let adjusted = effect(1.0, [&[0.3, 0.1], &[0.2, 0.1], &[0.4, 0.5]]);
        let [plain, other] = [[0.1, 0.4], [0.5, 0.2]];
        let effects = [effect(2.0, [&plain, nothing, &other]), adjusted, effect(4.0, [&other, nothing, &plain])];
        Heterogeneity::by_cluster(&effects, 0.95).unwrap()
    };
    assert_eq!(with(&[]), with(&[0.0, 0.0]), "nothing is the same as zeros");
}

fn arm(clusters: usize) -> impl Strategy<Value = Values> {
    let values = prop::collection::vec(-100_i64..100, 1..5);
    prop::collection::vec(prop::collection::vec(values, clusters), 3)
}

proptest! {
    #[test]
    fn of_two_groups_it_is_the_test_of_their_contrast(treatment in arm(7), control in arm(9)) {
        let effects = effects(&treatment, &control);
        let difference = |arm: &Values| {
            let (one, other) = (totals(&arm[0]), totals(&arm[1]));
            means(&one).less(means(&other)).unwrap()
        };
        let (of_treatment, of_control) = (difference(&treatment), difference(&control));
        let variance = of_treatment.variance + of_control.variance;
        let squared = (of_treatment.offset - of_control.offset).powi(2) / variance;
        let two = groups(&effects[..2]);
        prop_assume!(two.is_ok());
        let two = two.unwrap();
        prop_assert!((two.q(0.0) - squared).abs() < 1e-9 * (1.0 + squared));
        let combined = two.combination(&[1.0, -1.0]);
        prop_assert!((combined.std_err * combined.std_err / variance - 1.0).abs() < 1e-9);
        let minus = effects[0].as_ref().unwrap().minus(effects[1].as_ref().unwrap()).unwrap();
        prop_assert!((minus.value - combined.value).abs() < 1e-9 && (minus.std_err / combined.std_err - 1.0).abs() < 1e-12);
    }

    #[test]
    fn neither_the_order_of_groups_nor_which_arm_is_control_matters(treatment in arm(12), control in arm(11)) {
        let there = Heterogeneity::by_cluster(&effects(&treatment, &control), 0.95);
        let mut turned = treatment.clone();
        turned.rotate_left(1);
        let mut of_control = control.clone();
        of_control.rotate_left(1);
        let other = Heterogeneity::by_cluster(&effects(&of_control, &turned), 0.95);
        prop_assume!(there.is_ok() && other.is_ok());
        let (there, other) = (there.unwrap(), other.unwrap());
        let close = |one: f64, other: f64| (one - other).abs() < 1e-6 * (1.0 + one.abs());
        prop_assert!(close(there.cochran.statistic, other.cochran.statistic), "{there:?} {other:?}");
        prop_assert!(close(there.tau_squared_moments, other.tau_squared_moments), "{there:?} {other:?}");
        prop_assert!(close(there.common.value, -other.common.value), "{there:?} {other:?}");
        prop_assert!(close(there.average.std_err, other.average.std_err), "{there:?} {other:?}");
    }

    #[test]
    fn groups_that_share_no_cluster_are_independent(values in prop::collection::vec((-9.0..9.0_f64, 0.2..3.0_f64), 2..7)) {
        let estimate = |(value, std_err): &(f64, f64)| Estimate { value: *value, std_err: *std_err, degrees_of_freedom: 400.0 };
        let alone = |(place, value): (usize, &(f64, f64))| {
            let score = |cluster: usize| if cluster == place { value.1 } else { 0.0 };
            Ok(ClusterEffect { estimate: estimate(value), scores: vec![(0..values.len()).map(score).collect()] })
        };
        let together: Vec<_> = values.iter().enumerate().map(alone).collect();
        let apart: Vec<_> = values.iter().map(|value| Ok(estimate(value))).collect();
        let (found, expected) = (Heterogeneity::by_cluster(&together, 0.95).unwrap(), Heterogeneity::of(&apart, 0.95).unwrap());
        let figures = |of: &Heterogeneity| {
            let Heterogeneity { cochran, i_squared, tau_squared, tau_squared_moments, common, average, .. } = *of;
            [
                cochran.statistic, cochran.p_value, i_squared.value, i_squared.interval.lower, i_squared.interval.upper, tau_squared.value,
                tau_squared.interval.lower, tau_squared.interval.upper, tau_squared_moments, common.value, common.std_err, average.value,
                average.std_err,
            ]
        };
        for (found, expected) in figures(&found).into_iter().zip(figures(&expected)) {
            prop_assert!((found - expected).abs() < 1e-7 * (1.0 + expected.abs()), "{found} {expected}");
        }
        let (hotelling, welch) = (found.equal_effects.p_value, expected.equal_effects.p_value);
        prop_assert!((hotelling - welch).abs() < 0.02, "{hotelling} {welch}");
    }
}
