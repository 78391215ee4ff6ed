//! The grouping of a join by its key.
//!
//! The left side of a [`KeyJoinExec`] has one row a key, so the row of the left side is the group: nothing is looked up once
//! more, and groups come in the order of the left side.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::compute::filter;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::aggregate::AggregateFunctionExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, apply_expression_roots};
use futures::{StreamExt, TryStreamExt, stream};

use crate::key_join::{Joined, KeyJoinExec};

/// The aggregates of a join's rows by its key.
#[derive(Clone, Debug)]
pub(crate) struct KeyAggregateExec {
    join: Arc<dyn ExecutionPlan>,
    functions: Vec<Function>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// An aggregate function over some of the rows.
#[derive(Clone, Debug)]
struct Function {
    call: Arc<AggregateFunctionExpr>,
    filter: Option<Arc<dyn PhysicalExpr>>,
}

impl KeyAggregateExec {
    /// The same grouping; `None` if it is not of a [`KeyJoinExec`] by its key alone.
    pub(crate) fn of(aggregate: &AggregateExec) -> Option<Self> {
        let join = aggregate.input().downcast_ref::<KeyJoinExec>()?;
        let [(group, _)] = aggregate.group_expr().expr() else { return None };
        let is_plain = |call: &Arc<AggregateFunctionExpr>| {
            call.groups_accumulator_supported() && !call.is_distinct() && call.order_bys().is_empty()
        };
        let fits = *aggregate.mode() == AggregateMode::Single
            && aggregate.group_expr().is_single()
            && aggregate.limit_options().is_none()
            && join.is_key(group.downcast_ref::<Column>()?.index())
            && aggregate.aggr_expr().iter().all(is_plain);
        let functions = aggregate.aggr_expr().iter().zip(aggregate.filter_expr());
        fits.then(|| Self {
            join: Arc::clone(aggregate.input()),
            functions: functions
                .map(|(call, filter)| Function { call: Arc::clone(call), filter: filter.clone() })
                .collect(),
            properties: Arc::clone(aggregate.properties()),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl DisplayAs for KeyAggregateExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.functions.iter().map(|function| function.call.name()).collect();
        write!(f, "KeyAggregateExec: aggr=[{}]", names.join(", "))
    }
}

impl ExecutionPlan for KeyAggregateExec {
    fn name(&self) -> &'static str {
        "KeyAggregateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.join]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let expressions = |function: &Function| function.call.expressions().into_iter().chain(function.filter.clone());
        apply_expression_roots(&self.functions.iter().flat_map(expressions).collect::<Vec<_>>(), f)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([join]) = <[_; 1]>::try_from(children) else {
            return internal_err!("a grouping has one input");
        };
        Ok(Arc::new(Self { join, metrics: ExecutionPlanMetricsSet::new(), ..Self::clone(&self) }))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(join) = self.join.downcast_ref::<KeyJoinExec>() else {
            return internal_err!("a grouping by a join's key is of another operator");
        };
        let memory = MemoryConsumer::new("KeyAggregateExec").register(context.memory_pool());
        let most = context.session_config().batch_size().max(1);
        let (joining, mut right) = join.begin(partition, context)?;
        let mut groups = Groups::new(&self.functions, memory, BaselineMetrics::new(&self.metrics, partition))?;
        let schema = self.schema();
        let answer = async move {
            let joining = joining.await?;
            while let Some(batch) = right.next().await {
                groups.add(&joining.join(&batch?)?, joining.keys().len())?;
            }
            let answer = groups.finish(joining.keys(), &schema)?;
            let parts = (0..answer.num_rows()).step_by(most);
            let parts = parts.map(|start| Ok(answer.slice(start, most.min(answer.num_rows() - start))));
            Ok::<_, DataFusionError>(stream::iter(parts.collect::<Vec<_>>()))
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), stream::once(answer).try_flatten())))
    }
}

