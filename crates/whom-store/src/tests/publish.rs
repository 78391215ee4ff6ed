//! Probe, successor, conflict, damage.

use std::{fmt, fs, sync::Arc};

use async_trait::async_trait;
use futures::stream::BoxStream;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, memory::InMemory, path::Path as ObjectPath,
};

use uuid::Uuid;

use super::fixture::{Folder, create, fill, hasty, latest_whole, quick, record, run, run_id};
use crate::{ErrorKind, Output, Publication, StoreError};

/// A store that overwrites although it was told not to, with or without saying so.
#[derive(Debug)]
struct Careless {
    inner: InMemory,
    admits: bool,
}

impl fmt::Display for Careless {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("careless")
    }
}

#[async_trait]
impl ObjectStore for Careless {
    async fn put_opts(
        &self,
        location: &ObjectPath,
        payload: PutPayload,
        options: PutOptions,
    ) -> object_store::Result<PutResult> {
        let existed = self.inner.get_opts(location, GetOptions::default()).await.is_ok();
        let put = self.inner.put_opts(location, payload, PutOptions { mode: PutMode::Overwrite, ..options }).await;
        if existed && !self.admits {
            return Err(Error::AlreadyExists { path: location.to_string(), source: "it exists".into() });
        }
        put
    }

    async fn put_multipart_opts(
        &self,
        location: &ObjectPath,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &ObjectPath, options: GetOptions) -> object_store::Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, object_store::Result<ObjectPath>>,
    ) -> BoxStream<'static, object_store::Result<ObjectPath>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&ObjectPath>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&ObjectPath>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &ObjectPath, to: &ObjectPath, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn a_store_that_overwrites_is_refused_as_an_output() {
    let folder = Folder::new();
    let message = async |admits| {
        let output = Output::at(Arc::new(Careless { inner: InMemory::new(), admits }), &folder.output());
        let error = output.probed(Uuid::nil()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    };
    insta::assert_snapshot!(message(true).await, @"output `out` cannot publish safely: the store overwrites what exists; choose another place for `output`");
    insta::assert_snapshot!(message(false).await, @"output `out` cannot publish safely: the store refuses to overwrite, and overwrites; choose another place for `output`");
}

#[tokio::test]
async fn opening_an_output_leaves_nothing_behind() {
    let folder = Folder::new();
    let output = create(&hasty(), &folder.output(), 1).await.unwrap();
    assert_eq!(fs::read_dir(folder.path("out")).unwrap().count(), 0);
    assert!(output.latest().await.unwrap().is_none());
    assert!(matches!(Output::open(&hasty(), &folder.input("nowhere")), Err(StoreError::LocationNotFound { .. })));
}

