//! Checkpoints of a run: which plan they are of, when they are of use, and when they go.
//!
//! A folder of checkpoints belongs to one plan with its variables and its output, so a retry finds what the run before it
//! left, and there is never more than one checkpoint of a plan. It is used only if the statements, the program and every
//! input file are the same as then; otherwise it is removed, because inputs that have changed do not change back.
//!
//! The number of pieces is that of the checkpoint. Rows lie in pieces, and a run that is tried again with more memory,
//! because it had too little, would plan fewer. More pieces than are needed cost little; but where the limits of this run
//! ask for more than the checkpoint has, a piece of it would be too large, and the run begins anew.
//!
//! A checkpoint goes when the run is published, and when the run fails in a way that going on would repeat: the data were
//! refused, something has to be mended, or the program itself is wrong. It stays when trying again can help: an
//! interruption, a store that does not answer, too little memory or disk.

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::Utc;
use serde_json::{Value, json};
use uuid::Uuid;
use whom_engine::{CheckpointFolder, CheckpointSweep, CheckpointTerms, FolderState};
use whom_query::unit_table::{Checkpoints, Keeping};
use whom_spec::plan::Hours;
use whom_store::Output;

use crate::error::{Cause, RunError};
use crate::event::{Event, Observer, Stage};
use crate::identity::{checkpoint_identity, work_name};
use crate::planned::Planned;
use crate::prepare::Prepared;
use crate::request::Request;

/// Where and how a run keeps checkpoints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpointing {
    /// The folder, on this machine, of the checkpoints of any number of plans.
    pub folder: PathBuf,
    /// The most bytes that those of one run may take.
    pub limit: Option<u64>,
    /// How much work is worth a checkpoint.
    pub after: Duration,
}

/// The checkpoints of a run; none, if none are asked for or there can be none.
#[derive(Debug)]
pub(crate) struct RunCheckpoints {
    checkpoints: Option<Checkpoints>,
}

impl RunCheckpoints {
    /// Opens the checkpoints that a request asks for. The plan of the run may follow that of the checkpoint.
    pub(crate) async fn open(opening: Opening<'_>, planned: &mut Planned) -> Result<Self, RunError> {
        let Some(asked) = &opening.request.checkpoints else { return Ok(Self { checkpoints: None }) };
        let Some(folder) = opening.folder(asked)? else { return Ok(Self { checkpoints: None }) };
        opening.suit(&folder, planned).await?;
        Ok(Self { checkpoints: Some(Checkpoints { folder: Arc::new(folder), after: asked.after }) })
    }

    pub(crate) fn get(&self) -> Option<&Checkpoints> {
        self.checkpoints.as_ref()
    }

    /// The run has ended: what nobody can go on from is removed.
    pub(crate) fn end<T>(self, ended: &Result<T, RunError>) {
        let is_over = ended.as_ref().err().is_none_or(|error| !helps_after(error.cause));
        let folder = self.checkpoints.and_then(|checkpoints| Arc::into_inner(checkpoints.folder));
        if let Some(folder) = folder.filter(|_| is_over) {
            folder.remove();
        }
    }
}

/// A run that is about to open its checkpoints.
pub(crate) struct Opening<'a> {
    pub(crate) request: &'a Request,
    pub(crate) prepared: &'a Prepared,
    pub(crate) output: &'a Output,
    pub(crate) observer: &'a dyn Observer,
}

impl Opening<'_> {
    /// The folder of this run; none if another run has it, or no disk room for one.
    fn folder(&self, asked: &Checkpointing) -> Result<Option<CheckpointFolder>, RunError> {
        let internal = |error: serde_json::Error| RunError::new(Stage::Sources, Cause::Internal, error.to_string());
        let terms = CheckpointTerms {
            identity: checkpoint_identity(self.prepared).map_err(internal)?,
            attempt: Uuid::new_v4().to_string(),
            limit: asked.limit,
            faults: self.request.stores.faults().cloned(),
        };
        let name = work_name(&self.prepared.loaded.plan, &self.output.address()).map_err(internal)?;
        let place = asked.folder.display();
        match CheckpointFolder::open(&asked.folder, &name, terms) {
            Ok(Some((folder, found))) => {
                if let FolderState::Unusable(reason) = found {
                    self.removed(&folder, &reason);
                }
                Ok(Some(folder))
            }
            Ok(None) => {
                self.note(format!("another run of this plan keeps its checkpoints in `{place}`; this one keeps none"));
                Ok(None)
            }
            Err(error) if is_full(&error) => {
                self.note(format!("no checkpoints in `{place}`: {error}; the run goes on without"));
                Ok(None)
            }
            Err(error) => Err(unusable(&asked.folder, &error)),
        }
    }

    /// Makes the plan of the run suit the pieces of a checkpoint; removes the checkpoint if that cannot be.
    async fn suit(&self, folder: &CheckpointFolder, planned: &mut Planned) -> Result<(), RunError> {
        let Some(pieces) = folder.pieces() else { return Ok(()) };
        if let Some(suited) = with_pieces(self.request, self.prepared, planned, pieces).await? {
            *planned = suited;
            return Ok(());
        }
        let needed = planned.memory.pieces.count();
        folder.forget();
        self.removed(folder, &format!("it is in {pieces} pieces, and the limits of this run ask for {needed}"));
        Ok(())
    }

    fn removed(&self, folder: &CheckpointFolder, reason: &str) {
        let path = folder.path().display();
        self.note(format!("the checkpoint in `{path}` is of no use and was removed: {reason}; the run begins anew"));
    }

    fn note(&self, note: String) {
        self.observer.event(&Event::Note { stage: Stage::Sources, note });
    }
}

