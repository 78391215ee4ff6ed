//! Searches where users were assigned by household: what is claimed meets `tests/reference/make_search_by_cluster.py`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, Float64Array, RecordBatch};
use arrow::compute::{cast, filter_record_batch};
use arrow::datatypes::{DataType, Float64Type};
use serde_json::Value;

use crate::clusters::{Household, ONCE, SEARCH, TOLERANCE, few, integers, many, shop};
use crate::effects::{Effect, Table};
use crate::program::Published;
use crate::warehouse::{Sample, Warehouse, repository, users, with_column};

/// What the new page adds to the orders of phones.
const GAIN: f64 = 30.0;

const BY_DEVICE: &str = "\
discover:
  tags: [device]
  metrics: [revenue]
  tree: { depth: 1, units_per_arm: 100, events_per_arm: 20, pruning_folds: 0 }
  search_replicates: 5
  resplits: 3
";

/// The shop by household, where the new page works for phones alone and cohorts are searched by device.
pub(crate) fn searched(household: Household) -> Warehouse {
    let warehouse = shop(household);
    let (mut treated, mut phones) = (BTreeSet::new(), BTreeSet::new());
    warehouse.rewrite("exposures.parquet", |_, rows| {
        let variants = rows["variant"].as_string::<i32>();
        let is_new = |row: &usize| variants.value(*row) == "new";
        let users = integers(&rows, "user_id");
        treated.extend((0..rows.num_rows()).filter(is_new).map(|row| users[row]));
        rows
    });
    warehouse.rewrite("people.parquet", |_, rows| {
        let devices = rows["device"].as_string::<i32>();
        let is_phone = |row: &usize| devices.is_valid(*row) && devices.value(*row) == "phone";
        let users = integers(&rows, "user_id");
        phones.extend((0..rows.num_rows()).filter(is_phone).map(|row| users[row]));
        rows
    });
    warehouse.rewrite("orders.parquet", |_, rows| {
        let amounts = rows["amount"].as_primitive::<Float64Type>().values();
        let paid = integers(&rows, "user_id").into_iter().zip(amounts.iter());
        let gains = |user: &i64| if treated.contains(user) && phones.contains(user) { GAIN } else { 0.0 };
        let amounts: Float64Array = paid.map(|(user, amount)| Some(amount + gains(&user))).collect();
        with_column(&rows, "amount", Arc::new(amounts))
    });
    warehouse.edit("    cap: { percentile: 0.99, of: non_zero }\n", "");
    warehouse.edit(ONCE, &format!("{BY_DEVICE}\n"));
    warehouse
}

/// The rows of discovered cohorts.
fn discovered(published: &Published) -> Vec<Effect> {
    let is_known = |row: &Effect| ["all", "phones", "oldest"].contains(&row.cohort.as_str());
    published.effects().into_iter().filter(|row| !is_known(row)).collect()
}

/// What differs from the numbers of numpy.
fn faults(published: &Published) -> Vec<String> {
    let reference = repository().join("tests/reference/search_by_cluster.csv");
    let text = fs::read_to_string(reference).expect("reference numbers");
    let table = Table(published.table("effects.parquet"));
    let clusters: Vec<(i64, i64)> =
        table.counts("clusters_control").into_iter().zip(table.counts("clusters_variant")).collect();
    let (found, nodes) = (published.effects(), published.json("tree.json")["trees"][0]["nodes"][0].clone());
    let levels = Table(published.table("tags.parquet"));
    let [of_levels, with_errors] = ["estimate", "std_err"].map(|name| levels.numbers(name));
    let units = levels.counts("n_control");
    let mut faults = Vec::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [cohort, metric, estimand, method, numbers @ ..] = fields.as_slice() else { panic!("{line}") };
        let numbers: Vec<f64> = numbers.iter().map(|number| number.parse().expect("a number")).collect();
        let [n_control, n_variant, in_control, in_variant, estimate, std_err, lower, upper] = numbers.as_slice() else {
            panic!("{line}")
        };
        let meets = |found: Option<f64>, expected: &f64, tolerance: f64| {
            found.is_some_and(|found| (found - expected).abs() <= tolerance * std_err)
        };
        if cohort.starts_with("level ") {
            let is_met = |row: &usize| {
                meets(of_levels[*row], estimate, TOLERANCE)
                    && meets(with_errors[*row], std_err, TOLERANCE)
                    && units[*row] as f64 == *n_control
            };
            if (0..units.len()).filter(is_met).count() != 1 {
                faults.push(line.to_owned());
            }
            continue;
        }
        if let Some(half) = cohort.strip_prefix("all of the ") {
            let effect: &Value = &nodes[half.strip_suffix(" fold").expect("a fold")][0];
            let is_met = meets(effect["estimate"].as_f64(), estimate, TOLERANCE)
                && meets(effect["std_err"].as_f64(), std_err, TOLERANCE)
                && effect["n_control"].as_f64() == Some(*n_control);
            if !is_met {
                faults.push(format!("{line}\n  found {effect}"));
            }
            continue;
        }
        let is_met = |(row, clusters): (&Effect, &(i64, i64))| {
            (row.metric.as_str(), row.estimand.as_str(), row.method.as_str()) == (*metric, *estimand, *method)
                && (row.n_control as f64, row.n_variant as f64) == (*n_control, *n_variant)
                && (clusters.0 as f64, clusters.1 as f64) == (*in_control, *in_variant)
                && meets(row.estimate, estimate, TOLERANCE)
                && meets(row.std_err, std_err, TOLERANCE)
                && meets(row.interval.map(|interval| interval.0), lower, 1e-6)
                && meets(row.interval.map(|interval| interval.1), upper, 1e-6)
        };
        if found.iter().zip(&clusters).filter(|row| is_met(*row)).count() != 1 {
            faults.push(line.to_owned());
        }
    }
    faults
}

