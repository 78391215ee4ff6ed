use super::*;
use crate::bucket::BucketSet;
use crate::grid::Grid;
use crate::pass::CellStatistics;
use crate::simulated::Trial;

const GRIDS: [Grid; 1] = [Grid::INTEGER];

fn family(cells: usize) -> Vec<Hypothesis> {
    let target = |cell| Target { metric: 0, treatment: 1, cell };
    let hypotheses = |against| (0..cells).map(move |cell| Hypothesis { target: target(cell), against });
    hypotheses(Against::Zero).chain(hypotheses(Against::Rest)).collect()
}

fn bootstrap(replicates: u64) -> Bootstrap<'static> {
    Bootstrap { experiment: "simulation", replicates, level: 0.95, reference: Reference::T }
}

fn run(statistics: &CellStatistics, buckets: &BucketSet, replicates: u64) -> MaxT {
    let measured = Measured { cells: statistics, buckets, grids: &GRIDS };
    bootstrap(replicates).max_t(&measured, &family(statistics.cells))
}

fn estimable(result: &MaxT) -> Vec<Simultaneous> {
    result.outcomes.iter().map(|outcome| outcome.unwrap()).collect()
}

#[test]
fn weights_are_poisson() {
    let identity = Identity::new("simulation", "bootstrap");
    let mut counts = [0_u32; 6];
    for number in 0..100_000 {
        counts[usize::from(poisson(identity.hash(7, number)).min(5))] += 1;
    }
    let expected = [36_788, 36_788, 18_394, 6_131, 1_533, 366];
    let near = |(count, expected): (&u32, u32)| f64::from(count.abs_diff(expected)) < 4.0 * f64::from(expected).sqrt();
    assert!(counts.iter().zip(expected).all(near), "{counts:?}");
    assert_eq!((poisson(0), poisson(6_786_177_901_268_885_274), poisson(u64::MAX)), (0, 1, 21));
}

#[test]
fn standard_errors_agree_with_those_of_rows() {
    let mut ratios: Vec<f64> = (0..4)
        .flat_map(|seed| {
            let trial = Trial { units: 8_000, buckets: &BucketSet::all(), effects: &[0, 100, 200, 0] };
            estimable(&run(&trial.run(seed), &BucketSet::all(), 1000))
        })
        .map(|outcome| outcome.bootstrap_std_err / outcome.estimate.std_err)
        .collect();
    ratios.sort_by(f64::total_cmp);
    let median = f64::midpoint(ratios[15], ratios[16]);
    assert!((0.99..1.01).contains(&median), "the median ratio is {median}");
    assert!(ratios.iter().all(|ratio| (0.91..1.09).contains(ratio)), "{ratios:?}");
}

#[test]
fn interval_and_p_value_never_contradict_each_other() {
    for seed in 0..10 {
        let trial = Trial { units: 2_000, buckets: &BucketSet::all(), effects: &[0, 150, 250, 0] };
        for outcome in estimable(&run(&trial.run(seed), &BucketSet::all(), 99)) {
            let excludes_zero = !outcome.interval.contains(0.0);
            assert_eq!(excludes_zero, outcome.p_adjusted < 0.05);
            assert_eq!(excludes_zero, outcome.estimate.statistic().abs() > outcome.critical_value);
            assert!(outcome.p_adjusted >= outcome.estimate.p_value(Reference::T));
            assert!(outcome.effective_tests >= 1.0);
        }
    }
}

#[test]
fn the_complete_null_is_rejected_about_once_in_twenty() {
    let buckets: BucketSet = (0..128).collect();
    let trial = Trial { units: 1_200, buckets: &buckets, effects: &[0; 4] };
    let rejects =
        |seed: &u64| estimable(&run(&trial.run(*seed), &buckets, 199)).iter().any(|outcome| outcome.p_adjusted < 0.05);
    let families = (0..300).filter(rejects).count();
    assert_eq!(families, 12, "families with a false rejection, of 300; at most 27 are 3.1 standard errors");
}

