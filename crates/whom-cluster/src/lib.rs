//! The cluster: the same work on other machines, through Apache DataFusion Ballista. The only crate that names it.
//!
//! A stage of a run is *ordered* ([`whom_engine::StageOrder`]): one kind of work in parts that can be done anywhere. This crate
//! carries orders and answers and knows neither what they say. [`Cluster`] has them done, [`Executor`] does them with a
//! [`whom_engine::Worker`], [`Scheduler`] brings the two together.
//!
//! # Why orders, and not plans with shuffles
//!
//! Ballista would take the plan of a query apart at its exchanges and keep the rows between them on the disks of executors. Here
//! a plan is a single operator over the list of its parts, so that Ballista has one stage without an exchange to run, and:
//!
//! - **A lost executor costs only the parts that it was at.** Rows that many parts need go through the shared storage, under
//!   names that nobody else has; what lies on an executor's disk are answers, small, and for seconds. With shuffles, every
//!   stage that read from the lost machine is done again, and those before it.
//! - **The result does not depend on the cluster.** A part is done by the code that does it embedded; answers are merged by the
//!   caller, in the order of the parts. A part that is done twice is answered twice with the same bytes.
//! - **What fails says who must act.** A refusal travels as what it is, and ends the stage at once; what may pass is tried
//!   again, by Ballista part by part, then by us stage by stage.
//! - **It stays simple**: no function of ours is registered anywhere, no state crosses an exchange, nothing spills but the work
//!   itself, and executors come and go.
//!
//! What Ballista gives is what is hard to get right: who is there, who does what, who was lost, and trying again.
//!
//! # Versions
//!
//! Orders carry the version of the program that wrote them, in a form that every version can read. A scheduler or an executor
//! of another version refuses at once, naming both.
//!
//! # What listens
//!
//! The scheduler on one port, each executor on one port; executors pull, so nobody connects to them but who fetches answers.
//! With [`Tls::Mutual`] nobody is let in without a certificate of the one private authority.
//!
//! # An example
//!
//! ```
//! use std::{sync::Arc, time::Duration};
//! use bytes::Bytes;
//! use whom_cluster::{Cluster, ClusterOptions, Executor, ExecutorOptions, Patience, Scheduler, SchedulerOptions, Tls};
//! use whom_engine::{Dispatch, EngineError, Order, StageOrder, Worker};
//!
//! /// Gives back what it is told, backwards.
//! #[derive(Debug)]
//! struct Backwards;
//!
//! #[async_trait::async_trait]
//! impl Worker for Backwards {
//!     async fn work(&self, order: Order) -> Result<Bytes, EngineError> {
//!         Ok(order.part.iter().rev().copied().collect())
//!     }
//! }
//!
//! # fn main() -> Result<(), EngineError> {
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async {
//! let any = ([127, 0, 0, 1], 0).into();
//! let scheduler = Scheduler::start(SchedulerOptions::new(any, "localhost", Tls::Off)).await?;
//! let address = scheduler.external_address();
//! tokio::spawn(scheduler.run(Box::pin(std::future::pending())));
//!
//! # let folder = tempfile::tempdir().unwrap();
//! let options = ExecutorOptions {
//!     scheduler: address.clone(),
//!     bind: any,
//!     external_host: "localhost".to_owned(),
//!     tls: Tls::Off,
//!     work: folder.path().to_owned(),
//!     slots: 2,
//!     memory: 1 << 30,
//!     heartbeat: Duration::from_secs(5),
//!     patience: Duration::from_secs(20),
//!     metrics: None,
//! };
//! let executor = Executor::start(options, Arc::new(Backwards)).await?;
//! tokio::spawn(executor.run(Box::pin(std::future::pending())));
//!
//! let patience = Patience::default();
//! let options = ClusterOptions { scheduler: address, tls: Tls::Off, patience, cancel: Arc::default() };
//! let cluster = Cluster::connect(options).await?;
//! let parts = vec![Bytes::from_static(b"mohw"), Bytes::from_static(b"rof")];
//! let answers = cluster.dispatch(StageOrder { name: "words".to_owned(), common: Bytes::new(), parts }).await?;
//! assert_eq!(answers, ["whom", "for"]);
//! # Ok(())
//! # })
//! # }
//! ```

mod address;
mod answer;
mod answered;
mod attention;
mod certificates;
mod cluster;
mod codec;
mod connections;
mod executor;
mod failure;
mod front;
mod header;
mod job;
mod metrics;
mod options;
mod orders_exec;
mod pulling;
mod roster;
mod scheduler;
mod security;
mod settings;
mod task;
#[cfg(test)]
mod tests;
mod told;
mod version;
mod watch;
mod workshop;
mod writing;

pub use address::Address;
pub use certificates::{HostFiles, make_certificates};
pub use cluster::Cluster;
pub use executor::{Executor, ExecutorOptions};
pub use options::{ClusterOptions, Patience};
pub use scheduler::{Scheduler, SchedulerOptions};
pub use security::{Credentials, Tls};
