//! How a cluster is operated: manifests and unit files are what Kubernetes and systemd understand, and the commands in them are
//! what the program understands.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::checker::judged;
use crate::program::{Answer, whom};
use crate::warehouse::{fresh_folder, repository};

/// A command that somebody else starts.
struct Started {
    file: String,
    arguments: Vec<String>,
    variables: BTreeMap<String, String>,
}

impl Started {
    /// Asserts that the program understands the command as far as the certificates, which are not here.
    fn assert_understood(&self) {
        let answer = Answer::of(whom().args(&self.arguments).envs(&self.variables));
        let authority = &self.variables["WHOM_AUTHORITY"];
        let missing = format!("`{authority}` cannot be read");
        assert_eq!(answer.code, Some(2), "{}: {}", self.file, answer.stderr);
        assert!(answer.stderr.contains(&missing), "{}: {}", self.file, answer.stderr);
    }
}

fn operation() -> PathBuf {
    repository().join("crates/whom-cluster/operation")
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// Copies of some files, one of which has other words in one place.
fn spoilt(folder: &Path, file: &str, (words, others): (&str, &str)) -> tempfile::TempDir {
    let copies = fresh_folder();
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        let mut text = fs::read_to_string(entry.path()).expect("a text");
        if entry.file_name() == file {
            assert!(text.contains(words), "`{file}` does not say `{words}`");
            text = text.replacen(words, others, 1);
        }
        fs::write(copies.path().join(entry.file_name()), text).expect("a copy");
    }
    copies
}

#[test]
fn the_manifests_are_as_their_schemas_say_and_the_program_understands_them() {
    let answer = judged("check_manifests.py", &[path(&operation().join("kubernetes"))]).expect_success();
    let found: Vec<Value> = serde_json::from_str(&answer.stdout).expect("a list");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut commands = Vec::new();
    for one in &found {
        let arguments = one["arguments"].as_array().expect("arguments").iter().map(text);
        let variables = one["variables"].as_object().expect("variables");
        let started = Started {
            file: text(&one["file"]),
            arguments: arguments.collect(),
            variables: variables.iter().map(|(name, value)| (name.clone(), text(value))).collect(),
        };
        started.assert_understood();
        commands.push(started.arguments[0].clone());
    }
    assert_eq!(commands, ["executor", "run", "scheduler"]);
}

#[test]
fn a_manifest_that_is_wrong_is_noticed() {
    for (file, words, others, said) in [
        ("scheduler.yaml", "replicas: 1", "replicas: one", "is not of type"),
        ("executor.yaml", "podManagementPolicy", "podManagmentPolicy", "podManagmentPolicy"),
        ("executor.yaml", "containerPort: 50051", "containerPort: 50052", "port 50051 is not one of the pods"),
        ("network.yaml", "port: 9091", "port: 9099", "are let in to `whom-executor`"),
        ("nightly.yaml", "runAsNonRoot: true", "runAsNonRoot: false", "a pod that may be root"),
    ] {
        let folder = spoilt(&operation().join("kubernetes"), file, (words, others));
        let answer = judged("check_manifests.py", &[path(folder.path())]);
        assert_eq!(answer.code, Some(1), "{others}: {}", answer.stdout);
        assert!(answer.stderr.contains(said), "{others}: {}", answer.stderr);
    }
}

#[test]
fn the_units_are_what_systemd_understands_and_the_program_too() {
    for service in ["scheduler", "executor"] {
        let file = format!("whom-{service}.service");
        let text = fs::read_to_string(operation().join("systemd").join(&file)).expect("a unit");
        let settings = settings(&text);
        let started = &settings["ExecStart"];
        assert_eq!(started.len(), 1, "{file}");
        let filled = |text: &str| text.replace("%H", "localhost").replace("%C", "/var/cache").replace("%d", "/nowhere");
        let mut arguments = started[0].split(' ').map(filled);
        assert_eq!(arguments.next().as_deref(), Some("/usr/local/bin/whom"));
        let variables = settings["Environment"].iter().flat_map(|line| line.split(' '));
        let variables = variables.filter_map(|word| word.split_once('='));
        let variables = variables.map(|(name, value)| (name.to_owned(), filled(value))).collect();
        Started { file, arguments: arguments.collect(), variables }.assert_understood();
        for credential in ["authority.pem", "host.pem", "host.key"] {
            assert!(settings["Environment"][0].contains(&format!("=%d/{credential}")));
            assert!(settings["LoadCredential"].contains(&format!("{credential}:/etc/whom/{credential}")));
        }
    }
    assert_eq!(wrong_units(&operation().join("systemd")), "");
}

