//! Where a service of the cluster is.

use std::fmt;
use std::str::FromStr;

use tonic::codegen::http::Uri;
use whom_engine::EngineError;

use crate::failure::configuration;

/// A host and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// The address of a host, which is a name or an IP address (version 6 in brackets).
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self { host: host.into(), port }
    }

    /// The name or IP address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for Address {
    type Err = EngineError;

    /// Reads `df://host:port`.
    fn from_str(text: &str) -> Result<Self, EngineError> {
        let refused = || configuration(format!("`{text}` is not the address of a scheduler; write `df://host:port`"));
        let uri = text.parse::<Uri>().map_err(|_| refused())?;
        let plain = uri.path_and_query().is_none_or(|rest| rest.as_str() == "/");
        match (uri.scheme_str(), uri.host(), uri.port_u16()) {
            (Some("df"), Some(host), Some(port)) if plain && !host.is_empty() => Ok(Self::new(host, port)),
            _ => Err(refused()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "df://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_as_it_is_written() {
        for (text, host, port) in [("df://h.example:50050", "h.example", 50050), ("df://[::1]:7", "[::1]", 7)] {
            let address: Address = text.parse().unwrap();
            assert_eq!((address.host(), address.port(), address.to_string().as_str()), (host, port, text));
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_to_write() {
        for text in ["", "h:1", "http://h:1", "df://h", "df://h:99999", "df://h:1/path", "df://:1"] {
            let error = text.parse::<Address>().unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("`{text}` is not the address of a scheduler; write `df://host:port`")
            );
        }
    }
}
