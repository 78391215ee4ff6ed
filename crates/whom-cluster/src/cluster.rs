//! A client of the cluster: has stages done, repeats them where that may help, and counts what they cost.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use datafusion::error::DataFusionError;
use datafusion_proto::physical_plan::AsExecutionPlan;
use datafusion_proto::protobuf::PhysicalPlanNode;
use tokio::time::{Instant, sleep};
use tonic::Status;
use tonic::transport::Channel;
use whom_engine::{Dispatch, EngineError, StageFigures, StageOrder};

use crate::address::Address;
use crate::answer::Answer;
use crate::codec::{OrdersCodec, Reader};
use crate::failure::{Failure, chain, configuration, of_status, of_transport, transient};
use crate::figures::{Repeat, StageProgress};
use crate::job::Job;
use crate::options::{ClusterOptions, Patience};
use crate::orders_exec::OrdersExec;
use crate::roster::{JobProgress, Roster};
use crate::security::{MESSAGE_BYTES, Tls};
use crate::version::VERSION;

/// How often a stage is repeated at most.
const REPEATS: usize = 3;

/// How long to wait before asking again who is there.
const PAUSE: Duration = Duration::from_millis(100);

/// How long it is believed who was there.
const MOMENT: Duration = Duration::from_secs(1);

/// A cluster whose scheduler was there and runs this version of the program.
#[derive(Debug)]
pub struct Cluster {
    options: ClusterOptions,
    session: String,
    repeats: Mutex<Vec<Repeat>>,
    stages: Mutex<Vec<StageFigures>>,
    progress: Mutex<Option<StageProgress>>,
    /// The slots that there were when somebody looked last.
    slots: Mutex<Option<(Instant, usize)>>,
}

impl Cluster {
    /// Connects to the scheduler.
    ///
    /// # Errors
    /// [`EngineError::Elsewhere`] if it is not there within the patience, is none of ours, or is of another version.
    pub async fn connect(options: ClusterOptions) -> Result<Self, EngineError> {
        let session = uuid::Uuid::new_v4().to_string();
        let (repeats, stages) = (Mutex::default(), Mutex::default());
        let (progress, slots) = (Mutex::default(), Mutex::default());
        let cluster = Self { options, session, repeats, stages, progress, slots };
        let deadline = Instant::now() + cluster.options.patience.scheduler;
        cluster.roster(deadline).await?;
        Ok(cluster)
    }