/// What the groups come to, a group for each row of the left side.
struct Groups {
    functions: Vec<Function>,
    totals: Vec<Box<dyn GroupsAccumulator>>,
    /// Whether each group has a row.
    met: Vec<bool>,
    memory: MemoryReservation,
    metrics: BaselineMetrics,
}

impl Groups {
    fn new(functions: &[Function], memory: MemoryReservation, metrics: BaselineMetrics) -> Result<Self> {
        let totals = functions.iter().map(|function| function.call.create_groups_accumulator());
        Ok(Self {
            functions: functions.to_vec(),
            totals: totals.collect::<Result<_>>()?,
            met: Vec::new(),
            memory,
            metrics,
        })
    }

    fn add(&mut self, joined: &Joined, count: usize) -> Result<()> {
        let timer = self.metrics.elapsed_compute().timer();
        if joined.rows.num_rows() == 0 {
            return Ok(());
        }
        self.met.resize(count, false);
        let groups: Vec<usize> = joined.places.values().iter().map(|place| *place as usize).collect();
        for group in &groups {
            self.met[*group] = true;
        }
        for (function, totals) in self.functions.iter().zip(&mut self.totals) {
            let evaluated =
                |part: &Arc<dyn PhysicalExpr>| part.evaluate(&joined.rows)?.into_array(joined.rows.num_rows());
            let values = function.call.expressions().iter().map(evaluated).collect::<Result<Vec<ArrayRef>>>()?;
            let kept = function.filter.as_ref().map(evaluated).transpose()?;
            let kept = match &kept {
                Some(kept) => match kept.as_boolean_opt() {
                    Some(kept) => Some(kept),
                    None => return internal_err!("the filter of an aggregate is {}", kept.data_type()),
                },
                None => None,
            };
            totals.update_batch(&values, &groups, kept, count)?;
        }
        let bytes = self.totals.iter().map(|totals| totals.size()).sum::<usize>() + count;
        self.memory.try_resize(bytes)?;
        timer.done();
        Ok(())
    }

