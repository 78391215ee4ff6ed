//! Which files a run reads: listed once, then fixed.

use std::{collections::BTreeSet, fmt, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{Error, ObjectMeta, ObjectStore, ObjectStoreExt, path::Path as ObjectPath};

use crate::{
    Location, PartitionDays, PinnedStore, ReadSoFar, Redacted, Result, StoreError, Stores,
    hidden::{is_folder, is_hidden},
    reads::Reads,
};

/// The most days that are listed, and files that are asked about, at once.
const REQUESTS_AT_ONCE: usize = 16;

/// The most names that a message shows of what was found instead.
const NAMES_SHOWN: usize = 3;

/// One file, as it was when it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedFile {
    /// Where it lies, relative to the source's root.
    pub path: ObjectPath,
    /// Its length in bytes.
    pub size: u64,
    /// Its ETag. On a local disk: of inode, microsecond of change and length, so a change that leaves all three alike
    /// is not seen.
    pub etag: Option<String>,
    /// Its version, if the store keeps versions.
    pub version: Option<String>,
    /// When the store says it was last changed. Nothing is ordered by it.
    pub last_modified: DateTime<Utc>,
    /// The day of its partition, if days were asked for.
    pub partition_day: Option<NaiveDate>,
}

/// The files of one source, sorted by path, and what was not there.
///
/// The list is made once, before any work. Every later read goes through [`PinnedFiles::store`], which serves these
/// files in this state and nothing else.
#[derive(Clone)]
pub struct PinnedFiles {
    /// The source.
    pub location: Location,
    /// The files, sorted by path; at least one.
    pub files: Vec<PinnedFile>,
    /// The days that were asked for and have no file, in order.
    pub missing_days: Vec<NaiveDate>,
    /// The number of files passed over because they, or a folder on the way to them, start with `.` or `_`.
    pub hidden: usize,
    pub(crate) store: Arc<dyn ObjectStore>,
    pub(crate) reads: Reads,
}

/// Files and the number of hidden ones.
#[derive(Default)]
struct Found {
    files: Vec<PinnedFile>,
    hidden: usize,
}

impl PinnedFiles {
    /// Lists `location`: the file itself; or, of a folder, the files that match its pattern; or everything beneath it.
    /// With `days`, only what lies beneath the folders of these days, one listing a day, whatever else is there.
    ///
    /// # Errors
    /// [`StoreError::LocationNotFound`]; [`StoreError::NothingFound`] if not a single file is left, telling what was
    /// looked for and what is there; [`StoreError::OutsideRoot`] for a link that leads out; [`StoreError::Failed`].
    pub async fn list(stores: &Stores, location: &Location, days: Option<&PartitionDays>) -> Result<Self> {
        let opened = stores.open_input(location).await?;
        let source = Source { store: opened.store, location, days };
        let found = match (opened.files, days) {
            (Some(_), Some(_)) => return Err(source.invalid("is a file; a source with a partition is a folder")),
            (Some(files), None) => source.named(files).await?,
            (None, Some(days)) => source.by_day(days).await?,
            (None, None) => source.whole().await?,
        };
        let Found { mut files, hidden } = found;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let missing_days = source.missing_days(&files);
        if files.is_empty() {
            return Err(source.nothing_found(missing_days).await);
        }
        let (location, reads) = (location.clone(), Reads::default());
        Ok(Self { location, files, missing_days, hidden, store: source.store, reads })
    }

    /// A store that serves exactly these files, in exactly this state.
    pub fn store(&self) -> PinnedStore {
        PinnedStore::new(self)
    }

    /// Where a file of the listing lies, for people: as [`Location::whole`], down to the file.
    pub fn address(&self, path: &ObjectPath) -> Redacted {
        let folder = self.location.whole();
        // The location of a single file is the file itself.
        let is_file =
            self.files.len() == 1 && folder.as_str().rsplit_once('/').is_some_and(|(_, name)| name == path.as_ref());
        if is_file { folder } else { Redacted::new(format!("{}/{path}", folder.as_str().trim_end_matches('/'))) }
    }

    /// The length of all files together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size))
    }

    /// The files of one day, in order.
    pub fn files_of(&self, day: NaiveDate) -> impl Iterator<Item = &PinnedFile> {
        self.files.iter().filter(move |file| file.partition_day == Some(day))
    }

    /// What was read of these files so far, by everybody who read them from this listing.
    pub fn read_so_far(&self) -> ReadSoFar {
        self.reads.so_far()
    }

    /// Checks that every file is still as it was listed; to be called before a run is published.
    ///
    /// # Errors
    /// [`StoreError::InputChanged`], naming the first file by path that is not; [`StoreError::Failed`].
    pub async fn verify_unchanged(&self) -> Result<()> {
        let store = self.store();
        let paths: Vec<ObjectPath> = self.files.iter().map(|file| file.path.clone()).collect();
        let checks = paths.into_iter().map(|path| {
            let store = store.clone();
            async move { store.head(&path).await }
        });
        let checked: Result<Vec<_>, Error> = stream::iter(checks).buffered(REQUESTS_AT_ONCE).try_collect().await;
        checked.map(|_| ()).map_err(|error| StoreError::failed("read", "", self.location.declared(), &error))
    }
}

impl fmt::Debug for PinnedFiles {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("PinnedFiles")
            .field("location", &self.location)
            .field("files", &self.files)
            .field("missing_days", &self.missing_days)
            .field("hidden", &self.hidden)
            .finish_non_exhaustive()
    }
}

