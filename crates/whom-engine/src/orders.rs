//! Work that another machine does: what is ordered, who has it done, and who does it.
//!
//! A stage is one kind of work in many parts: a scan by shares of its files, statements by pieces, a pass by pieces. What the
//! parts have in common is sent once. Whoever carries orders ([`Dispatch`], a cluster) knows neither what they say nor what is
//! answered; whoever does the work ([`Worker`]) knows nothing of clusters. Between them are bytes, the version of the program
//! that wrote them, and errors by who must act.
//!
//! An order may be done several times, by several machines, at once: it changes nothing but files of its own under names that
//! nobody else has, and only the files that an answer names are ever read.

mod mark;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use whom_store::ErrorKind;

use crate::error::EngineError;
use crate::no_value::NoValue;

pub use mark::Mark;

/// Work of one kind, in parts that can be done in any order and at once.
#[derive(Clone, Debug)]
pub struct StageOrder {
    /// What it is called in progress, in the manifest and in messages.
    pub name: String,
    /// What all parts need to know.
    pub common: Bytes,
    /// What each part needs to know besides; at least one.
    pub parts: Vec<Bytes>,
}

/// Takes the answer to a part.
pub type Take<'a> = dyn FnMut(Bytes) -> Result<(), EngineError> + Send + 'a;

/// Has work done on other machines.
#[async_trait]
pub trait Dispatch: Send + Sync + fmt::Debug {
    /// Has every part of a stage done, and has their answers taken in the order of the parts, one after the other. Whoever adds
    /// them up holds a few of them at a time.
    ///
    /// # Errors
    /// What a worker refused, once one did ([`Refusal`]); [`EngineError::Elsewhere`] if the stage cannot be brought to its end;
    /// [`EngineError::Cancelled`]; what `take` refuses. Some answers may have been taken by then.
    async fn dispatch_each(&self, stage: StageOrder, take: &mut Take<'_>) -> Result<(), EngineError>;

    /// Has every part of a stage done, and gives all answers in the order of the parts.
    ///
    /// # Errors
    /// As [`Dispatch::dispatch_each`].
    async fn dispatch(&self, stage: StageOrder) -> Result<Vec<Bytes>, EngineError> {
        let mut answers = Vec::with_capacity(stage.parts.len());
        let mut take = |answer| {
            answers.push(answer);
            Ok(())
        };
        self.dispatch_each(stage, &mut take).await?;
        Ok(answers)
    }

    /// Parts that are done at once, as far as is known now; at least one.
    ///
    /// # Errors
    /// [`EngineError::Elsewhere`] if nobody is there to do any.
    async fn slots(&self) -> Result<usize, EngineError>;

    /// How far the stage is that is being done, as of a second ago or so; `None` between stages.
    fn progress(&self) -> Option<StageProgress>;

    /// What the stages took that were done so far, or failed, in their order.
    fn figures(&self) -> Vec<StageFigures>;
}

/// How far a stage is that other machines do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StageProgress {
    /// Its name.
    pub stage: String,
    /// Its parts.
    pub parts: usize,
    /// Those that were answered, in this attempt.
    pub done: usize,
    /// Those that are being done.
    pub running: usize,
}

/// What a stage took that other machines did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StageFigures {
    /// Its name.
    pub stage: String,
    /// The parts that it had.
    pub parts: usize,
    /// From its order to the last answer, repetitions included.
    pub seconds: f64,
    /// Bytes of what was ordered.
    pub bytes_ordered: u64,
    /// Bytes of what was answered. Rows go other ways.
    pub bytes_answered: u64,
    /// Parts that were begun more than once within the attempt that succeeded.
    pub parts_retried: usize,
    /// The machines that answered; none if it failed.
    pub hosts: Vec<String>,
    /// Why it was ordered again, each time that it was.
    pub repeats: Vec<String>,
}

/// One part of a stage, as it reaches who does it.
#[derive(Clone, Debug)]
pub struct Order {
    /// The name of the stage.
    pub stage: String,
    /// What all parts need to know.
    pub common: Bytes,
    /// What this part needs to know.
    pub part: Bytes,
    /// What it may use.
    pub bench: Bench,
}

/// What one part may use where it is done.
#[derive(Clone, Debug)]
pub struct Bench {
    /// The machine, by the name under which others know it.
    pub host: String,
    /// Bytes of memory.
    pub memory: usize,
    /// Where what does not fit into it goes.
    pub spill: PathBuf,
    /// Becomes true when nobody waits for the answer any more.
    pub cancel: Arc<AtomicBool>,
}

/// Does work that others ordered.
#[async_trait]
pub trait Worker: Send + Sync + fmt::Debug {
    /// Does one part.
    ///
    /// # Errors
    /// Why it cannot be done. Where [`Refusal::of`] has no words for it, trying it again may help.
    async fn work(&self, order: Order) -> Result<Bytes, EngineError>;
}

