//! Listings and pinned reads.

use bytes::Bytes;
use object_store::{ObjectStore, ObjectStoreExt};
use whom_store::{ErrorKind, ObjectPath, PinnedFiles, PinnedStore, StoreError};

use crate::{
    fixture::{Bucket, day, days, shown},
    proxy::Fault,
};

/// Two days of orders, a gap, and everything that lies about in a real bucket.
async fn orders() -> Bucket {
    let bucket = Bucket::new();
    for path in [
        "orders/dt=2026-10-01/b.parquet",
        "orders/dt=2026-10-01/a.parquet",
        "orders/dt=2026-10-01/_SUCCESS",
        "orders/dt=2026-10-03/hour=07/größe 1%.parquet",
        "orders/dt=2026-10-04/late.parquet",
        "orders/dt=2026-10-011/other.parquet",
    ] {
        bucket.write(path, path.to_owned()).await;
    }
    for folder in ["orders", "orders/dt=2026-10-01", "orders/dt=2026-10-02", "orders/dt=2026-10-03/hour=07"] {
        bucket.write(folder, "").await;
    }
    bucket
}

fn paths(pinned: &PinnedFiles) -> Vec<String> {
    pinned.files.iter().map(|file| file.path.to_string()).collect()
}

#[tokio::test]
async fn a_day_is_one_listing_and_what_is_no_data_is_passed_over() {
    let bucket = orders().await;
    let pinned = PinnedFiles::list(&bucket.stores(), &bucket.input("orders/"), Some(&days(1, 3))).await.unwrap();
    assert_eq!(
        paths(&pinned),
        ["dt=2026-10-01/a.parquet", "dt=2026-10-01/b.parquet", "dt=2026-10-03/hour=07/größe 1%.parquet"]
    );
    assert_eq!((pinned.missing_days.as_slice(), pinned.hidden), ([day(2)].as_slice(), 1));
    assert_eq!(pinned.files[0].size, "orders/dt=2026-10-01/a.parquet".len() as u64);
    assert!(pinned.files.iter().all(|file| file.etag.is_some()));
    let seen = bucket.proxy.seen();
    assert_eq!(seen.len(), 3, "{seen:?}");
    for request in seen {
        assert!(
            request.is_listing() && request.line().contains("prefix=orders%2Fdt%3D2026-10-0"),
            "{}",
            request.line()
        );
    }
    pinned.verify_unchanged().await.unwrap();
}

#[tokio::test]
async fn an_address_is_a_file_a_folder_or_the_files_that_match() {
    let bucket = orders().await;
    let list = async |path: &str| PinnedFiles::list(&bucket.stores(), &bucket.input(path), None).await;
    assert_eq!(paths(&list("orders/dt=2026-10-01/a.parquet").await.unwrap()), ["a.parquet"]);
    assert_eq!(paths(&list("orders/dt=2026-10-01").await.unwrap()), ["a.parquet", "b.parquet"]);
    assert_eq!(paths(&list("orders/dt=2026-10-01/b*").await.unwrap()), ["b.parquet"]);
    assert_eq!(paths(&list("orders/dt=2026-10-03/").await.unwrap()), ["hour=07/größe 1%.parquet"]);
    assert_eq!(list("").await.unwrap().files.len(), 5);
    for (declared, file) in [("orders/dt=2026-10-01/b*", "b.parquet"), ("orders/dt=2026-10-01/a.parquet", "a.parquet")]
    {
        let address = list(declared).await.unwrap().address(&ObjectPath::from(file)).to_string();
        assert_eq!(address, format!("s3://{}/orders/dt=2026-10-01/{file}", bucket.name));
    }
    let (stores, file, days) = (bucket.stores(), bucket.input("orders/dt=2026-10-01/a.parquet"), days(1, 1));
    let listed = PinnedFiles::list(&stores, &file, Some(&days)).await;
    assert!(matches!(listed, Err(StoreError::InvalidLocation { .. })));
}

