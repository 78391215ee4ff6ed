//! How long it takes to decode Parquet columns and do nothing with them: the floor under whatever reads the same files.
//!
//!     decode_floor THREADS FOLDER TABLE:COLUMN,COLUMN… TABLE:*
//!
//! Every row group of every `*.parquet` below `FOLDER/TABLE` is decoded into arrow columns, words as views, batch by batch; prints the rows and
//! the bytes that the columns took in memory.

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::Array;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use rayon::prelude::*;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Rows that are decoded at once.
const BATCH: usize = 8_192;

/// A row group of a file, and the columns wanted of it; none means all.
struct Piece {
    file: PathBuf,
    metadata: ArrowReaderMetadata,
    row_group: usize,
    columns: Option<Arc<Vec<String>>>,
}

/// Rows and bytes.
type Decoded = (u64, u64);

#[expect(clippy::print_stdout, reason = "this is its result")]
fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [threads, folder, tables @ ..] = arguments.as_slice() else {
        return Err("decode_floor THREADS FOLDER TABLE:COLUMN,COLUMN…".into());
    };
    let mut pieces = Vec::new();
    for table in tables {
        let (table, columns) = table.split_once(':').ok_or("a table is written `TABLE:COLUMN,COLUMN` or `TABLE:*`")?;
        let columns = (columns != "*").then(|| Arc::new(columns.split(',').map(str::to_owned).collect()));
        for file in parquet_files(&Path::new(folder).join(table))? {
            pieces.extend(pieces_of(&file, columns.as_ref())?);
        }
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build()?;
    let decoded: Vec<Decoded> =
        pool.install(|| pieces.par_iter().with_max_len(1).map(decode).collect::<Outcome<_>>())?;
    let (rows, bytes) = decoded.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!("{rows} rows, {bytes} bytes");
    Ok(())
}

fn parquet_files(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(parquet_files(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn pieces_of(file: &Path, columns: Option<&Arc<Vec<String>>>) -> Outcome<Vec<Piece>> {
    let stored = ArrowReaderMetadata::load(&File::open(file)?, ArrowReaderOptions::new())?;
    let viewed = ArrowReaderOptions::new().with_schema(Arc::new(with_views(stored.schema())));
    let metadata = ArrowReaderMetadata::try_new(Arc::clone(stored.metadata()), viewed)?;
    let piece =
        |row_group| Piece { file: file.to_owned(), metadata: metadata.clone(), row_group, columns: columns.cloned() };
    Ok((0..metadata.metadata().num_row_groups()).map(piece).collect())
}

/// The schema with words as views, which need no copy.
fn with_views(schema: &Schema) -> Schema {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 => field.as_ref().clone().with_data_type(DataType::Utf8View),
        _ => field.as_ref().clone(),
    };
    Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>())
}

fn decode(piece: &Piece) -> Outcome<Decoded> {
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(File::open(&piece.file)?, piece.metadata.clone());
    let mask = match &piece.columns {
        Some(names) => ProjectionMask::columns(builder.parquet_schema(), names.iter().map(String::as_str)),
        None => ProjectionMask::all(),
    };
    let reader = builder.with_projection(mask).with_row_groups(vec![piece.row_group]).with_batch_size(BATCH).build()?;
    let (mut rows, mut bytes) = (0, 0);
    for batch in reader {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        bytes += batch.columns().iter().map(|column| column.get_buffer_memory_size() as u64).sum::<u64>();
    }
    Ok((rows, bytes))
}
