//! The one way in which requests leave for stores over the network.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use object_store::{
    ClientOptions, Result,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
        SpawnedReqwestConnector,
    },
};
use tokio::time::timeout;

use crate::{
    Redacted,
    budget::{RetryBudget, Spent},
    refusal::{Answer, Refusal},
    stall::Watched,
    threads::Threads,
};

/// The slowest sending that is waited for, in bytes a second.
const SLOWEST_SENDING: u64 = 256 << 10;

/// Where the metadata service of a machine gives tokens; a refusal there has a meaning to `object_store`.
const METADATA_TOKEN: &str = "/latest/api/token";

/// The header in which S3 tells where a bucket lies.
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// The code by which S3 refuses a signature that was made for another region.
const WRONG_REGION: &str = "AuthorizationHeaderMalformed";

/// The codes by which services say that a bucket or container is missing, and not just an object in it.
const NO_CONTAINER: [&str; 2] = ["NoSuchBucket", "ContainerNotFound"];

/// How queries name what they ask for, where that is a list of names and not an object: S3 and Google, Azure, and parts of S3
/// that wait to be put together.
const LISTINGS: [&str; 3] = ["list-type=", "comp=list", "uploads"];

/// Connects `object_store`'s clients so that all requests of a run share one budget and the threads of the network.
///
/// `object_store` retries by itself, each request alone. Every attempt passes here, so this is where attempts are
/// counted together, and where an answer that no retry mends is turned into an error that is not retried. Its own
/// timeout is off: it covers a whole answer, however large the file and however slowly it is consumed.
#[derive(Debug)]
pub(crate) struct Connector {
    pub(crate) threads: Arc<Threads>,
    pub(crate) budget: Arc<RetryBudget>,
    /// The location that is asked, for whoever waits for it.
    pub(crate) place: Redacted,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        let options = options.clone().with_timeout_disabled();
        let inner = SpawnedReqwestConnector::new(self.threads.handle().clone()).connect(&options)?;
        let account = Account { budget: Arc::clone(&self.budget), place: self.place.clone() };
        Ok(HttpClient::new(Guarded { inner, account, _threads: Arc::clone(&self.threads) }))
    }
}

/// Where the attempts to reach one location are counted.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) budget: Arc<RetryBudget>,
    place: Redacted,
}

/// A client whose attempts are counted and judged.
#[derive(Debug)]
struct Guarded {
    inner: HttpClient,
    account: Account,
    /// Kept for as long as there are requests to make.
    _threads: Arc<Threads>,
}

#[async_trait]
impl HttpService for Guarded {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.account.budget.check().map_err(final_error)?;
        let began = Instant::now();
        let asks_for_metadata = request.uri().path() == METADATA_TOKEN;
        let asks_for_object = asks_for_object(&request);
        let sending = Duration::from_secs(request.body().content_length() as u64 / SLOWEST_SENDING);
        let patience = self.account.budget.limits().answer + sending;
        match timeout(patience, self.inner.execute(request)).await {
            Err(_) => Err(self.account.noted(began, HttpError::new(HttpErrorKind::Timeout, Silent(patience)))),
            Ok(Err(error)) => Err(self.account.noted(began, error)),
            Ok(Ok(response)) if asks_for_metadata => Ok(response),
            Ok(Ok(response)) => {
                let response = self.judged(began, response).await?;
                if asks_for_object && response.status().is_success() { Ok(response) } else { whole(response).await }
            }
        }
    }
}

