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

/// The test that all arms share a mean: (N - 1) times the sum of squares between arms over the total one is chi-square with
/// arms - 1 degrees of freedom in large samples.
///
/// The variance is that of all units together, which random assignment implies: it is the permutation variance, for a tag of
/// zeros and ones the test is Pearson's (times (N - 1) / N), and a tag that is constant in each arm but differs between them,
/// the worst leak there is, gives p near zero rather than a division by zero. Arms without a unit are left out.
///
/// # Errors
/// [`NotEstimable::OneGroup`] with fewer than two arms; [`NotEstimable::NoVariance`] if the tag is the same for all units.
pub fn equal_means(arms: &[Moments], grid: Grid) -> Result<ChiSquare, NotEstimable> {
    let occupied = arms.iter().filter(|arm| arm.n > 0);
    let degrees_of_freedom = occupied.clone().count().saturating_sub(1) as f64;
    if degrees_of_freedom == 0.0 {
        return Err(NotEstimable::OneGroup);
    }
    let everybody = occupied.clone().fold(Moments::default(), |sum, arm| sum + *arm);
    let variance = everybody.variance(grid).filter(|_| everybody.varies()).ok_or(NotEstimable::NoVariance)?;
    let mut statistic = 0.0;
    for arm in occupied {
        let steps = arm.mean_difference(&everybody).ok_or(NotEstimable::EmptyArm)?;
        let difference = steps / grid.steps_per_one();
        statistic += arm.n as f64 * difference * difference / variance;
    }
    Ok(ChiSquare::new(statistic, degrees_of_freedom))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::independence::independence;

    fn moments(values: impl IntoIterator<Item = i64>) -> Moments {
        values.into_iter().collect()
    }

    #[test]
    fn of_zeros_and_ones_it_is_pearsons_test() {
        let (treatment, control) =
            (Moments { n: 400, events: 90, sum: 90, sum_squares: 90 }, moments((0..500).map(|i| i64::from(i < 80))));
        let test = equal_means(&[control, treatment], Grid::INTEGER).unwrap();
        let pearson = independence(&[vec![420, 310], vec![80, 90]]).unwrap();
        assert!((test.statistic - pearson.statistic * 899.0 / 900.0).abs() < 1e-12);
        assert_eq!(test.degrees_of_freedom, 1.0);
    }

    #[test]
    fn an_offset_costs_nothing() {
        let arm = |from: i64, offset: i64| moments((from..from + 50).map(|value| value * value % 97 + offset));
        let test = |offset| equal_means(&[arm(0, offset), arm(9, offset), arm(30, offset)], Grid::FLOAT).unwrap();
        assert_eq!(test(0), test(30_000_000_000_000));
    }

    #[test]
    fn a_tag_that_knows_the_arm_is_found() {
        let test = equal_means(&[moments([5; 60]), moments([6; 60])], Grid::INTEGER).unwrap();
        assert!((test.statistic - 119.0).abs() < 1e-9);
        assert!(test.p_value < 1e-20);
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
        assert_eq!(equal_means(&[constant, constant], Grid::INTEGER), Err(NotEstimable::NoVariance));
        assert_eq!(equal_means(&[constant, moments([])], Grid::INTEGER), Err(NotEstimable::OneGroup));
        let (all, none, empty) =
            (Share { part: 3, whole: 3 }, Share { part: 0, whole: 3 }, Share { part: 0, whole: 0 });
        assert_eq!(standardised_share_difference(all, none), Err(NotEstimable::NoVariance));
        assert_eq!(standardised_share_difference(all, empty), Err(NotEstimable::EmptyArm));
    }
}
