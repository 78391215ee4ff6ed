//! How much memory a run takes: no more than its limit, about as much as was expected, and little enough that it lives within
//! walls that the system sets.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio, id};
use std::thread::sleep;
use std::time::Duration;

use crate::program::{Answer, Published, published_in, whom};
use crate::warehouse::fresh_folder;

const MIB: u64 = 1 << 20;

/// Between two looks at a running program.
const LOOK: Duration = Duration::from_millis(2);

/// A simulated warehouse of so many units.
struct Shop(tempfile::TempDir);

impl Shop {
    fn of(units: u64) -> Self {
        let shop = Self(fresh_folder());
        let mut simulate = whom();
        simulate.arg("simulate").arg(shop.root()).args(["--size", &units.to_string(), "--quiet"]);
        Answer::of(&mut simulate).expect_success();
        shop
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn results(&self) -> PathBuf {
        self.root().join("results")
    }

    /// `whom run` with two threads and this limit, where nothing is published.
    fn run_within(&self, mebibytes: u64) -> Command {
        if self.results().exists() {
            fs::remove_dir_all(self.results()).expect("a folder");
        }
        let mut command = whom();
        command.arg("run").arg(self.root().join("pipeline.yaml")).args(["--keep-units", "--quiet", "--threads", "2"]);
        command.args(["--memory-limit", &format!("{mebibytes}MiB")]);
        command
    }

    fn published(&self) -> Published {
        published_in(&self.results()).pop().expect("a published run")
    }
}

/// Runs a command to its end, and gives the most bytes that were resident, the pages of the program itself included.
fn peak_of(command: &mut Command) -> u64 {
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().expect("the program starts");
    let status = PathBuf::from(format!("/proc/{}/status", running.id()));
    let mut peak = 0;
    loop {
        peak = fs::read_to_string(&status).ok().and_then(|status| told(&status)).map_or(peak, |now| peak.max(now));
        if let Some(code) = running.try_wait().expect("a child") {
            assert!(code.success(), "{code}");
            return peak;
        }
        sleep(LOOK);
    }
}

/// `VmHWM:   123456 kB`.
fn told(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.strip_suffix("kB")?.trim().parse::<u64>().ok()? * 1024)
}

#[test]
#[cfg(target_os = "linux")]
fn a_run_takes_about_what_was_expected_and_no_more_than_its_limit() {
    let mut misses = Vec::new();
    for (units, limits) in [(2_000, [256, 2048]), (100_000, [384, 1024])] {
        let shop = Shop::of(units);
        for limit in limits {
            let peak = peak_of(&mut shop.run_within(limit));
            let memory = &shop.published().manifest["run"]["details"]["memory"];
            let expected = memory["expected_peak"].as_u64().expect("an expectation");
            let said = format!("{units} units within {limit} MiB: expected {expected}, came to {peak}");
            println!("{said}");
            if expected.abs_diff(peak) * 4 > peak || peak > limit * MIB {
                misses.push(said);
            }
        }
    }
    assert!(misses.is_empty(), "{}", misses.join("\n"));
}

/// A control group that ends whoever takes more memory than it allows, the cache of files that cannot be dropped included, and
/// swaps nothing out. Removed when it is dropped.
struct Wall {
    folder: PathBuf,
    limit: &'static str,
}

impl Wall {
    /// A group beneath that of this process, of either version.
    ///
    /// # Panics
    /// If this process may not make one: the test must run where it may.
    fn new() -> Self {
        let groups = fs::read_to_string("/proc/self/cgroup").expect("control groups");
        let own = |kind: &str| groups.lines().find_map(|line| line.split_once(kind)).map(|(_, path)| path.to_owned());
        let (base, own, limit, swap, swapped) = match own(":memory:/") {
            Some(own) => ("/sys/fs/cgroup/memory", own, "memory.limit_in_bytes", "memory.swappiness", "0"),
            None => ("/sys/fs/cgroup", own("0::/").expect("a group"), "memory.max", "memory.swap.max", "0"),
        };
        let folder = Path::new(base).join(own).join(format!("whom-test-{}", id()));
        let made = fs::create_dir(&folder).and_then(|()| fs::write(folder.join(swap), swapped));
        let wall = Self { folder, limit };
        if let Err(error) = made {
            panic!("`{}` cannot be made: {error}; run this test as root where groups can be", wall.folder.display());
        }
        wall
    }

    /// Sets the most bytes that may be taken.
    fn allow(&self, bytes: u64) {
        fs::write(self.folder.join(self.limit), bytes.to_string()).expect("a limit");
    }

    /// The same command, started within the group.
    fn around(&self, command: &Command) -> Command {
        let mut walled = Command::new("sh");
        walled.args(["-c", "echo $$ > \"$0\" && exec \"$@\""]).arg(self.folder.join("cgroup.procs"));
        walled.arg(command.get_program()).args(command.get_args());
        walled
    }
}

impl Drop for Wall {
    fn drop(&mut self) {
        // A group that is left over is empty and limits nobody.
        let _ = fs::remove_dir(&self.folder);
    }
}

#[test]
#[ignore = "makes control groups, and takes a minute; README.md has the command"]
fn a_run_lives_within_walls_a_tenth_above_its_limit() {
    let shop = Shop::of(1_000_000);
    Answer::of(&mut shop.run_within(4096)).expect_success();
    let free = shop.published();
    let (limit, wall) = (400, Wall::new());
    wall.allow(limit * MIB / 10 * 11);
    let peak = peak_of(&mut wall.around(&shop.run_within(limit)));
    println!("within {limit} MiB, walls a tenth above: {} MiB", peak / MIB);
    let walled = shop.published();
    free.assert_same_files(&walled, "within walls");
    let spilled = walled.manifest["run"]["details"]["memory"]["spilled"].as_u64();
    assert!(spilled > Some(10_000_000), "nothing was tight: {spilled:?} bytes on disk");
    wall.allow(60 * MIB);
    let ended = Answer::of(&mut wall.around(&shop.run_within(limit)));
    assert_ne!(ended.code, Some(0), "walls of 60 MiB held nobody");
}
