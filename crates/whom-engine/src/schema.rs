//! The schema of a table, read from the footers of its pinned files.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use datafusion::error::DataFusionError;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};
use parquet::arrow::parquet_to_arrow_schema;
use whom_store::{PinnedFile, StoreError};

use crate::error::EngineError;

/// Footers read at once.
const CONCURRENT_FOOTERS: usize = 16;

/// Bytes read from the end of a file in the hope that they hold the whole footer.
const FOOTER_HINT: usize = 64 << 10;

/// The footer facts of one file.
#[derive(Clone, Debug)]
pub(crate) struct Footer {
    pub(crate) path: Path,
    pub(crate) schema: Schema,
    pub(crate) rows: u64,
}

/// Reads the footers of the files, in the order given.
pub(crate) async fn read_footers(
    store: &Arc<dyn ObjectStore>,
    files: &[PinnedFile],
) -> Result<Vec<Footer>, EngineError> {
    stream::iter(files.to_vec())
        .map(|file| read_footer(Arc::clone(store), file))
        .buffered(CONCURRENT_FOOTERS)
        .try_collect()
        .await
}

async fn read_footer(store: Arc<dyn ObjectStore>, file: PinnedFile) -> Result<Footer, EngineError> {
    let meta = ObjectMeta {
        location: file.path.clone(),
        last_modified: file.last_modified,
        size: file.size,
        e_tag: file.etag.clone(),
        version: file.version.clone(),
    };
    let metadata = DFParquetMetadata::new(store.as_ref(), &meta)
        .with_metadata_size_hint(Some(FOOTER_HINT))
        .fetch_metadata()
        .await
        .map_err(|error| unreadable(&file.path, &error))?;
    let facts = metadata.file_metadata();
    let schema = parquet_to_arrow_schema(facts.schema_descr(), facts.key_value_metadata())
        .map_err(|error| unreadable(&file.path, &error.into()))?;
    let rows = u64::try_from(facts.num_rows())
        .map_err(|_| EngineError::Input(format!("`{}` claims a negative number of rows", file.path)))?;
    Ok(Footer { path: file.path, schema, rows })
}

fn unreadable(path: &Path, error: &DataFusionError) -> EngineError {
    match StoreError::find_in(error) {
        Some(store) => EngineError::Store(store.clone()),
        None => EngineError::Input(format!(
            "`{path}` is not a readable Parquet file: {}; it may be truncated, write it again",
            error.strip_backtrace()
        )),
    }
}

/// The one schema that all files share: columns by name in alphabetical order, so that neither the order of files nor
/// that of columns shows. A column that a file lacks is NULL there; a column with two types is refused, but for the
/// encodings of one type.
pub(crate) fn unify(footers: &[Footer], partition: Option<&str>) -> Result<SchemaRef, EngineError> {
    let mut fields: BTreeMap<&str, (Field, &Path)> = BTreeMap::new();
    for footer in footers {
        for field in footer.schema.fields().iter().filter(|field| Some(field.name().as_str()) != partition) {
            let plain = Field::new(field.name(), plain_type(field.data_type()), true);
            match fields.get(field.name().as_str()) {
                Some((known, _)) if known.data_type() == plain.data_type() => {}
                Some((known, first)) => return Err(drifted(&plain, &footer.path, known, first)),
                None => {
                    fields.insert(field.name(), (plain, &footer.path));
                }
            }
        }
    }
    Ok(Arc::new(Schema::new(fields.into_values().map(|(field, _)| field).collect::<Vec<_>>())))
}

/// The type behind an encoding: dictionaries and views are how a text is stored, not what it is.
fn plain_type(kind: &DataType) -> DataType {
    match kind {
        DataType::Dictionary(_, value) => plain_type(value),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        other => other.clone(),
    }
}

fn drifted(field: &Field, path: &Path, known: &Field, first: &Path) -> EngineError {
    EngineError::Input(format!(
        "column `{}` is {} in `{path}` but {} in `{first}`; write it with one type in all files",
        field.name(),
        field.data_type(),
        known.data_type(),
    ))
}
