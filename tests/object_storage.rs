//! The whole program on object storage: tables read from S3, a run published there, the same bytes as from disk.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{Answer, Baseline, whom};
use crate::warehouse::{Sample, Warehouse, parquet_files};

#[path = "../crates/whom-store/tests/stores/servers.rs"]
#[expect(dead_code, reason = "the tests of the stores use Azurite as well")]
pub(crate) mod servers;

/// What must never be seen: the secret key, the token of a session, a signature or password in an address.
pub(crate) const SECRET: &str = "canary-of-object-storage";

/// The tiny sample in a bucket, and a pipeline that knows it there.
pub(crate) struct InBucket {
    pub(crate) warehouse: Warehouse,
    pub(crate) bucket: &'static str,
}

impl InBucket {
    pub(crate) fn new(bucket: &'static str) -> Self {
        let warehouse = Warehouse::copy(Sample::Tiny);
        servers::make_bucket(bucket);
        let tables = warehouse.table("");
        for file in parquet_files(&tables) {
            let key = file.strip_prefix(&tables).expect("a file of a table").display().to_string();
            let answer = exchange("PUT", &format!("{bucket}/warehouse/{key}"), &fs::read(&file).expect("a file"));
            assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
        }
        for table in ["exposures.parquet", "events.parquet", "profiles/", "homes.parquet"] {
            warehouse.edit(&format!("path: warehouse/{table}"), &format!("path: s3://{bucket}/warehouse/{table}"));
        }
        warehouse.edit("path: ../../../whom-out/tiny/", &format!("path: s3://{bucket}/out/tiny/"));
        Self { warehouse, bucket }
    }

    fn run(&self) -> Answer {
        self.run_with(&[])
    }

    fn run_with(&self, arguments: &[&str]) -> Answer {
        self.ask(servers::s3(), &[&["run", "--keep-units", "--quiet"], arguments].concat())
    }

    /// A command on the pipeline, with the store at a port, and with everything switched on that makes programs talk.
    pub(crate) fn ask(&self, port: u16, arguments: &[&str]) -> Answer {
        Answer::of(&mut self.command(port, arguments))
    }

    /// The same, ready to be started.
    pub(crate) fn command(&self, port: u16, arguments: &[&str]) -> Command {
        let mut command = whom();
        command.arg(arguments[0]).arg(self.warehouse.pipeline()).args(&arguments[1..]);
        command.envs(variables(port));
        command
    }

    /// Asserts that what was published last has the bytes of a run on disk.
    pub(crate) fn assert_published(&self, answer: &Answer) {
        let line = answer.last_line();
        let locations = line["locations"].as_object().expect("locations");
        let published = &Baseline::of(Sample::Tiny).published;
        assert_eq!(locations.keys().map(String::as_str).collect::<Vec<_>>(), published.names());
        for (name, address) in locations {
            let bytes = self.read(address.as_str().expect("an address"));
            assert!(bytes == published.bytes(name), "other bytes in `{name}`: {line}");
        }
    }

    /// Everything that lies in the bucket, by its key.
    pub(crate) fn objects(&self) -> Vec<(String, Vec<u8>)> {
        let listed = body(&exchange("GET", self.bucket, &[]));
        let listed = String::from_utf8(listed).expect("XML");
        let keys = listed.split("<Key>").skip(1).filter_map(|rest| rest.split_once("</Key>"));
        let read = |key: &str| body(&exchange("GET", &format!("{}/{key}", self.bucket), &[]));
        keys.map(|(key, _)| (key.to_owned(), read(key))).collect()
    }

    /// A published file by its address.
    fn read(&self, address: &str) -> Vec<u8> {
        let key = address.strip_prefix(&format!("s3://{}/", self.bucket)).expect("an address in the bucket");
        body(&exchange("GET", &format!("{}/{key}", self.bucket), &[]))
    }
}

/// What a program needs to know to use the store at a port.
pub(crate) fn variables(port: u16) -> [(&'static str, String); 7] {
    [
        ("AWS_ACCESS_KEY_ID", "id".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", SECRET.to_owned()),
        ("AWS_SESSION_TOKEN", SECRET.to_owned()),
        ("AWS_REGION", "us-east-1".to_owned()),
        ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
        ("RUST_LOG", "trace".to_owned()),
        ("RUST_BACKTRACE", "full".to_owned()),
    ]
}

/// What stands behind the head of a good answer.
fn body(answer: &[u8]) -> Vec<u8> {
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("an end of the head");
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..end]));
    answer[end + 4..].to_vec()
}

/// One request to the S3 server, which wants a signature and does not look at it.
fn exchange(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    let mut connection = TcpStream::connect(("127.0.0.1", servers::s3())).expect("a connection");
    let path = path.replace('=', "%3D");
    let head = format!(
        "{method} /{path} HTTP/1.1\r\nHost: localhost\r\nx-amz-acl: public-read\r\nAuthorization: AWS id:signed\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).expect("a request");
    connection.write_all(body).expect("a body");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).expect("an answer");
    answer
}

#[test]
fn a_run_in_a_bucket_publishes_the_bytes_of_a_run_on_disk() {
    let place = InBucket::new("whole-run");
    for number in [1, 2] {
        let answer = place.run().expect_success();
        assert_eq!(answer.last_line()["number"].as_u64(), Some(number));
        place.assert_published(&answer);
    }
}

#[test]
fn a_cache_in_a_bucket_gives_the_same_bytes_and_saves_the_second_night() {
    let place = InBucket::new("cached-run");
    let cache = format!("s3://{}/cache/", place.bucket);
    for saved in [false, true] {
        let answer = place.run_with(&["--cache", &cache]).expect_success();
        place.assert_published(&answer);
        let line = answer.last_line();
        let number = line["number"].as_u64().expect("a number");
        let manifest = place.read(&format!("s3://{}/out/tiny/_manifests/{number:020}.json", place.bucket));
        let manifest: Value = serde_json::from_slice(&manifest).expect("JSON");
        let tables = manifest["run"]["details"]["read"].as_array().expect("what was read");
        let profile = tables.iter().find(|table| table["table"] == "tags profile").expect("the tags");
        assert_eq!(profile["bytes"].as_u64() == Some(0), saved, "{profile}");
        assert!(profile["cache"]["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{profile}");
    }
}

#[test]
fn a_run_without_credentials_ends_at_once_and_says_what_was_tried() {
    let place = InBucket::new("no-credentials");
    let mut command = place.warehouse.run_command(&["--quiet"]);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"] {
        command.env_remove(name);
    }
    let home = place.warehouse.root();
    let endpoint = format!("http://127.0.0.1:{}", servers::s3());
    let command = command.env("HOME", home).env("AWS_REGION", "us-east-1").env("AWS_ENDPOINT_URL", endpoint);
    let started = Instant::now();
    let answer = Answer::of(command);
    assert_eq!(answer.code, Some(2), "{}", answer.stderr);
    assert!(answer.stderr.contains("AWS_ACCESS_KEY_ID"), "{}", answer.stderr);
    assert!(started.elapsed() < Duration::from_secs(20), "refused only after {:?}", started.elapsed());
}
