//! Answers that find no room on the executor's disk: Ballista writes them, and does not say where it could not.

use std::fmt;
use std::sync::Arc;

use ballista_core::JobId;
use ballista_core::serde::protobuf::ShuffleWritePartition;
use ballista_executor::execution_engine::{DefaultExecutionEngine, ExecutionEngine, QueryStageExecutor};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::prelude::SessionConfig;
use tokio::sync::Notify;
use whom_engine::Refusal;

use crate::failure::is_full;
use crate::told::Told;

/// Ballista's engine, whose failures for want of room name the machine.
pub(crate) struct Writing {
    engine: DefaultExecutionEngine,
    host: String,
    ended: Arc<Notify>,
}

impl Writing {
    /// On the machine of this name. `ended` is told whenever a task has written its answer, or has failed.
    pub(crate) fn new(host: &str, ended: Arc<Notify>) -> Self {
        Self { engine: DefaultExecutionEngine::new(), host: host.to_owned(), ended }
    }
}

impl ExecutionEngine for Writing {
    fn create_query_stage_exec(
        &self,
        job_id: JobId,
        stage_id: usize,
        task_id: usize,
        partitions: Vec<usize>,
        plan: Arc<dyn ExecutionPlan>,
        work_dir: &str,
        config: &SessionConfig,
    ) -> Result<Arc<dyn QueryStageExecutor>> {
        let stage =
            self.engine.create_query_stage_exec(job_id, stage_id, task_id, partitions, plan, work_dir, config)?;
        Ok(Arc::new(Written { stage, host: self.host.clone(), ended: Arc::clone(&self.ended) }))
    }
}

/// A stage whose answers are written.
#[derive(Debug)]
struct Written {
    stage: Arc<dyn QueryStageExecutor>,
    host: String,
    ended: Arc<Notify>,
}

impl fmt::Display for Written {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.stage.fmt(formatter)
    }
}

#[async_trait::async_trait]
impl QueryStageExecutor for Written {
    async fn execute_query_stage(
        &self,
        task_id: usize,
        context: Arc<TaskContext>,
    ) -> Result<Vec<ShuffleWritePartition>> {
        let answer = self.stage.execute_query_stage(task_id, context).await;
        self.ended.notify_one();
        answer.map_err(|error| of_machine(error, &self.host))
    }

    fn collect_plan_metrics(&self) -> Vec<MetricsSet> {
        self.stage.collect_plan_metrics()
    }
}

/// The error, told as a refusal of this machine if its disk is full; what our operator told stays as it is.
fn of_machine(error: DataFusionError, host: &str) -> DataFusionError {
    let text = error.to_string();
    if Told::find(&text).is_some() || !is_full(&text) {
        return error;
    }
    let refusal = Refusal::Resources("no room for the answer in the work folder: no space left on device".to_owned());
    DataFusionError::Execution(Told::Refusal { host: host.to_owned(), refusal }.to_text())
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;
    use crate::failure::{Failure, of_job};

    fn told(error: DataFusionError) -> Option<String> {
        match of_job(&of_machine(error, "a:1").to_string()) {
            Failure::Final(error) => Some(error.to_string()),
            Failure::Passing(_) => None,
        }
    }

    #[test]
    fn a_full_disk_is_that_of_a_machine_with_a_name() {
        for full in [Error::from_raw_os_error(28), Error::from(ErrorKind::StorageFull)] {
            let told = told(DataFusionError::IoError(full)).unwrap();
            assert_eq!(told, "on `a:1`: no room for the answer in the work folder: no space left on device");
        }
        assert_eq!(told(DataFusionError::IoError(Error::from(ErrorKind::ConnectionReset))), None);
    }

    #[test]
    fn what_the_operator_told_stays() {
        let passing = Told::Passing { host: "b:2".to_owned(), reason: "No space left".to_owned() }.to_text();
        let error = of_machine(DataFusionError::Execution(passing.clone()), "a:1");
        assert!(error.to_string().contains(&passing));
    }
}
