use whom_stats::{BUCKETS, CheckVerdict};

use super::*;
use crate::checks::arms::{halves, ramped};
use crate::checks::within::two_countries;

/// What a judge says at the levels that nobody declared.
fn judged<T>(judge: impl Fn(&Assignment<'_>) -> T) -> T {
    judge(&Assignment { arms: &halves(), levels: &Validate::default() })
}

fn by_key<K: Ord>(keys: impl IntoIterator<Item = K>, units: impl Fn(usize) -> [u64; 2]) -> ByKey<K> {
    keys.into_iter().enumerate().map(|(place, key)| (key, units(place).to_vec())).collect()
}

fn buckets(units: impl Fn(usize) -> [u64; 2]) -> ByKey<u16> {
    by_key(0..BUCKETS as u16, units)
}

#[test]
fn shares_as_declared_pass_and_others_block() {
    let ratio = |units: [u64; 2]| judged(|judge| judge.sample_ratio("sample ratio as exposed", &units));
    let (even, uneven) = (ratio([5_000, 5_050]), ratio([5_000, 5_400]));
    assert_eq!((even.verdict, even.fix), (CheckVerdict::Passed, None));
    assert!(uneven.refuses() && uneven.p_value.unwrap() < 0.001);
    assert_eq!((uneven.threshold, uneven.detail.as_str()), (Some(0.001), "control 5000, new 5400"));
    assert_eq!(uneven.fix.as_deref(), Some(MISMATCH));
}

#[test]
fn few_units_are_tested_exactly() {
    let p_value = |units: [u64; 2]| judged(|judge| judge.sample_ratio("sample ratio", &units)).p_value.unwrap();
    // All of n units in one arm of two: 2 of 2^n ways.
    assert!((p_value([0, 10]) - 2.0 / 1024.0).abs() < 1e-12);
    assert!((p_value([11, 0]) - 2.0 / 2048.0).abs() < 1e-12);
    assert!(judged(|judge| judge.sample_ratio("sample ratio", &[11, 0])).refuses());
    assert!(!judged(|judge| judge.sample_ratio("sample ratio", &[0, 10])).refuses());
}

#[test]
fn no_unit_at_all_is_nothing_to_judge() {
    let ratio = judged(|judge| judge.sample_ratio("sample ratio", &[0, 0]));
    assert_eq!((ratio.verdict, ratio.p_value), (CheckVerdict::NotApplicable, None));
    assert_eq!(ratio.detail, "control 0, new 0; not tested: there are no units");
    let (buckets, days) = judged(|judge| (judge.by_bucket(&ByKey::new()), judge.by_day(&all(ByDay::new()))));
    assert_eq!([buckets.verdict, days.verdict], [CheckVerdict::NotApplicable; 2]);
}

#[test]
fn a_declared_level_is_the_one_that_counts() {
    let levels = Validate { sample_ratio_p: 0.0, ..Validate::default() };
    let judge = Assignment { arms: &halves(), levels: &levels };
    assert_eq!(judge.sample_ratio("sample ratio", &[1, 5_000]).verdict, CheckVerdict::Passed);
    let levels = Validate { sample_ratio_p: 0.5, ..Validate::default() };
    let judge = Assignment { arms: &halves(), levels: &levels };
    assert!(judge.sample_ratio("sample ratio", &[5_000, 5_080]).refuses());
}

#[test]
fn an_assignment_that_does_not_know_the_buckets_passes() {
    let table = buckets(|bucket| if bucket % 3 == 0 { [6, 5] } else { [5, 5] });
    let (folds, bucket) = judged(|judge| (judge.by_fold(&Folds::hashed("e"), &table), judge.by_bucket(&table)));
    let names: Vec<&str> = folds.iter().map(|check| check.name.as_str()).collect();
    assert_eq!(names, ["sample ratio of the fold to discover", "sample ratio of the fold to measure", "arms by fold"]);
    assert!(folds.iter().chain([&bucket]).all(|check| check.verdict == CheckVerdict::Passed), "{folds:?}, {bucket:?}");
    assert_eq!(bucket.detail, "1024 buckets by 2 arms");
}

#[test]
fn an_assignment_that_follows_the_folds_blocks() {
    for (folds, fix) in [(Folds::hashed("e"), KNOWS_BUCKETS), (Folds::given(), KNOWS_FOLDS)] {
        let table = buckets(|bucket| if folds.of(bucket as u16) == Fold::Discover { [6, 4] } else { [4, 6] });
        let checks = judged(|judge| judge.by_fold(&folds, &table));
        assert!(checks.iter().all(Check::refuses), "{checks:?}");
        assert_eq!(checks[2].detail, "control 3072, new 2048 | control 2048, new 3072");
        assert_eq!(checks[2].fix.as_deref(), Some(fix));
    }
}

#[test]
fn an_assignment_that_follows_the_buckets_blocks_though_folds_and_shares_are_even() {
    let folds = Folds::hashed("e");
    let mut turn = BTreeMap::from([(Fold::Discover, false), (Fold::Measure, false)]);
    let table: ByKey<u16> = (0..BUCKETS as u16)
        .map(|bucket| {
            let turn = turn.get_mut(&folds.of(bucket)).unwrap();
            *turn = !*turn;
            (bucket, if *turn { vec![9, 1] } else { vec![1, 9] })
        })
        .collect();
    let (by_fold, by_bucket) = judged(|judge| (judge.by_fold(&folds, &table), judge.by_bucket(&table)));
    assert!(by_fold.iter().all(|check| check.verdict == CheckVerdict::Passed), "{by_fold:?}");
    assert!(by_bucket.refuses());
}

#[test]
fn shares_that_move_over_the_days_block() {
    let day = |units: fn(usize) -> [u64; 2]| judged(|judge| judge.by_day(&all(by_key(0..10, units))));
    let (constant, ramp) = (day(|_| [100, 104]), day(|day| [200 - 18 * day as u64, 20 + 18 * day as u64]));
    assert_eq!(constant.verdict, CheckVerdict::Passed);
    assert!(ramp.refuses());
    assert_eq!((ramp.detail.as_str(), ramp.fix.as_deref()), ("10 days of first exposure", Some(MOVING_SHARES)));
}

#[test]
fn a_ramp_in_small_steps_blocks_by_its_trend_where_the_days_alone_say_little() {
    let ramp = by_key(0..28, |day| [2_000 - 5 * day as u64, 2_000 + 5 * day as u64]);
    let (days, trend) = judged(|judge| (judge.by_day(&all(ramp.clone())), judge.by_trend(&all(ramp.clone()))));
    assert_eq!(days.verdict, CheckVerdict::Passed);
    assert!(trend.refuses());
    assert_eq!(
        (trend.detail.as_str(), trend.fix.as_deref()),
        ("1 shares over time; smallest corrected p-value: `new`, 28 days of first exposure", Some(MOVING_SHARES))
    );
    let steady = by_key(0..28, |day| [2_000 + 7 * (day as u64 % 2), 2_000]);
    assert_eq!(judged(|judge| judge.by_trend(&all(steady.clone()))).verdict, CheckVerdict::Passed);
}

/// Days of units whose shares are the same.
fn all(days: ByDay) -> Vec<(String, ByDay)> {
    vec![(String::new(), days)]
}

/// The days before and from day 5, as the judge of a ramp takes them.
fn in_periods(judge: &Assignment<'_>, days: &ByDay) -> Vec<(String, ByDay)> {
    let (mut first, mut second) = (days.clone(), days.clone());
    first.retain(|day, _| *day < 5);
    second.retain(|day, _| *day >= 5);
    judge.arms.within.as_ref().unwrap().constant_days([first, second].iter())
}

/// What a judge says of a declared ramp.
fn judged_ramp<T>(judge: impl Fn(&Assignment<'_>) -> T) -> T {
    judge(&Assignment { arms: &ramped(), levels: &Validate::default() })
}

#[test]
fn each_period_is_held_against_its_own_weights() {
    let of = |by_period: [[u64; 2]; 2]| {
        let by_period = by_period.map(|units| units.to_vec());
        let sum = [by_period[0][0] + by_period[1][0], by_period[0][1] + by_period[1][1]];
        let counts = Counts { units: &by_period, exposed: &by_period };
        judged_ramp(|judge| judge.within_strata("sample ratio", &sum, &counts))
    };
    let (declared, turned) = (of([[905, 95], [500, 510]]), of([[500, 510], [905, 95]]));
    assert_eq!((declared.verdict, declared.parts.len()), (CheckVerdict::Passed, 2));
    assert!(turned.refuses(), "together they are what they should be, but neither period is");
    assert_eq!(turned.fix.as_deref(), Some(MISMATCH));
    let alone =
        judged(|judge| judge.within_strata("sample ratio", &[1_405, 605], &Counts { units: &[], exposed: &[] }));
    assert_eq!(alone, judged(|judge| judge.sample_ratio("sample ratio", &[1_405, 605])));
}

#[test]
fn a_declared_ramp_moves_between_its_periods_and_not_within_them() {
    let steps = by_key(0..10, |day| if day < 5 { [900, 100] } else { [500, 500] });
    let of = |table: &ByKey<i32>| {
        judged_ramp(|judge| {
            let days = in_periods(judge, table);
            [judge.by_day(&days), judge.by_trend(&days)]
        })
    };
    assert_eq!(of(&steps).map(|check| check.verdict), [CheckVerdict::Passed; 2]);
    assert!(
        judged(|judge| [judge.by_day(&all(steps.clone())), judge.by_trend(&all(steps.clone()))])
            .iter()
            .all(Check::refuses),
        "undeclared"
    );
    let later = by_key(0..10, |day| if day < 7 { [900, 100] } else { [500, 500] });
    let found = of(&later);
    assert!(found.iter().all(Check::refuses), "{found:?}");
    assert!(found[1].detail.contains("`new in the second period`"), "{}", found[1].detail);
}

#[test]
fn a_cohort_of_a_ramp_expects_what_the_periods_give_it() {
    let check = |by_period: [[u64; 2]; 2]| {
        let cohort = ("late".to_owned(), by_period.map(|units| units.to_vec()).to_vec());
        judged_ramp(|judge| judge.within_stratified_cohorts(vec![cohort.clone()]))
    };
    assert_eq!(check([[90, 10], [5_000, 5_050]]).verdict, CheckVerdict::Passed);
    let lost = check([[90, 10], [5_000, 4_000]]);
    assert_eq!((lost.verdict, lost.refuses()), (CheckVerdict::Warning, false));
}

#[test]
fn strata_with_shares_of_their_own_are_held_against_what_they_were_exposed_as() {
    let exposed = [[5_000, 500], [1_000, 1_000]];
    let arms = Arms { within: Some(two_countries(exposed)), ..halves() };
    let judge = Assignment { arms: &arms, levels: &Validate::default() };
    let exposed = exposed.map(|units| units.to_vec());
    let of = |units: [[u64; 2]; 2]| {
        let units = units.map(|units| units.to_vec());
        judge.within_strata("sample ratio", &[], &Counts { units: &units, exposed: &exposed })
    };
    let as_exposed = of([[5_000, 500], [1_000, 1_000]]);
    assert_eq!(as_exposed.verdict, CheckVerdict::NotApplicable);
    assert_eq!(as_exposed.detail, "2 strata, none to test");
    assert_eq!(of([[4_500, 452], [900, 890]]).verdict, CheckVerdict::Passed, "a tenth of everybody");
    let lost = of([[4_500, 452], [900, 990]]);
    assert!(lost.refuses() && lost.detail.contains("`country fr`"), "{}", lost.detail);
}

#[test]
fn strata_that_lack_a_variant_are_named_and_their_units_counted() {
    let arms = Arms { within: Some(two_countries([[50, 50], [7, 1]])), ..halves() };
    let judge = Assignment { arms: &arms, levels: &Validate::default() };
    let of = |second: [u64; 2]| judge.in_every_stratum(&[vec![50, 50], second.to_vec()]).unwrap();
    let lacking = of([7, 1]);
    assert_eq!((lacking.verdict, lacking.refuses()), (CheckVerdict::Warning, false));
    assert_eq!(lacking.detail, "8 units are in 1 of 2 strata with fewer than 2 units in a variant: `country fr`");
    assert_eq!([of([7, 2]).verdict, of([0, 0]).verdict], [CheckVerdict::Passed; 2]);
    assert_eq!(judged(|judge| judge.in_every_stratum(&[])), None);
}

#[test]
fn one_day_or_one_arm_has_no_trend() {
    let one_day = judged(|judge| judge.by_day(&all(by_key([7], |_| [100, 300]))));
    let one_arm = judged(|judge| judge.by_day(&all(by_key(0..10, |_| [100, 0]))));
    assert_eq!([one_day.verdict, one_arm.verdict], [CheckVerdict::NotApplicable; 2]);
    let trends = [by_key([7], |_| [100, 300]), by_key(0..10, |_| [100, 0]), ByKey::new()];
    let trends = trends.map(|table| judged(|judge| judge.by_trend(&all(table.clone()))).verdict);
    assert_eq!(trends, [CheckVerdict::NotApplicable; 3]);
}

#[test]
fn cohorts_are_corrected_together_and_only_warn() {
    let cohorts = |second: [u64; 2]| {
        let cohorts = vec![("c1".to_owned(), vec![900, 910]), ("c2".to_owned(), second.to_vec())];
        judged(|judge| judge.within_cohorts(cohorts.clone()))
    };
    let (even, uneven) = (cohorts([300, 310]), cohorts([300, 400]));
    assert_eq!((even.verdict, even.fix), (CheckVerdict::Passed, None));
    assert_eq!((uneven.verdict, uneven.refuses()), (CheckVerdict::Warning, false));
    let alone = judged(|judge| judge.sample_ratio("sample ratio", &[300, 400])).p_value.unwrap();
    assert_eq!(uneven.parts[1].p_value, Some(2.0 * alone));
    assert_eq!(cohorts([0, 0]).parts[1].verdict, CheckVerdict::NotApplicable);
}
