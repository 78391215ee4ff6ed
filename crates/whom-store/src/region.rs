//! The region of a bucket, where nobody named one.
//!
//! S3 tells it to everybody who asks for the bucket, allowed or not, in a header of whatever it answers. It is asked once a
//! bucket and run, and only where neither a region nor an endpoint is set. Without an answer the usual region is taken, and
//! a bucket elsewhere is refused with the name of its region.

use std::{sync::mpsc, time::Duration};

use object_store::{
    ClientOptions,
    client::{HttpClient, HttpConnector, HttpRequest, HttpRequestBody, SpawnedReqwestConnector},
};

use crate::{client::region_of, network::Network};

/// Who knows the regions of all buckets, but for those of China and of governments.
const EVERYWHERE: &str = "https://s3.amazonaws.com";

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

impl Network {
    /// The region of a bucket, if S3 tells; asked at most once.
    pub(crate) fn region_of_bucket(&self, bucket: &str) -> Option<String> {
        let mut regions = self.regions();
        if let Some(known) = regions.get(bucket) {
            return known.clone();
        }
        let threads = self.threads().ok()?;
        let client = SpawnedReqwestConnector::new(threads.handle().clone()).connect(&ClientOptions::new()).ok()?;
        let (teller, told) = mpsc::channel();
        let address = format!("{EVERYWHERE}/{bucket}");
        threads.handle().spawn(async move { teller.send(asked(&client, &address).await) });
        let region = told.recv_timeout(PATIENCE).ok().flatten();
        regions.insert(bucket.to_owned(), region.clone());
        region
    }
}

/// What the answer to a question for a bucket says of its region.
async fn asked(client: &HttpClient, address: &str) -> Option<String> {
    let mut request = HttpRequest::new(HttpRequestBody::empty());
    *request.method_mut() = "HEAD".parse().ok()?;
    *request.uri_mut() = address.parse().ok()?;
    let response = client.execute(request).await.ok()?;
    region_of(&response).filter(|region| is_region(region)).map(str::to_owned)
}

/// Whether a text could be the name of a region.
fn is_region(text: &str) -> bool {
    let letters = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    !text.is_empty() && text.len() <= 32 && text.chars().all(letters)
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use tokio::runtime::Handle;

    use super::*;

    /// What is made of one answer.
    async fn answered(answer: &str) -> (Option<String>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/bucket", listener.local_addr().unwrap());
        let answer = answer.replace('\n', "\r\n");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; 4_096];
            let read = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(&request[..read]).lines().next().unwrap_or_default().to_owned()
        });
        let options = ClientOptions::new().with_allow_http(true);
        let client = SpawnedReqwestConnector::new(Handle::current()).connect(&options).unwrap();
        let region = asked(&client, &address).await;
        (region, server.join().unwrap())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_answer_tells_the_region_whatever_it_grants() {
        for status in ["200 OK", "301 Moved Permanently", "403 Forbidden"] {
            let answer = format!("HTTP/1.1 {status}\nx-amz-bucket-region: eu-west-1\nContent-Length: 0\n\n");
            let told = answered(&answer).await;
            assert_eq!(told, (Some("eu-west-1".to_owned()), "HEAD /bucket HTTP/1.1".to_owned()), "{status}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_answer_without_a_region_tells_none() {
        for header in ["x-other: 1", "x-amz-bucket-region: eu west; rm", "x-amz-bucket-region: "] {
            let answer = format!("HTTP/1.1 404 Not Found\n{header}\nContent-Length: 0\n\n");
            assert_eq!(answered(&answer).await.0, None, "{header}");
        }
    }
}
