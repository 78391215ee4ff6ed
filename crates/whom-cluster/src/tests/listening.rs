//! What listens, and whom it lets in.

use std::path::Path;
use std::time::Duration;

use arrow_flight::Action;
use arrow_flight::flight_service_client::FlightServiceClient;
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tonic::Code;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use whom_engine::Dispatch;
use whom_store::ErrorKind;

use super::party::{Party, elsewhere, stage};
use crate::failure::chain;
use crate::{Address, Tls, make_certificates};

/// The credentials of `localhost`, from an authority of its own.
fn membership(folder: &Path) -> Tls {
    let files = make_certificates(folder, &["localhost".to_owned()], 30).unwrap();
    Tls::Mutual(files.credentials().unwrap())
}

/// Asks for something that no service does, and gives what comes back: `Ok` from a service, `Err` from the way to it.
async fn knock(endpoint: Endpoint) -> Result<(), String> {
    let asked = async {
        let channel = endpoint.connect().await.map_err(|error| chain(&error))?;
        let action = Action { r#type: "nothing".to_owned(), body: Bytes::new() };
        let status = FlightServiceClient::new(channel).do_action(action).await.unwrap_err();
        let answered = matches!(status.code(), Code::Unimplemented | Code::InvalidArgument);
        if answered { Ok(()) } else { Err(chain(&status)) }
    };
    timeout(Duration::from_secs(10), asked).await.unwrap()
}

fn plain(port: u16) -> Endpoint {
    Tls::Off.endpoint(&Address::new("localhost", port)).unwrap()
}

/// An endpoint that knows the authority and has no certificate itself.
fn nameless(port: u16, authority: &Path) -> Endpoint {
    let authority = Certificate::from_pem(std::fs::read(authority.join("authority.pem")).unwrap());
    let endpoint = Endpoint::from_shared(format!("https://localhost:{port}")).unwrap();
    endpoint.tls_config(ClientTlsConfig::new().ca_certificate(authority)).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_work_together_with_a_proxy_and_without() {
    let folder = tempfile::tempdir().unwrap();
    let tls = membership(folder.path());
    for proxy in [true, false] {
        let party = Party::with(1, tls.clone(), proxy);
        let cluster = party.client().await;
        assert_eq!(cluster.dispatch(stage("echo", 3)).await.unwrap()[2], Bytes::from_static(b"2!"));
        assert_eq!(cluster.figures()[0].repeats, [""; 0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_else_is_let_in_anywhere() {
    let (folder, others) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (tls, foreign) = (membership(folder.path()), membership(others.path()));
    let party = Party::with(1, tls.clone(), true);
    for port in [party.scheduler.as_ref().unwrap().port, party.executors[0].port] {
        let address = Address::new("localhost", port);
        assert_eq!(knock(tls.endpoint(&address).unwrap()).await, Ok(()));
        assert!(knock(plain(port)).await.is_err(), "plain text");
        assert!(knock(nameless(port, folder.path())).await.is_err(), "no certificate");
        assert!(knock(foreign.endpoint(&address).unwrap()).await.is_err(), "wrong authority");
        let misled = foreign_certificate(&address, folder.path(), others.path());
        assert!(knock(misled).await.is_err(), "a certificate of another authority");
        assert_eq!(knock(tls.endpoint(&address).unwrap()).await, Ok(()));
    }
}

/// An endpoint that trusts the authority of one folder, and has a certificate of another.
fn foreign_certificate(address: &Address, trusted: &Path, own: &Path) -> Endpoint {
    let credentials = crate::Credentials::read(
        &trusted.join("authority.pem"),
        &own.join("localhost.pem"),
        &own.join("localhost.key"),
    );
    Tls::Mutual(credentials.unwrap()).endpoint(address).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_is_not_let_in_is_told_so_at_once() {
    let (folder, others) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (tls, foreign) = (membership(folder.path()), membership(others.path()));
    let party = Party::with(0, tls, true);
    for stranger in [foreign, Tls::Off] {
        let (kind, words) = elsewhere(&party.try_client(stranger, Duration::from_secs(5)).await.unwrap_err());
        assert_eq!(kind, ErrorKind::Configuration, "{words}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_any_pod_is_that_of_each_and_of_nobody_else() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["localhost", "*.pods.example"].map(str::to_owned);
    let files = make_certificates(folder.path(), &names, 30).unwrap();
    let party = Party::with(1, Tls::Mutual(files.credentials().unwrap()), true);
    let port = party.executors[0].port;
    let read = |path: &Path| std::fs::read(path).unwrap();
    let called = |name: &str| {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(read(&files.authority)))
            .identity(Identity::from_pem(read(&files.certificate), read(&files.key)))
            .domain_name(name);
        Endpoint::from_shared(format!("https://localhost:{port}")).unwrap().tls_config(tls).unwrap()
    };
    assert_eq!(knock(called("executor-0.pods.example")).await, Ok(()));
    assert_eq!(knock(called("executor-31.pods.example")).await, Ok(()));
    for other in ["pods.example", "a.executor-0.pods.example", "executor-0.others.example"] {
        assert!(knock(called(other)).await.is_err(), "{other}");
    }
}

/// What a browser would get from a port.
async fn page(port: u16) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut page = String::new();
    timeout(Duration::from_secs(10), stream.read_to_string(&mut page)).await.unwrap().unwrap();
    page
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn figures_are_given_where_they_were_asked_for() {
    let mut party = Party::of(0);
    let (scheduler, scheduler_figures) = party.scheduler_with_figures();
    party.scheduler = Some(scheduler);
    let executor_figures = party.join_with_figures();
    party.client().await.dispatch(stage("echo", 3)).await.unwrap();
    let told = page(executor_figures).await;
    assert!(
        told.starts_with("HTTP/1.1 200 OK\r\n") && told.contains("\nwhom_executor_parts_answered_total 3\n"),
        "{told}"
    );
    assert!(told.contains("\nwhom_executor_parts_running 0\n"), "{told}");
    let told = page(scheduler_figures).await;
    assert!(told.contains("\njob_completed_total "), "{told}");
}
