//! A folder of this machine as a store that nothing leaves and whose writes last.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart, local::LocalFileSystem,
    path::Path as ObjectPath,
};
use tokio::task::spawn_blocking;

use crate::{Redacted, StoreError, disk::Disk};

/// The name of this store in errors of the `ObjectStore` trait.
const NAME: &str = "local folder";

/// `object_store`'s local file system with the two things that it leaves out.
///
/// - *Containment*: it follows links out of its root; here whatever is reached must lie under the real root.
/// - *Durability*: it never waits for the disk; here a write returns after the bytes, the entry and every folder from
///   the root down are on the disk, and a new file gets its name only after its bytes are there, so that no power cut
///   leaves a name without its content.
#[derive(Debug, Clone)]
pub(crate) struct LocalStore {
    inner: LocalFileSystem,
    folder: Arc<Folder>,
}

/// The root and how to wait for its disk.
#[derive(Debug)]
struct Folder {
    declared: Redacted,
    root: PathBuf,
    disk: Arc<dyn Disk>,
}

impl LocalStore {
    /// The existing folder `root`, shown as `declared` in messages.
    pub(crate) fn open(declared: &Redacted, root: &Path, disk: Arc<dyn Disk>) -> Result<Self> {
        let inner = LocalFileSystem::new_with_prefix(root)?;
        let root = root.canonicalize().map_err(generic)?;
        Ok(Self { inner, folder: Arc::new(Folder { declared: declared.clone(), root, disk }) })
    }

    /// As [`LocalStore::open`], after making the folder and everything above it, lastingly.
    pub(crate) fn create(declared: &Redacted, root: &Path, disk: Arc<dyn Disk>) -> Result<Self> {
        fs::create_dir_all(root).map_err(generic)?;
        let store = Self::open(declared, root, disk)?;
        for above in store.folder.root.ancestors().skip(1) {
            // A folder that may not be read was not made by us, and needs no waiting for.
            let _ = store.folder.disk.sync_folder(above);
        }
        Ok(store)
    }

    /// The object's path on this machine, if it lies under the root.
    async fn contained(&self, location: &ObjectPath) -> Result<PathBuf> {
        let path = self.inner.path_to_filesystem(location)?;
        let folder = Arc::clone(&self.folder);
        spawn_blocking(move || folder.contain(&path).map(|()| path)).await?
    }
}

impl Folder {
    /// Refuses a path whose deepest existing part really lies elsewhere.
    fn contain(&self, path: &Path) -> Result<()> {
        for part in path.ancestors() {
            match part.canonicalize() {
                Ok(real) if real.starts_with(&self.root) => return Ok(()),
                Ok(_) => return Err(self.outside(path)),
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(generic(error)),
                Err(_) if part.is_symlink() => return Err(self.outside(path)),
                Err(_) => {}
            }
        }
        Err(self.outside(path))
    }

    fn outside(&self, path: &Path) -> Error {
        let path = path.strip_prefix(&self.root).unwrap_or(path).display().to_string();
        let source = StoreError::OutsideRoot { location: self.declared.clone(), path: path.clone() };
        Error::PermissionDenied { path, source: Box::new(source) }
    }

    /// Writes a whole file that appears under its name at once, complete and lasting.
    fn write(&self, path: &Path, payload: &PutPayload, create: bool) -> Result<()> {
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).map_err(generic)?;
        let (mut file, staged) = new_staged_file(path).map_err(generic)?;
        let written = payload
            .iter()
            .try_for_each(|part| file.write_all(part))
            .and_then(|()| self.disk.sync_file(&staged, &file))
            .and_then(|()| if create { self.disk.link(&staged, path) } else { self.disk.rename(&staged, path) });
        if create || written.is_err() {
            // What stays behind has a name that listings pass over.
            let _ = fs::remove_file(&staged);
        }
        match written {
            Ok(()) => self.sync_folders(folder),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Err(Error::AlreadyExists { path: path.display().to_string(), source: error.into() })
            }
            Err(error) => Err(generic(error)),
        }
    }

    /// Removes the folder of a removed file if nothing is left in it. It is a run's own, so no other writer relies on it.
    fn sweep(&self, removed: &Path) {
        if let Some(folder) = removed.parent().filter(|folder| *folder != self.root) {
            // A folder that is not empty stays.
            let _ = fs::remove_dir(folder);
        }
    }

    /// Waits for the entries of `folder` and of every folder above it up to the root.
    fn sync_folders(&self, folder: &Path) -> Result<()> {
        folder
            .ancestors()
            .take_while(|above| above.starts_with(&self.root))
            .try_for_each(|above| self.disk.sync_folder(above))
            .map_err(generic)
    }
}

