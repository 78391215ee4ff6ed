//! A discovery as a whole, against populations of a few dozen to a few thousand units.

/// Units in memory, and the slow, obvious answer to a pass.
pub(crate) mod population;

/// The audit of a tree, row by row.
mod oracle;

/// Planted trees are found.
pub(crate) mod recovery;

/// What must not change a tree.
mod laws;

/// Degenerate data have named outcomes.
mod outcomes;

/// Weights by bucket, and discoveries that share passes.
mod replicates;

/// Passes, their answers, and the state between them.
mod passes;

/// The transformed outcome, on the experiment whose tree is printed.
mod transformed;

/// Arms that are compared within strata.
mod within;
