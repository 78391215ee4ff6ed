//! The effect as a logarithm of the ratio of means: the relative scale on which equal lifts are equal effects.

use crate::effect::{ArmSummary, Effect};
use crate::estimate::{Estimate, NotEstimable, Satterthwaite};

impl Effect {
    /// ln(m1 / m0) with the delta method's variance v1 / (n1 m1²) + v0 / (n0 m0²) and degrees of freedom by Satterthwaite
    /// (Hedges, Gurevitch and Curtis 1999, "The meta-analysis of response ratios").
    ///
    /// Swapping the arms flips its sign, which a lift does not do, and its standard error hangs less on the estimate than that
    /// of a lift: cohorts are compared in relative terms on this scale. Valid where both means are several standard errors
    /// above zero; a lift is exp of it, less one.
    ///
    /// # Errors
    /// A mean is not positive; nothing varies.
    ///
    /// ```
    /// use whom_stats::{Effect, Grid, Moments};
    ///
    /// let visits = |n: u64, events: u64| Moments { n, events, sum: events.into(), sum_squares: events.into() };
    /// let effect = Effect::welch(&visits(21_387, 3_238), &visits(21_306, 2_262), Grid::INTEGER)?;
    /// assert_eq!(format!("{:.4}", effect.log_ratio()?.value), "0.3549", "the logarithm of 1.4261");
    /// # Ok::<(), whom_stats::NotEstimable>(())
    /// ```
    pub fn log_ratio(&self) -> Result<Estimate, NotEstimable> {
        if !(self.treatment.mean > 0.0 && self.control.mean > 0.0) {
            return Err(NotEstimable::MeanNotPositive);
        }
        let variance = [self.treatment, self.control].iter().fold(Satterthwaite::default(), |sum, arm| {
            sum.plus(relative_variance(arm), arm.units.saturating_sub(1) as f64)
        });
        if variance.is_zero() {
            return Err(NotEstimable::NoVariance);
        }
        Ok(variance.estimate(libm::log(self.treatment.mean / self.control.mean)))
    }
}

fn relative_variance(arm: &ArmSummary) -> f64 {
    arm.variance_of_mean() / (arm.mean * arm.mean)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::grid::Grid;
    use crate::moments::Moments;

    fn events(n: u64, events: u64) -> Moments {
        Moments { n, events, sum: events.into(), sum_squares: events.into() }
    }

    #[test]
    fn a_mean_of_zero_has_no_logarithm() {
        let nothing = Effect::welch(&events(100, 0), &events(100, 20), Grid::INTEGER).unwrap();
        assert_eq!(nothing.log_ratio(), Err(NotEstimable::MeanNotPositive));
    }

    proptest! {
        #[test]
        fn swapping_the_arms_flips_the_sign(treated in 1_u64..99, control in 1_u64..99) {
            let ratio = |treatment, control| {
                let effect = Effect::welch(&events(100, treatment), &events(100, control), Grid::INTEGER).unwrap();
                effect.log_ratio().unwrap()
            };
            let (forth, back) = (ratio(treated, control), ratio(control, treated));
            prop_assert!((forth.value + back.value).abs() < 1e-15);
            prop_assert!((forth.std_err / back.std_err - 1.0).abs() < 1e-14);
        }

        #[test]
        fn the_unit_of_the_metric_changes_nothing(treated in 1_u64..99, control in 1_u64..99, factor in 2_i64..1000) {
            let in_units = |factor: i64| {
                let arm = |events: u64| {
                    let (sum, square) = (i128::from(events) * i128::from(factor), i128::from(factor * factor));
                    Moments { n: 100, events, sum, sum_squares: i128::from(events) * square }
                };
                Effect::welch(&arm(treated), &arm(control), Grid::INTEGER).unwrap().log_ratio().unwrap()
            };
            let (one, many) = (in_units(1), in_units(factor));
            prop_assert!((one.value - many.value).abs() < 1e-13);
            prop_assert!((one.std_err / many.std_err - 1.0).abs() < 1e-12);
        }
    }
}
