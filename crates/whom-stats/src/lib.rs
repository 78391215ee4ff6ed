//! The arithmetic: exact mergeable moments, passes and histograms, effects, tests, intervals, bootstrap, buckets. Pure:
//! no input, no output, no clock, no random state.
//!
//! # From rows to a claim
//!
//! ```text
//! value ── Grid ──► integer ── push ──► Moments ── merge ──► ArmTable ──┬── Pass answered ──► Histograms      (trees)
//!                                       n, events, S1, S2   by arm and  │
//!                                                           metric      └── by cell, bucket ► CellStatistics
//!                                                                                                  │
//!          Effect, Lift, Contrast  ◄── Welch, delta ── Measured (cells on a fold's buckets) ◄──────┘
//!          Simultaneous intervals  ◄── Bootstrap over buckets ──┤
//!          Is there anything?      ◄── global_test ─────────────┘
//! ```
//!
//! # Why integers
//! A metric's values become integers on a declared [`Grid`] before anything is added. Sums of integers do not depend on order,
//! so threads, partitions, retries and machines cannot change a digit, a histogram minus one child is exactly the other child,
//! and a mean far from zero costs no precision. An estimate becomes floating point once, at the end: the difference in means
//! is one division of an exact numerator, the variance comes from n S2 - S1² in 256 bits.
//!
//! # Why buckets
//! Every random choice (folds, pruning folds, bootstrap weights) is made on one of 1,024 [buckets](bucket), as a hash of what it
//! is for ([`Identity`]). Statistics by (cell, arm, bucket) therefore answer every effect and every bootstrap of fixed cohorts
//! without another look at the rows.
//!
//! # Partial and final
//! [`Moments`], [`ArmTable`], [`Histograms`] and [`CellStatistics`] merge and hold no estimate. [`Effect`], [`Estimate`],
//! [`Simultaneous`] and the tests are final and do not merge. What cannot be estimated is a [`NotEstimable`] with its reason,
//! never a NaN; what is estimated outside the range where the method holds its level is marked [`Unreliable`].
//!
//! # From effects to conclusions
//! What estimates together say needs no unit any more. [`Correction`] and [`Bootstrap`] correct a family; [`Heterogeneity`] asks
//! whether a partition's effects differ, [`Ranking`] which tag makes them differ, [`Hierarchy`] draws them together;
//! [`ConfidenceSequence`] holds at every look; [`StabilityTest`] and [`ReplicationTest`] ask whether a finding lasts;
//! [`PlannedTest`] what a test could find at all. Each takes [`Estimate`]s or [`Effect`]s, whichever method made them.
//!
//! A [`Check`] is a test of the data held against a level, with its verdict in words: who counts fills it, who reports shows
//! it, and what follows from the p-value is decided here.
//!
//! # Regressions
//! [`CrossProducts`] are to a regression what [`Moments`] are to a mean. [`linear`] fits least squares to them, and a second
//! pass gives robust and clustered errors from sums that are integers too.
//!
//! # One sample, any estimator
//! ```text
//! CrossProducts by (cell, arm, bucket) ─┐
//! totals of clusters ───────────────────┼─► Sample ─► ratios ─► adjustment ─► Comparison ─► difference, lift, Fieller's set,
//! sums under a replicate's weights ─────┘   by arm                             ▲  │         non-inferiority
//! quantiles from counts by value ─────────────────────────────────────────────┘  └─► strata, weighted by their shares
//! ```
//! A [`Sample`] holds the means and covariances of an arm's columns, whoever counted them, and a [`Comparison`] two arms' values
//! with their covariance. What lies between composes: a ratio metric adjusted by covariates within strata of clusters is
//! four calls. An [`Estimator`] is such a chain; the bootstrap asks it again in every replicate.
//!
//! # Example
//! Two cohorts of which one gains, measured on the fold that did not find them.
//!
//! ```
//! use std::sync::atomic::AtomicBool;
//! use whom_stats::*;
//!
//! // 4,000 units in two arms and two cohorts; the metric is 10 to 19, and 2 more for the treated of cohort 1.
//! let unit = |id: i64| {
//!     let (arm, cohort) = ((id % 2) as u8, (id / 2 % 2) as u8);
//!     (arm, cohort, 10 + id * 7_919 % 10 + 2 * i64::from(arm * cohort))
//! };
//! let units = UnitColumns::new(UnitColumnParts {
//!     arm_count: 2,
//!     arms: (0..4_000).map(|id| unit(id).0).collect(),
//!     buckets: (0..4_000).map(bucket_of_integer).collect(),
//!     codes: vec![CodeColumn::U8((0..4_000).map(|id| unit(id).1).collect())],
//!     shapes: vec![ColumnShape { name: "past_buyer".into(), codes: 2, ordered: false, missing: None }],
//!     metrics: vec![(0..4_000).map(|id| unit(id).2).collect()],
//! })?;
//! let grouping = Grouping::Codes { column: 0, codes: 2 };
//! let cells = cell_statistics(&units, &[grouping], &AtomicBool::new(false))?.remove(0);
//!
//! let folds = Folds::hashed("newsletter");
//! let measured = Measured { cells: &cells, buckets: folds.buckets(Fold::Measure), grids: &[Grid::INTEGER] };
//! let buyers = Target { metric: 0, treatment: 1, cell: 1 };
//!
//! let bootstrap = Bootstrap { experiment: "newsletter", replicates: 199, level: 0.95, reference: Reference::T };
//! let family = [0, 1].map(|cell| Hypothesis { target: Target { cell, ..buyers }, against: Against::Rest });
//! let different = bootstrap.max_t(&measured, &family).outcomes[1]?;
//! assert!(different.p_adjusted < 0.001 && different.interval.contains(2.0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod alternative;
mod arm_table;
pub mod assignment;
pub mod balance;
pub mod bootstrap;
pub mod bucket;
pub mod cap;
pub mod cell_products;
pub mod cell_sums;
pub mod cells;
pub mod check;
pub mod clusters;
pub mod columns;
pub mod comparison;
pub mod confidence_sequence;
pub mod confidence_set;
pub mod cross_products;
pub mod detectable;
pub mod distribution;
pub mod effect;
pub mod estimate;
pub mod estimator;
#[cfg(test)]
mod expected;
pub mod folds;
mod gather;
pub mod global_test;
pub mod grid;
pub mod heterogeneity;
pub mod hierarchy;
pub mod histogram;
pub mod identity;
pub mod independence;
pub mod leaf_labels;
pub mod linear;
mod log_ratio;
pub mod measured;
mod merge;
pub mod modifiers;
pub mod moments;
pub mod multiplicity;
mod node_rows;
pub mod non_inferiority;
mod noncentral_t;
mod packed_cells;
mod packing;
pub mod partitions;
pub mod pass;
pub mod pooled_products;
pub mod power;
pub mod quantile_bins;
pub mod quantile_effect;
pub mod quantile_search;
pub mod rank_search;
pub mod ranked_groups;
#[cfg(test)]
mod reference_units;
pub mod regression_adjustment;
pub mod reliability;
mod replicate;
pub mod replication;
pub mod routing;
mod ruler;
mod run;
pub mod sample;
pub mod sample_ratio;
pub mod scale;
mod selection;
pub mod sequential_ratio;
mod series;
mod sharing;
#[cfg(test)]
mod simulated;
pub mod stability;
mod step_down;
pub mod strata;
mod stretch;
mod tally;
pub mod value_counts;
pub mod weights;
mod whole_levels;

