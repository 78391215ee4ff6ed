//! Uploads in parts that were begun in a bucket and never completed.
//!
//! A writer that is killed leaves the parts that it had sent. No listing of objects shows them, and they are paid for until
//! somebody aborts their upload. `object_store` cannot list them, so they are asked for with a request of ours, signed by its
//! own signer and sent the way of all others. Only S3 needs it: Azure and Google throw such parts away after a week.

use std::{fmt, time::Duration};

use chrono::{DateTime, Utc};
use object_store::{
    Error, Result,
    aws::{AmazonS3, AwsAuthorizer},
    client::{HttpClient, HttpRequest, HttpRequestBody},
    multipart::MultipartStore,
    path::Path as ObjectPath,
    signer::Signer,
};

use crate::{Cause, Redacted};

/// How long the address of the bucket would be valid as a link, which nobody uses as one.
const MOMENT: Duration = Duration::from_mins(1);

/// The most pages that are asked for, of a thousand uploads each.
const MOST_PAGES: usize = 1_000;

/// A folder of a bucket, and what is being uploaded to it.
pub(crate) struct PendingUploads {
    pub(crate) store: AmazonS3,
    pub(crate) client: HttpClient,
    pub(crate) region: String,
    pub(crate) root: ObjectPath,
    pub(crate) place: Redacted,
}

/// An upload in parts that is not completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PendingUpload {
    /// Where its object would lie in the bucket.
    key: ObjectPath,
    id: String,
    begun_at: DateTime<Utc>,
}

/// Uploads that are to be given up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pending {
    uploads: Vec<PendingUpload>,
    /// Why they could not be listed, if they could not.
    pub unlisted: Option<String>,
}

impl Pending {
    /// The uploads to a folder that were begun before an instant. That they cannot be listed, which not every user may do,
    /// keeps nobody from cleaning what can be.
    pub(crate) async fn find(uploads: Option<&PendingUploads>, folder: &str, begun_before: DateTime<Utc>) -> Self {
        let Some(uploads) = uploads else { return Self::default() };
        match uploads.begun_before(folder, begun_before).await {
            Ok(uploads) => Self { uploads, unlisted: None },
            Err(error) => Self { uploads: Vec::new(), unlisted: Some(Cause::new(&error).to_string()) },
        }
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.uploads.len()
    }

    pub(crate) async fn abort(&self, uploads: &PendingUploads) -> Result<()> {
        uploads.abort(&self.uploads).await
    }
}

/// One answer of the store.
#[derive(Debug, PartialEq, Eq)]
struct Page {
    uploads: Vec<PendingUpload>,
    /// Where the next one begins, if there are more.
    next: Option<(String, String)>,
}

