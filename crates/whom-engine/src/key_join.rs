//! The join with a table that has one row a key, as units have.
//!
//! DataFusion's hash join allows for many rows on either side, and writes every row that it finds anew. Where one side has
//! one row a key, a row of the other side finds one place or none: columns of the first are gathered, and those of the
//! other stay as they are as long as every row found a place.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use datafusion::arrow::compute::{concat_batches, take};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinSide, JoinType, NullEquality, Result, internal_err};
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::joins::utils::{ColumnIndex, JoinFilter};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, apply_expression_roots,
};
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::EngineError;
use crate::key_aggregate::KeyAggregateExec;
use crate::key_places::{KeyPlaces, NOWHERE};
use crate::rows::bytes_of;

/// Puts a [`KeyJoinExec`] in place of every hash join that it can stand for, and a [`KeyAggregateExec`] in place of every
/// grouping of one by its key.
pub(crate) fn in_place_of_hash_joins(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let replaced = plan.transform_up(|node| {
        if let Some(join) = node.downcast_ref::<HashJoinExec>().and_then(KeyJoinExec::of) {
            return Ok(Transformed::yes(Arc::new(join) as Arc<dyn ExecutionPlan>));
        }
        if let Some(aggregate) = node.downcast_ref::<AggregateExec>().and_then(KeyAggregateExec::of) {
            return Ok(Transformed::yes(Arc::new(aggregate) as Arc<dyn ExecutionPlan>));
        }
        Ok(Transformed::no(node))
    })?;
    Ok(replaced.data)
}

