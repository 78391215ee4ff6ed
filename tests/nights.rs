//! Nights one by one with a cache give what a run from nothing gives, and read of their sources the days that are new or
//! changed; pipelines of one command read what they share once; nothing that happens to the cache changes a result.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray};
use arrow::compute::{concat_batches, filter_record_batch};
use arrow::datatypes::Int64Type;
use serde_json::Value;

use crate::lake::{Lake, NIGHTS, TABLES, cut_off, days, entry_of, files, flip, reads};
use crate::program::{Answer, Baseline, Published, whom};
use crate::warehouse::{Sample, Warehouse, parquet_files, read_parquet, write_parquet};

/// Part of a day's orders, and the rest.
fn halves(rows: &RecordBatch) -> [RecordBatch; 2] {
    let half = rows.num_rows() / 2;
    [rows.slice(0, half), rows.slice(half, rows.num_rows() - half)]
}

/// The rows but for every tenth.
fn without_a_tenth(rows: &RecordBatch) -> RecordBatch {
    let kept: BooleanArray = (0..rows.num_rows()).map(|row| Some(row % 10 != 0)).collect();
    filter_record_batch(rows, &kept).expect("fewer rows")
}

/// The units of a published unit table.
fn units(published: &Published) -> Vec<i64> {
    let folder = published.unpacked();
    let rows = read_parquet(&folder.path().join("units.parquet"));
    let units = rows.column_by_name("unit").expect("units");
    units.as_primitive::<Int64Type>().values().to_vec()
}

/// Somebody of the control group of the first day, shown another variant in the file of a later day.
fn cross_over(lake: &Lake, day: &str) -> i64 {
    let first = read_parquet(&lake.file("exposures", NIGHTS[0]));
    let first_of_all = read_parquet(&parquet_files(&lake.path("exposures"))[0]);
    assert_eq!(first.schema(), first_of_all.schema());
    let variants = first_of_all.column_by_name("variant").expect("variants").as_string::<i32>();
    let units = first_of_all.column_by_name("user_id").expect("units");
    let units = units.as_primitive::<Int64Type>();
    let row = (0..first_of_all.num_rows())
        .find(|row| units.iter().nth(*row).flatten().is_some() && variants.value(*row) == "control")
        .expect("somebody of the control group");
    let file = lake.file("exposures", day);
    let rows = read_parquet(&file);
    let mut columns: Vec<ArrayRef> = rows.slice(0, 1).columns().to_vec();
    let schema = rows.schema();
    columns[schema.index_of("user_id").expect("a column")] =
        first_of_all.column_by_name("user_id").expect("units").slice(row, 1);
    columns[schema.index_of("variant").expect("a column")] = Arc::new(StringArray::from(vec!["express"]));
    let crossing = RecordBatch::try_new(Arc::clone(&schema), columns).expect("a row");
    write_parquet(&file, &concat_batches(&schema, [&rows, &crossing]).expect("one more row"));
    units.value(row)
}

#[test]
fn seven_nights_give_the_bytes_of_runs_from_nothing_and_read_what_is_new() {
    let lake = Lake::empty(4_000);
    lake.arrive(|day| day < NIGHTS[0]);
    let late = lake.file("orders", "2026-03-03");
    let [early_rows, late_rows] = halves(&read_parquet(&late));
    write_parquet(&late, &early_rows);
    let (mut crossing, mut before) = (None, Vec::new());
    for (number, night) in NIGHTS.into_iter().enumerate() {
        lake.arrive(|day| day == night);
        match number {
            2 => write_parquet(&late.with_file_name("late.parquet"), &late_rows),
            3 => {
                let replaced = lake.file("orders", "2026-03-04");
                write_parquet(&replaced, &without_a_tenth(&read_parquet(&replaced)));
            }
            4 => crossing = Some(cross_over(&lake, night)),
            _ => {}
        }
        let published = lake.cached(night);
        lake.anew(night).assert_same_files(&published, &format!("the night through {night}"));
        let expected = match number {
            // The days before the first night, too; the window of nobody opens before the start.
            0 => [(3, 0), (3, 0), (4, 0)],
            2 => [(1, 4), (2, 3), (1, 5)],
            3 => [(1, 5), (2, 4), (1, 6)],
            // Nobody enrols after the 8th, whose tags are those of the 7th.
            4 => [(1, 6), (1, 6), (0, 7)],
            5.. => [(0, 7), (1, 6 + number as u64 - 4), (0, 7)],
            _ => [(1, 3), (1, 3), (1, 4)],
        };
        assert_eq!(days(&published), expected, "the night through {night}");
        let opened: u64 = reads(&published).values().map(|read| read.files).sum();
        let made: u64 = expected.iter().map(|(made, _)| made).sum();
        assert_eq!(opened, made + u64::from(number == 2), "files opened in the night through {night}");
        if number > 0 {
            let known = before.contains(&crossing.unwrap_or_default());
            assert_eq!(known, crossing.is_some() && number == 4, "the crossover was analysed until it crossed");
        }
        before = units(&published);
    }
}

