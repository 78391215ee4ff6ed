//! From a location to the store behind it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use object_store::{Error, ObjectStore, ObjectStoreExt, path::Path as ObjectPath};

use crate::{
    FaultPlan, FaultStore, Location, NetworkLimits, Result, StoreError, Trouble,
    disk::{Disk, RealDisk},
    environment::Environment,
    local::{LocalStore, generic},
    location::Place,
    network::Network,
    pending_uploads::PendingUploads,
    remote::{Extent, Remote, Service},
};

/// Opens the stores of one run.
///
/// All stores of a run come from here, so that one fault plan counts every store call of the process, and one budget of
/// retries covers every request of the run; a clone belongs to the same run. Stores over the network are set up from the
/// environment, by the variables that the tools of their makers use:
///
/// | store | where it is | who asks, the first that is set |
/// |---|---|---|
/// | `s3://` | `AWS_REGION`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, or the profile; with neither, S3 is asked for the region | `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; the profile of `AWS_PROFILE` or `default` (keys, `credential_process`, single sign-on, roles); `AWS_WEB_IDENTITY_TOKEN_FILE`; the container's; the machine's |
/// | `gs://` | `GOOGLE_BASE_URL`, `STORAGE_EMULATOR_HOST` | `GOOGLE_SERVICE_ACCOUNT`, `GOOGLE_SERVICE_ACCOUNT_KEY`; `GOOGLE_APPLICATION_CREDENTIALS`; what `gcloud auth application-default login` left; the machine's |
/// | `az://` | `AZURE_STORAGE_ACCOUNT_NAME`, `AZURE_STORAGE_ENDPOINT` | `AZURE_STORAGE_ACCOUNT_KEY`, `AZURE_STORAGE_SAS_KEY`, `AZURE_CLIENT_SECRET`, `AZURE_FEDERATED_TOKEN_FILE`; the `az` command with `AZURE_USE_AZURE_CLI=true`; the machine's |
///
/// Every other variable that `object_store` knows counts as well: `AWS_SKIP_SIGNATURE` and its kin for what is public,
/// `AWS_ALLOW_HTTP` for an endpoint that is not encrypted and not on this machine, `AWS_SERVER_SIDE_ENCRYPTION`.
#[derive(Debug, Clone)]
pub struct Stores {
    faults: Option<Arc<FaultPlan>>,
    disk: Arc<dyn Disk>,
    network: Arc<Network>,
}

impl Default for Stores {
    fn default() -> Self {
        Self::new()
    }
}

/// An opened source: the store, and the files in it that were declared, if it was not a folder.
pub(crate) struct OpenedInput {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) files: Option<Vec<ObjectPath>>,
}

impl Stores {
    /// Stores without faults, set up from the environment of this process as it is now.
    pub fn new() -> Self {
        Self::of(Environment::of_process())
    }

    /// Stores without faults, set up from these variables instead of those of the process.
    pub fn with_environment(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        Self::of(variables.into_iter().collect())
    }

    fn of(environment: Environment) -> Self {
        let network = Arc::new(Network::new(environment, NetworkLimits::default()));
        Self { faults: None, disk: Arc::new(RealDisk), network }
    }

    /// Stores whose calls are counted by `faults` and fail as it says; for tests and for the hidden kill switch.
    #[must_use]
    pub fn with_faults(self, faults: Arc<FaultPlan>) -> Self {
        Self { faults: Some(faults), ..self }
    }

    /// The faults that strike their calls, if there are any.
    pub fn faults(&self) -> Option<&Arc<FaultPlan>> {
        self.faults.as_ref()
    }

    /// The same stores with another patience, and a budget of their own.
    #[must_use]
    pub fn with_limits(self, limits: NetworkLimits) -> Self {
        Self { network: Arc::new(self.network.with_limits(limits)), ..self }
    }

    /// Stores for another run of the same process: the same environment and fault plan, with a budget of its own.
    #[must_use]
    pub fn of_another_run(&self) -> Self {
        self.clone().with_limits(NetworkLimits::default())
    }

    /// Stores on another disk; tests record what happens to it.
    #[cfg(test)]
    pub(crate) fn with_disk(self, disk: Arc<dyn Disk>) -> Self {
        Self { disk, ..self }
    }

    /// How many requests over the network failed in passing so far, and were tried again unless the budget was spent.
    pub fn failed_requests(&self) -> u64 {
        self.network.failures()
    }

    /// The buckets of this run whose region nobody named, with the region that S3 told.
    pub fn found_regions(&self) -> Vec<(String, String)> {
        let regions = self.network.regions();
        regions.iter().filter_map(|(bucket, region)| Some((bucket.clone(), region.clone()?))).collect()
    }

