//! The cluster: its two services, its certificates, and the way of a run to it.

use std::future::Future;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use whom_cluster::{
    Address, Cluster, ClusterOptions, Credentials, Executor, ExecutorOptions, HostFiles, Patience, Scheduler,
    SchedulerOptions, Tls, make_certificates,
};
use whom_pipeline::{Cause, Dispatch, EngineError, Request, RunWorker};

use crate::byte_size::ByteSize;
use crate::commands::runtime;
use crate::console;
use crate::environment::Environment;
use crate::failure::Failure;
use crate::machine;
use crate::request;
use crate::run::counting_threads;
use crate::signals::Signals;
use crate::struck::struck;

/// Where a cluster listens unless asked otherwise.
const SCHEDULER_PORT: &str = "127.0.0.1:50050";
const EXECUTOR_PORT: &str = "127.0.0.1:50051";

/// What a member of the cluster proves with that it is one.
#[derive(Args, Clone, Debug)]
pub(crate) struct SecurityArguments {
    /// The certificate of the cluster's authority, in PEM, as `whom certs` makes it; the value of `WHOM_AUTHORITY` if not given
    #[arg(long, value_name = "FILE")]
    authority: Option<PathBuf>,
    /// The certificate of this host; the value of `WHOM_CERTIFICATE` if not given
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The key of this host; the value of `WHOM_KEY` if not given
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Neither encrypt nor ask who is there: whoever reaches a port has the cluster work for him
    #[arg(long, conflicts_with_all = ["authority", "certificate", "key"])]
    no_tls: bool,
}

/// Where the work of a run is done.
#[derive(Args, Clone, Debug)]
pub(crate) struct ClusterArguments {
    /// Have the work done by the executors of this scheduler, such as `df://scheduler:50050`. It changes no result
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = ["cache", "checkpoints"])]
    cluster: Option<String>,
    /// Seconds to wait for a scheduler that does not answer, and for an executor where none is there
    #[arg(long, value_name = "SECONDS", default_value = "60", requires = "cluster")]
    cluster_patience: NonZeroU32,
    #[command(flatten)]
    security: SecurityArguments,
}

#[derive(Args, Debug)]
pub(crate) struct SchedulerArguments {
    /// Where it listens: one port, for executors and runs
    #[arg(long, value_name = "IP:PORT", default_value = SCHEDULER_PORT)]
    bind: SocketAddr,
    /// The name by which executors and runs reach it
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    host: String,
    /// Seconds after which a silent executor is taken for lost
    #[arg(long, value_name = "SECONDS", default_value = "30")]
    lost_after: NonZeroU32,
    /// Give figures for Prometheus here, in plain text without encryption; nowhere if not given
    #[arg(long, value_name = "IP:PORT")]
    metrics: Option<SocketAddr>,
    #[command(flatten)]
    security: SecurityArguments,
}

#[derive(Args, Debug)]
pub(crate) struct ExecutorArguments {
    /// The scheduler that it takes work from, such as `df://scheduler:50050`
    #[arg(long, value_name = "ADDRESS")]
    scheduler: String,
    /// Where it listens: one port, from which answers are fetched
    #[arg(long, value_name = "IP:PORT", default_value = EXECUTOR_PORT)]
    bind: SocketAddr,
    /// The name by which the scheduler reaches it; with its port, its name in messages
    #[arg(long, value_name = "NAME", default_value = "localhost")]
    host: String,
    /// A folder on a volume with room for what does not fit into memory; what dead executors left there is removed
    #[arg(long, value_name = "DIR")]
    work_dir: PathBuf,
    /// Parts that are worked on at once; all cores if not given
    #[arg(long, value_name = "N")]
    slots: Option<NonZeroUsize>,
    /// Memory for all of them, such as `8GiB`; 60 % of the machine or its container if not given
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<ByteSize>,
    /// Seconds between two signs of life
    #[arg(long, value_name = "SECONDS", default_value = "5")]
    heartbeat: NonZeroU32,
    /// Seconds that the scheduler may take to be reached at the start, and parts to be ended at the end
    #[arg(long, value_name = "SECONDS", default_value = "60")]
    patience: NonZeroU32,
    /// Give figures for Prometheus here, in plain text without encryption; nowhere if not given
    #[arg(long, value_name = "IP:PORT")]
    metrics: Option<SocketAddr>,
    #[command(flatten)]
    security: SecurityArguments,
}

#[derive(Args, Debug)]
pub(crate) struct CertsArguments {
    /// The folder of the authority: it is made if the folder holds none, and signs if it does
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The names and IP addresses under which others connect to the host, `*.` for any first label; the first one names its files
    #[arg(long, value_name = "NAME", required = true, value_delimiter = ',')]
    host: Vec<String>,
    /// Days that the certificate is valid
    #[arg(long, value_name = "DAYS", default_value = "365")]
    days: NonZeroU32,
}

impl ClusterArguments {
    /// Whether the work is to be done by a cluster.
    pub(crate) fn is_asked_for(&self) -> bool {
        self.cluster.is_some()
    }
}

/// `whom certs`: the files that were made.
pub(crate) fn certs(arguments: &CertsArguments) -> Result<String, Failure> {
    let made = make_certificates(&arguments.out, &arguments.host, arguments.days.get());
    let HostFiles { authority, authority_key, certificate, key } = made.map_err(|error| failed(&error))?;
    Ok(format!(
        "{}  the authority, for every member\n{}  its key, for nobody: keep it off the cluster\n{}  the host's certificate\n\
         {}  the host's key, for the host alone\n",
        authority.display(),
        authority_key.display(),
        certificate.display(),
        key.display()
    ))
}

