//! The list of published runs.

use futures::{StreamExt, TryStreamExt, stream};
use object_store::Error;

use crate::{Manifest, Output, Published, Result, commit::read, output::manifest_path};

/// The most manifests that are read at once.
const READS_AT_ONCE: usize = 16;

/// A published run in the list of all.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedRun {
    /// Its place in the order of publication.
    pub number: u64,
    /// The run, or why its manifest tells this program nothing: it is damaged, or of a later version.
    pub run: Result<Published>,
}

impl Output {
    /// All published runs, the latest first. A manifest that tells nothing hides no other run.
    ///
    /// # Errors
    /// [`StoreError::Failed`](crate::StoreError::Failed) if the store cannot be listed or read.
    pub async fn runs(&self) -> Result<Vec<ListedRun>> {
        let numbers = self.numbers().await?;
        let reads = numbers.into_iter().rev().map(|number| self.listed(number));
        let runs: Vec<Option<ListedRun>> = stream::iter(reads).buffered(READS_AT_ONCE).try_collect().await?;
        Ok(runs.into_iter().flatten().collect())
    }

    /// One run of the list; none if it was removed since.
    async fn listed(&self, number: u64) -> Result<Option<ListedRun>> {
        let path = manifest_path(number);
        let body = match read(&*self.store, &path).await {
            Ok(body) => body,
            Err(Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(self.failed("read", path.as_ref(), &error)),
        };
        let manifest = Manifest::parse(&body, number, self.location.declared());
        Ok(Some(ListedRun { number, run: manifest.map(|manifest| self.publication(manifest)) }))
    }
}
