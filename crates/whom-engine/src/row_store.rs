//! Rows that wait for a later statement: in memory while there is room for them, on disk otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::EngineError;
use crate::rows::Rows;
use crate::spill::SpillFolder;
use crate::stored::StoredRows;

/// Keeps rows within a limit that all statements of a run share. What does not fit goes to the spill folder; which rows that
/// is depends on threads, and no result does.
#[derive(Clone, Debug)]
pub struct RowStore {
    room: Arc<Room>,
    folder: Arc<SpillFolder>,
}

/// Bytes of memory for rows.
#[derive(Debug)]
struct Room {
    limit: usize,
    taken: AtomicUsize,
}

impl RowStore {
    /// A store of so many bytes of memory, and a folder for the rest.
    pub fn new(limit: usize, folder: Arc<SpillFolder>) -> Self {
        Self { room: Arc::new(Room { limit, taken: AtomicUsize::new(0) }), folder }
    }

    /// Keeps rows.
    ///
    /// # Errors
    /// [`EngineError::Resources`] if they fit neither into memory nor on disk.
    pub fn keep(&self, rows: Rows) -> Result<StoredRows, EngineError> {
        if let Some(held) = self.hold(rows.bytes()) {
            return Ok(StoredRows::new(rows, Some(held), Vec::new()));
        }
        let mut writer = self.folder.writer(&rows.schema)?;
        rows.batches.iter().try_for_each(|batch| writer.write(batch))?;
        let schema = Arc::clone(&rows.schema);
        Ok(StoredRows::new(Rows { schema, batches: Vec::new() }, None, vec![writer.finish()?]))
    }

    /// Takes room in memory, if there is so much.
    pub fn hold(&self, bytes: usize) -> Option<Held> {
        let mut held = Held { room: Arc::clone(&self.room), bytes: 0 };
        held.resize(bytes).then_some(held)
    }

    /// Where rows go that do not fit.
    pub fn folder(&self) -> &Arc<SpillFolder> {
        &self.folder
    }
}

/// Room in memory, given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    room: Arc<Room>,
    bytes: usize,
}

impl Held {
    /// Takes more room or gives some back; false, with nothing changed, if there is not so much.
    pub fn resize(&mut self, bytes: usize) -> bool {
        let resized = self.room.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
            let taken = taken - self.bytes + bytes;
            (bytes <= self.bytes || taken <= self.room.limit).then_some(taken)
        });
        if resized.is_ok() {
            self.bytes = bytes;
        }
        resized.is_ok()
    }

    /// A part of this room, as a room of its own.
    pub(crate) fn split(&mut self, bytes: usize) -> Option<Self> {
        self.bytes = self.bytes.checked_sub(bytes)?;
        Some(Self { room: Arc::clone(&self.room), bytes })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.resize(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::unit_rows as rows;

    #[test]
    fn what_does_not_fit_goes_to_disk_and_comes_back_the_same() {
        let parent = tempfile::tempdir().unwrap();
        let store = RowStore::new(10_000, SpillFolder::create(parent.path(), None).unwrap());
        let (small, large) = (store.keep(rows(1000)).unwrap(), store.keep(rows(1000)).unwrap());
        assert_eq!((small.spilled_bytes(), large.spilled_bytes() > 0), (0, true));
        for stored in [&small, &large] {
            assert_eq!(stored.rows(), 1000);
            assert_eq!(stored.load().unwrap().to_batch().unwrap(), rows(1000).to_batch().unwrap());
        }
        drop(small);
        assert_eq!(store.keep(rows(1000)).unwrap().spilled_bytes(), 0);
    }

    #[test]
    fn room_is_taken_up_to_the_limit_and_given_back() {
        let parent = tempfile::tempdir().unwrap();
        let store = RowStore::new(100, SpillFolder::create(parent.path(), None).unwrap());
        let mut first = store.hold(60).unwrap();
        assert!(store.hold(50).is_none());
        assert!(first.resize(100) && !first.resize(101) && first.resize(40));
        assert!(store.hold(60).is_some());
    }
}
