//! Words: columns of texts of which few differ, read as the dictionaries that Parquet keeps.
//!
//! A text then is a number on its way from the file to the unit table, and is told once for each group of rows.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema, parquet_to_arrow_schema};
use parquet::errors::Result;
use parquet::file::metadata::{FileMetaData, KeyValue, ParquetMetaData};

/// The type of a column of words.
pub(crate) fn words() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// The names of the columns that are read as words.
#[derive(Clone, Debug, Default)]
pub(crate) struct WordColumns(Arc<BTreeSet<String>>);

impl WordColumns {
    pub(crate) fn new(names: impl IntoIterator<Item = String>) -> Self {
        Self(Arc::new(names.into_iter().collect()))
    }

    /// The names.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// The schema in which these columns, if they hold texts, hold words.
    pub(crate) fn in_schema(&self, schema: &Schema) -> SchemaRef {
        let field = |field: &Arc<Field>| {
            let is_text = field.data_type().is_string()
                || matches!(field.data_type(), DataType::Dictionary(_, value) if value.is_string());
            let coded = is_text && self.0.contains(field.name());
            if coded { Arc::new(field.as_ref().clone().with_data_type(words())) } else { Arc::clone(field) }
        };
        Arc::new(Schema::new_with_metadata(
            schema.fields().iter().map(field).collect::<Vec<_>>(),
            schema.metadata().clone(),
        ))
    }

    /// The footer of a file that tells readers to make words of these columns.
    ///
    /// Readers take types from the schema that writers of Arrow leave in a footer; it stands where DataFusion's reader
    /// looks for the type of a column before it decodes anything.
    pub(crate) fn in_footer(&self, footer: Arc<ParquetMetaData>) -> Result<Arc<ParquetMetaData>> {
        if self.0.is_empty() {
            return Ok(footer);
        }
        let facts = footer.file_metadata();
        let stored = parquet_to_arrow_schema(facts.schema_descr(), facts.key_value_metadata())?;
        let told = KeyValue::new(ARROW_SCHEMA_META_KEY.to_owned(), encode_arrow_schema(&self.in_schema(&stored)));
        let others =
            facts.key_value_metadata().into_iter().flatten().filter(|other| other.key != ARROW_SCHEMA_META_KEY);
        let facts = FileMetaData::new(
            facts.version(),
            facts.num_rows(),
            facts.created_by().map(str::to_owned),
            Some(others.cloned().chain([told]).collect()),
            facts.schema_descr_ptr(),
            facts.column_orders().cloned(),
        );
        Ok(Arc::new(ParquetMetaData::new(facts, footer.row_groups().to_vec())))
    }
}
