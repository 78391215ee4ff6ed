//! Balance of a numeric tag, or of a share, across arms.

use crate::estimate::NotEstimable;
use crate::grid::Grid;
use crate::independence::ChiSquare;
use crate::moments::Moments;

/// The standardised mean difference (m1 - m0) / sqrt((v1 + v0) / 2): free of units, and of how many units there are.
///
/// # Errors
/// An arm with fewer than two units; no variance in either arm, unless the means are equal, which gives 0.
pub fn standardised_mean_difference(treatment: &Moments, control: &Moments, grid: Grid) -> Result<f64, NotEstimable> {
    let mean = |arm: &Moments| arm.mean(grid).ok_or(NotEstimable::EmptyArm);
    let variance = |arm: &Moments| arm.variance(grid).ok_or(NotEstimable::OneUnit);
    let difference = mean(treatment)? - mean(control)?;
    standardised(difference, f64::midpoint(variance(treatment)?, variance(control)?))
}

/// The standardised difference of two shares, of `part` in `whole`: with the variances p (1 - p).
///
/// # Errors
/// An empty arm; shares of 0 against 1.
pub fn standardised_share_difference(treatment: Share, control: Share) -> Result<f64, NotEstimable> {
    let (treated, controlled) = (treatment.value()?, control.value()?);
    standardised(treated - controlled, f64::midpoint(treated * (1.0 - treated), controlled * (1.0 - controlled)))
}

/// Some units of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The units counted.
    pub part: u64,
    /// All units of the arm.
    pub whole: u64,
}

impl Share {
    fn value(self) -> Result<f64, NotEstimable> {
        if self.whole == 0 { Err(NotEstimable::EmptyArm) } else { Ok(self.part as f64 / self.whole as f64) }
    }
}

fn standardised(difference: f64, variance: f64) -> Result<f64, NotEstimable> {
    if difference == 0.0 {
        Ok(0.0)
    } else if variance > 0.0 {
        Ok(difference / variance.sqrt())
    } else {
        Err(NotEstimable::NoVariance)
    }
}

/// The test that all arms share a mean, each with a variance of its own: sum w (m - mean m)² with w = n / v and the mean
/// weighted by w is chi-square with arms - 1 degrees of freedom in large samples (Welch 1951).
///
/// Arms with fewer than two units are left out. Arms that do not vary take part only through one another: if no arm varies,
/// the tag is balanced where it is constant over all arms.
///
/// # Errors
/// [`NotEstimable::OneGroup`] with fewer than two arms; [`NotEstimable::NoVariance`] if an arm does not vary.
pub fn equal_means(arms: &[Moments], grid: Grid) -> Result<ChiSquare, NotEstimable> {
    let arms: Vec<(f64, f64)> =
        arms.iter().filter_map(|arm| Some((arm.mean(grid)?, arm.n as f64 / arm.variance(grid)?))).collect();
    if arms.len() < 2 {
        return Err(NotEstimable::OneGroup);
    }
    if arms.iter().any(|(_, weight)| weight.is_infinite()) {
        return Err(NotEstimable::NoVariance);
    }
    let total: f64 = arms.iter().map(|(_, weight)| weight).sum();
    let mean = arms.iter().map(|(mean, weight)| mean * weight).sum::<f64>() / total;
    let statistic = arms.iter().map(|(arm, weight)| weight * (arm - mean) * (arm - mean)).sum();
    Ok(ChiSquare::new(statistic, (arms.len() - 1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::Effect;

    fn moments(values: impl IntoIterator<Item = i64>) -> Moments {
        let mut moments = Moments::default();
        for value in values {
            moments.push(value);
        }
        moments
    }

    #[test]
    fn of_two_arms_it_is_the_squared_statistic_of_welch() {
        let (treatment, control) = (moments(0..50), moments((0..60).map(|value| value + 3)));
        let effect = Effect::welch(&treatment, &control, Grid::INTEGER).unwrap();
        let test = equal_means(&[control, treatment], Grid::INTEGER).unwrap();
        assert!((test.statistic - effect.difference.statistic().powi(2)).abs() < 1e-9);
        assert_eq!(test.degrees_of_freedom, 1.0);
    }

    #[test]
    fn a_mean_difference_is_in_standard_deviations() {
        let (treatment, control) = (moments([0, 2]), moments([2, 4]));
        let difference = standardised_mean_difference(&treatment, &control, Grid::FLOAT).unwrap();
        assert!((difference + 2.0_f64.sqrt()).abs() < 1e-15);
        let share = |part| Share { part, whole: 100 };
        let of_shares = standardised_share_difference(share(60), share(40)).unwrap();
        assert!((of_shares - 0.2 / 0.24_f64.sqrt()).abs() < 1e-15);
    }

    #[test]
    fn constant_and_empty_arms_have_named_outcomes() {
        let (constant, other) = (moments([5, 5]), moments([6, 6]));
        assert_eq!(standardised_mean_difference(&constant, &constant, Grid::INTEGER), Ok(0.0));
        assert_eq!(standardised_mean_difference(&constant, &other, Grid::INTEGER), Err(NotEstimable::NoVariance));
        assert_eq!(standardised_mean_difference(&constant, &moments([1]), Grid::INTEGER), Err(NotEstimable::OneUnit));
        assert_eq!(equal_means(&[constant, other], Grid::INTEGER), Err(NotEstimable::NoVariance));
        assert_eq!(equal_means(&[constant, moments([])], Grid::INTEGER), Err(NotEstimable::OneGroup));
        let (all, none, empty) =
            (Share { part: 3, whole: 3 }, Share { part: 0, whole: 3 }, Share { part: 0, whole: 0 });
        assert_eq!(standardised_share_difference(all, none), Err(NotEstimable::NoVariance));
        assert_eq!(standardised_share_difference(all, empty), Err(NotEstimable::EmptyArm));
    }
}
