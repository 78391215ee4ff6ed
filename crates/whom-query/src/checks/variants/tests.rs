use std::collections::BTreeMap;

use whom_stats::CheckVerdict;

use super::*;
use crate::checks::arms::halves;

fn rows(with_unit: u64, with_variant: u64, unknown: &[(&str, u64)]) -> SplitRows {
    let unknown_variants: BTreeMap<String, u64> =
        unknown.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect();
    let of_variants = with_variant - unknown_variants.values().sum::<u64>();
    SplitRows { with_unit, with_variant, of_variants, unknown_variants, ..SplitRows::default() }
}

fn several(rule: SeveralVariantsRule, at_most: f64, by_first_variant: [u64; 2], exposed: u64) -> SeveralVariants {
    SeveralVariants { by_first_variant: by_first_variant.to_vec(), exposed, declared: Declared { rule, at_most } }
}

#[test]
fn declared_variants_pass() {
    let check = known(&halves(), &rows(20, 20, &[]));
    assert_eq!((check.verdict, check.detail.as_str()), (CheckVerdict::Passed, "20 exposure rows"));
}

#[test]
fn one_row_without_a_variant_or_of_an_unknown_one_blocks() {
    for seen in [rows(20, 19, &[]), rows(20, 20, &[("nwe", 1)])] {
        assert!(known(&halves(), &seen).refuses());
    }
    let check = known(&halves(), &rows(20, 19, &[("b", 1), ("nwe", 4)]));
    insta::assert_snapshot!(format!("{}\n{}", check.detail, check.fix.unwrap()), @r"
    an empty variant in 1 row; variants that are not declared in 5 rows: `b` (1 row), `nwe` (4 rows)
    declared are `control`, `new`; declare the others too, or leave their rows out by `where`
    ");
}

#[test]
fn a_variant_without_units_blocks() {
    assert_eq!(occupied(&halves(), &[1, 1]).verdict, CheckVerdict::Passed);
    let check = occupied(&halves(), &[300, 0]);
    assert!(check.refuses());
    assert_eq!(check.detail, "no unit was exposed to `new`");
    assert_eq!(occupied(&halves(), &[0, 0]).detail, "no unit was exposed to `control`, `new`");
}

#[test]
fn a_tolerated_share_of_units_in_several_variants_passes_and_more_blocks() {
    let exclude = |count| several(SeveralVariantsRule::Exclude, 0.005, [count, 0], 1_000).share();
    assert_eq!(exclude(0).verdict, CheckVerdict::Passed);
    assert_eq!(exclude(5).verdict, CheckVerdict::Passed, "at most half a percent");
    assert!(exclude(6).refuses());
    assert_eq!((exclude(6).threshold, exclude(6).p_value), (Some(0.005), None));
    assert_eq!(exclude(6).detail, "6 of 1000 units (0.600%) saw several variants");
}

#[test]
fn refuse_tolerates_no_unit_and_first_any_number() {
    assert!(several(SeveralVariantsRule::Refuse, 0.005, [0, 1], 1_000_000).share().refuses());
    assert_eq!(several(SeveralVariantsRule::Refuse, 0.005, [0, 0], 10).share().verdict, CheckVerdict::Passed);
    assert_eq!(several(SeveralVariantsRule::First, 0.005, [400, 400], 1_000).share().verdict, CheckVerdict::Passed);
}

#[test]
fn nobody_exposed_is_nobody_in_several_variants() {
    let nobody = several(SeveralVariantsRule::Exclude, 0.005, [0, 0], 0);
    assert_eq!(nobody.share().verdict, CheckVerdict::Passed);
    assert_eq!(nobody.symmetry(&halves(), 0.001), None);
}

#[test]
fn units_that_began_in_one_arm_more_than_in_another_are_a_warning() {
    let symmetry =
        |by_first| several(SeveralVariantsRule::Exclude, 0.5, by_first, 1_000).symmetry(&halves(), 0.001).unwrap();
    assert_eq!(symmetry([9, 11]).verdict, CheckVerdict::Passed);
    let one_sided = symmetry([0, 19]);
    assert_eq!((one_sided.verdict, one_sided.refuses()), (CheckVerdict::Warning, false));
    assert_eq!((one_sided.threshold, one_sided.detail.as_str()), (Some(0.001), "control 0, new 19 by first variant"));
    // 2 of 2^19 ways to put them all into one arm.
    assert!((one_sided.p_value.unwrap() * 2.0_f64.powi(18) - 1.0).abs() < 1e-9);
}
