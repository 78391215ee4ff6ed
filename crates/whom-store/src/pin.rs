//! Reading exactly what was listed.

use std::{collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, future, stream, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path as ObjectPath,
};

use crate::{Location, PinnedFile, PinnedFiles, StoreError, cause::chain, reads::Reads};

/// The name of this store in errors of the `ObjectStore` trait.
const NAME: &str = "pinned files";

/// A store that serves the files of one listing, in the state in which they were listed, and nothing else.
///
/// Every read demands the ETag of the listing, and its answer must have the length and the ETag of the listing (and,
/// where a store has no ETags, the time of change). A file that is gone or different fails with [`StoreError::InputChanged`]; a file
/// that was not listed fails with [`StoreError::NotPinned`]; writing, listing and deleting are refused. Errors come
/// wrapped as errors of the `ObjectStore` trait; [`StoreError::find_in`] finds them again.
#[derive(Clone)]
pub struct PinnedStore {
    inner: Arc<dyn ObjectStore>,
    location: Location,
    files: Arc<BTreeMap<ObjectPath, PinnedFile>>,
    reads: Reads,
}

impl PinnedStore {
    pub(crate) fn new(pinned: &PinnedFiles) -> Self {
        let files = pinned.files.iter().map(|file| (file.path.clone(), file.clone())).collect();
        Self {
            inner: Arc::clone(&pinned.store),
            location: pinned.location.clone(),
            files: Arc::new(files),
            reads: pinned.reads.clone(),
        }
    }

    fn changed(&self, path: &ObjectPath, change: String) -> Error {
        let source =
            StoreError::InputChanged { location: self.location.declared().clone(), path: path.to_string(), change };
        Error::Precondition { path: path.to_string(), source: Box::new(source) }
    }

    /// Tells a changed file from a store that failed; keeps no foreign words that could hold a secret.
    fn explained(&self, file: &PinnedFile, error: &Error) -> Error {
        // An answer that is taken up again after a break wraps what it met then.
        match chain(error).filter_map(|cause| cause.downcast_ref()).last().unwrap_or(error) {
            Error::NotFound { .. } => self.changed(&file.path, "it is gone".to_owned()),
            Error::Precondition { .. } => self.changed(&file.path, "it was written anew".to_owned()),
            _ => {
                let path = file.path.as_ref();
                let source = StoreError::failed("read", path, self.location.declared(), error);
                Error::Generic { store: NAME, source: Box::new(source) }
            }
        }
    }

    /// Compares what was served with what was listed.
    fn check(&self, file: &PinnedFile, served: &ObjectMeta) -> Result<()> {
        if served.size != file.size {
            let change = format!("it had {} bytes and has {}", file.size, served.size);
            return Err(self.changed(&file.path, change));
        }
        let differs = match (&file.etag, &served.e_tag) {
            (Some(listed), Some(served)) => unquoted(listed) != unquoted(served),
            (Some(_), None) => false,
            (None, _) => served.last_modified != file.last_modified,
        };
        if differs { Err(self.changed(&file.path, "it was written anew".to_owned())) } else { Ok(()) }
    }

    /// The answer, with what goes wrong in its body explained as well.
    fn watched(&self, file: &PinnedFile, served: GetResult) -> GetResult {
        let GetResult { payload: GetResultPayload::Stream(body), meta, range, attributes } = served else {
            return served;
        };
        let (store, file) = (self.clone(), file.clone());
        let body = body.map_err(move |error| store.explained(&file, &error)).boxed();
        GetResult { payload: GetResultPayload::Stream(body), meta, range, attributes }
    }
}

/// An ETag without its quotes; Azure leaves them out of listings.
fn unquoted(etag: &str) -> &str {
    etag.trim_matches('"')
}

/// The ETag to demand. A weak one is never equal to itself in the eyes of a server, so it is only compared.
fn strong(etag: &str) -> Option<String> {
    (!etag.starts_with("W/")).then(|| etag.to_owned())
}

fn refused<T>(operation: &str) -> Result<T> {
    Err(Error::NotImplemented { operation: operation.to_owned(), implementer: NAME.to_owned() })
}

impl fmt::Debug for PinnedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PinnedStore").field("location", &self.location).finish_non_exhaustive()
    }
}

impl fmt::Display for PinnedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{NAME} of {}", self.location)
    }
}

#[async_trait]
impl ObjectStore for PinnedStore {
    // `get_ranges` is left to the trait, whose default asks `get_opts` for each range and so checks each of them.
    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        let Some(file) = self.files.get(location) else {
            let source =
                StoreError::NotPinned { location: self.location.declared().clone(), path: location.to_string() };
            return Err(Error::NotFound { path: location.to_string(), source: Box::new(source) });
        };
        let is_head = options.head;
        let options = GetOptions { if_match: file.etag.as_deref().and_then(strong), ..options };
        let served = self.inner.get_opts(location, options).await.map_err(|error| self.explained(file, &error))?;
        self.check(file, &served.meta)?;
        if !is_head {
            self.reads.note(location, &served.range);
        }
        Ok(self.watched(file, served))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_etag_is_compared_and_not_demanded() {
        assert_eq!(strong("\"0x8D\"").as_deref(), Some("\"0x8D\""));
        assert_eq!(strong("0x8D").as_deref(), Some("0x8D"));
        assert_eq!(strong("W/\"0x8D\""), None);
        assert_eq!(unquoted("\"0x8D\""), unquoted("0x8D"));
        assert_ne!(unquoted("W/\"1\""), unquoted("W/\"2\""));
    }
}
