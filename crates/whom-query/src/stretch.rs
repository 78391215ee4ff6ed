//! Files of units that follow each other, written by whoever holds them.
//!
//! What is published of every unit is one file, but not of necessity written by one machine: where it consists of stretches of so
//! many units, it is the same whoever writes which of them. To add a kind of file: say how a stretch is written
//! ([`StretchFile`]), and enter it where workers are made ([`Looks`](crate::Looks)).

use std::ops::Range;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use serde::de::DeserializeOwned;
use whom_engine::{PlainFile, PlainWriter, StoredRows};

use crate::analysed::AnalysedUnits;
use crate::error::QueryError;
use crate::unit_schema::UnitSchema;
use crate::unit_table::{UnitRows, rows_of};

/// Analysed units in their order, some at a time.
pub type AnalysedRows<'a> = dyn Iterator<Item = Result<UnitRows, QueryError>> + 'a;

/// A kind of file.
pub trait StretchFile: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What it holds, in words that no other kind has.
    const NAME: &'static str;

    /// Writes units that follow each other; there is at least one.
    ///
    /// # Errors
    /// [`QueryError::Engine`] if the units cannot be read; [`QueryError::Internal`] if they cannot be written.
    fn write(&self, units: &mut AnalysedRows<'_>, out: &mut PlainWriter) -> Result<(), QueryError>;
}

impl AnalysedUnits {
    /// Files of so many units each, the last one of what is left, written where the units lie; gives them in their order, each
    /// taken when it is asked for. `None` where the units lie here. Keeps processors busy.
    ///
    /// # Errors
    /// What whoever writes them refuses.
    pub fn files_elsewhere<F: StretchFile>(
        &self,
        file: &F,
        units: u64,
    ) -> Result<Option<impl Iterator<Item = Result<PlainFile, QueryError>>>, QueryError> {
        let (Some(table), Some(pieces)) = (self.table.elsewhere(), self.source.handed_pieces()) else {
            return Ok(None);
        };
        let stretches = stretches(&pieces, units.max(1));
        let files = if stretches.is_empty() { Vec::new() } else { table.files(file, &self.schema, &stretches)? };
        Ok(Some(files.into_iter().map(|file| table.take_file(&file))))
    }
}

/// Units that follow each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    /// The places of the pieces that hold them.
    pub(crate) pieces: Range<usize>,
    /// Units of these pieces that come before them.
    pub(crate) skipped: u64,
    pub(crate) units: u64,
}

/// All units of some pieces in stretches of so many, the last one of what is left.
fn stretches(pieces: &[u64], units: u64) -> Vec<Stretch> {
    let mut stretches: Vec<Stretch> = Vec::new();
    for (piece, &count) in pieces.iter().enumerate() {
        let mut used = 0;
        if let Some(last) = stretches.last_mut().filter(|last| last.units < units && count > 0) {
            used = count.min(units - last.units);
            last.units += used;
            last.pieces.end = piece + 1;
        }
        while used < count {
            let taken = units.min(count - used);
            stretches.push(Stretch { pieces: piece..piece + 1, skipped: used, units: taken });
            used += taken;
        }
    }
    stretches
}

/// The analysed units in some pieces, less those that are skipped, up to so many.
pub(crate) fn analysed_rows<'a>(
    pieces: &'a [StoredRows],
    schema: &'a UnitSchema,
    (mut skipped, mut wanted): (u64, u64),
    cancel: &'a AtomicBool,
) -> impl Iterator<Item = Result<UnitRows, QueryError>> + 'a {
    let rows = pieces.iter().flat_map(move |piece| {
        let (rows, refusal) = match rows_of(piece, cancel) {
            Ok(rows) => (Some(rows), None),
            Err(error) => (None, Some(Err(error))),
        };
        rows.into_iter().flatten().chain(refusal)
    });
    let mut within = move |rows: UnitRows| {
        let rows = schema.analysed(rows)?;
        let first = skipped.min(rows.len() as u64);
        let taken = wanted.min(rows.len() as u64 - first);
        (skipped, wanted) = (skipped - first, wanted - taken);
        Ok((rows.slice(first as usize..(first + taken) as usize), wanted == 0))
    };
    let mut is_over = false;
    rows.map_while(move |rows| {
        if is_over {
            return None;
        }
        Some(rows.and_then(&mut within).map(|(rows, last)| {
            is_over = last;
            rows
        }))
    })
    .filter(|rows| rows.as_ref().map_or(true, |rows| !rows.is_empty()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn stretches_hold_every_unit_once_and_in_order(
            pieces in proptest::collection::vec(0_u64..20, 0..12),
            units in 1_u64..30,
        ) {
            let found = stretches(&pieces, units);
            let mut next = 0;
            for (place, stretch) in found.iter().enumerate() {
                let before: u64 = pieces[..stretch.pieces.start].iter().sum();
                let inside: u64 = pieces[stretch.pieces.clone()].iter().sum();
                prop_assert_eq!(before + stretch.skipped, next);
                prop_assert!(stretch.skipped + stretch.units <= inside);
                prop_assert!(stretch.skipped < pieces[stretch.pieces.start], "no piece is read for nothing");
                prop_assert!(place + 1 == found.len() || stretch.units == units);
                next += stretch.units;
            }
            prop_assert_eq!(next, pieces.iter().sum::<u64>());
        }
    }
}
