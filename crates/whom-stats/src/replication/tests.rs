use proptest::prelude::*;

use super::*;

const TEST: ReplicationTest = ReplicationTest { level: 0.95, reference: Reference::Normal };

fn effect(value: f64, std_err: f64) -> Estimate {
    Estimate { value, std_err, degrees_of_freedom: f64::INFINITY }
}

fn verdict_of(original: Estimate, new: Estimate) -> ReplicationVerdict {
    TEST.judge(&original, &new).unwrap().verdict
}

#[test]
fn every_verdict_has_its_case() {
    let original = effect(1.0, 0.2);
    assert_eq!(verdict_of(original, effect(0.8, 0.2)), ReplicationVerdict::Replicated);
    assert_eq!(verdict_of(original, effect(0.3, 0.05)), ReplicationVerdict::OtherSize);
    assert_eq!(verdict_of(original, effect(0.8, 0.6)), ReplicationVerdict::Undecided);
    assert_eq!(verdict_of(original, effect(-0.1, 1.0)), ReplicationVerdict::Undecided);
    assert_eq!(verdict_of(original, effect(0.05, 0.2)), ReplicationVerdict::NotReplicated);
    assert_eq!(verdict_of(original, effect(-0.8, 0.2)), ReplicationVerdict::Reversed);
}

#[test]
fn numbers_by_hand_are_met() {
    // Variances .09 and .16: the change has .25; weights 1 / .09 and 1 / .16, so the pooled effect is (16 x 1 + 9 x 2) / 25.
    let found = TEST.judge(&effect(1.0, 0.3), &effect(2.0, 0.4)).unwrap();
    assert!((found.change.value - 1.0).abs() < 1e-15 && (found.change.std_err - 0.5).abs() < 1e-15);
    assert!((found.pooled.value - 1.36).abs() < 1e-14 && (found.pooled.std_err - 0.24).abs() < 1e-14);
    assert!((found.prediction.upper - 1.979_981_992_270_027).abs() < 1e-12 && !found.predicted);
    assert!((found.p_change - 0.045_500_263_896_358_42).abs() < 1e-12);
}

#[test]
fn several_findings_are_corrected_together() {
    // p = .02 and .04 alone; by Holm .04 and .04 of two, and .06 and .06 if a third one is nothing.
    let (strong, weak, none) = (effect(2.326_347_874, 1.0), effect(2.053_748_911, 1.0), effect(0.1, 1.0));
    let judged = |new: &[Estimate]| -> Vec<Replication> {
        let findings: Vec<_> = new.iter().map(|new| FindingEstimates { original: Ok(strong), new: Ok(*new) }).collect();
        TEST.judge_all(&findings).into_iter().map(Result::unwrap).collect()
    };
    let two = judged(&[weak, strong]);
    assert!((two[0].p_adjusted - 0.04).abs() < 1e-9 && (two[1].p_adjusted - 0.04).abs() < 1e-9, "{two:?}");
    assert!(two.iter().all(|found| found.verdict == ReplicationVerdict::Replicated));
    let three = judged(&[none, weak, strong]);
    assert!((three[1].p_adjusted - 0.08).abs() < 1e-9 && (three[2].p_adjusted - 0.06).abs() < 1e-9, "{three:?}");
    assert!(three.iter().all(|found| found.verdict == ReplicationVerdict::Undecided));
}

#[test]
fn a_finding_without_an_estimate_keeps_its_reason_and_costs_the_others_nothing() {
    let sure = Ok(effect(2.0, 0.9));
    let missing = FindingEstimates { original: sure, new: Err(NotEstimable::EmptyArm) };
    let judged = TEST.judge_all(&[missing, FindingEstimates { original: sure, new: sure }]);
    assert_eq!(judged[0], Err(NotEstimable::EmptyArm));
    let found = judged[1].unwrap();
    assert!(found.p_adjusted.to_bits() == found.p_new.to_bits() && found.p_new > 0.025);
    assert_eq!(TEST.judge(&effect(2.0, 0.9), &effect(2.0, 0.9)), Ok(found));
    assert!(TEST.judge_all(&[]).is_empty());
}

#[test]
fn no_variance_is_an_outcome() {
    for other in [effect(1.0, 0.0), effect(1.0, f64::INFINITY), effect(f64::NAN, 1.0)] {
        assert_eq!(TEST.judge(&effect(1.0, 1.0), &other), Err(NotEstimable::NoVariance));
        assert_eq!(TEST.judge(&other, &effect(1.0, 1.0)), Err(NotEstimable::NoVariance));
    }
}

proptest! {
    #[test]
    fn lying_in_the_prediction_interval_is_the_test_of_the_change(o in -3.0..3.0_f64, n in -3.0..3.0_f64, s in 0.1..2.0_f64, r in 0.1..2.0_f64) {
        let found = TEST.judge(&effect(o, s), &effect(n, r)).unwrap();
        prop_assume!((found.p_change - 0.05).abs() > 1e-9);
        prop_assert_eq!(found.predicted, found.p_change >= 0.05);
        prop_assert!(o.min(n) <= found.pooled.value + 1e-12 && found.pooled.value <= o.max(n) + 1e-12);
        prop_assert!(found.pooled.std_err < s.min(r));
        let swapped = TEST.judge(&effect(n, r), &effect(o, s)).unwrap();
        prop_assert!((swapped.pooled.value - found.pooled.value).abs() < 1e-12 && swapped.predicted == found.predicted);
    }

    #[test]
    fn flipping_both_signs_changes_no_verdict(o in -3.0..3.0_f64, n in -3.0..3.0_f64, s in 0.1..2.0_f64, r in 0.1..2.0_f64) {
        prop_assert_eq!(verdict_of(effect(o, s), effect(n, r)), verdict_of(effect(-o, s), effect(-n, r)));
    }
}
