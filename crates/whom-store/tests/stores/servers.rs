//! The real servers, installed and started once.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::LazyLock,
};

/// The account of every Azurite, and its published key.
pub(crate) const AZURE_ACCOUNT: &str = "devstoreaccount1";
pub(crate) const AZURE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
pub(crate) const AZURE_CONTAINER: &str = "container";

/// A server that ends with this process, because it reads from it.
struct Server {
    port: u16,
    _child: Child,
}

/// The port of moto's S3 server.
pub(crate) fn s3() -> u16 {
    static SERVER: LazyLock<Server> = LazyLock::new(|| {
        let python = installed("python", "requirements.txt", |folder, list| {
            let python = folder.join("bin/python");
            must_succeed(
                Command::new("python3").args(["-m", "venv"]).arg(folder),
                "these tests need python3 with its `venv` module (on Debian and Ubuntu: apt-get install python3-venv)",
            );
            let mut pip = Command::new(python);
            let pip = pip.args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(list);
            must_succeed(pip, "these tests install moto from PyPI, once");
        });
        started(Command::new(python.join("bin/python")).arg(here("serve_s3.py")))
    });
    SERVER.port
}

/// The port of Azurite, with one container.
pub(crate) fn azure() -> u16 {
    static SERVER: LazyLock<Server> = LazyLock::new(|| {
        let folder = installed("node", "package.json", |folder, list| {
            fs::create_dir_all(folder).expect("a folder");
            fs::copy(list, folder.join("package.json")).expect("a copy");
            let mut npm = Command::new("npm");
            let npm = npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(folder);
            must_succeed(npm, "these tests need node with npm, and install azurite with it, once");
        });
        let arguments = [AZURE_CONTAINER, AZURE_ACCOUNT, AZURE_KEY];
        started(Command::new("node").arg(here("serve_azure.js")).arg(folder.join("node_modules")).args(arguments))
    });
    SERVER.port
}

/// A folder that `install` fills, once for this target folder and again whenever the `list` of what is wanted changes.
fn installed(name: &str, list: &str, install: impl Fn(&Path, &Path)) -> PathBuf {
    let (folder, list) = (Path::new(env!("CARGO_TARGET_TMPDIR")).join("whom-store").join(name), here(list));
    let (stamp, wanted) = (folder.join("installed"), fs::read(&list).expect("a list"));
    if !fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        let _ = fs::remove_dir_all(&folder);
        install(&folder, &list);
        fs::write(stamp, wanted).expect("a stamp");
    }
    folder
}

/// A file beside this one, whatever crate's tests use it.
fn here(file: &str) -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies in `crates/`");
    repository.join("crates/whom-store/tests/stores").join(file)
}

/// Starts a server that prints its port.
fn started(command: &mut Command) -> Server {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the server starts");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("its output")).read_line(&mut line).expect("a line");
    let port = line.trim().parse().unwrap_or_else(|_| panic!("{command:?} printed no port: {line:?}"));
    Server { port, _child: child }
}

fn must_succeed(command: &mut Command, need: &str) {
    let answer = command.output().unwrap_or_else(|error| panic!("{need}: {error}"));
    assert!(answer.status.success(), "{need}\n{command:?}\n{}", String::from_utf8_lossy(&answer.stderr));
}

/// Makes a bucket in the S3 server, which asks for no signature.
pub(crate) fn make_bucket(name: &str) {
    let mut connection = TcpStream::connect(("127.0.0.1", s3())).expect("a connection");
    let request = format!("PUT /{name} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