/// `whom scheduler`: serves until a signal asks it to stop.
pub(crate) fn scheduler(arguments: &SchedulerArguments, environment: &Environment) -> Result<String, Failure> {
    let options = SchedulerOptions {
        lost_after: seconds(arguments.lost_after),
        metrics: arguments.metrics,
        ..SchedulerOptions::new(arguments.bind, arguments.host.clone(), tls(&arguments.security, environment)?)
    };
    runtime(machine::cores())?.block_on(async {
        let scheduler = Scheduler::start(options).await.map_err(|error| failed(&error))?;
        listening("scheduler", scheduler.address(), scheduler.metrics_address());
        served(|stop| scheduler.run(stop)).await
    })
}

/// `whom executor`: works until a signal asks it to stop; it then ends what it has begun.
pub(crate) fn executor(arguments: &ExecutorArguments, environment: &Environment) -> Result<String, Failure> {
    let slots = arguments.slots.unwrap_or_else(machine::cores);
    let memory = arguments.memory_limit.map(ByteSize::bytes).or_else(machine::memory_share);
    let options = ExecutorOptions {
        scheduler: address(&arguments.scheduler)?,
        bind: arguments.bind,
        external_host: arguments.host.clone(),
        tls: tls(&arguments.security, environment)?,
        work: arguments.work_dir.clone(),
        slots: slots.get(),
        memory: memory.unwrap_or(request::MEMORY_OF_AN_UNKNOWN_MACHINE),
        heartbeat: seconds(arguments.heartbeat),
        patience: seconds(arguments.patience),
        metrics: arguments.metrics,
    };
    counting_threads(slots)?;
    let worker = struck(Arc::new(RunWorker::new(request::stores(environment)?)), environment)?;
    runtime(machine::cores())?.block_on(async {
        let executor = Executor::start(options, worker).await.map_err(|error| failed(&error))?;
        listening("executor", executor.address(), executor.metrics_address());
        served(|stop| executor.run(stop)).await
    })
}

/// Who has the work of a run done, if another machine is to do it.
pub(crate) async fn dispatch(
    arguments: &ClusterArguments,
    request: &Request,
    environment: &Environment,
) -> Result<Option<Arc<dyn Dispatch>>, Failure> {
    let Some(scheduler) = &arguments.cluster else { return Ok(None) };
    let only_here = [
        (request.cache.is_some(), "days that are kept in a cache are read by one machine; leave out `WHOM_CACHE`"),
        (request.checkpoints.is_some(), "checkpoints are of the work of one machine; leave out `WHOM_CHECKPOINTS`"),
    ];
    if let Some((_, message)) = only_here.into_iter().find(|(is_asked, _)| *is_asked) {
        return Err(Failure::start(Cause::Configuration, format!("{message}, or `--cluster`")));
    }
    let waited = seconds(arguments.cluster_patience);
    let options = ClusterOptions {
        scheduler: address(scheduler)?,
        tls: tls(&arguments.security, environment)?,
        patience: Patience { scheduler: waited, executors: waited, ..Patience::default() },
        cancel: Arc::clone(&request.cancel),
    };
    let cluster = Cluster::connect(options).await.map_err(|error| failed(&error))?;
    Ok(Some(Arc::new(cluster)))
}

/// Serves until a signal comes, or it fails.
async fn served<F: Future<Output = Result<(), EngineError>>>(
    run: impl FnOnce(std::pin::Pin<Box<dyn Future<Output = ()> + Send>>) -> F,
) -> Result<String, Failure> {
    let signals = Signals::listen().map_err(|error| Failure::start(Cause::Resources, error.to_string()))?;
    let stop = async move {
        let mut signals = signals;
        let signal = signals.next().await;
        console::warn(&format!("{}: ending", signal.name()));
    };
    run(Box::pin(stop)).await.map_err(|error| failed(&error))?;
    Ok(String::new())
}

/// Tells on which port it listens: who asked for port 0 has to learn it.
fn listening(service: &str, address: SocketAddr, metrics: Option<SocketAddr>) {
    let figures = metrics.map(|metrics| format!(", gives figures on http://{metrics}/metrics")).unwrap_or_default();
    console::note(&format!("{service} {} listens on {address}{figures}", env!("CARGO_PKG_VERSION")));
}

fn tls(arguments: &SecurityArguments, environment: &Environment) -> Result<Tls, Failure> {
    if arguments.no_tls {
        return Ok(Tls::Off);
    }
    let file = |given: &Option<PathBuf>, variable: &str| {
        given
            .clone()
            .or_else(|| environment.get(variable).map(PathBuf::from))
            .filter(|path| !path.as_os_str().is_empty())
    };
    let authority = file(&arguments.authority, "WHOM_AUTHORITY");
    let certificate = file(&arguments.certificate, "WHOM_CERTIFICATE");
    let key = file(&arguments.key, "WHOM_KEY");
    let (Some(authority), Some(certificate), Some(key)) = (authority, certificate, key) else {
        let message = "a member of a cluster needs `--authority`, `--certificate` and `--key`, as `whom certs` makes them; \
                       or `--no-tls`, where nobody else is on the network";
        return Err(Failure::start(Cause::Configuration, message.to_owned()));
    };
    let credentials = Credentials::read(&authority, &certificate, &key).map_err(|error| failed(&error))?;
    Ok(Tls::Mutual(credentials))
}

fn address(text: &str) -> Result<Address, Failure> {
    text.parse().map_err(|error: EngineError| failed(&error))
}

fn seconds(count: NonZeroU32) -> Duration {
    Duration::from_secs(u64::from(count.get()))
}

fn failed(error: &EngineError) -> Failure {
    Failure::start(Cause::from(error), error.to_string())
}
