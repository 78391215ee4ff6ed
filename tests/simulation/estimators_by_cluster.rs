//! Experiments whose units were assigned with their cluster: 80 of them an arm, of 5 to 35 units that have something in common.

use whom_stats::{
    AdjustedClusters, ClusterColumn, ClusterDenominator, ClusterEffect, Clusters, Comparison, FoundQuantile, Moments,
    Percentile, QuantileOf, QuantileSearch, RatioColumn, Reference, RegressionAdjustment, Sample, ValueScores,
};

use super::draws::Draws;
use super::estimators::{GRID, LEVEL, Row, covers, exponential, grid_value, means, samples};

const CLUSTERS: usize = 80;

/// The units of an arm's clusters.
type Arm<T> = Vec<Vec<T>>;

/// Both arms, given a unit of a cluster of an arm; what makes a cluster is drawn first.
fn arms<T, C: Copy>(draws: &mut Draws, cluster: fn(&mut Draws) -> C, unit: fn(&mut Draws, C, f64) -> T) -> [Arm<T>; 2] {
    [0.0, 1.0].map(|arm| {
        let units = |draws: &mut Draws| {
            let common = cluster(draws);
            (0..5 + draws.below(31)).map(|_| unit(draws, common, arm)).collect()
        };
        (0..CLUSTERS).map(|_| units(draws)).collect()
    })
}

/// A value, and whether the unit is in a cohort, as one in three is. The effect is .6 there and .3 elsewhere.
fn with_cohort(draws: &mut Draws, common: f64, arm: f64) -> (i64, bool) {
    let in_cohort = draws.below(3) == 0;
    let effect = if in_cohort { 0.6 } else { 0.3 };
    (grid_value(10.0 + common + arm * effect + draws.normal()), in_cohort)
}

/// The totals of everybody, the cohort and the others.
fn totals(arm: &Arm<(i64, bool)>) -> Clusters {
    let of_cluster = |units: &Vec<(i64, bool)>| {
        let mut totals = vec![Moments::default(); 3];
        for (value, in_cohort) in units {
            totals[0].push(*value);
            totals[if *in_cohort { 1 } else { 2 }].push(*value);
        }
        totals
    };
    Clusters::new(arm.iter().map(of_cluster).collect::<Vec<_>>())
}

fn cluster_samples(draws: &mut Draws, columns: &[usize]) -> Vec<Option<Sample>> {
    let arms = arms(draws, Draws::normal, with_cohort).map(|arm| totals(&arm));
    let column =
        |total: &usize| ClusterColumn::Mean { total: *total, grid: GRID, centre: Clusters::centre(&arms, *total) };
    let columns: Vec<ClusterColumn> = columns.iter().map(column).collect();
    arms.iter().map(|arm| arm.sample(&columns, None).ok()).collect()
}

pub(super) fn mean(draws: &mut Draws) -> Option<bool> {
    covers(means(&cluster_samples(draws, &[0]), 0), 0.4)
}

pub(super) fn contrast(draws: &mut Draws) -> Option<bool> {
    let arms = cluster_samples(draws, &[1, 2]);
    let arms: Vec<_> = arms.iter().map(|arm| arm.as_ref()?.with_difference(0, 1).ok()).collect();
    covers(means(&arms, 2), 0.3)
}

/// A metric over a denominator of one, and what was known of the unit, which the treatment does not move.
fn with_known(draws: &mut Draws, [before, after]: [f64; 2], arm: f64) -> Row {
    let known = before + draws.normal();
    [10.0 + known + after + draws.normal() + 0.4 * arm, 1.0, known, 0.0]
}

pub(super) fn adjusted_mean(draws: &mut Draws) -> Option<bool> {
    let common = |draws: &mut Draws| [draws.normal(), draws.normal()];
    covers(Ok(adjusted(&arms(draws, common, with_known), false)), 0.4)
}

/// Clicks and views, and the unit's own rate of clicking, in which those of a cluster are near each other. The treatment adds .05.
fn with_views(draws: &mut Draws, common: f64, arm: f64) -> Row {
    let (rate, views) = (0.1 + 0.3 * common + 0.1 * draws.uniform(), (1.0 + 4.0 * exponential(draws)).floor());
    let clicks = (0..views as usize).filter(|_| draws.uniform() < rate + 0.05 * arm).count();
    [clicks as f64, views, rate, 0.0]
}

