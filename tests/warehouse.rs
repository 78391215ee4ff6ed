//! A pipeline and its tables, copied to a fresh folder where a test may spoil them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::{ArrayRef, AsArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::Int64Type;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tempfile::TempDir;

/// The root of the repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate lies in `crates/`").to_owned()
}

/// A fresh folder, removed when it is dropped.
pub(crate) fn fresh_folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).expect("a fresh folder")
}

/// One of the pipelines in the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sample {
    Hillstrom,
    Retention,
    Star,
    KarlanList,
    Esti,
    Shop,
    Tiny,
}

impl Sample {
    fn name(self) -> &'static str {
        match self {
            Self::Hillstrom => "hillstrom",
            Self::Retention => "retention",
            Self::Star => "star",
            Self::KarlanList => "karlan_list",
            Self::Esti => "esti",
            Self::Shop => "shop",
            Self::Tiny => "tiny",
        }
    }

    /// Where the pipeline lies, relative to the root of the repository.
    fn pipeline(self) -> PathBuf {
        let name = self.name();
        match self {
            Self::Hillstrom | Self::Retention => format!("pipelines/{name}.yaml").into(),
            Self::Star | Self::KarlanList | Self::Esti | Self::Shop | Self::Tiny => {
                format!("tests/data/{name}/{name}.yaml").into()
            }
        }
    }

    /// Where its tables lie, relative to the root of the repository.
    fn tables(self) -> PathBuf {
        let name = self.name();
        match self {
            Self::Hillstrom | Self::Retention => format!("pipelines/data/{name}").into(),
            Self::Star | Self::KarlanList | Self::Esti | Self::Shop | Self::Tiny => {
                format!("tests/data/{name}/warehouse").into()
            }
        }
    }
}

/// A copy of a sample, laid out as in the repository, so that the paths in the pipeline file hold.
pub(crate) struct Warehouse {
    root: TempDir,
    sample: Sample,
}

impl Warehouse {
    pub(crate) fn copy(sample: Sample) -> Self {
        let root = fresh_folder();
        for part in [sample.pipeline(), sample.tables()] {
            copy(&repository().join(&part), &root.path().join(&part));
        }
        Self { root, sample }
    }

    /// Everything in this folder, published runs included, in another fresh folder.
    pub(crate) fn copied(&self) -> Self {
        let root = fresh_folder();
        copy(self.root(), root.path());
        Self { root, sample: self.sample }
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn pipeline(&self) -> PathBuf {
        self.root().join(self.sample.pipeline())
    }

    /// A table's file or folder.
    pub(crate) fn table(&self, name: &str) -> PathBuf {
        self.root().join(self.sample.tables()).join(name)
    }

    /// Where the pipeline publishes.
    pub(crate) fn output(&self) -> PathBuf {
        self.root().join("whom-out").join(self.sample.name())
    }

    /// Replaces a passage of the pipeline file, which must be there once.
    pub(crate) fn edit(&self, passage: &str, replacement: &str) -> &Self {
        let path = self.pipeline();
        let text = fs::read_to_string(&path).expect("a pipeline file");
        assert_eq!(text.matches(passage).count(), 1, "`{passage}` in {}", path.display());
        fs::write(&path, text.replacen(passage, replacement, 1)).expect("a pipeline file");
        self
    }

    /// Gives the experiment another name, from which other folds follow.
    pub(crate) fn rename_experiment(&self, name: &str) -> &Self {
        let text = fs::read_to_string(self.pipeline()).expect("a pipeline file");
        let line = text.lines().find(|line| line.starts_with("experiment: ")).expect("the experiment's name");
        self.edit(line, &format!("experiment: {name}"))
    }

    /// Passes every file of a table, all rows at once, through `change`.
    pub(crate) fn rewrite(&self, table: &str, mut change: impl FnMut(&Path, RecordBatch) -> RecordBatch) -> &Self {
        let files = parquet_files(&self.table(table));
        assert!(!files.is_empty(), "`{table}` has no files");
        for path in files {
            let rows = read_parquet(&path);
            write_parquet(&path, &change(&path, rows));
        }
        self
    }

    /// Has the rows of each file of a table in the opposite order.
    pub(crate) fn turn_around(&self, table: &str) -> &Self {
        self.rewrite(table, |_, rows| {
            let backwards = UInt32Array::from_iter_values((0..rows.num_rows() as u32).rev());
            take_record_batch(&rows, &backwards).expect("rows")
        })
    }
}

/// The users of a table of the shop, row by row.
pub(crate) fn users(rows: &RecordBatch) -> Vec<i64> {
    rows["user_id"].as_primitive::<Int64Type>().values().to_vec()
}

/// The rows with a column of this name, in the place of one that had it, if one had.
pub(crate) fn with_column(rows: &RecordBatch, name: &str, column: ArrayRef) -> RecordBatch {
    let schema = rows.schema();
    let columns = schema.fields().iter().map(|field| field.name().as_str()).zip(rows.columns().iter().cloned());
    let columns = columns.filter(|(other, _)| *other != name).chain([(name, column)]);
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).expect("rows")
}

/// The Parquet files under a path, which may be one itself, in order.
pub(crate) fn parquet_files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut inner: Vec<PathBuf> =
        fs::read_dir(path).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    inner.sort();
    let files = inner.iter().flat_map(|path| parquet_files(path));
    files.filter(|path| path.extension().is_some_and(|extension| extension == "parquet")).collect()
}

pub(crate) fn read_parquet(path: &Path) -> RecordBatch {
    rows_of(ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("a file")).expect("a Parquet file"))
}

/// All rows of a Parquet file, in one batch.
pub(crate) fn rows_of<T: parquet::file::reader::ChunkReader + 'static>(
    file: ParquetRecordBatchReaderBuilder<T>,
) -> RecordBatch {
    let schema = file.schema().clone();
    let batches: Vec<RecordBatch> = file.build().expect("a reader").map(|batch| batch.expect("rows")).collect();
    concat_batches(&schema, &batches).expect("one schema")
}

pub(crate) fn write_parquet(path: &Path, rows: &RecordBatch) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    let mut writer = ArrowWriter::try_new(File::create(path).expect("a file"), rows.schema(), None).expect("a writer");
    writer.write(rows).expect("rows");
    writer.close().expect("a footer");
}

/// Copies a file, or a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) {
    if from.is_file() {
        fs::create_dir_all(to.parent().expect("a folder")).expect("a folder");
        fs::copy(from, to).expect("a copy");
        return;
    }
    for entry in fs::read_dir(from).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        copy(&from.join(&name), &to.join(&name));
    }
}
