//! Plans that were sealed: written once beside the published runs, with the time at which the store took them.
//!
//! A registration is believed for its time alone: whoever can write to the store can also remove a registration, or write
//! it anew, but then its time is later. On a disk of this machine whoever owns the file can set its time, too.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::{Error, ObjectMeta, ObjectStoreExt, path::Path as ObjectPath};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Address, Output, Result, StoreError,
    address::Folder,
    commit::{put_if_absent, read},
};

/// The folder of registrations.
const REGISTRATIONS: &str = "_registrations";

/// The version of a registration's layout.
pub const REGISTRATION_VERSION: u32 = 1;

/// A plan as it was sealed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Registration {
    /// The version of this layout.
    pub schema_version: u32,
    /// The experiment.
    pub experiment: String,
    /// The analysis identity, in lower-case hexadecimal digits: the registration's name.
    pub analysis: String,
    /// What the identity covers, for later runs to compare with.
    pub plan: Value,
    /// The version that wrote it.
    pub tool_version: String,
}

/// A registration in a store.
#[derive(Clone, Debug, PartialEq)]
pub struct Registered {
    /// What was sealed.
    pub registration: Registration,
    /// When the store took it, by the store's clock.
    pub registered_at: DateTime<Utc>,
    /// Whether it was written now; otherwise the same plan had been registered before.
    pub fresh: bool,
    /// Where it lies.
    pub address: Address,
}

impl Output {
    /// Seals a plan, unless it is sealed already.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if the store fails,
    /// [`StoreError::RegistrationUnreadable`] if what lies there is no registration.
    pub async fn register(&self, registration: &Registration) -> Result<Registered> {
        let path = path_of(&registration.analysis);
        let failed = |action, error: &Error| self.failed(action, path.as_ref(), error);
        let fresh = match self.store.head(&path).await {
            Ok(_) => false,
            Err(Error::NotFound { .. }) => true,
            Err(error) => return Err(failed("read", &error)),
        };
        if fresh {
            let mut body =
                serde_json::to_vec_pretty(registration).map_err(|error| self.unreadable(&path, error.to_string()))?;
            body.push(b'\n');
            let written = put_if_absent(&*self.store, &path, &Bytes::from(body), self.patience).await;
            written.map_err(|error| failed("write", &error.into_error()))?;
        }
        let meta = self.store.head(&path).await.map_err(|error| failed("read", &error))?;
        Ok(Registered { fresh, ..self.registered(&meta).await? })
    }

    /// The sealed plans of an experiment in the order of their times.
    ///
    /// # Errors
    /// As [`Output::register`].
    pub async fn registrations(&self, experiment: &str) -> Result<Vec<Registered>> {
        let listed: Result<Vec<ObjectMeta>, Error> = self.store.list(Some(&REGISTRATIONS.into())).try_collect().await;
        let listed = listed.map_err(|error| self.failed("list", REGISTRATIONS, &error))?;
        let mut found = Vec::new();
        for meta in listed.iter().filter(|meta| is_registration(&meta.location)) {
            found.push(self.registered(meta).await?);
        }
        found.retain(|registered| registered.registration.experiment == experiment);
        found.sort_by(|one, other| {
            let key = |registered: &Registered| (registered.registered_at, registered.registration.analysis.clone());
            key(one).cmp(&key(other))
        });
        Ok(found)
    }

    async fn registered(&self, meta: &ObjectMeta) -> Result<Registered> {
        let path = &meta.location;
        let body = read(&*self.store, path).await.map_err(|error| self.failed("read", path.as_ref(), &error))?;
        let unreadable = |problem: String| self.unreadable(path, problem);
        let registration: Registration =
            serde_json::from_slice(&body).map_err(|error| unreadable(format!("it is no registration: {error}")))?;
        if registration.schema_version > REGISTRATION_VERSION {
            let version = registration.schema_version;
            return Err(unreadable(format!(
                "it has schema version {version}, this program reads up to {REGISTRATION_VERSION}"
            )));
        }
        let address = Folder::of(&self.location).address(path);
        Ok(Registered { registration, registered_at: meta.last_modified, fresh: false, address })
    }

    fn unreadable(&self, path: &ObjectPath, problem: String) -> StoreError {
        StoreError::RegistrationUnreadable {
            location: self.location.declared().clone(),
            path: path.to_string(),
            problem,
        }
    }
}

fn path_of(analysis: &str) -> ObjectPath {
    ObjectPath::from(format!("{REGISTRATIONS}/{analysis}.json"))
}

/// Whether an object has the name of a registration; stores and people leave other things in folders.
fn is_registration(path: &ObjectPath) -> bool {
    let name = path.filename().and_then(|name| name.strip_suffix(".json"));
    name.is_some_and(|name| {
        name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) && path_of(name) == *path
    })
}
