//! Which jobs somebody still waits for, as far as the scheduler hears.
//!
//! A client that was killed cancels nothing, and Ballista would do its stage to the end, in front of that of its successor.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When each job was last asked for.
#[derive(Debug)]
pub(crate) struct Attention {
    asked: Mutex<BTreeMap<String, Instant>>,
    patience: Duration,
}

impl Attention {
    /// Jobs that nobody asked for within the patience are abandoned.
    pub(crate) fn new(patience: Duration) -> Self {
        Self { asked: Mutex::default(), patience }
    }

    /// Somebody asks for a job.
    pub(crate) fn ask(&self, job: &str, now: Instant) {
        // Jobs that do not run are forgotten when it is next looked who is abandoned.
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).insert(job.to_owned(), now);
    }

    /// The jobs that are abandoned among those that run; one that nobody asked for yet has as long as any other.
    pub(crate) fn abandoned(&self, running: &[String], now: Instant) -> Vec<String> {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        asked.retain(|job, _| running.contains(job));
        let mut silent = |job: &&String| {
            let last = *asked.entry((*job).clone()).or_insert(now);
            now.saturating_duration_since(last) > self.patience
        };
        running.iter().filter(&mut silent).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_that_nobody_asks_for_is_abandoned_and_no_other() {
        let second = Duration::from_secs(1);
        let attention = Attention::new(2 * second);
        let (begin, running) = (Instant::now(), ["a".to_owned(), "b".to_owned()]);
        attention.ask("a", begin);
        attention.ask("gone", begin);
        assert_eq!(attention.abandoned(&running, begin + second), [""; 0]);
        attention.ask("a", begin + 2 * second);
        assert_eq!(attention.abandoned(&running, begin + 3 * second), [""; 0]);
        assert_eq!(attention.abandoned(&running, begin + 4 * second), ["b"]);
        assert_eq!(attention.abandoned(&running, begin + 5 * second), ["a", "b"]);
        assert_eq!(attention.abandoned(&["gone".to_owned()], begin + 9 * second), [""; 0]);
    }
}
