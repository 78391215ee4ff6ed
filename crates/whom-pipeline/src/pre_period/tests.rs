use std::path::Path;

use whom_spec::{MemoryReader, Settings, load};

use super::*;

const PIPELINE: &str = "version: 1
experiment: checkout
unit: user
through: 2026-10-28
time_zone: America/New_York
split:
  path: split.parquet
  where: name = 'checkout'
  time: at
  variant: variant
  variants: { a: { weight: 0.9 }, b: { weight: 0.1 } }
  control: a
  start: 2026-10-01
  end: 2026-10-14
facts:
  orders: { path: orders/, time: paid_at, where: paid }
  visits: { path: visits/, time: seen_at, partition: dt, gaps: allowed }
metrics:
  bought: { role: primary, from: orders, aggregate: any, window: 14d, desired: increase, matters: 1% }
  seen: { role: guardrail, from: visits, aggregate: count, window: 2d, desired: increase, limit: -1% }
output: { path: out/ }
";

fn loaded(edits: &[(&str, &str)]) -> LoadedPlan {
    let text = edits.iter().fold(PIPELINE.to_owned(), |text, (passage, replacement)| {
        assert_eq!(text.matches(passage).count(), 1, "{passage}");
        text.replace(passage, replacement)
    });
    let reader = MemoryReader::default().with("pipeline.yaml", text);
    load(Path::new("pipeline.yaml"), &Settings::default(), &reader).unwrap()
}

fn period(days: &str, units_of: &str) -> PrePeriod {
    PrePeriod { days: days.parse().unwrap(), units_of: units_of.to_owned() }
}

fn entered(edits: &[(&str, &str)], days: &str, units_of: &str) -> (Plan, PrePeriodView) {
    let mut loaded = loaded(edits);
    let view = period(days, units_of).enter(&mut loaded).unwrap();
    (loaded.plan, view)
}

fn refusal(edits: &[(&str, &str)], days: &str, units_of: &str) -> String {
    let error = period(days, units_of).enter(&mut loaded(edits)).unwrap_err();
    assert_eq!(error.cause, Cause::Configuration);
    error.message
}

#[test]
fn days_are_the_first_and_the_one_after_the_last() {
    let days: PastDays = "2026-09-01..2026-09-15".parse().unwrap();
    assert_eq!((days.count(), days.last().to_string()), (14, "2026-09-14".to_owned()));
    for text in
        ["", "2026-09-01", "2026-09-01..", "2026-09-15..2026-09-01", "2026-09-01..2026-09-01", "1-1-1..2026-09-01"]
    {
        assert_eq!(text.parse::<PastDays>(), Err(InvalidDays), "{text}");
    }
    assert_eq!("0001-01-01..2026-09-01".parse::<PastDays>(), Err(InvalidDays), "each day may be a folder");
}

#[test]
fn rows_of_the_fact_stand_for_exposures_and_a_hash_for_the_variant() {
    let declared = loaded(&[]).plan;
    let (plan, view) = entered(&[], "2026-09-01..2026-09-15", "visits");
    let (split, visits) = (&plan.split, declared.fact("visits").unwrap());
    assert_eq!((&split.path, &split.time, &split.partition), (&visits.path, &visits.time, &visits.partition));
    assert_eq!((&split.filter, split.gaps), (&visits.filter, visits.gaps));
    assert_eq!(split.variant, VariantSource::Hash { rows_of: visits.name.clone() });
    assert_eq!(split.variants, declared.split.variants);
    assert_eq!((split.start.to_string(), split.end.to_string()), ("2026-09-01".to_owned(), "2026-09-14".to_owned()));
    assert_eq!(plan.through.as_ref().map(ToString::to_string).as_deref(), Some("2026-09-30"));
    assert_eq!((&plan.metrics, &plan.facts), (&declared.metrics, &declared.facts));
    assert!(!plan.searches(), "nothing is searched");
    assert_eq!((view.first.as_str(), view.last.as_str(), view.days), ("2026-09-01", "2026-09-14", 14));
}

#[test]
fn what_looks_at_the_real_exposures_goes() {
    let edits = [
        ("  end: 2026-10-14\n", "  end: 2026-10-14\n  lookback: 30d\n  strata: [country]\n"),
        ("output:", "validate: { level: 0.9 }\noutput:"),
    ];
    let (plan, view) = entered(&edits, "2026-09-01..2026-09-15", "orders");
    assert_eq!((plan.split.lookback, &plan.split.strata), (None, &None));
    assert!((plan.validate.level - 0.9).abs() < f64::EPSILON);
    assert_eq!(plan.split.filter.as_deref().map(String::as_str), Some("paid"), "that of the fact");
    let [brought, strata] = view.remarks.as_slice() else { panic!("{:?}", view.remarks) };
    assert!(brought.contains("may count for `bought`") && strata.contains("strata"), "{brought}; {strata}");
    let sequences = [("output:", "validate: { sequence_units: 40000 }\noutput:")];
    assert_eq!(entered(&sequences, "2026-09-01..2026-09-15", "orders").0.validate.sequence_units, None);
}

#[test]
fn an_unknown_fact_table_is_answered_with_the_known_ones() {
    let message = refusal(&[], "2026-09-01..2026-09-15", "visit");
    assert!(message.contains("unknown fact table `visit`") && message.contains("did you mean `visits`?"), "{message}");
}

#[test]
fn days_of_the_experiment_are_refused() {
    let message = refusal(&[], "2026-09-20..2026-10-05", "visits");
    let told = "the pre-period lasts until 2026-10-04, and the experiment starts on 2026-10-01";
    assert!(message.contains(told) && message.contains("start: 2026-10-01"), "{message}");
}

#[test]
fn every_window_closes_before_the_experiment_starts() {
    entered(&[], "2026-09-01..2026-09-17", "visits");
    let message = refusal(&[], "2026-09-01..2026-09-18", "visits");
    let told = "the window of `bought` is still open on 2026-10-01, when the experiment starts, for units that come on 2026-09-17";
    assert!(
        message.contains(told) && message.contains("end the pre-period with `2026-09-01..2026-09-17`"),
        "{message}"
    );
    let message = refusal(&[], "2026-09-20..2026-09-22", "visits");
    assert!(message.contains("choose days before 2026-09-17"), "{message}");
}

#[test]
fn a_window_closes_before_rows_are_no_longer_read() {
    // Days of the folders are UTC, so that the eve of the experiment ends four hours before New York's.
    let shorter = [("window: 14d", "window: 1d")];
    entered(&shorter, "2026-09-01..2026-09-28", "orders");
    let message = refusal(&shorter, "2026-09-01..2026-09-29", "orders");
    assert!(message.contains("the window of `seen`"), "{message}");
}

#[test]
fn an_exposure_filter_has_a_window_too() {
    let filter = [("  end: 2026-10-14\n", "  end: 2026-10-14\n  exposure_filter: { from: orders, window: 20d }\n")];
    let message = refusal(&filter, "2026-09-01..2026-09-15", "visits");
    assert!(message.contains("exposure filter") && message.contains("`2026-09-01..2026-09-11`"), "{message}");
}

#[test]
fn shares_that_change_are_refused() {
    for key in [
        "allocation: [{ start: 2026-10-05, weights: { a: 0.5, b: 0.5 } }]",
        "strata: { columns: [country], shares: realised }",
    ] {
        let edit = format!("  end: 2026-10-14\n  {key}\n");
        let message = refusal(&[("  end: 2026-10-14\n", &edit)], "2026-09-01..2026-09-15", "visits");
        assert!(message.contains("no one mixture can be planned for"), "{message}");
    }
}
