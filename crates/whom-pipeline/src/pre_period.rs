//! Days before an experiment as if it had begun in them: an A/A experiment, which tells what the real one could find.
//!
//! The first row of a fact table that a unit has in these days stands for its exposure, and a hash puts the unit into a variant.
//! Nobody was treated, so whatever differs between variants is noise, and of the size of the noise to come. Everything else is made
//! as ever, of the same plan, except for what [`PrePeriod::enter`] changes:
//!
//! | of the plan | becomes |
//! |---|---|
//! | `split`: `path`, `where`, `time`, `partition`, `gaps` | those of the fact table |
//! | `split.variant` | a hash of the experiment and the unit, or its cluster, which knows nothing of buckets |
//! | `split.variants`, `several_variants`, `exposure_filter` | stay: weights decide the shares, and the filter says who would be triggered |
//! | `split.start`, `end`, `through` | the first and the last of these days, and the eve of the experiment |
//! | `cluster` | a column of the fact table |
//! | `split.lookback` | goes: nobody was exposed before |
//! | `split.strata` with the same weights in all | goes, and is told: within strata errors are hardly ever larger |
//! | `split.allocation`, strata with shares of their own | refused: what could be found would hold for one mixture of shares |
//! | metrics, tags, cohorts, `validate` | stay; tags are those of the day before; `validate.sequence_units` goes: there is one look |
//! | `discover`, `looks`, `slices`, `models` | nothing is searched, and nothing is exploratory |
//!
//! No outcome of these days may reach whoever was exposed later, so every window has to close before the experiment starts.

use std::str::FromStr;

use chrono::{Duration, NaiveDate};
use whom_query::days::{start_of, through_end};
use whom_report::PrePeriodView;
use whom_spec::plan::{Fact, Measure, Plan, Role, Split, VariantSource};
use whom_spec::{Diagnostic, LoadedPlan, Spanned, name_hint};

use crate::error::{Cause, RunError};
use crate::event::Stage;

/// The most days: ten years, each of which may be a folder to look into.
const MOST_DAYS: i64 = 3_653;

/// Days in the experiment's time zone, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastDays {
    /// The first day.
    from: NaiveDate,
    /// The day after the last.
    until: NaiveDate,
}

/// Why a text is no days.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write the first day and the day after the last, such as `2026-09-01..2026-09-15`, at most ten years apart")]
pub struct InvalidDays;

impl FromStr for PastDays {
    type Err = InvalidDays;

    /// Reads `2026-09-01..2026-09-15`, the first day and the day after the last.
    fn from_str(text: &str) -> Result<Self, InvalidDays> {
        let (from, until) = text.split_once("..").ok_or(InvalidDays)?;
        let day = |text: &str| text.parse::<NaiveDate>().map_err(|_| InvalidDays);
        let days = Self { from: day(from)?, until: day(until)? };
        if (1..=MOST_DAYS).contains(&days.count()) { Ok(days) } else { Err(InvalidDays) }
    }
}

impl PastDays {
    fn count(self) -> i64 {
        (self.until - self.from).num_days()
    }

    fn last(self) -> NaiveDate {
        eve(self.until)
    }
}

/// Days before an experiment, and who would have come into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrePeriod {
    /// The days.
    pub days: PastDays,
    /// The fact table whose rows bring units.
    pub units_of: String,
}

impl PrePeriod {
    /// Turns the plan of an experiment into that of the A/A experiment in these days.
    ///
    /// # Errors
    /// [`Cause::Configuration`] for an unknown fact table, days that reach into the experiment or whose windows do, and shares of
    /// variants that change.
    pub(crate) fn enter(&self, loaded: &mut LoadedPlan) -> Result<PrePeriodView, RunError> {
        let plan = &loaded.plan;
        let refused =
            |wrong: &[Diagnostic]| Err(RunError::diagnosed(Stage::Plan, Cause::Configuration, wrong, &loaded.sources));
        let Some(fact) = plan.fact(&self.units_of).cloned() else { return refused(&[self.unknown_fact(plan)]) };
        let wrong: Vec<Diagnostic> = self.overlap(plan).into_iter().chain(changing_shares(&plan.split)).collect();
        if !wrong.is_empty() {
            return refused(&wrong);
        }
        let remarks = self.remarks(plan);
        let entered = self.entered(plan.clone(), &fact);
        if let Some(open) = self.open_window(&entered, &plan.split.start) {
            return refused(&[open]);
        }
        loaded.plan = entered;
        Ok(PrePeriodView {
            units_of: self.units_of.clone(),
            first: self.days.from.to_string(),
            last: self.days.last().to_string(),
            days: self.days.count().unsigned_abs(),
            remarks,
        })
    }

