//! How the one operator of ours travels; Ballista's own are left to Ballista's codec.

use std::fmt;
use std::sync::Arc;

use ballista_core::serde::BallistaPhysicalExtensionCodec;
use datafusion::common::{internal_datafusion_err, internal_err};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};

use crate::header::Header;
use crate::orders_exec::{OrdersExec, of_another_version};
use crate::version::VERSION;
use crate::workshop::Workshop;

/// Who reads an order.
pub(crate) enum Reader {
    /// Whoever hands it in.
    Client,
    /// The scheduler of this name, which passes it on, and refuses one of another version before any executor sees it.
    Scheduler(String),
    /// An executor, which does it, and answers one of another version with a refusal.
    Executor(Arc<Workshop>),
}

/// Writes and reads orders.
pub(crate) struct OrdersCodec {
    reader: Reader,
    ballista: BallistaPhysicalExtensionCodec,
}

impl OrdersCodec {
    /// The codec for a reader.
    pub(crate) fn new(reader: Reader) -> Self {
        Self { reader, ballista: BallistaPhysicalExtensionCodec::default() }
    }

    fn read(&self, header: Header, inputs: &[Arc<dyn ExecutionPlan>]) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = inputs else { return internal_err!("an order has one input") };
        let workshop = match &self.reader {
            Reader::Executor(workshop) => Some(Arc::clone(workshop)),
            Reader::Scheduler(host) if header.version != VERSION => {
                let told = of_another_version(&header.version, host);
                return Err(DataFusionError::Execution(told.to_text()));
            }
            Reader::Scheduler(_) | Reader::Client => None,
        };
        Ok(Arc::new(OrdersExec::new(header, Arc::clone(input), workshop)))
    }
}

impl fmt::Debug for OrdersCodec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OrdersCodec")
    }
}

impl PhysicalExtensionCodec for OrdersCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if !Header::is_one(bytes) {
            return self.ballista.try_decode(bytes, inputs, context, converter);
        }
        let header = Header::decode(bytes).ok_or_else(|| internal_datafusion_err!("an order cannot be read"))?;
        self.read(header, inputs)
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        into: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        if let Some(orders) = node.downcast_ref::<OrdersExec>() {
            orders.header().encode(into);
            return Ok(());
        }
        self.ballista.try_encode(node, into, converter)
    }
}
