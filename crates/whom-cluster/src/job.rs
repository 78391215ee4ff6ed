//! One attempt at a stage: handed in, watched to its end, and its answers fetched.

use std::collections::BTreeMap;
use std::time::Duration;

use ballista_core::client::BallistaClient;
use ballista_core::error::BallistaError;
use ballista_core::serde::protobuf::execute_query_params::Query;
use ballista_core::serde::protobuf::get_job_status_result::FlightProxy;
use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    CancelJobParams, CleanJobDataParams, ExecuteQueryParams, GetJobStatusParams, GetJobStatusResult, KeyValuePair,
    PartitionLocation, execute_query_result, job_status,
};
use ballista_core::serde::scheduler::ShuffleLayout;
use ballista_core::version::insert_version_header;
use datafusion::arrow::array::RecordBatch;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tonic::transport::Channel;
use whom_engine::EngineError;

use crate::answer::{Answer, put_together};
use crate::cluster::Cluster;
use crate::failure::{Failure, of_job, transient};
use crate::roster::Roster;
use crate::security::MESSAGE_BYTES;

/// The pause before the state of a job is asked for again: a part of the time that it has taken, and at least and at most so
/// much. A stage is noticed to have ended when it has taken that part longer.
const PAUSE: (u32, Duration, Duration) = (8, Duration::from_millis(2), Duration::from_millis(500));

/// How often it is asked who is there to do it, and how far it is.
const LOOK: Duration = Duration::from_secs(1);

/// Answers that are fetched at once, and held until those before them are taken.
const FETCHES: usize = 8;

/// A job of Ballista: one attempt at a stage.
pub(crate) struct Job<'a> {
    cluster: &'a Cluster,
    channel: Channel,
    id: String,
}

/// Where the answers lie, and who passes them on.
pub(crate) struct Done {
    locations: Vec<PartitionLocation>,
    proxied: bool,
}

impl<'a> Job<'a> {
    /// Hands in the plan of a stage, encoded, with Ballista's settings for it.
    pub(crate) async fn submit(
        cluster: &'a Cluster,
        settings: Vec<KeyValuePair>,
        plan: Vec<u8>,
    ) -> Result<Self, Failure> {
        let channel = cluster.channel().await?;
        let query = ExecuteQueryParams {
            query: Some(Query::PhysicalPlan(plan)),
            settings,
            session_id: cluster.session().to_owned(),
            operation_id: uuid::Uuid::new_v4().to_string(),
        };
        let mut request = tonic::Request::new(query);
        insert_version_header(request.metadata_mut());
        let answer = client(&channel).execute_query(request).await.map_err(|status| cluster.refused(&status))?;
        match answer.into_inner().result {
            Some(execute_query_result::Result::Success(accepted)) => Ok(Self { cluster, channel, id: accepted.job_id }),
            Some(execute_query_result::Result::Failure(failure)) => Err(of_job(&format!("{failure:?}"))),
            None => Err(Failure::Passing("the scheduler answered nothing".to_owned())),
        }
    }

    /// Waits for the end of the job, which the cancel flag and deadlines bring about if nothing else does.
    pub(crate) async fn watch(&self, deadline: Instant) -> Result<Done, Failure> {
        let ended = self.watch_until(deadline).await;
        if let Err(Failure::Final(_)) = &ended {
            // A job that ended by itself does not mind.
            self.tell(client(&self.channel).cancel_job(CancelJobParams { job_id: self.id.clone() })).await;
        }
        ended
    }

    async fn watch_until(&self, deadline: Instant) -> Result<Done, Failure> {
        let patience = self.cluster.patience();
        let (begun, mut known) = (Instant::now(), false);
        let (mut heard, mut attended, mut looked) = (Instant::now(), Instant::now(), Instant::now());
        loop {
            self.cluster.check_cancelled()?;
            let now = Instant::now();
            if now >= deadline {
                return Err(transient(format!("the stage is not done after {:?}", patience.stage)).into());
            }
            match self.ask().await {
                Some(state) => {
                    heard = now;
                    let known_before = known;
                    known |= state.status.is_some();
                    if let Some(done) = ended(state, known_before)? {
                        return Ok(done);
                    }
                }
                None if heard.elapsed() > patience.scheduler => {
                    return Err(Failure::Passing("the scheduler does not answer any more".to_owned()));
                }
                None => {}
            }
            if looked.elapsed() >= LOOK {
                looked = Instant::now();
                attended = if self.is_unattended().await { attended } else { looked };
            }
            if attended.elapsed() > patience.executors {
                return Err(self.cluster.nobody_there().into());
            }
            let (part, least, most) = PAUSE;
            sleep((begun.elapsed() / part).clamp(least, most)).await;
        }
    }

    /// The state of the job; `None` if the scheduler cannot be asked.
    async fn ask(&self) -> Option<GetJobStatusResult> {
        let asked = client(&self.channel).get_job_status(GetJobStatusParams { job_id: self.id.clone() }).await;
        asked.ok().map(tonic::Response::into_inner)
    }

    /// Whether the scheduler says that there is no executor. It also says how far the job is.
    async fn is_unattended(&self) -> bool {
        let Ok(roster) = Roster::ask(self.channel.clone(), &self.id).await else { return false };
        if let Some(progress) = roster.job {
            self.cluster.tell_progress(progress);
        }
        roster.executors.is_empty()
    }

