//! The one way in which requests leave for stores over the network.

use std::{fmt, sync::Arc, time::Instant};

use async_trait::async_trait;
use object_store::{
    ClientOptions, Result,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
        SpawnedReqwestConnector,
    },
};
use tokio::{runtime::Handle, time::timeout};

use crate::{
    budget::RetryBudget,
    refusal::{Answer, Refusal},
    stall::Watched,
};

/// The slowest sending that is waited for, in bytes a second.
const SLOWEST_SENDING: u64 = 256 << 10;

/// The header in which S3 tells where a bucket lies.
const BUCKET_REGION: &str = "x-amz-bucket-region";

/// Connects `object_store`'s clients so that all requests of a run share one budget and one runtime for the network.
///
/// `object_store` retries by itself, each request alone. Every attempt passes here, so this is where attempts are
/// counted together, and where an answer that no retry mends is turned into an error that is not retried. Its own
/// timeout is off: it covers a whole answer, however large the file and however slowly it is consumed.
#[derive(Debug)]
pub(crate) struct Connector {
    pub(crate) runtime: Handle,
    pub(crate) budget: Arc<RetryBudget>,
}

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> Result<HttpClient> {
        let options = options.clone().with_timeout_disabled();
        let inner = SpawnedReqwestConnector::new(self.runtime.clone()).connect(&options)?;
        Ok(HttpClient::new(Guarded { inner, budget: Arc::clone(&self.budget) }))
    }
}

/// A client whose attempts are counted and judged.
#[derive(Debug)]
struct Guarded {
    inner: HttpClient,
    budget: Arc<RetryBudget>,
}

#[async_trait]
impl HttpService for Guarded {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        self.budget.check().map_err(final_error)?;
        let began = Instant::now();
        let sending = request.body().content_length() as u64 / SLOWEST_SENDING;
        let patience = self.budget.limits().answer + std::time::Duration::from_secs(sending);
        match timeout(patience, self.inner.execute(request)).await {
            Err(_) => {
                let silent = Silent { seconds: patience.as_secs() };
                Err(noted(&self.budget, began, HttpError::new(HttpErrorKind::Timeout, silent)))
            }
            Ok(Err(error)) => Err(noted(&self.budget, began, error)),
            Ok(Ok(response)) => self.judged(began, response).await,
        }
    }
}

impl Guarded {
    /// Lets good answers and those that mean something to `object_store` pass.
    async fn judged(&self, began: Instant, response: HttpResponse) -> Result<HttpResponse, HttpError> {
        let status = response.status();
        match status.as_u16() {
            400 => {
                let answer = read(response).await;
                if answer.code() == Some("RequestTimeout") {
                    return Err(noted(
                        &self.budget,
                        began,
                        HttpError::new(HttpErrorKind::Interrupted, Refusal(answer)),
                    ));
                }
                Err(final_error(Refusal(answer)))
            }
            501 | 505 => Err(final_error(Refusal(read(response).await))),
            300..=303 | 305..=399 => Err(final_error(Refusal(elsewhere(&response)))),
            408 | 429 | 500..=599 => {
                self.budget.failed(began, &status.to_string()).map_err(final_error)?;
                Ok(response)
            }
            _ => {
                self.budget.answered();
                let budget = Arc::clone(&self.budget);
                Ok(response.map(|body| HttpResponseBody::new(Watched::new(body, budget))))
            }
        }
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

async fn read(response: HttpResponse) -> Answer {
    let status = response.status();
    let body = response.into_body().bytes().await.unwrap_or_default();
    Answer::new(status, &String::from_utf8_lossy(&body))
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
#[derive(Debug)]
struct Silent {
    seconds: u64,
}

impl fmt::Display for Silent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "no answer within {} s", self.seconds)
    }
}

impl std::error::Error for Silent {}
