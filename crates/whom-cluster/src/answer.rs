//! Answers as rows: cut, because messages are limited, and put together again.

use std::sync::{Arc, LazyLock};

use bytes::{Bytes, BytesMut};
use datafusion::arrow::array::{ArrayRef, AsArray, BinaryArray, BooleanArray, RecordBatch, StringArray, UInt32Array};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, UInt32Type};
use datafusion::arrow::error::ArrowError;

/// The most bytes of an answer in one row. Messages of gRPC hold at least one row each.
pub(crate) const ROW_BYTES: usize = 4 << 20;

static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
    Arc::new(Schema::new(vec![
        Field::new("part", DataType::UInt32, false),
        Field::new("sequence", DataType::UInt32, false),
        Field::new("last", DataType::Boolean, false),
        Field::new("task", DataType::UInt32, false),
        Field::new("host", DataType::Utf8, false),
        Field::new("bytes", DataType::Binary, false),
    ]))
});

/// Which part was answered, by whom.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    /// The part, from zero.
    pub(crate) part: u32,
    /// The number of the task, from zero in the order of their starts; a task that is repeated gets a new one.
    pub(crate) task: u32,
    /// The executor that did the work.
    pub(crate) host: String,
}

/// The answer to one part.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// What was answered.
    pub(crate) bytes: Bytes,
    /// The executor that did the work.
    pub(crate) host: String,
    /// The number of the task.
    pub(crate) task: u32,
}

/// The columns of an answer.
pub(crate) fn schema() -> SchemaRef {
    Arc::clone(&SCHEMA)
}

/// An answer in batches of one row of at most [`ROW_BYTES`] bytes; an empty answer is one row.
pub(crate) fn cut(origin: &Origin, bytes: &Bytes) -> Vec<Result<RecordBatch, ArrowError>> {
    let rows = bytes.len().div_ceil(ROW_BYTES).max(1);
    let piece = |row: usize| bytes.slice(row * ROW_BYTES..((row + 1) * ROW_BYTES).min(bytes.len()));
    (0..rows).map(|row| one_row(origin, row, row + 1 == rows, &piece(row))).collect()
}

fn one_row(origin: &Origin, sequence: usize, last: bool, bytes: &[u8]) -> Result<RecordBatch, ArrowError> {
    let sequence =
        u32::try_from(sequence).map_err(|_| ArrowError::InvalidArgumentError("an answer is too long".into()))?;
    let columns: Vec<ArrayRef> = vec![
        Arc::new(UInt32Array::from(vec![origin.part])),
        Arc::new(UInt32Array::from(vec![sequence])),
        Arc::new(BooleanArray::from(vec![last])),
        Arc::new(UInt32Array::from(vec![origin.task])),
        Arc::new(StringArray::from(vec![origin.host.as_str()])),
        Arc::new(BinaryArray::from(vec![bytes])),
    ];
    RecordBatch::try_new(schema(), columns)
}

/// The answer to a part from all its rows, in their order.
///
/// # Errors
/// What is missing or wrong about them.
pub(crate) fn put_together(part: usize, batches: &[RecordBatch]) -> Result<Answer, String> {
    let wrong = |what: &str| format!("the answer to part {part} {what}");
    let (mut bytes, mut origin, mut next, mut complete) = (BytesMut::new(), None, 0u32, false);
    for batch in batches {
        if batch.schema_ref().fields() != SCHEMA.fields() {
            return Err(wrong("has other columns"));
        }
        for row in 0..batch.num_rows() {
            let numbered = |column: usize| batch.column(column).as_primitive::<UInt32Type>().value(row);
            let (said, sequence) = (numbered(0), numbered(1));
            if complete || usize::try_from(said) != Ok(part) || sequence != next {
                return Err(wrong(&format!("has row {sequence} of part {said} where row {next} belongs")));
            }
            next += 1;
            complete = batch.column(2).as_boolean().value(row);
            origin = Some((batch.column(4).as_string::<i32>().value(row).to_owned(), numbered(3)));
            bytes.extend_from_slice(batch.column(5).as_binary::<i32>().value(row));
        }
    }
    match origin {
        Some((host, task)) if complete => Ok(Answer { bytes: bytes.freeze(), host, task }),
        _ => Err(wrong("is not complete")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(part: u32, bytes: &Bytes) -> Vec<RecordBatch> {
        let origin = Origin { part, task: 7, host: "h".to_owned() };
        cut(&origin, bytes).into_iter().map(Result::unwrap).collect()
    }

    fn long() -> Bytes {
        Bytes::from((0..ROW_BYTES * 2 + 3).map(|at| (at % 251) as u8).collect::<Vec<u8>>())
    }

    #[test]
    fn an_answer_of_any_length_arrives_as_it_was() {
        for bytes in [Bytes::new(), Bytes::from_static(b"x"), long().slice(..ROW_BYTES), long()] {
            let answer = put_together(3, &rows(3, &bytes)).unwrap();
            assert_eq!((answer.bytes, answer.host.as_str(), answer.task), (bytes, "h", 7));
        }
    }

    #[test]
    fn no_row_is_longer_than_a_message_may_be() {
        let batches = rows(0, &long());
        assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [1, 1, 1]);
        assert!(batches.iter().all(|batch| batch.column(5).as_binary::<i32>().value(0).len() <= ROW_BYTES));
    }

    #[test]
    fn what_is_missing_twice_or_of_another_part_is_noticed() {
        let whole = rows(1, &long());
        let told = |batches: &[RecordBatch]| put_together(1, batches).unwrap_err();
        insta::assert_snapshot!(told(&[]), @"the answer to part 1 is not complete");
        insta::assert_snapshot!(told(&whole[..2]), @"the answer to part 1 is not complete");
        insta::assert_snapshot!(told(&whole[1..]), @"the answer to part 1 has row 1 of part 1 where row 0 belongs");
        insta::assert_snapshot!(told(&[whole.clone(), whole.clone()].concat()), @"the answer to part 1 has row 0 of part 1 where row 3 belongs");
        insta::assert_snapshot!(told(&rows(2, &Bytes::new())), @"the answer to part 1 has row 0 of part 2 where row 0 belongs");
    }
}
