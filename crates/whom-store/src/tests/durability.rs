//! What a manifest names is on the disk before the manifest is.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use super::fixture::{Folder, run, run_id};
use crate::{
    Stores,
    disk::{Disk, RealDisk},
};

/// A disk that remembers what it was asked, with paths relative to `root`.
#[derive(Debug)]
struct Spy {
    root: PathBuf,
    run: String,
    log: Mutex<Vec<String>>,
}

impl Spy {
    fn record(&self, operation: &str, path: &Path) {
        let Ok(path) = path.strip_prefix(&self.root) else { return };
        let path = path.display().to_string().replace(&self.run, "<run>");
        self.log.lock().unwrap().push(format!("{operation} {path}").trim_end().to_owned());
    }
}

impl Disk for Spy {
    fn sync_file(&self, path: &Path, file: &File) -> io::Result<()> {
        self.record("sync file", path);
        RealDisk.sync_file(path, file)
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.record("sync folder", path);
        RealDisk.sync_folder(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.record("name", to);
        RealDisk.link(from, to)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.record("replace", to);
        RealDisk.rename(from, to)
    }
}

async fn log_of_a_run() -> Vec<String> {
    let folder = Folder::new();
    let root = folder.path("").canonicalize().unwrap().join("out");
    let spy = Arc::new(Spy { root, run: run_id(1).to_string(), log: Mutex::default() });
    let disk: Arc<dyn Disk> = Arc::clone(&spy) as _;
    run(&Stores::new().with_disk(disk), &folder.output(), 1, "plan").await.unwrap();
    let log = spy.log.lock().unwrap();
    log.iter().filter(|line| !line.contains("_probe")).cloned().collect()
}

#[tokio::test]
async fn everything_a_manifest_names_lasts_before_the_manifest_has_its_name() {
    let log = log_of_a_run().await;
    let position = |line: &str| log.iter().position(|l| l == line).unwrap_or_else(|| panic!("`{line}` is missing"));
    let after = |line: &str, from: usize| log.iter().skip(from).position(|l| l == line).map(|at| from + at);
    let manifest = position("name _manifests/00000000000000000001.json");

    assert!(position("sync file _manifests/00000000000000000001.json#1") < manifest, "its own bytes come first");
    for file in ["effects.parquet", "summary.md", "manifest.json"] {
        let bytes = position(&format!("sync file runs/<run>/{file}#1"));
        let named = position(&format!("name runs/<run>/{file}"));
        assert!(bytes < named, "{file}");
        for folder in ["sync folder runs/<run>", "sync folder runs", "sync folder"] {
            assert!(after(folder, named).is_some_and(|at| at < manifest), "{file}: {folder}");
        }
    }
    let in_parts = position("sync file runs/<run>/units.parquet");
    assert!(after("sync folder runs/<run>", in_parts).is_some_and(|at| at < manifest));
}

#[tokio::test]
async fn success_is_reported_after_the_manifest_lasts() {
    let log = log_of_a_run().await;
    let manifest = log.iter().position(|line| line == "name _manifests/00000000000000000001.json").unwrap();
    insta::assert_snapshot!(log[manifest - 1..].join("\n"), @r"
    sync file _manifests/00000000000000000001.json#1
    name _manifests/00000000000000000001.json
    sync folder _manifests
    sync folder
    sync file latest.json#1
    replace latest.json
    sync folder
    ");
}