impl PendingUploads {
    /// The uploads to a folder beneath the root that were begun before an instant.
    ///
    /// # Errors
    /// If the store refuses; not every user may list them.
    pub(crate) async fn begun_before(&self, folder: &str, instant: DateTime<Utc>) -> Result<Vec<PendingUpload>> {
        let folder: ObjectPath = self.root.parts().chain([folder.into()]).collect();
        let (mut found, mut next) = (Vec::new(), None);
        for _ in 0..MOST_PAGES {
            let page = self.page(&folder, next.as_ref()).await?;
            found.extend(page.uploads.into_iter().filter(|upload| upload.begun_at < instant));
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        found.retain(|upload| upload.key.prefix_matches(&folder));
        Ok(found)
    }

    /// Gives uploads up. What is gone already is no error.
    ///
    /// # Errors
    /// If the store refuses.
    pub(crate) async fn abort(&self, uploads: &[PendingUpload]) -> Result<()> {
        for upload in uploads {
            match self.store.abort_multipart(&upload.key, &upload.id).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    async fn page(&self, folder: &ObjectPath, from: Option<&(String, String)>) -> Result<Page> {
        let mut request = HttpRequest::new(HttpRequestBody::empty());
        // Only the signed link tells where the bucket is.
        let mut url = self.store.signed_url(request.method().clone(), &ObjectPath::ROOT, MOMENT).await?;
        url.query_pairs_mut().clear().append_pair("uploads", "").append_pair("prefix", &format!("{folder}/"));
        if let Some((key, id)) = from {
            url.query_pairs_mut().append_pair("key-marker", key).append_pair("upload-id-marker", id);
        }
        *request.uri_mut() = url.as_str().parse().map_err(refused)?;
        let keys = self.store.credentials().get_credential().await?;
        AwsAuthorizer::new(&keys, "s3", &self.region).authorize(&mut request, None);
        let response = self.client.execute(request).await.map_err(refused)?;
        if !response.status().is_success() {
            return Err(refused(format!("the store answered {}", response.status())));
        }
        let body = response.into_body().bytes().await.map_err(refused)?;
        Ok(Page::read(&String::from_utf8_lossy(&body)))
    }
}

impl fmt::Debug for PendingUploads {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("PendingUploads").field(&self.place).finish()
    }
}

impl Page {
    /// Reads an answer; an upload that does not tell its key, id and time is passed over.
    fn read(text: &str) -> Self {
        let uploads = text.split("<Upload>").skip(1).filter_map(|upload| {
            let upload = upload.split("</Upload>").next()?;
            let begun_at = DateTime::parse_from_rfc3339(&content(upload, "Initiated")?).ok()?.to_utc();
            let key = ObjectPath::parse(content(upload, "Key")?).ok()?;
            Some(PendingUpload { key, id: content(upload, "UploadId")?, begun_at })
        });
        let is_cut = content(text, "IsTruncated").is_some_and(|word| word == "true");
        let next = || content(text, "NextKeyMarker").zip(content(text, "NextUploadIdMarker"));
        Self { uploads: uploads.collect(), next: next().filter(|_| is_cut) }
    }
}

/// What stands in an element that has no elements in it.
fn content(text: &str, element: &str) -> Option<String> {
    let (_, rest) = text.split_once(&format!("<{element}>"))?;
    let (content, _) = rest.split_once('<')?;
    let letters = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&amp;", "&")];
    Some(letters.into_iter().fold(content.to_owned(), |text, (written, letter)| text.replace(written, letter)))
}

fn refused(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Generic { store: "S3", source: source.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "<?xml version=\"1.0\"?><ListMultipartUploadsResult>\
        <Bucket>b</Bucket><KeyMarker></KeyMarker><UploadIdMarker></UploadIdMarker>\
        <NextKeyMarker>out/runs/b</NextKeyMarker><NextUploadIdMarker>two</NextUploadIdMarker>\
        <MaxUploads>2</MaxUploads><IsTruncated>TRUNCATED</IsTruncated>\
        <Upload><Key>out/runs/a &amp;lt; b</Key><UploadId>one</UploadId><Initiator><ID>i</ID></Initiator>\
        <Initiated>2026-10-01T02:03:04.000Z</Initiated></Upload>\
        <Upload><Key>out/runs/b</Key><UploadId>two</UploadId><Initiated>yesterday</Initiated></Upload>\
        </ListMultipartUploadsResult>";

    #[test]
    fn an_answer_tells_uploads_and_where_the_next_one_begins() {
        let page = Page::read(&ANSWER.replace("TRUNCATED", "true"));
        let begun_at = "2026-10-01T02:03:04Z".parse().unwrap();
        let key = ObjectPath::parse("out/runs/a &lt; b").unwrap();
        assert_eq!(page.uploads, [PendingUpload { key, id: "one".to_owned(), begun_at }], "one tells no time");
        assert_eq!(page.next, Some(("out/runs/b".to_owned(), "two".to_owned())));
        assert_eq!(Page::read(&ANSWER.replace("TRUNCATED", "false")).next, None);
    }

    #[test]
    fn what_is_no_answer_tells_nothing() {
        for text in ["", "<html>", "<Upload>", "<Upload><Key>a</Key></Upload>", "<IsTruncated>true</IsTruncated>"] {
            assert_eq!(Page::read(text), Page { uploads: Vec::new(), next: None }, "{text}");
        }
    }
}
