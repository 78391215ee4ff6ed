//! Units that were asked a moment ago, kept by who answers: a search asks the same pieces again and again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use whom_stats::UnitColumns;

/// The pieces that were asked last, up to so many bytes.
#[derive(Debug)]
pub struct UnitCache {
    kept: Mutex<VecDeque<Kept>>,
}

#[derive(Debug)]
struct Kept {
    object: String,
    units: Arc<UnitColumns>,
    bytes: u64,
}

impl Default for UnitCache {
    /// One that holds nothing yet.
    fn default() -> Self {
        Self { kept: Mutex::new(VecDeque::new()) }
    }
}

impl UnitCache {
    /// The units of an object, if they are kept.
    pub(super) fn get(&self, object: &str) -> Option<Arc<UnitColumns>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().position(|kept| kept.object == object).and_then(|place| kept.remove(place))?;
        let units = Arc::clone(&found.units);
        kept.push_back(found);
        Some(units)
    }

    /// Keeps the units of an object; those that were asked longest ago go, so that all take at most so many bytes.
    pub(super) fn put(&self, object: &str, units: &Arc<UnitColumns>, (bytes, most): (u64, u64)) {
        if bytes > most {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|kept| kept.object != object);
        while kept.iter().map(|kept| kept.bytes).sum::<u64>() + bytes > most {
            kept.pop_front();
        }
        kept.push_back(Kept { object: object.to_owned(), units: Arc::clone(units), bytes });
    }
}

#[cfg(test)]
mod tests {
    use whom_stats::UnitColumnParts;

    use super::*;

    #[test]
    fn what_was_asked_longest_ago_goes_first() {
        let cache = UnitCache::default();
        let units = Arc::new(UnitColumns::new(UnitColumnParts { arm_count: 2, ..UnitColumnParts::default() }).unwrap());
        for object in ["a", "b"] {
            cache.put(object, &units, (40, 100));
        }
        assert!(cache.get("a").is_some());
        cache.put("c", &units, (40, 100));
        assert!(cache.get("b").is_none() && cache.get("a").is_some() && cache.get("c").is_some());
        cache.put("too large", &units, (101, 100));
        assert!(cache.get("too large").is_none() && cache.get("a").is_some());
    }
}
