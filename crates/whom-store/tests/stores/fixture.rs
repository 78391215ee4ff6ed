//! Buckets, stores, and a small scripted run.

use std::{
    path::Path,
    sync::Arc,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, NaiveDate};
use object_store::{ClientOptions, HeaderMap, HeaderValue, ObjectStore, ObjectStoreExt, aws::AmazonS3Builder};
use serde_json::json;
use uuid::Uuid;
use whom_store::{
    Identities, Location, NetworkLimits, ObjectPath, Output, PartitionDays, Publication, Published, Result, RunId,
    RunRecord, Stage, Stores,
};

use crate::{
    proxy::{Fault, Proxy, Request},
    servers,
};

/// The secret that must not be in any output.
pub(crate) const CANARY: &str = "canary";

/// A bucket of its own in the S3 server, reached through a proxy.
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) proxy: Proxy,
    direct: Arc<dyn ObjectStore>,
}

impl Bucket {
    pub(crate) fn new() -> Self {
        Self::with_faults(|_| Fault::None)
    }

    pub(crate) fn with_faults(fault: impl Fn(&Request) -> Fault + Send + Sync + 'static) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("bucket{:03}", NUMBER.fetch_add(1, Ordering::SeqCst));
        servers::make_bucket(&name);
        let mut public = HeaderMap::new();
        public.insert("x-amz-acl", HeaderValue::from_static("public-read"));
        let direct = AmazonS3Builder::new()
            .with_bucket_name(&name)
            .with_endpoint(format!("http://127.0.0.1:{}", servers::s3()))
            .with_access_key_id("owner")
            .with_secret_access_key("of all buckets")
            .with_client_options(ClientOptions::new().with_allow_http(true).with_default_headers(public));
        let proxy = Proxy::before(servers::s3(), fault);
        Self { name, proxy, direct: Arc::new(direct.build().expect("a store")) }
    }

    /// The variables with which a user reaches it.
    pub(crate) fn variables(&self) -> Vec<(String, String)> {
        variables(&[
            ("AWS_ACCESS_KEY_ID", "id"),
            ("AWS_SECRET_ACCESS_KEY", CANARY),
            ("AWS_SESSION_TOKEN", CANARY),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ENDPOINT_URL", &self.endpoint()),
        ])
    }

    pub(crate) fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.proxy.port)
    }

    /// The address by which a web server would know it.
    pub(crate) fn address(&self) -> String {
        format!("{}/{}", self.endpoint(), self.name)
    }

    pub(crate) fn stores(&self) -> Stores {
        Stores::with_environment(self.variables()).with_limits(quick())
    }

    pub(crate) fn input(&self, path: &str) -> Location {
        input(&format!("s3://{}/{path}", self.name))
    }

    pub(crate) fn output(&self) -> Location {
        output(&format!("s3://{}/out/", self.name))
    }

    /// Writes an object past the proxy.
    pub(crate) async fn write(&self, path: &str, content: impl Into<Bytes>) {
        self.direct.put(&path_of(path), content.into().into()).await.expect("a write");
    }

    /// Begins to upload an object in parts, past the proxy, and leaves it at that.
    pub(crate) async fn leave_upload(&self, path: &str) {
        let mut upload = self.direct.put_multipart(&path_of(path)).await.expect("an upload");
        upload.put_part(Bytes::from_static(&[7; 100]).into()).await.expect("a part");
    }

    /// Removes an object past the proxy.
    pub(crate) async fn remove(&self, path: &str) {
        self.direct.delete(&path_of(path)).await.expect("a removal");
    }

    pub(crate) async fn read(&self, path: &str) -> Bytes {
        self.direct.get(&path_of(path)).await.expect("an object").bytes().await.expect("its bytes")
    }
}

/// A key as it is.
fn path_of(path: &str) -> ObjectPath {
    ObjectPath::parse(path).expect("a path")
}

pub(crate) fn variables(variables: &[(&str, &str)]) -> Vec<(String, String)> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn input(declared: &str) -> Location {
    Location::input(declared, Path::new("/")).expect("a location")
}

pub(crate) fn output(declared: &str) -> Location {
    Location::output(declared, Path::new("/")).expect("a location")
}

/// Limits for a test, which waits for nobody.
pub(crate) fn quick() -> NetworkLimits {
    NetworkLimits {
        retries: 50,
        retries_per_request: 4,
        pause: Duration::from_millis(5),
        outage: Duration::from_secs(20),
        answer: Duration::from_secs(10),
        stall: Duration::from_millis(300),
        credentials: Duration::from_millis(500),
    }
}

pub(crate) fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, day).expect("a day")
}

pub(crate) fn days(first: u32, last: u32) -> PartitionDays {
    PartitionDays { column: "dt".to_owned(), first: day(first), last: day(last) }
}

pub(crate) fn run_id(number: u128) -> RunId {
    Uuid::from_u128(number).into()
}

/// The record of a run whose work is told by the word `plan`.
pub(crate) fn record(plan: &str) -> RunRecord {
    let instant = DateTime::from_timestamp(1_790_000_000, 0).expect("an instant");
    RunRecord {
        identities: Identities { analysis: "a1".to_owned(), plan: plan.to_owned(), inputs: "i1".to_owned() },
        tool_version: "0.1.0".to_owned(),
        started_at: instant,
        finished_at: instant,
        inputs: Vec::new(),
        details: json!({ "rows": 64_000 }),
    }
}

/// Writes the result files of the work `plan`, one of them in parts.
pub(crate) async fn fill(stage: &mut Stage, plan: &str) -> Result<()> {
    stage.write("effects.parquet", format!("effects {plan}"), Some(2)).await?;
    let mut file = stage.writer("units.parquet").await?;
    file.write(format!("units {plan}").into()).await?;
    file.finish(Some(3)).await
}

/// A whole run, from opening the output to publishing in it.
pub(crate) async fn run(stores: &Stores, location: &Location, id: u128, plan: &str) -> Result<Publication> {
    let output = Output::create(stores, location, Uuid::from_u128(id)).await?;
    let mut stage = output.stage(run_id(id)).await?;
    match fill(&mut stage, plan).await {
        Ok(()) => stage.publish(record(plan)).await,
        Err(error) => {
            stage.discard().await;
            Err(error)
        }
    }
}

/// Reads every file of the latest run, checking length and hash; gives the run and its files' bytes by name.
pub(crate) async fn latest_whole(stores: &Stores, location: &Location) -> Option<(Published, Vec<(String, Bytes)>)> {
    let output = Output::open(stores, location).expect("an output");
    let published = output.latest().await.expect("a listing")?;
    let mut files = Vec::new();
    for file in &published.manifest.files {
        files.push((file.name.clone(), output.read(&published, &file.name).await.expect("a file")));
    }
    Some((published, files))
}

/// Everything that could be shown of an error.
pub(crate) fn shown(error: &dyn std::error::Error) -> String {
    format!("{error} {error:?} {error:#?}")
}
