//! Assignment by cluster: errors meet those of `tests/reference/make_clusters.py`, and whom nobody can place is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use arrow::array::{AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Float64Type, Int64Type};

use crate::effects::Table;
use crate::program::Published;
use crate::warehouse::{Sample, Warehouse, read_parquet, repository, with_column};

/// How far apart two numbers may be, in standard errors: matrices by another route.
pub(crate) const TOLERANCE: f64 = 1e-8;

pub(crate) const SEARCH: &str =
    "discover:\n  tree: { depth: 2, units_per_arm: 200, events_per_arm: 50, pruning_folds: 0 }\n\n";

/// A search without repetitions.
pub(crate) const ONCE: &str = "discover:\n  tree: { depth: 2, units_per_arm: 200, events_per_arm: 50, pruning_folds: 0 }\n  search_replicates: 0\n  resplits: 0\n\n";

/// Who lives together, given a user and whether the new page is shown to them.
pub(crate) type Household = fn(i64, bool) -> i64;

/// Households of one user and of dozens; three to two, as the variants are.
pub(crate) fn many(user: i64, is_new: bool) -> i64 {
    let hash = user * 7_919 % 1_000;
    part(if hash < 400 { hash % 30 } else { hash }, user, is_new)
}

/// Twelve and eight, some of them larger.
pub(crate) fn few(user: i64, is_new: bool) -> i64 {
    let hash = user * 7_919 % 1_000;
    part(if hash < 600 { hash % 4 } else { hash % 2 }, user, is_new)
}

/// Everybody in a household of their own.
fn alone(user: i64, is_new: bool) -> i64 {
    part(user, user, is_new)
}

fn part(group: i64, user: i64, is_new: bool) -> i64 {
    2 * (3 * group + user / 7 % if is_new { 2 } else { 3 }) + i64::from(is_new)
}

pub(crate) fn integers(rows: &RecordBatch, name: &str) -> Vec<i64> {
    rows[name].as_primitive::<Int64Type>().values().to_vec()
}

/// The shop, whose users live in households that were assigned together and spend alike.
pub(crate) fn shop(household: Household) -> Warehouse {
    let warehouse = Warehouse::copy(Sample::Shop);
    warehouse.rewrite("exposures.parquet", |_, rows| {
        let variants = rows["variant"].as_string::<i32>();
        let of = |(row, user): (usize, &i64)| household(*user, variants.value(row) == "new");
        let households: Int64Array = integers(&rows, "user_id").iter().enumerate().map(of).map(Some).collect();
        with_column(&rows, "household_id", Arc::new(households))
    });
    warehouse.rewrite("orders.parquet", |_, rows| {
        let amounts = rows["amount"].as_primitive::<Float64Type>().values();
        let paid = integers(&rows, "user_id").into_iter().zip(amounts.iter());
        let amounts: Float64Array =
            paid.map(|(user, amount)| Some(amount + 10.0 * (household(user, false) % 7) as f64)).collect();
        with_column(&rows, "amount", Arc::new(amounts))
    });
    warehouse.edit("unit: user_id\n", "unit: user_id\ncluster: household_id\n");
    warehouse.edit("    cuped: { pre_period: 7d, tags: [age] }\n", "");
    warehouse.edit("    cuped: 7d\n", "");
    warehouse.edit(", cuped: 7d }", " }");
    warehouse.edit(SEARCH, ONCE);
    warehouse
}

/// The shop whose users live in households of one and of dozens.
pub(crate) fn households() -> Warehouse {
    shop(many)
}

