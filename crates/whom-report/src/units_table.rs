//! `units.parquet`: the unit table, written as it was made, some units after others.

use std::fs::File;
use std::io::Write;

use arrow::array::RecordBatch;
use arrow::compute::BatchCoalescer;
use arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_writer::{
    ArrowColumnChunk, ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriter, compute_leaves,
};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::ParquetError;
use parquet::file::metadata::{ColumnChunkMetaData, PageIndexPolicy, ParquetMetaDataOptions, ParquetMetaDataReader};
use parquet::file::statistics::Statistics;
use parquet::file::writer::SerializedFileWriter;
use rayon::prelude::*;

use crate::error::ReportError;
use crate::parquet_file::writer_options;

/// The version of the columns of `units.parquet`.
pub const UNITS_SCHEMA_VERSION: u32 = 1;

/// The name of the file.
pub const UNITS_FILE: &str = "units.parquet";

/// Units that are encoded at once.
const CHUNK_UNITS: usize = 1 << 16;

/// Units of a row group: a whole number of chunks.
pub const UNITS_GROUP: u64 = 1 << 20;

/// Bytes that encoding a column takes besides: a dictionary, what finds values in it, and a page.
const COLUMN_BYTES: u64 = 1 << 20;

/// Encoded units take about one part in so many of what they take in columns.
const SMALLER: u64 = 8;

/// About how many bytes a [`UnitsWriter`] takes for so many units of so many columns, where a unit takes `row` bytes: a row
/// group of encoded columns, two chunks of units, and what encodes each column.
pub fn units_writer_bytes(units: u64, columns: u64, row: u64) -> u64 {
    let group = units.min(UNITS_GROUP) * row / SMALLER;
    let chunks = 2 * units.min(CHUNK_UNITS as u64) * row;
    group + chunks + columns * COLUMN_BYTES.min(8 * units)
}

/// Writes the unit table as Parquet: unit, arm, first_exposure, bucket, fold, then each metric in its own unit, each tag, each column of strata,
/// and of each linear model and treatment the predicted effect with its standard error.
///
/// Units are cut into chunks and row groups by their number, so the bytes do not depend on how they are handed over. Columns
/// are encoded side by side; a row group of encoded columns and a chunk of units are in memory.
pub struct UnitsWriter<W: Write + Send> {
    schema: SchemaRef,
    file: SerializedFileWriter<W>,
    groups: ArrowRowGroupWriterFactory,
    chunks: BatchCoalescer,
    /// The columns of the row group that is being written, and its units.
    columns: Vec<ArrowColumnWriter>,
    in_group: usize,
    units: u64,
}

impl<W: Write + Send> UnitsWriter<W> {
    /// Begins a file for units in these columns.
    ///
    /// # Errors
    /// If the columns cannot be written as Parquet, or nothing can be written to `out`.
    pub fn new(schema: &SchemaRef, analysis: &str, out: W) -> Result<Self, ReportError> {
        let version = UNITS_SCHEMA_VERSION.to_string();
        let metadata =
            [("whom.schema", "units"), ("whom.schema_version", version.as_str()), ("whom.analysis", analysis)];
        let begun = || {
            let writer = ArrowWriter::try_new_with_options(out, schema.clone(), writer_options(&metadata)?)?;
            writer.into_serialized_writer()
        };
        let (file, groups) = begun().map_err(unwritten)?;
        let chunks = BatchCoalescer::new(schema.clone(), CHUNK_UNITS);
        Ok(Self { schema: schema.clone(), file, groups, chunks, columns: Vec::new(), in_group: 0, units: 0 })
    }

    /// Adds units.
    ///
    /// # Errors
    /// As [`UnitsWriter::new`].
    pub fn write(&mut self, units: RecordBatch) -> Result<(), ReportError> {
        self.units += units.num_rows() as u64;
        self.chunks.push_batch(units).map_err(|error| unwritten(error.into()))?;
        self.write_chunks()
    }

    /// Adds the units of a file that another writer of the same columns made, as they are encoded there: of [`UNITS_GROUP`] units,
    /// or fewer if none follow. So a file may be written by many, and has the bytes that one would have written.
    ///
    /// # Errors
    /// As [`UnitsWriter::new`]; if `file` cannot be read, has other columns, or follows units that do not fill a row group.
    pub fn append(&mut self, file: &File) -> Result<(), ReportError> {
        self.units += self.append_groups(file).map_err(unwritten)?;
        Ok(())
    }

