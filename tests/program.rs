//! The program as a user runs it, and what it leaves.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use serde_json::Value;
use tempfile::TempDir;

use crate::warehouse::{Sample, Warehouse, fresh_folder, repository};

/// The program, with nothing from the environment that could change what it prints.
pub(crate) fn whom() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whom"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "COLUMNS", "RUST_BACKTRACE", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.env("TZ", "Pacific/Auckland").current_dir(repository());
    command
}

/// What a command answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    pub(crate) fn of(command: &mut Command) -> Self {
        command.output().expect("the program starts").into()
    }

    /// This answer, if it was given with exit code 0.
    pub(crate) fn expect_success(self) -> Self {
        assert_eq!(self.code, Some(0), "\n{}\n{}", self.stderr, self.stdout);
        self
    }

    /// The one line of JSON that ends standard output of `run`.
    pub(crate) fn last_line(&self) -> Value {
        let line = self.stdout.lines().last().unwrap_or_default();
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: `{line}`"))
    }
}

impl From<Output> for Answer {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).expect("UTF-8"),
            stderr: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// Compares a text with `snapshots/<name>.snap`.
pub(crate) fn assert_text(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_omit_expression(true);
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// A published run: the files by name, and the manifest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Published {
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) manifest: Value,
}

impl Published {
    pub(crate) fn text(&self, name: &str) -> &str {
        std::str::from_utf8(self.bytes(name)).expect("UTF-8")
    }

    pub(crate) fn json(&self, name: &str) -> Value {
        serde_json::from_slice(self.bytes(name)).expect("JSON")
    }

    pub(crate) fn bytes(&self, name: &str) -> &[u8] {
        self.files.get(name).unwrap_or_else(|| panic!("`{name}` is not among {:?}", self.names()))
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        self.files.keys().map(String::as_str).collect()
    }

    /// The files in a fresh folder, for programs that read files.
    pub(crate) fn unpacked(&self) -> TempDir {
        let folder = fresh_folder();
        for (name, bytes) in &self.files {
            fs::write(folder.path().join(name), bytes).expect("a file");
        }
        folder
    }

    /// Asserts that the result files are the same bytes, naming those that are not.
    pub(crate) fn assert_same_files(&self, other: &Self, occasion: &str) {
        assert_eq!(self.names(), other.names(), "{occasion}");
        let different: Vec<&str> =
            self.names().into_iter().filter(|name| self.bytes(name) != other.bytes(name)).collect();
        assert!(different.is_empty(), "{occasion}: other bytes in {different:?}");
    }
}

impl Warehouse {
    /// `whom run`, ready to be started.
    pub(crate) fn run_command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = whom();
        command.arg("run").arg(self.pipeline()).args(arguments);
        command
    }

    /// Runs the pipeline and gives what it published.
    pub(crate) fn run(&self, arguments: &[&str]) -> Published {
        Answer::of(&mut self.run_command(arguments)).expect_success();
        self.published().pop().expect("a published run")
    }

    /// Asserts that a check refuses the data in these words, and that nothing is published.
    pub(crate) fn assert_refused(&self, words: &str) {
        let answer = Answer::of(&mut self.run_command::<&str>(&[]));
        assert_eq!(answer.code, Some(3), "{}", answer.stderr);
        assert!(answer.stderr.contains(words), "{}", answer.stderr);
        assert!(self.published().is_empty());
    }

    /// All published runs in order; empty if nothing was ever published.
    pub(crate) fn published(&self) -> Vec<Published> {
        published_in(&self.output())
    }

    /// An answer's text with this folder written as `[folder]`.
    pub(crate) fn without_folder(&self, text: &str) -> String {
        text.replace(&*self.root().to_string_lossy(), "[folder]")
    }
}

/// All runs that are published in a folder, in order.
pub(crate) fn published_in(output: &Path) -> Vec<Published> {
    let Ok(entries) = fs::read_dir(output.join("_manifests")) else { return Vec::new() };
    let mut manifests: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    manifests.sort();
    manifests.iter().map(|manifest| published_by(output, manifest)).collect()
}

fn published_by(output: &Path, path: &Path) -> Published {
    let manifest: Value = serde_json::from_slice(&fs::read(path).expect("a manifest")).expect("JSON");
    let entries = manifest["files"].as_array().expect("files");
    let files = entries.iter().map(|entry| {
        let (name, path) = (entry["name"].as_str().expect("a name"), entry["path"].as_str().expect("a path"));
        (name.to_owned(), fs::read(output.join(path)).expect("a published file"))
    });
    Published { files: files.collect(), manifest: manifest.clone() }
}

/// An undisturbed run with `--keep-units`, made once for all tests.
pub(crate) struct Baseline {
    pub(crate) answer: Answer,
    pub(crate) published: Published,
}

impl Baseline {
    pub(crate) fn of(sample: Sample) -> &'static Self {
        static HILLSTROM: LazyLock<Baseline> = LazyLock::new(|| Baseline::run(Sample::Hillstrom));
        static RETENTION: LazyLock<Baseline> = LazyLock::new(|| Baseline::run(Sample::Retention));
        static STAR: LazyLock<Baseline> = LazyLock::new(|| Baseline::run(Sample::Star));
        static KARLAN_LIST: LazyLock<Baseline> = LazyLock::new(|| Baseline::run(Sample::KarlanList));
        static ESTI: LazyLock<Baseline> = LazyLock::new(|| Baseline::run(Sample::Esti));
        static SHOP: LazyLock<Baseline> = LazyLock::new(|| Baseline::run(Sample::Shop));
        static TINY: LazyLock<Baseline> = LazyLock::new(|| Baseline::run(Sample::Tiny));
        match sample {
            Sample::Hillstrom => &HILLSTROM,
            Sample::Retention => &RETENTION,
            Sample::Star => &STAR,
            Sample::KarlanList => &KARLAN_LIST,
            Sample::Esti => &ESTI,
            Sample::Shop => &SHOP,
            Sample::Tiny => &TINY,
        }
    }

    fn run(sample: Sample) -> Self {
        let warehouse = Warehouse::copy(sample);
        let mut answer = Answer::of(&mut warehouse.run_command(&["--keep-units"])).expect_success();
        answer.stdout = warehouse.without_folder(&answer.stdout);
        answer.stderr = warehouse.without_folder(&answer.stderr);
        Self { answer, published: warehouse.published().pop().expect("a published run") }
    }
}