/// What differs from the effects in a file of `tests/reference`, that of so many metrics for everybody and two cohorts. What is
/// told beside is held against it where the file has it.
pub(crate) fn faults(published: &Published, (reference, metrics): (&str, usize)) -> Vec<String> {
    let path = repository().join("tests/reference").join(reference);
    let (expected, found) = (fs::read_to_string(path).expect("reference numbers"), published.effects());
    let table = Table(published.table("effects.parquet"));
    let beside =
        ["clusters_degrees_of_freedom", "clusters_std_err_cr1", "clusters_effective"].map(|name| table.numbers(name));
    assert_eq!(expected.lines().count(), 1 + 8 * metrics, "{reference}");
    let mut faults = Vec::new();
    for line in expected.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [metric, cohort, estimand, method, numbers @ ..] = fields.as_slice() else { panic!("{line}") };
        let numbers: Vec<f64> = numbers.iter().map(|number| number.parse().expect("a number")).collect();
        let [n_control, n_variant, _, _, estimate, std_err, lower, upper, told @ ..] = numbers.as_slice() else {
            panic!("{line}")
        };
        let is_meant = |(_, row): &(usize, &crate::effects::Effect)| {
            (row.metric.as_str(), row.cohort.as_str(), row.estimand.as_str()) == (*metric, *cohort, *estimand)
        };
        let rows: Vec<_> = found.iter().enumerate().filter(is_meant).collect();
        let [(place, row)] = rows.as_slice() else { panic!("{line}: {} rows", rows.len()) };
        let meets = |found: Option<f64>, expected: &f64, tolerance: f64| {
            found.is_some_and(|found| (found - expected).abs() <= tolerance * std_err)
        };
        let is_told = |(column, expected): (&Vec<Option<f64>>, &f64)| {
            column[*place].is_some_and(|found| (found / expected - 1.0).abs() <= TOLERANCE)
        };
        // Critical values of t are found to about 1e-9; contrasts of other methods name theirs.
        let is_met = meets(row.estimate, estimate, TOLERANCE)
            && meets(row.std_err, std_err, TOLERANCE)
            && meets(row.interval.map(|interval| interval.0), lower, 1e-6)
            && meets(row.interval.map(|interval| interval.1), upper, 1e-6)
            && (row.n_control as f64, row.n_variant as f64) == (*n_control, *n_variant)
            && row.method == *method
            && [0, beside.len()].contains(&told.len())
            && beside.iter().zip(told).all(is_told);
        if !is_met {
            let told = beside.each_ref().map(|column| column[*place]);
            faults.push(format!("{line}\n  found {row:?}, beside {told:?}"));
        }
    }
    faults
}

#[test]
fn errors_by_household_meet_the_matrices_whatever_the_threads_and_the_order_of_rows() {
    let warehouse = shop(many);
    let published = warehouse.run(&[]);
    let faults = faults(&published, ("clusters_shop.csv", 3));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let checks = published.json("result.json")["checks"].to_string();
    assert!(checks.contains("sample ratio of clusters"), "{checks}");
    published.assert_same_files(&warehouse.run(&["--threads", "1", "--pieces", "5"]), "one thread");
    warehouse.turn_around("exposures.parquet");
    published.assert_same_files(&warehouse.run(&["--batch-size", "100"]), "rows in another order");
}

#[test]
fn few_households_have_few_degrees_of_freedom_and_are_marked() {
    let warehouse = shop(few);
    let published = warehouse.run(&[]);
    let faults = faults(&published, ("clusters_few_shop.csv", 3));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let result = published.json("result.json").to_string();
    assert!(result.contains("equal clusters where 50 are needed"), "{result}");
}

