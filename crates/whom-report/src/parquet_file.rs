//! Parquet with the same bytes for the same table: fixed properties, no clock, no version of ours or of a library.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Field, Schema};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterVersion};

use crate::error::ReportError;

/// Who made the file, in its footer. It names no version, so that a newer build writes the same bytes.
const CREATED_BY: &str = "whom";

/// Columns in the order in which they are added.
pub(crate) struct Columns {
    table: &'static str,
    fields: Vec<Field>,
    arrays: Vec<ArrayRef>,
}

impl Columns {
    /// A table of no columns, named as its file.
    pub(crate) fn of(table: &'static str) -> Self {
        Self { table, fields: Vec::new(), arrays: Vec::new() }
    }

    /// A column of words.
    pub(crate) fn words<'a>(self, name: &str, words: impl Iterator<Item = &'a str>) -> Self {
        self.add(name, false, words.map(Some).collect::<StringArray>())
    }

    /// A column of words that may be absent.
    pub(crate) fn optional_words<'a>(self, name: &str, words: impl Iterator<Item = Option<&'a str>>) -> Self {
        self.add(name, true, words.collect::<StringArray>())
    }

    /// A column of numbers that may be absent; what is not finite is absent.
    pub(crate) fn numbers(self, name: &str, numbers: impl Iterator<Item = Option<f64>>) -> Self {
        self.add(name, true, numbers.map(finite).collect::<Float64Array>())
    }

    /// A column of counts.
    pub(crate) fn counts(self, name: &str, counts: impl Iterator<Item = u64>) -> Self {
        self.add(name, false, counts.map(|count| Some(count as i64)).collect::<Int64Array>())
    }

    /// A column of counts that may be absent.
    pub(crate) fn optional_counts(self, name: &str, counts: impl Iterator<Item = Option<u64>>) -> Self {
        self.add(name, true, counts.map(|count| count.map(|count| count as i64)).collect::<Int64Array>())
    }

    /// A column of yes and no.
    pub(crate) fn flags(self, name: &str, flags: impl Iterator<Item = bool>) -> Self {
        self.add(name, false, flags.map(Some).collect::<BooleanArray>())
    }

    /// Any column.
    pub(crate) fn add(mut self, name: &str, nullable: bool, array: impl Array + 'static) -> Self {
        self.fields.push(Field::new(name, array.data_type().clone(), nullable));
        self.arrays.push(Arc::new(array));
        self
    }

    /// The columns as one batch.
    ///
    /// # Errors
    /// If the columns are of different lengths.
    pub(crate) fn batch(self) -> Result<RecordBatch, ReportError> {
        let table = self.table;
        RecordBatch::try_new(Arc::new(Schema::new(self.fields)), self.arrays)
            .map_err(|source| ReportError::Columns { table, source })
    }
}

/// The number, if it is one.
pub(crate) fn finite(number: Option<f64>) -> Option<f64> {
    number.filter(|number| number.is_finite())
}

/// One table as the bytes of a Parquet file, with its schema version and the analysis it belongs to in the footer. The schema is
/// named as the file is.
///
/// # Errors
/// If the table cannot be encoded.
pub(crate) fn table_bytes(
    table: &'static str,
    version: u32,
    analysis: &str,
    batch: &RecordBatch,
) -> Result<Vec<u8>, ReportError> {
    let (schema, version) = (table.trim_end_matches(".parquet"), version.to_string());
    let metadata = [("whom.schema", schema), ("whom.schema_version", version.as_str()), ("whom.analysis", analysis)];
    encode(batch, &metadata).map_err(|source| ReportError::Parquet { table, source })
}

fn encode(batch: &RecordBatch, metadata: &[(&str, &str)]) -> Result<Vec<u8>, ParquetError> {
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new_with_options(&mut bytes, batch.schema(), writer_options(metadata)?)?;
    writer.write(batch)?;
    writer.close()?;
    Ok(bytes)
}

/// How every file of ours is written, with what its footer says.
pub(crate) fn writer_options(metadata: &[(&str, &str)]) -> Result<ArrowWriterOptions, ParquetError> {
    let metadata = metadata.iter().map(|(key, value)| KeyValue::new((*key).to_owned(), (*value).to_owned())).collect();
    let properties = WriterProperties::builder()
        .set_created_by(CREATED_BY.to_owned())
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_key_value_metadata(Some(metadata))
        .build();
    Ok(ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true))
}
