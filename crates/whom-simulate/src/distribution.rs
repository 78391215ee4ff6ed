//! Distributions as tables: a value for each of 4,096 equally likely steps.
//!
//! With a table every share is a whole number of steps and every mean a finite sum, so that the truth about a population
//! is exact, whatever the shape of its numbers.

use crate::error::SimulateError;

/// The number of equally likely steps.
pub(crate) const STEPS: usize = 1 << STEP_BITS;
/// How many bits choose a step.
pub(crate) const STEP_BITS: u32 = 12;

/// The most digits after the point.
const MOST_DECIMALS: u8 = 9;

/// The shape of a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Shape {
    /// Equally likely between two ends.
    Uniform {
        /// The lower end.
        low: f64,
        /// The upper end.
        high: f64,
    },
    /// Waiting times and counts of rare things.
    Exponential {
        /// The mean before rounding.
        mean: f64,
    },
    /// Amounts with a heavy tail: log-logistic, the quantile of p is median (p / (1 - p))^spread (Fisk 1961).
    LogLogistic {
        /// The median.
        median: f64,
        /// How far the logarithm spreads: above 0; from 1 on, the mean of the untruncated distribution is infinite.
        spread: f64,
    },
}

/// A distribution of numbers, rounded to decimal digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distribution {
    /// Its shape.
    pub shape: Shape,
    /// Digits after the point that are kept: at most nine.
    pub decimals: u8,
}

impl Distribution {
    /// The value of each step, in ascending order: the quantile in the step's middle.
    pub(crate) fn values(&self) -> Vec<f64> {
        let unit = 10_f64.powi(i32::from(self.decimals));
        let middle = |step: usize| (step as f64 + 0.5) / STEPS as f64;
        (0..STEPS).map(|step| (self.shape.quantile(middle(step)) * unit).round() / unit).collect()
    }

    pub(crate) fn validate(&self, name: &str) -> Result<(), SimulateError> {
        let (value, is_valid, range) = match self.shape {
            _ if self.decimals > MOST_DECIMALS => (self.decimals.into(), false, "rounded to at most nine digits"),
            Shape::Uniform { low, high } => {
                (high, low.is_finite() && high.is_finite() && low < high, "above its lower end")
            }
            Shape::Exponential { mean } => (mean, is_amount(mean), "above 0"),
            Shape::LogLogistic { median, .. } if !is_amount(median) => (median, false, "above 0"),
            Shape::LogLogistic { spread, .. } => (spread, spread > 0.0 && spread < 1.0, "between 0 and 1"),
        };
        let name = || format!("the shape of `{name}`");
        if is_valid { Ok(()) } else { Err(SimulateError::OutOfRange { name: name(), value, range }) }
    }
}

/// Whether a number is positive and its multiples by the tables stay finite.
fn is_amount(number: f64) -> bool {
    number > 0.0 && number < 1e200
}

impl Shape {
    fn quantile(&self, probability: f64) -> f64 {
        match *self {
            Self::Uniform { low, high } => low + (high - low) * probability,
            Self::Exponential { mean } => -mean * libm::log1p(-probability),
            Self::LogLogistic { median, spread } => median * libm::pow(probability / (1.0 - probability), spread),
        }
    }
}

/// The mean of equally likely values.
pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_have_the_means_of_their_shapes() {
        let mean_of = |shape| mean(&Distribution { shape, decimals: 2 }.values());
        assert!((mean_of(Shape::Uniform { low: 18.0, high: 80.0 }) - 49.0).abs() < 0.01);
        assert!((mean_of(Shape::Exponential { mean: 30.0 }) - 30.0).abs() < 0.05);
        // The mean of a log-logistic is median * pi spread / sin(pi spread).
        let spread = 0.3 * std::f64::consts::PI;
        assert!(
            (mean_of(Shape::LogLogistic { median: 20.0, spread: 0.3 }) / (20.0 * spread / spread.sin()) - 1.0).abs()
                < 0.005
        );
    }

    #[test]
    fn values_ascend_and_are_rounded() {
        let values = Distribution { shape: Shape::Exponential { mean: 3.0 }, decimals: 0 }.values();
        assert!(values.is_sorted());
        assert!(values.iter().all(|value| value.fract() == 0.0));
    }

    #[test]
    fn shapes_that_mean_nothing_are_refused() {
        for shape in [
            Shape::Uniform { low: 1.0, high: 1.0 },
            Shape::Exponential { mean: f64::NAN },
            Shape::LogLogistic { median: 0.0, spread: 0.5 },
            Shape::LogLogistic { median: 1.0, spread: 1.0 },
        ] {
            assert!(Distribution { shape, decimals: 0 }.validate("amount").is_err(), "{shape:?}");
        }
        assert!(Distribution { shape: Shape::Exponential { mean: 1.0 }, decimals: 10 }.validate("amount").is_err());
    }
}
