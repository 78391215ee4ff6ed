//! The same bytes in every result file, whatever the number of threads, the size of batches, and the layout of the
//! inputs: files, order of rows, order of columns.

use std::fs;
use std::path::Path;

use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;

use crate::program::{Baseline, Published};
use crate::warehouse::{Sample, Warehouse, parquet_files, read_parquet, write_parquet};

#[test]
fn threads_change_no_byte() {
    for sample in [Sample::Tiny, Sample::Retention] {
        for threads in ["1", "2", "3"] {
            same_bytes(sample, &["--threads", threads], |_| {});
        }
    }
}

#[test]
fn batches_change_no_byte() {
    for size in ["64", "8192"] {
        same_bytes(Sample::Tiny, &["--batch-size", size], |_| {});
    }
}

#[test]
fn pieces_change_no_byte() {
    for (pieces, threads) in [("1", "2"), ("3", "2"), ("40", "1")] {
        same_bytes(Sample::Tiny, &["--pieces", pieces, "--threads", threads], |_| {});
    }
    same_bytes(Sample::Hillstrom, &["--pieces", "5", "--threads", "2"], |_| {});
    same_bytes(Sample::Shop, &["--pieces", "7", "--threads", "1", "--batch-size", "100"], |_| {});
}

#[test]
fn units_on_disk_change_no_byte() {
    for (sample, pieces) in [(Sample::Tiny, "1"), (Sample::Tiny, "40"), (Sample::Retention, "3"), (Sample::Shop, "7")] {
        let arguments = ["--resident-limit", "1B", "--pieces", pieces, "--threads", "2"];
        let published = same_bytes(sample, &arguments, |_| {});
        let on_disk = |run: &Published| run.manifest["run"]["details"]["memory"]["units_on_disk"].as_bool();
        assert_eq!((on_disk(&published), on_disk(&Baseline::of(sample).published)), (Some(true), Some(false)));
    }
}

#[test]
fn twenty_files_are_one_file() {
    same_bytes(Sample::Tiny, &[], |warehouse| split_tables(warehouse, &TINY_TABLES, 20));
}

#[test]
fn the_order_of_rows_is_nothing() {
    same_bytes(Sample::Tiny, &[], |warehouse| {
        for table in TINY_TABLES {
            warehouse.rewrite(table, |_, rows| shuffled(&rows));
        }
    });
}

#[test]
fn the_order_of_columns_is_nothing() {
    same_bytes(Sample::Tiny, &[], |warehouse| {
        for table in TINY_TABLES {
            warehouse.rewrite(table, |_, rows| columns_reversed(&rows));
        }
    });
}

#[test]
fn everything_at_once_changes_no_byte_of_the_large_samples() {
    same_bytes(Sample::Hillstrom, &["--threads", "1", "--batch-size", "64"], |warehouse| {
        disturb(warehouse, &["exposures", "visits", "orders", "customer_tags"], 3);
    });
    same_bytes(Sample::Retention, &["--threads", "2", "--batch-size", "64"], |warehouse| {
        disturb(warehouse, &["exposures", "outcomes.parquet", "account_tags"], 20);
    });
}

const TINY_TABLES: [&str; 4] = ["exposures.parquet", "events.parquet", "profiles", "homes.parquet"];

/// Runs a sample after `change`, compares with the undisturbed run, and gives what was published.
fn same_bytes(sample: Sample, arguments: &[&str], change: impl Fn(&Warehouse)) -> Published {
    let warehouse = Warehouse::copy(sample);
    change(&warehouse);
    let arguments: Vec<&str> = ["--keep-units"].iter().chain(arguments).copied().collect();
    let published = warehouse.run(&arguments);
    Baseline::of(sample).published.assert_same_files(&published, &format!("{sample:?} with {arguments:?}"));
    published
}

fn disturb(warehouse: &Warehouse, tables: &[&str], files: usize) {
    for table in tables {
        warehouse.rewrite(table, |_, rows| columns_reversed(&shuffled(&rows)));
    }
    split_tables(warehouse, tables, files);
}

/// Makes `files` files of each file; a table of one file becomes a folder, and the pipeline says so.
fn split_tables(warehouse: &Warehouse, tables: &[&str], files: usize) {
    for table in tables {
        let path = warehouse.table(table);
        if path.is_file() {
            let folder = path.with_extension("");
            split_file(&path, &folder, files);
            warehouse.edit(&format!("/{table}"), &format!("/{}/", folder.file_name().expect("a name").display()));
        } else {
            for path in parquet_files(&path) {
                split_file(&path, path.parent().expect("a folder"), files);
            }
        }
    }
}

fn split_file(path: &Path, folder: &Path, files: usize) {
    let rows = read_parquet(path);
    fs::remove_file(path).expect("a file");
    let length = rows.num_rows().div_ceil(files).max(1);
    for (number, start) in (0..rows.num_rows().max(1)).step_by(length).enumerate() {
        let part = rows.slice(start, length.min(rows.num_rows() - start));
        write_parquet(&folder.join(format!("piece-{number:02}.parquet")), &part);
    }
}

/// The rows in another order, always the same one.
fn shuffled(rows: &RecordBatch) -> RecordBatch {
    let mut order: Vec<u32> = (0..rows.num_rows() as u32).collect();
    order.sort_by_key(|row| row.wrapping_add(1).wrapping_mul(2_654_435_761));
    take_record_batch(rows, &UInt32Array::from(order)).expect("the same rows")
}

fn columns_reversed(rows: &RecordBatch) -> RecordBatch {
    let order: Vec<usize> = (0..rows.num_columns()).rev().collect();
    rows.project(&order).expect("the same columns")
}