/// A source that is being listed.
struct Source<'a> {
    store: Arc<dyn ObjectStore>,
    location: &'a Location,
    days: Option<&'a PartitionDays>,
}

impl Source<'_> {
    async fn named(&self, files: Vec<ObjectPath>) -> Result<Found> {
        let asked = files.into_iter().map(|file| async move {
            let meta = self.store.head(&file).await.map_err(|error| self.failed("read", file.as_ref(), &error))?;
            Ok::<_, StoreError>(pinned(ObjectMeta { location: file, ..meta }, None))
        });
        let files = stream::iter(asked).buffered(REQUESTS_AT_ONCE).try_collect().await?;
        Ok(Found { files, hidden: 0 })
    }

    /// The matching files of the folder itself, or everything beneath it.
    async fn whole(&self) -> Result<Found> {
        let listed = if self.location.pattern().is_some() {
            self.store.list_with_delimiter(None).await.map(|listed| listed.objects)
        } else {
            self.store.list(None).try_collect().await
        };
        let listed = listed.map_err(|error| self.failed("list", "", &error))?;
        Ok(self.select(listed, &ObjectPath::ROOT, None))
    }

    async fn by_day(&self, days: &PartitionDays) -> Result<Found> {
        let listings = days.days().map(|day| async move {
            let folder = days.folder(day).map_err(|error| self.failed("list", "", &error))?;
            let listed: Result<Vec<_>, Error> = self.store.list(Some(&folder)).try_collect().await;
            let listed = listed.map_err(|error| self.failed("list", folder.as_ref(), &error))?;
            Ok(self.select(listed, &folder, Some(day)))
        });
        let join = |mut all: Found, day: Found| async move {
            all.files.extend(day.files);
            all.hidden += day.hidden;
            Ok(all)
        };
        stream::iter(listings).buffered(REQUESTS_AT_ONCE).try_fold(Found::default(), join).await
    }

    /// The files that are data: not hidden, and matching the pattern if there is one.
    fn select(&self, mut listed: Vec<ObjectMeta>, folder: &ObjectPath, day: Option<NaiveDate>) -> Found {
        let mut found = Found::default();
        listed.sort_by(|a, b| a.location.cmp(&b.location));
        let in_a_bucket = self.location.folder().is_none();
        for meta in &listed {
            let name = meta.location.filename().unwrap_or_default();
            if is_hidden(&meta.location, folder) {
                found.hidden += 1;
            } else if in_a_bucket && is_folder(meta, folder, &listed) {
                // It stands for what was listed anyway.
            } else if self.location.pattern().is_none_or(|pattern| pattern.matches(name)) {
                found.files.push(pinned(meta.clone(), day));
            }
        }
        found
    }

    fn missing_days(&self, files: &[PinnedFile]) -> Vec<NaiveDate> {
        let found: BTreeSet<_> = files.iter().filter_map(|file| file.partition_day).collect();
        self.days.map_or_else(Vec::new, |days| days.days().filter(|day| !found.contains(day)).collect())
    }

    async fn nothing_found(&self, missing_days: Vec<NaiveDate>) -> StoreError {
        let names = self.location.pattern().map_or_else(String::new, |pattern| format!("/{pattern}"));
        let looked_for = match self.days {
            Some(days) => {
                let name = |day| format!("`{}{names}`", days.folder_name(day));
                format!("{} to {}", name(days.first), name(days.last))
            }
            None if names.is_empty() => "any file whose name does not start with `.` or `_`".to_owned(),
            None => format!("`{}`", names.trim_start_matches('/')),
        };
        let location = self.location.declared().clone();
        match self.found_instead().await {
            // In a bucket there are no folders but of files.
            Some(names) if names.is_empty() && self.location.folder().is_none() => {
                StoreError::LocationNotFound { location }
            }
            names => StoreError::NothingFound { location, looked_for, found: enumerated(names), missing_days },
        }
    }

    /// The names in the folder, in order; none if it cannot be read.
    async fn found_instead(&self) -> Option<Vec<String>> {
        let listed = self.store.list_with_delimiter(None).await.ok()?;
        let folders = listed.common_prefixes.iter().filter_map(ObjectPath::filename);
        let files = listed.objects.iter().filter_map(|found| found.location.filename());
        let names: BTreeSet<&str> = folders.chain(files).collect();
        Some(names.into_iter().map(|name| format!("`{}`", Redacted::new(name))).collect())
    }

    fn invalid(&self, problem: &str) -> StoreError {
        StoreError::InvalidLocation { location: self.location.declared().clone(), problem: problem.to_owned() }
    }

    fn failed(&self, action: &'static str, path: &str, error: &Error) -> StoreError {
        StoreError::failed(action, path, self.location.declared(), error)
    }
}

/// The first names, for a message.
fn enumerated(names: Option<Vec<String>>) -> String {
    let Some(names) = names else { return "nothing readable".to_owned() };
    match names.split_at_checked(NAMES_SHOWN) {
        None if names.is_empty() => "nothing".to_owned(),
        None | Some((_, [])) => names.join(", "),
        Some((shown, others)) => format!("{} and {} more", shown.join(", "), others.len()),
    }
}

fn pinned(meta: ObjectMeta, partition_day: Option<NaiveDate>) -> PinnedFile {
    PinnedFile {
        path: meta.location,
        size: meta.size,
        etag: meta.e_tag,
        version: meta.version,
        last_modified: meta.last_modified,
        partition_day,
    }
}
