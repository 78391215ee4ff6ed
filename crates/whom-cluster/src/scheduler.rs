//! The scheduler: Ballista's, behind one port, with nothing else listening.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arrow_flight::flight_service_server::FlightServiceServer;
use ballista_core::config::TaskSchedulingPolicy;
use ballista_core::error::BallistaError;
use ballista_core::flight_proxy_service::BallistaFlightProxyService;
use ballista_core::serde::protobuf::scheduler_grpc_server::SchedulerGrpcServer;
use ballista_scheduler::cluster::BallistaCluster;
use ballista_scheduler::config::SchedulerConfig;
use ballista_scheduler::metrics::default_metrics_collector;
use ballista_scheduler::scheduler_process::create_scheduler;
use ballista_scheduler::scheduler_server::SchedulerServer;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use futures::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tonic::transport::server::TcpIncoming;
use whom_engine::EngineError;

use crate::address::Address;
use crate::codec::{OrdersCodec, Reader};
use crate::failure::{chain, configuration, transient};
use crate::front::Front;
use crate::metrics::Exposition;
use crate::security::{MESSAGE_BYTES, Tls, listen};
use crate::settings;

/// How long connections may take to end once the scheduler was told to stop.
const GOOD_BYE: Duration = Duration::from_secs(2);

/// What a scheduler is started with.
#[derive(Clone, Debug)]
pub struct SchedulerOptions {
    /// Where it listens: the one port for executors and clients.
    pub bind: SocketAddr,
    /// The name by which it calls itself in messages, and by which others reach it.
    pub external_host: String,
    /// Whether connections are encrypted and proven.
    pub tls: Tls,
    /// Whether clients fetch answers through it instead of from the executors, which then only it has to reach.
    pub proxy: bool,
    /// How long an executor, or the client of a stage, may be silent before it is taken for lost; whole seconds, at least 2.
    pub lost_after: Duration,
    /// How long executors keep the answers of a stage that nobody fetched; whole seconds.
    pub keep_answers: Duration,
    /// Where figures for Prometheus are given, in plain text without encryption; nowhere unless asked.
    pub metrics: Option<SocketAddr>,
}

impl SchedulerOptions {
    /// A scheduler that waits 30 s for silent executors, has answers kept for 10 min, and gives no figures.
    pub fn new(bind: SocketAddr, external_host: impl Into<String>, tls: Tls) -> Self {
        Self {
            bind,
            external_host: external_host.into(),
            tls,
            proxy: true,
            lost_after: Duration::from_secs(30),
            keep_answers: Duration::from_mins(10),
            metrics: None,
        }
    }

    fn config(&self, port: u16) -> SchedulerConfig {
        let seconds = self.lost_after.as_secs().max(2);
        SchedulerConfig {
            external_host: self.external_host.clone(),
            bind_host: self.bind.ip().to_string(),
            bind_port: port,
            scheduling_policy: TaskSchedulingPolicy::PullStaged,
            finished_job_data_clean_up_interval_seconds: self.keep_answers.as_secs().max(1),
            finished_job_state_clean_up_interval_seconds: self.keep_answers.as_secs().max(1),
            enable_embedded_flight_proxy: self.proxy,
            grpc_server_max_decoding_message_size: MESSAGE_BYTES as u32,
            grpc_server_max_encoding_message_size: MESSAGE_BYTES as u32,
            grpc_client_max_message_size: MESSAGE_BYTES as u32,
            executor_timeout_seconds: seconds,
            expire_dead_executor_interval_seconds: 1,
            no_executors_grace_period_seconds: seconds,
            override_config_producer: Some(Arc::new(settings::of_services)),
            override_physical_codec: Some(Arc::new(OrdersCodec::new(Reader::Scheduler(self.external_host.clone())))),
            override_create_grpc_client_endpoint: Some(self.tls.for_ballista()),
            use_tls: self.tls.is_on(),
            ..SchedulerConfig::default()
        }
    }
}

