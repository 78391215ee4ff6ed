//! From a location to the store behind it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use object_store::{ObjectStore, path::Path as ObjectPath};

use crate::{
    FaultPlan, FaultStore, Location, Result, StoreError,
    disk::{Disk, RealDisk},
    local::{LocalStore, generic},
};

/// Opens the stores of one run.
///
/// All stores of a run come from here, so that one fault plan counts every store call of the process.
#[derive(Debug, Clone)]
pub struct Stores {
    faults: Option<Arc<FaultPlan>>,
    disk: Arc<dyn Disk>,
}

impl Default for Stores {
    fn default() -> Self {
        Self::new()
    }
}

/// An opened source: the store, and the one file in it that was declared, if it was a file.
pub(crate) struct OpenedInput {
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) file: Option<ObjectPath>,
}

impl Stores {
    /// Stores without faults.
    pub fn new() -> Self {
        Self { faults: None, disk: Arc::new(RealDisk) }
    }

    /// Stores whose calls are counted by `faults` and fail as it says; for tests and for the hidden kill switch.
    #[must_use]
    pub fn with_faults(self, faults: Arc<FaultPlan>) -> Self {
        Self { faults: Some(faults), ..self }
    }

    /// Stores on another disk; tests record what happens to it.
    #[cfg(test)]
    pub(crate) fn with_disk(self, disk: Arc<dyn Disk>) -> Self {
        Self { disk, ..self }
    }

    /// Opens an existing folder, or the folder of an existing file.
    pub(crate) fn open_input(&self, location: &Location) -> Result<OpenedInput> {
        let missing = || StoreError::LocationNotFound { location: location.declared().clone() };
        let real = location.folder().canonicalize().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => missing(),
            _ => StoreError::failed("open", "", location.declared(), &generic(error)),
        })?;
        let (root, file) = if real.is_dir() { (real, None) } else { file_in_folder(&real).ok_or_else(missing)? };
        let opened = LocalStore::open(location.declared(), &root, Arc::clone(&self.disk));
        let store = opened.map_err(|error| StoreError::failed("open", "", location.declared(), &error))?;
        Ok(OpenedInput { store: self.wrapped(store), file })
    }

    /// Opens a folder for writing; makes it if it does not exist.
    pub(crate) fn create_output(&self, location: &Location) -> Result<Arc<dyn ObjectStore>> {
        LocalStore::create(location.declared(), location.folder(), Arc::clone(&self.disk))
            .map(|store| self.wrapped(store))
            .map_err(|error| StoreError::failed("create", "", location.declared(), &error))
    }

    fn wrapped(&self, store: LocalStore) -> Arc<dyn ObjectStore> {
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
