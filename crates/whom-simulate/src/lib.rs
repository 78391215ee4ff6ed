//! Populations with known truth, as a warehouse of Parquet files of any size.
//!
//! An analysis can be judged only where the answer is known, and a program for billions of rows only on billions of rows.
//! Nobody has both. So this crate describes a population by what it is like ([`Warehouse`]), says what is true of it in
//! closed form ([`Truth`]), and writes what a company's warehouse would hold of it: an exposure log with repeated
//! exposures, fact tables, daily snapshots of tags, in Hive partitions by day, with flaws where they are wanted.
//!
//! # Every value by its place
//!
//! A value is a function of the seed, of what it is, and of the unit and the day or event that it belongs to: a hash of
//! these (xxh3), never the next number of a generator. So there is nothing to remember between two values. Each file is
//! made alone, in any order and on any thread, with the same bytes; a day made today equals the day made with all others;
//! and a warehouse of 10^9 exposures needs the memory of one of 10^6.
//!
//! # Truth in closed form
//!
//! - Each tag is drawn as one of 4,096 equally likely steps, and a step has a value. Shares of cohorts are whole numbers of
//!   steps, and means are finite sums.
//! - Tags that steer outcomes are independent of each other. Correlated tags follow one of them for a share of the units,
//!   and tempt an analysis without changing an outcome.
//! - A unit has an event in each 24 hours since its first exposure with a probability of `rate * factor + effect`: the
//!   factor comes from its tags, the effect from its cohort and variant. What variants do is added, so the effect on the
//!   number of events is the same for all units of a cohort, whatever else they are like.
//! - Tags that steer change on the day of exposure. Whoever takes a later snapshot finds cohorts without differences.
//!
//! # Example
//!
//! ```
//! use std::num::NonZeroUsize;
//! use whom_simulate::{Population, Size, Warehouse};
//!
//! let population = Population::new(Warehouse::standard(Size::Units(1_000), 7))?;
//! let truth = population.truth();
//! let new_on_phone = &truth.cohorts[1];
//! assert_eq!(new_on_phone.rule.as_deref(), Some("tenure_days < 205 and device in ('phone')"));
//! let orders = &new_on_phone.metrics[1];
//! // 14 days of 0.03 additional orders, of which a tenth is void.
//! assert!((orders.arms[1].effect - 14.0 * 0.03 * 0.9).abs() < 1e-12);
//!
//! let folder = tempfile::tempdir()?;
//! let tables = population.write(folder.path(), NonZeroUsize::MIN, &|_| {})?;
//! assert_eq!(tables[0].table, "exposures");
//! assert!(folder.path().join("exposures/dt=2026-03-02/part-00000.parquet").exists());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod columns;
mod description;
mod distribution;
mod draw;
mod error;
mod events;
mod exposures;
mod file;
mod partition;
mod pipeline_file;
mod population;
mod rates;
mod rule;
mod size;
mod snapshots;
mod standard;
mod standard_tags;
mod steering;
mod tag;
#[cfg(test)]
mod tests;
mod truth;
mod unit_id;
mod unit_table;
mod validate;
mod write;

pub use description::{
    Calendar, Cohort, Condition, Effect, Fact, FactMetrics, Flaws, Prognosis, Test, Variant, Warehouse,
};
pub use distribution::{Distribution, Shape};
pub use error::SimulateError;
pub use file::FileSize;
pub use partition::{Partition, TableKind};
pub use population::Population;
pub use size::{InvalidSize, Size};
pub use standard_tags::standard_tags;
pub use tag::{Change, Follow, Level, Tag, Values};
pub use truth::{ArmTruth, CohortTruth, MetricTruth, Truth};
pub use write::{PIPELINE_FILE, Progress, TRUTH_FILE, TableSize};