/// An inner join by one key of which the left side has one row each; a second one is refused. Rows come in the order of the
/// right side.
#[derive(Clone, Debug)]
pub(crate) struct KeyJoinExec {
    left: Arc<dyn ExecutionPlan>,
    right: Arc<dyn ExecutionPlan>,
    keys: (Arc<dyn PhysicalExpr>, Arc<dyn PhysicalExpr>),
    condition: Option<JoinFilter>,
    output: Vec<ColumnIndex>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl KeyJoinExec {
    /// The same join; `None` if it is of another kind, or its key neither an integer nor a text.
    fn of(join: &HashJoinExec) -> Option<Self> {
        let [(left_key, right_key)] = join.on() else { return None };
        let kind = |key: &Arc<dyn PhysicalExpr>, side: &Arc<dyn ExecutionPlan>| key.data_type(&side.schema()).ok();
        let kinds = (kind(left_key, join.left())?, kind(right_key, join.right())?);
        let fits = *join.join_type() == JoinType::Inner
            && join.null_equality() == NullEquality::NullEqualsNothing
            && [join.left(), join.right()].iter().all(|side| side.output_partitioning().partition_count() == 1)
            && matches!(kinds, (DataType::Int64, DataType::Int64) | (DataType::Utf8, DataType::Utf8));
        let left = join.left().schema().fields().len();
        let place = |column: usize| match column.checked_sub(left) {
            None => ColumnIndex { index: column, side: JoinSide::Left },
            Some(index) => ColumnIndex { index, side: JoinSide::Right },
        };
        fits.then(|| Self {
            left: Arc::clone(join.left()),
            right: Arc::clone(join.right()),
            keys: (Arc::clone(left_key), Arc::clone(right_key)),
            condition: join.filter().cloned(),
            output: match &join.projection {
                Some(columns) => columns.iter().map(|column| place(*column)).collect(),
                None => (0..join.join_schema().fields().len()).map(place).collect(),
            },
            properties: Arc::clone(join.properties()),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl DisplayAs for KeyJoinExec {
    fn fmt_as(&self, _format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyJoinExec: on={} = {}", self.keys.0, self.keys.1)?;
        if let Some(condition) = &self.condition {
            write!(f, ", filter={}", condition.expression())?;
        }
        let columns: Vec<String> = self
            .schema()
            .fields()
            .iter()
            .zip(&self.output)
            .map(|(field, at)| format!("{}@{}", field.name(), at.index))
            .collect();
        write!(f, ", projection=[{}]", columns.join(", "))
    }
}

impl ExecutionPlan for KeyJoinExec {
    fn name(&self) -> &'static str {
        "KeyJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.left, &self.right]
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        let condition = self.condition.as_ref().map(JoinFilter::expression);
        apply_expression_roots([&self.keys.0, &self.keys.1].into_iter().chain(condition), f)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([left, right]) = <[_; 2]>::try_from(children) else {
            return internal_err!("a join has two sides");
        };
        Ok(Arc::new(Self { left, right, metrics: ExecutionPlanMetricsSet::new(), ..Self::clone(&self) }))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (joining, right) = self.begin(partition, context)?;
        let rows = stream::once(async move {
            let joining = joining.await?;
            Ok::<_, DataFusionError>(right.map(move |batch| Ok(joining.join(&batch?)?.rows)))
        });
        let rows = rows.try_flatten().try_filter(|batch| std::future::ready(batch.num_rows() > 0));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }
}

impl KeyJoinExec {
    /// Begins to read both sides: the join once the left side has been read, and the right side.
    pub(crate) fn begin(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<(impl Future<Output = Result<Joining>> + Send + use<>, SendableRecordBatchStream)> {
        let memory = MemoryConsumer::new("KeyJoinExec").register(context.memory_pool());
        let left = self.left.execute(partition, Arc::clone(&context))?;
        let right = self.right.execute(partition, context)?;
        let (join, metrics) = (self.clone(), BaselineMetrics::new(&self.metrics, partition));
        let joining = async move {
            let left = left.try_collect::<Vec<_>>().await?;
            Joining::new(join, &left, memory, metrics)
        };
        Ok((joining, right))
    }

    /// Whether a column of the answer is the key.
    pub(crate) fn is_key(&self, column: usize) -> bool {
        let is = |key: &Arc<dyn PhysicalExpr>, column: &ColumnIndex| {
            key.downcast_ref::<Column>().is_some_and(|key| key.index() == column.index)
        };
        self.output.get(column).is_some_and(|column| match column.side {
            JoinSide::Left => is(&self.keys.0, column),
            JoinSide::Right => is(&self.keys.1, column),
            JoinSide::None => false,
        })
    }
}

/// A join at work.
pub(crate) struct Joining {
    join: KeyJoinExec,
    schema: SchemaRef,
    /// The left side.
    rows: RecordBatch,
    keys: ArrayRef,
    places: KeyPlaces,
    metrics: BaselineMetrics,
    _memory: MemoryReservation,
}

/// Rows of the answer.
pub(crate) struct Joined {
    pub(crate) rows: RecordBatch,
    /// The row of the left side that each of them holds.
    pub(crate) places: UInt32Array,
}

impl Joining {
    fn new(
        join: KeyJoinExec,
        left: &[RecordBatch],
        memory: MemoryReservation,
        metrics: BaselineMetrics,
    ) -> Result<Self> {
        let timer = metrics.elapsed_compute().timer();
        let rows = concat_batches(&join.left.schema(), left)?;
        let keys = join.keys.0.evaluate(&rows)?.into_array(rows.num_rows())?;
        let places = KeyPlaces::of(Arc::clone(&keys)).map_err(external)?;
        memory.try_grow(bytes_of(&rows) + places.bytes())?;
        timer.done();
        Ok(Self { schema: join.schema(), join, rows, keys, places, metrics, _memory: memory })
    }

    /// The keys of the left side, in the order of its rows.
    pub(crate) fn keys(&self) -> &ArrayRef {
        &self.keys
    }

    /// The rows of a batch of the right side that have one of the left side, beside it.
    pub(crate) fn join(&self, right: &RecordBatch) -> Result<Joined> {
        let timer = self.metrics.elapsed_compute().timer();
        let mut pairs = self.pairs(right)?;
        if let Some(condition) = &self.join.condition {
            let columns = pairs.columns(condition.column_indices())?;
            let rows = RecordBatch::try_new(Arc::clone(condition.schema()), columns)?;
            let holds = condition.expression().evaluate(&rows)?.into_array(rows.num_rows())?;
            let Some(holds) = holds.as_boolean_opt() else {
                return internal_err!("the condition of a join is {}", holds.data_type());
            };
            pairs = pairs.of_which(holds);
        }
        let count = RecordBatchOptions::new().with_row_count(Some(pairs.places.len()));
        let columns = pairs.columns(&self.join.output)?;
        let rows = RecordBatch::try_new_with_options(Arc::clone(&self.schema), columns, &count)?;
        self.metrics.record_output(rows.num_rows());
        timer.done();
        Ok(Joined { rows, places: pairs.places })
    }

    fn pairs<'a>(&'a self, right: &'a RecordBatch) -> Result<Pairs<'a>> {
        let keys = self.join.keys.1.evaluate(right)?.into_array(right.num_rows())?;
        let places = self.places.find(&keys).map_err(external)?;
        let pairs = |rows: Option<Vec<u32>>, places: Vec<u32>| Pairs {
            left: &self.rows,
            right,
            rows: rows.map(UInt32Array::from),
            places: UInt32Array::from(places),
        };
        if !places.contains(&NOWHERE) {
            return Ok(pairs(None, places));
        }
        let found = (0..).zip(places).filter(|(_, place)| *place != NOWHERE);
        let (rows, places) = found.unzip();
        Ok(pairs(Some(rows), places))
    }
}

/// Rows of one batch of the right side, and their rows of the left side.
struct Pairs<'a> {
    left: &'a RecordBatch,
    right: &'a RecordBatch,
    /// The rows of the right side, or all of them.
    rows: Option<UInt32Array>,
    /// The rows of the left side.
    places: UInt32Array,
}

impl Pairs<'_> {
    fn columns(&self, columns: &[ColumnIndex]) -> Result<Vec<ArrayRef>> {
        columns.iter().map(|column| self.column(column)).collect()
    }

    fn column(&self, column: &ColumnIndex) -> Result<ArrayRef> {
        Ok(match (column.side, &self.rows) {
            (JoinSide::Left, _) => take(self.left.column(column.index), &self.places, None)?,
            (JoinSide::Right, None) => Arc::clone(self.right.column(column.index)),
            (JoinSide::Right, Some(rows)) => take(self.right.column(column.index), rows, None)?,
            (JoinSide::None, _) => return internal_err!("a column of neither side of a join"),
        })
    }

    /// The pairs for which a condition holds; for null it does not.
    fn of_which(self, holds: &BooleanArray) -> Self {
        if holds.true_count() == self.places.len() {
            return self;
        }
        let rows = match &self.rows {
            Some(rows) => kept(rows.values(), holds).collect(),
            None => (0..).zip(holds).filter(|(_, holds)| *holds == Some(true)).map(|(row, _)| row).collect(),
        };
        let places = kept(self.places.values(), holds).collect();
        Self { rows: Some(rows), places, ..self }
    }
}

fn kept<'a>(values: &'a [u32], holds: &'a BooleanArray) -> impl Iterator<Item = u32> {
    values.iter().zip(holds).filter(|(_, holds)| *holds == Some(true)).map(|(value, _)| *value)
}

fn external(error: EngineError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

#[cfg(test)]
mod tests;