/// The plan of the run with the pieces of a checkpoint; none, if these are too large for its limits, or others are asked for.
async fn with_pieces(
    request: &Request,
    prepared: &Prepared,
    planned: &Planned,
    pieces: usize,
) -> Result<Option<Planned>, RunError> {
    if pieces == planned.memory.pieces.count() {
        return Ok(Some(planned.clone()));
    }
    if request.limits.pieces.is_some() || pieces < planned.memory.pieces.count() {
        return Ok(None);
    }
    let limits = whom_engine::Limits { pieces: NonZeroUsize::new(pieces), ..request.limits.clone() };
    let request = Request { limits, ..request.clone() };
    Planned::new(&request, prepared).await.map(Some)
}

/// Whether a run that failed can go on later from what it kept.
pub(crate) fn helps_after(cause: Cause) -> bool {
    match cause {
        Cause::Transient | Cause::NotReady | Cause::Resources | Cause::Interrupted => true,
        // The same inputs would be refused again; and a bug may lie in what is kept.
        Cause::Data | Cause::Configuration | Cause::Internal => false,
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

fn unusable(folder: &Path, error: &io::Error) -> RunError {
    let message = format!(
        "`{}` cannot hold checkpoints: {error}; name another folder with `--checkpoints`, or leave it out",
        folder.display()
    );
    RunError::new(Stage::Sources, Cause::Configuration, message)
}

/// What a run says of its checkpoints in its manifest.
pub(crate) fn to_json(keeping: &Keeping) -> Value {
    let resumed = keeping.resumed.as_ref();
    json!({
        "resumed_after": resumed.map(|(after, _)| after),
        "seconds_saved": resumed.map(|(_, seconds)| seconds),
        "kept": keeping.kept,
        "failed": keeping.failed,
        "bytes": keeping.bytes,
    })
}

/// Removes the checkpoints of a folder that are older than an age and that no run uses; without an age only what was left by
/// runs that were killed before their first checkpoint.
///
/// # Errors
/// [`Cause::Configuration`] if there is no such folder, or something in it cannot be removed.
pub fn clean_checkpoints(folder: &Path, older_than: Option<Hours>, dry_run: bool) -> Result<CheckpointSweep, RunError> {
    let failed = |error: io::Error| {
        let message = format!("`{}` cannot be cleaned of checkpoints: {error}", folder.display());
        RunError::new(Stage::Sources, Cause::Configuration, message)
    };
    let age = older_than.map(|age| Duration::from_secs(u64::from(age.0) * 3_600));
    let written_before = age.and_then(|age| SystemTime::from(Utc::now()).checked_sub(age));
    let sweep = CheckpointSweep::find(folder, written_before).map_err(failed)?;
    if !dry_run {
        sweep.remove(&Uuid::new_v4().to_string()).map_err(failed)?;
    }
    Ok(sweep)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_stays_where_trying_again_can_help() {
        let causes = [
            (Cause::Internal, false),
            (Cause::Configuration, false),
            (Cause::Data, false),
            (Cause::Transient, true),
            (Cause::NotReady, true),
            (Cause::Resources, true),
            (Cause::Interrupted, true),
        ];
        for (cause, stays) in causes {
            assert_eq!(helps_after(cause), stays, "{cause:?}");
            let retryable = cause.is_retryable();
            assert!(stays || !retryable, "{cause:?}: what may be tried again must be able to go on");
        }
    }

    #[test]
    fn a_disk_without_room_costs_no_run_and_a_wrong_folder_is_refused() {
        assert!(is_full(&io::ErrorKind::StorageFull.into()) && is_full(&io::ErrorKind::QuotaExceeded.into()));
        assert!(!is_full(&io::ErrorKind::PermissionDenied.into()));
        let refused = unusable(Path::new("/nowhere"), &io::ErrorKind::PermissionDenied.into());
        assert_eq!(
            (refused.cause, refused.headline.as_str()),
            (
                Cause::Configuration,
                "`/nowhere` cannot hold checkpoints: permission denied; name another folder with `--checkpoints`, or leave it out"
            )
        );
    }
}