    /// The stages that were repeated, in the order in which that happened; one entry each time.
    pub fn repeats(&self) -> Vec<Repeat> {
        self.repeats.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How far the stage is that is being done, as of a second ago or so; `None` between stages.
    pub fn progress(&self) -> Option<StageProgress> {
        self.current().clone()
    }

    pub(crate) fn tell_progress(&self, job: JobProgress) {
        if let Some(stage) = self.current().as_mut() {
            (stage.done, stage.running) = (job.done, job.running);
        }
    }

    fn known_slots(&self) -> MutexGuard<'_, Option<(Instant, usize)>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
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

    pub(crate) fn tls(&self) -> &Tls {
        &self.options.tls
    }

    /// Connects to the scheduler once.
    pub(crate) async fn channel(&self) -> Result<Channel, Failure> {
        let endpoint = self.options.tls.endpoint(&self.options.scheduler)?;
        endpoint.connect().await.map_err(|error| of_transport(self.unreachable(&chain(&error))))
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
                Err(Failure::Passing(_)) => sleep(PAUSE).await,
            }
        }
    }

    fn of_another_version(&self, theirs: &str) -> EngineError {
        configuration(format!(
            "this is whom {VERSION}, and the scheduler at `{}` is whom {theirs}; run the same version everywhere",
            self.options.scheduler
        ))
    }

    /// Who is there, as soon as somebody is.
    async fn attended(&self) -> Result<Roster, EngineError> {
        let begun = Instant::now();
        loop {
            let roster = self.roster(begun + self.options.patience.scheduler).await?;
            if !roster.executors.is_empty() {
                *self.known_slots() = Some((Instant::now(), roster.slots().max(1)));
                return Ok(roster);
            }
            if begun.elapsed() >= self.options.patience.executors {
                return Err(self.nobody_there());
            }
            sleep(PAUSE).await;
        }
    }

    /// One attempt at a stage.
    async fn attempt(&self, stage: &StageOrder, plan: &[u8], deadline: Instant) -> Result<Vec<Answer>, Failure> {
        let roster = self.attended().await?;
        fits(stage, plan.len(), roster.most_slots())?;
        let job = self.unless_cancelled(Job::submit(self, &stage.name, plan.to_vec())).await?;
        let done = job.watch(deadline).await?;
        let answers = self.unless_cancelled(job.fetch(done, stage.parts.len())).await;
        job.forget().await;
        answers
    }

    /// Attempts at a stage until one succeeds, or none is left; why the others failed.
    async fn attempts(&self, stage: &StageOrder, plan: &[u8]) -> Result<(Vec<Answer>, Vec<String>), EngineError> {
        let deadline = Instant::now() + self.options.patience.stage;
        let mut repeats = Vec::new();
        loop {
            match self.attempt(stage, plan, deadline).await {
                Ok(answers) => return Ok((answers, repeats)),
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Passing(reason)) if repeats.len() == REPEATS => {
                    let (name, attempts) = (&stage.name, REPEATS + 1);
                    return Err(transient(format!(
                        "`{name}` failed {attempts} times on the cluster, at last: {reason}"
                    )));
                }
                Err(Failure::Passing(reason)) => {
                    repeats.push(reason.clone());
                    let repeat = Repeat { stage: stage.name.clone(), reason };
                    self.repeats.lock().unwrap_or_else(PoisonError::into_inner).push(repeat);
                }
            }
        }
    }
}

#[async_trait]
impl Dispatch for Cluster {
    async fn dispatch(&self, stage: StageOrder) -> Result<Vec<Bytes>, EngineError> {
        let begun = Instant::now();
        let plan = encoded(&stage)?;
        let (name, parts) = (stage.name.clone(), stage.parts.len());
        *self.current() = Some(StageProgress { stage: name, parts, done: 0, running: 0 });
        let attempted = self.attempts(&stage, &plan).await;
        *self.current() = None;
        let (answers, repeats) = attempted?;
        let figures = figures(&stage, &answers, begun.elapsed(), repeats);
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).push(figures);
        Ok(answers.into_iter().map(|answer| answer.bytes).collect())
    }

    /// As of the last stage, if that was a moment ago: a search asks before each of hundreds of stages.
    async fn slots(&self) -> Result<usize, EngineError> {
        if let Some((at, slots)) = *self.known_slots()
            && at.elapsed() < MOMENT
        {
            return Ok(slots);
        }
        Ok(self.attended().await?.slots().max(1))
    }

    /// In the order in which the stages ended.
    fn figures(&self) -> Vec<StageFigures> {
        self.stages.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn encoded(stage: &StageOrder) -> Result<Vec<u8>, EngineError> {
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

fn figures(stage: &StageOrder, answers: &[Answer], time: Duration, repeats: Vec<String>) -> StageFigures {
    let mut hosts: Vec<String> = answers.iter().map(|answer| answer.host.clone()).collect();
    hosts.sort();
    hosts.dedup();
    // Ballista numbers tasks in the order of their starts, and the one that was started last is always one that answered:
    // after any other, something was started again.
    let tasks = answers.iter().map(|answer| answer.task as usize + 1).max().unwrap_or(0);
    let ordered = stage.common.len() + stage.parts.iter().map(Bytes::len).sum::<usize>();
    StageFigures {
        stage: stage.name.clone(),
        parts: answers.len(),
        seconds: time.as_secs_f64(),
        bytes_ordered: ordered as u64,
        bytes_answered: answers.iter().map(|answer| answer.bytes.len() as u64).sum(),
        parts_retried: tasks.saturating_sub(answers.len()),
        hosts,
        repeats,
    }
}