#[test]
fn unaffected_cohorts_are_rejected_about_once_in_twenty_beside_affected_ones() {
    let buckets: BucketSet = (0..128).collect();
    let families_with_false_rejections = |effects: &[i64; 4]| {
        let trial = Trial { units: 800, buckets: &buckets, effects };
        let rejects = |seed: &u64| {
            let statistics = trial.run(*seed);
            let measured = Measured { cells: &statistics, buckets: &buckets, grids: &GRIDS };
            let result = bootstrap(199).max_t(&measured, &family(4)[..4]);
            let unaffected = result.outcomes.iter().zip(effects).filter(|(_, effect)| **effect == 0);
            unaffected.into_iter().any(|(outcome, _)| outcome.is_ok_and(|outcome| outcome.p_adjusted < 0.05))
        };
        (0..200).filter(rejects).count()
    };
    let counts =
        [[500, 0, 0, 0], [500, -500, 0, 0], [500, 500, 500, 0]].map(|effects| families_with_false_rejections(&effects));
    assert_eq!(counts, [5, 4, 3], "of 200 each; at most 19 are 3.1 standard errors");
}

#[test]
fn a_tail_beyond_all_numbers_is_zero_and_no_contradiction() {
    let trial = Trial { units: 4_000, buckets: &BucketSet::all(), effects: &[1_000_000, 1_000_000] };
    let outcomes = estimable(&run(&trial.run(2), &BucketSet::all(), 199));
    assert!(outcomes[0].p_adjusted < 1e-300);
    assert!(outcomes[2].p_adjusted > 0.05, "{outcomes:#?}");
}

#[test]
fn an_empty_arm_is_an_outcome_and_leaves_the_others_alone() {
    let trial = Trial { units: 2_000, buckets: &BucketSet::all(), effects: &[0, 0] };
    let mut statistics = trial.run(1);
    let undisturbed = run(&statistics, &BucketSet::all(), 99);
    statistics.cells = 3;
    statistics.tables.resize(3 * 1024, crate::arm_table::ArmTable::new(2, 1));
    let result = run(&statistics, &BucketSet::all(), 99);
    assert_eq!(result.outcomes[2], Err(NotEstimable::EmptyArm));
    assert_eq!(result.outcomes[5], Err(NotEstimable::EmptyArm));
    assert_eq!(result.outcomes[0], undisturbed.outcomes[0]);
    assert_eq!(result.outcomes[4], undisturbed.outcomes[3]);
}

#[test]
fn an_arm_in_few_buckets_is_undefined_too_often() {
    let trial = Trial { units: 40, buckets: &(0..3).collect(), effects: &[0, 0] };
    let result = run(&trial.run(1), &BucketSet::all(), 199);
    assert!(result.outcomes.iter().all(|outcome| *outcome == Err(NotEstimable::UndefinedReplicates)));
    assert_eq!(result.critical_value, None);
}

#[test]
fn what_the_statistics_do_not_hold_is_not_counted() {
    let statistics = Trial { units: 100, buckets: &BucketSet::all(), effects: &[0] }.run(1);
    let measured = Measured { cells: &statistics, buckets: &BucketSet::all(), grids: &GRIDS };
    for target in [(1, 1, 0), (0, 2, 0), (0, 1, 1)] {
        let target = Target { metric: target.0, treatment: target.1, cell: target.2 };
        let result = bootstrap(9).max_t(&measured, &[Hypothesis { target, against: Against::Zero }]);
        assert_eq!(result.outcomes, [Err(NotEstimable::NotCounted)]);
    }
    assert_eq!(run(&statistics, &BucketSet::all(), 0).outcomes[0], Err(NotEstimable::UndefinedReplicates));
}

#[test]
fn a_shift_of_the_metric_and_the_number_of_threads_change_nothing() {
    let statistics = Trial { units: 2_000, buckets: &BucketSet::all(), effects: &[0, 150] }.run(3);
    let mut shifted = statistics.clone();
    for moments in shifted.tables.iter_mut().flat_map(|table| &mut table.moments) {
        let (units, shift) = (i128::from(moments.n), 1_000_000_007);
        moments.sum_squares += 2 * shift * moments.sum + units * shift * shift;
        moments.sum += units * shift;
    }
    let on = |threads, statistics: &CellStatistics| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(statistics, &BucketSet::all(), 99))
    };
    assert_eq!(on(1, &statistics), on(2, &shifted));
}
