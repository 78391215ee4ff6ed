//! DataFusion's session, scans and functions; answers a pass.
//!
//! Everything that an executor of a cluster has to load lives here: the table that reads a pinned list of files
//! ([`PinnedTable`]), the functions our SQL calls ([`functions`]), the session with its limits ([`Engine`]), and the answer
//! to a [`Pass`](whom_stats::pass::Pass) from memory or from disk ([`UnitSource`]). No other crate builds a session.
//!
//! Work is parallel across pieces ([`Pieces`]). A scan is read by as many readers as there are threads, and each row goes to
//! the piece that its unit's bucket belongs to ([`scatter`]). Whatever joins or groups happens within a piece, by a plan with
//! one partition, so nothing is repartitioned and no join grows with the table. Rows of other units, and snapshots that
//! count for nobody, are recognised before their wide columns are decoded, by a filter of keys ([`filters`]); it lets a few
//! too many through, and the join within the piece is exact. One side of a join has one row a key, so it is an operator of
//! ours that gives each row of the other side its place ([`KeyPlaces`]), and a grouping by the key groups by that place.
//!
//! Memory is shared out before any row is read ([`MemoryPlan`]): pieces are made so small that as many as there are threads
//! fit, and rows that wait for later statements lie in memory while there is room and on disk otherwise ([`RowStore`],
//! [`SpillFolder`]). Which of them that is depends on threads, and no result does. What waits between two statements can be
//! kept for a next run ([`checkpoint`]).
//!
//! What is done here can be done elsewhere. Shares of a table, rows and encoded units have a form that can be sent
//! ([`ShareRecord`], [`HandedRows`], [`HandedUnits`]), and [`orders`] says what is asked of another machine, who carries it and who
//! does it. A unit source then answers the same questions by sending them to where its units lie.
//!
//! Three rules make results repeatable, and the engine enforces them rather than asking for them:
//! values become integers in the scan (`to_grid`) and are summed by a checked integer sum (`exact_sum`); a plan is refused
//! if it holds an aggregate that is not exact, a repartitioning or a join without bound ([`plan_rules`]); and statements
//! that change anything cannot be run. `exp`, `ln`, `log2`, `log10` and `power` come from `libm`, so that they are the
//! same on every machine.
//!
//! ```
//! use whom_engine::{Engine, Limits};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let engine = Engine::new(&Limits::default()).unwrap();
//! let sql = "SELECT exact_sum(to_grid(v, '1e-2')) AS cents FROM (VALUES (0.1), (0.2)) AS t(v)";
//! let answer = engine.query(sql).await.unwrap();
//! assert_eq!(whom_engine::integer(&answer, "cents").unwrap(), Some(30));
//! # });
//! ```

pub mod checkpoint;
pub mod day;
pub mod day_facts;
pub mod error;
pub mod executed;
pub mod filters;
pub mod functions;
pub mod handed;
mod key_aggregate;
mod key_join;
pub mod key_places;
pub mod memory_plan;
pub mod no_value;
pub mod orders;
pub mod pieces;
pub mod plan_rules;
mod plans;
mod reader;
pub mod row_store;
pub mod rows;
pub mod scanned;
pub mod scatter;
pub mod schema;
pub mod session;
pub mod spill;
pub mod stored;
mod stored_table;
mod stream;
pub mod table;
#[cfg(test)]
mod testing;
pub mod units;
mod watched_pool;
mod words;
mod written_once;

pub use checkpoint::{CheckpointFolder, CheckpointSweep, CheckpointTerms, FolderState, Kept, TableRows};
pub use day::DayScan;
pub use day_facts::DayFacts;
pub use error::EngineError;
pub use executed::{Executed, ExecutedRecord, Ledger};
pub use filters::KeyFilter;
pub use handed::{HandedColumns, HandedFile, HandedRows};
pub use key_places::{KeyPlaces, NOWHERE};
pub use memory_plan::{MemoryPlan, Moment, Needs, ScanNeeds, TooLittleMemory};
pub use no_value::NoValue;
pub use orders::{
    Bench, Dispatch, Mark, Order, Refusal, StageFigures, StageOrder, StageProgress, Take, Worker, decoded, encoded,
    shared_out,
};
pub use pieces::Pieces;
pub use row_store::RowStore;
pub use rows::{Rows, integer};
pub use scatter::{Regrouping, Scattered, Step, remembered_bytes};
pub use schema::ColumnSize;
pub use session::{Engine, Limits};
pub use spill::{PlainFile, PlainWriter, SpillFolder, SpillWriter, SpilledRows};
pub use stored::StoredRows;
pub use table::{PinnedTable, ShareRecord, TableRecord};
pub use units::{
    HandedSource, HandedUnits, KeptUnits, LayoutRecord, UnitCache, UnitKeeper, UnitSource, answer_part, blocking,
};
pub use written_once::{ReadOnce, WrittenOnce};
