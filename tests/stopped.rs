//! A run that is asked to stop does so soon, says so, and publishes nothing.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use crate::program::Answer;
use crate::warehouse::{Sample, Warehouse};

#[test]
fn interrupted_while_it_makes_the_unit_table() {
    stopped("INT", "unit table", 130);
}

#[test]
fn terminated_while_it_reads_its_sources() {
    stopped("TERM", "sources", 143);
}

/// Sends the signal as soon as the stage has begun.
fn stopped(signal: &str, stage: &str, code: i32) {
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    let mut command = warehouse.run_command::<&str>(&[]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
    let rest = wait_for_stage(&mut child, stage);
    let sent = Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status();
    assert!(sent.expect("`kill` starts").success());
    let told: Vec<String> = rest.map_while(Result::ok).collect();
    let answer = Answer::from(child.wait_with_output().expect("an answer"));
    assert_eq!(answer.code, Some(code), "{told:?}\n{}", answer.stdout);
    let line = answer.last_line();
    assert_eq!((line["status"].as_str(), line["code"].as_i64()), (Some("failed"), Some(code.into())));
    assert_eq!(line["retryable"], true);
    assert!(warehouse.published().is_empty());
}

/// Reads heartbeats until the stage begins; gives those that follow.
fn wait_for_stage(child: &mut Child, stage: &str) -> impl Iterator<Item = std::io::Result<String>> + use<> {
    let mut lines = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let begins = |line: &str| line.contains(&format!("\"stage\":\"{stage}\""));
    assert!(lines.any(|line| line.is_ok_and(|line| begins(&line))), "stage `{stage}` never began");
    lines
}
