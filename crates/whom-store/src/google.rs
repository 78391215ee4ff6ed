//! Google Cloud Storage.

use std::sync::Arc;

use object_store::{Error, ObjectStore, gcp::GoogleCloudStorageBuilder};

use crate::{
    Cause, ErrorKind, Redacted, StoreError,
    credentials::{Proven, Search},
    network::{Network, permit, unusable},
};

/// The variables that name credentials.
const NAMED: [&str; 4] = [
    "GOOGLE_SERVICE_ACCOUNT",
    "GOOGLE_SERVICE_ACCOUNT_PATH",
    "GOOGLE_SERVICE_ACCOUNT_KEY",
    "GOOGLE_APPLICATION_CREDENTIALS",
];

/// Where `gcloud auth application-default login` leaves credentials, beneath the user's folder.
const WELL_KNOWN: &str = ".config/gcloud/application_default_credentials.json";

impl Network {
    /// Opens a bucket.
    pub(crate) fn open_google(&self, bucket: &str, location: &Redacted) -> Result<Arc<dyn ObjectStore>, StoreError> {
        let invalid = |problem| StoreError::InvalidLocation { location: location.clone(), problem };
        let environment = self.environment();
        let mut builder = GoogleCloudStorageBuilder::new()
            .with_retry(self.retry())
            .with_http_connector(self.connector(location)?)
            .with_bucket_name(bucket);
        for (name, value) in environment.starting_with("GOOGLE_") {
            if let Ok(key) = name.to_ascii_lowercase().parse() {
                builder = builder.with_config(key, value);
            }
        }
        // The name by which Google's own libraries know an emulator, which wants no credentials.
        let emulator = environment.get("STORAGE_EMULATOR_HOST");
        if let Some(endpoint) = emulator {
            let endpoint = if endpoint.contains("://") { endpoint.to_owned() } else { format!("http://{endpoint}") };
            builder = builder.with_base_url(&endpoint).with_skip_signature(true);
        }
        if let Some(endpoint) = environment.get("GOOGLE_BASE_URL") {
            permit(endpoint, environment.is_on("GOOGLE_ALLOW_HTTP"), "GOOGLE_ALLOW_HTTP").map_err(invalid)?;
        }
        let search = self.google_search(location);
        let unreadable = |error: &Error| search.failed(ErrorKind::Configuration, &Cause::new(error).to_string());
        let store = builder.clone().build().map_err(|error| unreadable(&error))?;
        if emulator.is_some() || environment.is_on("GOOGLE_SKIP_SIGNATURE") {
            return Ok(Arc::new(store));
        }
        let keys = Proven::new(Arc::clone(store.credentials()), search);
        let store = builder.with_credentials(Arc::new(keys)).build();
        Ok(Arc::new(store.map_err(|error| unusable(location, &error))?))
    }

    fn google_search(&self, location: &Redacted) -> Search {
        let environment = self.environment();
        let named = NAMED.into_iter().find(|name| environment.get(name).is_some());
        let well_known = environment.home().map(|home| home.join(WELL_KNOWN)).filter(|path| path.is_file());
        let configured =
            named.map(|name| format!("`{name}`")).or_else(|| well_known.map(|path| format!("`{}`", path.display())));
        let unset = |name: &str| format!("`{name}` (not set)");
        Search {
            location: location.clone(),
            passed_over: match &configured {
                Some(_) => Vec::new(),
                None => vec![
                    unset("GOOGLE_SERVICE_ACCOUNT"),
                    unset("GOOGLE_APPLICATION_CREDENTIALS"),
                    format!("`~/{WELL_KNOWN}` (not there)"),
                ],
            },
            unconfigured: configured.is_none().then(|| self.limits().credentials),
            source: configured.unwrap_or_else(|| "the machine's metadata service".to_owned()),
        }
    }
}
