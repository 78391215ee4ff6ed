//! `units.parquet`: the analysed units, uploaded while they are encoded.

use std::fs::File;
use std::io::{self, Write};
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::{Sender, channel};
use whom_engine::EngineError;
use whom_query::{AnalysedUnits, QueryError};
use whom_report::{UNITS_FILE, UNITS_GROUP};
use whom_store::{PARTS_BYTES, Stage, StoreError};

use crate::models::UnitPredictions;
use crate::published_units::PublishedUnits;
use crate::study::Study;

/// Bytes that are handed to the upload at once.
const PART: usize = 1 << 20;

/// Parts that may wait for the upload.
const WAITING: usize = 4;

/// The most bytes of parts that wait for the upload or are on their way.
pub(crate) const UPLOAD: u64 = ((WAITING + 1) * PART) as u64 + PARTS_BYTES;

/// The file, and the units that it will hold.
pub(crate) struct UnitsFile {
    units: Arc<AnalysedUnits>,
    published: PublishedUnits,
}

/// Why there is no file.
#[derive(Debug)]
pub(crate) enum UnitsFileError {
    /// The store failed.
    Store(StoreError),
    /// The units could not be read back or encoded, or the run was stopped.
    Units(QueryError),
}

impl UnitsFile {
    /// The file of a study, for the analysis of this identity, with what models predict.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the plan has a tag that the unit table lacks.
    pub(crate) fn new(
        study: &Study<'_>,
        analysis: &str,
        predictions: Vec<UnitPredictions>,
    ) -> Result<Self, QueryError> {
        let published = PublishedUnits::new(study, analysis)?.with_predictions(study, predictions);
        Ok(Self { units: Arc::clone(study.units), published })
    }

    /// Writes the file to a stage.
    ///
    /// # Errors
    /// [`UnitsFileError`]; the stage is then as before.
    pub(crate) async fn write(self, stage: &mut Stage) -> Result<(), UnitsFileError> {
        let mut file = stage.writer(UNITS_FILE).await.map_err(UnitsFileError::Store)?;
        let (sender, mut parts) = channel(WAITING);
        let encoded = tokio::task::spawn_blocking(move || self.encode(sender));
        while let Some(part) = parts.recv().await {
            if let Err(error) = file.write(part).await {
                file.discard().await;
                return Err(UnitsFileError::Store(error));
            }
        }
        let encoded = encoded.await.unwrap_or_else(|error| Err(internal(format!("units were not encoded: {error}"))));
        match encoded {
            Ok(units) => file.finish(Some(units)).await.map_err(UnitsFileError::Store),
            Err(error) => {
                file.discard().await;
                Err(UnitsFileError::Units(error))
            }
        }
    }

    /// Encodes all units, or puts together what others encoded of them, and gives their number.
    fn encode(&self, sender: Sender<Bytes>) -> Result<u64, QueryError> {
        let Self { units, published } = self;
        let outlet = Outlet { sender, part: Vec::new() };
        let mut writer = published.writer(&units.table.no_rows()?, outlet)?;
        if let Some(groups) = units.files_elsewhere(published, UNITS_GROUP)? {
            for group in groups {
                let group = group?;
                let file = File::open(group.path()).map_err(internal)?;
                writer.append(&file).map_err(internal)?;
            }
            return writer.finish().map_err(internal);
        }
        for rows in units.table.read() {
            if units.is_cancelled() {
                return Err(EngineError::Cancelled.into());
            }
            writer.write(published.columns(&units.schema.analysed(rows?)?)?).map_err(internal)?;
        }
        writer.finish().map_err(internal)
    }
}

/// Hands on what is written, in parts.
struct Outlet {
    sender: Sender<Bytes>,
    part: Vec<u8>,
}

impl Write for Outlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.part.is_empty() {
            return Ok(());
        }
        let part = std::mem::take(&mut self.part);
        self.sender.blocking_send(part.into()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

fn internal(error: impl std::fmt::Display) -> QueryError {
    QueryError::Internal(error.to_string())
}
