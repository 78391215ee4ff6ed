//! Folders, run ids, and a small scripted run.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use chrono::DateTime;
use serde_json::json;
use tempfile::TempDir;
use uuid::Uuid;

use crate::{
    Identities, Location, Output, Publication, Published, Result, RunId, RunRecord, Stage, Stores,
    commit::Patience,
    disk::{Disk, RealDisk},
};

/// A temporary folder.
pub(super) struct Folder(TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    pub(super) fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    pub(super) fn write(&self, relative: &str, content: impl AsRef<[u8]>) {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(super) fn input(&self, declared: &str) -> Location {
        Location::input(declared, self.0.path()).unwrap()
    }

    pub(super) fn output(&self) -> Location {
        Location::output("out", self.0.path()).unwrap()
    }
}

/// A disk that does not wait, for tests that write a lot and cut no power.
#[derive(Debug)]
pub(super) struct HastyDisk;

impl Disk for HastyDisk {
    fn sync_file(&self, _path: &Path, _file: &File) -> io::Result<()> {
        Ok(())
    }

    fn sync_folder(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        RealDisk.rename(from, to)
    }
}

pub(super) fn hasty() -> Stores {
    Stores::new().with_disk(Arc::new(HastyDisk))
}

pub(super) fn run_id(number: u128) -> RunId {
    Uuid::from_u128(number).into()
}

/// The record of a run whose work is told by the word `plan`.
pub(super) fn record(plan: &str) -> RunRecord {
    RunRecord {
        identities: Identities { analysis: "a1".to_owned(), plan: plan.to_owned(), inputs: "i1".to_owned() },
        tool_version: "0.1.0".to_owned(),
        started_at: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
        finished_at: DateTime::from_timestamp(1_790_000_060, 250_000_000).unwrap(),
        inputs: Vec::new(),
        details: json!({ "waterfall": [{ "step": "read", "rows": 64_000 }] }),
    }
}

pub(super) async fn create(stores: &Stores, location: &Location, probe: u128) -> Result<Output> {
    let output = Output::at(stores.create_output(location)?, location);
    Output { patience: quick(), ..output }.probed(Uuid::from_u128(probe)).await
}

pub(super) fn quick() -> Patience {
    Patience { attempts: 3, pause: Duration::ZERO }
}

/// Writes the result files of the work `plan`, one of them in parts.
pub(super) async fn fill(stage: &mut Stage, plan: &str) -> Result<()> {
    stage.write("effects.parquet", content("effects", plan), Some(2)).await?;
    stage.write("summary.md", content("summary", plan), None).await?;
    let mut file = stage.writer("units.parquet").await?;
    file.write(content("uni", "")).await?;
    file.write(content("ts", plan)).await?;
    file.finish(Some(3)).await
}

/// A whole run, from opening the output to publishing in it.
pub(super) async fn run(stores: &Stores, location: &Location, id: u128, plan: &str) -> Result<Publication> {
    let output = create(stores, location, id).await?;
    let mut stage = output.stage(run_id(id)).await?;
    match fill(&mut stage, plan).await {
        Ok(()) => stage.publish(record(plan)).await,
        Err(error) => {
            stage.discard().await;
            Err(error)
        }
    }
}

fn content(kind: &str, plan: &str) -> Bytes {
    Bytes::from(format!("{kind} {plan}\n"))
}

/// Reads every file of the latest run, checking length and hash; gives the run and its files' bytes by name.
pub(super) async fn latest_whole(output: &Output) -> Option<(Published, Vec<(String, Bytes)>)> {
    let published = output.latest().await.unwrap()?;
    let mut files = Vec::new();
    for file in &published.manifest.files {
        files.push((file.name.clone(), output.read(&published, &file.name).await.unwrap()));
    }
    assert!(!files.is_empty());
    Some((published, files))
}