pub(super) fn adjusted_ratio(draws: &mut Draws) -> Option<bool> {
    covers(Ok(adjusted(&arms(draws, Draws::uniform, with_views), true)), 0.05)
}

/// Adjusted by the third column, with slopes of the units.
fn adjusted(arms: &[Arm<Row>; 2], is_ratio: bool) -> Comparison {
    let rows: Vec<Vec<Row>> = arms.iter().map(|arm| arm.concat()).collect();
    let column = |numerator, denominator| RatioColumn { numerator, denominator, centre: 0.0 };
    let columns = [column(0, is_ratio.then_some(1)), column(2, None)];
    let of_units: Vec<Option<Sample>> = samples(&rows).iter().map(|arm| arm.as_ref()?.ratios(&columns).ok()).collect();
    let adjustment = RegressionAdjustment { outcome: 0, covariates: &[1], treatment: 1, parent: None };
    let slopes = adjustment.compare(&of_units).expect("estimable").coefficients;
    let total = |arm: &Arm<Row>, column: usize| -> Vec<Moments> {
        arm.iter().map(|units| units.iter().map(|unit| grid_value(unit[column])).collect()).collect()
    };
    let both = arms.each_ref().map(|arm| vec![total(arm, 0), total(arm, 2)]);
    let below = arms.each_ref().map(|arm| total(arm, 1));
    let clusters = AdjustedClusters {
        arms: &both,
        denominator: is_ratio.then_some(ClusterDenominator { arms: &below, grid: GRID }),
        grids: &[GRID; 2],
        centres: &[0; 2],
        treatment: 1,
        slopes: [&slopes.treatment, &slopes.control],
        is_own: true,
    };
    clusters.compare().expect("estimable")
}

/// One to three values of a unit, skewed, and whether it is in a cohort.
fn with_events(draws: &mut Draws, common: f64, _: f64) -> (Vec<i64>, bool) {
    let events = 1 + draws.below(3);
    let value = |draws: &mut Draws| grid_value(libm::exp(0.7 * (common + draws.normal())));
    ((0..events).map(|_| value(draws)).collect(), draws.below(3) == 0)
}

/// The quantile of the units that are chosen.
fn found(arm: &Arm<(Vec<i64>, bool)>, of: QuantileOf, share: f64, chosen: impl Fn(bool) -> bool) -> FoundQuantile {
    let percentile = Percentile::new(share).expect("a share");
    let mut search = QuantileSearch::new(percentile, of).by_cluster(CLUSTERS);
    while !search.is_done() {
        for (cluster, units) in arm.iter().enumerate() {
            for (values, _) in units.iter().filter(|(_, in_cohort)| chosen(*in_cohort)) {
                search.push(if of == QuantileOf::Units { &values[..1] } else { values }, cluster);
            }
        }
        search = search.narrow();
    }
    search.found(GRID)
}

fn compared([control, treatment]: &[FoundQuantile; 2]) -> Comparison {
    treatment.arm.expect("estimable").against(&control.arm.expect("estimable"))
}

fn quantile(draws: &mut Draws, of: QuantileOf, share: f64) -> Option<bool> {
    let arms = arms(draws, Draws::normal, with_events);
    covers(Ok(compared(&arms.each_ref().map(|arm| found(arm, of, share, |_| true)))), 0.0)
}

pub(super) fn median(draws: &mut Draws) -> Option<bool> {
    quantile(draws, QuantileOf::Units, 0.5)
}

pub(super) fn high_quantile_of_events(draws: &mut Draws) -> Option<bool> {
    quantile(draws, QuantileOf::Events, 0.9)
}

pub(super) fn median_against_the_rest(draws: &mut Draws) -> Option<bool> {
    let arms = arms(draws, Draws::normal, with_events);
    let effect = |is_cohort: bool| -> Option<ClusterEffect> {
        let [control, treatment] = arms.each_ref().map(|arm| found(arm, QuantileOf::Units, 0.5, |it| it == is_cohort));
        let values = compared(&[control.clone(), treatment.clone()]);
        let scores =
            ValueScores { treatment: vec![Vec::new(), treatment.scores], control: vec![control.scores, Vec::new()] };
        values.unreliable.is_none().then(|| scores.difference(&values).expect("estimable"))
    };
    let difference = effect(true)?.minus(&effect(false)?).expect("estimable");
    Some(difference.interval(LEVEL, Reference::T).contains(0.0))
}
