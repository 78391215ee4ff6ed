//! What the footers of a day's files say, so that nobody has to read them again.

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::ipc::reader::StreamReader;
use datafusion::arrow::ipc::writer::StreamWriter;

use crate::error::EngineError;

/// The columns and rows of a day of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayFacts {
    /// The day.
    pub day: chrono::NaiveDate,
    /// The columns that the day's files share, as [`PinnedTable`](crate::PinnedTable) joins them.
    pub schema: SchemaRef,
    /// The rows that the footers promise.
    pub rows: u64,
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

    /// What bytes of [`Self::schema_bytes`] say; none if they say nothing.
    pub fn from_bytes(day: chrono::NaiveDate, schema: &[u8], rows: u64) -> Option<Self> {
        let reader = StreamReader::try_new(schema, None).ok()?;
        Some(Self { day, schema: reader.schema(), rows })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::datatypes::{DataType, Field, Schema, TimeUnit};

    use super::*;

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
        let day = chrono::NaiveDate::default();
        let facts = DayFacts { day, schema: Arc::new(Schema::new(fields)), rows: 7 };
        let bytes = facts.schema_bytes().unwrap();
        assert_eq!(DayFacts::from_bytes(day, &bytes, 7), Some(facts));
        assert_eq!(DayFacts::from_bytes(day, &bytes[..bytes.len() / 2], 7), None);
        assert_eq!(DayFacts::from_bytes(day, b"", 7), None);
    }
}
