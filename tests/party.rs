//! A cluster of processes for a test: certificates, a scheduler and executors on ports of their own, gone when it is dropped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::program::{Answer, whom};
use crate::warehouse::fresh_folder;

/// How long anything may take that is waited for.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// The certificates of a cluster.
pub(crate) struct Certificates(TempDir);

impl Certificates {
    /// Of a new authority, for this machine.
    pub(crate) fn new() -> Self {
        Self::of("localhost,127.0.0.1")
    }

    /// Of a new authority, for a host of these names, the first of which is `localhost`.
    pub(crate) fn of(names: &str) -> Self {
        let folder = fresh_folder();
        let arguments = ["certs", "--host", names, "--out"];
        Answer::of(whom().args(arguments).arg(folder.path())).expect_success();
        Self(folder)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A command that proves with them that it belongs here.
    pub(crate) fn prove<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command
            .env("WHOM_AUTHORITY", self.file("authority.pem"))
            .env("WHOM_CERTIFICATE", self.file("localhost.pem"))
            .env("WHOM_KEY", self.file("localhost.key"))
    }
}

/// A service that listens.
pub(crate) struct Service {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Where it gives figures.
    metrics: SocketAddr,
}

impl Service {
    /// Starts a service and waits until it says where it listens.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let said = child.stderr.take().expect("standard error");
        let (tell, told) = channel();
        thread::spawn(move || {
            for line in BufReader::new(said).lines().map_while(Result::ok) {
                // Whoever asked has heard enough after the first line.
                let _ = tell.send(line);
            }
        });
        let line = told.recv_timeout(DEADLINE).expect("a service that says where it listens");
        let after = |words: &str| line.split_once(words).map(|(_, rest)| rest.to_owned());
        let address = after("listens on ").unwrap_or_else(|| panic!("{line}"));
        let address = address.split([',', ' ']).next().unwrap_or_default().parse().expect("an address");
        let metrics = after("http://").unwrap_or_else(|| panic!("{line}"));
        let metrics = metrics.split('/').next().unwrap_or_default().parse().expect("an address");
        Self { child, address, metrics }
    }

    /// A figure that it gives now.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        let mut connection = TcpStream::connect_timeout(&self.metrics, DEADLINE).expect("a connection");
        connection
            .write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            .expect("a request");
        let mut page = String::new();
        connection.read_to_string(&mut page).expect("an answer");
        let line = page.lines().find(|line| line.split(' ').next() == Some(name));
        let value = line.and_then(|line| line.split(' ').nth(1)).unwrap_or_else(|| panic!("no `{name}` in {page}"));
        value.parse().expect("a number")
    }

    /// Waits until it is in the middle of a part.
    pub(crate) fn wait_until_at_work(&self) {
        let begun = Instant::now();
        while !self.is_at_work() {
            assert!(begun.elapsed() < DEADLINE, "it has nothing to do");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it has begun a part that is not ended.
    pub(crate) fn is_at_work(&self) -> bool {
        let figure = |name: &str| self.figure(&format!("whom_executor_parts_{name}_total"));
        figure("begun") > figure("answered") + figure("refused") + figure("failed")
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().expect("kill runs");
        assert!(sent.success());
    }

    /// Waits until it has ended by itself; its exit code, `None` if a signal ended it.
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            assert!(begun.elapsed() < DEADLINE, "it does not end");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // One that has ended is not there to be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A cluster.
pub(crate) struct Party {
    pub(crate) certificates: Certificates,
    work: TempDir,
    pub(crate) scheduler: Service,
    lost_after: &'static str,
    pub(crate) executors: Vec<Service>,
}

impl Party {
    /// A scheduler and so many executors of one slot each. On a busy machine nobody is taken for lost who is only slow.
    pub(crate) fn of(executors: usize) -> Self {
        Self::with(executors, "30")
    }

    /// One that takes executors for lost that are silent for five seconds.
    pub(crate) fn impatient(executors: usize) -> Self {
        Self::with(executors, "5")
    }

    /// A scheduler alone, which takes an executor for lost after so many seconds.
    pub(crate) fn losing_after(lost_after: &'static str) -> Self {
        Self::with(0, lost_after)
    }

    fn with(executors: usize, lost_after: &'static str) -> Self {
        let certificates = Certificates::new();
        let scheduler = scheduler(&certificates, "127.0.0.1:0", lost_after);
        let mut party = Self { certificates, work: fresh_folder(), scheduler, lost_after, executors: Vec::new() };
        for _ in 0..executors {
            party.add_executor(&[]);
        }
        party
    }

    /// Adds an executor, with these variables in its environment.
    pub(crate) fn add_executor(&mut self, variables: &[(&str, &str)]) -> &mut Service {
        self.add_executor_with("1GiB", variables)
    }

    /// Adds an executor with so much memory.
    pub(crate) fn add_executor_with(&mut self, memory: &str, variables: &[(&str, &str)]) -> &mut Service {
        let address = self.address();
        let mut command = whom();
        command.args(["executor", "--scheduler", &address, "--bind", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]);
        command
            .args(["--slots", "1", "--memory-limit", memory, "--heartbeat", "1", "--work-dir"])
            .arg(self.work.path());
        command.envs(variables.iter().copied());
        self.executors.push(Service::start(self.certificates.prove(&mut command)));
        self.executors.last_mut().expect("an executor")
    }

    /// Where runs are sent to.
    pub(crate) fn address(&self) -> String {
        format!("df://localhost:{}", self.scheduler.address.port())
    }

    /// Another scheduler in the place of the one that is there, which is killed.
    pub(crate) fn restart_scheduler(&mut self) {
        let address = self.scheduler.address.to_string();
        self.scheduler.signal("-KILL");
        self.scheduler.ended();
        self.scheduler = scheduler(&self.certificates, &address, self.lost_after);
    }

    /// A command that has its work done here.
    pub(crate) fn command<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        let address = self.address();
        self.certificates.prove(command.args(["--cluster", &address, "--quiet"]))
    }

    /// Whether executors left anything in their work folder beside what the living ones use.
    pub(crate) fn work_folder(&self) -> &Path {
        self.work.path()
    }
}

fn scheduler(certificates: &Certificates, bind: &str, lost_after: &str) -> Service {
    let mut command = whom();
    command.args(["scheduler", "--bind", bind, "--metrics", "127.0.0.1:0", "--lost-after", lost_after]);
    Service::start(certificates.prove(&mut command))
}
