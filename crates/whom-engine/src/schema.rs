//! The schema of a table, read from the footers of its pinned files.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::datasource::physical_plan::parquet::metadata::DFParquetMetadata;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStore};
use parquet::arrow::parquet_to_arrow_schema;
use parquet::file::metadata::ParquetMetaData;
use whom_store::{PinnedFile, PinnedFiles, Redacted, StoreError};

use crate::day_facts::DayFacts;
use crate::error::{EngineError, parquet_words};

/// Footers read at once.
const CONCURRENT_FOOTERS: usize = 16;

/// Bytes read from the end of a file in the hope that they hold the whole footer.
const FOOTER_HINT: usize = 64 << 10;

/// What to do about a file whose footer cannot be read.
const WRITE_AGAIN: &str = "it may be truncated, or of another format: write it again";

/// The footer facts of one file, and where it lies.
#[derive(Clone, Debug)]
pub(crate) struct Footer {
    pub(crate) address: Redacted,
    pub(crate) schema: SchemaRef,
    pub(crate) rows: u64,
    /// The day of its partition.
    pub(crate) day: Option<NaiveDate>,
    /// Sizes of the columns by name.
    pub(crate) sizes: BTreeMap<String, ColumnSize>,
}

/// Compressed bytes of a column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ColumnSize {
    /// In all row groups.
    pub all: u64,
    /// In the largest row group.
    pub largest: u64,
}

impl ColumnSize {
    /// Adds the size of the same column in other row groups.
    pub(crate) fn add(&mut self, other: Self) {
        self.all += other.all;
        self.largest = self.largest.max(other.largest);
    }
}

impl Footer {
    /// One footer for all files of a day, at the first of them.
    pub(crate) fn of_day(facts: &DayFacts, pinned: &PinnedFiles) -> Self {
        let address = pinned
            .files_of(facts.day)
            .next()
            .map_or_else(|| pinned.location.whole(), |file| pinned.address(&file.path));
        let DayFacts { day, schema, rows, sizes } = facts.clone();
        Self { address, schema, rows, day: Some(day), sizes }
    }
}

/// Reads the footers of some files of a listing, in their order.
pub(crate) async fn read_footers(
    store: &Arc<dyn ObjectStore>,
    pinned: &PinnedFiles,
    files: Vec<PinnedFile>,
) -> Result<Vec<Footer>, EngineError> {
    let files: Vec<(PinnedFile, Redacted)> =
        files.into_iter().map(|file| (file.clone(), pinned.address(&file.path))).collect();
    stream::iter(files)
        .map(|(file, address)| read_footer(Arc::clone(store), file, address))
        .buffered(CONCURRENT_FOOTERS)
        .try_collect()
        .await
}

async fn read_footer(store: Arc<dyn ObjectStore>, file: PinnedFile, address: Redacted) -> Result<Footer, EngineError> {
    let day = file.partition_day;
    let meta = ObjectMeta {
        location: file.path,
        last_modified: file.last_modified,
        size: file.size,
        e_tag: file.etag,
        version: file.version,
    };
    let metadata = DFParquetMetadata::new(store.as_ref(), &meta)
        .with_metadata_size_hint(Some(FOOTER_HINT))
        .fetch_metadata()
        .await
        .map_err(|error| unreadable(&address, &error))?;
    let facts = metadata.file_metadata();
    let schema = parquet_to_arrow_schema(facts.schema_descr(), facts.key_value_metadata())
        .map_err(|error| unreadable(&address, &error))?;
    let rows = u64::try_from(facts.num_rows()).map_err(|_| EngineError::Input {
        problem: format!("`{address}` claims a negative number of rows"),
        fix: WRITE_AGAIN.to_owned(),
    })?;
    Ok(Footer { address, schema: Arc::new(schema), rows, day, sizes: column_sizes(&metadata) })
}

/// The sizes of the columns; those inside a nested column count as one.
pub(crate) fn column_sizes(metadata: &ParquetMetaData) -> BTreeMap<String, ColumnSize> {
    let mut sizes: BTreeMap<String, ColumnSize> = BTreeMap::new();
    for group in metadata.row_groups() {
        let mut of_group: BTreeMap<&str, u64> = BTreeMap::new();
        for chunk in group.columns() {
            let name = chunk.column_path().parts().first().map_or("", String::as_str);
            *of_group.entry(name).or_default() += u64::try_from(chunk.compressed_size()).unwrap_or(0);
        }
        for (name, bytes) in of_group {
            sizes.entry(name.to_owned()).or_default().add(ColumnSize { all: bytes, largest: bytes });
        }
    }
    sizes
}

fn unreadable(address: &Redacted, error: &(dyn std::error::Error + 'static)) -> EngineError {
    match StoreError::find_in(error) {
        Some(store) => EngineError::Store(store.clone()),
        None => EngineError::Input {
            problem: format!("`{address}` is not a readable Parquet file: {}", parquet_words(error)),
            fix: WRITE_AGAIN.to_owned(),
        },
    }
}

/// The one schema that all files share: columns by name in alphabetical order, so that neither the order of files nor
/// that of columns shows. A column that a file lacks is NULL there; a column with two types is refused, but for the
/// encodings of one type.
pub(crate) fn unify(footers: &[Footer], partition: Option<&str>) -> Result<SchemaRef, EngineError> {
    let mut fields: BTreeMap<&str, (Field, &Redacted)> = BTreeMap::new();
    for footer in footers {
        for field in footer.schema.fields().iter().filter(|field| Some(field.name().as_str()) != partition) {
            let plain = Field::new(field.name(), plain_type(field.data_type()), true);
            match fields.get(field.name().as_str()) {
                Some((known, _)) if known.data_type() == plain.data_type() => {}
                Some((known, first)) => return Err(drifted(&plain, &footer.address, known, first)),
                None => {
                    fields.insert(field.name(), (plain, &footer.address));
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

fn drifted(field: &Field, address: &Redacted, known: &Field, first: &Redacted) -> EngineError {
    let (name, kind, known) = (field.name(), field.data_type(), known.data_type());
    EngineError::Input {
        problem: format!("column `{name}` is {kind} in `{address}` but {known} in `{first}`"),
        fix: "write it with one type in all files".to_owned(),
    }
}
