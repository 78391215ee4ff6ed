use proptest::prelude::*;

use super::*;
use crate::expected::{assert_close, cohorts, rows};
use crate::simulated::Draws;

fn prior(name: &str, case: &str) -> Prior {
    match (name, case) {
        ("flat", _) => Prior::Flat,
        ("rayleigh", "two_cohorts") => Prior::Rayleigh { scale: 0.01 },
        ("rayleigh", _) => Prior::Rayleigh { scale: 10.0 },
        ("half_normal", "two_cohorts") => Prior::HalfNormal { scale: 0.01 },
        ("half_normal", _) => Prior::HalfNormal { scale: 10.0 },
        ("half_cauchy", "twelve") => Prior::HalfCauchy { scale: 0.5 },
        ("half_cauchy", _) => Prior::HalfCauchy { scale: 5.0 },
        other => panic!("{other:?}"),
    }
}

fn quantity(found: &Hierarchy, name: &str) -> f64 {
    let (whose, what) = name.split_once(' ').unwrap();
    let of = |posterior: &Posterior| match what {
        "mean" => posterior.mean,
        "median" => posterior.median,
        "lower" => posterior.interval.lower,
        "upper" => posterior.interval.upper,
        "positive" => posterior.positive,
        other => panic!("{other}"),
    };
    match (whose, what) {
        ("mu", _) => of(&found.mean),
        ("tau", "lower") => found.between_interval.lower,
        ("tau", "median") => found.between,
        ("tau", "upper") => found.between_interval.upper,
        _ => {
            let cohort = found.cohorts[whose.trim_start_matches("theta").parse::<usize>().unwrap()].unwrap();
            match what {
                "std_dev" => cohort.std_dev,
                "largest" => cohort.largest,
                _ => of(&cohort.effect),
            }
        }
    }
}

#[test]
fn numpy_on_another_grid_is_met() {
    let mut last = None;
    for (key, name, expected) in rows("bayes") {
        let (case, prior_name) = key.split_once(' ').unwrap();
        let found = match last.take() {
            Some((of, found)) if of == key => found,
            _ => Hierarchy::of(&cohorts(case), prior(prior_name, case), 0.95).unwrap(),
        };
        let tolerance = if name.starts_with("tau") { 1e-4 } else { 1e-6 };
        if name.ends_with("largest") {
            assert!(
                (quantity(&found, name) - expected).abs() < 2e-3,
                "{name} of {key}: {} {expected}",
                quantity(&found, name)
            );
        } else {
            assert_close(quantity(&found, name), expected, tolerance, &format!("{name} of {key}"));
        }
        last = Some((key, found));
    }
}

#[test]
fn the_schools_are_those_of_the_book() {
    // Gelman et al., Bayesian Data Analysis, table 5.3: posterior medians from 200 draws, printed as whole numbers.
    let found = Hierarchy::of(&cohorts("eight_schools"), Prior::Flat, 0.95).unwrap();
    for (cohort, median) in found.cohorts.iter().zip([10.0, 8.0, 7.0, 8.0, 5.0, 6.0, 10.0, 8.0]) {
        assert!((cohort.unwrap().effect.median - median).abs() < 1.0, "{median}: {cohort:?}");
    }
}

#[test]
fn what_cannot_be_shrunk_has_a_name() {
    let cohort = |value, std_err| Ok(Estimate { value, std_err, degrees_of_freedom: 100.0 });
    let normal = Prior::HalfNormal { scale: 1.0 };
    let (one, zero) = (cohort(1.0, 0.5), cohort(2.0, 0.0));
    assert_eq!(Hierarchy::of(&[], normal, 0.95), Err(NotEstimable::OneGroup));
    assert_eq!(Hierarchy::of(&[one, zero], normal, 0.95), Err(NotEstimable::OneGroup));
    assert_eq!(Hierarchy::of(&[one, one], Prior::Flat, 0.95), Err(NotEstimable::FewGroups));
    for scale in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Hierarchy::of(&[one, one], Prior::HalfCauchy { scale }, 0.95), Err(NotEstimable::NoScale));
    }
    let found = Hierarchy::of(&[one, zero, Err(NotEstimable::EmptyArm), one], normal, 0.95).unwrap();
    assert_eq!(found.cohorts[1], Err(NotEstimable::NoVariance));
    assert_eq!(found.cohorts[2], Err(NotEstimable::EmptyArm));
    let (first, last) = (found.cohorts[0].unwrap(), found.cohorts[3].unwrap());
    assert_eq!(first, last);
    assert!((first.effect.mean - 1.0).abs() < 1e-12 && (first.largest - 0.5).abs() < 1e-12, "all equal: {first:?}");
}

