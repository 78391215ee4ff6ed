//! Names of users beside our own.

use datafusion::arrow::array::ArrayRef;

use crate::testing::{Warehouse, by_unit, instants, integers, pipeline, texts, texts_by_unit, whole};

const EXPOSED: &str = "2026-10-06T12:00:00";

#[tokio::test]
async fn columns_may_be_called_like_ours() {
    let warehouse = Warehouse::new();
    warehouse.write(
        "split.parquet",
        vec![("unit", texts([Some("u")])), ("arm", texts([Some("a")])), ("first_exposure", instants([EXPOSED]))],
    );
    warehouse.write(
        "orders.parquet",
        vec![
            ("unit", texts([Some("u")])),
            ("first_exposure", instants([EXPOSED])),
            ("event instant", integers(&[1])),
            ("event instant'", integers(&[2])),
            ("counts for sum", integers(&[4])),
            ("bucket", integers(&[8])),
            ("deliveries", integers(&[16])),
            ("event_key", texts([Some("k")])),
        ],
    );
    warehouse.write(
        "tags/dt=2026-10-05/a.parquet",
        vec![("unit", texts([Some("u")])), ("snapshot", integers(&[1])), ("deliveries", texts([Some("left")]))],
    );
    let text = pipeline(
        "",
        "facts:
  units:
    path: orders.parquet
    time: first_exposure
    unique: event_key
metrics:
  sum:
    role: primary
    from: units
    value: \"\\\"event instant\\\" + \\\"event instant'\\\" + \\\"counts for sum\\\" + bucket + deliveries\"
    aggregate: sum
    window: 1d
    desired: increase
    matters: 1%
  sum counts: { role: secondary, from: units, value: bucket, aggregate: sum, window: 1d }
  value of sum: { role: secondary, from: units, value: bucket * 2, aggregate: sum, window: 1d }
tags:
  units:
    path: tags/
    date: dt
    as_of: day_before_first_exposure
    at_most: 7d
    gaps: allowed
    columns: { snapshot: numeric, deliveries: categorical }
cohorts:
  unit counts: deliveries = 'left' and snapshot = 1",
    )
    .replace("unit: user", "unit: unit")
    .replace("time: at", "time: first_exposure")
    .replace("variant: variant\n", "variant: arm\n");
    let table = warehouse.units(&text).await.unwrap();
    assert_eq!(by_unit(&table, "metric sum")["u"], Some(31));
    assert_eq!(by_unit(&table, "metric sum counts")["u"], Some(8));
    assert_eq!(by_unit(&table, "metric value of sum")["u"], Some(16));
    assert_eq!(by_unit(&table, "arm")["u"], Some(0));
    assert_eq!(texts_by_unit(&table, "tag deliveries")["u"].as_deref(), Some("left"));
    assert_eq!(whole(&table).cohort("cohort unit counts").unwrap().true_count(), 1);
}

#[tokio::test]
async fn names_with_quotes_and_semicolons_are_only_names() {
    let (unit, variant, value, tag) = ("us\"er; --", "var'iant", "am\"ou'nt; DROP TABLE split", "t\u{e4}g \u{1F600}\"");
    let warehouse = Warehouse::new();
    let column = |name: &'static str, array: ArrayRef| (name, array);
    warehouse.write(
        "split.parquet",
        vec![column(unit, texts([Some("it's")])), (variant, texts([Some("a'; --")])), ("at", instants([EXPOSED]))],
    );
    warehouse.write(
        "orders.parquet",
        vec![(unit, texts([Some("it's")])), ("at", instants([EXPOSED])), (value, integers(&[7]))],
    );
    warehouse.write("homes.parquet", vec![(unit, texts([Some("it's")])), (tag, texts([Some("x\"y")]))]);
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let in_sql = |text: &str| quoted(&format!("\"{}\"", text.replace('"', "\"\"")));
    let text = pipeline(
        "",
        &format!(
            "facts:
  \"fa'ct \\\"x\\\";\": {{ path: orders.parquet, time: at }}
metrics:
  \"me'tric \\\"x\\\";\": {{ role: primary, from: \"fa'ct \\\"x\\\";\", value: {}, aggregate: sum, window: 1d, desired: increase, matters: 1% }}
tags:
  \"ta'gs \\\"x\\\";\": {{ path: homes.parquet, static: true, columns: {{ {}: categorical }} }}
cohorts:
  \"co'hort \\\"x\\\";\": {}",
            in_sql(value),
            quoted(tag),
            quoted(&format!("\"{}\" = 'x\"y'", tag.replace('"', "\"\""))),
        ),
    )
    .replace("unit: user", &format!("unit: {}", quoted(unit)))
    .replace("variant: variant\n", &format!("variant: {}\n", quoted(variant)))
    .replace("{ a: { weight", "{ \"a'; --\": { weight")
    .replace("control: a", "control: \"a'; --\"");
    let table = warehouse.units(&text).await.unwrap();
    assert_eq!(by_unit(&table, "metric me'tric \"x\";")["it's"], Some(7));
    assert_eq!(whole(&table).cohort("cohort co'hort \"x\";").unwrap().true_count(), 1);
}
