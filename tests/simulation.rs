//! What the statistics promise, kept in simulated experiments: cohorts are found in one half of the units and measured in
//! the other, by the calls that the program makes, on units made in memory.
//!
//! The small versions have fixed seeds and exact expected counts, so that they cannot fail by chance. The long ones are
//! ignored by default, hold their counts against bounds and write them to `simulation/results/`:
//!
//!     cargo test --locked --workspace --test whole simulation:: -- --ignored

// Ratios, adjusted means, strata, clusters, quantiles, limits: each interval covers as often as it says.
mod estimators;
// Where nothing is to be found, nothing is claimed more often than the level says.
mod null;
// A planted tree is found, from units to verdict.
mod planted;
// Effects of ranked groups lie in their intervals over halvings.
mod ranked;
// Intervals of discovered cohorts cover the truth of the retention experiment.
mod retention;

// What they stand on: bins, random numbers, an experiment in memory and its analysis, and tables of results.
mod bins;
mod draws;
mod results;
mod trial;
