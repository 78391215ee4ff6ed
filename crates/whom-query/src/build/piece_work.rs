//! Statements in one piece.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema};
use whom_engine::{Engine, Regrouping, Rows, StoredRows};

use super::Made;
use crate::align::{Aligned, Alignment, Beside, Counting, JOINED};
use crate::compile::{JoinedTable, Purpose, Statement};
use crate::error::QueryError;
use crate::unit_table::column;

/// The tables of a piece.
pub(crate) type PieceTables = BTreeMap<Purpose, Arc<StoredRows>>;

/// What is to be done in every piece.
pub(crate) struct PieceWork {
    /// The statements, in their order.
    pub(crate) statements: Vec<Statement>,
    /// The columns of counts that each of them makes.
    pub(crate) counted: Vec<Vec<String>>,
    /// What is put beside the units before the unit table is made.
    pub(crate) joined: Vec<JoinedTable>,
    /// Where rows go that are put into pieces anew.
    pub(crate) regrouping: Option<Arc<Regrouping>>,
}

/// A piece in which everything is done.
pub(crate) struct Finished {
    /// What each statement made.
    pub(crate) made: Vec<Made>,
    /// The tables that later statements read.
    pub(crate) tables: PieceTables,
}

impl PieceWork {
    /// Does the work in a piece, given its tables, in a session that knows none. A failure comes with the place of the
    /// statement that failed.
    pub(crate) async fn run(&self, piece: &Engine, tables: PieceTables) -> Result<Finished, (usize, QueryError)> {
        for (purpose, rows) in &tables {
            piece.add_stored(&purpose.table(), Arc::clone(rows)).map_err(|error| (0, error.into()))?;
        }
        let mut at_work = AtWork { work: self, piece, tables, made: Vec::new() };
        for place in 0..self.statements.len() {
            at_work.statement(place).await.map_err(|error| (place, error))?;
        }
        let AtWork { made, tables, .. } = at_work;
        Ok(Finished { made, tables })
    }
}

/// A piece at work.
struct AtWork<'a> {
    work: &'a PieceWork,
    piece: &'a Engine,
    tables: PieceTables,
    made: Vec<Made>,
}

impl AtWork<'_> {
    async fn statement(&mut self, place: usize) -> Result<(), QueryError> {
        let Statement { purpose, sql, .. } = &self.work.statements[place];
        let beside = if *purpose == Purpose::UnitTable { self.align()? } else { Vec::new() };
        let rows = self.piece.query(sql).await?;
        let mut made = Made::of(&rows, &self.work.counted[place])?;
        made.beside = beside;
        self.made.push(made);
        for superseded in purpose.supersedes() {
            self.forget(&superseded)?;
        }
        match &self.work.regrouping {
            Some(regrouping) => Ok(regrouping.add(rows)?),
            None if *purpose == Purpose::UnitTable => self.keep_only(place, rows),
            None if purpose.is_read() => self.keep(place, rows),
            None => Ok(()),
        }
    }

    /// Keeps rows for later statements: for those of this group in memory, for those after it wherever there is room.
    fn keep(&mut self, place: usize, rows: Rows) -> Result<(), QueryError> {
        let purpose = &self.work.statements[place].purpose;
        let later = &self.work.statements[place + 1..];
        let short_lived = later.iter().any(|statement| statement.purpose.supersedes().contains(purpose));
        let stored = if short_lived { StoredRows::uncounted(rows) } else { self.piece.store().keep(rows)? };
        self.piece.ledger().note_spilled(&self.work.statements[place].sql, stored.spilled_bytes());
        let stored = Arc::new(stored);
        self.piece.add_stored(&purpose.table(), Arc::clone(&stored))?;
        self.tables.insert(purpose.clone(), stored);
        Ok(())
    }

    /// Keeps the rows of the last statement, and nothing else.
    fn keep_only(&mut self, place: usize, rows: Rows) -> Result<(), QueryError> {
        for table in std::mem::take(&mut self.tables).into_keys() {
            self.piece.remove(&table.table())?;
        }
        self.piece.remove(JOINED)?;
        let Statement { purpose, sql, .. } = &self.work.statements[place];
        let stored = self.piece.store().keep(rows)?;
        self.piece.ledger().note_spilled(sql, stored.spilled_bytes());
        self.tables.insert(purpose.clone(), Arc::new(stored));
        Ok(())
    }

    fn forget(&mut self, purpose: &Purpose) -> Result<(), QueryError> {
        match self.tables.remove(purpose) {
            Some(_) => Ok(self.piece.remove(&purpose.table())?),
            None => Ok(()),
        }
    }

    /// Puts the metrics and tags beside the units.
    fn align(&mut self) -> Result<Vec<Beside>, QueryError> {
        let (batch, beside) = aligned(self.piece, &self.work.joined)?;
        self.piece.add_rows(JOINED, Rows { schema: batch.schema(), batches: vec![batch] })?;
        self.work.joined.iter().flat_map(JoinedTable::read).try_for_each(|table| self.forget(table))?;
        Ok(beside)
    }
}

/// The units of a piece with the rows of all tables beside them, and for each table the units that have some.
pub(crate) fn aligned(piece: &Engine, tables: &[JoinedTable]) -> Result<(RecordBatch, Vec<Beside>), QueryError> {
    let units = piece.rows(&Purpose::Units.table())?.load()?.to_batch()?;
    let ids = column(&units, "unit")?;
    let alignment = Alignment::by(ids)?;
    let mut fields: Vec<Field> = units.schema().fields().iter().map(|field| field.as_ref().clone()).collect();
    let mut columns = units.columns().to_vec();
    let mut found = Vec::new();
    for table in tables {
        let rows = piece.rows(&table.purpose.table())?.load()?;
        let days = table.as_of.as_ref().map(|days| piece.rows(&days.table())?.load()).transpose()?;
        let days = days.map(|days| alignment.days(&days)).transpose()?;
        let counting = match (&table.purpose, &days) {
            (_, Some(days)) => Counting::OfDays(days),
            (Purpose::TagRows(_), None) => Counting::OfUnits,
            (_, None) => Counting::All,
        };
        let Aligned { columns: values, beside } = alignment.align(&rows, &table.columns, counting)?;
        let named = table.columns.iter().zip(&values);
        fields.extend(named.map(|(name, values)| Field::new(name, values.data_type().clone(), true)));
        columns.extend(values);
        found.push(beside);
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), columns);
    Ok((batch.map_err(|error| QueryError::Internal(error.to_string()))?, found))
}
