//! A client of the cluster: has stages done, repeats them where that may help, and counts what they cost.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ballista_core::client::BallistaClient;
use ballista_core::error::BallistaError;
use bytes::Bytes;
use datafusion::error::DataFusionError;
use datafusion_proto::physical_plan::AsExecutionPlan;
use datafusion_proto::protobuf::PhysicalPlanNode;
use futures::future::BoxFuture;
use tokio::time::{Instant, sleep};
use tonic::Status;
use tonic::transport::Channel;
use whom_engine::{Dispatch, EngineError, StageFigures, StageOrder, StageProgress, Take};

use crate::address::Address;
use crate::answer::Answer;
use crate::answered::Answered;
use crate::codec::{OrdersCodec, Reader};
use crate::connections::{Connections, Unconnected};
use crate::failure::{Failure, configuration, of_status, of_transport, transient};
use crate::job::Job;
use crate::options::{ClusterOptions, Patience};
use crate::orders_exec::OrdersExec;
use crate::roster::{JobProgress, Roster};
use crate::security::MESSAGE_BYTES;
use crate::settings;
use crate::version::VERSION;

/// How often a stage is repeated at most.
const REPEATS: usize = 3;

/// How long to wait before asking again who is there.
const PAUSE: Duration = Duration::from_millis(100);

/// How long it is believed who was there.
const MOMENT: Duration = Duration::from_secs(1);

/// A cluster whose scheduler was there and runs this version of the program.
pub struct Cluster {
    options: ClusterOptions,
    session: String,
    stages: Mutex<Vec<StageFigures>>,
    progress: Mutex<Option<StageProgress>>,
    connections: Connections,
    /// Who was there when it was last asked, and when that was.
    attended: Mutex<Option<(Instant, Roster)>>,
}

