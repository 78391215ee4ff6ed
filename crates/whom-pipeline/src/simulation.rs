//! What the statistics promise, kept over whole analyses of simulated experiments: from the unit table to the rows of every family,
//! by the stages that a run goes through.
//!
//! A small version has fixed seeds and exact expected counts. The long one is ignored by default, goes on where it was stopped, and
//! writes its table to `tests/simulation/results/`, by the command that repeats all simulations.

#[expect(dead_code, reason = "shared with the tests of the whole program")]
#[path = "../../../tests/simulation/draws.rs"]
mod draws;
#[path = "../../../tests/simulation/repeated.rs"]
mod repeated;
#[expect(dead_code, reason = "shared with the tests of the whole program")]
#[path = "../../../tests/simulation/results.rs"]
mod results;
#[path = "../../../tests/simulation/spend.rs"]
mod spend;

// Experiments whose effects are known.
mod experiment;
// Families through the whole funnel.
mod funnel;
// What results say that is not so.
mod judged;