    /// The groups that have a row, in the order of their keys.
    fn finish(mut self, keys: &ArrayRef, schema: &SchemaRef) -> Result<RecordBatch> {
        let timer = self.metrics.elapsed_compute().timer();
        if self.met.is_empty() {
            return Ok(RecordBatch::new_empty(Arc::clone(schema)));
        }
        let mut columns = vec![Arc::clone(keys)];
        for totals in &mut self.totals {
            columns.push(totals.evaluate(EmitTo::All)?);
        }
        let met = BooleanArray::from(self.met);
        let columns = columns.iter().map(|column| Ok(filter(column, &met)?)).collect::<Result<_>>()?;
        let answer = RecordBatch::try_new(Arc::clone(schema), columns)?;
        self.metrics.record_output(answer.num_rows());
        timer.done();
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use datafusion::arrow::array::Int64Array;
    use datafusion::arrow::datatypes::{DataType, Int64Type};
    use datafusion::physical_plan::displayable;
    use proptest::prelude::*;

    use super::*;
    use crate::rows::Rows;
    use crate::session::Engine;
    use crate::testing::engine;

    const GROUPED: &str = "SELECT l.k AS k, max(r.v) FILTER (WHERE r.v < l.edge) AS most, count(*) AS n,
        count(*) FILTER (WHERE r.v >= l.edge) AS beyond, exact_sum(r.v) AS total
        FROM l JOIN r ON r.k = l.k GROUP BY l.k";

    fn add(engine: &Engine, name: &str, columns: [(&str, Vec<Option<i64>>); 2]) {
        let columns = columns.map(|(name, values)| (name, Arc::new(Int64Array::from(values)) as ArrayRef, true));
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let batches = (0..batch.num_rows()).step_by(2).map(|row| batch.slice(row, 2.min(batch.num_rows() - row)));
        engine.add_rows(name, Rows { schema: batch.schema(), batches: batches.collect() }).unwrap();
    }

    fn tables(left: &[(i64, i64)], right: &[(Option<i64>, Option<i64>)]) -> Engine {
        let engine = engine();
        let (keys, edges) = left.iter().map(|(key, edge)| (Some(*key), Some(*edge))).unzip();
        add(&engine, "l", [("k", keys), ("edge", edges)]);
        let (keys, values) = right.iter().copied().unzip();
        add(&engine, "r", [("k", keys), ("v", values)]);
        engine
    }

    type Totals = (Option<i64>, i64, i64, Option<i64>);

    fn slowly(left: &[(i64, i64)], right: &[(Option<i64>, Option<i64>)]) -> Vec<(i64, Totals)> {
        let mut found = BTreeMap::<usize, (i64, Totals)>::new();
        for (key, value) in right {
            let Some(place) = left.iter().position(|(known, _)| Some(*known) == *key) else { continue };
            let (_, edge) = left[place];
            let (_, (most, count, beyond, total)) = found.entry(place).or_insert((left[place].0, (None, 0, 0, None)));
            *count += 1;
            let Some(value) = *value else { continue };
            *total = Some(total.unwrap_or(0) + value);
            if value < edge {
                *most = Some(most.unwrap_or(value).max(value));
            } else {
                *beyond += 1;
            }
        }
        found.into_values().collect()
    }

    fn totals(rows: &Rows) -> Vec<(i64, Totals)> {
        let batch = rows.to_batch().unwrap();
        let columns: Vec<&Int64Array> = batch.columns().iter().map(AsArray::as_primitive::<Int64Type>).collect();
        let known = |column: usize, row: usize| columns[column].is_valid(row).then(|| columns[column].value(row));
        let of_row = |row| {
            let (count, beyond) = (columns[2].value(row), columns[3].value(row));
            (columns[0].value(row), (known(1, row), count, beyond, known(4, row)))
        };
        (0..batch.num_rows()).map(of_row).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn groups_come_in_the_order_of_the_left_side_with_what_their_rows_come_to(
            left in prop::collection::btree_map(0_i64..8, -2_i64..3, 0..8),
            turned in any::<bool>(),
            right in prop::collection::vec((prop::option::of(0_i64..10), prop::option::of(-3_i64..4)), 0..14),
        ) {
            let mut left: Vec<(i64, i64)> = left.into_iter().collect();
            if turned {
                left.reverse();
            }
            let engine = tables(&left, &right);
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let found = runtime.block_on(engine.query(GROUPED)).unwrap();
            prop_assert_eq!(totals(&found), slowly(&left, &right));
        }
    }

    async fn shown(sql: &str) -> String {
        let engine = tables(&[(1, 0)], &[(Some(1), Some(1))]);
        displayable(engine.plan(sql).await.unwrap().as_ref()).indent(false).to_string()
    }

    #[tokio::test]
    async fn it_stands_in_plans_that_group_a_join_by_its_key_and_in_no_others() {
        assert!(shown(GROUPED).await.contains("KeyAggregateExec: aggr=[max("));
        for other in ["l.edge", "r.v", "l.k, l.edge", "l.k + 1"] {
            let plan = shown(&format!("SELECT count(*) AS n FROM l JOIN r ON r.k = l.k GROUP BY {other}")).await;
            assert!(plan.contains("KeyJoinExec") && !plan.contains("KeyAggregateExec"), "{other}: {plan}");
        }
        let distinct = shown("SELECT count(DISTINCT r.v) AS n FROM l JOIN r ON r.k = l.k GROUP BY l.k").await;
        assert!(!distinct.contains("KeyAggregateExec"), "{distinct}");
    }

    #[tokio::test]
    async fn types_are_those_of_the_plan() {
        let engine = tables(&[(1, 0)], &[]);
        let rows = engine.query(GROUPED).await.unwrap();
        assert_eq!((rows.len(), rows.schema.field(0).data_type()), (0, &DataType::Int64));
    }
}