#[test]
fn what_is_found_by_household_meets_the_matrices_whatever_the_threads_pieces_and_order_of_rows() {
    let warehouse = searched(many);
    let published = warehouse.run(&[]);
    let rows = discovered(&published);
    let faults = faults(&published);
    assert!(faults.is_empty(), "{}\n{rows:#?}", faults.join("\n"));
    let contrast = |row: &&Effect| row.metric == "revenue" && row.estimand == "contrast";
    let proven: Vec<&Effect> = rows.iter().filter(contrast).collect();
    assert_eq!(proven.len(), 2);
    for row in proven {
        assert_eq!((row.evidence.as_str(), row.family.as_str()), ("held_out", "F2"));
        assert!(row.p_value_adjusted.is_some_and(|p| p < 0.001), "{row:?}");
    }
    let result = published.json("result.json");
    assert_eq!(result["global_tests"][0]["open"], true, "{}", result["global_tests"]);
    published.assert_same_files(&warehouse.run(&["--threads", "1", "--pieces", "5"]), "one thread");
    warehouse.turn_around("exposures.parquet");
    published.assert_same_files(&warehouse.run(&["--batch-size", "100"]), "rows in another order");
}

#[test]
fn no_fold_parts_a_household() {
    let units = searched(many).run(&["--keep-units"]).table("units.parquet");
    let table = Table(units);
    let mut folds: BTreeMap<String, BTreeSet<(String, i64)>> = BTreeMap::new();
    let places = table.words("fold").into_iter().zip(table.counts("bucket"));
    for (household, place) in table.words("cluster household_id").into_iter().zip(places) {
        folds.entry(household).or_default().insert(place);
    }
    assert!(folds.len() > 1_000 && folds.values().all(|places| places.len() == 1));
    let discovering = folds.values().filter(|places| places.iter().any(|(fold, _)| fold == "discover")).count();
    assert!((folds.len() * 2 / 5..folds.len() * 3 / 5).contains(&discovering), "{discovering} of {}", folds.len());
}

#[test]
fn few_households_open_no_gate_and_say_why() {
    let published = searched(few).run(&[]);
    let result = published.json("result.json");
    assert!(result["global_tests"].as_array().expect("tests").iter().all(|test| test["open"] == false));
    assert!(result["global_tests"][0]["slope"].is_null(), "{}", result["global_tests"]);
    let checks = result["checks"].to_string();
    assert!(checks.contains("clusters of the fold to measure") && checks.contains("where 50 are needed"), "{checks}");
}

#[test]
fn one_household_in_an_arm_finds_nothing_and_says_so() {
    let published = searched(|_, is_new| i64::from(is_new)).run(&[]);
    let result = published.json("result.json");
    assert!(result["global_tests"].as_array().expect("tests").iter().all(|test| test["open"] == false));
    assert!(result["checks"].to_string().contains("clusters of the fold to measure"), "{}", result["checks"]);
    assert!(discovered(&published).iter().all(|row| row.std_err.is_none()));
}

/// Half of the users of the shop, who are called by texts, with a household of their own for each.
pub(crate) fn alone() -> Warehouse {
    let warehouse = Warehouse::copy(Sample::Shop);
    let in_texts = |rows: &RecordBatch| {
        let texts = cast(&rows["user_id"], &DataType::Utf8).expect("texts");
        with_column(rows, "user_id", texts)
    };
    warehouse.rewrite("exposures.parquet", |_, rows| {
        let half: BooleanArray = users(&rows).into_iter().map(|user| Some(user % 2 == 0)).collect();
        let rows = in_texts(&filter_record_batch(&rows, &half).expect("rows"));
        let names = Arc::clone(&rows["user_id"]);
        with_column(&rows, "household_id", names)
    });
    for name in ["orders.parquet", "views.parquet", "people.parquet"] {
        warehouse.rewrite(name, |_, rows| in_texts(&rows));
    }
    warehouse.edit("    cuped: { pre_period: 7d, tags: [age] }\n", "");
    warehouse.edit("    cuped: 7d\n", "");
    warehouse.edit(", cuped: 7d }", " }");
    warehouse.edit(SEARCH, ONCE);
    warehouse.edit("validate: { bootstrap: 200 }\n", "validate: { correction: holm }\n");
    warehouse
}

#[test]
fn households_of_one_are_searched_like_users_without_any() {
    let warehouse = alone();
    let without = warehouse.run(&[]);
    warehouse.edit("unit: user_id\n", "unit: user_id\ncluster: household_id\n");
    let (with, expected) = (discovered(&warehouse.run(&[])), discovered(&without));
    assert!(expected.len() > 20 && with.len() == expected.len(), "{} and {}", with.len(), expected.len());
    for row in &expected {
        let is_same = |other: &&Effect| {
            (&other.metric, &other.cohort, &other.estimand) == (&row.metric, &row.cohort, &row.estimand)
        };
        let other = with.iter().find(is_same).unwrap_or_else(|| panic!("{row:?}"));
        let std_err = row.std_err.expect("an error");
        // The ratios of a contrast are of one sample of households, whose variance has one G / (G - 1) in place of two.
        let tolerance =
            if (row.estimand.as_str(), row.method.as_str()) == ("contrast", "ratio_delta") { 2e-3 } else { 1e-9 };
        let meets = |one: Option<f64>, two: Option<f64>| (one.unwrap() - two.unwrap()).abs() <= tolerance * std_err;
        assert!(meets(other.estimate, row.estimate) && meets(other.std_err, row.std_err), "{row:?}\n{other:?}");
        assert_eq!((other.n_control, other.n_variant), (row.n_control, row.n_variant));
    }
}
