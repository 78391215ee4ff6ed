//! Which files are taken, and what is said about the others.

use chrono::NaiveDate;

use super::fixture::Folder;
use crate::{ErrorKind, PartitionDays, PinnedFiles, Result, StoreError, Stores};

fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 10, day).unwrap()
}

fn days(column: &str, first: u32, last: u32) -> PartitionDays {
    PartitionDays { column: column.to_owned(), first: day(first), last: day(last) }
}

async fn list(folder: &Folder, declared: &str, days: Option<&PartitionDays>) -> Result<PinnedFiles> {
    PinnedFiles::list(&Stores::new(), &folder.input(declared), days).await
}

fn paths(pinned: &PinnedFiles) -> Vec<String> {
    pinned.files.iter().map(|file| file.path.to_string()).collect()
}

/// Two days of orders, a gap, and everything that lies about in a real folder.
fn orders() -> Folder {
    let folder = Folder::new();
    for path in [
        "orders/dt=2026-10-01/b.parquet",
        "orders/dt=2026-10-01/a.parquet",
        "orders/dt=2026-10-01/_SUCCESS",
        "orders/dt=2026-10-01/.a.parquet.crc",
        "orders/dt=2026-10-01/_temporary/0/c.parquet",
        "orders/dt=2026-10-03/hour=07/a.parquet",
        "orders/dt=2026-10-03/notes.txt",
        "orders/dt=2026-10-04/late.parquet",
        "orders/dt=2026-10-2/odd.parquet",
        "orders/dt=__HIVE_DEFAULT_PARTITION__/null.parquet",
        "orders/readme.md",
    ] {
        folder.write(path, path);
    }
    folder
}

#[tokio::test]
async fn of_a_partitioned_folder_exactly_the_days_asked_for_are_read_and_missing_ones_are_named() {
    let folder = orders();
    let pinned = list(&folder, "orders/*.parquet", Some(&days("dt", 1, 3))).await.unwrap();
    assert_eq!(
        paths(&pinned),
        ["dt=2026-10-01/a.parquet", "dt=2026-10-01/b.parquet", "dt=2026-10-03/hour=07/a.parquet"]
    );
    assert_eq!(pinned.missing_days, [day(2)]);
    assert_eq!(pinned.hidden, 3);
    assert_eq!(pinned.files[2].partition_day, Some(day(3)));
    assert_eq!(pinned.files[0].size, "orders/dt=2026-10-01/a.parquet".len() as u64);
    assert_eq!(pinned.bytes(), pinned.files.iter().map(|file| file.size).sum::<u64>());
    assert!(pinned.files[0].etag.is_some());
}

#[tokio::test]
async fn a_backfill_reads_what_that_night_read() {
    let folder = orders();
    let then = list(&folder, "orders/", Some(&days("dt", 1, 3))).await.unwrap();
    folder.write("orders/dt=2026-10-05/a.parquet", "later");
    let now = list(&folder, "orders/", Some(&days("dt", 1, 3))).await.unwrap();
    assert_eq!(then.files, now.files);
}

#[tokio::test]
async fn without_days_a_folder_is_everything_beneath_it_and_a_pattern_is_its_own_files() {
    let folder = Folder::new();
    for path in ["tags/a.parquet", "tags/b.txt", "tags/deep/c.parquet", "tags/_x/d.parquet", "tags/_day=1/e.parquet"] {
        folder.write(path, "x");
    }
    let whole = list(&folder, "tags", None).await.unwrap();
    assert_eq!(paths(&whole), ["_day=1/e.parquet", "a.parquet", "b.txt", "deep/c.parquet"]);
    assert_eq!(whole.hidden, 1);
    assert_eq!(paths(&list(&folder, "tags/*.parquet", None).await.unwrap()), ["a.parquet"]);
    assert_eq!(paths(&list(&folder, "tags/deep/c.parquet", None).await.unwrap()), ["c.parquet"]);
}

#[tokio::test]
async fn odd_names_are_found() {
    for column in ["día", "日付", "event date", "it's;--", "a:b", "50%", "x\"y"] {
        let folder = Folder::new();
        let name = days(column, 1, 1).folder_name(day(1));
        folder.write(&format!("Käufe ünd mehr/{name}/größe 1%.parquet"), "x");
        let pinned = list(&folder, "Käufe ünd mehr/", Some(&days(column, 1, 2))).await.unwrap();
        assert_eq!(paths(&pinned), [format!("{name}/größe 1%.parquet")], "{column}");
        assert_eq!(pinned.missing_days, [day(2)]);
        assert!(pinned.verify_unchanged().await.is_ok());
    }
}

