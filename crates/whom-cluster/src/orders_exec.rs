//! The one operator of ours on Ballista: a row of its input is a part, and its output is the answer.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::arrow::array::{AsArray, BinaryArray, RecordBatch, UInt32Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{internal_datafusion_err, internal_err};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt, stream};
use whom_engine::{Refusal, StageOrder};

use crate::answer::{self, Origin};
use crate::header::Header;
use crate::task::TaskName;
use crate::told::Told;
use crate::version::VERSION;
use crate::workshop::Workshop;

/// Has the parts done that its input holds, a partition each.
///
/// The parts lie in a memory table beneath, not in the operator: Ballista cuts that table to the partitions of a task, so that
/// a task carries its own parts and no others.
#[derive(Debug)]
pub(crate) struct OrdersExec {
    header: Header,
    input: Arc<dyn ExecutionPlan>,
    workshop: Option<Arc<Workshop>>,
    properties: Arc<PlanProperties>,
}

impl OrdersExec {
    /// The plan of a stage.
    ///
    /// # Errors
    /// [`DataFusionError`] if there are more parts than 32 bits count.
    pub(crate) fn plan(stage: &StageOrder) -> Result<Arc<Self>> {
        let header = Header { version: VERSION.to_owned(), name: stage.name.clone(), common: stage.common.clone() };
        let partitions: Result<Vec<Vec<RecordBatch>>> =
            stage.parts.iter().enumerate().map(|(index, part)| Ok(vec![part_row(index, part)?])).collect();
        let input = MemorySourceConfig::try_new_exec(&partitions?, part_schema(), None)?;
        Ok(Arc::new(Self::new(header, input, None)))
    }

    /// The operator as it is decoded; `workshop` where it is to be done.
    pub(crate) fn new(header: Header, input: Arc<dyn ExecutionPlan>, workshop: Option<Arc<Workshop>>) -> Self {
        let partitions = input.properties().output_partitioning().partition_count();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(answer::schema()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self { header, input, workshop, properties: Arc::new(properties) }
    }

    /// What travels of it.
    pub(crate) fn header(&self) -> &Header {
        &self.header
    }
}

impl DisplayAs for OrdersExec {
    fn fmt_as(&self, _: DisplayFormatType, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OrdersExec: {}", self.header.name)
    }
}

impl ExecutionPlan for OrdersExec {
    fn name(&self) -> &'static str {
        "OrdersExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let (Some(input), None) = (children.pop(), children.pop()) else {
            return internal_err!("an order has one input");
        };
        Ok(Arc::new(Self::new(self.header.clone(), input, self.workshop.clone())))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let Some(workshop) = self.workshop.clone() else {
            return internal_err!("orders are done by `whom executor` only");
        };
        let task = context.task_id().and_then(|name| TaskName::parse(&name));
        let task = task.ok_or_else(|| internal_datafusion_err!("a task of Ballista has no name that can be read"))?;
        let parts = self.input.execute(partition, context)?;
        let header = self.header.clone();
        let answers = stream::once(async move { answers(header, parts, workshop, task).await });
        let rows = answers.try_flatten();
        Ok(Box::pin(RecordBatchStreamAdapter::new(answer::schema(), rows)))
    }
}

/// The answers to the parts that lie in a stream, one after the other.
async fn answers(
    header: Header,
    parts: SendableRecordBatchStream,
    workshop: Arc<Workshop>,
    task: TaskName,
) -> Result<impl futures::Stream<Item = Result<RecordBatch>>> {
    if header.version != VERSION {
        return Err(DataFusionError::Execution(of_another_version(&header.version, workshop.host()).to_text()));
    }
    let mut rows = Vec::new();
    let batches: Vec<RecordBatch> = parts.try_collect().await?;
    for (index, part) in batches.iter().flat_map(parts_of) {
        let bytes = Arc::clone(&workshop).work(&task, &header, part).await?;
        let origin = Origin { part: index, task: task.task, host: workshop.host().to_owned() };
        rows.extend(answer::cut(&origin, &bytes));
    }
    Ok(stream::iter(rows).map(|row| row.map_err(DataFusionError::from)))
}

