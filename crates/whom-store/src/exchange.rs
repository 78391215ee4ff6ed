//! A folder through which machines that work together hand rows to each other.
//!
//! Every object has a name that nobody else makes, is written once, and is read only by whoever was told its name, its length
//! and the hash of its bytes. What a machine leaves that died, or was thought dead, has a name that nobody was told; it goes
//! with the folder.

use std::collections::BTreeSet;
use std::io::Write;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use object_store::{Error, GetOptions, ObjectStore, ObjectStoreExt, WriteMultipart, path::Path as ObjectPath};
use tokio::io::AsyncReadExt;

use crate::{ErrorKind, Location, Result, StoreError, Stores, cause::Cause, commit::read};

/// The folder of all work, beneath an output.
pub(crate) const FOLDER: &str = "_exchange";

/// Pieces of one object that are under way at once.
const PIECES_AT_ONCE: usize = 2;

/// Bytes that are read of a file at once.
const CHUNK: usize = 1 << 20;

/// A folder for what machines hand to each other.
#[derive(Clone, Debug)]
pub struct Exchange {
    store: Arc<dyn ObjectStore>,
    location: Location,
}

impl Exchange {
    /// Opens a folder; makes it if it is not there.
    ///
    /// # Errors
    /// As [`Output::create`](crate::Output::create), without its probe.
    pub fn create(stores: &Stores, location: &Location) -> Result<Self> {
        Ok(Self { store: stores.create_output(location)?, location: location.clone() })
    }

    /// Opens a folder beneath an output, by a name that follows from the work; makes it if it is not there.
    ///
    /// # Errors
    /// As [`Self::create`].
    pub fn beneath(stores: &Stores, output: &Location, name: &str) -> Result<Self> {
        Self::create(stores, &output.beneath(&[FOLDER, name]))
    }

    /// Where it is, in words that [`Location::output`] understands on any machine.
    pub fn address(&self) -> String {
        self.location.whole().to_string()
    }

    /// Writes an object.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub async fn write(&self, name: &str, bytes: Bytes) -> Result<()> {
        let path = ObjectPath::from(name);
        let put = self.store.put(&path, bytes.into()).await;
        put.map(|_| ()).map_err(|error| self.failed("write", &path, &error))
    }

    /// Writes these files of this machine, one after the other, as one object.
    ///
    /// # Errors
    /// [`StoreError::Failed`], of kind [`Resources`](crate::ErrorKind::Resources) if a file cannot be read or there is no room.
    pub async fn write_files(&self, name: &str, files: &[PathBuf]) -> Result<()> {
        let path = ObjectPath::from(name);
        let failed = |error: Error| self.failed("write", &path, &error);
        let mut upload = WriteMultipart::new(self.store.put_multipart(&path).await.map_err(failed)?);
        for file in files {
            let mut opened = tokio::fs::File::open(file).await.map_err(|error| self.disk(&path, &error))?;
            loop {
                let mut chunk = Vec::with_capacity(CHUNK);
                let read = (&mut opened).take(CHUNK as u64).read_to_end(&mut chunk).await;
                if read.map_err(|error| self.disk(&path, &error))? == 0 {
                    break;
                }
                upload.wait_for_capacity(PIECES_AT_ONCE).await.map_err(failed)?;
                upload.put(chunk.into());
            }
        }
        upload.finish().await.map(|_| ()).map_err(failed)
    }

    /// Reads a whole object; `None` if there is none.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub async fn read(&self, name: &str) -> Result<Option<Bytes>> {
        let path = ObjectPath::from(name);
        match read(&*self.store, &path).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed("read", &path, &error)),
        }
    }

    /// The names of all objects in it.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    pub async fn names(&self) -> Result<BTreeSet<String>> {
        let listed = self.store.list(None).map_ok(|found| found.location.to_string()).try_collect().await;
        listed.map_err(|error| self.failed("list", &ObjectPath::default(), &error))
    }

    /// Reads some bytes of an object into a file of this machine.
    ///
    /// # Errors
    /// [`StoreError::Failed`], of kind [`Resources`](crate::ErrorKind::Resources) if there is no room for them, and
    /// [`Transient`](crate::ErrorKind::Transient) if there is no such object: it was there when its name was told, so somebody
    /// removed it, and who begins anew makes another.
    pub async fn fetch(&self, name: &str, range: Range<u64>, file: &Path) -> Result<()> {
        let path = ObjectPath::from(name);
        let options = GetOptions { range: Some(range.into()), ..GetOptions::default() };
        let served = self.store.get_opts(&path, options).await.map_err(|error| match error {
            Error::NotFound { .. } => self.of_kind(ErrorKind::Transient, "read", &path, Cause::new(&error)),
            _ => self.failed("read", &path, &error),
        })?;
        let mut body = served.into_stream();
        let mut file = std::fs::File::create_new(file).map_err(|error| self.disk(&path, &error))?;
        while let Some(bytes) = body.next().await {
            let bytes = bytes.map_err(|error| self.failed("read", &path, &error))?;
            file.write_all(&bytes).map_err(|error| self.disk(&path, &error))?;
        }
        Ok(())
    }

    /// Removes everything in it, as far as possible: what is left is of no use, and costs its room only.
    pub async fn remove_all(&self) {
        let listed = self.store.list(None).map_ok(|found| found.location).boxed();
        let _: std::result::Result<Vec<_>, Error> = self.store.delete_stream(listed).try_collect().await;
        if let Some(folder) = self.location.folder() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }

    fn failed(&self, action: &'static str, path: &ObjectPath, error: &Error) -> StoreError {
        StoreError::failed(action, path.as_ref(), self.location.declared(), error)
    }

    /// A disk of this machine that refuses.
    fn disk(&self, path: &ObjectPath, error: &std::io::Error) -> StoreError {
        self.of_kind(ErrorKind::Resources, "keep a copy of", path, Cause::new(error))
    }

    fn of_kind(&self, kind: ErrorKind, action: &'static str, path: &ObjectPath, cause: Cause) -> StoreError {
        StoreError::Failed { action, path: path.to_string(), location: self.location.declared().clone(), kind, cause }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_handed_over_arrives_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let location = Location::output("exchange/of one", folder.path()).unwrap();
        let exchange = Exchange::create(&Stores::new(), &location).unwrap();
        let files: Vec<PathBuf> = ["one", "two"].iter().map(|name| folder.path().join(name)).collect();
        files.iter().zip(["first,", "second"]).for_each(|(file, text)| std::fs::write(file, text).unwrap());
        exchange.write_files("a/rows", &files).await.unwrap();
        let copy = folder.path().join("copy");
        exchange.fetch("a/rows", 3..9, &copy).await.unwrap();
        assert_eq!(std::fs::read_to_string(&copy).unwrap(), "st,sec");

        let elsewhere = Location::output(&exchange.address(), Path::new("/nowhere")).unwrap();
        let same = Exchange::create(&Stores::new(), &elsewhere).unwrap();
        same.write("state", Bytes::from_static(b"done")).await.unwrap();
        assert_eq!(exchange.read("state").await.unwrap().as_deref(), Some(&b"done"[..]));
        assert_eq!(exchange.read("a/nothing").await.unwrap(), None);
        assert_eq!(exchange.names().await.unwrap(), ["a/rows", "state"].map(str::to_owned).into());
        let gone = exchange.fetch("a/nothing", 0..1, &folder.path().join("none")).await.unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::Transient);
        exchange.remove_all().await;
        assert!(!folder.path().join("exchange/of one").exists());
    }
}
