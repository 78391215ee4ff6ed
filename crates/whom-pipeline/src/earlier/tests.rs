use std::path::Path;

use whom_report::Standing;
use whom_spec::{MemoryReader, Settings, load};

use super::*;

const PIPELINE: &str = "\
version: 1
experiment: checkout
unit: id
through: 2026-11-20
time_zone: America/New_York
split:
  path: split.parquet
  time: at
  variant: variant
  variants: { a: { weight: 0.5 }, b: { weight: 0.5 } }
  control: a
  start: 2026-10-01
  end: 2026-10-28
facts:
  orders: { path: orders.parquet, time: at }
metrics:
  buys: { role: primary, from: orders, aggregate: any, window: 14d, desired: increase }
  spends: { role: secondary, from: orders, aggregate: any, window: 14d, desired: increase }
tags:
  person: { path: people.parquet, static: true, columns: { age: numeric, city: categorical } }
output: { path: out/ }
";

fn plan(old: &str, new: &str) -> Plan {
    assert_eq!(PIPELINE.matches(old).count(), 1, "`{old}` must occur once");
    let reader = MemoryReader::default().with("pipeline.yaml", PIPELINE.replace(old, new));
    load(Path::new("pipeline.yaml"), &Settings::default(), &reader).unwrap().plan
}

fn with_lookback() -> Plan {
    plan("  control: a", "  control: a\n  lookback: 60d")
}

/// An earlier run of the same experiment, of the month before.
fn earlier(through: &str) -> Exposed<'_> {
    Exposed { experiment: "checkout", start: Some("2026-09-01"), through }
}

fn micros(instant: &str) -> i64 {
    instant.parse::<DateTime<chrono::Utc>>().unwrap().timestamp_micros()
}

#[test]
fn another_experiment_is_fresh_whenever_it_was() {
    assert_eq!(
        why_not_fresh(
            &plan("version: 1", "version: 1"),
            Exposed { experiment: "search", start: None, through: "2026-12-31" },
            Some(micros("2026-10-02T00:00:00Z"))
        ),
        None
    );
}

#[test]
fn the_same_experiment_is_fresh_only_after_the_earlier_run_and_without_its_units() {
    let first = Some(micros("2026-10-02T12:00:00Z"));
    let reason = |plan: &Plan, through: &str| why_not_fresh(plan, earlier(through), first);
    assert_eq!(reason(&with_lookback(), "2026-10-01"), None);
    let same_day = reason(&with_lookback(), "2026-10-02").unwrap();
    assert!(same_day.contains("of 2026-10-02, is not after 2026-10-02"), "{same_day}");
    let again = reason(&plan("version: 1", "version: 1"), "2026-10-01").unwrap();
    assert!(again.contains("`split.lookback`"), "{again}");
    assert!(reason(&with_lookback(), "some day").is_some(), "what cannot be told is not fresh");
}

#[test]
fn a_lookback_reaches_back_to_the_first_day_of_the_earlier_run() {
    let first = Some(micros("2026-10-02T12:00:00Z"));
    let reason =
        |start: Option<&str>| why_not_fresh(&with_lookback(), Exposed { start, ..earlier("2026-10-01") }, first);
    assert_eq!(reason(Some("2026-08-02")), None, "60 days before the first of October");
    let short = reason(Some("2026-08-01")).unwrap();
    assert!(short.contains("back to 2026-08-01"), "{short}");
    assert!(reason(None).is_some(), "an older program told no first day");
}

#[test]
fn a_day_is_over_where_it_ends_last() {
    let reason = |first: &str| why_not_fresh(&with_lookback(), earlier("2026-10-02"), Some(micros(first)));
    assert!(reason("2026-10-03T02:00:00Z").is_some(), "it is still the second of October in New York");
    assert_eq!(reason("2026-10-03T05:00:00Z"), None);
}

#[test]
fn a_rule_is_refused_where_its_tag_is_not_or_is_another() {
    let plan = plan("version: 1", "version: 1");
    let condition = |tag: &str| RuleCondition::Categorical {
        tag: tag.to_owned(),
        levels: vec!["x".to_owned()],
        other: None,
        missing: false,
    };
    let message = |tag: &str| {
        let rule = CohortRule { name: "c1".to_owned(), conditions: vec![condition(tag)] };
        unfit_tag(&plan, &rule, &rule.conditions[0]).map(|wrong| wrong.message)
    };
    assert_eq!(message("city"), None);
    let (age, country) = (message("age").unwrap(), message("country").unwrap());
    assert_eq!(age, "tag `age` is numeric here, and categorical in the earlier run, whose cohort `c1` asks for it");
    assert_eq!(country, "cohort `c1` of the earlier run asks for the tag `country`, which is not declared here");
}

#[test]
fn only_treatments_on_primary_metrics_are_asked() {
    let plan = plan("version: 1", "version: 1");
    let finding = |variant: &str, metric: &str| CohortVerdict {
        cohort: "c1".to_owned(),
        variant: variant.to_owned(),
        metric: metric.to_owned(),
        standing: Standing::Gains,
        evidence: whom_report::Evidence::HeldOut,
        reliable: true,
    };
    let asked = [("b", "buys"), ("a", "buys"), ("b", "spends"), ("b", "visits"), ("c", "buys")]
        .map(|(variant, metric)| asks(&plan, &finding(variant, metric)));
    assert_eq!(asked, [true, false, false, false, false]);
}