    /// Fetches the answers to all parts, and has them taken in their order, one after the other.
    pub(crate) async fn fetch(
        &self,
        done: Done,
        parts: usize,
        take: &mut (dyn FnMut(Answer) -> Result<(), EngineError> + Send),
    ) -> Result<(), Failure> {
        let proxied = done.proxied;
        let fetches = places(done.locations, parts)?.into_iter().map(|place| self.fetch_from(place, proxied));
        let mut fetched = stream::iter(fetches).buffered(FETCHES);
        while let Some(answer) = fetched.try_next().await? {
            take(answer)?;
        }
        Ok(())
    }

    async fn fetch_from(&self, place: Place, proxied: bool) -> Result<Answer, Failure> {
        let from = format!("`{}:{}`", place.host, place.port);
        let passing = |what: String| Failure::Passing(format!("the answers of {from} cannot be fetched: {what}"));
        let scheduler = self.cluster.scheduler();
        let (host, port) =
            if proxied { (scheduler.host(), scheduler.port()) } else { (place.host.as_str(), place.port) };
        let connected = self.cluster.executor(host, port).await;
        let mut flight = connected.map_err(|error| passing(error.to_string()))?;
        let batches = timeout(self.cluster.patience().answer, fetch_one(&mut flight, &place)).await;
        let batches = batches.map_err(|_| passing("it takes too long".to_owned()))?;
        let batches = batches.map_err(|error| passing(error.to_string()))?;
        put_together(place.part, &batches).map_err(passing)
    }

    /// Says that nobody needs the answers any more.
    pub(crate) async fn forget(&self) {
        let whole = CleanJobDataParams { job_id: self.id.clone(), remove_stage_ids: Vec::new() };
        self.tell(client(&self.channel).clean_job_data(whole)).await;
    }

    /// Tells the scheduler something that it finds out by itself later, should it not hear it now.
    async fn tell<T>(&self, telling: impl Future<Output = Result<T, tonic::Status>>) {
        let _ = timeout_at(Instant::now() + Duration::from_secs(5), telling).await;
    }
}

fn client(channel: &Channel) -> SchedulerGrpcClient<Channel> {
    SchedulerGrpcClient::new(channel.clone())
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES)
}

/// What a state of a job means: its end, `None` while it is not there, or why it failed. A job that was `known` and is not any
/// more was lost with its scheduler.
fn ended(state: GetJobStatusResult, known: bool) -> Result<Option<Done>, Failure> {
    let proxied = matches!(state.flight_proxy, Some(FlightProxy::Local(true)));
    match state.status.and_then(|status| status.status) {
        Some(job_status::Status::Successful(done)) => Ok(Some(Done { locations: done.partition_location, proxied })),
        Some(job_status::Status::Failed(failed)) => Err(of_job(&failed.error)),
        None if known => Err(Failure::Passing("the scheduler was started again".to_owned())),
        _ => Ok(None),
    }
}

/// Where the answer to a part lies.
struct Place {
    part: usize,
    executor: String,
    host: String,
    port: u16,
    location: PartitionLocation,
}

/// Where the answer to each part lies, in their order. A part that was done twice has two places, of which the later one counts:
/// the former was given up, together with the executor that it lies on.
fn places(locations: Vec<PartitionLocation>, parts: usize) -> Result<Vec<Place>, Failure> {
    let mut last = BTreeMap::new();
    for location in locations {
        let part = location.partition_id.as_ref().map(|id| id.partition_id as usize);
        last.insert(part, location);
    }
    let complete = last.keys().copied().eq((0..parts).map(Some));
    let place = |(part, location): (Option<usize>, PartitionLocation)| {
        let (part, meta) = (part?, location.executor_meta.clone()?);
        let port = u16::try_from(meta.port).unwrap_or(0);
        Some(Place { part, executor: meta.id, host: meta.host, port, location })
    };
    let places: Option<Vec<Place>> = last.into_iter().map(place).collect();
    let unknown = || Failure::Passing("the scheduler does not know where all answers are".to_owned());
    places.filter(|_| complete).ok_or_else(unknown)
}

async fn fetch_one(flight: &mut BallistaClient, place: &Place) -> Result<Vec<RecordBatch>, BallistaError> {
    let Place { executor, host, port, location, .. } = place;
    let id = location.partition_id.clone().unwrap_or_default().into();
    let layout = ShuffleLayout::Passthrough;
    let stream = flight.fetch_partition_proxied(executor, &id, location.file_id, layout, host, *port, true).await?;
    stream.try_collect().await.map_err(BallistaError::from)
}

#[cfg(test)]
mod tests {
    use ballista_core::serde::protobuf::{ExecutorMetadata, PartitionId};

    use super::*;

    fn location(part: u32, executor: &str) -> PartitionLocation {
        PartitionLocation {
            partition_id: Some(PartitionId { job_id: "j".to_owned(), stage_id: 1, partition_id: part }),
            executor_meta: Some(ExecutorMetadata { id: executor.to_owned(), ..ExecutorMetadata::default() }),
            ..PartitionLocation::default()
        }
    }

    fn found(locations: Vec<PartitionLocation>, parts: usize) -> Option<Vec<(String, usize)>> {
        let places = places(locations, parts).ok()?;
        Some(places.into_iter().map(|place| (place.executor, place.part)).collect())
    }

    #[test]
    fn a_part_done_twice_is_fetched_where_it_was_done_last() {
        let found = found(vec![location(1, "a"), location(0, "a"), location(1, "b")], 2);
        assert_eq!(found, Some(vec![("a".to_owned(), 0), ("b".to_owned(), 1)]));
    }

    #[test]
    fn a_part_without_a_place_is_noticed() {
        assert_eq!(found(vec![location(1, "a")], 2), None);
        assert_eq!(found(vec![location(0, "a"), location(1, "a"), location(2, "a")], 2), None);
        assert_eq!(found(vec![PartitionLocation::default()], 1), None);
    }
}