#[tokio::test]
async fn a_hostile_partition_column_reaches_nothing() {
    let folder = orders();
    folder.write("secret=2026-10-01/a.parquet", "x");
    for column in ["../secret", "..", "dt=2026-10-01/../../secret", "/", "", "\0", "%2e%2e/secret"] {
        let error = list(&folder, "orders", Some(&days(column, 1, 1))).await.unwrap_err();
        assert!(matches!(error, StoreError::NothingFound { .. }), "{column:?}: {error}");
    }
}

#[tokio::test]
async fn messages_name_the_location_what_was_looked_for_and_what_is_there() {
    let folder = orders();
    folder.write("empty/_SUCCESS", "");
    let error = async |declared, days: Option<&PartitionDays>| list(&folder, declared, days).await.unwrap_err();
    insta::assert_snapshot!(error("order/", None).await, @"location `order/` does not exist");
    insta::assert_snapshot!(error("orders/", Some(&days("day", 1, 9))).await, @"location `orders/` holds no data: looked for `day=2026-10-01` to `day=2026-10-09`, found `dt=2026-10-01`, `dt=2026-10-03`, `dt=2026-10-04` and 3 more");
    insta::assert_snapshot!(error("orders/*.parquet", Some(&days("dt", 10, 11))).await, @"location `orders/*.parquet` holds no data: looked for `dt=2026-10-10/*.parquet` to `dt=2026-10-11/*.parquet`, found `dt=2026-10-01`, `dt=2026-10-03`, `dt=2026-10-04` and 3 more");
    insta::assert_snapshot!(error("orders/*.csv", None).await, @"location `orders/*.csv` holds no data: looked for `*.csv`, found `dt=2026-10-01`, `dt=2026-10-03`, `dt=2026-10-04` and 3 more");
    insta::assert_snapshot!(error("empty", None).await, @"location `empty` holds no data: looked for any file whose name does not start with `.` or `_`, found `_SUCCESS`");
    insta::assert_snapshot!(error("orders/readme.md", Some(&days("dt", 1, 2))).await, @"location `orders/readme.md` is a file; a source with a partition is a folder");
}

#[tokio::test]
async fn missing_days_are_worth_a_retry_and_a_wrong_folder_is_not() {
    let folder = orders();
    let kind = async |declared, days: Option<&PartitionDays>| list(&folder, declared, days).await.unwrap_err().kind();
    assert_eq!(kind("orders/", Some(&days("dt", 10, 11))).await, ErrorKind::Transient);
    assert_eq!(kind("orders/*.csv", None).await, ErrorKind::Configuration);
    assert_eq!(kind("order/", None).await, ErrorKind::Configuration);
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::*;

    #[tokio::test]
    async fn a_link_that_leads_out_of_the_declared_folder_is_refused() {
        let folder = Folder::new();
        folder.write("secret/a.parquet", "x");
        folder.write("file/b.parquet", "x");
        symlink(folder.path("secret/a.parquet"), folder.path("file/a.parquet")).unwrap();
        folder.write("folder/b.parquet", "x");
        symlink(folder.path("secret"), folder.path("folder/dt=2026-10-01")).unwrap();
        for (declared, days) in
            [("file/", None), ("file/*.parquet", None), ("folder/", None), ("folder/", Some(&days("dt", 1, 1)))]
        {
            let error = list(&folder, declared, days).await.unwrap_err();
            assert!(matches!(error, StoreError::OutsideRoot { .. }), "{declared}: {error}");
            assert_eq!(error.kind(), ErrorKind::Configuration);
        }
        insta::assert_snapshot!(list(&folder, "file/", None).await.unwrap_err(), @"`a.parquet` in `file/` is a link that leads out of `file/`; put the file there, or name its folder");
    }

    #[tokio::test]
    async fn a_link_within_the_folder_and_a_declared_place_that_is_a_link_are_followed() {
        let folder = Folder::new();
        folder.write("real/old/a.parquet", "x");
        symlink(folder.path("real/old"), folder.path("real/new")).unwrap();
        symlink(folder.path("real"), folder.path("declared")).unwrap();
        symlink(folder.path("real/old/a.parquet"), folder.path("declared.parquet")).unwrap();
        assert_eq!(paths(&list(&folder, "declared", None).await.unwrap()), ["new/a.parquet", "old/a.parquet"]);
        assert_eq!(paths(&list(&folder, "declared.parquet", None).await.unwrap()), ["a.parquet"]);
    }
}