#[test]
fn of_more_households_than_are_told_apart_buckets_are_the_parts() {
    let faults = faults(&shop(alone).run(&[]), ("clusters_grouped_shop.csv", 3));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The shop by household, where spend is adjusted by itself before and by age, and orders and clicks per page by those before.
fn adjusted() -> Warehouse {
    let warehouse = shop(many);
    let spend = "spend: { role: secondary, from: orders, value: amount, precision: 0.01, aggregate: sum, window: 7d";
    warehouse.edit(&format!("{spend} }}"), &format!("{spend}, cuped: {{ pre_period: 7d, tags: [age] }} }}"));
    let orders = "orders_placed: { role: secondary, from: orders, aggregate: count, window: 7d";
    warehouse.edit(&format!("{orders} }}"), &format!("{orders}, cuped: 7d }}"));
    let below = "    denominator: { from: views, aggregate: count }\n";
    warehouse.edit(&format!("{below}  click_rate_adjusted"), &format!("{below}    cuped: 7d\n  click_rate_adjusted"));
    warehouse
}

#[test]
fn adjusted_means_and_ratios_by_household_meet_the_matrices_and_the_unadjusted_ones_stand_beside() {
    let published = adjusted().run(&[]);
    let faults = faults(&published, ("clusters_adjusted_shop.csv", 3));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let effects = published.effects();
    let plain = |row: &&crate::effects::Effect| row.estimand == "unadjusted_effect" && row.metric == "orders_placed";
    let plain = effects.iter().find(plain).expect("an unadjusted row");
    let without = shop(many).run(&[]).effects();
    let same = |row: &&crate::effects::Effect| {
        (row.estimand.as_str(), row.metric.as_str(), row.cohort.as_str()) == ("effect", "orders_placed", "all")
    };
    let without = without.iter().find(same).expect("a row");
    assert_eq!((plain.estimate, plain.std_err, &plain.method), (without.estimate, without.std_err, &without.method));
}

#[test]
fn one_household_in_an_arm_has_a_name_and_no_error() {
    let published = shop(|_, is_new| i64::from(is_new)).run(&[]);
    let effects = published.effects();
    assert!(effects.iter().all(|row| row.std_err.is_none()), "{effects:?}");
    assert!(published.json("result.json").to_string().contains("all units are in one cluster"));
}

#[test]
fn users_without_a_household_are_refused_with_their_number() {
    let warehouse = shop(many);
    warehouse.rewrite("exposures.parquet", |_, rows| {
        let households = rows["household_id"].as_primitive::<Int64Type>();
        let known: Int64Array =
            households.iter().enumerate().map(|(row, name)| name.filter(|_| row % 1_000 != 7)).collect();
        with_column(&rows, "household_id", Arc::new(known))
    });
    warehouse.assert_refused("have no `household_id`");
}

#[test]
fn undeclared_households_that_a_tag_names_are_refused_and_the_message_says_how_to_declare_them() {
    let warehouse = Warehouse::copy(Sample::Shop);
    let exposures = read_parquet(&repository().join("tests/data/shop/warehouse/exposures.parquet"));
    let variants = exposures["variant"].as_string::<i32>().iter().map(|variant| variant == Some("new"));
    let variant_of: BTreeMap<i64, bool> = integers(&exposures, "user_id").into_iter().zip(variants).collect();
    warehouse.rewrite("people.parquet", |_, rows| {
        let name = |user: i64| Some(format!("household {}", many(user, *variant_of.get(&user)?)));
        let names: StringArray = integers(&rows, "user_id").into_iter().map(name).collect();
        with_column(&rows, "household", Arc::new(names))
    });
    warehouse.edit("device: categorical }", "device: categorical, household: categorical }");
    warehouse.assert_refused("name that column in `cluster`");
}

/// A household of the last groups of users, whose treated members are said to live with the others.
fn joined(name: i64, groups: i64) -> i64 {
    if name / 6 >= 1_000 - groups { name - name % 2 } else { name }
}

/// The shop with so many groups of users whose households are in both variants.
fn mixed(groups: i64) -> Warehouse {
    let warehouse = shop(many);
    warehouse.rewrite("exposures.parquet", |_, rows| {
        let households = integers(&rows, "household_id").into_iter().map(|name| Some(joined(name, groups)));
        with_column(&rows, "household_id", Arc::new(households.collect::<Int64Array>()))
    });
    warehouse
}

#[test]
fn households_in_both_variants_are_refused_and_a_few_of_them_left_out_whole() {
    mixed(200).assert_refused("clusters in several variants: ");
    let original = read_parquet(&repository().join("tests/data/shop/warehouse/exposures.parquet"));
    let variants = original["variant"].as_string::<i32>();
    let mut variants_of: BTreeMap<i64, BTreeSet<bool>> = BTreeMap::new();
    let mut members: BTreeMap<i64, usize> = BTreeMap::new();
    for (row, user) in integers(&original, "user_id").into_iter().enumerate() {
        let is_new = variants.value(row) == "new";
        let household = joined(many(user, is_new), 1);
        variants_of.entry(household).or_default().insert(is_new);
        *members.entry(household).or_default() += 1;
    }
    members.retain(|household, _| variants_of[household].len() == 1);
    assert!(members.len() < variants_of.len(), "some household is in both");
    let units = mixed(1).run(&["--keep-units"]).table("units.parquet");
    let names = units["cluster household_id"].as_string::<i32>();
    let mut found: BTreeMap<i64, usize> = BTreeMap::new();
    names.iter().for_each(|name| *found.entry(name.expect("a name").parse().expect("a number")).or_default() += 1);
    assert_eq!(found, members, "a household in both is left out whole, and no other");
}
