//! What the footers of a day's files say, so that nobody has to read them again.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::StreamWriter;
use whom_store::DayRecord;

use crate::error::EngineError;
use crate::schema::ColumnSize;

/// The columns and rows of a day of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayFacts {
    /// The day.
    pub day: NaiveDate,
    /// The columns that the day's files share, as [`PinnedTable`](crate::PinnedTable) joins them.
    pub schema: SchemaRef,
    /// The rows that the footers promise.
    pub rows: u64,
    /// The sizes of the columns, as far as they are known.
    pub sizes: BTreeMap<String, ColumnSize>,
}

impl DayFacts {
    /// The columns as bytes: an Arrow stream without rows.
    ///
    /// # Errors
    /// [`EngineError::Internal`] for types that Arrow cannot write down.
    pub fn schema_bytes(&self) -> Result<Vec<u8>, EngineError> {
        let mut bytes = Vec::new();
        let written = StreamWriter::try_new(&mut bytes, &self.schema).and_then(|mut writer| writer.finish());
        written.map_err(|error| EngineError::Internal(error.to_string()))?;
        Ok(bytes)
    }

    /// What the record of a cached day says, with the sizes of the columns that are kept; none if it says nothing.
    pub fn recorded(day: NaiveDate, record: &DayRecord) -> Option<Self> {
        let schema = record.schema.bytes()?;
        let reader = StreamReader::try_new(schema.as_slice(), None).ok()?;
        let mut sizes: BTreeMap<String, ColumnSize> = BTreeMap::new();
        for (name, [all, largest]) in record.parts.iter().flat_map(|part| &part.columns) {
            sizes.entry(name.clone()).or_default().add(ColumnSize { all: *all, largest: *largest });
        }
        Some(Self { day, schema: reader.schema(), rows: record.rows, sizes })
    }

    /// The facts of the same day with these columns only.
    #[must_use]
    pub fn projected(&self, columns: &[String]) -> Self {
        let kept = self.schema.fields().iter().filter(|field| columns.contains(field.name()));
        let schema = Arc::new(Schema::new(kept.map(|field| Field::clone(field)).collect::<Vec<Field>>()));
        Self { schema, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::datatypes::{DataType, TimeUnit};
    use whom_store::Encoded;

    use super::*;

    fn record(schema: &[u8]) -> DayRecord {
        let schema = Encoded::new(schema);
        DayRecord { source: String::new(), schema, rows: 7, columns: Vec::new(), parts: Vec::new() }
    }

    #[test]
    fn facts_come_back_as_they_were_written() {
        let element = Arc::new(Field::new("element", DataType::Utf8, true));
        let kinds = [
            DataType::Int64,
            DataType::Utf8,
            DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            DataType::Timestamp(TimeUnit::Microsecond, None),
            DataType::Decimal128(12, 2),
            DataType::Date32,
            DataType::List(element),
        ];
        let fields: Vec<Field> =
            kinds.iter().enumerate().map(|(place, kind)| Field::new(format!("c{place}"), kind.clone(), true)).collect();
        let day = NaiveDate::default();
        let facts = DayFacts { day, schema: Arc::new(Schema::new(fields)), rows: 7, sizes: BTreeMap::new() };
        let bytes = facts.schema_bytes().unwrap();
        assert_eq!(DayFacts::recorded(day, &record(&bytes)), Some(facts));
        assert_eq!(DayFacts::recorded(day, &record(&bytes[..bytes.len() / 2])), None);
        assert_eq!(DayFacts::recorded(day, &record(b"")), None);
    }
}
