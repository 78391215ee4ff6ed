//! A read gives what was listed or fails.

use std::{
    fs,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use object_store::{GetOptions, ObjectStore, ObjectStoreExt, path::Path as ObjectPath};

use super::fixture::Folder;
use crate::{ErrorKind, PinnedFiles, PinnedStore, StoreError, Stores};

async fn pinned(folder: &Folder) -> (PinnedFiles, PinnedStore) {
    folder.write("in/a.parquet", "0123456789");
    folder.write("in/b.parquet", "b");
    let pinned = PinnedFiles::list(&Stores::new(), &folder.input("in"), None).await.unwrap();
    let store = pinned.store();
    (pinned, store)
}

fn a() -> ObjectPath {
    ObjectPath::from("a.parquet")
}

fn in_chain(error: &object_store::Error) -> &StoreError {
    StoreError::find_in(error).unwrap()
}

/// Every way in which the engine reads.
async fn reads(store: &PinnedStore) -> Vec<Result<Bytes, object_store::Error>> {
    let whole = async { store.get(&a()).await?.bytes().await };
    let ranges = async { store.get_ranges(&a(), &[0..2, 8..10]).await.map(|parts| parts.concat().into()) };
    let head = async { store.head(&a()).await.map(|_| Bytes::new()) };
    let own = GetOptions::new().with_if_match(Some("*"));
    let own = async { store.get_opts(&a(), own).await?.bytes().await };
    vec![whole.await, store.get_range(&a(), 2..4).await, ranges.await, head.await, own.await]
}

#[tokio::test]
async fn an_unchanged_file_is_served_whole_and_in_ranges() {
    let folder = Folder::new();
    let (pinned, store) = pinned(&folder).await;
    let answers: Vec<_> = reads(&store).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers, ["0123456789", "23", "0189", "", "0123456789"]);
    pinned.verify_unchanged().await.unwrap();
}

#[tokio::test]
async fn a_file_that_changed_after_the_listing_is_refused_by_every_read() {
    type Change = fn(&Folder);
    let changes: [(&str, Change); 4] = [
        ("longer", |folder| folder.write("in/a.parquet", "0123456789+")),
        ("replaced by one of the same length", |folder| {
            folder.write("new", "9876543210");
            fs::rename(folder.path("new"), folder.path("in/a.parquet")).unwrap();
        }),
        ("touched", |folder| {
            let file = fs::File::options().write(true).open(folder.path("in/a.parquet")).unwrap();
            file.set_modified(SystemTime::now() + Duration::from_secs(1)).unwrap();
        }),
        ("gone", |folder| fs::remove_file(folder.path("in/a.parquet")).unwrap()),
    ];
    for (name, change) in changes {
        let folder = Folder::new();
        let (pinned, store) = pinned(&folder).await;
        change(&folder);
        for answer in reads(&store).await {
            let error = answer.unwrap_err();
            let error = in_chain(&error);
            assert!(matches!(error, StoreError::InputChanged { path, .. } if path == "a.parquet"), "{name}: {error}");
            assert_eq!(error.kind(), ErrorKind::Transient);
        }
        assert!(matches!(pinned.verify_unchanged().await, Err(StoreError::InputChanged { .. })), "{name}");
        assert!(store.get(&ObjectPath::from("b.parquet")).await.is_ok(), "the other file is as it was");
    }
}

#[tokio::test]
async fn a_file_that_changes_between_two_ranges_is_refused() {
    let folder = Folder::new();
    let (_, store) = pinned(&folder).await;
    store.get_range(&a(), 0..4).await.unwrap();
    folder.write("in/a.parquet", "something else");
    let error = store.get_range(&a(), 4..8).await.unwrap_err();
    insta::assert_snapshot!(in_chain(&error), @"input `a.parquet` in `in` changed while it was used: it was written anew; run again");
}

#[tokio::test]
async fn what_was_not_listed_does_not_exist() {
    let folder = Folder::new();
    let (_, store) = pinned(&folder).await;
    folder.write("in/c.parquet", "new");
    for path in ["c.parquet", "d.parquet", "../in/a.parquet"] {
        let error = store.get(&ObjectPath::from(path)).await.unwrap_err();
        assert!(matches!(in_chain(&error), StoreError::NotPinned { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_pinned_store_only_reads() {
    use futures::TryStreamExt;
    let folder = Folder::new();
    let (_, store) = pinned(&folder).await;
    assert!(store.put(&a(), "x".into()).await.is_err());
    assert!(store.put_multipart(&a()).await.is_err());
    assert!(store.delete(&a()).await.is_err());
    assert!(store.copy(&a(), &ObjectPath::from("c")).await.is_err());
    assert!(store.rename(&a(), &ObjectPath::from("c")).await.is_err());
    assert!(store.list(None).try_collect::<Vec<_>>().await.is_err());
    assert!(store.list_with_delimiter(None).await.is_err());
    assert_eq!(fs::read(folder.path("in/a.parquet")).unwrap(), b"0123456789");
}
