use std::sync::atomic::AtomicBool;

use super::*;
use crate::bootstrap::{Bootstrap, Hypothesis};
use crate::bucket::BUCKETS;
use crate::cell_products::{ProductColumn, ProductGroup, cell_products};
use crate::cells::cell_statistics;
use crate::columns::{CodeColumn, UnitColumnParts, UnitColumns};
use crate::comparison::Comparison;
use crate::distribution::Reference;
use crate::measured::{Measured, Target};
use crate::pass::{ColumnShape, Grouping};
use crate::regression_adjustment::RegressionAdjustment;
use crate::sample::RatioColumn;
use crate::simulated::Draws;

const UNITS: usize = 6_000;
const BY_COHORT: Grouping = Grouping::Codes { column: 0, codes: 3 };

/// Three cohorts; a metric, a covariate that tells much of it, and clicks of views. The treatment adds in cohort 2.
fn units() -> UnitColumns {
    let mut draws = Draws::new(11);
    let mut parts = UnitColumnParts {
        arm_count: 2,
        arms: Vec::new(),
        buckets: Vec::new(),
        codes: Vec::new(),
        shapes: vec![ColumnShape { name: "cohort".into(), codes: 3, ordered: true, missing: None }],
        metrics: vec![Vec::new(); 4],
    };
    let mut codes = Vec::new();
    for _ in 0..UNITS {
        let (arm, cohort) = (draws.below(2), draws.below(3));
        let (before, views) = (draws.noise(), 1 + draws.below(9));
        let after = 3 * before / 2 + draws.noise() + if cohort == 2 { 400 * arm as i64 } else { 0 };
        parts.arms.push(arm as u8);
        parts.buckets.push(draws.below(BUCKETS as u64) as u16);
        codes.push(cohort as u8);
        let values = [after, before, draws.below(views + 1) as i64, views as i64];
        parts.metrics.iter_mut().zip(values).for_each(|(metric, value)| metric.push(value));
    }
    parts.codes = vec![CodeColumn::U8(codes)];
    UnitColumns::new(parts).unwrap()
}

fn groups() -> [ProductGroup; 2] {
    [[0, 1], [2, 3]].map(|metrics| ProductGroup { columns: metrics.map(ProductColumn::Value).into() })
}

fn products() -> CellProducts {
    cell_products(&units(), &BY_COHORT, &groups(), &AtomicBool::new(false)).unwrap()
}

fn grids() -> [Vec<Grid>; 2] {
    groups().map(|group| group.grids(&[Grid::INTEGER; 4]))
}

const BOOTSTRAP: Bootstrap<'static> =
    Bootstrap { experiment: "seam", replicates: 300, level: 0.95, reference: Reference::T };

fn arm(arms: &[Option<Sample>], arm: usize) -> Result<&Sample, NotEstimable> {
    arms.get(arm).and_then(Option::as_ref).ok_or(NotEstimable::EmptyArm)
}

fn mean(arms: &[Option<Sample>]) -> Result<Estimate, NotEstimable> {
    Comparison::of_means(arm(arms, 1)?, arm(arms, 0)?, 0)?.difference()
}

fn adjusted(arms: &[Option<Sample>]) -> Result<Estimate, NotEstimable> {
    let adjustment = RegressionAdjustment { outcome: 0, covariates: &[1], treatment: 1, parent: None };
    adjustment.compare(arms)?.comparison.difference()
}

fn rate(arms: &[Option<Sample>]) -> Result<Estimate, NotEstimable> {
    let column = RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 };
    let arm = |place| arm(arms, place)?.ratios(&[column]);
    Ok(Comparison::of_means(&arm(1)?, &arm(0)?, 0)?.lift()?.relative)
}

fn question(estimator: &dyn Estimator, group: usize, cell: Option<usize>, against: Against) -> Question<'_> {
    Question { estimator, group, cell, against }
}