#[test]
fn a_unit_that_is_wrong_is_noticed() {
    for (words, others) in [("DynamicUser=yes", "DynamicUzer=yes"), ("Restart=always", "Restart=allways")] {
        let folder = spoilt(&operation().join("systemd"), "whom-executor.service", (words, others));
        let said = wrong_units(folder.path());
        assert!(said.contains(words.split('=').next().unwrap_or_default()) || said.contains(others), "{said}");
    }
}

/// What is wrong with the units of a folder: as systemd says, and where it is not there, by the settings that are known here.
fn wrong_units(folder: &Path) -> String {
    let mut told = String::new();
    let copies = spoilt(folder, "", ("", ""));
    let mut verify = Command::new("systemd-analyze");
    verify.arg("verify");
    for entry in fs::read_dir(copies.path()).expect("a folder") {
        let file = entry.expect("an entry").path();
        let text = fs::read_to_string(&file).expect("a unit");
        told += &unknown(&text);
        // The program is where the test has it.
        fs::write(&file, text.replace("/usr/local/bin/whom", env!("CARGO_BIN_EXE_whom"))).expect("a copy");
        verify.arg(file);
    }
    match verify.output() {
        Ok(answer) => told += &String::from_utf8_lossy(&answer.stderr),
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
    }
    told
}

/// The settings of a unit by name, each with all its values.
fn settings(text: &str) -> BTreeMap<&str, Vec<String>> {
    let mut settings: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('=')) {
        settings.entry(name).or_default().push(value.to_owned());
    }
    settings
}

/// The settings that units here may have, with the values of those that have a few: systemd.unit(5), systemd.service(5),
/// systemd.exec(5), systemd.kill(5) and systemd.resource-control(5) of version 252.
const KNOWN: &[(&str, &[&str])] = &[
    ("Description", &[]),
    ("Wants", &["network-online.target"]),
    ("After", &["network-online.target"]),
    ("StartLimitIntervalSec", &[]),
    ("Type", &["exec"]),
    ("ExecStart", &[]),
    ("EnvironmentFile", &[]),
    ("Environment", &[]),
    ("LoadCredential", &[]),
    ("Restart", &["always"]),
    ("RestartSec", &[]),
    ("RestartPreventExitStatus", &[]),
    ("KillMode", &["mixed"]),
    ("TimeoutStopSec", &[]),
    ("MemoryMax", &[]),
    ("MemorySwapMax", &[]),
    ("LimitNOFILE", &[]),
    ("CacheDirectory", &[]),
    ("CacheDirectoryMode", &["0700"]),
    ("DynamicUser", &["yes"]),
    ("ProtectSystem", &["strict"]),
    ("ProtectHome", &["yes"]),
    ("ProtectProc", &["invisible"]),
    ("ProtectClock", &["yes"]),
    ("ProtectControlGroups", &["yes"]),
    ("ProtectHostname", &["yes"]),
    ("ProtectKernelLogs", &["yes"]),
    ("ProtectKernelModules", &["yes"]),
    ("ProtectKernelTunables", &["yes"]),
    ("PrivateDevices", &["yes"]),
    ("PrivateTmp", &["yes"]),
    ("PrivateUsers", &["yes"]),
    ("CapabilityBoundingSet", &[""]),
    ("AmbientCapabilities", &[""]),
    ("NoNewPrivileges", &["yes"]),
    ("LockPersonality", &["yes"]),
    ("MemoryDenyWriteExecute", &["yes"]),
    ("RemoveIPC", &["yes"]),
    ("RestrictAddressFamilies", &[]),
    ("RestrictNamespaces", &["yes"]),
    ("RestrictRealtime", &["yes"]),
    ("RestrictSUIDSGID", &["yes"]),
    ("SystemCallArchitectures", &["native"]),
    ("SystemCallFilter", &[]),
    ("UMask", &["0077"]),
    ("WantedBy", &["multi-user.target"]),
];

/// What of a unit is not known here, a line each.
fn unknown(text: &str) -> String {
    let right = |name: &str, value: &str| {
        KNOWN.iter().any(|(known, values)| *known == name && (values.is_empty() || values.contains(&value)))
    };
    let settings =
        settings(text).into_iter().flat_map(|(name, values)| values.into_iter().map(move |value| (name, value)));
    let wrong = settings.filter(|(name, value)| !right(name, value));
    let told: Vec<String> = wrong.map(|(name, value)| format!("unknown setting: {name}={value}\n")).collect();
    told.concat()
}