/// Why a part cannot be done wherever and however often it is tried, in a form that can be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// [`EngineError::Data`].
    Data(String),
    /// [`EngineError::NoValue`], with what is quoted of the row: clusters belong to whoever may read the data.
    NoValue(NoValue),
    /// [`EngineError::Input`].
    Input {
        /// The file and what is wrong with it.
        problem: String,
        /// What to do about it.
        fix: String,
    },
    /// A permission, a credential or a location that is not right where the work is done.
    Configuration(String),
    /// An input that changed while it was read.
    Changed(String),
    /// [`EngineError::Resources`].
    Resources(String),
    /// [`EngineError::Internal`].
    Internal(String),
}

impl Refusal {
    /// What to send of an error; `None` if it may pass, so that the part is worth another try.
    pub fn of(error: &EngineError) -> Option<Self> {
        Some(match error {
            EngineError::Data(message) => Self::Data(message.clone()),
            EngineError::NoValue(reason) => Self::NoValue(reason.clone()),
            EngineError::Input { problem, fix } => Self::Input { problem: problem.clone(), fix: fix.clone() },
            EngineError::Resources(message) => Self::Resources(message.clone()),
            EngineError::Store(store) => match store.kind() {
                ErrorKind::Configuration => Self::Configuration(store.to_string()),
                ErrorKind::Transient if store.is_about_an_input() => Self::Changed(store.to_string()),
                ErrorKind::Transient => return None,
                ErrorKind::Resources => Self::Resources(store.to_string()),
                ErrorKind::Internal => Self::Internal(store.to_string()),
            },
            EngineError::Elsewhere { kind: ErrorKind::Transient, .. } | EngineError::Cancelled => return None,
            EngineError::Elsewhere { problem, .. } => Self::Internal(problem.clone()),
            EngineError::Internal(message) => Self::Internal(message.clone()),
        })
    }

    /// The error where the answer arrives; `host` did the work.
    pub fn into_error(self, host: &str) -> EngineError {
        let elsewhere = |kind, problem: String| EngineError::Elsewhere { kind, problem };
        match self {
            Self::Data(message) => EngineError::Data(message),
            Self::NoValue(reason) => EngineError::NoValue(reason),
            Self::Input { problem, fix } => EngineError::Input { problem, fix },
            Self::Configuration(problem) => elsewhere(ErrorKind::Configuration, format!("on `{host}`: {problem}")),
            Self::Changed(problem) => elsewhere(ErrorKind::Transient, problem),
            Self::Resources(problem) => EngineError::Resources(format!("on `{host}`: {problem}")),
            Self::Internal(problem) => EngineError::Internal(format!("on `{host}`: {problem}")),
        }
    }
}

/// Parts of a stage over pieces for each part that is done at once: the last ones end at about the same time.
const PARTS_A_SLOT: usize = 2;

/// Puts things that follow each other into parts that keep everybody at work, as bytes; each part is a list of some of them.
///
/// # Errors
/// What [`Dispatch::slots`] refuses; [`EngineError::Internal`] for what cannot be sent.
pub async fn shared_out<T: Serialize + Clone>(
    dispatch: &dyn Dispatch,
    things: &[T],
) -> Result<Vec<Bytes>, EngineError> {
    let parts = (dispatch.slots().await? * PARTS_A_SLOT).max(1);
    let together = things.len().div_ceil(parts).max(1);
    let mut shared = Vec::with_capacity(parts);
    for some in things.chunks(together) {
        shared.push(encoded(&some.to_vec())?.into());
    }
    Ok(shared)
}

/// As bytes, for another machine of the same version.
///
/// # Errors
/// [`EngineError::Internal`] for what cannot be sent.
pub fn encoded(value: &impl Serialize) -> Result<Vec<u8>, EngineError> {
    postcard::to_allocvec(value).map_err(|error| EngineError::Internal(format!("an order cannot be written: {error}")))
}

/// Of bytes that [`encoded`] made.
///
/// # Errors
/// [`EngineError::Internal`] for others.
pub fn decoded<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, EngineError> {
    postcard::from_bytes(bytes).map_err(|error| EngineError::Internal(format!("an order cannot be read: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_arrives_as_what_it_was_and_says_where() {
        let data = Refusal::of(&EngineError::Data("out of range".to_owned())).unwrap();
        assert!(matches!(data.into_error("h"), EngineError::Data(message) if message == "out of range"));
        let input = EngineError::Input { problem: "truncated".to_owned(), fix: "write it again".to_owned() };
        assert_eq!(Refusal::of(&input).unwrap().into_error("h").to_string(), input.to_string());
        let full = Refusal::of(&EngineError::Resources("no space left".to_owned())).unwrap();
        assert_eq!(full.into_error("worker-7").to_string(), "on `worker-7`: no space left");
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        assert_eq!(Refusal::of(&EngineError::Cancelled), None);
        let lost = EngineError::Elsewhere { kind: ErrorKind::Transient, problem: "lost".to_owned() };
        assert_eq!(Refusal::of(&lost), None);
    }
}
