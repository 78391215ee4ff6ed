//! What all stores of a run that are reached over the network share.

use std::{
    collections::BTreeMap,
    fmt, io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use object_store::{BackoffConfig, ClientOptions, Error, ObjectStore, Result, RetryConfig, http::HttpBuilder};

use crate::{
    Cause, ErrorKind, NetworkLimits, Redacted, StoreError,
    budget::{RetryBudget, Trouble},
    client::Connector,
    environment::Environment,
    local::generic,
    remote::{Remote, Service},
    rooted::Rooted,
    threads::Threads,
};

/// The longest pause between two attempts, in first pauses.
const LONGEST_PAUSE: u32 = 50;

/// The next pause is drawn between the first pause and this many times the one before, so that on average it doubles.
const GROWTH: f64 = 4.0;

/// The environment, the budget of retries, and the threads that the network has for itself, begun when the first
/// store is opened.
pub(crate) struct Network {
    environment: Environment,
    budget: Arc<RetryBudget>,
    threads: Mutex<Option<Arc<Threads>>>,
    /// Buckets, containers and web servers that are open, so that sources in one of them share connections and
    /// credentials.
    opened: Mutex<BTreeMap<String, Arc<dyn ObjectStore>>>,
    /// The buckets whose region nobody named, with what S3 told.
    regions: Mutex<BTreeMap<String, Option<String>>>,
}

impl Network {
    pub(crate) fn new(environment: Environment, limits: NetworkLimits) -> Self {
        let budget = Arc::new(RetryBudget::new(limits));
        Self { environment, budget, threads: Mutex::default(), opened: Mutex::default(), regions: Mutex::default() }
    }

    pub(crate) fn environment(&self) -> &Environment {
        &self.environment
    }

    pub(crate) fn limits(&self) -> NetworkLimits {
        self.budget.limits()
    }

    /// The requests of the run that failed in passing.
    pub(crate) fn failures(&self) -> u64 {
        self.budget.failures()
    }

    /// What goes on while no store answers.
    pub(crate) fn trouble(&self) -> Option<Trouble> {
        self.budget.trouble()
    }

    /// The same environment under other limits, with a budget of its own.
    pub(crate) fn with_limits(&self, limits: NetworkLimits) -> Self {
        Self::new(self.environment.clone(), limits)
    }

    /// Opens the store of `remote`, relative to its root.
    pub(crate) fn open(&self, remote: &Remote, location: &Redacted) -> Result<Rooted, StoreError> {
        let key = format!("{}?{}", remote.origin, remote.query.as_deref().unwrap_or_default());
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(store) = opened.get(&key) {
            return Ok(Rooted::new(Arc::clone(store), remote));
        }
        let store = match remote.service {
            Service::S3 => self.open_s3(&remote.container, location)?,
            Service::Google => self.open_google(&remote.container, location)?,
            Service::Azure => self.open_azure(&remote.container, remote.account.as_deref(), location)?,
            Service::Web => self.open_web(remote, location)?,
        };
        opened.insert(key, Arc::clone(&store));
        Ok(Rooted::new(store, remote))
    }

    /// How one request is retried; the budget is above it.
    pub(crate) fn retry(&self) -> RetryConfig {
        let NetworkLimits { retries_per_request, pause, outage, .. } = self.limits();
        let backoff = BackoffConfig { init_backoff: pause, max_backoff: pause * LONGEST_PAUSE, base: GROWTH };
        RetryConfig { backoff, max_retries: retries_per_request, retry_timeout: outage }
    }

    /// What connects the clients of `location`.
    ///
    /// # Errors
    /// [`StoreError::Failed`] if the machine has no thread to give.
    pub(crate) fn connector(&self, location: &Redacted) -> Result<Connector, StoreError> {
        let threads = self.threads().map_err(|error| StoreError::failed("open", "", location, &generic(error)))?;
        Ok(Connector { threads, budget: Arc::clone(&self.budget), place: location.clone() })
    }

    pub(crate) fn regions(&self) -> MutexGuard<'_, BTreeMap<String, Option<String>>> {
        self.regions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn threads(&self) -> io::Result<Arc<Threads>> {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        match &*threads {
            Some(running) => Ok(Arc::clone(running)),
            None => Ok(Arc::clone(threads.insert(Arc::new(Threads::begin()?)))),
        }
    }

    fn open_web(&self, remote: &Remote, location: &Redacted) -> Result<Arc<dyn ObjectStore>, StoreError> {
        let query = remote.query.as_ref().map_or_else(String::new, |query| format!("?{query}"));
        let opened = HttpBuilder::new()
            .with_url(format!("{}/{query}", remote.origin))
            .with_client_options(ClientOptions::new().with_allow_http(remote.origin.starts_with("http://")))
            .with_retry(self.retry())
            .with_http_connector(self.connector(location)?)
            .build();
        Ok(Arc::new(opened.map_err(|error| unusable(location, &error))?))
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Network").field("limits", &self.limits()).finish_non_exhaustive()
    }
}

/// The refusal of a store that cannot be opened with what is set, before anything is asked.
pub(crate) fn unusable(location: &Redacted, error: &Error) -> StoreError {
    StoreError::find_in(error).cloned().unwrap_or_else(|| StoreError::Failed {
        action: "open",
        path: String::new(),
        location: location.clone(),
        kind: ErrorKind::Configuration,
        cause: Cause::new(error),
    })
}

/// Whether an endpoint may be spoken to without encryption: on this machine always, elsewhere if it is asked for.
///
/// # Errors
/// In words, for an unencrypted endpoint elsewhere.
pub(crate) fn permit(endpoint: &str, asked: bool, variable: &str) -> Result<bool, String> {
    let Some(rest) = endpoint.strip_prefix("http://") else { return Ok(asked) };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let here = host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    if here || asked {
        return Ok(true);
    }
    Err(format!(
        "is reached through `{}`, which is not encrypted; use `https`, or set `{variable}=true` if that is meant",
        Redacted::new(endpoint)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_without_encryption_is_refused_unless_it_is_here_or_asked_for() {
        for endpoint in ["http://localhost:9000", "http://127.0.0.1", "http://[::1]:9/x", "http://127.8.0.1:1/"] {
            assert_eq!(permit(endpoint, false, "X"), Ok(true), "{endpoint}");
        }
        assert_eq!(permit("https://minio:9000", false, "X"), Ok(false));
        assert_eq!(permit("http://minio:9000", true, "X"), Ok(true));
        for endpoint in
            ["http://minio:9000", "http://localhost.evil.example", "http://127.0.0.1.evil.example", "http://10.0.0.1"]
        {
            assert!(permit(endpoint, false, "X").is_err(), "{endpoint}");
        }
        insta::assert_snapshot!(permit("http://k:canary@minio:9000", false, "AWS_ALLOW_HTTP").unwrap_err(), @"is reached through `http://***@minio:9000`, which is not encrypted; use `https`, or set `AWS_ALLOW_HTTP=true` if that is meant");
    }
}
