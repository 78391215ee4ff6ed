//! The whole program, as a user runs it: one binary, one module for each thing that must hold, a fresh folder for each
//! test. `README.md` beside this file says where the data and the expected numbers come from.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on has failed")]

// The layers of the workspace, from `cargo metadata`.
mod architecture;
// The first two commands of the README are those of `.ci/run`, its example is what is printed, and links lead somewhere.
mod documents;

// The first command of the README, and what it leaves.
mod first_run;
// The other commands: `check`, `compile`, `schema`, `path`.
mod commands;
// Published runs are listed, shown and thrown away: `runs`, `show`, `clean`.
mod published;
// The page of a run is written again, and every figure that names its place is the number there.
mod report_page;
// Arm means, effects and standard errors meet those of the original files.
mod reference_numbers;
// Effects and their differences meet the tables printed with a trial.
mod printed_tables;
// Linear models meet what was printed, and independent programs.
mod models;
// One-tag tables, ranking and heterogeneity meet the original file and plain SQL.
mod first_look;
// Ratios, pre-periods, covariates and caps meet their events.
mod metrics;
// Quantiles over units meet sorted events.
mod quantiles;
// Effects by week and by slice meet their events.
mod slices;
// Those who reached an event, and everybody beside.
mod triggered;
// One-sided tests meet the original file, and claim nothing on the other side.
mod one_sided;
// Weights that changed while the experiment ran: refused undeclared, compared within periods where declared.
mod ramped;
// Strata that the file names: refused undeclared, compared within them where declared.
mod stratified;
// Searches within strata: found and measured like a slow search, and misled by no country.
mod searched_within;
// Users who were assigned with their household.
mod clusters;
// Searches by cluster: numpy's numbers, few clusters, and clusters of one.
mod clusters_searched;
// Cohorts, levels of tags and ranked groups that share households: numpy's numbers, and clusters of one.
mod clusters_together;
// What is found in the samples is what is there.
mod discovery;
// Unit tables and cohorts meet hand-written SQL in DuckDB.
mod unit_table;
// What the statistics promise holds in simulated experiments.
mod simulation;
// A simulated warehouse is analysed, and its planted effects are found.
mod simulated;
// The same unit tables in DuckDB, from the SQL that `compile --portable` prints.
mod portable;

// Threads, batches, files, order of rows and columns change no byte.
mod determinism;
// Whatever the memory: the same bytes, or a refusal before any work.
mod memory;
// How much memory a run takes: as expected, within its limit, within walls.
mod peak;
// Plans sealed before the experiment, and runs that keep to them or not.
mod sealed;
// Intervals that hold at every look meet the original file.
mod sequences;
// Only the first search of an experiment's units is evidence: the ledger of looks.
mod looks;
// Findings of a run, measured again in another experiment or not at all.
mod replicated;
// What could be found, from the errors of a run.
mod power;
// The same before anybody was exposed, from days before the experiment.
mod pre_period;
// Outcomes of the measuring fold and later snapshots change no rule.
mod honesty;
// Folds that the data give, and the lecture's tree on its own half.
mod given_folds;
// Tables in a bucket, and a run published there.
mod object_storage;
// On a cluster of processes: the same bytes, whoever is killed, and nobody let in who does not belong there.
#[cfg(feature = "cluster")]
mod cluster;
// Manifests and unit files are as their schemas say, and what they start is what the program understands.
#[cfg(feature = "cluster")]
mod operation;
// Stores that fail, now and then and always.
mod store_faults;
// Bad inputs, each with its message and exit code, and nothing published.
mod bad_inputs;
// Strange names that must work.
mod strange_names;
// Runs one after the other, and at once.
mod run_twice;
// Night after night with a cache of days, and several pipelines at once.
mod nights;
// Why it was slow, why it failed.
mod failed;
// Asked to stop by a signal.
mod stopped;
// Killed at every call of a store.
mod killed;
// Killed, and gone on where it was.
mod resumed;

// What the tests stand on: copies of the samples, days that arrive, the program, its files, and DuckDB.
mod checker;
mod effects;
mod lake;
#[cfg(feature = "cluster")]
mod party;
mod program;
mod spoil;
mod warehouse;
