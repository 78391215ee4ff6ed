//! Ballista's loop that pulls tasks from the scheduler, around our workshop.

use std::path::PathBuf;
use std::sync::Arc;

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
use tokio::sync::Semaphore;
use tonic::transport::Channel;
use whom_engine::EngineError;

use crate::codec::{OrdersCodec, Reader};
use crate::failure::transient;
use crate::security::MESSAGE_BYTES;
use crate::settings;
use crate::workshop::Workshop;
use crate::writing::Writing;

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
        let slots = Arc::clone(&self.slots);
        let executor = Arc::new(self.executor());
        let ended = poll_loop(scheduler, executor, codec, None, Some(slots), ExecutorHealth::new()).await;
        transient(match ended {
            Ok(()) => "the executor stopped pulling tasks".to_owned(),
            Err(error) => format!("the executor stopped pulling tasks: {error}"),
        })
    }

    /// Ballista's executor. Its plans hold our operator and nothing that computes, so it needs neither functions nor memory.
    fn executor(self) -> ballista_executor::executor::Executor {
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
            Arc::new(Writing::new(self.workshop.host())),
        )
    }
}
