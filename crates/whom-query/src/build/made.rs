//! What a statement made, as far as the flow of rows asks.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use serde::{Deserialize, Serialize};
use whom_engine::Rows;

use crate::align::Beside;
use crate::error::QueryError;

/// Counts of what a statement made; those of pieces add up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Made {
    /// Rows.
    pub(crate) rows: u64,
    /// Sums of columns of counts.
    totals: BTreeMap<String, u64>,
    /// Units that have rows of each table that was put beside them.
    pub(crate) beside: Vec<Beside>,
}

impl Made {
    /// What these rows are: their number, and the sums of those of the columns that they have.
    pub(crate) fn of(rows: &Rows, columns: &[String]) -> Result<Self, QueryError> {
        let mut totals = BTreeMap::new();
        for column in columns.iter().filter(|column| rows.schema.index_of(column).is_ok()) {
            totals.insert(column.clone(), rows.total(column)?);
        }
        Ok(Self { rows: rows.len() as u64, totals, beside: Vec::new() })
    }

    /// The sum of a column of counts; `None` if the rows have no such column.
    pub(crate) fn find(&self, column: &str) -> Option<u64> {
        self.totals.get(column).copied()
    }

    /// The sum of a column of counts.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the rows have no such column.
    pub(crate) fn total(&self, column: &str) -> Result<u64, QueryError> {
        self.find(column).ok_or_else(|| QueryError::Internal(format!("a statement's answer lacks `{column}`")))
    }
}

impl AddAssign for Made {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        for (column, total) in other.totals {
            *self.totals.entry(column).or_default() += total;
        }
        self.beside.resize(self.beside.len().max(other.beside.len()), Beside::default());
        self.beside.iter_mut().zip(other.beside).for_each(|(all, beside)| *all += beside);
    }
}
