//! Parquet files: the same bytes for the same rows.

use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::Path;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use crate::error::SimulateError;

/// Who made the file, in its footer. It names no version, so that a newer build writes the same bytes.
const CREATED_BY: &str = "whom simulate";
/// A level that costs little time.
const COMPRESSION_LEVEL: i32 = 1;

/// How much a file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileSize {
    /// Its rows.
    pub rows: u64,
    /// Its bytes, compressed.
    pub bytes: u64,
}

/// Writes rows to a file, whose folder is made if needed. `high_cardinality` are columns of which a dictionary would be
/// given up anyway.
///
/// # Errors
/// If the file cannot be written, or a block cannot be encoded.
pub(crate) fn write(
    path: &Path,
    blocks: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    high_cardinality: &[&str],
) -> Result<FileSize, SimulateError> {
    let failed = |source| SimulateError::Write { path: path.to_owned(), source };
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
    let file = BufWriter::new(File::create(path).map_err(failed)?);
    let rows = encode(file, blocks, high_cardinality).map_err(|source| unwrapped(path, source))?;
    let bytes = fs::metadata(path).map_err(failed)?.len();
    Ok(FileSize { rows, bytes })
}

/// The rows that were written.
fn encode(
    file: BufWriter<File>,
    blocks: impl Iterator<Item = Result<RecordBatch, ArrowError>>,
    high_cardinality: &[&str],
) -> Result<u64, ParquetError> {
    let mut blocks = blocks.peekable();
    let schema = match blocks.peek() {
        Some(Ok(first)) => first.schema(),
        _ => return blocks.next().transpose().map(|_| 0).map_err(ParquetError::from),
    };
    let options = ArrowWriterOptions::new()
        .with_properties(properties(&schema, high_cardinality)?)
        // Otherwise readers would be told of dictionaries, which are our own affair.
        .with_skip_arrow_metadata(true);
    let mut writer = ArrowWriter::try_new_with_options(file, schema, options)?;
    let mut rows = 0;
    for block in blocks {
        let block = block?;
        rows += block.num_rows() as u64;
        writer.write(&block)?;
    }
    writer.close()?;
    Ok(rows)
}

fn properties(schema: &SchemaRef, high_cardinality: &[&str]) -> Result<WriterProperties, ParquetError> {
    let level = ZstdLevel::try_new(COMPRESSION_LEVEL)?;
    let builder = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(level));
    let plain = schema.fields().iter().filter(|field| {
        matches!(field.data_type(), DataType::Int64 | DataType::Timestamp(..))
            || high_cardinality.contains(&field.name().as_str())
    });
    let plain = plain.map(|field| ColumnPath::from(field.name().as_str()));
    Ok(plain.fold(builder, |builder, column| builder.set_column_dictionary_enabled(column, false)).build())
}

/// What the system said, if the encoder only passes it on.
fn unwrapped(path: &Path, error: ParquetError) -> SimulateError {
    let path = path.to_owned();
    match error {
        ParquetError::External(source) => match source.downcast::<io::Error>() {
            Ok(source) => SimulateError::Write { path, source: *source },
            Err(source) => SimulateError::Encode { path, source: ParquetError::External(source) },
        },
        source => SimulateError::Encode { path, source },
    }
}
