//! Means over units of clusters, and ratios, adjusted by what was known before: the estimate of
//! [`RegressionAdjustment`](crate::RegressionAdjustment), with errors by cluster.
//!
//! With b_a the slopes of arm a and x the pooled means of the covariates, the adjusted mean of arm a is
//! y_a - b_a (x_a - x) (Lin 2013). Each unit adds to it along weights of its columns: one of the arm itself by 1 for the metric and
//! (p_a - 1) b_a for the covariates, one of another arm k by p_k b_a for the covariates, where p_k is the arm's share of the
//! units. So an arm adds to the variance of a value as its mean does, CR2, with the weighted sums of each cluster for E_g. For the
//! difference of treatment and control that is the sandwich of the regression of the metric on the arm and the covariates, centred and
//! arm by arm, but for the leverage of the covariates.
//!
//! **Slopes that were fitted to these units** fit clusters as well, as closely as if each covariate were constant within
//! clusters: the errors of both compared arms are multiplied by d / (d - k), where d are the degrees of freedom of Bell and McCaffrey and
//! k the covariates, and d - k are left. It is too much for covariates that vary within clusters only.
//!
//! **A ratio** R of sums takes part by what it moves by to first order: with A_g above and B_g below, E_g is (A_g - R B_g) N / sum B.

use crate::clusters::shared::{ClusterRatio, Ratio, ValueScores};
use crate::clusters::unbiased::{Part, effective_of, satterthwaite, with_error};
use crate::clusters::{effective, few_clusters};
use crate::comparison::{Comparison, Source};
use crate::estimate::{Estimate, NotEstimable};
use crate::grid::Grid;
use crate::measured::CONTROL;
use crate::moments::Moments;
use crate::reliability::Unreliable;

/// Degrees of freedom of each compared arm that a fitted slope needs, as it needs 50 units.
const FREEDOM_PER_COVARIATE: f64 = 10.0;

/// The totals of the clusters of every arm, and how the metric is adjusted.
#[derive(Clone, Copy, Debug)]
pub struct AdjustedClusters<'a> {
    /// By arm and column, the metric first and then each covariate, count and sum by cluster; all columns over the same units. An
    /// empty cluster is none.
    pub arms: &'a [Vec<Vec<Moments>>],
    /// What a ratio's metric is over; `None` of a mean.
    pub denominator: Option<ClusterDenominator<'a>>,
    /// The grids of the columns.
    pub grids: &'a [Grid],
    /// Grid values near the means of the columns, the same for all arms; of a ratio's metric it is not read.
    pub centres: &'a [i64],
    /// Index of the arm that is compared with control.
    pub treatment: usize,
    /// The slopes of the treatment and of control, one for each covariate.
    pub slopes: [&'a [f64]; 2],
    /// Whether they were fitted to these units.
    pub is_own: bool,
}

/// What a ratio is over, in the same units.
#[derive(Clone, Copy, Debug)]
pub struct ClusterDenominator<'a> {
    /// By arm, count and sum by cluster.
    pub arms: &'a [Vec<Moments>],
    /// Its grid.
    pub grid: Grid,
}

/// The clusters of an arm, read.
struct Arm {
    units: f64,
    /// By column, the mean less the centre.
    offsets: Vec<f64>,
    /// By cluster, its units.
    sizes: Vec<f64>,
    /// By column and cluster, the sum of the units' deviations from the mean.
    deviations: Vec<Vec<f64>>,
    few: Option<Unreliable>,
}