    fn append_groups(&mut self, file: &File) -> Result<u64, ParquetError> {
        if !self.units.is_multiple_of(UNITS_GROUP) {
            return Err(ParquetError::General(format!(
                "a row group of fewer than {UNITS_GROUP} units is not the last"
            )));
        }
        let options = ParquetMetaDataOptions::new().with_encoding_stats_as_mask(false);
        let reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required);
        let metadata = reader.with_metadata_options(Some(options)).parse_and_finish(file)?;
        for (place, group) in metadata.row_groups().iter().enumerate() {
            let mut appended = self.file.next_row_group()?;
            for (column, chunk) in group.columns().iter().enumerate() {
                let written = ColumnCloseResult {
                    bytes_written: chunk.compressed_size() as u64,
                    rows_written: group.num_rows() as u64,
                    metadata: as_written(chunk)?,
                    bloom_filter: None,
                    column_index: metadata.column_index().and_then(|all| all.get(place)?.get(column)).cloned(),
                    offset_index: metadata.offset_index().and_then(|all| all.get(place)?.get(column)).cloned(),
                };
                appended.append_column(file, written)?;
            }
            appended.close()?;
        }
        Ok(metadata.file_metadata().num_rows() as u64)
    }

    /// Ends the file; gives the number of its units.
    ///
    /// # Errors
    /// As [`UnitsWriter::new`].
    pub fn finish(mut self) -> Result<u64, ReportError> {
        self.chunks.finish_buffered_batch().map_err(|error| unwritten(error.into()))?;
        self.write_chunks()?;
        self.end_group().map_err(unwritten)?;
        self.file.close().map_err(unwritten)?;
        Ok(self.units)
    }

    fn write_chunks(&mut self) -> Result<(), ReportError> {
        while let Some(chunk) = self.chunks.next_completed_batch() {
            self.encode(&chunk).map_err(unwritten)?;
        }
        Ok(())
    }

    fn encode(&mut self, chunk: &RecordBatch) -> Result<(), ParquetError> {
        if self.columns.is_empty() {
            self.columns = self.groups.create_column_writers(self.file.flushed_row_groups().len())?;
        }
        let columns = self.columns.par_iter_mut().zip(self.schema.fields().par_iter().zip(chunk.columns()));
        columns.try_for_each(|(writer, (field, values))| {
            // No column is nested, so each is one leaf.
            compute_leaves(field, values)?.iter().try_for_each(|leaf| writer.write(leaf))
        })?;
        self.in_group += chunk.num_rows();
        if self.in_group >= UNITS_GROUP as usize { self.end_group() } else { Ok(()) }
    }

    fn end_group(&mut self) -> Result<(), ParquetError> {
        if self.columns.is_empty() {
            return Ok(());
        }
        self.in_group = 0;
        let columns = std::mem::take(&mut self.columns);
        let encoded: Vec<ArrowColumnChunk> =
            columns.into_par_iter().map(ArrowColumnWriter::close).collect::<Result<_, _>>()?;
        let mut group = self.file.next_row_group()?;
        encoded.into_iter().try_for_each(|column| column.append_to_row_group(&mut group))?;
        group.close()?;
        Ok(())
    }
}

/// What the writer of a column said of it: a reader forgets that smallest and largest values are said twice, once for old readers.
fn as_written(column: &ColumnChunkMetaData) -> Result<ColumnChunkMetaData, ParquetError> {
    let Some(statistics) = column.statistics() else { return Ok(column.clone()) };
    let twice = column.column_descr().sort_order().is_signed();
    let statistics = match statistics.clone() {
        Statistics::Boolean(of) => Statistics::Boolean(of.with_backwards_compatible_min_max(twice)),
        Statistics::Int32(of) => Statistics::Int32(of.with_backwards_compatible_min_max(twice)),
        Statistics::Int64(of) => Statistics::Int64(of.with_backwards_compatible_min_max(twice)),
        Statistics::Int96(of) => Statistics::Int96(of.with_backwards_compatible_min_max(twice)),
        Statistics::Float(of) => Statistics::Float(of.with_backwards_compatible_min_max(twice)),
        Statistics::Double(of) => Statistics::Double(of.with_backwards_compatible_min_max(twice)),
        // Of texts and bytes they are said once, as they have no sign.
        bytes @ (Statistics::ByteArray(_) | Statistics::FixedLenByteArray(_)) => bytes,
    };
    column.clone().into_builder().set_statistics(statistics).build()
}

