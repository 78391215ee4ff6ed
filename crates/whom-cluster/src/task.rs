//! What Ballista calls a task.

/// A task, by the name that Ballista gives its context: `TID job/stage.attempt/task.attempt`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TaskName {
    /// The job: one attempt at one stage of ours.
    pub(crate) job: String,
    /// The task within it, from zero in the order of starts.
    pub(crate) task: u32,
}

impl TaskName {
    /// Reads the name; `None` for any other text.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("TID ")?.split('/');
        let (job, _stage, task) = (parts.next()?, parts.next()?, parts.next()?);
        let task = task.split('.').next()?.parse().ok()?;
        parts.next().is_none().then(|| Self { job: job.to_owned(), task })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_task_is_read_as_ballista_writes_it() {
        let name = TaskName::parse("TID Kx3/1.0/12.2").unwrap();
        assert_eq!((name.job.as_str(), name.task), ("Kx3", 12));
        for other in ["", "TID ", "TID a/1.0", "TID a/1.0/x.0", "TID a/1.0/2.0/3", "a/1.0/2.0"] {
            assert_eq!(TaskName::parse(other), None, "{other}");
        }
    }
}
