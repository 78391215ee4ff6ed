//! The same promises on Azurite.

use object_store::{ObjectStoreExt, azure::MicrosoftAzureBuilder};
use uuid::Uuid;
use whom_store::{ErrorKind, Location, ObjectPath, Output, PinnedFiles, StoreError, Stores};

use crate::{
    fixture::{days, fill, input, latest_whole, output, quick, record, run, run_id, variables},
    proxy::{Fault, Proxy, Request},
    servers::{self, AZURE_ACCOUNT, AZURE_CONTAINER, AZURE_KEY},
};

fn endpoint(port: u16) -> String {
    format!("http://127.0.0.1:{port}/{AZURE_ACCOUNT}")
}

/// Stores that reach the container through a proxy.
fn stores(fault: impl Fn(&Request) -> Fault + Send + Sync + 'static) -> (Stores, Proxy) {
    let proxy = Proxy::before(servers::azure(), fault);
    let endpoint = endpoint(proxy.port);
    let set = [
        ("AZURE_STORAGE_ACCOUNT_NAME", AZURE_ACCOUNT),
        ("AZURE_STORAGE_ACCOUNT_KEY", AZURE_KEY),
        ("AZURE_STORAGE_ENDPOINT", &endpoint),
    ];
    (Stores::with_environment(variables(&set)).with_limits(quick()), proxy)
}

/// Writes an object past the proxy.
async fn write(path: &str, content: &'static str) {
    let direct = MicrosoftAzureBuilder::new()
        .with_account(AZURE_ACCOUNT)
        .with_access_key(AZURE_KEY)
        .with_container_name(AZURE_CONTAINER)
        .with_endpoint(endpoint(servers::azure()))
        .with_allow_http(true);
    let direct = direct.build().expect("a store");
    direct.put(&ObjectPath::from(path), content.into()).await.expect("a write");
}

fn published_in(folder: &str) -> Location {
    output(&format!("az://{AZURE_CONTAINER}/{folder}/"))
}

#[tokio::test]
async fn pinned_files_are_read_as_they_were_listed() {
    for path in ["orders/dt=2026-10-01/a b.parquet", "orders/dt=2026-10-04/a.parquet"] {
        write(path, "0123456789").await;
    }
    let (stores, _proxy) = stores(|_| Fault::None);
    let location = input(&format!("az://{AZURE_CONTAINER}/orders/"));
    let pinned = PinnedFiles::list(&stores, &location, Some(&days(1, 2))).await.unwrap();
    let path = pinned.files[0].path.clone();
    assert_eq!((path.as_ref(), pinned.files.len(), pinned.missing_days.len()), ("dt=2026-10-01/a b.parquet", 1, 1));
    assert_eq!(pinned.store().get_range(&path, 2..4).await.unwrap(), "23");
    pinned.verify_unchanged().await.unwrap();

    write("orders/dt=2026-10-01/a b.parquet", "9876543210").await;
    let error = pinned.store().get_range(&path, 2..4).await.unwrap_err();
    assert!(matches!(StoreError::find_in(&error), Some(StoreError::InputChanged { .. })), "{error}");
    assert!(matches!(pinned.verify_unchanged().await, Err(StoreError::InputChanged { .. })));
    let file = input(&format!("az://{AZURE_CONTAINER}/orders/dt=2026-10-01/a b.parquet"));
    assert_eq!(PinnedFiles::list(&stores, &file, None).await.unwrap().files.len(), 1);
}

#[tokio::test]
async fn a_run_is_published_and_the_slower_of_two_is_told() {
    let ((stores, _proxy), location) = (stores(|_| Fault::None), published_in("two"));
    let output = Output::create(&stores, &location, Uuid::nil()).await.unwrap();
    let mut slow = output.stage(run_id(1)).await.unwrap();
    fill(&mut slow, "slow").await.unwrap();
    run(&stores, &location, 2, "quick").await.unwrap();
    let error = slow.publish(record("slow")).await.unwrap_err();
    assert!(matches!(error, StoreError::Conflict { number: 1, .. }), "{error}");
    let (latest, files) = latest_whole(&stores, &location).await.unwrap();
    assert_eq!((latest.manifest.run_id, &*files[1].1), (run_id(2), b"units quick".as_slice()));
}

#[tokio::test]
async fn lost_acknowledgements_and_throttling_leave_the_same_bytes() {
    let (stores, _proxy) = stores(|request| match request.number % 5 {
        2 => Fault::Lost,
        4 => Fault::Refused(503, "ServerBusy"),
        _ => Fault::None,
    });
    let location = published_in("disturbed");
    for number in 1..=3 {
        run(&stores, &location, number, "plan").await.unwrap();
        let (latest, files) = latest_whole(&stores, &location).await.unwrap();
        assert_eq!((latest.manifest.run_id, &*files[1].1), (run_id(number), b"units plan".as_slice()));
    }
    assert!(stores.failed_requests() > 10);
}

#[tokio::test]
async fn a_store_that_ignores_the_condition_is_refused() {
    let (stores, _proxy) =
        stores(|request| if request.method() == "PUT" { Fault::Without("if-none-match") } else { Fault::None });
    let error = run(&stores, &published_in("careless"), 1, "plan").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration, "{error}");
}
