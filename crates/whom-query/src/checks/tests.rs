use std::sync::Arc;

use super::*;
use crate::testing::{ANY_ORDER, Warehouse, orders, pipeline, room};
use crate::unit_schema::UnitSchema;

const NOON: &str = "2026-10-06T12:00:00";

/// The checks of a split: unit, variant and instant of each exposure.
async fn judged(rows: &[(&str, &str, &str)]) -> Vec<Check> {
    let warehouse = Warehouse::exposing(rows);
    warehouse.write("orders.parquet", orders(&[("u", "2026-10-06T13:00:00", None)]));
    let text = pipeline("", ANY_ORDER);
    let (fitted, table) = (warehouse.fit(&text).await.unwrap(), warehouse.units(&text).await.unwrap());
    let plan = &fitted.loaded.plan;
    let schema = UnitSchema::new(plan, &fitted.compiled).unwrap();
    let units = AnalysedUnits::new(schema, Arc::new(table), &room(u64::MAX)).unwrap();
    let folds = Folds::hashed(&plan.experiment);
    Subject { plan, compiled: &fitted.compiled, units: &units, folds: &folds }.judge()
}

fn detail<'a>(checks: &'a [Check], name: &str) -> &'a str {
    &checks.iter().find(|check| check.name == name).unwrap_or_else(|| panic!("no `{name}`: {checks:?}")).detail
}

#[tokio::test]
async fn checks_come_in_the_order_in_which_a_reader_asks() {
    let checks = judged(&[("u", "a", NOON), ("v", "b", NOON)]).await;
    let names: Vec<&str> = checks.iter().map(|check| check.name.as_str()).collect();
    insta::assert_snapshot!(names.join("\n"), @r"
    variants are known
    every variant has units
    units in several variants
    `m` is finite
    sample ratio as exposed
    sample ratio of the fold to discover
    sample ratio of the fold to measure
    arms by fold
    arms by bucket
    arms by day of exposure
    trend of the arms over the days
    ");
    assert!(!checks.iter().any(Check::refuses), "{checks:?}");
}

#[tokio::test]
async fn units_are_counted_as_exposed_and_without_those_in_several_variants() {
    let rows = [
        ("u", "a", NOON),
        ("v", "b", NOON),
        ("w", "b", "2026-10-07T12:00:00"),
        ("w", "b", NOON),
        ("x", "a", NOON),
        ("x", "b", "2026-10-07T12:00:00"),
    ];
    let checks = judged(&rows).await;
    assert_eq!(detail(&checks, "sample ratio as exposed"), "a 2, b 2");
    assert_eq!(detail(&checks, "sample ratio without units in several variants"), "a 1, b 2");
    assert_eq!(detail(&checks, "units in several variants"), "1 of 4 units (25.000%) saw several variants");
    assert_eq!(detail(&checks, "symmetry of units in several variants"), "a 1, b 0 by first variant");
    let refused: Vec<&str> = checks.iter().filter(|check| check.refuses()).map(|check| check.name.as_str()).collect();
    assert_eq!(refused, ["units in several variants"]);
}

#[tokio::test]
async fn a_split_without_units_is_refused_and_never_divides_by_zero() {
    let checks = judged(&[("u", "stranger", NOON)]).await;
    let refused: Vec<&str> = checks.iter().filter(|check| check.refuses()).map(|check| check.name.as_str()).collect();
    assert_eq!(refused, ["variants are known", "every variant has units"]);
    assert!(checks.iter().all(|check| check.p_value.is_none()), "{checks:?}");
}