impl Guarded {
    /// Lets good answers and those that mean something to `object_store` pass.
    async fn judged(&self, began: Instant, response: HttpResponse) -> Result<HttpResponse, HttpError> {
        let status = response.status();
        match status.as_u16() {
            300..=303 | 305..=399 => Err(final_error(Refusal(elsewhere(&response)))),
            401 | 403 | 501 | 505 => Err(final_error(Refusal(read(response).await.0))),
            400 => {
                let (answer, response) = read(response).await;
                match answer.code() {
                    Some("RequestTimeout") => {
                        Err(self.account.noted(began, HttpError::new(HttpErrorKind::Interrupted, Refusal(answer))))
                    }
                    None | Some(WRONG_REGION) if region_of(&response).is_some() => {
                        Err(final_error(Refusal(elsewhere(&response))))
                    }
                    _ => Err(final_error(Refusal(answer))),
                }
            }
            404 => match read(response).await {
                (answer, _) if answer.code().is_some_and(|code| NO_CONTAINER.contains(&code)) => {
                    Err(final_error(Refusal(answer)))
                }
                (_, response) => Ok(self.good(response)),
            },
            408 | 429 | 500..=599 => {
                self.account.failed(began, &status.to_string()).map_err(final_error)?;
                Ok(response)
            }
            _ => Ok(self.good(response)),
        }
    }

    fn good(&self, response: HttpResponse) -> HttpResponse {
        self.account.budget.answered();
        let account = self.account.clone();
        response.map(|body| HttpResponseBody::new(Watched::new(body, account)))
    }
}

impl Account {
    /// Counts an attempt that failed in passing; with the budget spent, it becomes an error that is not retried.
    pub(crate) fn noted(&self, began: Instant, error: HttpError) -> HttpError {
        if matches!(error.kind(), HttpErrorKind::Unknown | HttpErrorKind::Decode) {
            return error;
        }
        match self.failed(began, &innermost(&error)) {
            Ok(()) => error,
            Err(spent) => final_error(spent),
        }
    }

    fn failed(&self, began: Instant, reason: &str) -> Result<(), Spent> {
        self.budget.failed(&self.place, began, reason)
    }
}

/// An error that `object_store` does not retry.
fn final_error(error: impl std::error::Error + Send + Sync + 'static) -> HttpError {
    HttpError::new(HttpErrorKind::Unknown, error)
}

/// The words of the innermost cause.
fn innermost(error: &HttpError) -> String {
    crate::cause::chain(error).last().map_or_else(|| error.to_string(), ToString::to_string)
}

/// What an answer says, and the answer itself again.
async fn read(response: HttpResponse) -> (Answer, HttpResponse) {
    let (parts, body) = response.into_parts();
    let body = body.bytes().await.unwrap_or_default();
    let answer = Answer::new(parts.status, &String::from_utf8_lossy(&body));
    (answer, HttpResponse::from_parts(parts, body.into()))
}

/// Whether the answer is an object: of any size, and taken up again by `object_store` where it breaks off.
fn asks_for_object(request: &HttpRequest) -> bool {
    let query = request.uri().query().unwrap_or_default();
    request.method() == "GET" && !query.split('&').any(|part| LISTINGS.iter().any(|listing| part.starts_with(listing)))
}

/// The answer with all of its body. One that breaks off is then an attempt that failed, which `object_store` repeats where
/// repeating does no harm; it would not look at the body before it has let go of the request.
async fn whole(response: HttpResponse) -> Result<HttpResponse, HttpError> {
    let (parts, body) = response.into_parts();
    match body.bytes().await {
        Ok(bytes) => Ok(HttpResponse::from_parts(parts, bytes.into())),
        // The request arrived, whatever became of its answer.
        Err(error) if error.kind() == HttpErrorKind::Request => Err(HttpError::new(HttpErrorKind::Interrupted, error)),
        Err(error) => Err(error),
    }
}

/// Where the bucket lies, if the answer tells.
pub(crate) fn region_of(response: &HttpResponse) -> Option<&str> {
    response.headers().get(BUCKET_REGION)?.to_str().ok()
}

/// S3 sends a request for a bucket of another region away, often without saying where to.
fn elsewhere(response: &HttpResponse) -> Answer {
    let answer = Answer::new(response.status(), "");
    answer.explained(match region_of(response) {
        Some(region) => format!("the bucket lies in region `{region}`; set `AWS_REGION`"),
        None => "what was asked for lies elsewhere; check region and endpoint".to_owned(),
    })
}

/// A server that takes a request and says nothing.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0:?}")]
struct Silent(Duration);
