//! The scheduler's Arrow Flight service: who is there, and answers on their way from executors to clients.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use arrow_flight::flight_service_server::FlightService;
use arrow_flight::{
    Action, ActionType, Criteria, Empty, FlightData, FlightDescriptor, FlightInfo, HandshakeRequest, HandshakeResponse,
    PollInfo, PutResult, SchemaResult, Ticket,
};
use ballista_core::flight_proxy_service::BallistaFlightProxyService;
use ballista_core::serde::protobuf::task_status;
use ballista_scheduler::state::SchedulerState;
use ballista_scheduler::state::execution_stage::ExecutionStage;
use datafusion_proto::protobuf::{LogicalPlanNode, PhysicalPlanNode};
use futures::Stream;
use tonic::{Request, Response, Status, Streaming};

use crate::attention::Attention;
use crate::roster::{ACTION, JobProgress, Member, Roster};
use crate::version::VERSION;

/// What the scheduler serves besides its own protocol.
#[derive(Clone)]
pub(crate) struct Front {
    state: Arc<SchedulerState<LogicalPlanNode, PhysicalPlanNode>>,
    attention: Arc<Attention>,
    lost_after: Duration,
    proxy: Option<BallistaFlightProxyService>,
}

impl Front {
    /// A service that lists executors heard of within `lost_after`, and passes answers on if it has a proxy.
    pub(crate) fn new(
        state: Arc<SchedulerState<LogicalPlanNode, PhysicalPlanNode>>,
        lost_after: Duration,
        proxy: Option<BallistaFlightProxyService>,
    ) -> Self {
        Self { state, attention: Arc::new(Attention::new(lost_after)), lost_after, proxy }
    }

    /// The jobs that run although nobody asked for them within `lost_after`.
    pub(crate) fn abandoned(&self) -> Vec<String> {
        let running = self.state.task_manager.get_running_job_cache();
        let mut running: Vec<String> = running.keys().map(ToString::to_string).collect();
        running.sort();
        self.attention.abandoned(&running, Instant::now())
    }

    async fn roster(&self, job: &str) -> Result<Roster, Status> {
        let failed = |error: ballista_core::error::BallistaError| Status::internal(error.to_string());
        let known = self.state.executor_manager.get_executors_state().await.map_err(failed)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let heard = |last: Option<Duration>| last.is_some_and(|last| now.saturating_sub(last) <= self.lost_after);
        let member = |found: ballista_core::serde::scheduler::ExecutorMetadata| Member {
            host: found.host,
            port: found.port,
            slots: found.specification.vcores as usize,
        };
        let living = known.into_iter().filter(|(_, last, _)| heard(*last)).map(|(found, _, _)| member(found));
        let mut executors: Vec<Member> = living.collect();
        executors.sort();
        Ok(Roster { version: VERSION.to_owned(), executors, job: self.progress(job).await })
    }

    async fn progress(&self, job: &str) -> Option<JobProgress> {
        let running = self.state.task_manager.get_running_job_cache();
        self.attention.ask(job, Instant::now());
        let graph = Arc::clone(&running.get(job)?.execution_graph);
        let graph = graph.read().await;
        let stages = graph.stages().values();
        let tasks = stages.filter_map(|stage| match stage {
            ExecutionStage::Running(stage) => Some(&stage.task_infos),
            _ => None,
        });
        let tasks: Vec<&task_status::Status> = tasks.flatten().map(|task| &task.task_status).collect();
        let count = |wanted: fn(&task_status::Status) -> bool| tasks.iter().filter(|status| wanted(status)).count();
        Some(JobProgress {
            done: count(|status| matches!(status, task_status::Status::Successful(_))),
            running: count(|status| matches!(status, task_status::Status::Running(_))),
        })
    }
}

type Answers<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send + 'static>>;

fn not_served<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("a scheduler of whom does not serve this"))
}

#[tonic::async_trait]
impl FlightService for Front {
    type HandshakeStream = Answers<HandshakeResponse>;
    type ListFlightsStream = Answers<FlightInfo>;
    type DoGetStream = Answers<FlightData>;
    type DoPutStream = Answers<PutResult>;
    type DoExchangeStream = Answers<FlightData>;
    type DoActionStream = Answers<arrow_flight::Result>;
    type ListActionsStream = Answers<ActionType>;

    async fn do_action(&self, request: Request<Action>) -> Result<Response<Self::DoActionStream>, Status> {
        if request.get_ref().r#type != ACTION {
            return not_served();
        }
        let job = String::from_utf8_lossy(&request.get_ref().body).into_owned();
        let body =
            serde_json::to_vec(&self.roster(&job).await?).map_err(|error| Status::internal(error.to_string()))?;
        let answer = arrow_flight::Result { body: body.into() };
        Ok(Response::new(Box::pin(futures::stream::iter([Ok(answer)]))))
    }

    async fn do_get(&self, request: Request<Ticket>) -> Result<Response<Self::DoGetStream>, Status> {
        match &self.proxy {
            Some(proxy) => proxy.do_get(request).await,
            None => not_served(),
        }
    }

    async fn handshake(
        &self,
        _: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Self::HandshakeStream>, Status> {
        not_served()
    }

    async fn list_flights(&self, _: Request<Criteria>) -> Result<Response<Self::ListFlightsStream>, Status> {
        not_served()
    }

    async fn get_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<FlightInfo>, Status> {
        not_served()
    }

    async fn poll_flight_info(&self, _: Request<FlightDescriptor>) -> Result<Response<PollInfo>, Status> {
        not_served()
    }

    async fn get_schema(&self, _: Request<FlightDescriptor>) -> Result<Response<SchemaResult>, Status> {
        not_served()
    }

    async fn do_put(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Self::DoPutStream>, Status> {
        not_served()
    }

    async fn do_exchange(&self, _: Request<Streaming<FlightData>>) -> Result<Response<Self::DoExchangeStream>, Status> {
        not_served()
    }

    async fn list_actions(&self, _: Request<Empty>) -> Result<Response<Self::ListActionsStream>, Status> {
        not_served()
    }
}
