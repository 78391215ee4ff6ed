//! The covariance of a fit's coefficients, in its orthonormal basis.

use serde::{Deserialize, Serialize};

use super::symmetric::{Symmetric, dot};
use crate::estimate::{Estimate, NotEstimable};
use crate::reliability::Unreliable;

/// The share of the homoskedastic variance below which a variance is the rounding of what it is made of, and counts as zero.
const LEAST_VARIANCE: f64 = 1e-12;
/// The squared share of a direction that may lie where one cluster decides alone; more than rounding makes of it.
const DECIDED: f64 = 1e-12;

/// A covariance matrix of the coefficients, final: it does not merge. [`super::LeastSquares::estimate`] reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Covariance {
    /// In grid steps of the outcome, squared.
    matrix: Symmetric,
    degrees: Degrees,
    range: Range,
}

#[derive(Clone, Debug, PartialEq)]
enum Degrees {
    /// The same for every combination of coefficients.
    Fixed(f64),
    /// Bell and McCaffrey's, from the shapes of the clusters.
    ByShape(Vec<ClusterShape>),
}

/// Where intervals hold their level, as the simulations of `tests/reference/linear_ranges.csv` show.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Range {
    /// Nowhere else than under the assumption of equal variances, which the data do not tell.
    Assumed,
    /// From so many effective units of a coefficient on.
    EffectiveUnits {
        /// By coefficient, the intercept first, and combination after them; none of one that is not estimable.
        of: Vec<Option<f64>>,
        /// What is needed.
        needed: u64,
    },
    /// From so many degrees of freedom on.
    Degrees(u64),
}

/// A cluster's rows as they lie in the basis, G = U_g' U_g.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ClusterShape {
    pub(super) gram: Symmetric,
    /// (I - G)^(-1/2), zero in the directions that the cluster decides alone.
    pub(super) inverse_root: Symmetric,
    /// The eigenvectors of G with eigenvalue 1: directions in which no other cluster lies.
    pub(super) decided: Vec<Vec<f64>>,
}

impl Covariance {
    pub(super) fn with_degrees(matrix: Symmetric, degrees_of_freedom: f64, range: Range) -> Self {
        Self { matrix, degrees: Degrees::Fixed(degrees_of_freedom), range }
    }

    pub(super) fn with_shapes(matrix: Symmetric, shapes: Vec<ClusterShape>, range: Range) -> Self {
        Self { matrix, degrees: Degrees::ByShape(shapes), range }
    }

    /// Why an interval of a coefficient, 0 for the intercept, may not hold its level; of classical errors it is not known.
    ///
    /// The combinations of [`super::Meat::with_combinations`] follow the coefficients.
    pub fn judge(&self, coefficient: usize, estimate: &Estimate) -> Option<Unreliable> {
        match &self.range {
            Range::Assumed => None,
            Range::EffectiveUnits { of, needed } => {
                let found = of.get(coefficient).copied().flatten()? as u64;
                (found < *needed).then_some(Unreliable::FewEffectiveUnits { found, needed: *needed })
            }
            Range::Degrees(needed) => {
                let found = estimate.degrees_of_freedom as u64;
                (found < *needed).then_some(Unreliable::FewDegrees { found, needed: *needed })
            }
        }
    }

    /// The variance of a direction with its degrees of freedom, given its homoskedastic variance.
    pub(super) fn variance(&self, direction: &[f64], homoskedastic: f64) -> Result<(f64, f64), NotEstimable> {
        let degrees_of_freedom = match &self.degrees {
            Degrees::Fixed(degrees) => *degrees,
            Degrees::ByShape(shapes) => bell_mccaffrey(shapes, direction)?,
        };
        Ok((variance_of(&self.matrix, direction, homoskedastic)?, degrees_of_freedom))
    }

    /// What tells the same variances, and no degrees of freedom.
    pub(super) fn variances(&self) -> Variances {
        let decided = match &self.degrees {
            Degrees::Fixed(_) => Vec::new(),
            Degrees::ByShape(shapes) => shapes.iter().flat_map(|shape| shape.decided.clone()).collect(),
        };
        Variances { matrix: self.matrix.clone(), decided }
    }
}

/// A covariance matrix that tells no degrees of freedom, whose finding takes a look at every cluster.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Variances {
    matrix: Symmetric,
    /// Directions that one cluster decides alone.
    decided: Vec<Vec<f64>>,
}

impl Variances {
    /// The variance of a direction, given its homoskedastic variance.
    pub(super) fn variance(&self, direction: &[f64], homoskedastic: f64) -> Result<f64, NotEstimable> {
        check_decided(&self.decided, direction)?;
        variance_of(&self.matrix, direction, homoskedastic)
    }
}

fn variance_of(matrix: &Symmetric, direction: &[f64], homoskedastic: f64) -> Result<f64, NotEstimable> {
    let variance = matrix.quadratic(direction);
    if variance > LEAST_VARIANCE * homoskedastic { Ok(variance) } else { Err(NotEstimable::NoVariance) }
}

fn check_decided(decided: &[Vec<f64>], direction: &[f64]) -> Result<(), NotEstimable> {
    let most = DECIDED * dot(direction, direction);
    let is_decided = decided.iter().any(|decided| dot(decided, direction) * dot(decided, direction) > most);
    if is_decided { Err(NotEstimable::OneClusterDecides) } else { Ok(()) }
}

/// Satterthwaite's degrees of freedom of CR2 for c'b if errors are independent with one variance (Bell and McCaffrey 2002).
///
/// The variance estimate is a sum over clusters of (a_g' e)², a_g = (I - H)_g' (I - H_gg)^(-1/2) U_g c, e the errors; so its
/// degrees are (sum a_g'a_g)² / sum over g, h of (a_g'a_h)². With m_g = (I - G_g)^(-1/2) c and b_g = G_g m_g, a_g'a_h is
/// [g = h] m_g'b_g - b_g'b_h (Pustejovsky and Tipton 2018, section 3.2): no row is needed, and the double sum is that of
/// the squared entries of sum b_g b_g'.
fn bell_mccaffrey(shapes: &[ClusterShape], direction: &[f64]) -> Result<f64, NotEstimable> {
    let mut spread = Symmetric::from_lower(direction.len(), |_, _| 0.0);
    let (mut trace, mut squares) = (0.0, 0.0);
    for shape in shapes {
        check_decided(&shape.decided, direction)?;
        let adjusted = shape.inverse_root.product(direction);
        let pushed = shape.gram.product(&adjusted);
        let (own, own_square) = (dot(&adjusted, &pushed), dot(&pushed, &pushed));
        trace += own - own_square;
        squares += own * own - 2.0 * own * own_square;
        spread.add_square(1.0, &pushed);
    }
    Ok(trace * trace / (squares + spread.sum_of_squares()))
}