#[test]
fn a_night_reads_about_a_day() {
    let lake = Lake::through(4_000, NIGHTS[5]);
    lake.cached(NIGHTS[5]);
    lake.arrive(|day| day == NIGHTS[6]);
    let (cached, anew) = (reads(&lake.cached(NIGHTS[6])), reads(&lake.anew(NIGHTS[6])));
    let day = fs::metadata(lake.file("orders", NIGHTS[6])).expect("a file").len();
    let orders = cached["fact orders"].bytes;
    assert!(orders > 0 && orders <= 2 * day, "{orders} bytes of a day with {day}");
    assert!(anew["fact orders"].bytes > 5 * day, "{anew:?}");
    for (table, read) in &cached {
        assert!(table == "fact orders" || read.bytes == 0, "{table}: {read:?}");
    }
    let again = reads(&lake.cached(NIGHTS[6]));
    assert!(again.values().all(|read| (read.bytes, read.files) == (0, 0)), "{again:?}");
}

/// What a plan with the cache tells of days: kept and to be made, by table.
fn planned_days(lake: &Lake, night: &str) -> [(u64, u64); 3] {
    let mut command = whom();
    command.arg("plan").arg(lake.path("nightly.yaml")).args(["--set", &format!("ds={night}"), "--threads", "2"]);
    let answer = Answer::of(command.arg("--cache").arg(lake.path("cache"))).expect_success();
    let (_, told) = answer.stdout.split_once("CACHE\n").expect("a section");
    TABLES.map(|table| {
        let line = told.lines().find_map(|line| line.trim_start().strip_prefix(table)).expect("a line");
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        (numbers[1], numbers[0])
    })
}

#[test]
fn a_plan_with_the_cache_tells_which_days_a_run_then_makes() {
    let lake = Lake::through(2_000, NIGHTS[1]);
    let first = planned_days(&lake, NIGHTS[1]);
    assert!(!lake.path("cache").exists(), "a plan writes nothing");
    assert_eq!(first, days(&lake.cached(NIGHTS[1])));
    assert!(first.iter().all(|(made, reused)| *made > 0 && *reused == 0), "{first:?}");
    lake.arrive(|day| day == NIGHTS[2]);
    let second = planned_days(&lake, NIGHTS[2]);
    assert_eq!(second, days(&lake.cached(NIGHTS[2])));
    assert!(second.iter().all(|(made, reused)| *made == 1 && *reused > 0), "{second:?}");
    assert!(planned_days(&lake, NIGHTS[2]).iter().all(|(made, _)| *made == 0));
}

