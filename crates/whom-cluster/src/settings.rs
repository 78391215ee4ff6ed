//! Ballista's settings.

use ballista_core::config::{
    BALLISTA_ADAPTIVE_PLANNER_ENABLED, BALLISTA_CLIENT_GRPC_CONNECT_TIMEOUT_SECONDS,
    BALLISTA_CLIENT_GRPC_MAX_MESSAGE_SIZE, BALLISTA_JOB_NAME, BALLISTA_SCHEDULER_MAX_PARTITIONS_PER_TASK,
};
use ballista_core::extension::SessionConfigExt;
use ballista_core::serde::protobuf::KeyValuePair;
use datafusion::prelude::SessionConfig;

use crate::security::MESSAGE_BYTES;

/// What a job needs to be run with: one part a task, so that each is retried and counted for itself; and no adaptive planner,
/// which has nothing to adapt. With it on, answers are the same and lost executors made up for, too: `tests/adaptive.rs`.
pub(crate) fn of_job(name: &str) -> Vec<KeyValuePair> {
    let settings = [
        (BALLISTA_JOB_NAME, name),
        (BALLISTA_SCHEDULER_MAX_PARTITIONS_PER_TASK, "1"),
        (BALLISTA_ADAPTIVE_PLANNER_ENABLED, "false"),
    ];
    let pair = |(key, value): (&str, &str)| KeyValuePair { key: key.to_owned(), value: Some(value.to_owned()) };
    settings.map(pair).to_vec()
}

/// The settings that services start from. The scheduler waits for a connection to an executor only to tell it something that
/// executors that pull learn otherwise, so not for long.
pub(crate) fn of_services() -> SessionConfig {
    SessionConfig::new_with_ballista()
        .set_usize(BALLISTA_CLIENT_GRPC_MAX_MESSAGE_SIZE, MESSAGE_BYTES)
        .set_usize(BALLISTA_CLIENT_GRPC_CONNECT_TIMEOUT_SECONDS, 1)
}
