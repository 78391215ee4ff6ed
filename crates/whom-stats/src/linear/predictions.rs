//! Predictions for many units, one after the other.

use serde::{Deserialize, Serialize};

use super::covariance::{Covariance, Variances};
use super::least_squares::LeastSquares;
use crate::estimate::NotEstimable;

/// Values of combinations of a fit's coefficients, such as the effects on single units, with their standard errors.
///
/// They are those of [`LeastSquares::estimate`], without the degrees of freedom: with CR2 these take as many products as there are
/// clusters, which is too much for every unit.
///
/// ```
/// use whom_stats::linear::{LeastSquares, Predictions, Variables};
/// use whom_stats::{CrossProducts, Grid};
///
/// let mut products = CrossProducts::new(2);
/// [[1, 3], [2, 5], [3, 6], [4, 10]].iter().for_each(|row| products.push(row));
/// let variables = Variables { predictors: vec![0], outcome: 1 };
/// let fit = LeastSquares::fit(&products, &variables, &[Grid::INTEGER; 2])?;
/// let predictions = Predictions::new(&fit, &fit.classical());
/// let (value, std_err) = predictions.at(&[1.0, 2.5])?;
/// let estimate = fit.estimate(&[1.0, 2.5], &fit.classical())?;
/// assert_eq!((value, std_err), (estimate.value, estimate.std_err));
/// # Ok::<(), whom_stats::NotEstimable>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predictions {
    fit: LeastSquares,
    variances: Variances,
}

impl Predictions {
    /// Those of a fit, by one of its covariances.
    pub fn new(fit: &LeastSquares, covariance: &Covariance) -> Self {
        Self { fit: fit.clone(), variances: covariance.variances() }
    }

    /// The value of a combination, and its standard error.
    ///
    /// # Errors
    /// As of [`LeastSquares::estimate`].
    ///
    /// # Panics
    /// There is another number of weights: a bug of the caller.
    pub fn at(&self, weights: &[f64]) -> Result<(f64, f64), NotEstimable> {
        self.fit.valued(weights, &self.variances)
    }
}