impl AdjustedClusters<'_> {
    /// The adjusted values of treatment and control. Other arms with two clusters or more take part in the common mean of the covariates.
    ///
    /// # Errors
    /// [`NotEstimable::EmptyArm`] and [`NotEstimable::OneCluster`] of an arm that is compared; [`NotEstimable::NotCounted`] for columns
    /// that are not there; [`NotEstimable::DenominatorZero`] of a ratio; [`NotEstimable::NoDegreesOfFreedom`] if an arm has no more of them than slopes.
    pub fn compare(&self) -> Result<Comparison, NotEstimable> {
        let arms = self.read()?;
        let (treatment, control) = (self.value(&arms, 0)?, self.value(&arms, 1)?);
        let mut sources = Vec::with_capacity(arms.len());
        for (place, arm) in present(&arms) {
            let share = arm.units / units(&arms);
            let [of_treatment, of_control] = [0, 1].map(|value| arm.parts(&self.weights(value, place, share)));
            let sum = |one: &[Part], other: &[Part]| one.iter().zip(other).map(|(one, other)| one.times(*other)).sum();
            let source = Source {
                treatment: sum(&of_treatment, &of_treatment),
                control: sum(&of_control, &of_control),
                covariance: sum(&of_treatment, &of_control),
                degrees_of_freedom: satterthwaite(&of_treatment, &vec![Part::default(); of_treatment.len()]),
            };
            sources.push(fitted(source, self.fitted(place))?);
        }
        let few = |place: usize| arms[place].as_ref().and_then(|arm| arm.few);
        let centre = if self.denominator.is_some() { 0.0 } else { self.grids[0].from_grid(self.centres[0]) };
        Ok(Comparison {
            treatment: centre + treatment,
            control: centre + control,
            difference: treatment - control,
            sources,
            unreliable: few(self.treatment).or_else(|| few(CONTROL)),
        })
    }

    /// The effect less that in other units of the same clusters, which stand at the same places.
    ///
    /// # Errors
    /// As [`Self::compare`], of either; [`NotEstimable::NotCounted`] if there are not as many clusters; [`NotEstimable::NoVariance`].
    pub fn less(&self, rest: &Self) -> Result<Estimate, NotEstimable> {
        let (arms, others) = (self.read()?, rest.read()?);
        let effect = |side: &Self, arms: &[Option<Arm>]| Ok(side.value(arms, 0)? - side.value(arms, 1)?);
        let value = effect(self, &arms)? - effect(rest, &others)?;
        let mut sources = Vec::with_capacity(arms.len());
        for place in 0..arms.len().max(others.len()) {
            let of = |side: &Self, arms: &[Option<Arm>]| {
                let arm = arms.get(place)?.as_ref()?;
                let [of_treatment, of_control] =
                    [0, 1].map(|value| side.weights(value, place, arm.units / units(arms)));
                let weights: Vec<f64> =
                    of_treatment.iter().zip(&of_control).map(|(treatment, control)| treatment - control).collect();
                Some(arm.parts(&weights))
            };
            let (parts, of_rest) = match (of(self, &arms), of(rest, &others)) {
                (Some(parts), Some(of_rest)) => (parts, of_rest),
                (Some(parts), None) => (parts.clone(), vec![Part::default(); parts.len()]),
                (None, Some(of_rest)) => (vec![Part::default(); of_rest.len()], of_rest),
                (None, None) => continue,
            };
            if parts.len() != of_rest.len() {
                return Err(NotEstimable::NotCounted);
            }
            let both = with_error(0.0, &parts, &of_rest);
            let source =
                Source { treatment: both.variance, degrees_of_freedom: both.degrees_of_freedom, ..Source::default() };
            sources.push(fitted(source, self.fitted(place).max(rest.fitted(place)))?);
        }
        Comparison { treatment: value, control: 0.0, difference: value, sources, unreliable: None }.difference()
    }

    /// What each cluster adds to the errors of both values of [`Self::compare`]; nothing for an arm of fewer than two clusters.
    ///
    /// # Errors
    /// As [`Self::compare`].
    pub fn scores(&self) -> Result<ValueScores, NotEstimable> {
        let arms = self.read()?;
        let of_arm = |value: usize, (place, arm): (usize, &Option<Arm>)| {
            let Some(arm) = arm else { return Ok(Vec::new()) };
            let parts = arm.parts(&self.weights(value, place, arm.units / units(&arms)));
            let degrees_of_freedom = satterthwaite(&parts, &vec![Part::default(); parts.len()]);
            let one = fitted(Source { treatment: 1.0, degrees_of_freedom, ..Source::default() }, self.fitted(place))?;
            Ok(parts.iter().map(|part| one.treatment.sqrt() * part.score()).collect())
        };
        let of_value =
            |value: usize| arms.iter().enumerate().map(|arm| of_arm(value, arm)).collect::<Result<Vec<_>, _>>();
        Ok(ValueScores { treatment: of_value(0)?, control: of_value(1)? })
    }

    /// Whether both arms have clusters enough for the slopes that were fitted to them: more than ten degrees of freedom for each.
    pub fn suffice(&self) -> bool {
        let is_enough = |arm: &Arm, place: usize| {
            let parts = arm.parts(&vec![0.0; self.grids.len()]);
            let freedom = satterthwaite(&parts, &vec![Part::default(); parts.len()]);
            freedom > FREEDOM_PER_COVARIATE * self.fitted(place) as f64
        };
        let Ok(arms) = self.read() else { return false };
        [self.treatment, CONTROL].iter().all(|place| arms[*place].as_ref().is_some_and(|arm| is_enough(arm, *place)))
    }

    /// The arms that have two clusters or more, read.
    fn read(&self) -> Result<Vec<Option<Arm>>, NotEstimable> {
        let columns = 1 + self.slopes[0].len();
        let fits = |given: usize| given == columns;
        if !(fits(self.grids.len()) && fits(self.centres.len()) && fits(1 + self.slopes[1].len())) {
            return Err(NotEstimable::NotCounted);
        }
        let mut arms = Vec::with_capacity(self.arms.len());
        for (place, arm) in self.arms.iter().enumerate() {
            let is_compared = place == self.treatment || place == CONTROL;
            let read = Arm::read(arm, self.grids, self.centres).and_then(|read| match self.denominator {
                Some(denominator) => read.over(arm, self.grids[0], (denominator, place)),
                None => Ok(read),
            });
            match read {
                Err(NotEstimable::EmptyArm | NotEstimable::OneCluster | NotEstimable::DenominatorZero)
                    if !is_compared =>
                {
                    arms.push(None);
                }
                read => arms.push(Some(read?)),
            }
        }
        let is_there = |place: usize| arms.get(place).is_some_and(Option::is_some);
        if is_there(self.treatment) && is_there(CONTROL) { Ok(arms) } else { Err(NotEstimable::EmptyArm) }
    }

    /// The arm of the treatment's value, or of control's.
    fn arm_of(&self, value: usize) -> usize {
        if value == 0 { self.treatment } else { CONTROL }
    }

    /// An adjusted mean less the centre, or an adjusted ratio.
    fn value(&self, arms: &[Option<Arm>], value: usize) -> Result<f64, NotEstimable> {
        let arm = arms[self.arm_of(value)].as_ref().ok_or(NotEstimable::EmptyArm)?;
        let units = units(arms);
        let correction = self.slopes[value].iter().enumerate().map(|(covariate, slope)| {
            let column = 1 + covariate;
            let pooled: f64 = present(arms).map(|(_, arm)| arm.units / units * arm.offsets[column]).sum();
            slope * (arm.offsets[column] - pooled)
        });
        Ok(arm.offsets[0] - correction.sum::<f64>())
    }

    /// How the columns of an arm's units add to a value.
    fn weights(&self, value: usize, arm: usize, share: f64) -> Vec<f64> {
        let own = if self.arm_of(value) == arm { 1.0 } else { 0.0 };
        std::iter::once(own).chain(self.slopes[value].iter().map(|slope| (share - own) * slope)).collect()
    }

    /// The slopes that were fitted to an arm's units; one of zero is of a covariate that was dropped.
    fn fitted(&self, arm: usize) -> usize {
        let is_fitted = |value: &usize| self.is_own && self.arm_of(*value) == arm;
        let of = |value: usize| self.slopes[value].iter().filter(|slope| **slope != 0.0).count();
        [0, 1].into_iter().filter(is_fitted).map(of).max().unwrap_or(0)
    }
}

