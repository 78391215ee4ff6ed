//! What is kept of a day, and how it is written down.

use std::{collections::BTreeMap, fmt::Write};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{cache::DayKey, cache::seal::Seal, digest::sha256};

/// What is kept of a day in one state of its files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DayRecord {
    /// Where the table lies, for people.
    pub source: String,
    /// All columns of the day's files with their types, in the caller's encoding; those that are not kept, too.
    pub schema: Encoded,
    /// The rows of the day.
    pub rows: u64,
    /// The columns that are kept, in alphabetical order.
    pub columns: Vec<String>,
    /// The rows, in order of the parts.
    pub parts: Vec<CachedPart>,
}

/// A part of a day's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CachedPart {
    /// Its name beside the entry.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// Of each column the bytes in all row groups, and in the row group where it is largest.
    pub columns: BTreeMap<String, [u64; 2]>,
    /// The hashes of its blocks.
    pub seal: Seal,
}

/// Bytes in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Encoded(String);

impl Encoded {
    /// The bytes as digits.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut digits, byte| {
            // Writing to a string cannot fail.
            let _ = write!(digits, "{byte:02x}");
            digits
        }))
    }

    /// The bytes; none if the digits are none.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        let digits = self.0.as_bytes().chunks(2);
        digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
    }
}

/// An entry as it is stored, with the key that it is stored under.
#[derive(Serialize, Deserialize)]
struct Stored<R> {
    table: String,
    day: chrono::NaiveDate,
    state: String,
    record: R,
}

impl DayRecord {
    /// Reads an entry; none unless it is exactly what was written under this key.
    pub(crate) fn parse(body: &[u8], key: &DayKey) -> Option<Self> {
        let (json, hash) = std::str::from_utf8(body).ok()?.split_once('\n')?;
        if hash.trim_end() != sha256(json.as_bytes()) {
            return None;
        }
        let stored: Stored<Self> = serde_json::from_str(json).ok()?;
        let same = stored.table == key.table.to_string() && stored.day == key.day && stored.state == key.state;
        same.then_some(stored.record)
    }

    /// The entry as it is stored under a key: a line of JSON, and a line with its SHA-256.
    pub(crate) fn to_bytes(&self, key: &DayKey) -> Bytes {
        let stored = Stored { table: key.table.to_string(), day: key.day, state: key.state.clone(), record: self };
        // Text and integers can always be encoded.
        let json = serde_json::to_string(&stored).unwrap_or_default();
        let hash = sha256(json.as_bytes());
        Bytes::from(format!("{json}\n{hash}\n"))
    }
}
