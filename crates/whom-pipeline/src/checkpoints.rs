//! Checkpoints of a run: which plan they are of, when they are of use, and when they go.
//!
//! A folder of checkpoints belongs to one plan with its variables and its output, so a retry finds what the run before it
//! left, and there is never more than one checkpoint of a plan. It is used only if the statements, the version and every
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
    pub(crate) async fn open(
        request: &Request,
        prepared: &Prepared,
        planned: &mut Planned,
        output: &Output,
        observer: &dyn Observer,
    ) -> Result<Self, RunError> {
        let Some(asked) = &request.checkpoints else { return Ok(Self { checkpoints: None }) };
        let note = |note: String| observer.event(&Event::Note { stage: Stage::Sources, note });
        let opened = opened(asked, request, prepared, output);
        let (folder, found) = match opened? {
            Ok(Some(opened)) => opened,
            Ok(None) => {
                let folder = asked.folder.display();
                note(format!("another run of this plan keeps its checkpoints in `{folder}`; this one keeps none"));
                return Ok(Self { checkpoints: None });
            }
            Err(error) if is_full(&error) => {
                note(format!("no checkpoints in `{}`: {error}; the run goes on without", asked.folder.display()));
                return Ok(Self { checkpoints: None });
            }
            Err(error) => return Err(unusable(&asked.folder, &error)),
        };
        if let FolderState::Unusable(reason) = &found {
            let path = folder.path().display();
            note(format!("the checkpoint in `{path}` is of no use and was removed: {reason}; the run begins anew"));
        }
        if let Some(pieces) = folder.pieces() {
            match with_pieces(request, prepared, planned, pieces).await? {
                Some(suited) => *planned = suited,
                None => {
                    let needed = planned.memory.pieces.count();
                    let path = folder.path().display();
                    note(format!(
                        "the checkpoint in `{path}` was removed: it has {pieces} pieces, and the limits of this run ask for {needed}; the run begins anew"
                    ));
                    folder.forget();
                }
            }
        }
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

type Found = io::Result<Option<(CheckpointFolder, FolderState)>>;

fn opened(asked: &Checkpointing, request: &Request, prepared: &Prepared, output: &Output) -> Result<Found, RunError> {
    let internal = |error: serde_json::Error| RunError::new(Stage::Sources, Cause::Internal, error.to_string());
    let terms = CheckpointTerms {
        identity: checkpoint_identity(prepared).map_err(internal)?,
        attempt: Uuid::new_v4().to_string(),
        limit: asked.limit,
        faults: request.stores.faults().cloned(),
    };
    let name = work_name(&prepared.loaded.plan, &output.address()).map_err(internal)?;
    Ok(CheckpointFolder::open(&asked.folder, &name, terms))
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
fn helps_after(cause: Cause) -> bool {
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