impl Cluster {
    /// Connects to the scheduler.
    ///
    /// # Errors
    /// [`EngineError::Elsewhere`] if it is not there within the patience, is none of ours, or is of another version.
    pub fn connect(options: ClusterOptions) -> BoxFuture<'static, Result<Self, EngineError>> {
        Box::pin(async move {
            let session = uuid::Uuid::new_v4().to_string();
            let cluster = Self {
                options,
                session,
                stages: Mutex::default(),
                progress: Mutex::default(),
                connections: Connections::default(),
                attended: Mutex::default(),
            };
            let deadline = Instant::now() + cluster.options.patience.scheduler;
            cluster.roster(deadline).await?;
            Ok(cluster)
        })
    }

    pub(crate) fn tell_progress(&self, job: JobProgress) {
        if let Some(stage) = self.current().as_mut() {
            (stage.done, stage.running) = (job.done, job.running);
        }
    }

    fn last_attended(&self) -> MutexGuard<'_, Option<(Instant, Roster)>> {
        self.attended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn current(&self) -> MutexGuard<'_, Option<StageProgress>> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn session(&self) -> &str {
        &self.session
    }

    pub(crate) fn patience(&self) -> Patience {
        self.options.patience
    }

    pub(crate) fn scheduler(&self) -> &Address {
        &self.options.scheduler
    }

    /// The connection to the scheduler.
    pub(crate) async fn channel(&self) -> Result<Channel, Failure> {
        let Self { connections, options, .. } = self;
        let channel = connections.scheduler(&options.scheduler, &options.tls).await;
        channel.map_err(|why| match why {
            Unconnected::Unreachable(why) => of_transport(self.unreachable(&why)),
            Unconnected::Impossible(error) => error.into(),
        })
    }

    /// The connection to where an executor's answers can be fetched.
    pub(crate) async fn executor(&self, host: &str, port: u16) -> Result<BallistaClient, BallistaError> {
        self.connections.executor(host, port, &self.options.tls).await
    }

    /// Believes nothing any more of what was known before a failure.
    fn look_anew(&self) {
        self.connections.give_up();
        *self.last_attended() = None;
    }

    /// What the scheduler's refusal of a request means.
    pub(crate) fn refused(&self, status: &Status) -> Failure {
        of_status(&self.options.scheduler.to_string(), status)
    }

    pub(crate) fn check_cancelled(&self) -> Result<(), EngineError> {
        if self.options.cancel.load(Ordering::Relaxed) { Err(EngineError::Cancelled) } else { Ok(()) }
    }

    /// What comes of work that may be left in the middle.
    async fn unless_cancelled<T>(&self, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        let cancelled = async {
            while self.check_cancelled().is_ok() {
                sleep(PAUSE).await;
            }
        };
        tokio::select! {
            done = work => done,
            () = cancelled => Err(EngineError::Cancelled.into()),
        }
    }

    /// That there is nobody to do anything.
    pub(crate) fn nobody_there(&self) -> EngineError {
        let (scheduler, waited) = (&self.options.scheduler, self.options.patience.executors);
        transient(format!(
            "no executor was at the scheduler `{scheduler}` for {waited:?}; start some with `whom executor`"
        ))
    }

    fn unreachable(&self, why: &str) -> String {
        format!("the scheduler at `{}` cannot be reached: {why}", self.options.scheduler)
    }

    /// Who is there, as soon as the scheduler can be asked, which must be before the deadline.
    async fn roster(&self, deadline: Instant) -> Result<Roster, EngineError> {
        loop {
            self.check_cancelled()?;
            let asked = match self.channel().await {
                Ok(channel) => Roster::ask(channel, "").await.map_err(|status| self.refused(&status)),
                Err(failure) => Err(failure),
            };
            match asked {
                Ok(roster) if roster.version == VERSION => return Ok(roster),
                Ok(roster) => return Err(self.of_another_version(&roster.version)),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(reason)) if Instant::now() >= deadline => return Err(transient(reason)),
                Err(Failure::Passing(_)) => {
                    self.look_anew();
                    sleep(PAUSE).await;
                }
            }
        }
    }

    fn of_another_version(&self, theirs: &str) -> EngineError {
        configuration(format!(
            "this is whom {VERSION}, and the scheduler at `{}` is whom {theirs}; run the same build everywhere",
            self.options.scheduler
        ))
    }

    /// Who is there, as soon as somebody is; as of the last stage, if that was a moment ago: a run has dozens of short stages.
    async fn attended(&self) -> Result<Roster, EngineError> {
        let begun = Instant::now();
        if let Some((at, roster)) = self.last_attended().clone()
            && at.elapsed() < MOMENT
        {
            return Ok(roster);
        }
        loop {
            let roster = self.roster(begun + self.options.patience.scheduler).await?;
            if !roster.executors.is_empty() {
                *self.last_attended() = Some((Instant::now(), roster.clone()));
                return Ok(roster);
            }
            if begun.elapsed() >= self.options.patience.executors {
                return Err(self.nobody_there());
            }
            sleep(PAUSE).await;
        }
    }

    /// One attempt at a stage. Answers that an earlier attempt has had taken are fetched again and not taken: which machine gave
    /// an answer does not matter, as it names only what is there.
    async fn attempt(&self, stage: &StageOrder, plan: &[u8], taking: &mut Taking<'_, '_>) -> Result<Answered, Failure> {
        let roster = self.attended().await?;
        fits(stage, plan.len(), roster.most_slots())?;
        let job = self.unless_cancelled(self.submitted(stage, plan)).await?;
        let done = job.watch(taking.deadline).await?;
        let mut answered = Answered::default();
        let mut take = |answer: Answer| {
            answered.add(&answer);
            if answered.answers() > taking.taken {
                (taking.take)(answer.bytes)?;
                taking.taken = answered.answers();
            }
            Ok(())
        };
        let fetched = self.unless_cancelled(job.fetch(done, stage.parts.len(), &mut take)).await;
        job.forget().await;
        fetched.map(|()| answered)
    }

    /// A stage that the scheduler has accepted. That a kept connection broke in the meantime says nothing about the stage.
    async fn submitted(&self, stage: &StageOrder, plan: &[u8]) -> Result<Job<'_>, Failure> {
        match Job::submit(self, settings::of_job(&stage.name), plan.to_vec()).await {
            Err(Failure::Passing(_)) => {
                self.look_anew();
                self.attended().await?;
                Job::submit(self, settings::of_job(&stage.name), plan.to_vec()).await
            }
            job => job,
        }
    }

    /// Attempts at a stage until one succeeds, or none is left; `repeats` says why the others failed.
    async fn attempts(
        &self,
        stage: &StageOrder,
        take: &mut Take<'_>,
        repeats: &mut Vec<String>,
    ) -> Result<Answered, EngineError> {
        let plan = encoded(stage)?;
        let mut taking = Taking { take, taken: 0, deadline: Instant::now() + self.options.patience.stage };
        loop {
            match self.attempt(stage, &plan, &mut taking).await {
                Ok(answered) => return Ok(answered),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(reason)) if repeats.len() == REPEATS => {
                    let (name, attempts) = (&stage.name, REPEATS + 1);
                    return Err(transient(format!(
                        "`{name}` failed {attempts} times on the cluster, at last: {reason}"
                    )));
                }
                Err(Failure::Passing(reason)) => {
                    self.look_anew();
                    repeats.push(reason);
                }
            }
        }
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Cluster").field("options", &self.options).finish_non_exhaustive()
    }
}