#[test]
fn pipelines_of_one_command_read_what_they_share_once() {
    let lake = Lake::through(2_000, NIGHTS[3]);
    lake.variant(
        "other.yaml",
        &[
            ("experiment: checkout", "experiment: another"),
            ("path: results/", "path: other/"),
            ("value: amount", "value: amount * 2"),
        ],
    );
    lake.variant(
        "alone.yaml",
        &[
            ("experiment: checkout", "experiment: another"),
            ("path: results/", "path: alone/"),
            ("value: amount", "value: amount * 2"),
        ],
    );
    Answer::of(&mut lake.run_command(&["alone.yaml"], NIGHTS[3])).expect_success();
    let spill = lake.path("spill");
    for cache in [Some("cache"), None] {
        let mut command = lake.run_command(&["nightly.yaml", "other.yaml"], NIGHTS[3]);
        command.arg("--spill-dir").arg(&spill);
        if let Some(cache) = cache {
            command.arg("--cache").arg(lake.path(cache));
        }
        let answer = Answer::of(&mut command).expect_success();
        let lines: Vec<Value> = answer.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        let experiments: Vec<&str> = lines.iter().filter_map(|line| line["experiment"].as_str()).collect();
        assert_eq!(experiments, ["checkout_2000", "another_2000"]);
        assert!(lines[1]["pipeline"].as_str().is_some_and(|pipeline| pipeline.ends_with("other.yaml")), "{lines:?}");
        let (first, second) = (lake.latest("results"), lake.latest("other"));
        assert!(reads(&first).values().all(|read| read.bytes > 0 && read.days.is_some()), "{:?}", reads(&first));
        assert!(reads(&second).values().all(|read| (read.bytes, read.files) == (0, 0)), "{:?}", reads(&second));
        lake.anew(NIGHTS[3]).assert_same_files(&first, "the first of two");
        lake.latest("alone").assert_same_files(&second, "the second of two");
    }
    assert_eq!(fs::read_dir(&spill).expect("the spill folder").count(), 0, "a temporary cache ends with its command");
}

#[test]
fn without_a_lasting_cache_only_what_is_shared_is_cached() {
    let lake = Lake::through(2_000, NIGHTS[3]);
    let text = fs::read_to_string(lake.path("nightly.yaml")).expect("a pipeline file");
    let (head, rest) = text.split_once("\ntags:\n").expect("tags");
    let (_, tail) = rest.split_once("\noutput:\n").expect("an output");
    lake.write("bare.yaml", &format!("{head}\noutput:\n{}", tail.replace("results/", "bare/")));
    Answer::of(&mut lake.run_command(&["nightly.yaml", "bare.yaml"], NIGHTS[3])).expect_success();
    let reads = reads(&lake.latest("results"));
    assert_eq!(reads["tags known"].days, None);
    assert_eq!(reads["split"].days, Some((6, 0)));
}

/// Does something to the rows of a cached day.
type Damage = fn(&Path);

#[test]
fn a_damaged_cache_is_never_believed() {
    let lake = Lake::through(2_000, NIGHTS[2]);
    let expected = lake.anew(NIGHTS[2]);
    lake.cached(NIGHTS[2]);
    let damages: [(&str, Damage); 5] = [
        ("a byte of rows", |part| flip(part, |length| length / 3)),
        ("a byte of the footer", |part| flip(part, |length| length - 12)),
        ("a file cut off", |part| cut_off(part)),
        ("no file", |part| fs::remove_file(part).expect("a file")),
        ("a byte of the entry", |part| flip(&entry_of(part), |_| 50)),
    ];
    for (damage, spoil) in damages {
        let parts = lake.parts();
        spoil(&parts[parts.len() / 2]);
        let published = lake.cached(NIGHTS[2]);
        expected.assert_same_files(&published, damage);
        let again = lake.cached(NIGHTS[2]);
        assert!(days(&again).iter().all(|(made, _)| *made == 0), "{damage}: {:?}", days(&again));
        assert_eq!(days(&published).iter().map(|(made, _)| made).sum::<u64>(), 1, "{damage}");
    }
}

/// More calls than it takes to fill the cache of the tiny pipeline.
const CALLS: u32 = 200;

#[test]
fn killed_at_any_store_call_while_it_caches_the_next_run_is_right() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let expected = &Baseline::of(Sample::Tiny).published;
    let cached = |cache: &Path| {
        let mut command = warehouse.run_command(&["--keep-units", "--quiet", "--cache"]);
        command.arg(cache);
        command
    };
    let entries = |cache: &Path| {
        let all = if cache.exists() { files(cache) } else { Vec::new() };
        all.iter().filter(|path| path.extension().is_some_and(|ending| ending == "json")).count()
    };
    let whole = warehouse.root().join("cache");
    Answer::of(&mut cached(&whole)).expect_success();
    let mut has_begun = 0;
    for call in 1..CALLS {
        let cache = warehouse.root().join(format!("cache-{call}"));
        let killed = Answer::of(cached(&cache).env("WHOM_TEST_KILL_AT", format!("{call}:after")));
        assert_eq!(killed.code, None, "killed at call {call}, it ended by itself\n{}", killed.stderr);
        let kept = entries(&cache);
        if !cache.exists() || files(&cache).is_empty() {
            continue;
        }
        has_begun += 1;
        Answer::of(&mut cached(&cache)).expect_success();
        let published = warehouse.published().pop().expect("a published run");
        expected.assert_same_files(&published, &format!("the run after a kill at call {call}"));
        assert_eq!(entries(&cache), entries(&whole), "after a kill at call {call}");
        if kept == entries(&whole) {
            assert!(has_begun > 10, "a cache filled in {has_begun} store calls: was the switch read?");
            return;
        }
    }
    panic!("a run was killed at each of its first {CALLS} calls, and none of them came after caching");
}

