//! Connections that are kept from stage to stage: a stage of some milliseconds has no time for handshakes.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ballista_core::client::BallistaClient;
use ballista_core::error::BallistaError;
use tonic::transport::Channel;
use whom_engine::EngineError;

use crate::address::Address;
use crate::failure::chain;
use crate::security::{MESSAGE_BYTES, Tls};

/// How often Ballista asks again for an answer that it did not get, and how long it waits before, in milliseconds.
const RETRIES: (u8, u64) = (2, 200);

/// The connections of a client. One that broke is made anew by who uses it next; all are given up after a failure.
#[derive(Default)]
pub(crate) struct Connections {
    scheduler: Mutex<Option<Channel>>,
    executors: Mutex<BTreeMap<(String, u16), BallistaClient>>,
}

/// Why there is no connection.
pub(crate) enum Unconnected {
    /// It cannot be reached now.
    Unreachable(String),
    /// It can never be.
    Impossible(EngineError),
}

impl Connections {
    /// The connection to the scheduler.
    pub(crate) async fn scheduler(&self, address: &Address, tls: &Tls) -> Result<Channel, Unconnected> {
        let kept = locked(&self.scheduler).clone();
        if let Some(channel) = kept {
            return Ok(channel);
        }
        let endpoint = tls.endpoint(address).map_err(Unconnected::Impossible)?;
        let made = endpoint.connect().await.map_err(|error| Unconnected::Unreachable(chain(&error)))?;
        *locked(&self.scheduler) = Some(made.clone());
        Ok(made)
    }

    /// The connection to an executor, or to who passes its answers on.
    pub(crate) async fn executor(&self, host: &str, port: u16, tls: &Tls) -> Result<BallistaClient, BallistaError> {
        let place = (host.to_owned(), port);
        let kept = locked(&self.executors).get(&place).cloned();
        if let Some(client) = kept {
            return Ok(client);
        }
        let (is_on, endpoint, (retries, pause)) = (tls.is_on(), Some(tls.for_clients()), RETRIES);
        let made = BallistaClient::try_new(host, port, MESSAGE_BYTES, is_on, endpoint, retries, pause, 0, 0).await?;
        locked(&self.executors).insert(place, made.clone());
        Ok(made)
    }

    /// Gives all connections up.
    pub(crate) fn give_up(&self) {
        locked(&self.scheduler).take();
        locked(&self.executors).clear();
    }
}

fn locked<T>(kept: &Mutex<T>) -> MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}
