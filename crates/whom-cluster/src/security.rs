//! Who may talk to whom: everybody with a certificate of the one private authority, and nobody else.

use std::fmt;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ballista_core::extension::{BallistaConfigGrpcEndpoint, EndpointOverrideFn};
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig};
use whom_engine::EngineError;

use crate::address::Address;
use crate::failure::{chain, configuration};

/// The most bytes of a message of gRPC, on every side.
pub(crate) const MESSAGE_BYTES: usize = 256 << 20;

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// How long a request may take to be answered. Connections that broke are noticed earlier, by their silence.
const REQUEST: Duration = Duration::from_mins(1);

/// How often a silent connection is asked whether it still stands, and how long it may take to answer.
const KEEP_ALIVE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_secs(5));

/// Whether connections are encrypted, and both sides prove who they are.
#[derive(Clone, Debug)]
pub enum Tls {
    /// Neither: for networks where nobody else is.
    Off,
    /// Both.
    Mutual(Credentials),
}

/// What a member of the cluster proves with that it is one.
#[derive(Clone)]
pub struct Credentials {
    authority: Vec<u8>,
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Credentials {
    /// Reads the authority's certificate, and a host's certificate and key, all in PEM.
    ///
    /// # Errors
    /// [`EngineError::Elsewhere`] that names the file that cannot be read.
    pub fn read(authority: &Path, certificate: &Path, key: &Path) -> Result<Self, EngineError> {
        let read = |path: &Path| {
            fs::read(path).map_err(|error| configuration(format!("`{}` cannot be read: {error}", path.display())))
        };
        Ok(Self { authority: read(authority)?, certificate: read(certificate)?, key: read(key)? })
    }

    /// Credentials from their PEM texts.
    pub fn new(authority: &str, certificate: &str, key: &str) -> Self {
        let bytes = |text: &str| text.as_bytes().to_vec();
        Self { authority: bytes(authority), certificate: bytes(certificate), key: bytes(key) }
    }

    fn identity(&self) -> Identity {
        Identity::from_pem(&self.certificate, &self.key)
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Credentials")
    }
}

impl Tls {
    /// Whether connections are encrypted.
    pub(crate) fn is_on(&self) -> bool {
        matches!(self, Self::Mutual(_))
    }

    /// Where and how to connect to a service.
    ///
    /// # Errors
    /// [`EngineError::Elsewhere`] if the address or a certificate is none.
    pub(crate) fn endpoint(&self, address: &Address) -> Result<Endpoint, EngineError> {
        let scheme = if self.is_on() { "https" } else { "http" };
        let url = format!("{scheme}://{}:{}", address.host(), address.port());
        let endpoint = Endpoint::from_shared(url);
        let endpoint = endpoint.map_err(|error| configuration(format!("`{address}`: {}", chain(&error))))?;
        self.complete(endpoint).map_err(|error| configuration(format!("a certificate or key: {}", chain(&error))))
    }

    /// An endpoint with what all connections have in common.
    fn complete(&self, endpoint: Endpoint) -> Result<Endpoint, tonic::transport::Error> {
        let endpoint = endpoint
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE.0)
            .keep_alive_timeout(KEEP_ALIVE.1)
            .keep_alive_while_idle(true);
        match self {
            Self::Off => Ok(endpoint),
            Self::Mutual(credentials) => endpoint.tls_config(
                ClientTlsConfig::new()
                    .ca_certificate(Certificate::from_pem(&credentials.authority))
                    .identity(credentials.identity()),
            ),
        }
    }

    /// The same for the connections that Ballista makes.
    pub(crate) fn for_ballista(&self) -> EndpointOverrideFn {
        let tls = self.clone();
        Arc::new(move |endpoint| Ok(tls.complete(endpoint)?))
    }

    /// The same, as Ballista's clients want it.
    pub(crate) fn for_clients(&self) -> Arc<BallistaConfigGrpcEndpoint> {
        Arc::new(BallistaConfigGrpcEndpoint::new(self.for_ballista()))
    }

    /// A server that lets nobody in without a certificate of the authority.
    ///
    /// # Errors
    /// [`EngineError::Elsewhere`] if a certificate or key is none.
    pub(crate) fn server(&self) -> Result<Server, EngineError> {
        let server =
            Server::builder().http2_keepalive_interval(Some(KEEP_ALIVE.0)).http2_keepalive_timeout(Some(KEEP_ALIVE.1));
        let Self::Mutual(credentials) = self else { return Ok(server) };
        let tls = ServerTlsConfig::new()
            .identity(credentials.identity())
            .client_ca_root(Certificate::from_pem(&credentials.authority))
            .client_auth_optional(false);
        server.tls_config(tls).map_err(|error| configuration(format!("a certificate or key: {}", chain(&error))))
    }
}

/// A port that is being listened on from now.
///
/// # Errors
/// [`EngineError::Elsewhere`] if another program does already, or the address is not one of this machine.
pub(crate) async fn listen(bind: std::net::SocketAddr) -> Result<(TcpIncoming, std::net::SocketAddr), EngineError> {
    let refused = |error: std::io::Error| configuration(format!("nothing can listen on `{bind}`: {error}"));
    let listener = tokio::net::TcpListener::bind(bind).await.map_err(refused)?;
    let bound = listener.local_addr().map_err(refused)?;
    Ok((TcpIncoming::from(listener).with_nodelay(Some(true)), bound))
}
