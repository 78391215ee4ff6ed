//! The arithmetic: exact mergeable moments, passes and histograms, effects, tests, intervals, bootstrap, buckets.

pub mod bucket;
pub mod moments;
pub mod pass;
pub mod routing;
