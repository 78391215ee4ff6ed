//! What parts are told, and what they answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use whom_engine::{
    EngineError, ExecutedRecord, HandedColumns, HandedRows, HandedUnits, LayoutRecord, Mark, Refusal, ShareRecord,
    TableRecord, decoded, encoded,
};
use whom_stats::ProductGroup;

use crate::bins::Fitted;
use crate::build::Made;
use crate::compile::{JoinedTable, Purpose, Statement};
use crate::encoding::Counts;
use crate::error::QueryError;
use crate::unit_schema::UnitSchema;

/// What all parts of a stage have in common.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Common {
    /// The folder through which rows go.
    pub(super) exchange: String,
    /// Pieces that rows are put into.
    pub(super) pieces: usize,
    /// What is to be done.
    pub(super) work: Work,
}

/// The work of a stage.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Work {
    Scan(ScanWork),
    Pieces(PiecesWork),
    Look(LookWork),
    Encode(EncodeWork),
    File(FileWork),
}

/// A look at the units of some pieces. A part is a [`UnitsPart`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct LookWork {
    /// The name of the look, by which workers know it.
    pub(super) name: String,
    /// The look, as bytes.
    pub(super) look: Vec<u8>,
    /// The columns of the unit table.
    pub(super) columns: HandedColumns,
}

/// From the unit table to codes. A part is a [`UnitsPart`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct EncodeWork {
    pub(super) schema: UnitSchema,
    pub(super) tags: Vec<Fitted>,
    pub(super) groups: Vec<ProductGroup>,
    pub(super) layout: LayoutRecord,
    /// Whether all exposed units are counted by their first arm as well.
    pub(super) by_first_exposure: bool,
    /// The columns of the unit table.
    pub(super) columns: HandedColumns,
}

/// A file of units that follow each other. A part is a [`FilePart`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FileWork {
    /// The name of the kind of file, by which workers know it.
    pub(super) name: String,
    /// How it is written, as bytes.
    pub(super) file: Vec<u8>,
    pub(super) schema: UnitSchema,
    /// The columns of the unit table.
    pub(super) columns: HandedColumns,
}

/// Units that follow each other.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FilePart {
    /// The pieces that hold them.
    pub(super) pieces: UnitsPart,
    /// Analysed units of these pieces that come before them.
    pub(super) skipped: u64,
    pub(super) units: u64,
}

/// The unit tables of some pieces that follow each other.
pub(super) type UnitsPart = Vec<HandedRows>;

/// Units in codes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Encoded {
    /// By piece.
    pub(super) units: Vec<HandedUnits>,
    pub(super) counts: Counts,
}

/// A statement over a table that is read in shares. A part is a [`ShareRecord`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ScanWork {
    pub(super) statement: Statement,
    pub(super) table: TableRecord,
    /// The filters that it may ask, by name, and the objects that list those of the pieces.
    pub(super) filters: BTreeMap<String, String>,
}

/// Statements in pieces. A part is a [`PiecePart`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PiecesWork {
    pub(super) statements: Vec<Statement>,
    /// The columns of counts that each of them makes.
    pub(super) counted: Vec<Vec<String>>,
    pub(super) joined: Vec<JoinedTable>,
    /// Whether the rows of the last one go to pieces anew.
    pub(super) regroups: bool,
    /// The columns of the tables that are there.
    pub(super) columns: BTreeMap<Purpose, HandedColumns>,
}

/// A share of a table.
pub(super) type SharePart = ShareRecord;

/// The tables of a piece.
pub(super) type PiecePart = BTreeMap<Purpose, HandedRows>;

/// Rows that were put into pieces.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Scattered {
    pub(super) columns: HandedColumns,
    /// By piece.
    pub(super) pieces: Vec<HandedRows>,
}

/// What a share answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ShareAnswer {
    /// Rows by the step they came to.
    pub(super) steps: Vec<u64>,
    pub(super) rows: Scattered,
    pub(super) executed: Option<ExecutedRecord>,
}

/// What a piece answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct PieceAnswer {
    /// By statement.
    pub(super) made: Vec<Made>,
    /// The tables that later statements read; those that were there before keep their rows.
    pub(super) kept: Vec<Purpose>,
    /// Those that are new.
    pub(super) new: BTreeMap<Purpose, (HandedColumns, HandedRows)>,
    /// The rows of the last statement, if they go to pieces anew.
    pub(super) regrouped: Option<Scattered>,
    /// By the table that it is made of, the object of the filter of the piece's keys.
    pub(super) filters: BTreeMap<Purpose, String>,
    /// By statement.
    pub(super) executed: Vec<Option<ExecutedRecord>>,
}

/// Why a part cannot be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Failure {
    /// The machine that tried.
    pub(super) host: String,
    /// The place of the statement that failed among those of the stage.
    pub(super) place: usize,
    pub(super) reason: FailureReason,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum FailureReason {
    /// [`QueryError::Data`], which names its table.
    Data(String),
    /// What the engine refused.
    Engine(Refusal),
    /// A bug of ours.
    Internal(String),
}

impl Failure {
    /// What to send of an error; the error itself if the part is worth another try.
    pub(super) fn of(host: &str, (place, error): (usize, QueryError)) -> Result<Self, EngineError> {
        let reason = match error {
            QueryError::Data(message) => FailureReason::Data(message),
            QueryError::Engine(error) => match Refusal::of(&error) {
                Some(refusal) => FailureReason::Engine(refusal),
                None => return Err(error),
            },
            QueryError::Store(error) => return Self::of(host, (place, QueryError::Engine(error.into()))),
            other => FailureReason::Internal(other.to_string()),
        };
        Ok(Self { host: host.to_owned(), place, reason })
    }

    /// The error, with the place of its statement.
    pub(super) fn into_error(self) -> (usize, QueryError) {
        let error = match self.reason {
            FailureReason::Data(message) => QueryError::Data(message),
            FailureReason::Engine(refusal) => refusal.into_error(&self.host).into(),
            FailureReason::Internal(message) => QueryError::Internal(message),
        };
        (self.place, error)
    }
}

/// An order about the unit table, with its mark.
pub(super) fn marked_table(common: &Common) -> Result<Bytes, QueryError> {
    Ok(Mark::Table.put_on(encoded(common)?))
}

/// What an order is about.
pub(super) enum Asked<'a> {
    Table(Box<Common>),
    Question(&'a [u8]),
}

impl<'a> Asked<'a> {
    pub(super) fn of(common: &'a [u8]) -> Result<Self, EngineError> {
        match Mark::read(common) {
            Some((Mark::Table, common)) => Ok(Self::Table(Box::new(decoded(common)?))),
            Some((Mark::Question, question)) => Ok(Self::Question(question)),
            _ => Err(EngineError::Internal("an order about no table and no units".to_owned())),
        }
    }
}
