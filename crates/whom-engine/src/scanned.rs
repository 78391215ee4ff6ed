//! What a physical plan reads from files.

use std::any::Any;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;

/// Bytes that a text is taken to have, with its offset: what lies in the files says nothing of single rows.
const TEXT: u64 = 16;

/// The columns that a plan reads from files, those that its filters ask for included.
pub fn columns(plan: &Arc<dyn ExecutionPlan>) -> Vec<String> {
    let node: &dyn Any = plan.as_ref();
    if let Some(source) = node.downcast_ref::<DataSourceExec>() {
        let data: &dyn Any = source.data_source().as_ref();
        if let Some(scan) = data.downcast_ref::<FileScanConfig>() {
            return read_by(scan);
        }
    }
    plan.children().into_iter().flat_map(columns).collect()
}

fn read_by(scan: &FileScanConfig) -> Vec<String> {
    let schema = scan.file_schema();
    let named = |place: usize| schema.fields().get(place).map(|field| field.name().clone());
    let mut names: Vec<String> = match scan.file_source().projection() {
        Some(projection) => projection.column_indices().into_iter().filter_map(named).collect(),
        None => schema.fields().iter().map(|field| field.name().clone()).collect(),
    };
    let filters = scan.file_source().filter();
    names.extend(filters.iter().flat_map(|filter| {
        let columns = datafusion::physical_expr::utils::collect_columns(filter);
        let mut names: Vec<String> = columns.into_iter().map(|column| column.name().to_owned()).collect();
        names.sort_unstable();
        names
    }));
    names.sort_unstable();
    names.dedup();
    names
}

/// About how many bytes a row takes in memory.
pub fn row_bytes(schema: &Schema) -> u64 {
    schema.fields().iter().map(|field| value_bytes(field.data_type())).sum()
}

fn value_bytes(kind: &DataType) -> u64 {
    match kind {
        DataType::Boolean | DataType::Null => 1,
        DataType::Dictionary(key, _) => value_bytes(key),
        other => other.primitive_width().map_or(TEXT, |bytes| bytes as u64),
    }
}
