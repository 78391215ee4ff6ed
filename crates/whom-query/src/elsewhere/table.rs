//! A unit table that other machines made: they look at it, encode it and write files of it where it lies, and nobody takes it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

use bytes::Bytes;
use datafusion::arrow::datatypes::SchemaRef;
use serde::de::DeserializeOwned;
use tokio::runtime::Handle;
use whom_engine::{
    EngineError, HandedColumns, HandedFile, HandedRows, HandedUnits, LayoutRecord, PlainFile, SpillFolder, StageOrder,
    UnitSource, decoded, encoded, shared_out,
};
use whom_stats::ProductGroup;

use super::Elsewhere;
use super::order::{Common, EncodeWork, Encoded, Failure, FilePart, FileWork, LookWork, Work, marked_table};
use crate::bins::Fitted;
use crate::encoding::Counts;
use crate::error::QueryError;
use crate::look::Look;
use crate::stretch::{Stretch, StretchFile};
use crate::unit_schema::UnitSchema;

/// A unit table where other machines can take it.
#[derive(Debug)]
pub(crate) struct TableElsewhere {
    elsewhere: Elsewhere,
    columns: HandedColumns,
    /// By piece.
    rows: Vec<HandedRows>,
    /// Takes files that were written elsewhere.
    folder: Arc<SpillFolder>,
    runtime: Handle,
}

impl TableElsewhere {
    /// A table in these pieces. To be made where tokio runs.
    pub(super) fn new(
        elsewhere: &Elsewhere,
        columns: HandedColumns,
        rows: Vec<HandedRows>,
        folder: Arc<SpillFolder>,
    ) -> Result<Self, QueryError> {
        if rows.is_empty() {
            return Err(QueryError::Internal("there is no piece".to_owned()));
        }
        Ok(Self { elsewhere: elsewhere.clone(), columns, rows, folder, runtime: Handle::current() })
    }

    /// The number of units.
    pub(crate) fn units(&self) -> u64 {
        self.rows.iter().map(HandedRows::rows).sum()
    }

    /// The columns.
    pub(crate) fn schema(&self) -> Result<SchemaRef, QueryError> {
        Ok(self.columns.schema()?)
    }

    /// Has a look taken where the units lie.
    pub(crate) fn look<L: Look>(&self, look: &L) -> Result<L::Seen, QueryError> {
        let (name, columns) = (L::NAME.to_owned(), self.columns.clone());
        let work = Work::Look(LookWork { name, look: encoded(look)?, columns });
        let mut seen: Option<L::Seen> = None;
        let merge = |answer: Vec<u8>| {
            let of_part = decoded(&answer)?;
            seen = Some(match seen.take() {
                Some(seen) => L::merged(seen, of_part),
                None => of_part,
            });
            Ok(())
        };
        let parts = self.parts()?;
        self.dispatch_each(&format!("look for {}", L::NAME), work, parts, merge)?;
        seen.ok_or_else(|| QueryError::Internal("nobody looked".to_owned()))
    }

    /// Has the units encoded where they lie; asks them there from then on.
    pub(crate) fn encode(
        &self,
        schema: &UnitSchema,
        (tags, groups): (&[Fitted], &[ProductGroup]),
        (layout, by_first_exposure): (LayoutRecord, bool),
        cancel: &Arc<AtomicBool>,
    ) -> Result<(UnitSource, Counts), QueryError> {
        let work = Work::Encode(EncodeWork {
            schema: schema.clone(),
            tags: tags.to_vec(),
            groups: groups.to_vec(),
            layout: layout.clone(),
            by_first_exposure,
            columns: self.columns.clone(),
        });
        let (mut counts, mut units): (Option<Counts>, Vec<HandedUnits>) = (None, Vec::new());
        let merge = |part: Encoded| {
            match &mut counts {
                Some(counts) => counts.merge(&part.counts),
                None => counts = Some(part.counts),
            }
            units.extend(part.units);
            Ok(())
        };
        let parts = self.parts()?;
        self.dispatch_each("codes", work, parts, merge)?;
        let counts = counts.ok_or_else(|| QueryError::Internal("nobody was encoded".to_owned()))?;
        let Elsewhere { dispatch, exchange } = self.elsewhere.clone();
        let source = UnitSource::elsewhere((dispatch, exchange), (layout, units), Arc::clone(cancel));
        Ok((source, counts))
    }

    /// Has a file written of each of these stretches of the analysed units.
    pub(crate) fn files<F: StretchFile>(
        &self,
        file: &F,
        schema: &UnitSchema,
        stretches: &[Stretch],
    ) -> Result<Vec<HandedFile>, QueryError> {
        let work = Work::File(FileWork {
            name: F::NAME.to_owned(),
            file: encoded(file)?,
            schema: schema.clone(),
            columns: self.columns.clone(),
        });
        let part = |stretch: &Stretch| {
            let pieces = self.rows.get(stretch.pieces.clone()).unwrap_or_default().to_vec();
            encoded(&FilePart { pieces, skipped: stretch.skipped, units: stretch.units }).map(Bytes::from)
        };
        let parts = stretches.iter().map(part).collect::<Result<_, _>>()?;
        let mut files = Vec::with_capacity(stretches.len());
        let take = |file| {
            files.push(file);
            Ok(())
        };
        self.dispatch_each(&format!("file of {}", F::NAME), work, parts, take)?;
        Ok(files)
    }

    /// Takes a file that was written elsewhere.
    pub(crate) fn take_file(&self, file: &HandedFile) -> Result<PlainFile, QueryError> {
        Ok(self.wait(file.take(&self.elsewhere.exchange, &self.folder))?)
    }

    /// All pieces, some of them in each part.
    fn parts(&self) -> Result<Vec<Bytes>, QueryError> {
        Ok(self.wait(shared_out(self.elsewhere.dispatch.as_ref(), &self.rows))?)
    }

    /// Has the parts of something done, and each answer taken when it is there, in their order.
    fn dispatch_each<Answer: DeserializeOwned>(
        &self,
        name: &str,
        work: Work,
        parts: Vec<Bytes>,
        mut take: impl FnMut(Answer) -> Result<(), QueryError> + Send,
    ) -> Result<(), QueryError> {
        let Elsewhere { dispatch, exchange } = &self.elsewhere;
        let common = Common { exchange: exchange.address(), pieces: self.rows.len(), work };
        let order = StageOrder { name: name.to_owned(), common: marked_table(&common)?, parts };
        // What a part refuses is no error of who carries its answer.
        let mut refused = None;
        let mut settle = |answer: Bytes| {
            let answer: Result<Answer, Failure> = decoded(&answer)?;
            let taken = answer.map_err(|failure| failure.into_error().1).and_then(&mut take);
            if let Err(error) = taken {
                refused.get_or_insert(error);
            }
            Ok(())
        };
        self.wait(dispatch.dispatch_each(order, &mut settle))?;
        refused.map_or(Ok(()), Err)
    }

    /// Waits for something, on whichever thread this is.
    fn wait<T: Send>(&self, future: impl Future<Output = Result<T, EngineError>> + Send) -> Result<T, EngineError> {
        let waited = thread::scope(|scope| scope.spawn(|| self.runtime.block_on(future)).join());
        waited.unwrap_or_else(|_| Err(EngineError::Internal("a thread that waited failed".to_owned())))
    }
}