fn present(arms: &[Option<Arm>]) -> impl Iterator<Item = (usize, &Arm)> {
    arms.iter().enumerate().filter_map(|(place, arm)| Some((place, arm.as_ref()?)))
}

fn units(arms: &[Option<Arm>]) -> f64 {
    present(arms).map(|(_, arm)| arm.units).sum()
}

/// With the freedom that slopes took.
fn fitted(source: Source, slopes: usize) -> Result<Source, NotEstimable> {
    let left = source.degrees_of_freedom - slopes as f64;
    if slopes == 0 {
        return Ok(source);
    }
    if left <= 0.0 {
        return Err(NotEstimable::NoDegreesOfFreedom);
    }
    Ok(Source { degrees_of_freedom: left, ..source.scaled(source.degrees_of_freedom / left) })
}

impl Arm {
    fn read(columns: &[Vec<Moments>], grids: &[Grid], centres: &[i64]) -> Result<Self, NotEstimable> {
        let metric = columns.first().ok_or(NotEstimable::NotCounted)?;
        if columns.len() != grids.len() || columns.iter().any(|totals| totals.len() != metric.len()) {
            return Err(NotEstimable::NotCounted);
        }
        match metric.iter().filter(|total| total.n > 0).count() {
            0 => return Err(NotEstimable::EmptyArm),
            1 => return Err(NotEstimable::OneCluster),
            _ => {}
        }
        let all: u64 = metric.iter().map(|total| total.n).sum();
        let sizes: Vec<f64> = metric.iter().map(|total| total.n as f64).collect();
        let (mut offsets, mut deviations) = (Vec::new(), Vec::new());
        for ((totals, grid), centre) in columns.iter().zip(grids).zip(centres) {
            let about = |total: &Moments| total.about(i128::from(*centre)).sum as f64 / grid.steps_per_one();
            let offset = about(&totals.iter().fold(Moments::default(), |sum, total| sum + *total)) / all as f64;
            deviations.push(totals.iter().zip(&sizes).map(|(total, size)| about(total) - offset * size).collect());
            offsets.push(offset);
        }
        Ok(Self { units: all as f64, offsets, few: few_clusters(effective_of(metric)), sizes, deviations })
    }