pub use alternative::Alternative;
pub use arm_table::{ArmCell, ArmTable, ColumnHistogram};
pub use assignment::HashedAssignment;
pub use balance::{Share, equal_means, standardised_mean_difference, standardised_share_difference};
pub use bootstrap::{Against, Bootstrap, Hypothesis, MaxT, Simultaneous};
pub use bucket::{BUCKETS, BucketSet, bucket_of_integer, bucket_of_text};
pub use cap::{Cap, CapError, CapOf, Ranked};
pub use cell_products::{CellProducts, ProductColumn, ProductGroup, cell_products};
pub use cell_sums::{ArmSums, CellSums, cell_sums};
pub use cells::cell_statistics;
pub use check::{Check, CheckPart, CheckVerdict, Tested, TestedPart};
pub use clusters::{
    AdjustedClusters, ClusterColumn, ClusterDenominator, ClusterEffect, ClusterMeans, ClusterRatio, ClusterWeights,
    Clusters, TotalOf, UnbiasedMean, ValueScores, cr1_factor,
};
pub use columns::{
    ABSENT, CodeColumn, ColumnsError, Layout, MetricRange, PackedUnits, UnitColumnParts, UnitColumns, resident_bytes,
};
pub use comparison::{Comparison, Source};
pub use confidence_sequence::{ConfidenceSequence, Look, OneSidedSequence, Running, RunningInterval};
pub use confidence_set::ConfidenceSet;
pub use cross_products::CrossProducts;
pub use detectable::{Noise, PlannedArm, PlannedArms, PlannedTest, Sides};
pub use distribution::{Reference, chi_square_upper, f_upper};
pub use effect::{ArmSummary, Effect, Lift};
pub use estimate::{Estimate, Interval, NotEstimable};
pub use estimator::{Estimator, MeasuredProducts, Question};
pub use folds::{Fold, Folds};
pub use global_test::{GlobalTest, Slope, global_test};
pub use grid::{Grid, GridError, MAX_GRID_VALUE, OffGrid};
pub use heterogeneity::{Between, BothScales, Cochran, DifferingScale, EqualEffects, Heterogeneity};
pub use hierarchy::{Hierarchy, Posterior, Prior, Shrunken};
pub use histogram::answer;
pub use identity::{Identity, identity_hash};
pub use independence::{ChiSquare, independence, trend};
pub use leaf_labels::{LeafLabels, UnitSample, leaf_labels};
pub use measured::{CONTROL, Measured, Target};
pub use modifiers::{ClusteredLevel, ClusteredTagTable, LevelEffect, Modifier, Ranking, Strength, TagRole, TagTable};
pub use moments::Moments;
pub use multiplicity::{Correction, simultaneous_level};
pub use non_inferiority::{Desired, Limit, NonInferiority};
pub use partitions::{BestMatch, Medoid};
pub use pass::{CellStatistics, ColumnShape, Grouping, Histograms, NodeHistogram, Pass, PassError, TreePass};
pub use pooled_products::{PooledProducts, pooled_products};
pub use power::{COHORT_SHARES, DetectableDifference, Detection};
pub use quantile_bins::{BinEdges, QuantileBins};
pub use quantile_effect::{AtRanks, QuantileArm, QuantileRanks};
pub use quantile_search::{FoundQuantile, QuantileOf, QuantileSearch};
pub use rank_search::{Narrowed, RankSearch};
pub use ranked_groups::{OverSplits, RankedGroup, ranked_groups};
pub use regression_adjustment::{Adjusted, CoefficientSource, Coefficients, Dropped, RegressionAdjustment};
pub use reliability::Unreliable;
pub use replication::{FindingEstimates, Replication, ReplicationTest, ReplicationVerdict};
pub use routing::{Code, CodeSet, NodeIndex, Routing, Split};
pub use sample::{CentredSums, RatioColumn, Sample, centres};
pub use sample_ratio::{SampleRatio, SampleRatioMethod, sample_ratio};
pub use scale::Number;
pub use sequential_ratio::{CONCENTRATION, sequential_sample_ratio};
pub use stability::{Stability, StabilityTest, Steadiness};
pub use strata::{MeasuredStrata, Stratified, StratifiedQuestion, Stratum, WithinStratum};
pub use value_counts::{Percentile, PercentileError, ValueCounts};
pub use weights::BucketWeights;
pub use whole_levels::WholeLevels;
