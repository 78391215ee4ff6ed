//! Who is in the cluster: what the scheduler says when asked, by an action of Arrow Flight on its one port.

use arrow_flight::Action;
use arrow_flight::flight_service_client::FlightServiceClient;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tonic::transport::Channel;
use tonic::{Request, Status};

/// The name of the action.
pub(crate) const ACTION: &str = "whom.roster";

/// The cluster as its scheduler knows it. The version is read from what any version says, so that it can be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Roster {
    /// The version of the scheduler's program.
    pub(crate) version: String,
    /// The executors that were heard of lately, by host and port.
    #[serde(default)]
    pub(crate) executors: Vec<Member>,
    /// How far the job is that was asked for, if it runs.
    #[serde(default)]
    pub(crate) job: Option<JobProgress>,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JobProgress {
    /// Parts that were answered.
    pub(crate) done: usize,
    /// Parts that are being done.
    pub(crate) running: usize,
}

/// An executor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Member {
    /// Its host, as others reach it.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: u16,
    /// Parts that it does at once.
    pub(crate) slots: usize,
}

impl Roster {
    /// Asks the scheduler at the other end of a channel, also for a job where one is given.
    ///
    /// # Errors
    /// What it answered instead.
    pub(crate) async fn ask(channel: Channel, job: &str) -> Result<Self, Status> {
        let action = Action { r#type: ACTION.to_owned(), body: Bytes::copy_from_slice(job.as_bytes()) };
        let mut answers = FlightServiceClient::new(channel).do_action(Request::new(action)).await?.into_inner();
        let answer = answers.message().await?.ok_or_else(|| Status::unavailable("the list of executors is empty"))?;
        serde_json::from_slice(&answer.body)
            .map_err(|error| Status::failed_precondition(format!("the list of executors cannot be read: {error}")))
    }

    /// Parts that are done at once.
    pub(crate) fn slots(&self) -> usize {
        self.executors.iter().map(|member| member.slots).sum()
    }

    /// The most parts that one executor does at once.
    pub(crate) fn most_slots(&self) -> usize {
        self.executors.iter().map(|member| member.slots).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_read_whatever_else_is_said() {
        let other: Roster = serde_json::from_str(r#"{"version": "9.9.9", "planets": [1, 2]}"#).unwrap();
        assert_eq!((other.version.as_str(), other.slots(), other.most_slots(), other.job), ("9.9.9", 0, 0, None));
    }
}
