//! Days of a table that must be there and are not.

use chrono::NaiveDate;
use whom_spec::plan::{Gaps, Partition, Plan};
use whom_spec::{Diagnostic, Spanned};

use crate::days::DayRange;

/// What to do about days that will be there.
const WAIT: &str = "wait until they are written (`--not-ready=skip` ends with exit code 99 meanwhile)";

/// The most days that a message lists.
const SHOWN: usize = 5;

/// What is missing of one table, and what the pipeline file says about it.
pub(crate) struct MissingDays<'a> {
    /// What the table is called in messages.
    pub(crate) owner: &'a str,
    pub(crate) path: &'a Spanned<String>,
    pub(crate) partition: Option<&'a Partition>,
    /// The days that are needed.
    pub(crate) needed: Option<DayRange>,
    /// Those that are missing, in order.
    pub(crate) days: &'a [NaiveDate],
    /// Whether some may be missing; then none at all is there.
    pub(crate) gaps: Gaps,
    /// What the folder holds, if it holds none of the days.
    pub(crate) found: Option<&'a str>,
}

impl MissingDays<'_> {
    /// Points at the table's path and, if it asks for the last of the missing days, at `through`.
    pub(crate) fn diagnostic(&self, plan: &Plan) -> Diagnostic {
        let mut missing = Diagnostic::error(format!("{} lacks {}", self.owner, listed(self.days)))
            .at(self.path.span)
            .hint(match self.gaps {
                Gaps::Refused => format!("{WAIT}, or declare `gaps: allowed` for the table"),
                Gaps::Allowed => format!("{WAIT}; with `gaps: allowed`, one of them is enough"),
            });
        if let Some((partition, first)) = self.partition.zip(self.days.first()) {
            missing = missing.label(format!("no data in `{}={first}`", partition.column.value));
        }
        if let Some(DayRange { first, last }) = self.needed {
            missing = missing.note(format!("the days from {first} to {last} are read"));
        }
        if let Some(found) = self.found {
            missing = missing.note(format!("the folder holds {found}"));
        }
        match &plan.through {
            Some(through) if self.days.last() == Some(&**through) => {
                missing.related(through.span, "the last day that is needed")
            }
            _ => missing,
        }
    }
}

/// "the day 2026-10-01", or the first few of several and how many more.
fn listed(days: &[NaiveDate]) -> String {
    let shown: Vec<String> = days.iter().take(SHOWN).map(NaiveDate::to_string).collect();
    match (days.len(), shown.join(", ")) {
        (1, day) => format!("the day {day}"),
        (all, first) if all > SHOWN => format!("the days {first} and {} more", all - SHOWN),
        (_, all) => format!("the days {all}"),
    }
}