fn unwritten(source: ParquetError) -> ReportError {
    ReportError::Parquet { table: UNITS_FILE, source }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray, UInt16Array};
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    use parquet::file::metadata::RowGroupMetaData;

    use super::*;

    fn units(rows: std::ops::Range<i64>) -> RecordBatch {
        let text = |row: i64| (row % 7 > 0).then(|| format!("level {}", row % 40));
        let number = |row: i64| (row % 5 > 0).then_some(row as f64 / 8.0);
        let texts: ArrayRef = Arc::new(rows.clone().map(text).collect::<StringArray>());
        let numbers: ArrayRef = Arc::new(rows.clone().map(number).collect::<Float64Array>());
        let buckets: ArrayRef = Arc::new(UInt16Array::from_iter_values(rows.clone().map(|row| (row % 1_024) as u16)));
        let instants = TimestampMicrosecondArray::from_iter_values(rows.clone()).with_timezone("UTC");
        let nothing: ArrayRef = Arc::new(Float64Array::new_null(rows.clone().count()));
        let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(rows));
        let columns = [
            ("unit", ids),
            ("first_exposure", Arc::new(instants) as ArrayRef),
            ("bucket", buckets),
            ("spend", numbers),
            ("plan", texts),
            ("unknown", nothing),
        ];
        RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
    }

    /// The file of so many units, handed over in parts of these sizes by turns.
    fn written(count: i64, sizes: &[i64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = UnitsWriter::new(&units(0..0).schema(), "51ab", &mut bytes).unwrap();
        let (mut first, mut turns) = (0, sizes.iter().cycle());
        while first < count {
            let end = count.min(first + turns.next().unwrap());
            writer.write(units(first..end)).unwrap();
            first = end;
        }
        assert_eq!(writer.finish().unwrap(), count as u64);
        bytes
    }

    fn read(bytes: Vec<u8>) -> (Vec<i64>, RecordBatch) {
        let file = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
        let groups = file.metadata().row_groups().iter().map(RowGroupMetaData::num_rows).collect();
        let batches: Vec<RecordBatch> = file.build().unwrap().map(Result::unwrap).collect();
        (groups, arrow::compute::concat_batches(&units(0..0).schema(), &batches).unwrap())
    }

    #[test]
    fn how_units_are_handed_over_changes_no_byte() {
        let count = 3 * CHUNK_UNITS as i64 + 1_234;
        let whole = written(count, &[count]);
        for sizes in [[8_192, 8_192, 8_192], [1, 100_000, 7], [65_536, 65_535, 3]] {
            assert!(written(count, &sizes) == whole, "{sizes:?}");
        }
        assert_eq!(read(whole), (vec![count], units(0..count)));
    }

    #[test]
    fn row_groups_are_cut_by_the_number_of_units() {
        let count = UNITS_GROUP as i64 + 5;
        assert_eq!(read(written(count, &[300_000])).0, [UNITS_GROUP as i64, 5]);
    }

    #[test]
    fn a_file_that_many_wrote_has_the_bytes_of_one_writer() {
        let group = UNITS_GROUP as i64;
        let count = 2 * group + 70_000;
        let mut bytes = Vec::new();
        let mut writer = UnitsWriter::new(&units(0..0).schema(), "51ab", &mut bytes).unwrap();
        for first in (0..count).step_by(UNITS_GROUP as usize) {
            let mut file = tempfile::tempfile().unwrap();
            let mut part = UnitsWriter::new(&units(0..0).schema(), "51ab", &mut file).unwrap();
            for first in (first..count.min(first + group)).step_by(50_000) {
                part.write(units(first..count.min(first + 50_000).min((first / group + 1) * group))).unwrap();
            }
            part.finish().unwrap();
            writer.append(&file).unwrap();
        }
        let late = tempfile::tempfile().unwrap();
        let refused = std::error::Error::source(&writer.append(&late).unwrap_err()).unwrap().to_string();
        assert!(refused.contains("is not the last"), "{refused}");
        assert_eq!(writer.finish().unwrap(), count as u64);
        assert!(bytes == written(count, &[100_000]));
    }

    #[test]
    fn no_unit_is_a_file_without_rows() {
        let (groups, rows) = read(written(0, &[1]));
        assert_eq!((groups.len(), rows.num_rows(), rows.num_columns()), (0, 0, 6));
    }

    #[test]
    fn what_cannot_be_written_is_told() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _bytes: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let failed = UnitsWriter::new(&units(0..0).schema(), "51ab", Full).and_then(UnitsWriter::finish);
        assert!(failed.unwrap_err().to_string().contains(UNITS_FILE));
    }
}
