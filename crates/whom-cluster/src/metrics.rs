//! Figures for Prometheus: one page of plain text for whoever connects.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use whom_engine::EngineError;

use crate::failure::configuration;

/// How long a reader may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A port that gives figures.
#[derive(Debug)]
pub(crate) struct Exposition {
    listener: TcpListener,
    address: SocketAddr,
}

impl Exposition {
    /// Starts listening.
    ///
    /// # Errors
    /// [`EngineError::Elsewhere`] if the port cannot be listened on.
    pub(crate) async fn start(bind: SocketAddr) -> Result<Self, EngineError> {
        let refused = |error: std::io::Error| configuration(format!("no figures can be given on `{bind}`: {error}"));
        let listener = TcpListener::bind(bind).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers every request with what `figures` gives then.
    pub(crate) async fn run(self, figures: impl Fn() -> Vec<u8> + Send + Sync + 'static) {
        loop {
            if let Ok((reader, _)) = self.listener.accept().await {
                let text = figures();
                tokio::spawn(async move {
                    // Whoever does not read in time gets nothing.
                    let _ = timeout(PATIENCE, give(reader, text)).await;
                });
            } else {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn give(mut reader: TcpStream, text: Vec<u8>) -> std::io::Result<()> {
    let mut request = [0; 1024];
    let _ = reader.read(&mut request).await?;
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    reader.write_all(head.as_bytes()).await?;
    reader.write_all(&text).await?;
    reader.shutdown().await
}
