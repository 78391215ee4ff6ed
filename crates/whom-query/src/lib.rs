//! From a plan to SQL to the unit table, its checks and bins.
//!
//! The work is a straight line. [`Catalog::open`] lists every source once and pins its files. [`compile()`] turns the
//! plan into statements, all of them before any runs, so that whatever does not fit is told at once and `whom compile`
//! can print exactly what will run. [`unit_table::build`] runs them and counts where rows go: scans put rows into pieces
//! by their units, everything else happens within the pieces, and the unit tables of the pieces, one after the other, are
//! the whole.
//!
//! With a folder for checkpoints, [`unit_table::build_kept`] keeps the tables between two groups of statements, and goes on
//! from what an earlier build kept.
//!
//! From there on nobody holds all units. [`AnalysedUnits`] looks at the table twice, a piece at a time: first for the bins of
//! the tags ([`TagBins`]) and the ranges of the metrics, then to turn tags into codes and to count what [`checks`] judge
//! before any effect is computed. A third look sums tags by cohort ([`CohortSums`]), and
//! linear models take looks of their own ([`ModelUnits`]). Counts are integers, which add up in any
//! order, and floating-point sums are made by bucket ([`BucketSums`]), so the pieces change no byte of any result.
//!
//! All of that can be done by other machines ([`elsewhere`]): each statement, look and count is then a stage of parts, and the
//! bytes are the same.
//!
//! Three decisions keep names and values from becoming SQL: one function quotes ([`sql::Fragment`]), the templates
//! refuse text that did not come from it, and a user's expression is parsed, resolved against its table's columns, and
//! rendered again from the tree.
//!
//! ```
//! use whom_query::sql::Fragment;
//!
//! assert_eq!(Fragment::identifier("a\"b").as_str(), "\"a\"\"b\"");
//! assert_eq!(Fragment::literal("'; DROP TABLE units").as_str(), "'''; DROP TABLE units'");
//! ```

mod align;
pub mod analysed;
pub mod bins;
pub mod bucket_sums;
mod build;
pub mod cache;
pub mod catalog;
pub mod checks;
pub mod clusters;
pub mod cohort_sums;
mod columns;
pub mod compile;
pub mod days;
pub mod dialect;
pub mod elsewhere;
mod encoding;
pub mod error;
mod expression;
pub mod flow;
mod folds;
mod gather;
mod level;
pub mod look;
mod missing_days;
pub mod model_units;
mod needs;
pub mod outcome;
mod portable;
pub mod quantiles;
mod ratios;
mod sampling;
pub mod sql;
pub mod status;
mod strata;
pub mod stretch;
mod survey;
mod tag_values;
pub mod tally;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod thresholds;
pub mod unit_schema;
pub mod unit_table;
mod values;
mod weeks;

pub use analysed::{AnalysedUnits, Room};
pub use bins::{BinKind, TagBins};
pub use bucket_sums::{BucketSums, Spread};
pub use cache::Cache;
pub use catalog::Catalog;
pub use clusters::{ClusterTally, ClusterTotals, MOST_CLUSTERS};
pub use cohort_sums::CohortSums;
pub use compile::{Compiled, compile};
pub use dialect::Dialect;
pub use elsewhere::{Elsewhere, UnitTableWorker, build_elsewhere};
pub use error::QueryError;
pub use folds::folds;
pub use look::{Look, Looks};
pub use model_units::{ModelColumns, ModelReader, ModelUnit, ModelUnits};
pub use needs::needs;
pub use outcome::Outcome;
pub use portable::portable;
pub use quantiles::{Among, AskedQuantiles};
pub use status::Status;
pub use strata::{MOST_STRATA, Strata};
pub use stretch::{AnalysedRows, StretchFile};
pub use tally::{TagTally, Tally};
pub use thresholds::FoundCap;
pub use unit_schema::UnitSchema;
pub use unit_table::{UnitRows, UnitTable};
pub use weeks::Weeks;
