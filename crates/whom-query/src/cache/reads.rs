//! How much of its tables a run read, and from where.

use whom_store::ReadSoFar;

use crate::catalog::Source;

/// What was read of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableReads {
    /// The name in SQL.
    pub table: String,
    /// What was read where it lies.
    pub source: ReadSoFar,
    /// What was read from the cache, if its days are there.
    pub cache: Option<CacheReads>,
}

/// What was read of a table's days in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheReads {
    /// Bytes.
    pub bytes: u64,
    /// Days that were there already.
    pub reused: usize,
    /// Days that had to be read where they lie.
    pub filled: usize,
}

impl TableReads {
    pub(crate) fn of(source: &Source) -> Self {
        let cached = source.days.as_ref().and_then(|days| days.cached.as_ref());
        Self {
            table: source.table.clone(),
            source: source.listing.read_so_far(),
            cache: cached.map(|cached| CacheReads {
                bytes: cached.listing.read_so_far().bytes,
                reused: cached.reused,
                filled: cached.filled,
            }),
        }
    }
}
