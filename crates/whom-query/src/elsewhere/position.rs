//! How far the work on other machines has come, kept beside the rows so that a next caller goes on from there.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use whom_engine::{ExecutedRecord, HandedColumns, HandedRows, decoded, encoded};
use whom_store::Exchange;

use crate::compile::Purpose;
use crate::error::QueryError;
use crate::flow::Recorded;

/// The object that says it.
const STATE: &str = "state";

/// What is done, and where it lies.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Position {
    /// Statements done.
    pub(super) done: usize,
    /// The last of them.
    pub(super) after: String,
    /// Since the work began, by whichever caller.
    pub(super) seconds: f64,
    /// By piece.
    pub(super) tables: Vec<BTreeMap<Purpose, HandedRows>>,
    pub(super) columns: BTreeMap<Purpose, HandedColumns>,
    /// The filters that scans may ask, by name, and the objects that list those of the pieces.
    pub(super) filters: BTreeMap<String, String>,
    /// The objects that are listed there.
    pub(super) listed: Vec<String>,
    pub(super) recorded: Recorded,
    /// By statement.
    pub(super) executed: BTreeMap<String, ExecutedRecord>,
}

impl Position {
    /// What an earlier caller kept; `None` if nothing was, not by this program, or if some of its rows were removed since.
    pub(super) async fn find(exchange: &Exchange) -> Result<Option<Self>, QueryError> {
        let kept = exchange.read(STATE).await?;
        let Some(found) = kept.and_then(|bytes| decoded::<Self>(&bytes).ok()) else { return Ok(None) };
        let there = exchange.names().await?;
        let is_whole = found.objects().all(|object| there.contains(object));
        Ok(is_whole.then_some(found))
    }

    /// The objects that it needs.
    fn objects(&self) -> impl Iterator<Item = &str> {
        let rows = self.tables.iter().flat_map(BTreeMap::values).flat_map(HandedRows::objects);
        rows.chain(self.filters.values().chain(&self.listed).map(String::as_str))
    }

    /// Keeps it.
    pub(super) async fn keep(&self, exchange: &Exchange) -> Result<u64, QueryError> {
        let bytes = encoded(self)?;
        let length = bytes.len() as u64;
        exchange.write(STATE, bytes.into()).await?;
        Ok(length)
    }
}
