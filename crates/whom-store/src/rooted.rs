//! A store seen from one of its folders.

use std::{fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, path::Path as ObjectPath,
};

use crate::{
    Redacted,
    remote::{Remote, Service},
};

/// A store over the network whose paths are relative to a root, and whose `Debug` shows no credentials.
///
/// `object_store`'s `PrefixStore` forgets versions, leaves full paths in answers, and prints what it wraps.
#[derive(Clone)]
pub(crate) struct Rooted {
    inner: Arc<dyn ObjectStore>,
    root: ObjectPath,
    address: Redacted,
    /// Web servers often sign or allow `GET` only.
    asks_by_get: bool,
}

impl Rooted {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, remote: &Remote) -> Self {
        Self {
            inner,
            root: remote.root.clone(),
            address: Redacted::new(remote.address(&ObjectPath::ROOT)),
            asks_by_get: remote.service == Service::Web,
        }
    }

    /// The same store seen from another folder.
    pub(crate) fn at(&self, root: ObjectPath) -> Self {
        Self { root, ..self.clone() }
    }

    fn full(&self, path: &ObjectPath) -> ObjectPath {
        self.root.parts().chain(path.parts()).collect()
    }

    /// The folder to list; none if it is the whole bucket.
    fn full_prefix(&self, prefix: Option<&ObjectPath>) -> Option<ObjectPath> {
        let full = prefix.map_or_else(|| self.root.clone(), |prefix| self.full(prefix));
        (!full.as_ref().is_empty()).then_some(full)
    }

    fn relative(&self, path: &ObjectPath) -> ObjectPath {
        path.prefix_match(&self.root).map_or_else(|| path.clone(), Iterator::collect)
    }

    fn relative_meta(&self, meta: ObjectMeta) -> ObjectMeta {
        ObjectMeta { location: self.relative(&meta.location), ..meta }
    }

    fn relative_list(&self, listed: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        listed.map_ok(move |meta| store.relative_meta(meta)).boxed()
    }
}

impl fmt::Debug for Rooted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Rooted").field(&self.address).finish()
    }
}

impl fmt::Display for Rooted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(formatter)
    }
}

#[async_trait]
impl ObjectStore for Rooted {
    async fn put_opts(&self, location: &ObjectPath, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.inner.put_opts(&self.full(location), payload, options).await
    }

    async fn put_multipart_opts(
        &self,
        location: &ObjectPath,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(&self.full(location), options).await
    }

    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        let only_first_byte = self.asks_by_get && options.head;
        let options = if only_first_byte {
            GetOptions { head: false, range: Some(GetRange::Bounded(0..1)), ..options }
        } else {
            options
        };
        let got = self.inner.get_opts(&self.full(location), options).await?;
        let meta = self.relative_meta(got.meta);
        if only_first_byte {
            return Ok(GetResult {
                payload: GetResultPayload::Stream(stream::empty().boxed()),
                range: 0..0,
                meta,
                ..got
            });
        }
        Ok(GetResult { meta, ..got })
    }

    async fn get_ranges(&self, location: &ObjectPath, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(&self.full(location), ranges).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<ObjectPath>>,
    ) -> BoxStream<'static, Result<ObjectPath>> {
        let (outward, inward) = (self.clone(), self.clone());
        let full = locations.map_ok(move |path| outward.full(&path)).boxed();
        self.inner.delete_stream(full).map_ok(move |path| inward.relative(&path)).boxed()
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.relative_list(self.inner.list(self.full_prefix(prefix).as_ref()))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&ObjectPath>,
        offset: &ObjectPath,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.relative_list(self.inner.list_with_offset(self.full_prefix(prefix).as_ref(), &self.full(offset)))
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> Result<ListResult> {
        let listed = self.inner.list_with_delimiter(self.full_prefix(prefix).as_ref()).await?;
        Ok(ListResult {
            common_prefixes: listed.common_prefixes.iter().map(|path| self.relative(path)).collect(),
            objects: listed.objects.into_iter().map(|meta| self.relative_meta(meta)).collect(),
        })
    }

    async fn copy_opts(&self, from: &ObjectPath, to: &ObjectPath, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(&self.full(from), &self.full(to), options).await
    }
}

#[cfg(test)]
mod tests {
    use object_store::{ObjectStoreExt, memory::InMemory};

    use super::*;

    fn rooted(inner: &Arc<InMemory>, declared: &str) -> Rooted {
        let (scheme, rest) = declared.split_once("://").unwrap();
        let (remote, _) = Remote::parse(scheme, Service::of_scheme(scheme).unwrap(), rest).unwrap();
        Rooted::new(Arc::clone(inner) as _, &remote)
    }

    #[tokio::test]
    async fn paths_are_relative_to_the_root_in_both_directions() {
        let inner = Arc::new(InMemory::new());
        let store = rooted(&inner, "s3://bucket/a/b/");
        let path = ObjectPath::from("c/d");
        store.put(&path, "0123".into()).await.unwrap();
        inner.put(&ObjectPath::from("a/bb/c"), "x".into()).await.unwrap();
        assert!(inner.head(&ObjectPath::from("a/b/c/d")).await.is_ok());
        assert_eq!(store.head(&path).await.unwrap().location, path);
        let listed: Vec<_> = store.list(None).map_ok(|meta| meta.location).try_collect().await.unwrap();
        assert_eq!(listed, std::slice::from_ref(&path));
        assert_eq!(store.list_with_delimiter(None).await.unwrap().common_prefixes, [ObjectPath::from("c")]);
        store.delete(&path).await.unwrap();
        assert!(inner.head(&ObjectPath::from("a/b/c/d")).await.is_err());
        assert_eq!(rooted(&inner, "s3://bucket").list(None).count().await, 1);
    }

    #[tokio::test]
    async fn a_web_server_is_asked_for_a_byte_instead_of_a_head() {
        let inner = Arc::new(InMemory::new());
        inner.put(&ObjectPath::from("a/x"), "0123".into()).await.unwrap();
        let store = rooted(&inner, "https://host/a/x");
        let got = store.get_opts(&ObjectPath::from("x"), GetOptions::new().with_head(true)).await.unwrap();
        assert_eq!((got.meta.size, got.range.clone(), got.bytes().await.unwrap().len()), (4, 0..0, 0));
    }

    #[test]
    fn neither_credentials_nor_signatures_are_shown() {
        let store = rooted(&Arc::new(InMemory::new()), "https://host/x?sig=canary");
        assert_eq!(format!("{store:?} {store}"), "Rooted(\"https://host\") https://host");
    }
}
