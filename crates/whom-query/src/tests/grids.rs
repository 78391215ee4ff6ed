//! Values and the grids they come to.

use crate::flow::Rounding;
use crate::testing::{Warehouse, by_unit, metric, orders, texts};

const EXPOSED: &str = "2026-10-06T12:00:00";
const BOUGHT: &str = "2026-10-06T13:00:00";

fn warehouse(amounts: &[Option<f64>]) -> Warehouse {
    let warehouse = Warehouse::exposing(&[("u", "a", EXPOSED)]);
    let rows: Vec<_> = amounts.iter().map(|amount| ("u", BOUGHT, *amount)).collect();
    warehouse.write("orders.parquet", orders(&rows));
    warehouse
}

#[tokio::test]
async fn a_value_beyond_the_grid_that_the_metric_leaves_out_refuses_nothing() {
    let text = metric("value: amount, precision: 0.01, aggregate: sum, where: amount < 100, window: 1d");
    let table = warehouse(&[Some(1e15), Some(2.5)]).units(&text).await.unwrap();
    assert_eq!(by_unit(&table, "metric m")["u"], Some(250));
}

#[tokio::test]
async fn an_expression_is_evaluated_only_where_the_metric_counts() {
    let text = metric("value: 100 / cast(amount as int), aggregate: sum, where: amount > 0, window: 1d");
    let table = warehouse(&[Some(0.0), Some(50.0)]).units(&text).await.unwrap();
    assert_eq!(by_unit(&table, "metric m")["u"], Some(2));
}

#[tokio::test]
async fn values_that_round_to_zero_are_counted() {
    let amounts = [Some(0.004), Some(-0.001), Some(0.006), Some(0.0), Some(-3.0), Some(f64::NAN), None];
    let text = metric("value: amount, precision: 0.01, aggregate: sum, window: 1d, non_finite: zero");
    let table = warehouse(&amounts).units(&text).await.unwrap();
    assert_eq!(table.flow.facts[0].rounding, [Rounding { metric: "m".to_owned(), not_zero: 2, to_zero: 2 }]);
}

#[tokio::test]
async fn whole_numbers_are_never_rounded() {
    let warehouse = Warehouse::exposing(&[("u", "a", EXPOSED)]);
    let mut columns = orders(&[("u", BOUGHT, Some(1.0))]);
    columns.push(("note", texts([Some("x")])));
    warehouse.write("orders.parquet", columns);
    for value in ["cast(amount as int)", "note = 'x'"] {
        let table = warehouse.units(&metric(&format!("value: {value}, aggregate: sum, window: 1d"))).await.unwrap();
        assert_eq!(by_unit(&table, "metric m")["u"], Some(1), "{value}");
        assert_eq!(table.flow.facts[0].rounding, [], "{value}");
    }
}
