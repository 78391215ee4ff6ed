//! Where something published lies.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use object_store::path::Path as ObjectPath;

use crate::{Location, Redacted, location::Place, remote::Remote};

/// Where an output or a published file lies: a path of this machine, or an address such as `s3://bucket/out/x.parquet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Local(PathBuf),
    Remote(Redacted),
}

/// The folder of an output, whose files have addresses.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Folder {
    /// On this machine, without links and `..`.
    Local(PathBuf),
    /// In a store over the network.
    Remote(Remote),
}

impl Folder {
    /// The folder that a location declares.
    pub(crate) fn of(location: &Location) -> Self {
        match location.place() {
            Place::Local(folder) => Self::Local(folder.canonicalize().unwrap_or_else(|_| folder.clone())),
            Place::Remote(remote) => Self::Remote(remote.clone()),
        }
    }

    /// The address of an object beneath it; of the folder itself, if the path is empty.
    pub(crate) fn address(&self, object: &ObjectPath) -> Address {
        Address(match self {
            Self::Local(folder) if object.as_ref().is_empty() => Kind::Local(folder.clone()),
            Self::Local(folder) => Kind::Local(folder.join(object.as_ref())),
            Self::Remote(remote) => Kind::Remote(Redacted::new(remote.address(object))),
        })
    }
}

impl Address {
    /// The path on this machine; none if it lies elsewhere.
    pub fn path(&self) -> Option<&Path> {
        match &self.0 {
            Kind::Local(path) => Some(path),
            Kind::Remote(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Local(path) => path.display().fmt(formatter),
            Kind::Remote(address) => address.fmt(formatter),
        }
    }
}
