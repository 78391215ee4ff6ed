//! What one attempt at a stage came to.

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use whom_engine::{StageFigures, StageOrder};

use crate::answer::Answer;

/// What was answered in one attempt.
#[derive(Debug, Default)]
pub(crate) struct Answered {
    answers: usize,
    /// Tasks that were started: Ballista numbers them in the order of their starts, and the one that was started last is always
    /// one that answered. After any other, something was started again.
    tasks: usize,
    bytes: u64,
    hosts: BTreeSet<String>,
}

impl Answered {
    /// Counts an answer.
    pub(crate) fn add(&mut self, answer: &Answer) {
        self.answers += 1;
        self.tasks = self.tasks.max(answer.task as usize + 1);
        self.bytes += answer.bytes.len() as u64;
        if !self.hosts.contains(&answer.host) {
            self.hosts.insert(answer.host.clone());
        }
    }

    /// The number of answers.
    pub(crate) fn answers(&self) -> usize {
        self.answers
    }

    /// What the stage took, with the reasons of the attempts before this one.
    pub(crate) fn figures(self, stage: &StageOrder, time: Duration, repeats: Vec<String>) -> StageFigures {
        let ordered = stage.common.len() + stage.parts.iter().map(Bytes::len).sum::<usize>();
        StageFigures {
            stage: stage.name.clone(),
            parts: stage.parts.len(),
            seconds: time.as_secs_f64(),
            bytes_ordered: ordered as u64,
            bytes_answered: self.bytes,
            parts_retried: self.tasks.saturating_sub(self.answers),
            hosts: self.hosts.into_iter().collect(),
            repeats,
        }
    }
}
