use proptest::prelude::*;

use super::*;
use crate::comparison::Comparison;
use crate::effect::Effect;
use crate::reference_units::{Unit, assert_estimate, assert_meets, cents, units};

/// The totals of the even clusters, or of the odd ones: spend, spend by cohort (at least 60 years old, or not), clicks, views.
fn totals(treated: bool) -> Clusters {
    let all = units();
    let of = |cluster: usize| {
        let members: Vec<&Unit> = all.iter().filter(|unit| unit.cluster == cluster).collect();
        let moments = |keep: fn(&Unit) -> bool, value: fn(&Unit) -> i64| -> Moments {
            members.iter().filter(|unit| keep(unit)).map(|unit| value(unit)).collect()
        };
        vec![
            moments(|_| true, |unit| unit.spend),
            moments(|unit| unit.age >= 60, |unit| unit.spend),
            moments(|unit| unit.age < 60, |unit| unit.spend),
            moments(|_| true, |unit| unit.clicks),
            moments(|_| true, |unit| unit.views),
        ]
    };
    Clusters::new((0..120).filter(|cluster| (cluster % 2 == 0) == treated).map(of))
}

fn mean(total: usize) -> ClusterColumn {
    ClusterColumn::Mean { total, grid: cents(), centre: 6_000 }
}

fn compare(columns: &[ClusterColumn], read: impl Fn(Sample) -> (Sample, usize)) -> Comparison {
    let sample = |treated| read(totals(treated).sample(columns, None).unwrap());
    let ((treatment, column), (control, _)) = (sample(true), sample(false));
    Comparison::of_means(&treatment, &control, column).unwrap()
}

#[test]
fn a_mean_over_units_of_clusters_meets_the_sandwich() {
    let comparison = compare(&[mean(0)], |sample| (sample, 0));
    assert_estimate("clusters", &comparison.difference().unwrap());
    assert_eq!(comparison.unreliable, None);
    assert_meets("clusters effective", totals(true).effective(mean(0)), 1.0);
}

#[test]
fn a_cohort_s_contrast_with_the_rest_meets_the_sandwich_with_clusters_in_both() {
    let comparison = compare(&[mean(1), mean(2)], |sample| (sample.with_difference(0, 1).unwrap(), 2));
    assert_estimate("clusters contrast", &comparison.difference().unwrap());
}

#[test]
fn a_ratio_metric_on_clusters_meets_numpy() {
    let ratio = ClusterColumn::Ratio { totals: [3, 4], grids: [Grid::INTEGER; 2] };
    assert_estimate("clusters ratio", &compare(&[ratio], |sample| (sample, 0)).difference().unwrap());
}

#[test]
fn few_clusters_are_marked_and_one_is_not_estimable() {
    let unit = |value: i64| vec![[value].into_iter().collect::<Moments>()];
    let plain = ClusterColumn::Mean { total: 0, grid: Grid::INTEGER, centre: 0 };
    let few = Clusters::new((0..49).map(unit)).sample(&[plain], None).unwrap();
    assert_eq!(few.unreliable(), Some(Unreliable::FewClusters { found: 49, needed: 50 }));
    assert_eq!(Clusters::new((0..50).map(unit)).sample(&[plain], None).unwrap().unreliable(), None);
    let one = Clusters::new([unit(3), vec![Moments::default()]]);
    assert_eq!((one.count(), one.sample(&[plain], None)), (1, Err(NotEstimable::OneUnit)));
    assert_eq!(Clusters::default().sample(&[plain], None), Err(NotEstimable::EmptyArm));
    assert_eq!(
        one.sample(&[ClusterColumn::Mean { total: 1, grid: Grid::INTEGER, centre: 0 }], None),
        Err(NotEstimable::NotCounted)
    );
    let giant =
        Clusters::new((0..100).map(|place| vec![Moments::repeated(place, if place == 7 { 10_000 } else { 10 })]));
    let giant = giant.sample(&[plain], None).unwrap();
    assert_eq!(
        giant.unreliable(),
        Some(Unreliable::FewClusters { found: 1, needed: 50 }),
        "one holds nearly everybody"
    );
}

fn clusters() -> impl Strategy<Value = Vec<Vec<i64>>> {
    prop::collection::vec(prop::collection::vec(-100_i64..100, 1..6), 3..20)
}

fn clustered(clusters: &[Vec<i64>], centre: i64) -> Sample {
    let moments = clusters.iter().map(|values| vec![values.iter().copied().collect::<Moments>()]);
    let column = ClusterColumn::Mean { total: 0, grid: Grid::INTEGER, centre };
    Clusters::new(moments).sample(&[column], None).unwrap()
}

proptest! {
    #[test]
    fn clusters_of_one_unit_are_units(treatment in prop::collection::vec(-100_i64..100, 3..30), control in prop::collection::vec(-100_i64..100, 3..30)) {
        let alone = |values: &[i64]| clustered(&values.iter().map(|value| vec![*value]).collect::<Vec<_>>(), 0);
        let welch = Effect::welch(&treatment.iter().copied().collect(), &control.iter().copied().collect(), Grid::INTEGER);
        let found = Comparison::of_means(&alone(&treatment), &alone(&control), 0).unwrap().difference();
        prop_assert_eq!(welch.is_ok(), found.is_ok());
        if let (Ok(welch), Ok(found)) = (welch, found) {
            prop_assert!((welch.difference.value - found.value).abs() < 1e-9);
            prop_assert!((welch.difference.std_err - found.std_err).abs() < 1e-9 * welch.difference.std_err);
            prop_assert!((welch.difference.degrees_of_freedom / found.degrees_of_freedom - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn a_shift_moves_the_mean_alone_and_the_order_of_clusters_does_not_matter(
        clusters in clusters(), shift in -1_000_000_000_000_i64..1_000_000_000_000,
    ) {
        let shifted: Vec<Vec<i64>> =
            clusters.iter().rev().map(|values| values.iter().map(|value| value + shift).collect()).collect();
        let (before, after) = (clustered(&clusters, 0), clustered(&shifted, shift));
        prop_assert!((before.offset(0) - after.offset(0)).abs() < 1e-9);
        prop_assert!((before.covariance(0, 0) - after.covariance(0, 0)).abs() < 1e-9 * (1.0 + before.covariance(0, 0)));
    }

    #[test]
    fn swapping_arms_flips_the_sign(left in clusters(), right in clusters()) {
        let (left, right) = (clustered(&left, 0), clustered(&right, 0));
        let there = Comparison::of_means(&left, &right, 0).unwrap().difference();
        let back = Comparison::of_means(&right, &left, 0).unwrap().difference();
        prop_assert_eq!(there.is_ok(), back.is_ok());
        if let (Ok(there), Ok(back)) = (there, back) {
            prop_assert_eq!(there.value, -back.value);
            prop_assert!((there.std_err - back.std_err).abs() < 1e-12 * there.std_err);
        }
    }
}
