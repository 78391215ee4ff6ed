//! The programs in `tests/python`, which know nothing of ours: plain SQL in DuckDB.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::program::Answer;
use crate::warehouse::repository;

/// What one of the programs finds.
pub(crate) fn judged(program: &str, arguments: &[&str]) -> Answer {
    static PYTHON: LazyLock<PathBuf> = LazyLock::new(prepared_python);
    let mut command = Command::new(&*PYTHON);
    command.arg(repository().join("tests/python").join(program)).args(arguments).current_dir(repository());
    Answer::of(&mut command)
}

/// Runs one of the programs and asserts that it finds nothing wrong.
pub(crate) fn assert_agrees(program: &str, arguments: &[&str]) {
    let answer = judged(program, arguments);
    assert_eq!(answer.code, Some(0), "{program} {arguments:?}\n{}\n{}", answer.stdout, answer.stderr);
}

/// An interpreter with what `requirements.txt` asks for, made once for this target folder and whenever that file changes.
fn prepared_python() -> PathBuf {
    let requirements = repository().join("tests/python/requirements.txt");
    let environment = Path::new(env!("CARGO_TARGET_TMPDIR")).join("whom-test-python");
    let (python, stamp) = (environment.join("bin/python"), environment.join("requirements.txt"));
    let asked = fs::read(&requirements).expect("requirements.txt");
    if fs::read(&stamp).is_ok_and(|installed| installed == asked) {
        return python;
    }
    let _ = fs::remove_dir_all(&environment);
    must_succeed(
        Command::new("python3").args(["-m", "venv"]).arg(&environment),
        "these tests need python3 with its `venv` module (on Debian and Ubuntu: apt-get install python3-venv)",
    );
    must_succeed(
        Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements),
        "these tests install duckdb, numpy, pyarrow and kubernetes-validate from PyPI, once",
    );
    fs::write(stamp, asked).expect("a stamp");
    python
}

fn must_succeed(command: &mut Command, need: &str) {
    let answer = command.output().unwrap_or_else(|error| panic!("{need}: {error}"));
    let said = String::from_utf8_lossy(&answer.stderr);
    assert!(answer.status.success(), "{need}\n{command:?}\n{said}");
}