#[test]
fn a_failure_of_one_pipeline_stops_no_other() {
    let lake = Lake::through(2_000, NIGHTS[2]);
    lake.variant("broken.yaml", &[("value: amount", "value: price"), ("path: results/", "path: broken/")]);
    lake.variant("later.yaml", &[("gaps: allowed ", "gaps: refused "), ("path: results/", "path: later/")]);
    let pipelines = ["later.yaml", "broken.yaml", "nightly.yaml"];
    let answer = Answer::of(&mut lake.run_command(&pipelines, NIGHTS[2]));
    assert_eq!(answer.code, Some(2), "what has to be mended comes before what has to be waited for\n{}", answer.stderr);
    let lines: Vec<Value> = answer.stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let told: Vec<Option<u64>> = lines.iter().map(|line| line["code"].as_u64()).collect();
    assert_eq!(told, [Some(4), Some(2), None], "{}", answer.stdout);
    assert_eq!(lines[2]["status"], "published");
    lake.anew(NIGHTS[2]).assert_same_files(&lake.latest("results"), "after two failures");
}

#[test]
fn a_cache_is_cleaned_of_what_nobody_uses() {
    let lake = Lake::through(2_000, NIGHTS[1]);
    lake.cached(NIGHTS[1]);
    let clean = |arguments: &[&str]| {
        let mut command = whom();
        command.arg("clean").arg("--cache").arg(lake.path("cache")).args(arguments);
        Answer::of(&mut command).expect_success().stdout
    };
    let kept = lake.parts().len();
    assert_eq!(clean(&["--older-than", "1h"]), format!("nothing to remove; kept {kept} cached days\n"));
    let old = SystemTime::now() - Duration::from_hours(72);
    for file in files(&lake.path("cache")) {
        fs::File::options().append(true).open(&file).and_then(|file| file.set_modified(old)).expect("an old file");
    }
    assert!(clean(&["--older-than", "2d", "--dry-run"]).starts_with(&format!("would remove {kept} cached days")));
    lake.cached(NIGHTS[1]);
    assert_eq!(
        clean(&["--older-than", "2d"]),
        format!("nothing to remove; kept {kept} cached days\n"),
        "they were used"
    );
    for file in files(&lake.path("cache")) {
        fs::File::options().append(true).open(&file).and_then(|file| file.set_modified(old)).expect("an old file");
    }
    assert!(clean(&["--older-than", "2d"]).starts_with(&format!("removed {kept} cached days")));
    assert!(lake.parts().is_empty());
    lake.anew(NIGHTS[1]).assert_same_files(&lake.cached(NIGHTS[1]), "with an empty cache");
}

/// The table of the README: `cargo test --locked --workspace --test whole nights:: -- --ignored --nocapture`.
#[test]
#[ignore = "makes the table of the README"]
fn bytes_read_per_night() {
    let lake = Lake::empty(200_000);
    lake.arrive(|day| day < NIGHTS[0]);
    println!("| through | days read | source, with the cache | cache | source, without it |");
    for night in NIGHTS {
        lake.arrive(|day| day == night);
        let (cached, nothing) = (lake.cached(night), lake.anew(night));
        let megabytes = |bytes: u64| format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10);
        let sum = |published: &Published| reads(published).values().map(|read| read.bytes).sum::<u64>();
        let tables = cached.manifest["run"]["details"]["read"].as_array().expect("tables").clone();
        let from_cache = tables.iter().filter_map(|table| table["cache"]["bytes"].as_u64()).sum();
        let made: u64 = days(&cached).iter().map(|(made, _)| made).sum();
        println!(
            "| {night} | {made} | {} | {} | {} |",
            megabytes(sum(&cached)),
            megabytes(from_cache),
            megabytes(sum(&nothing))
        );
    }
}
