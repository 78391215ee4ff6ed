//! Is there heterogeneity that we can prove at all? The first answer of every analysis.

use serde::{Deserialize, Serialize};

use crate::distribution::Reference;
use crate::estimate::{Estimate, NotEstimable};
use crate::heterogeneity::{Cochran, Groups, Scattered};
use crate::measured::{CONTROL, Measured, Target};
use crate::series::{Series, SeriesKey, centre};

/// The outcome of the global test for a treatment and metric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GlobalTest {
    /// Discovery proposed fewer than two leaves, or predicts the same effect for all: there is nothing to test, p = 1.
    NoCandidate,
    /// The test was made.
    Tested(Slope),
    /// Fewer than two leaves have an effect on the measuring fold, or nothing varies: p = 1.
    NotEstimable(NotEstimable),
}

/// Do leaves that discovery predicted to gain more, gain more on the measuring fold?
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slope {
    /// b = sum over leaves of s (p - mean p) tau, positive if the predictions hold.
    pub slope: Estimate,
    /// The one-sided p-value against b <= 0.
    pub p_value: f64,
    /// Cochran's test that all leaves share an effect. Shown beside, not deciding.
    pub cochran: Cochran,
    /// Leaves without an effect on the measuring fold, whose units take no part.
    pub left_out: usize,
}

impl GlobalTest {
    /// The p-value that decides: 1 where there was nothing to test.
    pub fn p_value(&self) -> f64 {
        match self {
            Self::Tested(slope) => slope.p_value,
            Self::NoCandidate | Self::NotEstimable(_) => 1.0,
        }
    }
}

/// Tests whether the measured effects of leaves rise with the discovery fold's `predictions`, one per cell.
///
/// With s the leaf's share of the measuring units (of all arms), p its prediction and tau its measured effect,
/// b = sum s (p - mean p) tau, mean p = sum s p. Its variance is linearised over buckets: bucket g moves b by
///
/// psi_g = sum over leaves of (p - mean p) [ s ((S1_g - n1_g m1) / n1 - (S0_g - n0_g m0) / n0) + (tau - mean tau) (N_g - s N.g) / N ],
///
/// where the second term is the movement of the shares, and var b = G / (G - 1) sum of psi_g² over the G buckets that hold units.
/// The reference is t with G - 1 degrees of freedom, one-sided: only effects in the predicted order are evidence. The target's
/// cell is not read. Leaves with no estimable effect, or whose prediction is not finite, are left out with their units.
pub fn global_test(measured: &Measured<'_>, target: Target, predictions: &[f64]) -> GlobalTest {
    if predictions.len() < 2 {
        return GlobalTest::NoCandidate;
    }
    if let Err(reason) = measured.check(Target { cell: 0, ..target }) {
        return GlobalTest::NotEstimable(reason);
    }
    let leaves = Leaf::all(measured, target, predictions);
    let Some(first) = leaves.first().filter(|_| leaves.len() > 1) else {
        return GlobalTest::NotEstimable(NotEstimable::OneGroup);
    };
    if leaves.iter().all(|leaf| leaf.prediction == first.prediction) {
        return GlobalTest::NoCandidate;
    }
    match slope(&leaves) {
        Ok(slope) => GlobalTest::Tested(Slope {
            slope,
            p_value: Reference::T.upper_p(slope.statistic(), slope.degrees_of_freedom),
            cochran: Groups::new(leaves.iter().map(|leaf| &leaf.effect)).cochran(),
            left_out: predictions.len() - leaves.len(),
        }),
        Err(reason) => GlobalTest::NotEstimable(reason),
    }
}

/// A leaf on the measuring fold.
struct Leaf {
    prediction: f64,
    effect: Estimate,
    units: Vec<f64>,
    /// By bucket, what moves the effect: (S1_g - n1_g m1) / n1 - (S0_g - n0_g m0) / n0.
    influence: Vec<f64>,
}

impl Leaf {
    fn all(measured: &Measured<'_>, target: Target, predictions: &[f64]) -> Vec<Self> {
        let centre = centre(measured, target.metric);
        let cells = predictions.iter().enumerate().filter(|(_, prediction)| prediction.is_finite());
        cells
            .filter_map(|(cell, prediction)| Self::new(measured, Target { cell, ..target }, *prediction, centre))
            .collect()
    }

    fn new(measured: &Measured<'_>, target: Target, prediction: f64, centre: i128) -> Option<Self> {
        let effect = measured.effect(target).ok()?.difference;
        let influence = |arm| {
            let key = SeriesKey { metric: target.metric, arm, cell: Some(target.cell) };
            influence(&Series::new(measured, key, centre))
        };
        let (treatment, control) = (influence(target.treatment), influence(CONTROL));
        let units = measured.buckets.iter().filter_map(|bucket| measured.cells.table(target.cell, bucket));
        Some(Self {
            prediction,
            effect,
            units: units.map(|table| table.total_units() as f64).collect(),
            influence: treatment.iter().zip(&control).map(|(treatment, control)| treatment - control).collect(),
        })
    }
}

/// By bucket, the derivative of an arm's mean times the bucket's deviation.
fn influence(series: &Series) -> Vec<f64> {
    let total = series.total();
    let mean = total.sum / total.units;
    series.0.iter().map(|bucket| (bucket.sum - bucket.units * mean) / total.units).collect()
}

fn slope(leaves: &[Leaf]) -> Result<Estimate, NotEstimable> {
    let by_bucket = column_sums(leaves);
    let everybody: f64 = by_bucket.iter().sum();
    let shares: Vec<f64> = leaves.iter().map(|leaf| leaf.units.iter().sum::<f64>() / everybody).collect();
    let mean =
        |value: fn(&Leaf) -> f64| leaves.iter().zip(&shares).map(|(leaf, share)| share * value(leaf)).sum::<f64>();
    let (mean_prediction, mean_effect) = (mean(|leaf| leaf.prediction), mean(|leaf| leaf.effect.value));

    let mut value = 0.0;
    let mut movement = vec![0.0; by_bucket.len()];
    for (leaf, share) in leaves.iter().zip(&shares) {
        let excess = leaf.prediction - mean_prediction;
        value += share * excess * leaf.effect.value;
        for (bucket, moved) in movement.iter_mut().enumerate() {
            let share_moved = (leaf.units[bucket] - share * by_bucket[bucket]) / everybody;
            *moved += excess * (share * leaf.influence[bucket] + (leaf.effect.value - mean_effect) * share_moved);
        }
    }
    let buckets = by_bucket.iter().filter(|units| **units > 0.0).count() as f64;
    let squares: f64 = movement.iter().map(|moved| moved * moved).sum();
    if buckets < 2.0 || squares == 0.0 {
        return Err(NotEstimable::NoVariance);
    }
    let std_err = (buckets / (buckets - 1.0) * squares).sqrt();
    Ok(Estimate { value, std_err, degrees_of_freedom: buckets - 1.0 })
}

/// Units by bucket over all leaves.
fn column_sums(leaves: &[Leaf]) -> Vec<f64> {
    let mut sums = vec![0.0; leaves.first().map_or(0, |leaf| leaf.units.len())];
    for leaf in leaves {
        sums.iter_mut().zip(&leaf.units).for_each(|(sum, units)| *sum += units);
    }
    sums
}

#[cfg(test)]
mod tests;
