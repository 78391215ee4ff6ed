use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, Float64Array, StringArray};
use whom_spec::plan::{Codes, TagKind};
use whom_stats::CheckVerdict;

use super::*;
use crate::bins::TagSurvey;
use crate::checks::arms::halves;
use crate::tag_values::TagValues;
use crate::tally::Counted;

/// Balance and missing of one tag, given the arm and the tag of each unit.
fn judged(units: Vec<(u8, Option<f64>)>) -> [Check; 2] {
    let (of_units, values): (Vec<u8>, Vec<Option<f64>>) = units.into_iter().unzip();
    of_array(&of_units, &(Arc::new(Float64Array::from(values)) as ArrayRef), TagKind::Numeric)
}

fn judged_levels(units: Vec<(u8, &str)>) -> [Check; 2] {
    let (of_units, values): (Vec<u8>, Vec<&str>) = units.into_iter().unzip();
    of_array(&of_units, &(Arc::new(StringArray::from(values)) as ArrayRef), TagKind::Categorical { levels: 50 })
}

fn of_array(of_units: &[u8], values: &ArrayRef, kind: TagKind) -> [Check; 2] {
    let (bins, counted) = counted("age", of_units, values, kind);
    let tags = TagsByArm { arms: &halves(), bins: &[bins], counted: &[counted] };
    tags.checks(&Validate::default()).try_into().expect("two checks")
}

/// Whether the levels of one tag were assigned as a whole, given the arm and the level of each unit.
pub(super) fn judged_whole(units: Vec<(u8, &str)>) -> Option<Check> {
    let (of_units, values): (Vec<u8>, Vec<&str>) = units.into_iter().unzip();
    let values: ArrayRef = Arc::new(StringArray::from(values));
    let (bins, counted) = counted("age", &of_units, &values, TagKind::Categorical { levels: 50 });
    let tags = TagsByArm { arms: &halves(), bins: &[bins], counted: &[counted] };
    tags.assigned_as_a_whole(&Validate::default())
}

/// The bins of a tag, and its units by arm.
fn counted(name: &str, of_units: &[u8], values: &ArrayRef, kind: TagKind) -> (TagBins, TagTally) {
    let typed = TagValues::of(values).unwrap();
    let mut survey = TagSurvey::new(kind, Codes::Bits8);
    survey.add(&typed, None).unwrap();
    let fitted = survey.fit(name);
    let mut tally = TagTally::new(&fitted, 2);
    let buckets: Vec<u16> = (0..of_units.len()).map(|unit| (unit * 7_919 % 1_024) as u16).collect();
    let units = Counted { arms: of_units, buckets: &buckets };
    tally.add(&units, &fitted.bins.encode(values).unwrap(), 0, &typed);
    (fitted.bins, tally)
}

/// So many units in each arm by turns, with a tag by arm and number.
pub(super) fn units<T>(count: usize, tag: impl Fn(u8, usize) -> T) -> Vec<(u8, T)> {
    (0..count).flat_map(|unit| [0, 1].map(|arm| (arm, unit))).map(|(arm, unit)| (arm, tag(arm, unit))).collect()
}

#[test]
fn without_tags_there_is_nothing_to_check() {
    let tags = TagsByArm { arms: &halves(), bins: &[], counted: &[] };
    assert_eq!(tags.checks(&Validate::default()), []);
}

#[test]
fn a_tag_alike_in_both_arms_passes() {
    let [balance, missing] = judged(units(500, |_, unit| Some((unit % 90) as f64)));
    assert_eq!((balance.verdict, balance.fix), (CheckVerdict::Passed, None));
    assert_eq!(balance.parts[0].detail, "largest standardised difference from control: +0.000 (new)");
    assert_eq!((missing.verdict, missing.parts[0].detail.as_str()), (CheckVerdict::NotApplicable, "no unit misses it"));
}

#[test]
fn a_tag_that_knows_the_arm_blocks() {
    let [balance, _] = judged(units(100, |arm, _| Some(f64::from(arm))));
    assert!(balance.refuses() && balance.p_value.unwrap() < 1e-20);
    assert_eq!(balance.fix.as_deref(), Some(IMBALANCE));
    let [levels, _] = judged_levels(units(100, |arm, _| if arm == 0 { "old" } else { "new" }));
    assert!(levels.refuses());
}

#[test]
fn a_small_shift_is_found_that_chi_square_over_many_codes_would_miss() {
    // A sum of scattered numbers is bell-shaped.
    let bell =
        |unit: usize| [7_919, 104_729, 1_299_709, 15_485_863].iter().map(|step| unit * step % 2_003).sum::<usize>();
    let shifted = units(4_000, |arm, unit| Some(bell(unit) as f64 + 120.0 * f64::from(arm)));
    let (of_units, values): (Vec<u8>, Vec<Option<f64>>) = shifted.iter().copied().unzip();
    let values: ArrayRef = Arc::new(Float64Array::from(values));
    let by_code = counted("age", &of_units, &values, TagKind::Numeric).1.by_code_and_arm();
    assert!(independence(&by_code[..255]).unwrap().p_value > 0.01);
    let [balance, _] = judged(shifted);
    assert!(balance.refuses(), "{balance:?}");
}

