//! A part of a day that is being written.

use std::collections::BTreeMap;

use bytes::Bytes;
use object_store::{MultipartUpload, ObjectStoreExt, WriteMultipart, path::Path as ObjectPath};

use crate::{
    DayCache, Result,
    cache::{CachedPart, seal::Sealer},
};

/// The most pieces of one part that are under way at once.
const PIECES_AT_ONCE: usize = 2;

/// Bytes that a part holds while it is written: pieces under way, and the one that is filled.
pub const UPLOAD_BYTES: u64 = (PIECES_AT_ONCE as u64 + 1) * PIECE;

/// Bytes of a piece, as [`WriteMultipart`] makes them.
const PIECE: u64 = 5 << 20;

/// Writes a part of a day. One that is dropped leaves nothing that anybody believes.
#[derive(Debug)]
pub struct PartWriter {
    cache: DayCache,
    path: ObjectPath,
    upload: WriteMultipart,
    sealer: Sealer,
}

impl PartWriter {
    pub(super) fn new(cache: DayCache, path: ObjectPath, upload: Box<dyn MultipartUpload>) -> Self {
        Self { cache, path, upload: WriteMultipart::new(upload), sealer: Sealer::default() }
    }

    /// Appends bytes; waits while too many pieces are under way, so that memory stays bounded.
    ///
    /// # Errors
    /// [`StoreError::Failed`](crate::StoreError::Failed) if the store refuses, of kind
    /// [`Resources`](crate::ErrorKind::Resources) if the disk is full.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        let waited = self.upload.wait_for_capacity(PIECES_AT_ONCE).await;
        waited.map_err(|error| self.cache.failed("write", &self.path, &error))?;
        self.sealer.add(&bytes);
        self.upload.put(bytes);
        Ok(())
    }

    /// Completes the part, which holds `rows` rows and columns of these sizes, in all and in one row group.
    ///
    /// # Errors
    /// As [`PartWriter::write`].
    pub async fn finish(self, rows: u64, columns: BTreeMap<String, [u64; 2]>) -> Result<CachedPart> {
        let Self { cache, path, upload, sealer } = self;
        let (seal, bytes) = sealer.finish();
        if let Err(error) = upload.finish().await
            && !cache.arrived(&path, bytes).await
        {
            return Err(cache.failed("write", &path, &error));
        }
        Ok(CachedPart { name: path.filename().unwrap_or_default().to_owned(), bytes, rows, columns, seal })
    }
}

impl DayCache {
    /// Whether an upload was completed although its end was answered with an error: see
    /// [`StagedFile`](crate::StagedFile). Its content is sealed, so its length is enough.
    async fn arrived(&self, path: &ObjectPath, bytes: u64) -> bool {
        self.location.folder().is_none() && self.store.head(path).await.is_ok_and(|found| found.size == bytes)
    }
}
