use proptest::prelude::*;
use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, StudentsT};

use super::*;
use crate::expected::{numbers, rows};

fn assert_close(found: f64, expected: f64, case: &str) {
    let error = (found / expected - 1.0).abs();
    assert!(error < 1e-11, "{case}: {found:e} differs from {expected:e} by {error:e}");
}

#[test]
fn student_meets_forty_digits() {
    for (t, degrees, expected) in [
        (0.5, 1.0, 0.70483276469913345),
        (12.7, 1.0, 0.05002432768934416),
        (2.0, 2.5, 0.15739149575796599),
        (1_000_000.0, 3.0, 2.2053155816792291e-18),
        (2.2281388519649385, 10.0, 0.050000000001808669),
        (40.0, 10.0, 2.2808577430857546e-12),
        (0.001, 30.0, 0.99920873576648509),
        (1.0, 99.5, 0.31973625401538684),
        (6.0, 511.0, 3.7398482789420929e-9),
        (38.0, 511.0, 5.3278281972378295e-151),
        (3.3341, 1735.0, 0.00087378138219388113),
        (2.0, 999.9, 0.045770373516945067),
        (2.0, 1000.1, 0.045770319474964948),
        (45.0, 1500.0, 1.358558909108921e-280),
        (0.3, 12345.6, 0.76418220650914122),
        (13.98, 42_000.0, 2.5961970048716955e-44),
        (36.0, 42_000.0, 1.5265986069912224e-279),
        (1.96, 1_000_000.0, 0.049996067585269791),
        (37.0, 10_000_000.0, 1.200121232257504e-299),
        (5.0, 10_000_000_000.0, 5.7330315342206473e-7),
    ] {
        assert_close(Reference::T.two_sided_p(t, degrees), expected, &format!("t {t}, {degrees} degrees"));
    }
}

#[test]
fn the_normal_meets_forty_digits() {
    for (z, expected) in [
        (0.1, 0.92034432544594203),
        (1.959963984540054, 0.050000000000000022),
        (8.0, 1.2441921148543568e-15),
        (37.0, 1.1451142445049154e-299),
    ] {
        assert_close(Reference::Normal.two_sided_p(-z, f64::NAN), expected, &format!("z {z}"));
    }
}

#[test]
fn chi_square_meets_forty_digits() {
    for (x, degrees, expected) in [
        (3.841458820694124, 1.0, 0.050000000000000057),
        (0.02, 1.0, 0.88753708398171511),
        (1200.0, 1.0, 6.0995688148084337e-263),
        (5.0, 4.0, 0.28729749518364578),
        (30.0, 2.0, 3.0590232050182579e-7),
        (1100.0, 1023.0, 0.046866328217488072),
        (1600.0, 1023.0, 3.5731476063721531e-28),
        (900.0, 1023.0, 0.99761156593246123),
        (2046.0, 2046.0, 0.49584229810343372),
        (0.5, 10.0, 0.99999338828943897),
    ] {
        assert_close(chi_square_upper(x, degrees), expected, &format!("chi-square {x}, {degrees} degrees"));
    }
    assert_eq!(chi_square_upper(0.0, 3.0), 1.0);
}

#[test]
fn scipys_f_is_met() {
    for (case, _, expected) in rows("f") {
        let [f, numerator, denominator] = numbers(case)[..] else { panic!("{case}") };
        let found = f_upper(f, numerator, denominator);
        assert!((found / expected - 1.0).abs() < 1e-9, "{case}: {found} where {expected} is expected");
    }
    assert_eq!(f_upper(2.0, 3.0, f64::INFINITY), chi_square_upper(6.0, 3.0));
    assert_eq!(f_upper(0.0, 3.0, 5.0), 1.0);
    assert_eq!(f_upper(f64::INFINITY, 3.0, 5.0), 0.0);
}

#[test]
fn tails_at_their_ends_are_numbers() {
    assert_eq!(Reference::T.two_sided_p(1.5, f64::INFINITY), Reference::Normal.two_sided_p(1.5, 1.0));
    assert_eq!(Reference::T.two_sided_p(0.0, 5.0), 1.0);
    assert_eq!(Reference::T.two_sided_p(1e300, 5.0), 0.0);
    assert_eq!(Reference::T.two_sided_p(f64::INFINITY, 5.0), 0.0);
    assert_eq!(Reference::T.two_sided_p(f64::INFINITY, 1e6), 0.0);
    assert_eq!(Reference::T.two_sided_p(1e300, 1e6), 0.0);
    assert_eq!(Reference::Normal.two_sided_p(f64::INFINITY, 5.0), 0.0);
    assert_eq!(Reference::T.critical_value(1.0, 5.0), f64::INFINITY);
}

proptest! {
    #[test]
    fn student_agrees_with_statrs(t in -8.0..8.0, degrees in 1.0..5000.0) {
        let expected = 2.0 * StudentsT::new(0.0, 1.0, degrees).unwrap().sf(f64::abs(t));
        prop_assert!((Reference::T.two_sided_p(t, degrees) / expected - 1.0).abs() < 1e-8);
    }

    #[test]
    fn the_binomial_agrees_with_statrs(trials in 1_u64..500, part in 0.0..=1.0, share in 0.01..0.99) {
        let successes = (part * trials as f64) as u64;
        let binomial = Binomial::new(share, trials).unwrap();
        let (at_most, at_least) = binomial_tails(successes, trials, share);
        let below = successes.checked_sub(1).map_or(0.0, |below| binomial.cdf(below));
        prop_assert!((at_most - binomial.cdf(successes)).abs() < 1e-9);
        prop_assert!((at_least - (1.0 - below)).abs() < 1e-9);
    }

    #[test]
    fn a_critical_value_has_its_tail(level in 0.01..0.9999, degrees in 1.0..100_000.0) {
        for reference in [Reference::T, Reference::Normal] {
            let tail = reference.two_sided_p(reference.critical_value(level, degrees), degrees);
            prop_assert!((tail / (1.0 - level) - 1.0).abs() < 1e-9);
        }
    }
}
