//! What a physical plan may not hold, checked before it runs.

use std::sync::Arc;

use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, displayable};

use crate::error::EngineError;

/// Aggregates whose result may depend on the order of rows when their input is a floating point number.
const ORDER_DEPENDENT: [&str; 11] =
    ["sum", "avg", "mean", "stddev", "stddev_samp", "stddev_pop", "var", "var_samp", "var_pop", "corr", "covar_samp"];

/// Refuses a plan that breaks a rule of the engine.
///
/// A plan must run in one partition without repartitioning (rows are split into pieces before, by unit), joins build
/// their hash table from the left side, which our SQL makes the units of the piece, and no aggregate adds up floating
/// point numbers or approximates.
///
/// # Errors
/// [`EngineError::Internal`], because our own SQL made the plan.
pub fn check(plan: &Arc<dyn ExecutionPlan>) -> Result<(), EngineError> {
    let node: &dyn std::any::Any = plan.as_ref();
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
        if name.starts_with("approx") || name == "median" {
            return Err(broken(&format!("`{name}` approximates"), plan));
        }
        let floating = function
            .expressions()
            .iter()
            .any(|argument| argument.data_type(&aggregate.input_schema()).is_ok_and(|kind| kind.is_floating()));
        if name == "sum" || (ORDER_DEPENDENT.contains(&name) && floating) {
            return Err(broken(&format!("`{name}` is not exact; `exact_sum` is"), plan));
        }
    }
    Ok(())
}

/// Whether rows reach this node from files without an aggregation in between.
fn reads_files(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let node: &dyn std::any::Any = plan.as_ref();
    if node.is::<AggregateExec>() {
        return false;
    }
    if let Some(source) = node.downcast_ref::<datafusion::datasource::source::DataSourceExec>() {
        let data: &dyn std::any::Any = source.data_source().as_ref();
        return data.is::<datafusion::datasource::physical_plan::FileScanConfig>();
    }
    plan.children().into_iter().any(reads_files)
}

fn broken(reason: &str, plan: &Arc<dyn ExecutionPlan>) -> EngineError {
    EngineError::Internal(format!("a plan was refused because {reason}:\n{}", displayable(plan.as_ref()).indent(true)))
}