/// What is said of an order that another program wrote.
pub(crate) fn of_another_version(theirs: &str, host: &str) -> Told {
    let refusal = Refusal::Configuration(format!(
        "this is whom {VERSION}, and the order was written by whom {theirs}; run the same build everywhere"
    ));
    Told::Refusal { host: host.to_owned(), refusal }
}

fn part_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("part", DataType::UInt32, false),
        Field::new("order", DataType::Binary, false),
    ]))
}

fn part_row(index: usize, part: &Bytes) -> Result<RecordBatch> {
    let index = u32::try_from(index).map_err(|_| internal_datafusion_err!("a stage has too many parts"))?;
    let columns: Vec<datafusion::arrow::array::ArrayRef> =
        vec![Arc::new(UInt32Array::from(vec![index])), Arc::new(BinaryArray::from(vec![part.as_ref()]))];
    Ok(RecordBatch::try_new(part_schema(), columns)?)
}

/// The parts in a batch. Columns of other types, which no program of ours writes, hold none.
fn parts_of(batch: &RecordBatch) -> Vec<(u32, Bytes)> {
    let columns = batch.columns();
    let (Some(indices), Some(orders)) = (
        columns.first().and_then(|column| column.as_primitive_opt::<UInt32Type>()),
        columns.get(1).and_then(|column| column.as_binary_opt::<i32>()),
    ) else {
        return Vec::new();
    };
    let rows = indices.values().iter().copied().zip(orders.iter());
    rows.map(|(index, order)| (index, Bytes::copy_from_slice(order.unwrap_or_default()))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use async_trait::async_trait;
    use datafusion::execution::runtime_env::RuntimeEnv;
    use datafusion::prelude::SessionConfig;
    use whom_engine::{EngineError, Order, Worker};

    use super::*;
    use crate::version::without_hash;

    #[derive(Debug)]
    struct Echo;

    #[async_trait]
    impl Worker for Echo {
        async fn work(&self, order: Order) -> Result<Bytes, EngineError> {
            Ok(order.part)
        }
    }

    fn task() -> Arc<TaskContext> {
        let (config, runtime) = (SessionConfig::new(), Arc::new(RuntimeEnv::default()));
        let (name, session) = (Some("TID j/1.0/4.0".to_owned()), "s".to_owned());
        Arc::new(TaskContext::new(
            name,
            session,
            config,
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            HashMap::new(),
            runtime,
        ))
    }

    /// What an executor answers to the second of two parts, ordered by a program of a version.
    async fn answer_to(version: &str) -> Result<Vec<RecordBatch>> {
        let folder = tempfile::tempdir().unwrap();
        let threads = tokio::runtime::Handle::current();
        let workshop = Workshop::new(Arc::new(Echo), threads, 1, folder.path().to_owned(), "h".to_owned());
        let parts = vec![Bytes::from_static(b"a"), Bytes::from_static(b"b")];
        let plan = OrdersExec::plan(&StageOrder { name: "n".to_owned(), common: Bytes::new(), parts }).unwrap();
        let header = Header { version: version.to_owned(), ..plan.header().clone() };
        let plan = OrdersExec::new(header, Arc::clone(plan.children()[0]), Some(Arc::new(workshop)));
        plan.execute(1, task())?.try_collect().await
    }

    #[tokio::test]
    async fn an_executor_answers_a_part_with_its_number_and_that_of_the_task() {
        let answer = answer::put_together(1, &answer_to(VERSION).await.unwrap()).unwrap();
        assert_eq!((answer.bytes.as_ref(), answer.host.as_str(), answer.task), (b"b".as_slice(), "h", 4));
    }

    #[tokio::test]
    async fn an_executor_of_another_version_refuses_with_both() {
        let told = Told::find(&answer_to("9.9.9").await.unwrap_err().to_string()).unwrap();
        let Told::Refusal { host, refusal } = told else { panic!("{told:?}") };
        let said = refusal.into_error(&host).to_string();
        insta::assert_snapshot!(without_hash(&said), @"on `h`: this is whom 0.1.0 (build BUILD), and the order was written by whom 9.9.9; run the same build everywhere");
    }
}