    /// With the ratio of the metric to its denominator in place of its mean. Its few clusters are those of the denominator.
    fn over(
        self,
        columns: &[Vec<Moments>],
        grid: Grid,
        (denominator, place): (ClusterDenominator<'_>, usize),
    ) -> Result<Self, NotEstimable> {
        let below = denominator.arms.get(place).filter(|totals| totals.len() == self.sizes.len());
        let below = below.ok_or(NotEstimable::NotCounted)?;
        let ratio = ClusterRatio { above: &columns[0], below, grids: [grid, denominator.grid] };
        let Ratio { value, below, all, residuals } = ratio.read()?;
        let (mut offsets, mut deviations) = (self.offsets, self.deviations);
        offsets[0] = value;
        deviations[0] = residuals.iter().map(|residual| residual * self.units / all).collect();
        let few = few_clusters(effective(below.into_iter().map(|size| (1.0, size))));
        Ok(Self { offsets, deviations, few, ..self })
    }

    /// What the clusters add along weights of the columns.
    fn parts(&self, weights: &[f64]) -> Vec<Part> {
        let part = |(cluster, size): (usize, &f64)| {
            let along = weights.iter().zip(&self.deviations).map(|(weight, of)| weight * of[cluster]);
            Part::of(*size, along.sum(), self.units)
        };
        self.sizes.iter().enumerate().map(part).collect()
    }
}

#[cfg(test)]
mod ratios;
#[cfg(test)]
mod tests;
