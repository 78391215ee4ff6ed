//! Pinned files in a form that can be sent to another machine, which then reads the same state of the same files.

use std::path::Path;

use chrono::{DateTime, Datelike, NaiveDate};
use object_store::path::Path as ObjectPath;
use serde::{Deserialize, Serialize};

use crate::{Location, PinnedFile, PinnedFiles, Result, StoreError, Stores, reads::Reads};

/// Some files of a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinRecord {
    location: String,
    files: Vec<FileRecord>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct FileRecord {
    path: String,
    size: u64,
    etag: Option<String>,
    version: Option<String>,
    /// Seconds since 1970-01-01 UTC, and nanoseconds.
    last_modified: (i64, u32),
    /// Days since the beginning of the calendar.
    partition_day: Option<i32>,
}

impl PinnedFiles {
    /// What to send of some of these files.
    ///
    /// # Errors
    /// [`StoreError::InvalidLocation`] for files of a web server.
    pub fn record<'a>(&self, files: impl IntoIterator<Item = &'a PinnedFile>) -> Result<PinRecord> {
        let location = self.location.whole().to_string();
        if location.starts_with("http://") || location.starts_with("https://") {
            let problem =
                "is a web server, from which one machine reads; copy its files to a bucket, or run without `--cluster`";
            return Err(StoreError::InvalidLocation {
                location: self.location.declared().clone(),
                problem: problem.to_owned(),
            });
        }
        Ok(PinRecord { location, files: files.into_iter().map(FileRecord::of).collect() })
    }
}

impl PinRecord {
    /// The files, as a listing of them on this machine would be. Nothing is listed, and nothing compared yet: a file that is
    /// another is refused when it is read.
    ///
    /// # Errors
    /// What opening their store refuses; [`StoreError::InvalidLocation`] if a record was not written by [`PinnedFiles::record`].
    pub async fn open(&self, stores: &Stores) -> Result<PinnedFiles> {
        let location = Location::input(&self.location, Path::new("/"))?;
        let store = stores.open_input(&location).await?.store;
        let files = self.files.iter().map(|file| file.pinned(&location)).collect::<Result<_>>()?;
        Ok(PinnedFiles { location, files, missing_days: Vec::new(), hidden: 0, store, reads: Reads::default() })
    }
}

impl FileRecord {
    fn of(file: &PinnedFile) -> Self {
        Self {
            path: file.path.to_string(),
            size: file.size,
            etag: file.etag.clone(),
            version: file.version.clone(),
            last_modified: (file.last_modified.timestamp(), file.last_modified.timestamp_subsec_nanos()),
            partition_day: file.partition_day.map(|day| day.num_days_from_ce()),
        }
    }

    fn pinned(&self, location: &Location) -> Result<PinnedFile> {
        let unfit = || StoreError::InvalidLocation {
            location: location.declared().clone(),
            problem: "was sent with a file that cannot be; send it again".to_owned(),
        };
        let (seconds, nanoseconds) = self.last_modified;
        Ok(PinnedFile {
            path: ObjectPath::parse(&self.path).map_err(|_| unfit())?,
            size: self.size,
            etag: self.etag.clone(),
            version: self.version.clone(),
            last_modified: DateTime::from_timestamp(seconds, nanoseconds).ok_or_else(unfit)?,
            partition_day: match self.partition_day {
                None => None,
                Some(day) => Some(NaiveDate::from_num_days_from_ce_opt(day).ok_or_else(unfit)?),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn another_machine_reads_the_same_state_of_the_same_files() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.parquet", "b.parquet"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        let location = Location::input("*.parquet", folder.path()).unwrap();
        let listed = PinnedFiles::list(&Stores::new(), &location, None).await.unwrap();
        let record = listed.record(&listed.files[1..]).unwrap();
        let opened = record.open(&Stores::new()).await.unwrap();
        assert_eq!(opened.files, listed.files[1..]);
        opened.verify_unchanged().await.unwrap();
        std::fs::write(folder.path().join("b.parquet"), "another").unwrap();
        assert!(matches!(opened.verify_unchanged().await.unwrap_err(), StoreError::InputChanged { .. }));
    }
}
