//! Google Cloud Storage, as far as a server of S3 can stand in for it.
//!
//! Google's XML interface, which `object_store` uses, is that of S3 but for the condition of a write, which the proxy
//! translates. So this shows that our addresses, settings, listings and conditions work with that client; how Google's
//! servers answer it does not show.

use object_store::ObjectStoreExt;
use uuid::Uuid;
use whom_store::{Location, Output, PinnedFiles, StoreError, Stores};

use crate::{
    fixture::{Bucket, days, fill, input, latest_whole, output, quick, record, run, run_id, variables},
    proxy::Fault,
};

/// A bucket and stores that reach it by Google's client, without asking for a token.
fn google() -> (Bucket, Stores) {
    let bucket = Bucket::with_faults(|_| Fault::Translated);
    let endpoint = bucket.endpoint();
    let key = format!(
        r#"{{"gcs_base_url": "{endpoint}", "disable_oauth": true, "client_email": "", "private_key": "", "private_key_id": ""}}"#
    );
    let stores = Stores::with_environment(variables(&[("GOOGLE_SERVICE_ACCOUNT_KEY", &key)])).with_limits(quick());
    (bucket, stores)
}

fn published_in(bucket: &Bucket) -> Location {
    output(&format!("gs://{}/out/", bucket.name))
}

#[tokio::test]
async fn pinned_files_are_read_as_they_were_listed() {
    let (bucket, stores) = google();
    bucket.write("orders/dt=2026-10-01/a b.parquet", "0123456789").await;
    let location = input(&format!("gs://{}/orders/", bucket.name));
    let pinned = PinnedFiles::list(&stores, &location, Some(&days(1, 2))).await.unwrap();
    let path = pinned.files[0].path.clone();
    assert_eq!((path.as_ref(), pinned.missing_days.len()), ("dt=2026-10-01/a b.parquet", 1));
    assert_eq!(pinned.store().get_range(&path, 2..4).await.unwrap(), "23");
    pinned.verify_unchanged().await.unwrap();
    bucket.write("orders/dt=2026-10-01/a b.parquet", "9876543210").await;
    assert!(matches!(pinned.verify_unchanged().await, Err(StoreError::InputChanged { .. })));
}

#[tokio::test]
async fn a_run_is_published_and_the_slower_of_two_is_told() {
    let (bucket, stores) = google();
    let location = published_in(&bucket);
    let output = Output::create(&stores, &location, Uuid::nil()).await.unwrap();
    let mut slow = output.stage(run_id(1)).await.unwrap();
    fill(&mut slow, "slow").await.unwrap();
    run(&stores, &location, 2, "quick").await.unwrap();
    let error = slow.publish(record("slow")).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { number: 1, .. }), "{error}");
    let (latest, files) = latest_whole(&stores, &location).await.unwrap();
    assert_eq!((latest.manifest.run_id, &*files[1].1), (run_id(2), b"units quick".as_slice()));
}
