use super::*;

#[test]
fn degenerate_data_have_named_outcomes() {
    assert_eq!(fit::<3>(&[]), Err(NotEstimable::NoUnits));
    assert_eq!(fit(&[[1, 2], [2, 4]]), Err(NotEstimable::NoDegreesOfFreedom));
    assert_eq!(fit(&[[1, 5], [2, 5], [3, 5]]), Err(NotEstimable::NoVariance), "a constant outcome");
    assert_eq!(fit(&[[1, 2], [2, 4], [3, 6], [4, 8]]), Err(NotEstimable::NoVariance), "no residual");

    let constant = fit(&[[7, 1], [7, 2], [7, 4]]).unwrap();
    assert_eq!(constant.left_out().collect::<Vec<_>>(), [0]);
    assert_eq!(constant.estimate(&[0.0, 1.0], &constant.classical()), Err(NotEstimable::Collinear));
    let mean = constant.estimate(&[1.0, 7.0], &constant.classical()).unwrap();
    assert!((mean.value - 7.0 / 3.0).abs() < 1e-15);
    assert_eq!(constant.estimate(&[1.0, 0.0], &constant.classical()), Err(NotEstimable::Collinear));
}

#[test]
fn all_levels_of_a_tag_leave_the_last_one_out_and_predict_each() {
    let rows: Vec<[i64; 4]> = (0..30)
        .map(|id| [i64::from(id % 3 == 0), i64::from(id % 3 == 1), i64::from(id % 3 == 2), id * id % 11 + id % 3])
        .collect();
    let fit = fit(&rows).unwrap();
    assert_eq!(fit.left_out().collect::<Vec<_>>(), [2]);
    assert_eq!(fit.rank(), 3);
    for level in 0..3 {
        let values: Vec<i64> = rows.iter().filter(|row| row[level] == 1).map(|row| row[3]).collect();
        let mut weights = [1.0, 0.0, 0.0, 0.0];
        weights[level + 1] = 1.0;
        let found = fit.estimate(&weights, &fit.classical()).unwrap().value;
        assert!((found - values.iter().sum::<i64>() as f64 / values.len() as f64).abs() < 1e-13);
    }
}

#[test]
fn a_unit_that_decides_alone_leaves_hc2_and_hc3_undefined() {
    let rows = [[0, 0, 1], [0, 0, 3], [0, 0, 4], [0, 1, 9], [1, 0, 5], [1, 0, 2]];
    let fit = fit(&rows).unwrap();
    for kind in [RobustError::Hc2, RobustError::Hc3] {
        assert_eq!(robust(&fit, &rows, kind), Err(NotEstimable::LeverageOne));
    }
    let plain = robust(&fit, &rows, RobustError::Hc1).unwrap();
    assert!(fit.estimate(&[0.0, 1.0, 0.0], &plain).is_ok());
}

#[test]
fn an_arm_that_does_not_vary_has_no_robust_error_of_its_mean() {
    let rows = [[0, 5], [0, 5], [0, 5], [1, 3], [1, 9], [1, 4]];
    let fit = fit(&rows).unwrap();
    for kind in ROBUST {
        let covariance = robust(&fit, &rows, kind).unwrap();
        assert_eq!(fit.estimate(&[1.0, 0.0], &covariance), Err(NotEstimable::NoVariance));
        assert!(fit.estimate(&[0.0, 1.0], &covariance).is_ok());
    }
}

#[test]
fn one_cluster_and_a_treatment_in_one_cluster_are_named() {
    let rows = [[0, 1], [0, 3], [0, 8], [1, 9], [1, 5], [0, 2], [0, 7]];
    let fit = fit(&rows).unwrap();
    for kind in CLUSTERED {
        assert_eq!(scores(&fit, &rows, &[4; 7], kind).covariance(), Err(NotEstimable::OneCluster));
    }
    let one_treated = scores(&fit, &rows, &[1, 1, 2, 3, 3, 2, 4], ClusterError::Cr2);
    assert_eq!((one_treated.clusters(), one_treated.effective_clusters()), (4, 49.0 / 13.0));
    let covariance = one_treated.covariance().unwrap();
    assert_eq!(fit.estimate(&[0.0, 1.0], &covariance), Err(NotEstimable::OneClusterDecides));
    let control = fit.estimate(&[1.0, 0.0], &covariance).unwrap();
    assert!(control.degrees_of_freedom < 2.0, "the control's mean has three clusters");
    assert_eq!(covariance.judge(0, &control), Some(Unreliable::FewDegrees { found: 1, needed: 4 }));
}
