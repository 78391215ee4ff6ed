//! The arithmetic: exact mergeable moments, passes and histograms, effects, tests, intervals, bootstrap, buckets.

pub mod balance;
pub mod bootstrap;
pub mod bucket;
pub mod cells;
pub mod columns;
pub mod distribution;
pub mod effect;
pub mod estimate;
pub mod folds;
pub mod global_test;
pub mod grid;
pub mod histogram;
pub mod identity;
pub mod independence;
pub mod measured;
pub mod moments;
pub mod multiplicity;
pub mod pass;
pub mod power;
pub mod reliability;
mod replicate;
pub mod routing;
pub mod sample_ratio;
mod series;
#[cfg(test)]
mod simulated;
mod tally;

pub use balance::{Share, equal_means, standardised_mean_difference, standardised_share_difference};
pub use bootstrap::{Against, Bootstrap, Hypothesis, MaxT, Simultaneous};
pub use bucket::{BUCKETS, BucketSet, bucket_of_integer, bucket_of_text};
pub use cells::cell_statistics;
pub use columns::{ABSENT, CodeColumn, ColumnsError, UnitColumnParts, UnitColumns};
pub use distribution::{Reference, chi_square_upper};
pub use effect::{ArmSummary, Effect, Lift};
pub use estimate::{Estimate, Interval, NotEstimable};
pub use folds::{Fold, Folds};
pub use global_test::{Cochran, GlobalTest, Slope, global_test};
pub use grid::{Grid, GridError, MAX_GRID_VALUE, OffGrid};
pub use histogram::{PassError, answer};
pub use identity::{Identity, identity_hash};
pub use independence::{ChiSquare, independence};
pub use measured::{CONTROL, Measured, Target};
pub use moments::Moments;
pub use multiplicity::{Correction, simultaneous_level};
pub use pass::{
    ArmTable, CellStatistics, ColumnHistogram, ColumnShape, Grouping, Histograms, NodeHistogram, Pass, TreePass,
};
pub use power::{COHORT_SHARES, DetectableDifference, Detection};
pub use reliability::Unreliable;
pub use routing::{Code, CodeSet, NodeIndex, Routing, Split};
pub use sample_ratio::{SampleRatio, SampleRatioMethod, sample_ratio};