#[test]
fn a_difference_that_leaves_the_mean_alone_is_found() {
    // Spread in one arm, in the middle in the other.
    let [balance, _] = judged(units(300, |arm, unit| Some(if arm == 0 { (unit % 3) as f64 } else { 1.0 })));
    assert!(balance.refuses(), "{balance:?}");
}

#[test]
fn a_share_that_differs_blocks_and_names_its_arm() {
    let [balance, _] =
        judged_levels(units(1_000, |arm, unit| if unit % 10 < 3 + usize::from(arm) { "web" } else { "shop" }));
    assert!(balance.refuses());
    // Shares of .3 and .4: .1 over the root of (.21 + .24) / 2.
    assert!(balance.parts[0].detail.ends_with("0.211 (new)"), "{balance:?}");
}

#[test]
fn one_of_twenty_tags_is_corrected_for_all() {
    let of_units: Vec<u8> = (0..2_000).map(|unit| (unit % 2) as u8).collect();
    let tag = |most: usize| -> ArrayRef {
        let value = |unit: usize| if unit % 2 == 1 && unit < most { 1.0 } else { (unit / 2 % 2) as f64 };
        Arc::new((0..2_000).map(|unit| Some(value(unit))).collect::<Float64Array>())
    };
    let values: Vec<ArrayRef> = std::iter::once(tag(300)).chain((0..19).map(|_| tag(0))).collect();
    let names: Vec<String> = (0..20).map(|tag| format!("t{tag}")).collect();
    let counted = names.iter().zip(&values).map(|(name, values)| counted(name, &of_units, values, TagKind::Numeric));
    let (bins, counted): (Vec<TagBins>, Vec<TagTally>) = counted.unzip();
    let balance = |count: usize| {
        let tags = TagsByArm { arms: &halves(), bins: &bins[..count], counted: &counted[..count] };
        tags.checks(&Validate::default()).remove(0)
    };
    let (alone, among) = (balance(1), balance(20));
    let ratio = among.p_value.unwrap() / alone.p_value.unwrap();
    assert!((ratio - 20.0).abs() < 1e-9, "{ratio}");
    assert!(alone.refuses() && !among.refuses(), "{alone:?}");
}

#[test]
fn a_tag_missing_in_one_arm_more_than_in_the_other_blocks() {
    let missing =
        |of_arm: fn(u8) -> usize| judged(units(1_000, |arm, unit| (unit >= of_arm(arm)).then_some(1.0)))[1].clone();
    assert_eq!(missing(|_| 50).verdict, CheckVerdict::Passed);
    let uneven = missing(|arm| 50 + 60 * usize::from(arm));
    assert!(uneven.refuses());
    assert_eq!(
        (uneven.parts[0].detail.as_str(), uneven.fix.as_deref()),
        ("missing: control 50, new 110", Some(MISSING))
    );
}

#[test]
fn few_missing_units_are_tested_exactly() {
    let missing =
        |count: usize| judged(units(2_000, |arm, unit| (arm == 0 || unit >= count).then_some(1.0)))[1].clone();
    // All n that miss it in one arm of two: 2 of 2^n ways.
    assert!((missing(8).p_value.unwrap() - 2.0 / 256.0).abs() < 1e-12);
    // In an arm of one in twenty, too few are expected for chi-square.
    let of_units: Vec<u8> = (0..4_000).map(|unit| u8::from(unit % 20 == 0)).collect();
    let values: Float64Array = (0..4_000).map(|unit| (unit % 20 != 0 || unit > 800).then_some(1.0)).collect();
    let [_, rare] = of_array(&of_units, &(Arc::new(values) as ArrayRef), TagKind::Numeric);
    assert_eq!(rare.parts[0].detail, "missing: control 0, new 41");
    assert!(rare.refuses() && rare.p_value.unwrap() < 1e-30);
}

#[test]
fn a_tag_without_variation_or_values_is_not_judged() {
    let [constant, _] = judged(units(100, |_, _| Some(7.0)));
    assert_eq!(constant.verdict, CheckVerdict::NotApplicable);
    let [unknown, missing] = judged(units(100, |_, _| None));
    assert_eq!([unknown.verdict, missing.verdict], [CheckVerdict::NotApplicable; 2]);
    assert_eq!(
        missing.parts[0].detail,
        "missing: control 100, new 100; not tested: fewer than two groups hold enough units"
    );
}

#[test]
fn no_units_and_one_empty_arm_are_not_judged() {
    for units in [vec![], (0..100).map(|unit| (0, (unit > 9).then_some(f64::from(unit)))).collect()] {
        let verdicts = judged(units).map(|check| check.verdict);
        assert_eq!(verdicts, [CheckVerdict::NotApplicable; 2]);
    }
}