#[tokio::test]
async fn a_published_run_is_found_with_its_files_and_its_hint() {
    let folder = Folder::new();
    let first = run(&hasty(), &folder.output(), 1, "one").await.unwrap();
    let second = run(&hasty(), &folder.output(), 2, "two").await.unwrap();
    let output = Output::open(&hasty(), &folder.output()).unwrap();
    let (latest, files) = latest_whole(&output).await.unwrap();
    assert_eq!((&latest, latest.manifest.parent), (second.published(), Some(1)));
    assert_eq!(files[2], ("units.parquet".to_owned(), "uni \nts two\n".into()));
    assert_eq!(output.published(1).await.unwrap(), *first.published());

    assert_eq!(fs::read(latest.address("summary.md").unwrap().path().unwrap()).unwrap(), b"summary two\n");
    let own = fs::read(folder.path(&format!("out/runs/{}/manifest.json", run_id(2)))).unwrap();
    assert_eq!(own, fs::read(folder.path("out/_manifests/00000000000000000002.json")).unwrap());
    insta::assert_snapshot!(fs::read_to_string(folder.path("out/latest.json")).unwrap(), @r#"
    {
      "folder": "runs/00000000-0000-0000-0000-000000000002",
      "manifest": "_manifests/00000000000000000002.json",
      "number": 2,
      "run_id": "00000000-0000-0000-0000-000000000002"
    }
    "#);
    insta::assert_snapshot!(latest.file("effect.parquet").unwrap_err(), @"run 00000000-0000-0000-0000-000000000002 has no file `effect.parquet`; its files are `effects.parquet`, `summary.md`, `units.parquet`");
}

#[tokio::test]
async fn a_file_in_parts_that_is_given_up_leaves_nothing() {
    let folder = Folder::new();
    let output = create(&hasty(), &folder.output(), 1).await.unwrap();
    let mut stage = output.stage(run_id(1)).await.unwrap();
    let mut file = stage.writer("units.parquet").await.unwrap();
    for _ in 0..12 {
        file.write(vec![7; 1 << 20].into()).await.unwrap();
    }
    file.discard().await;
    assert!(stage.files().is_empty());
    assert_eq!(fs::read_dir(folder.path("out/runs")).unwrap().count(), 0);
    let mut again = stage.writer("units.parquet").await.unwrap();
    again.write("units".into()).await.unwrap();
    again.finish(None).await.unwrap();
    assert_eq!(stage.files().len(), 1, "its name is free again");
}

#[tokio::test]
async fn nothing_that_is_not_a_manifest_counts() {
    let folder = Folder::new();
    run(&hasty(), &folder.output(), 1, "one").await.unwrap();
    for name in [
        "00000000000000000009.json#1",
        "00000000000000000009.json.tmp",
        "9.json",
        "x.json",
        "sub/00000000000000000009.json",
        "+0000000000000000009.json",
    ] {
        folder.write(&format!("out/_manifests/{name}"), "{}");
    }
    folder.write("out/latest.json", "{ \"number\": 9 }");
    let output = Output::open(&hasty(), &folder.output()).unwrap();
    assert_eq!(output.numbers().await.unwrap(), [1]);
    assert_eq!(run(&hasty(), &folder.output(), 2, "two").await.unwrap().published().manifest.number, 2);
}

#[tokio::test]
async fn the_slower_of_two_runs_is_told_who_won_and_leaves_no_files() {
    let folder = Folder::new();
    let output = create(&hasty(), &folder.output(), 1).await.unwrap();
    let mut slow = output.stage(run_id(1)).await.unwrap();
    fill(&mut slow, "slow").await.unwrap();
    run(&hasty(), &folder.output(), 2, "quick").await.unwrap();
    run(&hasty(), &folder.output(), 3, "quicker").await.unwrap();
    let error = slow.publish(record("slow")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Transient);
    insta::assert_snapshot!(error, @"run 00000000-0000-0000-0000-000000000003 published number 2 in `out` while this run worked; run again");
    assert!(!folder.path(&format!("out/runs/{}", run_id(1))).exists());
    latest_whole(&output).await.unwrap();
}

#[tokio::test]
async fn the_slower_of_two_runs_of_the_same_work_is_content() {
    let folder = Folder::new();
    let output = create(&hasty(), &folder.output(), 1).await.unwrap();
    let mut slow = output.stage(run_id(1)).await.unwrap();
    fill(&mut slow, "same").await.unwrap();
    let quick = run(&hasty(), &folder.output(), 2, "same").await.unwrap();
    let outcome = slow.publish(record("same")).await.unwrap();
    assert_eq!(outcome, Publication::AlreadyPublished(quick.published().clone()));
}

#[tokio::test]
async fn the_protocol_is_the_same_on_a_store_that_is_no_disk() {
    let folder = Folder::new();
    let output = Output { patience: quick(), ..Output::at(Arc::new(InMemory::new()), &folder.output()) };
    let output = output.probed(Uuid::nil()).await.unwrap();
    for number in 1..=3 {
        let mut stage = output.stage(run_id(number)).await.unwrap();
        fill(&mut stage, "plan").await.unwrap();
        let published = stage.publish(record("plan")).await.unwrap();
        assert_eq!(u128::from(published.published().manifest.number), number);
    }
    latest_whole(&output).await.unwrap();
}

#[tokio::test]
async fn a_file_that_was_changed_in_the_stage_or_after_publication_is_found() {
    let folder = Folder::new();
    let output = create(&hasty(), &folder.output(), 1).await.unwrap();
    let mut stage = output.stage(run_id(1)).await.unwrap();
    fill(&mut stage, "plan").await.unwrap();
    folder.write(&format!("out/runs/{}/summary.md", run_id(1)), "x");
    insta::assert_snapshot!(stage.publish(record("plan")).await.unwrap_err(), @"file `runs/00000000-0000-0000-0000-000000000001/summary.md` in `out` is damaged: 13 bytes were written, and 1 are there");
    assert!(output.latest().await.unwrap().is_none());

    let published = run(&hasty(), &folder.output(), 2, "plan").await.unwrap().published().clone();
    folder.write(&format!("out/runs/{}/summary.md", run_id(2)), "summary plam\n");
    assert!(matches!(output.read(&published, "summary.md").await, Err(StoreError::FileDamaged { .. })));
}

#[tokio::test]
async fn a_file_name_is_plain_and_used_once() {
    let folder = Folder::new();
    let output = create(&hasty(), &folder.output(), 1).await.unwrap();
    let mut stage = output.stage(run_id(1)).await.unwrap();
    stage.write("a.json", "{}", None).await.unwrap();
    for name in ["../../etc/passwd", "a.json", "manifest.json", "/x", ""] {
        assert!(matches!(stage.write(name, "x", None).await, Err(StoreError::InvalidName { .. })), "{name}");
        assert!(matches!(stage.writer(name).await, Err(StoreError::InvalidName { .. })), "{name}");
    }
    assert_eq!(stage.files().len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn nothing_is_written_through_a_link_that_leads_out() {
    for name in ["runs", "_manifests"] {
        let folder = Folder::new();
        folder.write("elsewhere/keep", "x");
        folder.write("out/keep", "x");
        std::os::unix::fs::symlink(folder.path("elsewhere"), folder.path(&format!("out/{name}"))).unwrap();
        let error = run(&hasty(), &folder.output(), 1, "plan").await.unwrap_err();
        assert!(matches!(error, StoreError::OutsideRoot { .. }), "{name}: {error}");
        assert_eq!(fs::read_dir(folder.path("elsewhere")).unwrap().count(), 1, "{name}");
    }
}

#[test]
fn a_hostile_manifest_leads_to_no_file_outside_the_output() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = Folder::new();
    let mut published = runtime.block_on(run(&hasty(), &folder.output(), 1, "plan")).unwrap().published().clone();
    for path in ["/etc/passwd", "../../etc/passwd", "runs/../../x"] {
        path.clone_into(&mut published.manifest.files[0].path);
        let address = published.address("effects.parquet").unwrap();
        let address = address.path().unwrap();
        assert!(address.starts_with(folder.path("out")), "{}", address.display());
        assert!(!address.components().any(|part| part == std::path::Component::ParentDir), "{}", address.display());
    }
}
