//! A simulated warehouse in which days arrive, for nights one by one.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Answer, Published, published_in, whom};
use crate::warehouse::{copy, fresh_folder, parquet_files};

/// The nights, by the last day that they read. Units enrol through the 8th, and a window is two days.
pub(crate) const NIGHTS: [&str; 7] =
    ["2026-03-04", "2026-03-05", "2026-03-06", "2026-03-07", "2026-03-08", "2026-03-09", "2026-03-10"];

/// The tables of the warehouse as SQL knows them.
pub(crate) const TABLES: [&str; 3] = ["split", "fact orders", "tags known"];

/// A simulated warehouse that grows day by day, and pipelines over it.
pub(crate) struct Lake {
    folder: TempDir,
}

/// What a run read of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) bytes: u64,
    pub(crate) files: u64,
    /// Days made and days reused, if its days are cached.
    pub(crate) days: Option<(u64, u64)>,
}

impl Lake {
    /// A warehouse of so many units, of which no day has arrived.
    pub(crate) fn empty(units: u32) -> Self {
        let lake = Self { folder: fresh_folder() };
        let all = lake.path("all");
        Answer::of(whom().arg("simulate").arg(&all).args(["--size", &units.to_string(), "--quiet"])).expect_success();
        let text = fs::read_to_string(all.join("pipeline.yaml")).expect("a pipeline file");
        let through = text.lines().find(|line| line.starts_with("through: ")).expect("`through`");
        let text = text.replace(through, "through: ${var.ds}").replace("window: 14d", "window: 2d");
        lake.write("nightly.yaml", &format!("{text}\nvalidate: {{ bootstrap: 100 }}\n"));
        lake.variant("nothing.yaml", &[("path: results/", "path: nothing/")]);
        lake
    }

    /// A warehouse in which all days through that of a night have arrived.
    pub(crate) fn through(units: u32, night: &str) -> Self {
        let lake = Self::empty(units);
        lake.arrive(|day| day <= night);
        lake
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.folder.path().join(relative)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
    }

    /// The nightly pipeline with passages replaced, under another name.
    pub(crate) fn variant(&self, name: &str, edits: &[(&str, &str)]) {
        let mut text = fs::read_to_string(self.path("nightly.yaml")).expect("a pipeline file");
        for (passage, replacement) in edits {
            assert!(text.contains(passage), "`{passage}` in {text}");
            text = text.replace(passage, replacement);
        }
        self.write(name, &text);
    }

    /// Days arrive, all tables of them.
    pub(crate) fn arrive(&self, which: impl Fn(&str) -> bool) {
        for table in ["exposures", "orders", "snapshots"] {
            for entry in fs::read_dir(self.path("all").join(table)).expect("a table") {
                let folder = entry.expect("a day").path();
                let name = folder.file_name().and_then(|name| name.to_str()).expect("a name");
                if which(name.strip_prefix("dt=").expect("a day")) {
                    copy(&folder, &self.path(table).join(name));
                }
            }
        }
    }

    /// The one file of a day that has arrived.
    pub(crate) fn file(&self, table: &str, day: &str) -> PathBuf {
        let files = parquet_files(&self.path(table).join(format!("dt={day}")));
        let [file] = files.as_slice() else { panic!("{files:?}") };
        file.clone()
    }

    pub(crate) fn run_command(&self, pipelines: &[&str], night: &str) -> Command {
        let mut command = whom();
        command.arg("run").args(pipelines.iter().map(|name| self.path(name)));
        command.args(["--set", &format!("ds={night}"), "--keep-units", "--threads", "2", "--quiet"]);
        command
    }

    /// Runs with the cache, and gives what was published.
    pub(crate) fn cached(&self, night: &str) -> Published {
        Answer::of(self.run_command(&["nightly.yaml"], night).arg("--cache").arg(self.path("cache"))).expect_success();
        self.latest("results")
    }

    /// Runs from nothing, and gives what was published.
    pub(crate) fn anew(&self, night: &str) -> Published {
        Answer::of(&mut self.run_command(&["nothing.yaml"], night)).expect_success();
        self.latest("nothing")
    }

    pub(crate) fn latest(&self, output: &str) -> Published {
        published_in(&self.path(output)).pop().expect("a published run")
    }

    /// The rows of cached days.
    pub(crate) fn parts(&self) -> Vec<PathBuf> {
        parquet_files(&self.path("cache"))
    }
}

/// What a run read, by table.
pub(crate) fn reads(published: &Published) -> BTreeMap<String, Read> {
    let tables = published.manifest["run"]["details"]["read"].as_array().expect("what was read");
    let number = |value: &Value| value.as_u64().expect("a number");
    let read = |table: &Value| {
        let cache = table["cache"].as_object();
        let days = cache.map(|cache| (number(&cache["days_filled"]), number(&cache["days_reused"])));
        let read = Read { bytes: number(&table["bytes"]), files: number(&table["files"]), days };
        (table["table"].as_str().expect("a name").to_owned(), read)
    };
    tables.iter().map(read).collect()
}

/// The days that were made and reused of each table.
pub(crate) fn days(published: &Published) -> [(u64, u64); 3] {
    let reads = reads(published);
    TABLES.map(|table| reads[table].days.expect("cached days"))
}

/// Flips a bit of a file.
pub(crate) fn flip(path: &Path, place: impl Fn(usize) -> usize) {
    let mut bytes = fs::read(path).expect("a file");
    let place = place(bytes.len());
    bytes[place] ^= 1;
    fs::write(path, bytes).expect("a file");
}

pub(crate) fn cut_off(path: &Path) {
    let bytes = fs::read(path).expect("a file");
    fs::write(path, &bytes[..bytes.len() / 2]).expect("a file");
}

/// The entry that names a part.
pub(crate) fn entry_of(part: &Path) -> PathBuf {
    let beside = files(part.parent().expect("a folder"));
    beside.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "json")).expect("an entry")
}

/// All files under a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