/// A new file beside `path`, named as `object_store` names its own, so that its listings pass over it.
fn new_staged_file(path: &Path) -> io::Result<(File, PathBuf)> {
    let mut number = 1_u64;
    loop {
        let mut staged = path.as_os_str().to_owned();
        staged.push(format!("#{number}"));
        match OpenOptions::new().write(true).create_new(true).open(&staged) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
            opened => return opened.map(|file| (file, staged.into())),
        }
    }
}

/// An error of the machine, as a store would tell it.
pub(crate) fn generic(error: io::Error) -> Error {
    Error::Generic { store: NAME, source: error.into() }
}

fn not_implemented(operation: &str) -> Error {
    Error::NotImplemented { operation: operation.to_owned(), implementer: NAME.to_owned() }
}

impl fmt::Display for LocalStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{NAME} {}", self.folder.declared)
    }
}

#[async_trait]
impl ObjectStore for LocalStore {
    async fn put_opts(&self, location: &ObjectPath, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        let create = match options.mode {
            PutMode::Create => true,
            PutMode::Overwrite => false,
            PutMode::Update(_) => return Err(not_implemented("put with `PutMode::Update`")),
        };
        let path = self.contained(location).await?;
        let folder = Arc::clone(&self.folder);
        spawn_blocking(move || folder.write(&path, &payload, create)).await??;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(
        &self,
        location: &ObjectPath,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        let path = self.contained(location).await?;
        let inner = self.inner.put_multipart_opts(location, options).await?;
        Ok(Box::new(LastingUpload { inner, path, folder: Arc::clone(&self.folder) }))
    }

    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> Result<GetResult> {
        self.contained(location).await?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<ObjectPath>>,
    ) -> BoxStream<'static, Result<ObjectPath>> {
        let store = self.clone();
        let contained = locations.and_then(move |location| {
            let store = store.clone();
            async move { store.contained(&location).await.map(|_| location) }
        });
        let folder = Arc::clone(&self.folder);
        let inner = self.inner.clone();
        let swept = self.inner.delete_stream(contained.boxed()).and_then(move |location| {
            let (folder, path) = (Arc::clone(&folder), inner.path_to_filesystem(&location));
            async move {
                let path = path?;
                spawn_blocking(move || folder.sweep(&path)).await?;
                Ok(location)
            }
        });
        swept.boxed()
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, Result<ObjectMeta>> {
        let store = self.clone();
        let contained = move |found: ObjectMeta| {
            let store = store.clone();
            async move { store.contained(&found.location).await.map(|_| found) }
        };
        self.inner.list(prefix).and_then(contained).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> Result<ListResult> {
        let listed = self.inner.list_with_delimiter(prefix).await?;
        for found in &listed.objects {
            self.contained(&found.location).await?;
        }
        Ok(listed)
    }

    async fn copy_opts(&self, _from: &ObjectPath, _to: &ObjectPath, _options: CopyOptions) -> Result<()> {
        Err(not_implemented("copy"))
    }
}

/// An upload in parts whose completion waits for the disk.
#[derive(Debug)]
struct LastingUpload {
    inner: Box<dyn MultipartUpload>,
    path: PathBuf,
    folder: Arc<Folder>,
}

#[async_trait]
impl MultipartUpload for LastingUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let result = self.inner.complete().await?;
        let (path, folder) = (self.path.clone(), Arc::clone(&self.folder));
        spawn_blocking(move || {
            let file = File::open(&path).map_err(generic)?;
            folder.disk.sync_file(&path, &file).map_err(generic)?;
            folder.sync_folders(path.parent().unwrap_or(&folder.root))
        })
        .await??;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await?;
        let (path, folder) = (self.path.clone(), Arc::clone(&self.folder));
        Ok(spawn_blocking(move || folder.sweep(&path)).await?)
    }
}
