//! The order of the stages: a plan in, typed results and a verdict out.
