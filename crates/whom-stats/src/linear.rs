//! Linear models: least squares from exact cross-products, with robust and clustered standard errors.
//!
//! ```text
//! rows ── push ──► CrossProducts ── LeastSquares::fit ──► coefficients, classical errors
//!                                          │
//! rows once more ── push ──► Meat          ├──► HC0 to HC3
//!                   push ──► ClusterScores ┴──► CR0, CR1, CR2 with Bell and McCaffrey's degrees of freedom
//! ```
//!
//! Both passes add integers, so that threads, pieces, files and the order of rows change no bit: the first adds products of
//! grid values, the second adds products of *scores* (residual times column), which are rounded to a grid of their own.
//!
//! # One orthonormal basis
//! Centred columns divided by the root of their sum of squares have the correlation matrix R = L L'. The constant 1/√n and
//! U = D L⁻¹' are then orthonormal (U'U = I), whatever the columns' units and offsets. Loadings U'y, leverages |u_i|², scores
//! u_i e_i and every covariance matrix live in this basis; a coefficient, a prediction or a contrast is a vector in it
//! ([`LeastSquares::estimate`]). Nothing is inverted but the triangle L.
//!
//! # Why no crate for this
//! Results have to be the same bits on every processor. Crates of linear algebra choose kernels by what the processor offers
//! (fused multiplication, width of vectors), and with them the rounding. What is needed here is small: [`Cholesky`] and
//! Jacobi's [`Eigen`] of matrices of at most some hundred rows.

mod cholesky;
mod clusters;
mod covariance;
mod eigen;
mod interaction;
mod least_squares;
mod meat;
mod predictions;
mod score;
mod symmetric;
mod wide;

pub use cholesky::{Cholesky, LEAST_NEW_VARIANCE};
pub use clusters::{ClusterError, ClusterScores};
pub use covariance::Covariance;
pub use eigen::Eigen;
pub use interaction::{Coefficient, Covariate, Inference, Interaction, Scaling};
pub use least_squares::{LeastSquares, Variables};
pub use meat::{Meat, RobustError};
pub use predictions::Predictions;
pub use symmetric::Symmetric;
pub(crate) use symmetric::dot;

#[cfg(test)]
mod coverage;
#[cfg(test)]
mod published;
#[cfg(test)]
mod tests;
