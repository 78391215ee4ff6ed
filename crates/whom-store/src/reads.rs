//! What was read of a source.

use std::{
    collections::BTreeSet,
    ops::Range,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use object_store::path::Path as ObjectPath;

/// Bytes and files that were read of a source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReadSoFar {
    /// Bytes that were asked for, those that were asked for twice counted twice.
    pub bytes: u64,
    /// Files that were opened.
    pub files: usize,
}

/// Counts what is read; clones count together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reads(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    bytes: AtomicU64,
    files: Mutex<BTreeSet<ObjectPath>>,
}

impl Reads {
    /// A range of a file was read; an empty one opens nothing.
    pub(crate) fn note(&self, path: &ObjectPath, range: &Range<u64>) {
        if range.is_empty() {
            return;
        }
        self.0.bytes.fetch_add(range.end - range.start, Ordering::Relaxed);
        self.0.files.lock().unwrap_or_else(PoisonError::into_inner).insert(path.clone());
    }

    pub(crate) fn so_far(&self) -> ReadSoFar {
        let files = self.0.files.lock().unwrap_or_else(PoisonError::into_inner).len();
        ReadSoFar { bytes: self.0.bytes.load(Ordering::Relaxed), files }
    }
}