#[async_trait]
impl Dispatch for Cluster {
    async fn dispatch_each(&self, stage: StageOrder, take: &mut Take<'_>) -> Result<(), EngineError> {
        let begun = Instant::now();
        let (name, parts) = (stage.name.clone(), stage.parts.len());
        *self.current() = Some(StageProgress { stage: name, parts, done: 0, running: 0 });
        let mut repeats = Vec::new();
        let answered = self.attempts(&stage, take, &mut repeats).await;
        *self.current() = None;
        let (answered, ended) = match answered {
            Ok(answered) => (answered, Ok(())),
            Err(error) => (Answered::default(), Err(error)),
        };
        let figures = answered.figures(&stage, begun.elapsed(), repeats);
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).push(figures);
        ended
    }

    async fn slots(&self) -> Result<usize, EngineError> {
        Ok(self.attended().await?.slots().max(1))
    }

    fn progress(&self) -> Option<StageProgress> {
        self.current().clone()
    }

    /// In the order in which the stages ended.
    fn figures(&self) -> Vec<StageFigures> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

pub(crate) fn encoded(stage: &StageOrder) -> Result<Vec<u8>, EngineError> {
    if stage.parts.is_empty() {
        return Err(EngineError::Internal(format!("`{}` has no parts", stage.name)));
    }
    Ok(encoded_plan(OrdersExec::plan(stage)?)?)
}

/// The bytes of a plan.
///
/// # Errors
/// [`DataFusionError`] if an operator cannot travel.
pub(crate) fn encoded_plan(plan: Arc<OrdersExec>) -> Result<Vec<u8>, DataFusionError> {
    let node = PhysicalPlanNode::try_from_physical_plan(plan, &OrdersCodec::new(Reader::Client))?;
    let mut bytes = Vec::new();
    node.try_encode(&mut bytes)?;
    Ok(bytes)
}

/// Whether the orders of a stage fit into messages: all at once to the scheduler, and one for each slot to an executor, each
/// with what all parts have in common.
fn fits(stage: &StageOrder, plan: usize, slots: usize) -> Result<(), EngineError> {
    let longest = stage.parts.iter().map(Bytes::len).max().unwrap_or(0);
    let to_executor = slots.saturating_mul(stage.common.len() + longest);
    let most = plan.max(to_executor);
    // What Ballista adds is small; a sixteenth is kept for it.
    if most <= MESSAGE_BYTES / 16 * 15 {
        return Ok(());
    }
    let name = &stage.name;
    Err(EngineError::Internal(format!(
        "the orders of `{name}` need {most} bytes in a message of at most {MESSAGE_BYTES}"
    )))
}

/// Who takes answers, and how far that is.
struct Taking<'take, 'a> {
    take: &'take mut Take<'a>,
    /// Answers that were taken, from the first part on.
    taken: usize,
    deadline: Instant,
}