    /// What goes on while no store over the network answers; `None` while they do, or nobody asks them.
    pub fn trouble(&self) -> Option<Trouble> {
        self.network.trouble()
    }

    /// Opens an existing folder, the folder of an existing file, or the declared files of a web server.
    pub(crate) async fn open_input(&self, location: &Location) -> Result<OpenedInput> {
        match location.place() {
            Place::Local(path) => {
                let (store, file) = self.open_local(path, location)?;
                Ok(OpenedInput { store, files: file.map(|file| vec![file]) })
            }
            Place::Remote(remote) => self.open_remote(remote, location).await,
        }
    }

    /// Opens a folder to read what is published there.
    pub(crate) fn open_output(&self, location: &Location) -> Result<Arc<dyn ObjectStore>> {
        match location.place() {
            Place::Local(path) => Ok(self.open_local(path, location)?.0),
            Place::Remote(remote) => Ok(self.wrapped(self.network.open(remote, location.declared())?)),
        }
    }

    /// Opens a folder for writing; makes it if it does not exist.
    pub(crate) fn create_output(&self, location: &Location) -> Result<Arc<dyn ObjectStore>> {
        let Place::Local(folder) = location.place() else { return self.open_output(location) };
        LocalStore::create(location.declared(), folder, Arc::clone(&self.disk))
            .map(|store| self.wrapped(store))
            .map_err(|error| StoreError::failed("create", "", location.declared(), &error))
    }

    /// What is being uploaded to a folder, where parts of an upload that nobody completes stay for ever.
    pub(crate) fn pending_uploads(&self, location: &Location) -> Result<Option<PendingUploads>> {
        match location.place() {
            Place::Remote(remote) if remote.service == Service::S3 => {
                self.network.s3_uploads(remote, location.declared())
            }
            _ => Ok(None),
        }
    }

    fn open_local(&self, path: &Path, location: &Location) -> Result<(Arc<dyn ObjectStore>, Option<ObjectPath>)> {
        let missing = || StoreError::LocationNotFound { location: location.declared().clone() };
        let real = path.canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => missing(),
            _ => StoreError::failed("open", "", location.declared(), &generic(error)),
        })?;
        let (root, file) = if real.is_dir() { (real, None) } else { file_in_folder(&real).ok_or_else(missing)? };
        let opened = LocalStore::open(location.declared(), &root, Arc::clone(&self.disk));
        let store = opened.map_err(|error| StoreError::failed("open", "", location.declared(), &error))?;
        Ok((self.wrapped(store), file))
    }

    async fn open_remote(&self, remote: &Remote, location: &Location) -> Result<OpenedInput> {
        let store = self.network.open(remote, location.declared())?;
        let files = match &remote.extent {
            Extent::Folder => None,
            Extent::Files(files) => Some(files.clone()),
            Extent::FileOrFolder => {
                let folder = store.at(ObjectPath::ROOT);
                if self.is_file(self.wrapped(folder), &remote.root, location).await? {
                    let (parent, name) = parent_and_name(&remote.root);
                    return Ok(OpenedInput { store: self.wrapped(store.at(parent)), files: Some(vec![name]) });
                }
                None
            }
        };
        Ok(OpenedInput { store: self.wrapped(store), files })
    }

    /// Whether there is an object with data at `path`. Some stores keep empty objects in the place of folders.
    async fn is_file(&self, store: Arc<dyn ObjectStore>, path: &ObjectPath, location: &Location) -> Result<bool> {
        match store.head(path).await {
            Ok(found) => Ok(found.size > 0),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(StoreError::failed("open", "", location.declared(), &error)),
        }
    }

    fn wrapped(&self, store: impl ObjectStore) -> Arc<dyn ObjectStore> {
        match &self.faults {
            None => Arc::new(store),
            Some(plan) => Arc::new(FaultStore::new(Arc::new(store), Arc::clone(plan))),
        }
    }
}

/// The folder of a file and its name as an object.
fn file_in_folder(file: &Path) -> Option<(PathBuf, Option<ObjectPath>)> {
    let name = ObjectPath::parse(file.file_name()?.to_str()?).ok()?;
    Some((file.parent()?.to_owned(), Some(name)))
}

/// The folder of an object and its name.
fn parent_and_name(object: &ObjectPath) -> (ObjectPath, ObjectPath) {
    let mut parts: Vec<_> = object.parts().collect();
    let name = parts.pop();
    (parts.into_iter().collect(), name.into_iter().collect())
}
