//! The pool of operators' memory, and the most that was taken of it while somebody watched.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use datafusion::common::Result;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

/// A pool that operators share fairly, and that tells its watches how much of it is taken.
#[derive(Debug)]
pub(crate) struct WatchedPool {
    pool: FairSpillPool,
    watches: Mutex<Vec<Weak<AtomicUsize>>>,
}

/// The most bytes that were taken of a pool since the watch began.
#[derive(Debug)]
pub(crate) struct Watch(Arc<AtomicUsize>);

impl WatchedPool {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { pool: FairSpillPool::new(bytes), watches: Mutex::default() }
    }

    /// Watches from now on, until the watch is dropped.
    pub(crate) fn watch(&self) -> Watch {
        let most = Arc::new(AtomicUsize::new(self.pool.reserved()));
        let mut watches = self.watches();
        watches.retain(|watch| watch.strong_count() > 0);
        watches.push(Arc::downgrade(&most));
        Watch(most)
    }

    fn tell(&self) {
        let reserved = self.pool.reserved();
        for watch in self.watches().iter().filter_map(Weak::upgrade) {
            watch.fetch_max(reserved, Ordering::Relaxed);
        }
    }

    fn watches(&self) -> MutexGuard<'_, Vec<Weak<AtomicUsize>>> {
        self.watches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// The most bytes so far, of all operators together.
    pub(crate) fn most(&self) -> u64 {
        self.0.load(Ordering::Relaxed) as u64
    }
}

impl MemoryPool for WatchedPool {
    fn name(&self) -> &str {
        self.pool.name()
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.pool.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.pool.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.pool.grow(reservation, additional);
        self.tell();
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.pool.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        self.pool.try_grow(reservation, additional)?;
        self.tell();
        Ok(())
    }

    fn reserved(&self) -> usize {
        self.pool.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        self.pool.memory_limit()
    }
}

impl fmt::Display for WatchedPool {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.pool, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_knows_the_most_that_was_taken_while_it_watched() {
        let pool = Arc::new(WatchedPool::new(1_000));
        let shared: Arc<dyn MemoryPool> = Arc::clone(&pool) as _;
        let [one, other] = ["one", "other"].map(|name| MemoryConsumer::new(name).register(&shared));
        let early = pool.watch();
        one.grow(300);
        other.try_grow(400).unwrap();
        other.shrink(350);
        let late = pool.watch();
        one.try_grow(100).unwrap();
        assert_eq!((early.most(), late.most()), (700, 450));
        drop(early);
        pool.watch();
        one.grow(1);
        assert_eq!((late.most(), pool.watches().len()), (451, 2), "watches that ended are forgotten at the next one");
    }

    #[test]
    fn what_the_pool_refuses_is_not_counted() {
        let pool = Arc::new(WatchedPool::new(1_000));
        let shared: Arc<dyn MemoryPool> = Arc::clone(&pool) as _;
        let reservation = MemoryConsumer::new("one").register(&shared);
        let watch = pool.watch();
        reservation.try_grow(1_001).unwrap_err();
        assert_eq!((watch.most(), pool.reserved()), (0, 0));
        assert!(matches!(pool.memory_limit(), MemoryLimit::Finite(1_000)));
    }
}
