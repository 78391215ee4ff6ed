//! The threads that the network has for itself.

use std::{io, num::NonZeroUsize, thread::available_parallelism};

use tokio::runtime::{Builder, Handle, Runtime};

/// The most threads; each can decrypt about a gigabyte a second.
const MOST: usize = 4;

/// A small runtime for requests, which lives as long as any client that uses it.
///
/// A thread that decodes rows must not be the one that reads from a socket: while it works, connections would run into
/// their limits.
#[derive(Debug)]
pub(crate) struct Threads {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Threads {
    /// Begins them.
    ///
    /// # Errors
    /// If the machine has no thread to give.
    pub(crate) fn begin() -> io::Result<Self> {
        let threads = available_parallelism().map_or(1, NonZeroUsize::get).min(MOST);
        let runtime =
            Builder::new_multi_thread().worker_threads(threads).thread_name("whom-network").enable_all().build()?;
        Ok(Self { handle: runtime.handle().clone(), runtime: Some(runtime) })
    }

    pub(crate) fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // A runtime must not be waited for by a task of another one.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn they_may_end_within_a_task() {
        drop(Threads::begin().unwrap());
    }
}