#[tokio::test]
async fn what_is_missing_is_told_by_who_must_act() {
    let bucket = orders().await;
    let error = async |path: &str, days: Option<_>| {
        let error = PinnedFiles::list(&bucket.stores(), &bucket.input(path), days.as_ref()).await.unwrap_err();
        (error.kind(), error.to_string().replace(&bucket.name, "bucket"))
    };
    let (kind, message) = error("orders/", Some(days(10, 11))).await;
    assert_eq!(kind, ErrorKind::Transient);
    insta::assert_snapshot!(message, @"location `s3://bucket/orders/` holds no data: looked for `dt=2026-10-10` to `dt=2026-10-11`, found `dt=2026-10-01`, `dt=2026-10-011`, `dt=2026-10-02` and 2 more");
    for (path, days) in [("order/", None), ("order", None), ("order/", Some(days(1, 1)))] {
        let (kind, message) = error(path, days).await;
        assert_eq!(kind, ErrorKind::Configuration);
        assert_eq!(message, format!("location `s3://bucket/{path}` does not exist"));
    }
    let nowhere = crate::fixture::input("s3://no-such-bucket/orders/");
    let error = PinnedFiles::list(&bucket.stores(), &nowhere, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    insta::assert_snapshot!(error, @"cannot list `s3://no-such-bucket/orders/`: 404 Not Found (NoSuchBucket): The specified bucket does not exist");
}

async fn pinned(bucket: &Bucket) -> (PinnedFiles, PinnedStore) {
    bucket.write("in/a.parquet", "0123456789".repeat(10_000)).await;
    bucket.write("in/b.parquet", "b").await;
    let pinned = PinnedFiles::list(&bucket.stores(), &bucket.input("in/"), None).await.expect("a listing");
    let store = pinned.store();
    (pinned, store)
}

fn a() -> ObjectPath {
    ObjectPath::from("a.parquet")
}

/// Every way in which the engine reads.
async fn reads(store: &PinnedStore) -> Vec<Result<Bytes, object_store::Error>> {
    let whole = async { store.get(&a()).await?.bytes().await };
    let ranges = async { store.get_ranges(&a(), &[0..2, 99_998..100_000]).await.map(|parts| parts.concat().into()) };
    let head = async { store.head(&a()).await.map(|_| Bytes::new()) };
    vec![whole.await, store.get_range(&a(), 2..4).await, ranges.await, head.await]
}

#[tokio::test]
async fn an_unchanged_file_is_served_whole_and_in_ranges() {
    let bucket = Bucket::new();
    let (pinned, store) = pinned(&bucket).await;
    let answers: Vec<_> = reads(&store).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, ["0123456789".repeat(10_000), "23".into(), "0189".into(), String::new()]);
    pinned.verify_unchanged().await.unwrap();
    let reads = bucket.proxy.seen().into_iter().filter(|request| !request.is_listing());
    for request in reads {
        assert!(request.head.to_ascii_lowercase().contains("\r\nif-match: \""), "{}", request.head);
    }
}

#[tokio::test]
async fn a_file_that_changed_after_the_listing_is_refused_by_every_read() {
    for change in ["0123456789+", "9876543210", ""] {
        let bucket = Bucket::new();
        let (pinned, store) = pinned(&bucket).await;
        match change {
            "" => bucket.remove("in/a.parquet").await,
            new => bucket.write("in/a.parquet", new.repeat(10_000)).await,
        }
        for answer in reads(&store).await {
            let error = answer.unwrap_err();
            let error = StoreError::find_in(&error).unwrap();
            assert!(matches!(error, StoreError::InputChanged { path, .. } if path == "a.parquet"), "{error}");
            assert_eq!(error.kind(), ErrorKind::Transient);
        }
        assert!(matches!(pinned.verify_unchanged().await, Err(StoreError::InputChanged { .. })));
        assert!(store.get(&ObjectPath::from("b.parquet")).await.is_ok(), "the other file is as it was");
    }
}

#[tokio::test]
async fn a_file_that_changes_in_the_middle_of_an_answer_is_refused() {
    let bucket = Bucket::with_faults(|request| if request.number == 2 { Fault::Broken } else { Fault::None });
    let (_, store) = pinned(&bucket).await;
    let begun = store.get(&a()).await.unwrap();
    bucket.write("in/a.parquet", "9876543210".repeat(10_000)).await;
    let error = begun.bytes().await.unwrap_err();
    let error = StoreError::find_in(&error).unwrap();
    assert!(matches!(error, StoreError::InputChanged { .. }), "{}", shown(error));
}
