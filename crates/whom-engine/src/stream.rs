//! Units on disk, read from end to end for each pass.
//!
//! A piece lies in the spill folder as it lies in memory, so that reading it is all there is to do. While some pieces are
//! counted the next ones are read. Small ones are joined before: whoever counts adds up a histogram for each part that is counted.

use std::io;
use std::iter::Peekable;
use std::slice::Iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use datafusion::arrow::array::{ArrayRef, AsArray, FixedSizeBinaryArray, RecordBatch};
use datafusion::arrow::buffer::Buffer;
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use whom_stats::{Layout, PackedUnits, UnitColumns};

use crate::error::EngineError;
use crate::spill::{SpillFolder, SpilledRows};
use crate::units::{Answer, Question};

/// Units that are written or read at once.
const BATCH_UNITS: usize = 1 << 16;

/// The units of a piece on disk.
#[derive(Debug)]
pub(crate) struct PieceOnDisk {
    starts: Vec<usize>,
    rows: SpilledRows,
}

impl PieceOnDisk {
    /// Writes the units of a piece.
    pub(crate) fn write(units: &UnitColumns, layout: &Layout, folder: &Arc<SpillFolder>) -> Result<Self, EngineError> {
        let PackedUnits { starts, codes, records } = units.packed();
        let (code_bytes, words) = (layout.code_bytes(), layout.record_words());
        let field = |name, bytes: usize| Field::new(name, DataType::FixedSizeBinary(bytes as i32), false);
        let mut fields = vec![field("metrics", words * 8)];
        fields.extend((code_bytes > 0).then(|| field("codes", code_bytes)));
        let schema = Arc::new(Schema::new(fields));
        let mut writer = folder.writer(&schema)?;
        for first in (0..units.rows()).step_by(BATCH_UNITS) {
            let rows = first..units.rows().min(first + BATCH_UNITS);
            let words = records[rows.start * words..rows.end * words].to_vec();
            let mut columns = vec![rows_of_bytes(layout.record_words() * 8, Buffer::from_vec(words))?];
            if code_bytes > 0 {
                let codes = codes[rows.start * code_bytes..rows.end * code_bytes].to_vec();
                columns.push(rows_of_bytes(code_bytes, Buffer::from_vec(codes))?);
            }
            writer.write(&RecordBatch::try_new(Arc::clone(&schema), columns).map_err(unfit)?)?;
        }
        Ok(Self { starts: starts.to_vec(), rows: writer.finish()? })
    }

    /// Where the units of each bucket and arm begin, and the units.
    pub(crate) fn into_parts(self) -> (Vec<usize>, SpilledRows) {
        (self.starts, self.rows)
    }

    /// The units of a file that was handed over.
    pub(crate) fn of(starts: Vec<usize>, rows: SpilledRows) -> Self {
        Self { starts, rows }
    }

    /// The number of units.
    fn units(&self) -> u64 {
        self.starts.last().copied().unwrap_or(0) as u64
    }

    /// Reads them.
    pub(crate) fn load(&self, layout: &Arc<Layout>, cancel: &AtomicBool) -> Result<UnitColumns, EngineError> {
        let rows = self.units() as usize;
        let mut codes = Vec::with_capacity(rows * layout.code_bytes());
        let mut records: Vec<u64> = Vec::with_capacity(rows * layout.record_words());
        for batch in self.rows.read()? {
            if cancel.load(Ordering::Relaxed) {
                return Err(EngineError::Cancelled);
            }
            let batch = batch?;
            let (words, _) = batch.column(0).as_fixed_size_binary().value_data().as_chunks::<8>();
            records.extend(words.iter().map(|word| u64::from_le_bytes(*word)));
            if let Some(column) = batch.columns().get(1) {
                codes.extend_from_slice(column.as_fixed_size_binary().value_data());
            }
        }
        let units = UnitColumns::from_packed(Arc::clone(layout), self.starts.clone(), codes, records);
        units.map_err(|error| EngineError::Internal(error.to_string()))
    }
}

fn rows_of_bytes(width: usize, bytes: Buffer) -> Result<ArrayRef, EngineError> {
    let rows = FixedSizeBinaryArray::try_new(width as i32, bytes, None).map_err(unfit)?;
    Ok(Arc::new(rows))
}

fn unfit(error: impl std::fmt::Display) -> EngineError {
    EngineError::Internal(format!("units cannot be laid out on disk: {error}"))
}

/// All pieces, in their order.
#[derive(Debug)]
pub(crate) struct UnitStream {
    layout: Arc<Layout>,
    pieces: Vec<PieceOnDisk>,
    /// Bytes up to which pieces are joined.
    joined: u64,
}

impl UnitStream {
    /// All pieces in their order; those that follow each other are counted together up to so many bytes.
    pub(crate) fn new(layout: Arc<Layout>, pieces: Vec<PieceOnDisk>, joined: u64) -> Self {
        Self { layout, pieces, joined }
    }

    /// Answers a question, as memory does: with the sum of what the pieces answer, which come in the order of their buckets.
    pub(crate) fn ask(&self, question: &Question, cancel: &AtomicBool) -> Result<Answer, EngineError> {
        let mut whole: Option<Answer> = None;
        self.for_each(cancel, |units| {
            let part = question.answered(units, cancel).map_err(refused)?;
            match &mut whole {
                Some(whole) => whole.add(part),
                None => whole = Some(part),
            }
            Ok(())
        })?;
        Answer::sum(whole)
    }

    /// Gives the pieces one after the other, each read while the one before is worked on; small ones together.
    fn for_each(
        &self,
        cancel: &AtomicBool,
        mut work: impl FnMut(&UnitColumns) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        // Nothing waits in the channel: one piece is worked on and one is read, so two are in memory.
        let (sender, receiver): (_, Receiver<Result<UnitColumns, EngineError>>) = sync_channel(0);
        thread::scope(|scope| {
            let reader = thread::Builder::new().name("units".to_owned());
            reader.spawn_scoped(scope, move || self.read(&sender, cancel)).map_err(|error| unstarted(&error))?;
            for units in receiver {
                work(&units?)?;
            }
            Ok(())
        })
    }

    /// Reads the pieces until all are read, one cannot be, or nobody wants more.
    fn read(&self, sender: &SyncSender<Result<UnitColumns, EngineError>>, cancel: &AtomicBool) {
        let mut pieces = self.pieces.iter().peekable();
        while pieces.peek().is_some() {
            let units = self.joined(&mut pieces, cancel);
            let failed = units.is_err();
            if sender.send(units).is_err() || failed {
                return;
            }
        }
    }

    /// The next piece, and those after it that fit beside it.
    fn joined(
        &self,
        pieces: &mut Peekable<Iter<'_, PieceOnDisk>>,
        cancel: &AtomicBool,
    ) -> Result<UnitColumns, EngineError> {
        let (mut read, mut units) = (Vec::new(), 0);
        let fits = |units: u64| self.layout.resident_bytes(units) <= self.joined;
        while let Some(piece) = pieces.next_if(|piece| units == 0 || fits(units + piece.units())) {
            units += piece.units();
            read.push(piece.load(&self.layout, cancel)?);
        }
        UnitColumns::join(read).map_err(refused)
    }
}

fn refused(error: impl std::fmt::Display) -> EngineError {
    EngineError::Internal(error.to_string())
}

fn unstarted(error: &io::Error) -> EngineError {
    EngineError::Resources(format!("no thread can be started to read what is on disk: {error}"))
}
