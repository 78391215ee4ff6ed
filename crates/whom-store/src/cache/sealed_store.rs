//! Reads parts of days as they were written, or not at all.

use std::{collections::BTreeMap, fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use chrono::{DateTime, NaiveDate, Utc};
use futures::{StreamExt, future, stream, stream::BoxStream};
use object_store::{
    Attributes, CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload,
    ObjectMeta, ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
    path::Path as ObjectPath,
};

use crate::{
    CachedDay, CachedPart, DayCache, PinnedFile, StoreError,
    cache::{Damaged, seal::BLOCK, seal::Seal},
    location::Location,
};

/// The name of this store in errors of the `ObjectStore` trait.
const NAME: &str = "cached days";

/// The parts of days. Every range is read in whole blocks, each of which must be what its seal says; one that is not fails
/// with [`StoreError::CachedDayDamaged`], and its entry is noted. Whatever it serves has the length and the ETag of the
/// record, never those of the file.
#[derive(Clone)]
pub(crate) struct SealedStore {
    inner: Arc<dyn ObjectStore>,
    location: Location,
    parts: Arc<BTreeMap<ObjectPath, SealedPart>>,
    damaged: Damaged,
}

struct SealedPart {
    part: CachedPart,
    /// The entry that it belongs to.
    entry: ObjectPath,
}

impl SealedStore {
    pub(crate) fn new(cache: &DayCache, days: &[CachedDay]) -> Self {
        let parts = days.iter().flat_map(|day| {
            let sealed = |part: &CachedPart| SealedPart { part: part.clone(), entry: day.path.clone() };
            day.record.parts.iter().map(move |part| (day.part_path(part), sealed(part)))
        });
        Self {
            inner: Arc::clone(&cache.store),
            location: cache.location.clone(),
            parts: Arc::new(parts.collect()),
            damaged: cache.damaged.clone(),
        }
    }

    /// A part as a pinned file.
    pub(crate) fn pinned(&self, path: &ObjectPath, day: NaiveDate) -> PinnedFile {
        let part = self.parts.get(path).map(|sealed| &sealed.part);
        PinnedFile {
            path: path.clone(),
            size: part.map_or(0, |part| part.bytes),
            etag: part.map(|part| part.seal.etag()),
            version: None,
            last_modified: DateTime::<Utc>::UNIX_EPOCH,
            partition_day: Some(day),
        }
    }

    /// Blocks that are what they were, or the refusal.
    async fn blocks(&self, path: &ObjectPath, sealed: &SealedPart, range: Range<u64>) -> Result<Bytes> {
        let read = self.inner.get_range(path, range.clone()).await;
        let bytes = match read {
            Ok(bytes) => bytes,
            Err(Error::NotFound { .. }) => return Err(self.refused(path, sealed, "it is gone")),
            Err(error) => {
                // A file that is too short answers with as many words as there are stores.
                let found = self.inner.head(path).await.map(|found| found.size);
                return Err(match found {
                    Ok(size) if size != sealed.part.bytes => self.refused(path, sealed, "it has another length"),
                    _ => Error::Generic {
                        store: NAME,
                        source: Box::new(StoreError::failed("read", path.as_ref(), self.location.declared(), &error)),
                    },
                });
            }
        };
        let whole = bytes.len() as u64 == range.end - range.start;
        if whole && sealed.part.seal.holds(range.start / BLOCK, &bytes) {
            return Ok(bytes);
        }
        Err(self.refused(path, sealed, "its bytes are not those that were written"))
    }

    fn refused(&self, path: &ObjectPath, sealed: &SealedPart, problem: &'static str) -> Error {
        let of_entry = self.parts.iter().filter(|(_, part)| part.entry == sealed.entry);
        self.damaged.add(&sealed.entry, of_entry.map(|(path, _)| path.clone()).collect());
        let location = self.location.declared().clone();
        let source = StoreError::CachedDayDamaged { location, path: path.to_string(), problem };
        Error::Generic { store: NAME, source: Box::new(source) }
    }
}

/// The range that is asked for, of an object of so many bytes.
fn asked(range: Option<&GetRange>, bytes: u64) -> Range<u64> {
    match range {
        None => 0..bytes,
        Some(GetRange::Bounded(range)) => range.start.min(bytes)..range.end.min(bytes),
        Some(GetRange::Offset(start)) => *start.min(&bytes)..bytes,
        Some(GetRange::Suffix(length)) => bytes.saturating_sub(*length)..bytes,
    }
}

fn refused<T>(operation: &str) -> Result<T> {
    Err(Error::NotImplemented { operation: operation.to_owned(), implementer: NAME.to_owned() })
}

impl fmt::Debug for SealedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("SealedStore").field("location", &self.location).finish_non_exhaustive()
    }
}

impl fmt::Display for SealedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{NAME} of {}", self.location)
    }
}

#[async_trait]
impl ObjectStore for SealedStore {
    // `get_ranges` is left to the trait, whose default puts near ranges together and asks `get_opts` for each.
    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        let Some(sealed) = self.parts.get(location) else {
            let source =
                StoreError::NotPinned { location: self.location.declared().clone(), path: location.to_string() };
            return Err(Error::NotFound { path: location.to_string(), source: Box::new(source) });
        };
        let bytes = sealed.part.bytes;
        let range = asked(options.range.as_ref(), bytes);
        let body = if options.head || range.is_empty() {
            Bytes::new()
        } else {
            let around = Seal::around(&range, bytes);
            let blocks = self.blocks(location, sealed, around.clone()).await?;
            let from = usize::try_from(range.start - around.start).unwrap_or(usize::MAX).min(blocks.len());
            let until = usize::try_from(range.end - around.start).unwrap_or(usize::MAX).min(blocks.len());
            blocks.slice(from..until)
        };
        Ok(GetResult {
            payload: GetResultPayload::Stream(stream::once(future::ready(Ok(body))).boxed()),
            meta: ObjectMeta {
                location: location.clone(),
                last_modified: DateTime::<Utc>::UNIX_EPOCH,
                size: bytes,
                e_tag: Some(sealed.part.seal.etag()),
                version: None,
            },
            range: if options.head { 0..0 } else { range },
            attributes: Attributes::default(),
        })
    }

    async fn put_opts(&self, _: &ObjectPath, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        refused("put")
    }

    async fn put_multipart_opts(&self, _: &ObjectPath, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        refused("put in parts")
    }

    fn delete_stream(&self, _: BoxStream<'static, Result<ObjectPath>>) -> BoxStream<'static, Result<ObjectPath>> {
        stream::once(future::ready(refused("delete"))).boxed()
    }

    fn list(&self, _: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::once(future::ready(refused("list"))).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&ObjectPath>) -> Result<ListResult> {
        refused("list")
    }

    async fn copy_opts(&self, _: &ObjectPath, _: &ObjectPath, _: CopyOptions) -> Result<()> {
        refused("copy")
    }
}
