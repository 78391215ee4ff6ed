//! What an experiment could find, as a table.

use super::palette::{Colour, Palette};
use super::table::Table;
use super::{headed, marked};
use crate::label;
use crate::number::{self, NO_NUMBER, Scale};
use crate::planning::{PlannedRow, PlannedSubject, Planning, PrePeriodView};
use crate::results::{MetricView, Results};

/// The planning as text of at most 80 columns.
pub fn planning_text(results: &Results, planning: &Planning, colour: Colour) -> String {
    let palette = Palette::new(colour);
    let mut table = Table::new(names(planning), false);
    let mut remarks: Vec<String> = Vec::new();
    let mut question = None;
    for row in &planning.rows {
        let Some(metric) = results.metric(&row.metric) else { continue };
        let asked = (row.metric.as_str(), row.variant.as_str());
        if question.replace(asked) != Some(asked) {
            table.heading(format!("{} on {}", label::shortened(&row.variant, 30), label::shortened(&row.metric, 30)));
        }
        table.cells(cells(planning, metric, row));
        remarks.extend(remark(row));
    }
    let mut parts = vec![headed("POWER", &head(planning), palette), table.text()];
    parts.extend(planning.pre_period.iter().map(|period| marked("·", &basis(period, planning))));
    parts.extend(
        planning.pre_period.iter().flat_map(|period| &period.remarks).map(|remark| marked("!", &remark_of(remark))),
    );
    remarks.dedup();
    parts.extend(remarks.iter().map(|remark| marked("!", remark)));
    let level = number::share(planning.level);
    parts.push(marked(
        "·",
        &format!(
            "{level} level; averages and declared cohorts share it (Bonferroni), margins of guardrails are one-sided, a cohort \
             yet to be found is measured on half of the units, against the rest. Units needed: in all arms, for what matters, at \
             80% power."
        ),
    ));
    parts.join("\n")
}

/// Days take the place of the second power where they are known.
fn names(planning: &Planning) -> [&'static str; 6] {
    match planning.pre_period {
        None => ["", "at 80% power", "as a lift", "at 90% power", "matters", "units needed"],
        Some(_) => ["", "at 80% power", "as a lift", "matters", "units needed", "days"],
    }
}

fn head(planning: &Planning) -> String {
    let [units, had] = [planning.units, planning.units_of_run].map(number::count);
    match &planning.pre_period {
        None => format!("the smallest effects that {units} units find; the run had {had}"),
        Some(period) => format!("the smallest effects that {units} units find; {had} came in {}", in_days(period.days)),
    }
}

fn in_days(days: u64) -> String {
    format!("{} {}", number::count(days), if days == 1 { "day" } else { "days" })
}

/// What a plan before any run stands on.
fn basis(period: &PrePeriodView, planning: &Planning) -> String {
    let PrePeriodView { units_of, first, last, days, .. } = period;
    format!(
        "before any run: units of {} first seen from {first} to {last}, put into variants by a hash; nobody was treated. Days: at \
         the rate of {} units in {}; beyond these at best, as ever fewer come for the first time.",
        label::name(units_of),
        number::count(planning.units_of_run),
        in_days(*days)
    )
}

fn remark_of(remark: &str) -> String {
    format!("{}.", label::plain(remark))
}

/// Why a row has no plan, or one that is not to be trusted. Differences are planned from the average's error, which says it.
fn remark(row: &PlannedRow) -> Option<String> {
    let about =
        |reason: &str| format!("{} of {}: {}", subject(row).trim(), label::name(&row.metric), label::plain(reason));
    match (&row.not_estimable, &row.unreliable, &row.subject) {
        (Some(reason), ..) => Some(about(reason)),
        (None, Some(_), PlannedSubject::Difference(_)) | (None, None, _) => None,
        (None, Some(reason), _) => Some(format!("{}; the run's error of it is unreliable", about(reason))),
    }
}

fn subject(row: &PlannedRow) -> String {
    match &row.subject {
        PlannedSubject::Everybody => "  everybody".to_owned(),
        PlannedSubject::Margin => "  margin to the limit".to_owned(),
        PlannedSubject::Cohort(name) => format!("  {}", label::plain(name)),
        PlannedSubject::Difference(share) => format!("  {} vs. rest", number::share(*share)),
    }
}

fn cells(planning: &Planning, metric: &MetricView, row: &PlannedRow) -> [String; 6] {
    let (effects, lifts) = (Scale::of_effects(metric), Scale::of_lifts());
    let absent = || NO_NUMBER.to_owned();
    let rough = |scale: &Scale, pair: Option<[f64; 2]>, at: usize| {
        pair.map_or_else(absent, |pair| scale.rough(pair.get(at).copied().unwrap_or_default()))
    };
    let [subject, effect, lift] =
        [subject(row), rough(&effects, row.detectable, 0), rough(&lifts, row.detectable_lift, 0)];
    let matters = row.matters.map_or_else(absent, |matters| effects.rough(matters));
    let [units, days] = [row.needed_units, row.needed_days].map(|needed| needed.map_or_else(absent, number::count));
    match planning.pre_period {
        None => [subject, effect, lift, rough(&effects, row.detectable, 1), matters, units],
        Some(_) => [subject, effect, lift, matters, units, days],
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;
    use crate::fixture;

    #[test]
    fn a_plan_fits_the_terminal() {
        let results = fixture::registered();
        let text = planning_text(&results, &Planning::of(&results, Some(128_000)), Colour::Never);
        assert!(text.lines().all(|line| line.width() <= 80), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_plan_before_any_run_says_what_it_stands_on() {
        let results = fixture::registered();
        let planning = Planning::of_pre_period(&results, fixture::pre_period(), None);
        let text = planning_text(&results, &planning, Colour::Never);
        assert!(text.lines().all(|line| line.width() <= 80), "{text}");
        insta::assert_snapshot!(text);
    }

    #[test]
    fn an_unreliable_error_is_told_once_for_an_average() {
        let mut results = fixture::no_discovery();
        results.registered.clear();
        let is_meant = |row: &&mut crate::effect::EffectRow| row.metric == "visit" && row.variant == fixture::WOMENS;
        results.effects.iter_mut().filter(is_meant).for_each(|row| row.unreliable = Some("too few events".to_owned()));
        let text = planning_text(&results, &Planning::of(&results, None), Colour::Never);
        assert_eq!(text.matches("too few events").count(), 1, "{text}");
        assert!(text.lines().all(|line| line.width() <= 80), "{text}");
    }

    #[test]
    fn hostile_names_and_missing_errors_are_told_harmlessly() {
        let mut results = fixture::hostile();
        results.effects.iter_mut().for_each(|row| row.std_err = None);
        let text = planning_text(&results, &Planning::of(&results, None), Colour::Never);
        assert!(text.lines().all(|line| line.width() <= 80 && !line.contains('\u{1b}')), "{text}");
    }
}
