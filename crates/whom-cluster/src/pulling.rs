//! Ballista's loop that pulls tasks from the scheduler, around our workshop.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use ballista_core::registry::BallistaFunctionRegistry;
use ballista_core::serde::protobuf::ExecutorRegistration;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::{BallistaCodec, BallistaLogicalExtensionCodec};
use ballista_core::{ConfigProducer, RuntimeProducer};
use ballista_executor::execution_loop::poll_loop;
use ballista_executor::health::ExecutorHealth;
use ballista_executor::metrics::LoggingMetricsCollector;
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;
use whom_engine::EngineError;

use crate::codec::{OrdersCodec, Reader};
use crate::failure::transient;
use crate::security::MESSAGE_BYTES;
use crate::settings;
use crate::workshop::Workshop;
use crate::writing::Writing;

/// How often a free slot asks for a task: while there was something to do a moment ago,
/// and otherwise. A run has dozens of stages, many of a few milliseconds, one after the other.
const ASK: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(50));

/// How long ago a moment is.
const MOMENT: Duration = Duration::from_millis(500);

/// How long Ballista takes at most, from the end of a task to when its loop can tell of it.
const NOTED: Duration = Duration::from_millis(1);

/// Wakes the loop whenever it is time to ask, or to tell that an answer was written.
async fn remind(now: &Notify, written: &Notify, workshop: &Workshop) -> Infallible {
    let (mut seen, mut last) = (0, None::<Instant>);
    loop {
        let begun = workshop.counts().begun.load(Ordering::Relaxed);
        if begun != seen || workshop.busy() > 0 {
            (seen, last) = (begun, Some(Instant::now()));
        }
        let is_busy = last.is_some_and(|last| last.elapsed() < MOMENT);
        tokio::select! {
            () = sleep(if is_busy { ASK.0 } else { ASK.1 }) => {}
            () = written.notified() => sleep(NOTED).await,
        }
        now.notify_one();
    }
}

/// What the loop needs.
pub(crate) struct Pulling {
    pub(crate) channel: Channel,
    pub(crate) registration: ExecutorRegistration,
    /// Where answers wait to be fetched.
    pub(crate) answers: PathBuf,
    /// A permit for each part that may be done at once.
    pub(crate) slots: Arc<Semaphore>,
    pub(crate) workshop: Arc<Workshop>,
}

impl Pulling {
    /// Pulls and does tasks for as long as the future is polled; ends only with an error.
    pub(crate) async fn run(self) -> EngineError {
        let scheduler = SchedulerGrpcClient::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES)
            .max_encoding_message_size(MESSAGE_BYTES);
        let codec: BallistaCodec<LogicalPlanNode, PhysicalPlanNode> = BallistaCodec::new(
            Arc::new(BallistaLogicalExtensionCodec::default()),
            Arc::new(OrdersCodec::new(Reader::Executor(Arc::clone(&self.workshop)))),
        );
        let (slots, workshop) = (Arc::clone(&self.slots), Arc::clone(&self.workshop));
        let written = Arc::new(Notify::new());
        let executor = Arc::new(self.executor(Arc::clone(&written)));
        let now = Arc::new(Notify::new());
        let polling = poll_loop(scheduler, executor, codec, Some(Arc::clone(&now)), Some(slots), ExecutorHealth::new());
        let ended = tokio::select! {
            ended = polling => ended,
            never = remind(&now, &written, &workshop) => match never {},
        };
        transient(match ended {
            Ok(()) => "the executor stopped pulling tasks".to_owned(),
            Err(error) => format!("the executor stopped pulling tasks: {error}"),
        })
    }

    /// Ballista's executor. Its plans hold our operator and nothing that computes, so it needs neither functions nor memory.
    fn executor(self, written: Arc<Notify>) -> ballista_executor::executor::Executor {
        let config: ConfigProducer = Arc::new(settings::of_services);
        let runtime: RuntimeProducer = Arc::new(|_| RuntimeEnvBuilder::new().build_arc());
        ballista_executor::executor::Executor::new(
            self.registration,
            &self.answers.to_string_lossy(),
            runtime,
            config,
            Arc::new(BallistaFunctionRegistry::default()),
            Arc::new(LoggingMetricsCollector::default()),
            self.slots.available_permits(),
            Arc::new(Writing::new(self.workshop.host(), written)),
        )
    }
}