    fn entered(&self, plan: Plan, fact: &Fact) -> Plan {
        let start = plan.split.start;
        let (first, last) = (self.days.from, self.days.last());
        let mut discover = plan.discover;
        discover.folds = None;
        let mut validate = plan.validate;
        validate.sequence_units = None;
        Plan {
            through: Some(start.map(eve)),
            split: Split {
                path: fact.path.clone(),
                filter: fact.filter.clone(),
                time: fact.time.clone(),
                partition: fact.partition.clone(),
                gaps: fact.gaps,
                variant: VariantSource::Hash { rows_of: fact.name.clone() },
                start: start.map(|_| first),
                end: start.map(|_| last),
                lookback: None,
                strata: None,
                ..plan.split
            },
            discover,
            // Its first look is on a day that it never reads.
            looks: vec![*start],
            slices: Vec::new(),
            models: Vec::new(),
            validate,
            ..plan
        }
    }

    fn unknown_fact(&self, plan: &Plan) -> Diagnostic {
        let names: Vec<&str> = plan.facts.iter().map(|fact| fact.name.as_str()).collect();
        Diagnostic::error(format!("unknown fact table `{}`", self.units_of)).hint_if(name_hint(&self.units_of, names))
    }

    /// Days after the eve of the experiment.
    fn overlap(&self, plan: &Plan) -> Option<Diagnostic> {
        let start = &plan.split.start;
        (self.days.until > **start).then(|| {
            let last = self.days.last();
            Diagnostic::error(format!("the pre-period lasts until {last}, and the experiment starts on {start}"))
                .at(start.span)
                .label("the first day of exposures")
                .hint("end the pre-period early enough for the windows of metrics to close before that day")
        })
    }

    /// The window that is open longest after the experiment's start, if one is.
    fn open_window(&self, entered: &Plan, start: &Spanned<NaiveDate>) -> Option<Diagnostic> {
        let measures = entered.measures();
        let ends = measures.iter().filter(|measure| !measure.part.is_before());
        let (latest, measure) = ends
            .map(|measure| (latest_until(entered, measure, **start), measure))
            .min_by_key(|(latest, _)| *latest)
            .filter(|(latest, _)| *latest < self.days.until)?;
        let message = format!(
            "the window of `{}` is still open on {start}, when the experiment starts, for units that come on {}",
            measure.name,
            self.days.last()
        );
        let hint = if latest > self.days.from {
            format!("end the pre-period with `{}..{latest}`", self.days.from)
        } else {
            format!("choose days before {latest}")
        };
        let open = Diagnostic::error(message).at(measure.of.span).related(start.span, "the first day of exposures");
        Some(open.note("no outcome of the pre-period may be one of the experiment").hint(hint))
    }

    /// What whoever reads the plan has to know of how it was made.
    fn remarks(&self, plan: &Plan) -> Vec<String> {
        let measures = plan.measures();
        let counting = |place: usize| {
            let mut parts = measures.iter().filter(|measure| measure.metric == place && measure.opens == 0);
            parts.any(|measure| **measure.from == self.units_of)
        };
        let decided = plan.metrics.iter().enumerate().filter(|(_, metric)| metric.role != Role::Secondary);
        let counting: Vec<String> =
            decided.filter(|(place, _)| counting(*place)).map(|(_, metric)| format!("`{}`", metric.name)).collect();
        let brought = (!counting.is_empty()).then(|| {
            format!(
                "the row of `{}` that brings a unit lies in its window, and may count for {}: if the experiment meets units \
                 at another event, name the table of those",
                self.units_of,
                counting.join(", ")
            )
        });
        let strata = plan.split.strata.as_ref().map(|_| {
            "variants are not compared within the strata of the split, so errors are, if anything, too large".to_owned()
        });
        brought.into_iter().chain(strata).collect()
    }
}

/// The day before.
fn eve(day: NaiveDate) -> NaiveDate {
    day.pred_opt().unwrap_or(day)
}

/// The last day that a pre-period may end before, so that a window closes before the experiment starts and before rows are no longer
/// read.
fn latest_until(entered: &Plan, measure: &Measure<'_>, start: NaiveDate) -> NaiveDate {
    let zone = entered.time_zone;
    let read = entered.fact(measure.from).and_then(|fact| through_end(entered, fact.partition.as_ref()));
    let starts = start_of(start, zone);
    let closed = read.map_or(starts, |read| read.min(starts));
    (closed - Duration::hours(measure.closes)).with_timezone(&zone).date_naive()
}

/// Shares of variants that are not the same for everybody.
fn changing_shares(split: &Split) -> Option<Diagnostic> {
    let hint = "plan with a copy of the file that has one weight for each variant, those of most of the units";
    let ramp = split.allocation.first().map(|period| {
        let message =
            format!("the weights of the variants change on {}, so no one mixture can be planned for", period.start);
        Diagnostic::error(message).at(split.start.span)
    });
    let strata = split.strata.as_ref().filter(|_| split.has_unequal_strata()).and_then(|strata| strata.columns.first());
    let unequal = strata.map(|column| {
        let message = format!("the shares of the variants differ by `{column}`, so no one mixture can be planned for");
        Diagnostic::error(message).at(column.span)
    });
    ramp.or(unequal).map(|wrong| wrong.hint(hint))
}

#[cfg(test)]
mod tests;
