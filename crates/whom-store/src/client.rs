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
    budget::RetryBudget,
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

/// The codes by which services say that a bucket or container is missing, and not just an object in it.
const NO_CONTAINER: [&str; 2] = ["NoSuchBucket", "ContainerNotFound"];

/// Connects `object_store`'s clients so that all requests of a run share one budget and the threads of the network.
///
/// `object_store` retries by itself, each request alone. Every attempt passes here, so this is where attempts are
/// counted together, and where an answer that no retry mends is turned into an error that is not retried. Its own
/// timeout is off: it covers a whole answer, however large the file and however slowly it is consumed.
#[derive(Debug)]
pub(crate) struct Connector {
    pub(crate) threads: Arc<Threads>,
    pub(crate) budget: Arc<RetryBudget>,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        let options = options.clone().with_timeout_disabled();
        let inner = SpawnedReqwestConnector::new(self.threads.handle().clone()).connect(&options)?;
        Ok(HttpClient::new(Guarded { inner, budget: Arc::clone(&self.budget), _threads: Arc::clone(&self.threads) }))
    }
}

/// A client whose attempts are counted and judged.
#[derive(Debug)]
struct Guarded {
    inner: HttpClient,
    budget: Arc<RetryBudget>,
    /// Kept for as long as there are requests to make.
    _threads: Arc<Threads>,
}

#[async_trait]
impl HttpService for Guarded {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.budget.check().map_err(final_error)?;
        let began = Instant::now();
        let asks_for_metadata = request.uri().path() == METADATA_TOKEN;
        let sending = Duration::from_secs(request.body().content_length() as u64 / SLOWEST_SENDING);
        let patience = self.budget.limits().answer + sending;
        match timeout(patience, self.inner.execute(request)).await {
            Err(_) => Err(noted(&self.budget, began, HttpError::new(HttpErrorKind::Timeout, Silent(patience)))),
            Ok(Err(error)) => Err(noted(&self.budget, began, error)),
            Ok(Ok(response)) if asks_for_metadata => Ok(response),
            Ok(Ok(response)) => self.judged(began, response).await,
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
            400 => match read(response).await.0 {
                answer if answer.code() == Some("RequestTimeout") => {
                    Err(noted(&self.budget, began, HttpError::new(HttpErrorKind::Interrupted, Refusal(answer))))
                }
                answer => Err(final_error(Refusal(answer))),
            },
            404 => match read(response).await {
                (answer, _) if answer.code().is_some_and(|code| NO_CONTAINER.contains(&code)) => {
                    Err(final_error(Refusal(answer)))
                }
                (_, response) => Ok(self.good(response)),
            },
            408 | 429 | 500..=599 => {
                self.budget.failed(began, &status.to_string()).map_err(final_error)?;
                Ok(response)
            }
            _ => Ok(self.good(response)),
        }
    }

    fn good(&self, response: HttpResponse) -> HttpResponse {
        self.budget.answered();
        let budget = Arc::clone(&self.budget);
        response.map(|body| HttpResponseBody::new(Watched::new(body, budget)))
    }
}

/// Counts an attempt that failed in passing; with the budget spent, it becomes an error that is not retried.
pub(crate) fn noted(budget: &RetryBudget, began: Instant, error: HttpError) -> HttpError {
    if matches!(error.kind(), HttpErrorKind::Unknown | HttpErrorKind::Decode) {
        return error;
    }
    match budget.failed(began, &innermost(&error)) {
        Ok(()) => error,
        Err(spent) => final_error(spent),
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

/// S3 sends a request for a bucket of another region away, often without saying where to.
fn elsewhere(response: &HttpResponse) -> Answer {
    let answer = Answer::new(response.status(), "");
    let region = response.headers().get(BUCKET_REGION).and_then(|region| region.to_str().ok());
    answer.explained(match region {
        Some(region) => format!("the bucket lies in region `{region}`; set `AWS_REGION`"),
        None => "what was asked for lies elsewhere; check region and endpoint".to_owned(),
    })
}

/// A server that takes a request and says nothing.
#[derive(Debug, thiserror::Error)]
#[error("no answer within {0:?}")]
struct Silent(Duration);
