use std::path::Path;

use chrono::TimeDelta;
use whom_spec::{MemoryReader, Settings, load};
use whom_store::{Location, Stores};

use super::*;

const PIPELINE: &str = "\
version: 1
experiment: checkout
unit: id
through: 2026-11-20
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
  buys: { role: primary, from: orders, aggregate: any, window: 14d, desired: increase, matters: 0.01 }
tags:
  person: { path: people.parquet, static: true, columns: { age: numeric, city: categorical } }
cohorts:
  grown_up: age >= 2
output: { path: out/ }
";

fn plan_with(old: &str, new: &str) -> Plan {
    assert_eq!(PIPELINE.matches(old).count(), 1, "`{old}` must occur once");
    let reader = MemoryReader::default().with("pipeline.yaml", PIPELINE.replace(old, new));
    load(Path::new("pipeline.yaml"), &Settings::default(), &reader).unwrap().plan
}

fn plan() -> Plan {
    plan_with("version: 1", "version: 1")
}

fn noon() -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(12)
}

/// Plans that a store took so many minutes after noon, in the order of time.
async fn registered(plans: &[(&Plan, i64)]) -> Registrations {
    let folder = tempfile::tempdir().unwrap();
    let location = Location::output("out", folder.path()).unwrap();
    let output = Output::create(&Stores::new(), &location, Uuid::new_v4()).await.unwrap();
    let mut found = Vec::new();
    for (plan, minutes) in plans {
        let registered = output.register(&registration(plan).unwrap()).await.unwrap();
        found.push(Registered { registered_at: noon() + TimeDelta::minutes(*minutes), ..registered });
    }
    Registrations(found)
}

fn judged(registrations: &Registrations, plan: &Plan) -> Option<(SealStanding, Vec<String>)> {
    let seal = registrations.judge(plan, Some(noon().timestamp_micros())).unwrap()?;
    Some((seal.standing, seal.differences.into_iter().map(|difference| difference.place).collect()))
}

#[tokio::test]
async fn a_plan_that_was_registered_in_time_and_kept_is_sealed() {
    let plan = plan();
    let in_time = registered(&[(&plan, -1)]).await;
    assert_eq!(judged(&in_time, &plan), Some((SealStanding::Kept, Vec::new())));
    // Where the data lie, and until when they are read, is no part of what was promised.
    let elsewhere = plan_with("path: split.parquet", "path: s3://bucket/split.parquet");
    assert_eq!(judged(&in_time, &elsewhere), Some((SealStanding::Kept, Vec::new())));
    let at_the_first_exposure = registered(&[(&plan, 0)]).await;
    assert_eq!(judged(&at_the_first_exposure, &plan), Some((SealStanding::Late, Vec::new())));
    assert_eq!(judged(&Registrations(Vec::new()), &plan), None);
}

#[tokio::test]
async fn every_departure_is_named_by_its_place() {
    let in_time = registered(&[(&plan(), -1)]).await;
    for (old, new, place) in [
        ("window: 14d", "window: 7d", "metrics.buys.window"),
        ("role: primary", "role: primary, delay: 1d", "metrics.buys.delay"),
        ("  grown_up: age >= 2\n", "  grown_up: age >= 2\n  child: age < 1\n", "cohorts.child"),
        ("age >= 2", "age >= 3", "cohorts.grown_up.definition"),
        ("end: 2026-10-28", "end: 2026-10-27", "split.end"),
        ("matters: 0.01", "matters: 0.02", "metrics.buys.matters.absolute"),
        ("output:", "validate: { level: 0.9 }\noutput:", "validate.level"),
    ] {
        let found = judged(&in_time, &plan_with(old, new));
        assert_eq!(found, Some((SealStanding::Changed, vec![place.to_owned()])), "{new}");
    }
}

#[tokio::test]
async fn the_last_plan_before_the_first_exposure_binds() {
    let (first, second) = (plan(), plan_with("window: 14d", "window: 7d"));
    let amended = registered(&[(&first, -2), (&second, -1)]).await;
    assert_eq!(judged(&amended, &second), Some((SealStanding::Kept, Vec::new())));
    assert_eq!(judged(&amended, &first), Some((SealStanding::Changed, vec!["metrics.buys.window".to_owned()])));
    let late_change = registered(&[(&first, -1), (&second, 1)]).await;
    assert_eq!(judged(&late_change, &first), Some((SealStanding::Kept, Vec::new())));
    assert_eq!(judged(&late_change, &second), Some((SealStanding::Changed, vec!["metrics.buys.window".to_owned()])));
}

#[tokio::test]
async fn a_late_plan_seals_nothing_whether_or_not_it_is_kept() {
    let (plan, other) = (plan(), plan_with("window: 14d", "window: 7d"));
    let late = registered(&[(&plan, 1), (&other, 2)]).await;
    assert_eq!(judged(&late, &plan), Some((SealStanding::Late, Vec::new())));
    let third = plan_with("window: 14d", "window: 3d");
    assert_eq!(judged(&late, &third), Some((SealStanding::Late, vec!["metrics.buys.window".to_owned()])));
}

#[test]
fn values_are_shown_short() {
    let long = "x".repeat(80);
    for (value, shown) in [
        (json!(null), "nothing".to_owned()),
        (json!("a"), "`a`".to_owned()),
        (json!(long), format!("`{}…`", &long[..LONGEST_VALUE])),
        (json!({ "a": 1 }), "{…}".to_owned()),
        (json!([1, 2]), "a list of 2".to_owned()),
        (json!(336), "336".to_owned()),
    ] {
        assert_eq!(in_words("validate.level", &value), shown);
    }
}

#[tokio::test]
async fn a_duration_is_told_as_a_pipeline_file_writes_it() {
    let registered = registered(&[(&plan(), -1)]).await;
    for (old, new, registered_as, run_as) in [
        ("window: 14d", "window: 36h", Some("14d"), Some("36h")),
        ("window: 14d", "window: 14d, delay: 1d", Some("0h"), Some("1d")),
        ("start: 2026", "lookback: 12h\n  start: 2026", Some("nothing"), Some("12h")),
        ("matters: 0.01", "matters: 336", Some("0.01"), Some("336.0")),
    ] {
        let plan = plan_with(old, new);
        let seal = registered.judge(&plan, Some(noon().timestamp_micros())).unwrap().unwrap();
        let [difference] = seal.differences.as_slice() else { panic!("{new}: {:?}", seal.differences) };
        assert_eq!((difference.registered.as_deref(), difference.run.as_deref()), (registered_as, run_as), "{new}");
    }
}
