use super::*;
use crate::bucket::BucketSet;
use crate::grid::Grid;
use crate::pass::CellStatistics;
use crate::simulated::Trial;

const TARGET: Target = Target { metric: 0, treatment: 1, cell: 0 };

fn test(statistics: &CellStatistics, predictions: &[f64]) -> GlobalTest {
    let measured = Measured { cells: statistics, buckets: &BucketSet::all(), grids: &[Grid::INTEGER] };
    global_test(&measured, TARGET, predictions)
}

fn tested(statistics: &CellStatistics, predictions: &[f64]) -> Slope {
    match test(statistics, predictions) {
        GlobalTest::Tested(slope) => slope,
        other => panic!("{other:?}"),
    }
}

fn trial(effects: &[i64]) -> Trial<'_> {
    static ALL: std::sync::LazyLock<BucketSet> = std::sync::LazyLock::new(BucketSet::all);
    Trial { units: 3_000, buckets: &ALL, effects }
}

#[test]
fn two_leaves_give_the_contrast() {
    // b = s0 s1 (p1 - p0) (tau1 - tau0), so that the statistic is nearly that of the contrast.
    let statistics = trial(&[0, 300]).run(5);
    let slope = tested(&statistics, &[0.0, 1.0]);
    let measured = Measured { cells: &statistics, buckets: &BucketSet::all(), grids: &[Grid::INTEGER] };
    let contrast = measured.contrast(Target { cell: 1, ..TARGET }).unwrap();
    let units = |cell| statistics.sum(cell, &BucketSet::all()).total_units() as f64 / 3_000.0;
    assert!((slope.slope.value - units(0) * units(1) * contrast.value).abs() < 1e-9);
    assert!((slope.slope.statistic() / contrast.statistic() - 1.0).abs() < 0.05);
    assert!((slope.cochran.statistic - contrast.statistic().powi(2)).abs() < 1e-9);
    assert_eq!(slope.slope.degrees_of_freedom, 954.0);
}

#[test]
fn only_the_predicted_order_is_evidence() {
    let statistics = trial(&[0, 200, 400]).run(7);
    assert!(tested(&statistics, &[1.0, 2.0, 3.0]).p_value < 1e-6);
    assert!(tested(&statistics, &[3.0, 2.0, 1.0]).p_value > 1.0 - 1e-6);
    assert!(tested(&statistics, &[3.0, 2.0, 1.0]).cochran.p_value < 1e-4);
}

#[test]
fn under_a_constant_effect_one_in_twenty_is_rejected() {
    let rejections = |p_value: fn(&Slope) -> f64| {
        (0..400).filter(|seed| p_value(&tested(&trial(&[500; 4]).run(*seed), &[3.0, -1.0, 2.0, 8.0])) < 0.05).count()
    };
    assert_eq!(rejections(|slope| slope.p_value), 15, "of 400; at most 33 are 3.1 standard errors");
    assert_eq!(rejections(|slope| slope.cochran.p_value), 16, "of 400");
}

#[test]
fn nothing_to_test_has_a_name_and_p_one() {
    let statistics = trial(&[0, 300]).run(1);
    for nothing in [test(&statistics, &[]), test(&statistics, &[1.0]), test(&statistics, &[1.0, 1.0])] {
        assert_eq!(nothing, GlobalTest::NoCandidate);
        assert_eq!(nothing.p_value(), 1.0);
    }
    assert_eq!(test(&statistics, &[1.0, f64::NAN]), GlobalTest::NotEstimable(NotEstimable::OneGroup));
    let metric = Target { metric: 3, ..TARGET };
    let measured = Measured { cells: &statistics, buckets: &BucketSet::all(), grids: &[Grid::INTEGER] };
    assert_eq!(global_test(&measured, metric, &[1.0, 2.0]), GlobalTest::NotEstimable(NotEstimable::NotCounted));
}

#[test]
fn a_leaf_without_units_is_left_out() {
    let mut statistics = trial(&[0, 300]).run(1);
    let without = tested(&statistics, &[1.0, 2.0]);
    statistics.cells = 3;
    statistics.tables.resize(3 * 1024, crate::arm_table::ArmTable::new(2, 1));
    assert_eq!(tested(&statistics, &[1.0, 2.0, 9.0]), Slope { left_out: 1, ..without });
}
