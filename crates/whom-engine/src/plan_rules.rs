//! What a physical plan may not hold, checked before it runs.

use std::any::Any;
use std::sync::Arc;

use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, displayable};

use crate::error::EngineError;
use crate::functions::FIRST_SEEN;

/// Aggregates whose result is exact and depends on no order of rows. DataFusion's `sum` of integers wraps silently, its
/// `avg` adds up floating point numbers.
const EXACT: [&str; 5] = ["count", "exact_sum", FIRST_SEEN, "max", "min"];

/// The aggregates that are exact if they say in which order.
const ORDERED: [&str; 2] = ["array_agg", "first_value"];

/// Refuses a plan that breaks a rule of the engine.
///
/// A plan must run without repartitioning (rows are split into pieces before, by unit); joins build their hash table from
/// the left side, which our SQL makes the units of the piece, one row a unit; and every aggregate is exact whatever the order of rows.
///
/// # Errors
/// [`EngineError::Internal`], because our own SQL made the plan.
pub fn check(plan: &Arc<dyn ExecutionPlan>) -> Result<(), EngineError> {
    let node: &dyn Any = plan.as_ref();
    if node.is::<RepartitionExec>() {
        return Err(broken("it repartitions", plan));
    }
    if node.is::<CrossJoinExec>() || node.is::<NestedLoopJoinExec>() {
        return Err(broken("it joins without a key", plan));
    }
    if let Some(join) = node.downcast_ref::<HashJoinExec>()
        && reads_files(join.left())
    {
        return Err(broken("it builds a hash table from rows of files", plan));
    }
    if let Some(aggregate) = node.downcast_ref::<AggregateExec>() {
        check_aggregate(aggregate, plan)?;
    }
    plan.children().into_iter().try_for_each(check)
}

fn check_aggregate(aggregate: &AggregateExec, plan: &Arc<dyn ExecutionPlan>) -> Result<(), EngineError> {
    for function in aggregate.aggr_expr() {
        let name = function.fun().name();
        let ordered = ORDERED.contains(&name) && !function.order_bys().is_empty();
        if !ordered && !EXACT.contains(&name) {
            return Err(broken(&format!("`{name}` is not exact, or depends on the order of rows"), plan));
        }
    }
    Ok(())
}

/// Whether rows reach this node from files without an aggregation in between.
fn reads_files(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let node: &dyn Any = plan.as_ref();
    if node.is::<AggregateExec>() {
        return false;
    }
    if let Some(source) = node.downcast_ref::<DataSourceExec>() {
        let data: &dyn Any = source.data_source().as_ref();
        return data.is::<FileScanConfig>();
    }
    plan.children().into_iter().any(reads_files)
}

fn broken(reason: &str, plan: &Arc<dyn ExecutionPlan>) -> EngineError {
    EngineError::Internal(format!("a plan was refused because {reason}:\n{}", displayable(plan.as_ref()).indent(true)))
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::{ArrayRef, Float64Array, Int64Array};
    use datafusion::physical_plan::Partitioning;

    use super::*;
    use crate::session::Engine;
    use crate::testing::{engine_with, open, write};

    fn columns() -> Vec<(&'static str, ArrayRef)> {
        let units: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4, 5, 6, 7]));
        let values: ArrayRef = Arc::new(Float64Array::from(vec![0.5; 7]));
        vec![("unit", units), ("v", values)]
    }

    async fn reason(engine: &Engine, sql: &str) -> String {
        let planned = engine.plan(sql).await;
        let message = planned.map_or_else(|error| error.to_string(), |_| "planned".to_owned());
        message.lines().next().unwrap_or_default().to_owned()
    }

    #[tokio::test]
    async fn an_aggregate_that_is_not_exact_is_refused() {
        let engine = engine_with("t", columns());
        for (call, name) in [
            ("sum(v)", "sum"),
            ("sum(unit)", "sum"),
            ("avg(unit)", "avg"),
            ("stddev(v)", "stddev"),
            ("corr(v, v)", "corr"),
            ("median(v)", "median"),
            ("approx_distinct(unit)", "approx_distinct"),
            ("array_agg(unit)", "array_agg"),
            ("first_value(v)", "first_value"),
        ] {
            let refused = reason(&engine, &format!("SELECT {call} FROM t")).await;
            let expected =
                format!("a plan was refused because `{name}` is not exact, or depends on the order of rows:");
            assert_eq!(refused, expected, "{call}");
        }
    }

    #[tokio::test]
    async fn exact_aggregates_pass() {
        let engine = engine_with("t", columns());
        let sql = "SELECT unit, exact_sum(to_grid(v, '1')), count(*), count(DISTINCT v), min(v), max(v),
            first_value(v ORDER BY unit), array_agg(v ORDER BY v) FROM t GROUP BY unit";
        assert_eq!(reason(&engine, sql).await, "planned");
    }

    #[tokio::test]
    async fn a_join_without_a_key_is_refused() {
        let engine = engine_with("t", columns());
        for sql in ["SELECT * FROM t CROSS JOIN t AS o", "SELECT * FROM t JOIN t AS o ON t.v < o.v"] {
            assert_eq!(reason(&engine, sql).await, "a plan was refused because it joins without a key:", "{sql}");
        }
    }

    #[tokio::test]
    async fn a_hash_table_is_built_from_units_and_never_from_files() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "a.parquet", columns());
        let engine = open(folder.path()).await.unwrap();
        let sql = "SELECT u.unit FROM t AS u JOIN t AS f ON u.unit = f.unit";
        let expected = "a plan was refused because it builds a hash table from rows of files:";
        assert_eq!(reason(&engine, sql).await, expected);
        let sql = "SELECT u.unit FROM (SELECT unit FROM t GROUP BY unit) AS u JOIN t AS f ON u.unit = f.unit";
        assert_eq!(reason(&engine, sql).await, "planned");
    }

    #[tokio::test]
    async fn a_repartitioning_is_refused_wherever_it_stands() {
        let engine = engine_with("t", columns());
        let plan = engine.plan("SELECT unit FROM t").await.unwrap();
        let apart = RepartitionExec::try_new(plan, Partitioning::RoundRobinBatch(2)).unwrap();
        let plan: Arc<dyn ExecutionPlan> =
            Arc::new(datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec::new(Arc::new(apart)));
        let message = check(&plan).unwrap_err().to_string();
        assert!(message.starts_with("a plan was refused because it repartitions:\n"), "{message}");
    }
}
