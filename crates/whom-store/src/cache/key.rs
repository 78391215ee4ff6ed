//! What days are kept under.

use std::fmt;

use chrono::NaiveDate;
use object_store::path::Path as ObjectPath;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Location, PinnedFile, PinnedFiles, address::Folder, cache::DAYS, digest::hexadecimal};

/// The version of everything that is kept: a change of what rows mean or how they lie changes every name.
const FORMAT: &str = "whom days 1";

/// How many hexadecimal digits of a hash stand in a name: 128 bits.
const DIGITS: usize = 32;

/// How many of them tell sets of columns apart.
const COLUMN_DIGITS: usize = 16;

/// A table by where it lies: the same for every pipeline that reads it, however it names the place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct TableKey(String);

/// A day of a table in one state of its files.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DayKey {
    /// The table.
    pub table: TableKey,
    /// The day.
    pub day: NaiveDate,
    /// Of the paths, sizes and ETags of its files.
    pub state: String,
}

impl TableKey {
    /// The key of a source with this partition column.
    pub fn of(location: &Location, partition: &str) -> Self {
        let address = Folder::of(location).address(&ObjectPath::ROOT).to_string();
        let pattern = location.pattern().map(ToString::to_string).unwrap_or_default();
        Self(hash([FORMAT, &address, &pattern, partition], DIGITS))
    }

    /// The days of a listing, in order, each in the state of its files.
    pub fn days(&self, pinned: &PinnedFiles) -> Vec<DayKey> {
        let mut days: Vec<NaiveDate> = pinned.files.iter().filter_map(|file| file.partition_day).collect();
        days.sort_unstable();
        days.dedup();
        days.into_iter().map(|day| DayKey { table: self.clone(), day, state: state(pinned.files_of(day)) }).collect()
    }
}

impl fmt::Display for TableKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl DayKey {
    /// Where the entry with these columns lies.
    pub(crate) fn entry(&self, columns: &[String]) -> ObjectPath {
        self.object(&format!("{}.json", digest_of(columns)))
    }

    /// Where a part with these columns lies.
    pub(crate) fn part(&self, columns: &[String], attempt: Uuid, number: usize) -> ObjectPath {
        self.object(&format!("{}-{}-{number}.parquet", digest_of(columns), attempt.simple()))
    }

    fn object(&self, name: &str) -> ObjectPath {
        let Self { table, day, state } = self;
        ObjectPath::from(format!("{DAYS}/{table}/{day}/{state}/{name}"))
    }
}

/// What the name of an object in a cache says.
pub(crate) struct Named {
    /// The day that it is of.
    pub(crate) key: DayKey,
    /// The entry that it is or belongs to.
    pub(crate) entry: ObjectPath,
    /// Whether it is the entry itself.
    pub(crate) is_entry: bool,
}

impl Named {
    /// None for what a cache did not name.
    pub(crate) fn of(path: &ObjectPath) -> Option<Self> {
        let parts: Vec<_> = path.parts().collect();
        let [folder, table, day, state, name] = parts.as_slice() else { return None };
        let (columns, is_entry) = match name.as_ref().rsplit_once('.')? {
            (columns, "json") => (columns, true),
            (part, "parquet") => (part.split_once('-')?.0, false),
            _ => return None,
        };
        let names = [(table.as_ref(), DIGITS), (state.as_ref(), DIGITS), (columns, COLUMN_DIGITS)];
        if folder.as_ref() != DAYS || !names.iter().all(|(name, digits)| is_hash(name, *digits)) {
            return None;
        }
        let table = TableKey(table.as_ref().to_owned());
        let key = DayKey { table, day: day.as_ref().parse().ok()?, state: state.as_ref().to_owned() };
        let entry = key.object(&format!("{columns}.json"));
        Some(Self { key, entry, is_entry })
    }
}

fn is_hash(name: &str, digits: usize) -> bool {
    name.len() == digits && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The state of the files of a day, which are in the order of their paths.
fn state<'a>(files: impl Iterator<Item = &'a PinnedFile>) -> String {
    let files: Vec<[String; 4]> = files
        .map(|file| {
            // Where a store has no ETags, the time of change is what a pin holds on to.
            let change = file.etag.clone().unwrap_or_else(|| file.last_modified.to_rfc3339());
            [file.path.to_string(), file.size.to_string(), change, file.version.clone().unwrap_or_default()]
        })
        .collect();
    hash(files.iter().flatten().map(String::as_str), DIGITS)
}

fn digest_of(columns: &[String]) -> String {
    hash(columns.iter().map(String::as_str), COLUMN_DIGITS)
}

/// The first digits of SHA-256 over parts, each preceded by its length so that no two lists of parts hash alike.
fn hash<'a>(parts: impl IntoIterator<Item = &'a str>, digits: usize) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    let mut name = hexadecimal(hasher);
    name.truncate(digits);
    name
}
