//! A store that fails where it is told to.

use std::{fmt, ops::Range, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt, StreamExt, TryStreamExt, future, stream, stream::BoxStream};
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMultipartOptions,
    PutOptions, PutPayload, PutResult, Result, UploadPart, path::Path as ObjectPath,
};

use crate::{Fault, FaultPlan, fault::Verdict};

/// Any store, with the faults of a plan.
///
/// One call of the `ObjectStore` trait is one call of the plan; each part of an upload, its completion and its abort
/// are calls, too.
#[derive(Debug)]
pub struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    plan: Arc<FaultPlan>,
}

impl FaultStore {
    /// Puts `plan` before `inner`.
    pub fn new(inner: Arc<dyn ObjectStore>, plan: Arc<FaultPlan>) -> Self {
        Self { inner, plan }
    }

    /// Surrounds a call that answers with a stream.
    fn around_stream<T: Send + 'static>(&self, answer: BoxStream<'static, Result<T>>) -> BoxStream<'static, Result<T>> {
        let verdict = self.plan.count();
        let before = stream::once(verdict.before()).try_filter_map(|()| future::ready(Ok(None)));
        let after =
            stream::once(future::lazy(move |_| verdict.after(Ok(())))).try_filter_map(|()| future::ready(Ok(None)));
        let mut failed = false;
        before
            .chain(answer)
            .chain(after)
            .take_while(move |item| future::ready(!std::mem::replace(&mut failed, item.is_err())))
            .boxed()
    }
}

impl fmt::Display for FaultStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} with faults", self.inner)
    }
}

/// The first half of the bytes, for a torn write.
fn torn(verdict: Verdict, payload: PutPayload) -> PutPayload {
    if verdict != Verdict::Strike(Fault::Torn) {
        return payload;
    }
    let whole: Bytes = payload.into();
    whole.slice(..whole.len() / 2).into()
}

#[async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, location: &ObjectPath, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let verdict = self.plan.count();
        verdict.around(self.inner.put_opts(location, torn(verdict, payload), options)).await
    }

    async fn put_multipart_opts(
        &self,
        location: &ObjectPath,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.plan.count().around(self.inner.put_multipart_opts(location, options)).await?;
        Ok(Box::new(FaultUpload { inner, plan: Arc::clone(&self.plan) }))
    }

    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        self.plan.count().around(self.inner.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &ObjectPath, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.plan.count().around(self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<ObjectPath>>,
    ) -> BoxStream<'static, Result<ObjectPath>> {
        self.around_stream(self.inner.delete_stream(locations))
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.around_stream(self.inner.list(prefix))
    }

    fn list_with_offset(
        &self,
        prefix: Option<&ObjectPath>,
        offset: &ObjectPath,
    ) -> BoxStream<'static, Result<ObjectMeta>> {
        self.around_stream(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> Result<ListResult> {
        self.plan.count().around(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &ObjectPath, to: &ObjectPath, options: CopyOptions) -> Result<()> {
        self.plan.count().around(self.inner.copy_opts(from, to, options)).await
    }
}

/// An upload in parts, with the faults of a plan.
#[derive(Debug)]
struct FaultUpload {
    inner: Box<dyn MultipartUpload>,
    plan: Arc<FaultPlan>,
}

#[async_trait]
impl MultipartUpload for FaultUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let verdict = self.plan.count();
        let part = self.inner.put_part(torn(verdict, data));
        verdict.around(part).boxed()
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.plan.count().around(self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.plan.count().around(self.inner.abort()).await
    }
}
