//! The days on which cohorts are searched for.

use chrono::NaiveDate;

use super::cursor::Fields;
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::Plan;

/// The declared days in their order, none if every run searches; `None` if they could not be read.
pub(super) fn looks(pipeline: &Fields<'_>) -> Option<Vec<NaiveDate>> {
    let Some(field) = pipeline.optional("looks") else { return Some(Vec::new()) };
    let dates = field.mapping::<format::Looks>()?.required("dates")?;
    let items = dates.items();
    if items.is_empty() {
        dates.refuse(format!(
            "`{}` names no day, so that no run would search; leave `looks` out, or name one",
            dates.path
        ));
        return None;
    }
    let days: Vec<NaiveDate> = items.iter().map(|item| item.date().map(|day| *day)).collect::<Option<_>>()?;
    if let Some(place) = days.windows(2).position(|pair| pair[0] >= pair[1]) {
        let (day, item) = (days[place + 1], &items[place + 1]);
        item.refuse(format!(
            "`{}`: {day} does not come after {}, the day before it in the list",
            dates.path, days[place]
        ));
    }
    Some(days)
}

/// Days that no run reaches are none to look on.
pub(super) fn check(plan: &Plan, pipeline: &Fields<'_>) {
    let (Some(first), Some(field)) = (plan.looks.first(), pipeline.optional("looks")) else { return };
    if plan.through.is_none() {
        let message = "`looks` names values of `through`, and `through` is missing";
        field.report.push(Diagnostic::error(message).at(field.key).hint("add `through: \"${var.ds}\"`, or a date"));
    }
    if *first < *plan.split.start {
        let message = format!("`looks` begin on {first}, before `split.start` ({})", plan.split.start);
        let earlier = Diagnostic::error(message).at(field.key).related(plan.split.start.span, "the first day");
        field.report.push(earlier.hint("search once units have been measured"));
    }
}
