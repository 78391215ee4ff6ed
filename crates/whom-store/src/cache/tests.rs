//! What is kept is found by whoever reads the same files, believed only as it was written, and thrown away in the end.

use std::fs;

use bytes::Bytes;
use chrono::NaiveDate;
use tempfile::TempDir;

use super::*;
use crate::PartitionDays;

/// A table of two days, and a cache beside it.
struct Place {
    folder: TempDir,
    stores: Stores,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: TempDir::new().unwrap(), stores: Stores::new() };
        place.write("orders/dt=2026-10-01/a.parquet", "first");
        place.write("orders/dt=2026-10-02/a.parquet", "second");
        place
    }

    fn write(&self, relative: &str, content: &str) {
        let path = self.folder.path().join(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The days of the table under one of its names.
    async fn keys(&self, declared: &str) -> (TableKey, Vec<DayKey>) {
        let day = |day| NaiveDate::from_ymd_opt(2026, 10, day).unwrap();
        let days = PartitionDays { column: "dt".to_owned(), first: day(1), last: day(2) };
        let location = Location::input(declared, self.folder.path()).unwrap();
        let listed = PinnedFiles::list(&self.stores, &location, Some(&days)).await.unwrap();
        let table = TableKey::of(&location, "dt");
        let keys = table.days(&listed);
        (table, keys)
    }

    fn cache(&self, attempt: u128) -> DayCache {
        let location = Location::output("cache", self.folder.path()).unwrap();
        DayCache::create(&self.stores, &location, Uuid::from_u128(attempt)).unwrap()
    }

    /// The files of the cache.
    fn files(&self) -> Vec<std::path::PathBuf> {
        let mut folders = vec![self.folder.path().join("cache")];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files.sort();
        files
    }
}

fn names(columns: &[&str]) -> Vec<String> {
    columns.iter().map(|column| (*column).to_owned()).collect()
}

/// Keeps a day with one part.
async fn keep(cache: &DayCache, key: &DayKey, columns: &[&str], content: &[u8]) -> CachedDay {
    let columns = names(columns);
    let mut part = cache.part(key, &columns).await.unwrap();
    for piece in content.chunks(100_000) {
        part.write(Bytes::copy_from_slice(piece)).await.unwrap();
    }
    let parts = vec![part.finish(7, BTreeMap::from([("a".to_owned(), [5, 3])])).await.unwrap()];
    let record = DayRecord { source: "orders/".to_owned(), schema: Encoded::new(b"schema"), rows: 7, columns, parts };
    cache.publish(key, record).await.unwrap()
}

async fn read_back(cache: &DayCache, day: &CachedDay) -> Result<Vec<Bytes>, StoreError> {
    let pinned = cache.pinned(std::slice::from_ref(day));
    let mut read = Vec::new();
    for file in &pinned.files {
        let got = pinned.store().get(&file.path).await;
        let bytes = match got {
            Ok(got) => got.bytes().await,
            Err(error) => Err(error),
        };
        read.push(bytes.map_err(|error| StoreError::failed("read", "", cache.location.declared(), &error))?);
    }
    Ok(read)
}

/// Does something to a file.
type Spoil = fn(&std::path::Path);

fn content() -> Vec<u8> {
    (0..700_000_u32).map(|place| (place % 251) as u8).collect()
}

#[tokio::test]
async fn a_day_is_found_by_whoever_reads_the_same_files() {
    let place = Place::new();
    let (table, keys) = place.keys("orders/").await;
    let kept = keep(&place.cache(1), &keys[0], &["a", "b"], &content()).await;
    let (same, same_keys) = place.keys("cache/../orders").await;
    assert_eq!((&table, &keys), (&same, &same_keys), "another name of the same folder");
    let found = place.cache(2).days(&same, &same_keys).await.unwrap();
    assert_eq!(found.iter().map(|day| &day.record).collect::<Vec<_>>(), [&kept.record]);
    assert_eq!(read_back(&place.cache(2), &found[0]).await.unwrap(), [Bytes::from(content())]);
    assert_eq!(found[0].record.schema.bytes().as_deref(), Some(b"schema".as_slice()));
    assert_eq!(found[0].bytes(), 700_000);
}

#[tokio::test]
async fn a_late_or_changed_file_makes_it_another_day() {
    let place = Place::new();
    let (table, keys) = place.keys("orders/").await;
    for key in &keys {
        keep(&place.cache(1), key, &["a"], b"rows").await;
    }
    place.write("orders/dt=2026-10-01/late.parquet", "late");
    let (_, late) = place.keys("orders/").await;
    assert_eq!((late[0] == keys[0], late[1] == keys[1]), (false, true));
    let found = place.cache(2).days(&table, &late).await.unwrap();
    assert_eq!(found.iter().map(CachedDay::day).collect::<Vec<_>>(), [keys[1].day]);
    place.write("orders/dt=2026-10-02/a.parquet", "second, written anew");
    let (_, changed) = place.keys("orders/").await;
    assert!(place.cache(2).days(&table, &changed).await.unwrap().is_empty());
}

#[tokio::test]
async fn ranges_are_counted_as_they_are_asked_for() {
    let place = Place::new();
    let (_, keys) = place.keys("orders/").await;
    let cache = place.cache(1);
    let day = keep(&cache, &keys[0], &["a"], &content()).await;
    let pinned = cache.pinned(&[day]);
    let path = pinned.files[0].path.clone();
    for range in [0..10, 262_140..262_150, 699_999..700_000] {
        let bytes = pinned.store().get_range(&path, range.clone()).await.unwrap();
        assert_eq!(bytes, content()[range.start as usize..range.end as usize]);
    }
    assert_eq!(pinned.read_so_far(), crate::ReadSoFar { bytes: 21, files: 1 });
    pinned.verify_unchanged().await.unwrap();
    assert_eq!(pinned.read_so_far().bytes, 21, "a question for the length reads nothing");
}

#[tokio::test]
async fn what_is_not_as_it_was_written_is_refused_and_forgotten() {
    let spoils: [(&str, Spoil); 4] = [
        ("its bytes are not those that were written", |path| {
            let mut bytes = fs::read(path).unwrap();
            bytes[300_000] ^= 4;
            fs::write(path, bytes).unwrap();
        }),
        ("its bytes are not those that were written", |path| fs::write(path, vec![0; 700_000]).unwrap()),
        ("it has another length", |path| fs::write(path, b"").unwrap()),
        ("it is gone", |path| fs::remove_file(path).unwrap()),
    ];
    for (problem, spoil) in spoils {
        let place = Place::new();
        let (table, keys) = place.keys("orders/").await;
        let cache = place.cache(1);
        let day = keep(&cache, &keys[0], &["a"], &content()).await;
        assert!(!cache.forget_damaged().await.unwrap());
        spoil(&place.files().into_iter().find(|path| path.extension().unwrap() == "parquet").unwrap());
        let error = read_back(&cache, &day).await.unwrap_err();
        assert!(matches!(&error, StoreError::CachedDayDamaged { problem: told, .. } if *told == problem), "{error}");
        assert_eq!(error.kind(), crate::ErrorKind::Transient);
        assert!(cache.forget_damaged().await.unwrap(), "{problem}");
        assert!(place.files().is_empty(), "{problem}: {:?}", place.files());
        assert!(cache.days(&table, &keys).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn an_entry_that_is_none_is_removed_and_can_be_made_again() {
    let place = Place::new();
    let (table, keys) = place.keys("orders/").await;
    let cache = place.cache(1);
    keep(&cache, &keys[0], &["a"], b"rows").await;
    let entry = place.files().into_iter().find(|path| path.extension().unwrap() == "json").unwrap();
    let whole = fs::read_to_string(&entry).unwrap();
    for spoiled in ["", "{}", &whole[..whole.len() / 2], &whole.replace("\"rows\":7", "\"rows\":8")] {
        fs::write(&entry, spoiled).unwrap();
        assert!(cache.days(&table, &keys).await.unwrap().is_empty(), "{spoiled}");
        assert!(!entry.exists(), "{spoiled}");
        let again = keep(&cache, &keys[0], &["a"], b"rows").await;
        assert_eq!(cache.days(&table, &keys).await.unwrap()[0].record, again.record);
        // Or it is spoiled between looking and writing.
        fs::write(&entry, spoiled).unwrap();
        let written_over = keep(&cache, &keys[0], &["a"], b"rows").await;
        assert_eq!(cache.days(&table, &keys).await.unwrap()[0].record, written_over.record);
    }
}

#[tokio::test]
async fn an_entry_under_the_name_of_another_day_is_none() {
    let place = Place::new();
    let (table, keys) = place.keys("orders/").await;
    let cache = place.cache(1);
    keep(&cache, &keys[0], &["a"], b"rows").await;
    let entry = place.files().into_iter().find(|path| path.extension().unwrap() == "json").unwrap();
    let text = entry.to_str().unwrap().replace("2026-10-01", "2026-10-02").replace(&keys[0].state, &keys[1].state);
    fs::create_dir_all(std::path::Path::new(&text).parent().unwrap()).unwrap();
    fs::copy(&entry, &text).unwrap();
    let found = cache.days(&table, &keys).await.unwrap();
    assert_eq!(found.iter().map(CachedDay::day).collect::<Vec<_>>(), [keys[0].day]);
}

#[tokio::test]
async fn of_two_who_make_a_day_at_once_the_first_counts_and_nothing_stays_of_the_other() {
    let place = Place::new();
    let (table, keys) = place.keys("orders/").await;
    let first = keep(&place.cache(1), &keys[0], &["a"], b"rows").await;
    let second = keep(&place.cache(2), &keys[0], &["a"], b"other bytes of the same rows").await;
    assert_eq!(first.record, second.record);
    assert_eq!(place.files().len(), 2);
    keep(&place.cache(2), &keys[0], &["a", "b"], b"wider").await;
    assert_eq!(place.cache(3).days(&table, &keys).await.unwrap().len(), 2, "other columns are another entry");
}

#[tokio::test]
async fn what_is_used_stays_and_what_is_not_goes() {
    let place = Place::new();
    let (table, keys) = place.keys("orders/").await;
    let cache = place.cache(1);
    for key in &keys {
        keep(&cache, key, &["a"], b"rows").await;
    }
    // A killed run leaves a part that no entry names, beside an entry and alone.
    for columns in [["a"], ["b"]] {
        cache.part(&keys[0], &names(&columns)).await.unwrap().finish(0, BTreeMap::new()).await.unwrap();
    }
    fs::write(place.folder.path().join("cache/days/notes.txt"), "of somebody").unwrap();
    let now = Utc::now();
    let (past, future) = (now - TimeDelta::hours(1), now + TimeDelta::hours(1));
    let nothing = cache.sweep(Some(past), past).await.unwrap();
    assert_eq!((nothing.days, nothing.remains, nothing.bytes, nothing.kept), (0, 0, 0, 2));
    let remains = cache.sweep(None, future).await.unwrap();
    assert_eq!((remains.days, remains.remains, remains.kept), (0, 2, 2));
    cache.remove_swept(&remains).await.unwrap();
    let found = cache.days(&table, &keys).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(read_back(&cache, &found[0]).await.unwrap(), [Bytes::from_static(b"rows")]);

    cache.renew(&found[..1], now + TimeDelta::days(3)).await.unwrap();
    let renewed = cache.days(&table, &keys).await.unwrap();
    assert!(renewed[0].written > found[0].written && renewed[1].written == found[1].written);
    let unused = cache.sweep(Some(renewed[0].written), past).await.unwrap();
    assert_eq!((unused.days, unused.kept), (1, 1));
    cache.remove_swept(&unused).await.unwrap();
    assert_eq!(cache.days(&table, &keys).await.unwrap(), renewed[..1]);
    let all = cache.sweep(Some(future), future).await.unwrap();
    cache.remove_swept(&all).await.unwrap();
    assert_eq!(place.files(), [place.folder.path().join("cache/days/notes.txt")]);
}
