//! A network that fails as it is told.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

/// A signature that moto takes for one.
const SIGNED: &str = "Authorization: AWS4-HMAC-SHA256 Credential=id/20261001/us-east-1/s3/aws4_request, Signature=s";

/// What happens to one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Nothing.
    None,
    /// The proxy answers with this status and code; the server is not asked.
    Refused(u16, &'static str),
    /// The proxy answers with this status, and that the bucket lies in this region.
    Elsewhere(u16, &'static str),
    /// The server does what was asked, and the proxy answers with this.
    DoneAndRefused(u16, &'static str),
    /// The connection closes before the server is asked.
    Dropped,
    /// The server does what was asked, and the connection closes without an answer.
    Lost,
    /// The answer breaks off in the middle.
    Broken,
    /// The answer stops in the middle, and the connection stays.
    Stalled,
    /// The answer comes in pieces, with pauses.
    Slow,
    /// The server is asked without this header.
    Without(&'static str),
    /// No fault: Google's condition for a new object, and its proof of who asks, are put in the words of S3.
    Translated,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// Its place in the order of arrival, from 1.
    pub(crate) number: usize,
    /// Its first line and its headers.
    pub(crate) head: String,
    body: Vec<u8>,
}

impl Request {
    /// Its first line.
    pub(crate) fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    pub(crate) fn method(&self) -> &str {
        self.line().split(' ').next().unwrap_or_default()
    }

    /// Whether it asks for the names in a bucket.
    pub(crate) fn is_listing(&self) -> bool {
        self.line().contains("list-type=2")
    }
}

/// A proxy in front of one server; it ends with this process.
pub(crate) struct Proxy {
    pub(crate) port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Proxy {
    /// Listens on a free port; `fault` says what happens to each request.
    pub(crate) fn before(server: u16, fault: impl Fn(&Request) -> Fault + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let (log, fault) = (Arc::clone(&seen), Arc::new(fault));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (log, fault) = (Arc::clone(&log), Arc::clone(&fault));
                // A client that goes away is its own business.
                thread::spawn(move || serve(client, server, &log, &*fault).ok());
            }
        });
        Self { port, seen }
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().expect("no panic").clone()
    }
}

/// One request, one answer, and the connection ends.
fn serve(
    mut client: TcpStream,
    server: u16,
    log: &Mutex<Vec<Request>>,
    fault: &dyn Fn(&Request) -> Fault,
) -> io::Result<()> {
    let Some((head, body)) = read_request(&mut client)? else { return Ok(()) };
    let request = {
        let mut log = log.lock().expect("no panic");
        let request = Request { number: log.len() + 1, head, body };
        log.push(request.clone());
        request
    };
    match fault(&request) {
        Fault::None => client.write_all(&forwarded(&request, server)?)?,
        Fault::Without(header) => {
            let head = without(&request.head, header);
            client.write_all(&forwarded(&Request { head, ..request }, server)?)?;
        }
        Fault::Translated => {
            let head = without(&request.head, "authorization");
            let head = head.replace("x-goog-if-generation-match: 0", "if-none-match: *");
            let head = head.replacen("\r\n", &format!("\r\n{SIGNED}\r\n"), 1);
            client.write_all(&forwarded(&Request { head, ..request }, server)?)?;
        }
        Fault::Refused(status, code) => client.write_all(&refusal(status, code))?,
        Fault::Elsewhere(status, region) => {
            let head = format!("HTTP/1.1 {status} Told\r\nx-amz-bucket-region: {region}\r\nContent-Length: 0\r\n\r\n");
            client.write_all(head.as_bytes())?;
        }
        Fault::DoneAndRefused(status, code) => {
            forwarded(&request, server)?;
            client.write_all(&refusal(status, code))?;
        }
        Fault::Dropped => {}
        Fault::Lost => drop(forwarded(&request, server)?),
        Fault::Broken => client.write_all(half(&forwarded(&request, server)?))?,
        Fault::Stalled => {
            client.write_all(half(&forwarded(&request, server)?))?;
            thread::sleep(Duration::from_secs(2));
        }
        Fault::Slow => {
            let answer = forwarded(&request, server)?;
            for piece in answer.chunks(answer.len() / 4 + 1) {
                client.write_all(piece)?;
                client.flush()?;
                thread::sleep(Duration::from_millis(100));
            }
        }
    }
    client.shutdown(Shutdown::Both)
}

/// The head and the body of a request; none if the client says nothing.
fn read_request(client: &mut TcpStream) -> io::Result<Option<(String, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 << 10];
    loop {
        let read = client.read(&mut buffer)?;
        bytes.extend_from_slice(&buffer[..read]);
        if let Some(end) = end_of_head(&bytes) {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            let mut body = bytes.split_off(end);
            let missing = content_length(&head).saturating_sub(body.len()) as u64;
            client.take(missing).read_to_end(&mut body)?;
            return Ok(Some((head, body)));
        }
        if read == 0 {
            return Ok(None);
        }
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4)
}

fn content_length(head: &str) -> usize {
    let lengths = head.lines().filter_map(|line| line.split_once(':'));
    let mut lengths = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    lengths.next().and_then(|(_, length)| length.trim().parse().ok()).unwrap_or(0)
}

fn without(head: &str, header: &str) -> String {
    let kept =
        head.split_inclusive("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with(&format!("{header}:")));
    kept.collect()
}

/// The whole answer of the server.
fn forwarded(request: &Request, server: u16) -> io::Result<Vec<u8>> {
    let mut server = TcpStream::connect(("127.0.0.1", server))?;
    let head = without(&request.head, "connection").replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(head.as_bytes())?;
    server.write_all(&request.body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    Ok(answer)
}

/// The head and half of the body; of an answer without a body, half of the head.
fn half(answer: &[u8]) -> &[u8] {
    let head = end_of_head(answer).unwrap_or(0);
    let end = if head == answer.len() { head / 2 } else { head + (answer.len() - head) / 2 };
    &answer[..end]
}

/// An answer as S3 gives it, which repeats what should not be repeated.
fn refusal(status: u16, code: &str) -> Vec<u8> {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>of the proxy</Message><AWSAccessKeyId>canary</AWSAccessKeyId></Error>"
    );
    let head = format!("HTTP/1.1 {status} Told\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    (head + &body).into_bytes()
}
