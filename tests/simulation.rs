//! What the statistics promise, kept in simulated experiments: cohorts are found in one half of the units and measured in
//! the other, by the calls that the program makes, on units made in memory.
//!
//! The small versions have fixed seeds and exact expected counts, so that they cannot fail by chance. The long ones are
//! ignored by default, hold their counts against bounds and write them to `simulation/results/`:
//!
//!     cargo test --locked --workspace --lib --test whole simulation:: -- --ignored
//!
//! Stopped and called again, the same program goes on where it was. Whole analyses, from the unit table to the rows of every family,
//! are repeated in `crates/whom-pipeline/src/simulation.rs`, by the same command.

// Ratios, adjusted means, strata, clusters, quantiles, limits: each interval covers as often as it says.
mod estimators;
// The same where units were assigned with their cluster.
mod estimators_by_cluster;
// Bonferroni, Holm, Benjamini-Hochberg, Benjamini-Yekutieli, max-t and Romano-Wolf keep their error rates.
mod families;
// Confidence sequences hardly ever miss, however often they are looked at.
mod looks;
// Where nothing is to be found, nothing is claimed more often than the level says.
mod null;
// Leaves flatter themselves on the units that found them.
mod optimism;
// A planted tree is found, from units to verdict.
mod planted;
// What intervals cover inside and outside the range of their method.
mod ranges;
// Effects of ranked groups lie in their intervals over halvings.
mod ranked;
// Intervals of discovered cohorts cover the truth of the retention experiment.
mod retention;
// Shrunken effects cover on average, and are nearer to the truth.
mod shrinkage;

// What they stand on: bins, random numbers, spend, an experiment in memory and its analysis, repetitions that go on where they were
// stopped, and tables of results.
mod bins;
mod draws;
mod repeated;
mod results;
mod spend;
mod trial;