/// A scheduler that listens.
pub struct Scheduler {
    options: SchedulerOptions,
    address: SocketAddr,
    incoming: TcpIncoming,
    server: SchedulerServer<LogicalPlanNode, PhysicalPlanNode>,
    exposition: Option<Exposition>,
}

impl fmt::Debug for Scheduler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Scheduler").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Scheduler {
    /// Starts listening; requests are answered from [`Self::run`] on.
    ///
    /// # Errors
    /// [`EngineError::Elsewhere`] if the port cannot be listened on.
    pub fn start(options: SchedulerOptions) -> BoxFuture<'static, Result<Self, EngineError>> {
        Box::pin(async move {
            let (incoming, address) = listen(options.bind).await?;
            let exposition = match options.metrics {
                Some(bind) => Some(Exposition::start(bind).await?),
                None => None,
            };
            let config = Arc::new(options.config(address.port()));
            let cluster = BallistaCluster::new_from_config(&config).await.map_err(|error| not_started(&error))?;
            let server = create_scheduler(cluster, config).await.map_err(|error| not_started(&error))?;
            Ok(Self { options, address, incoming, server, exposition })
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it gives figures, if it was asked to.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.exposition.as_ref().map(Exposition::address)
    }

    /// What clients are told to connect to.
    pub fn external_address(&self) -> Address {
        Address::new(self.options.external_host.clone(), self.address.port())
    }

    /// Serves until `stop` is ready. Stages that are running then are lost, and their runs have them done again.
    ///
    /// # Errors
    /// [`EngineError::Elsewhere`] if the port fails, or a certificate or key is none.
    pub fn run(self, stop: BoxFuture<'static, ()>) -> BoxFuture<'static, Result<(), EngineError>> {
        Box::pin(async move {
            let state = Arc::clone(&self.server.state);
            let (tls, proxied) = (self.options.tls.clone(), self.options.proxy);
            let proxy = || {
                let endpoint = Some(tls.for_clients());
                BallistaFlightProxyService::new(MESSAGE_BYTES, MESSAGE_BYTES, tls.is_on(), endpoint)
            };
            let front = Front::new(state, self.options.lost_after, proxied.then(proxy));
            let sweep = tokio::spawn(forsake(front.clone(), self.server.clone()));
            let front = FlightServiceServer::new(front)
                .max_decoding_message_size(MESSAGE_BYTES)
                .max_encoding_message_size(MESSAGE_BYTES);
            let scheduler = SchedulerGrpcServer::new(self.server)
                .max_decoding_message_size(MESSAGE_BYTES)
                .max_encoding_message_size(MESSAGE_BYTES);
            let figures = self.exposition.map(|exposition| tokio::spawn(exposition.run(figures)));
            let server = self.options.tls.server()?.add_service(scheduler).add_service(front);
            let (stopping, stopped) = oneshot::channel();
            let stop = async {
                stop.await;
                // The receiver lives as long as the server does.
                let _ = stopping.send(());
            };
            let ended = tokio::select! {
                ended = server.serve_with_incoming_shutdown(self.incoming, stop) => ended,
                () = async { let _ = stopped.await; sleep(GOOD_BYE).await } => Ok(()),
            };
            sweep.abort();
            if let Some(figures) = figures {
                figures.abort();
            }
            ended.map_err(|error| transient(format!("the scheduler stopped serving: {}", chain(&error))))
        })
    }
}

/// Cancels the jobs of clients that are lost.
async fn forsake(front: Front, server: SchedulerServer<LogicalPlanNode, PhysicalPlanNode>) {
    loop {
        sleep(Duration::from_secs(1)).await;
        for job in front.abandoned() {
            // Should the scheduler not take it now, the job is still abandoned in a second.
            let _ = server.cancel_job(job.into()).await;
        }
    }
}

/// The scheduler's figures as Ballista keeps them.
fn figures() -> Vec<u8> {
    let gathered = default_metrics_collector().and_then(|collector| collector.gather_metrics());
    gathered.ok().flatten().map(|(text, _)| text).unwrap_or_default()
}

fn not_started(error: &BallistaError) -> EngineError {
    configuration(format!("the scheduler cannot be started: {error}"))
}
