//! Single files of a web server; moto is one, too.

use object_store::ObjectStoreExt;
use whom_store::{ErrorKind, PinnedFiles, StoreError, Stores};

use crate::{
    fixture::{Bucket, CANARY, input, quick, shown},
    proxy::Fault,
};

fn stores() -> Stores {
    Stores::with_environment([]).with_limits(quick())
}

async fn list(bucket: &Bucket, path: &str) -> whom_store::Result<PinnedFiles> {
    PinnedFiles::list(&stores(), &input(&format!("{}/{path}", bucket.address())), None).await
}

#[tokio::test]
async fn named_files_are_pinned_and_read() {
    let bucket = Bucket::new();
    for path in ["in/part 1.parquet", "in/part 2.parquet", "in/part 3.parquet"] {
        bucket.write(path, path.to_owned()).await;
    }
    let pinned = list(&bucket, "in/part%20{1,3}.parquet").await.unwrap();
    let paths: Vec<_> = pinned.files.iter().map(|file| file.path.as_ref()).collect();
    assert_eq!(paths, ["part 1.parquet", "part 3.parquet"]);
    assert_eq!(pinned.files[0].size, 17);
    assert_eq!(pinned.store().get_range(&pinned.files[1].path, 3..9).await.unwrap(), "part 3");
    pinned.verify_unchanged().await.unwrap();
    assert!(
        bucket.proxy.seen().iter().all(|request| request.method() == "GET"),
        "what is signed may be signed for `GET`"
    );

    bucket.write("in/part 3.parquet", "9876543210 9876543").await;
    let error = pinned.store().get_range(&pinned.files[1].path, 3..9).await.unwrap_err();
    assert!(matches!(StoreError::find_in(&error), Some(StoreError::InputChanged { .. })), "{error}");
}

#[tokio::test]
async fn a_signature_is_sent_with_every_request_and_never_shown() {
    let bucket = Bucket::with_faults(|request| match request.number {
        1 => Fault::None,
        _ => Fault::Refused(403, "AccessDenied"),
    });
    bucket.write("in/a.parquet", "x").await;
    let pinned = list(&bucket, &format!("in/a.parquet?sig={CANARY}%2F")).await.unwrap();
    let error = pinned.verify_unchanged().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let shown = format!("{} {pinned:?} {:?}", shown(&error), pinned.store());
    assert!(!shown.contains(CANARY), "{shown}");
    assert!(bucket.proxy.seen().iter().all(|request| request.line().contains("?sig=canary%2F ")));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_told_at_once() {
    let bucket = Bucket::new();
    let error = list(&bucket, "in/a.parquet").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert_eq!(bucket.proxy.seen().len(), 1);
    assert!(error.to_string().contains("404 Not Found (NoSuchKey)"), "{error}");
}

#[tokio::test]
async fn a_server_that_cannot_give_a_part_of_a_file_is_told_at_once() {
    let bucket = Bucket::with_faults(|_| Fault::Without("range"));
    bucket.write("in/a.parquet", "0123456789").await;
    let error = list(&bucket, "in/a.parquet").await.unwrap_err();
    assert_eq!((error.kind(), bucket.proxy.seen().len()), (ErrorKind::Configuration, 1), "{error}");
    let message = error.to_string().replace(&bucket.address(), "http://host").replace(&bucket.name, "bucket");
    insta::assert_snapshot!(message, @"cannot read `a.parquet` in `http://host/in/a.parquet`: Range request not supported by bucket/in/a.parquet");
}
