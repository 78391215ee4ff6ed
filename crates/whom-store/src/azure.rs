//! Azure Blob Storage.

use std::sync::Arc;

use object_store::{
    ObjectStore, Result,
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
};

use crate::{
    Redacted, StoreError,
    credentials::{Proven, Search},
    network::{Network, permit, unusable},
};

/// The variables by which other tools know the account.
const ACCOUNT: [&str; 2] = ["AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT"];

/// The settings of which any one says how to get credentials, and their usual variable.
const NAMED: [(AzureConfigKey, &str); 6] = [
    (AzureConfigKey::AccessKey, "AZURE_STORAGE_ACCOUNT_KEY"),
    (AzureConfigKey::SasKey, "AZURE_STORAGE_SAS_KEY"),
    (AzureConfigKey::Token, "AZURE_STORAGE_TOKEN"),
    (AzureConfigKey::ClientSecret, "AZURE_CLIENT_SECRET"),
    (AzureConfigKey::FederatedTokenFile, "AZURE_FEDERATED_TOKEN_FILE"),
    (AzureConfigKey::MsiEndpoint, "MSI_ENDPOINT"),
];

impl Network {
    /// Opens a container, of the account that its address names or of the one in the environment.
    pub(crate) fn open_azure(
        &self,
        container: &str,
        account: Option<&str>,
        location: &Redacted,
    ) -> Result<Arc<dyn ObjectStore>, StoreError> {
        let invalid = |problem| StoreError::InvalidLocation { location: location.clone(), problem };
        let environment = self.environment();
        let account = account.or_else(|| ACCOUNT.into_iter().find_map(|name| environment.get(name)));
        let account = account.ok_or_else(|| {
            invalid("names no storage account; set `AZURE_STORAGE_ACCOUNT_NAME`, or write `abfss://container@account.dfs.core.windows.net/…`".to_owned())
        })?;
        let mut builder =
            MicrosoftAzureBuilder::new().with_retry(self.retry()).with_http_connector(self.connector(location)?);
        for (name, value) in environment.starting_with("AZURE_") {
            if let Ok(key) = name.to_ascii_lowercase().parse() {
                builder = builder.with_config(key, value);
            }
        }
        if let Some(endpoint) = environment.get("MSI_ENDPOINT") {
            builder = builder.with_msi_endpoint(endpoint);
        }
        if let Some(endpoint) = builder.get_config_value(&AzureConfigKey::Endpoint) {
            let allowed =
                permit(&endpoint, environment.is_on("AZURE_ALLOW_HTTP"), "AZURE_ALLOW_HTTP").map_err(invalid)?;
            builder = builder.with_allow_http(allowed);
        }
        let builder = builder.with_account(account).with_container_name(container);
        let search = self.azure_search(&builder, location);
        let opened = builder.clone().build().and_then(|store| {
            if environment.is_on("AZURE_SKIP_SIGNATURE") || environment.is_on("AZURE_STORAGE_USE_EMULATOR") {
                return Ok(store);
            }
            let keys = Proven::new(Arc::clone(store.credentials()), search);
            builder.with_credentials(Arc::new(keys)).build()
        });
        Ok(Arc::new(opened.map_err(|error| unusable(location, &error))?))
    }

    fn azure_search(&self, builder: &MicrosoftAzureBuilder, location: &Redacted) -> Search {
        let by_command = self.environment().is_on("AZURE_USE_AZURE_CLI").then(|| "the `az` command".to_owned());
        let named = NAMED.iter().find(|(key, _)| builder.get_config_value(key).is_some());
        let configured = named.map(|(_, name)| format!("`{name}`")).or(by_command);
        let unset = NAMED.iter().map(|(_, name)| *name).chain(["AZURE_USE_AZURE_CLI"]);
        Search {
            location: location.clone(),
            passed_over: match &configured {
                Some(_) => Vec::new(),
                None => unset.map(|name| format!("`{name}` (not set)")).collect(),
            },
            unconfigured: configured.is_none().then(|| self.limits().credentials),
            source: configured.unwrap_or_else(|| "the machine's metadata service".to_owned()),
        }
    }
}