/// How many of 800 cohorts are covered, and the error of shrunken effects over that of measured ones: eight cohorts of standard
/// errors .3 to .9 in each of 100 partitions, with effects that differ by the standard deviation `between`.
fn covered(prior: Prior, between: impl Fn(&mut Draws) -> f64) -> (usize, f64) {
    let mut draws = Draws::new(17);
    let (mut covered, mut raw, mut shrunk) = (0, 0.0, 0.0);
    for _ in 0..100 {
        let between = between(&mut draws);
        let mut normal = || draws.noise() as f64 / 1000.0;
        let cohort = |place: i32| {
            let (truth, std_err) = (1.0 + between * normal(), 0.3 + 0.6 * f64::from(place) / 7.0);
            (truth, Estimate { value: truth + std_err * normal(), std_err, degrees_of_freedom: f64::INFINITY })
        };
        let (truths, measured): (Vec<f64>, Vec<Estimate>) = (0..8).map(cohort).unzip();
        let found = Hierarchy::of(&measured.iter().copied().map(Ok).collect::<Vec<_>>(), prior, 0.95).unwrap();
        for ((truth, measured), cohort) in truths.iter().zip(&measured).zip(&found.cohorts) {
            let effect = cohort.unwrap().effect;
            covered += usize::from(effect.interval.contains(*truth));
            raw += (measured.value - truth).powi(2);
            shrunk += (effect.mean - truth).powi(2);
        }
    }
    (covered, (shrunk / raw).sqrt())
}

#[test]
fn shrunken_effects_are_nearer_and_cover_on_average() {
    let scale = 0.5;
    let from_the_prior = covered(Prior::Rayleigh { scale }, |draws| {
        scale * (draws.noise() as f64 / 1000.0).hypot(draws.noise() as f64 / 1000.0)
    });
    let of_the_scale = covered(Prior::Rayleigh { scale }, |_| scale);
    let half_normal = covered(Prior::HalfNormal { scale }, |_| scale);
    let counts = [from_the_prior, of_the_scale, half_normal].map(|(covered, _)| covered);
    let gains = [from_the_prior, of_the_scale, half_normal].map(|(_, gain)| gain);
    assert_eq!(counts, [761, 767, 742], "of 800; 741 to 779 are 3.1 standard errors about 95 %; {gains:?}");
    assert!(gains.iter().all(|gain| *gain < 0.75), "{gains:?}");
}

fn some_cohorts() -> impl Strategy<Value = Vec<(f64, f64)>> {
    prop::collection::vec((-5.0..5.0_f64, 0.2..3.0_f64), 2..6)
}

fn of(cohorts: &[(f64, f64)], scale: f64) -> Hierarchy {
    let cohort =
        |(value, std_err): &(f64, f64)| Ok(Estimate { value: *value, std_err: *std_err, degrees_of_freedom: 1e3 });
    Hierarchy::of(&cohorts.iter().map(cohort).collect::<Vec<_>>(), Prior::Rayleigh { scale }, 0.9).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_shrunken_effect_lies_between_the_measured_ones_and_probabilities_add_up(cohorts in some_cohorts(), scale in 0.1..5.0_f64) {
        let found = of(&cohorts, scale);
        let (low, high) = cohorts.iter().fold((f64::MAX, f64::MIN), |(low, high), cohort| (low.min(cohort.0), high.max(cohort.0)));
        let mut largest = 0.0;
        for cohort in &found.cohorts {
            let cohort = cohort.unwrap();
            prop_assert!(low - 1e-9 <= cohort.effect.mean && cohort.effect.mean <= high + 1e-9);
            prop_assert!((0.0..=1.0).contains(&cohort.shrinkage) && (0.0..=1.0).contains(&cohort.effect.positive));
            prop_assert!(cohort.effect.interval.contains(cohort.effect.median));
            largest += cohort.largest;
        }
        prop_assert!((largest - 1.0_f64).abs() < 1e-9);
        prop_assert!(found.between_interval.contains(found.between));
    }

    #[test]
    fn flipping_the_signs_mirrors_everything(cohorts in some_cohorts()) {
        let flipped: Vec<_> = cohorts.iter().map(|(value, std_err)| (-value, *std_err)).collect();
        let (one, other) = (of(&cohorts, 1.0), of(&flipped, 1.0));
        for (left, right) in one.cohorts.iter().zip(&other.cohorts) {
            let (left, right) = (left.unwrap().effect, right.unwrap().effect);
            prop_assert!((left.mean + right.mean).abs() < 1e-9);
            prop_assert!((left.interval.lower + right.interval.upper).abs() < 1e-8);
            prop_assert!((left.positive + right.positive - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn the_unit_of_the_effect_scales_everything(cohorts in some_cohorts(), factor in 1e-4..1e4_f64) {
        let scaled: Vec<_> = cohorts.iter().map(|(value, std_err)| (factor * value, factor * std_err)).collect();
        let (one, other) = (of(&cohorts, 1.0), of(&scaled, factor));
        prop_assert!((other.between / factor / one.between - 1.0).abs() < 1e-6);
        for (left, right) in one.cohorts.iter().zip(&other.cohorts) {
            let (left, right) = (left.unwrap(), right.unwrap());
            prop_assert!((left.effect.mean - right.effect.mean / factor).abs() < 1e-8);
            prop_assert!((left.largest - right.largest).abs() < 1e-6);
        }
    }

    #[test]
    fn a_wider_prior_shrinks_less(cohorts in some_cohorts()) {
        let (narrow, wide) = (of(&cohorts, 0.2), of(&cohorts, 2.0));
        prop_assert!(narrow.between < wide.between);
        for (narrow, wide) in narrow.cohorts.iter().zip(&wide.cohorts) {
            prop_assert!(narrow.unwrap().shrinkage > wide.unwrap().shrinkage);
        }
    }
}