#[test]
fn means_through_the_seam_are_those_of_cell_statistics() {
    let statistics = cell_statistics(&units(), &[BY_COHORT], &AtomicBool::new(false)).unwrap().remove(0);
    let (products, grids, buckets) = (products(), grids(), BucketSet::all());
    let measured = Measured { cells: &statistics, buckets: &buckets, grids: &[Grid::INTEGER; 4] };
    let seam = MeasuredProducts { products: &products, buckets: &buckets, grids: &grids };
    let pairs: Vec<(Hypothesis, Question<'_>)> = [Against::Zero, Against::Rest]
        .into_iter()
        .flat_map(|against| {
            (0..3).map(move |cell| {
                let target = Target { metric: 0, treatment: 1, cell };
                (Hypothesis { target, against }, question(&mean, 0, Some(cell), against))
            })
        })
        .collect();
    let (hypotheses, questions): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
    let (expected, found) = (BOOTSTRAP.max_t(&measured, &hypotheses), BOOTSTRAP.max_t_of_products(&seam, &questions));
    let near = |left: f64, right: f64| (left / right - 1.0).abs() < 1e-9;
    assert!(near(expected.critical_value.unwrap(), found.critical_value.unwrap()));
    for (expected, found) in expected.outcomes.iter().zip(&found.outcomes) {
        let (expected, found) = (expected.unwrap(), found.unwrap());
        assert!(near(expected.estimate.value, found.estimate.value) && near(expected.p_adjusted, found.p_adjusted));
        assert!(near(expected.bootstrap_std_err, found.bootstrap_std_err));
    }
}

#[test]
fn the_bootstrap_agrees_with_the_standard_errors_of_adjusted_effects_and_lifts_of_ratios() {
    let (products, grids, buckets) = (products(), grids(), BucketSet::all());
    let seam = MeasuredProducts { products: &products, buckets: &buckets, grids: &grids };
    let mut family = Vec::new();
    for cell in [None, Some(0), Some(1), Some(2)] {
        family.push(question(&adjusted, 0, cell, Against::Zero));
        family.push(question(&rate, 1, cell, Against::Zero));
        if cell.is_some() {
            family.push(question(&adjusted, 0, cell, Against::Rest));
            family.push(question(&rate, 1, cell, Against::Rest));
        }
    }
    let outcomes = BOOTSTRAP.max_t_of_products(&seam, &family).outcomes;
    for outcome in &outcomes {
        let outcome = outcome.unwrap();
        let ratio = outcome.bootstrap_std_err / outcome.estimate.std_err;
        assert!((ratio - 1.0).abs() < 0.15, "{ratio}: 300 replicates are within 4 % of the true one, 2 in 3 times");
    }
    let cohort_two = outcomes[12].unwrap();
    assert!(cohort_two.p_adjusted < 0.05, "adjusted, cohort 2 against the rest: {cohort_two:?}");
}

#[test]
fn an_adjusted_effect_is_more_precise_than_the_mean() {
    let (products, grids, buckets) = (products(), grids(), BucketSet::all());
    let seam = MeasuredProducts { products: &products, buckets: &buckets, grids: &grids };
    let std_err =
        |estimator: &dyn Estimator| seam.estimate(&question(estimator, 0, None, Against::Zero)).unwrap().std_err;
    // The covariate explains 9/4 of 13/4 of the variance.
    assert!((std_err(&adjusted) / std_err(&mean) - (4.0_f64 / 13.0).sqrt()).abs() < 0.03);
}

#[test]
fn questions_without_an_answer_are_named() {
    let (products, grids, buckets) = (products(), grids(), BucketSet::all());
    let seam = MeasuredProducts { products: &products, buckets: &buckets, grids: &grids };
    let nothing = MeasuredProducts { buckets: &BucketSet::none(), ..seam };
    let questions = [
        (question(&mean, 2, None, Against::Zero), NotEstimable::NotCounted),
        (question(&mean, 0, Some(3), Against::Zero), NotEstimable::NotCounted),
        (question(&mean, 0, None, Against::Rest), NotEstimable::OneGroup),
    ];
    for (question, reason) in questions {
        assert_eq!(seam.estimate(&question), Err(reason));
        assert_eq!(BOOTSTRAP.max_t_of_products(&seam, &[question]).outcomes, [Err(reason)]);
    }
    assert_eq!(nothing.estimate(&question(&mean, 0, Some(0), Against::Zero)), Err(NotEstimable::EmptyArm));
}
