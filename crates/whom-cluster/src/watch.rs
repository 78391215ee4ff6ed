//! What an executor tells and asks the scheduler besides pulling: that it lives, who still waits, and good-bye.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ballista_core::serde::protobuf::scheduler_grpc_client::SchedulerGrpcClient;
use ballista_core::serde::protobuf::{
    ExecutorRegistration, ExecutorStatus, ExecutorStoppedParams, GetJobStatusParams, HeartBeatParams, executor_status,
    job_status,
};
use tokio::sync::Semaphore;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use tonic::transport::Channel;
use tonic::{Code, Status};
use whom_engine::EngineError;

use crate::failure::configuration;
use crate::security::MESSAGE_BYTES;
use crate::workshop::Workshop;

/// How long Ballista's loop has to hand over the state of the tasks that ended last.
const HAND_OVER: Duration = Duration::from_secs(1);

/// How often it is let through for that.
const AGAIN: Duration = Duration::from_millis(200);

/// How long answers of a job that the scheduler does not know are kept.
const UNKNOWN: Duration = Duration::from_mins(1);

/// What the watch needs.
pub(crate) struct Watch {
    pub(crate) channel: Channel,
    pub(crate) registration: ExecutorRegistration,
    /// Where answers wait to be fetched, a folder for each job.
    pub(crate) answers: PathBuf,
    pub(crate) workshop: Arc<Workshop>,
}

impl Watch {
    /// The folder of the answers as Ballista wants it.
    pub(crate) fn answers_text(&self) -> String {
        self.answers.to_string_lossy().into_owned()
    }

    /// Tells and asks every `heartbeat` for as long as the future is polled; ends only if the scheduler refuses the executor.
    ///
    /// Ballista's loop takes its pulls for heartbeats, and pulls every 5 s only while all slots are taken; and it never learns
    /// that a job was cancelled, because the scheduler would have to connect to it for that.
    pub(crate) async fn run(&self, heartbeat: Duration) -> EngineError {
        let mut ticks = interval(heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first pull registers the executor; a heartbeat before it would do so in another way.
        ticks.tick().await;
        loop {
            ticks.tick().await;
            if let Err(status) = self.beat().await
                && status.code() == Code::FailedPrecondition
            {
                return configuration(format!("the scheduler refuses this executor: {}", status.message()));
            }
            for job in self.workshop.jobs() {
                if self.is_over(&job).await {
                    self.workshop.cancel(&job);
                }
            }
            self.sweep().await;
        }
    }

    async fn beat(&self) -> Result<(), Status> {
        let status = ExecutorStatus { status: Some(executor_status::Status::Active(String::new())) };
        let beat = HeartBeatParams {
            executor_id: self.registration.id.clone(),
            metrics: Vec::new(),
            status: Some(status),
            metadata: Some(self.registration.clone()),
        };
        self.scheduler().heart_beat_from_executor(beat).await.map(|_| ())
    }

    /// Whether the scheduler says that nobody waits for a job; false if it says nothing.
    async fn is_over(&self, job: &str) -> bool {
        let asked = self.scheduler().get_job_status(GetJobStatusParams { job_id: job.to_owned() }).await;
        let Ok(answer) = asked else { return false };
        let status = answer.into_inner().status.and_then(|known| known.status);
        matches!(status, None | Some(job_status::Status::Failed(_)))
    }

    /// Removes the answers of jobs that failed or that a scheduler before this one knew.
    async fn sweep(&self) {
        for folder in job_folders(&self.answers) {
            let job = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if is_older(&folder, UNKNOWN) && !self.workshop.jobs().contains(&job) && self.is_over(&job).await {
                // What cannot be removed now goes with the executor's folder.
                let _ = fs::remove_dir_all(&folder);
            }
        }
    }

    /// Ends in order: takes no more tasks, lets those that run end, has their answers fetched, and says good-bye; each within
    /// the patience.
    pub(crate) async fn drain(&self, slots: &Semaphore, count: usize, patience: Duration) {
        let busy = self.workshop.busy() > 0;
        // Whoever waits in line for all permits gets each that becomes free, so that no task is pulled any more.
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        let mut all = slots.acquire_many(count).await;
        let (begun, least) = (Instant::now(), if busy { HAND_OVER } else { Duration::ZERO });
        while begun.elapsed() < patience && (begun.elapsed() < least || !job_folders(&self.answers).is_empty()) {
            // The loop stands in line too, for up to 5 s. It is let through, and we stand behind it at once, so that it says
            // how the last tasks ended, hears which answers were fetched, and finds no slot free.
            drop(all);
            all = slots.acquire_many(count).await;
            sleep(AGAIN).await;
        }
        let stopped = ExecutorStoppedParams {
            executor_id: self.registration.id.clone(),
            reason: "it was told to stop".to_owned(),
        };
        // A scheduler that does not hear it notices the silence.
        let _ = timeout(patience, self.scheduler().executor_stopped(stopped)).await;
        drop(all);
    }

    fn scheduler(&self) -> SchedulerGrpcClient<Channel> {
        SchedulerGrpcClient::new(self.channel.clone()).max_decoding_message_size(MESSAGE_BYTES)
    }
}

fn job_folders(answers: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(answers).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
}

fn is_older(folder: &Path, age: Duration) -> bool {
    let written = fs::metadata(folder).and_then(|found| found.modified());
    written.is_ok_and(|written| written.elapsed().is_ok_and(|elapsed| elapsed > age))
}
