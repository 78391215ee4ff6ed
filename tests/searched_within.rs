//! Searches within strata: nodes, cohorts, levels and slices meet those of `tests/reference/make_search_within_strata.py`, and shares that
//! differ between countries mislead only where nobody declared the countries.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, Float64Array, RecordBatch, StringArray};
use arrow::compute::filter_record_batch;
use arrow::datatypes::Float64Type;
use serde_json::Value;

use crate::effects::{Effect, Table};
use crate::program::{Answer, Published, assert_text};
use crate::warehouse::{Sample, Warehouse, repository, users, with_column};

/// How far apart two numbers may be, in standard errors.
const TOLERANCE: f64 = 1e-8;

const PIPELINE: &str = "\
version: 1
experiment: shop
unit: user_id
through: 2026-03-13
split:
  path: warehouse/exposures.parquet
  time: exposed_at
  variant: variant
  variants: { control: { weight: 0.658 }, new: { weight: 0.342 } }
  control: control
  start: 2026-03-02
  end: 2026-03-05
  STRATA
facts:
  orders: { path: warehouse/orders.parquet, time: paid_at }
metrics:
  spend: { role: primary, from: orders, value: amount, precision: 0.01, aggregate: sum, window: 7d, desired: increase, matters: 1% }
tags:
  people: { path: warehouse/people.parquet, static: true, columns: { age: numeric, device: categorical, language: categorical } }
cohorts:
  young: age < 58
slices: [device]
discover:
  tree: { depth: 2, units_per_arm: 60, events_per_arm: 20, pruning_folds: 0 }
  search_replicates: 5
  resplits: 2
validate: { balance_p: 0 }
output:
  path: ../../../whom-out/shop/
";

const WITHIN: &str = "strata: { columns: [country], shares: realised }";

fn country(user: i64) -> Option<&'static str> {
    match user {
        user if user % 101 == 0 => None,
        user if user % 3 == 0 => Some("fr"),
        _ => Some("de"),
    }
}

fn speaks_french(user: i64) -> bool {
    (user % 3 == 0) != (user % 8 == 0)
}

/// What was planted in the shop: in one country, as a language tells, the new page was shown to few, users whose number is a multiple of
/// `shown`, and orders are worth `more`. The new page adds `gain` to the orders of users under 58.
#[derive(Clone, Copy)]
struct Planted {
    shown: i64,
    more: f64,
    gain: f64,
}

const REFERENCE: Planted = Planted { shown: 9, more: 60.0, gain: 25.0 };

fn shop(strata: &str, planted: Planted) -> Warehouse {
    let Planted { shown, more, gain } = planted;
    let warehouse = Warehouse::copy(Sample::Shop);
    let (mut treated, mut young) = (BTreeSet::new(), BTreeSet::new());
    warehouse.rewrite("exposures.parquet", |_, rows| {
        let variants = rows["variant"].as_string::<i32>();
        let in_new = (0..rows.num_rows()).map(|row| variants.value(row) == "new");
        let kept = users(&rows).into_iter().zip(in_new).map(|(user, is_new)| {
            if is_new {
                treated.insert(user);
            }
            Some(!is_new || country(user) != Some("fr") || user % shown == 0)
        });
        let kept: BooleanArray = kept.collect();
        let countries = users(&rows).into_iter().map(country).collect::<StringArray>();
        filter_record_batch(&with_column(&rows, "country", Arc::new(countries)), &kept).expect("fewer rows")
    });
    warehouse.rewrite("people.parquet", |_, rows| {
        for (user, age) in users(&rows).into_iter().zip(numbers(&rows, "age")) {
            if age.is_some_and(|age| age < 58.0) {
                young.insert(user);
            }
        }
        let languages = users(&rows).into_iter().map(|user| if speaks_french(user) { "french" } else { "german" });
        with_column(&rows, "language", Arc::new(languages.map(Some).collect::<StringArray>()))
    });
    warehouse.rewrite("orders.parquet", |_, rows| {
        let paid = users(&rows).into_iter().zip(numbers(&rows, "amount"));
        let amounts: Float64Array = paid
            .map(|(user, amount)| {
                let gains = treated.contains(&user) && young.contains(&user);
                Some(amount? + if user % 3 == 0 { more } else { 0.0 } + if gains { gain } else { 0.0 })
            })
            .collect();
        with_column(&rows, "amount", Arc::new(amounts))
    });
    fs::write(warehouse.pipeline(), PIPELINE.replace("STRATA", strata)).expect("a pipeline");
    warehouse
}

fn numbers(rows: &RecordBatch, column: &str) -> Vec<Option<f64>> {
    let numbers = arrow::compute::cast(&rows[column], &arrow::datatypes::DataType::Float64).expect("numbers");
    numbers.as_primitive::<Float64Type>().iter().collect()
}

fn nodes(published: &Published) -> Vec<Value> {
    published.json("tree.json")["trees"][0]["nodes"].as_array().expect("nodes").clone()
}

/// Units of control and of the treatment: what tells nodes, cohorts and levels apart.
type Units = (i64, i64);

/// Tag, estimate, standard error and gain.
type Numbers = (String, f64, f64, Option<f64>);

/// What a run says, by kind and units.
fn found(published: &Published) -> BTreeMap<(String, Units), Numbers> {
    let mut found = BTreeMap::new();
    let units =
        |effect: &Value| (effect["n_control"].as_i64().expect("units"), effect["n_variant"].as_i64().expect("units"));
    for node in nodes(published) {
        let tag = node["split"]["tag"].as_str().unwrap_or_default().to_owned();
        for kind in ["discovery", "measuring"] {
            let effect = &node[kind][0];
            let number = |name: &str| effect[name].as_f64().expect("a number");
            let gain = node["split"]["gain"].as_f64().filter(|_| kind == "discovery");
            found.insert((kind.to_owned(), units(effect)), (tag.clone(), number("estimate"), number("std_err"), gain));
        }
    }
    for row in published.effects().iter().filter(|row| row.family == "F2" && row.estimand == "contrast") {
        let numbers = (String::new(), row.estimate.expect("a contrast"), row.std_err.expect("its error"), None);
        found.insert(("contrast".to_owned(), (row.n_control, row.n_variant)), numbers);
    }
    let slices = Table(published.table("slices.parquet"));
    let (cohorts, estimates, errors) = (slices.words("cohort"), slices.numbers("estimate"), slices.numbers("std_err"));
    let (controls, variants) = (slices.counts("n_control"), slices.counts("n_variant"));
    for row in (0..cohorts.len()).filter(|row| ["all", "young"].contains(&cohorts[*row].as_str())) {
        let numbers = (cohorts[row].clone(), estimates[row].expect("an effect"), errors[row].expect("its error"), None);
        found.insert(("slice".to_owned(), (controls[row], variants[row])), numbers);
    }
    let levels = Table(published.table("tags.parquet"));
    let (tags, estimands) = (levels.words("tag"), levels.words("estimand"));
    let (controls, variants) = (levels.counts("n_control"), levels.counts("n_variant"));
    let (estimates, errors) = (levels.numbers("estimate"), levels.numbers("std_err"));
    for row in (0..tags.len()).filter(|row| tags[*row] == "device" && estimands[*row] == "effect") {
        let numbers = ("device".to_owned(), estimates[row].expect("an effect"), errors[row].expect("its error"), None);
        found.insert(("level".to_owned(), (controls[row], variants[row])), numbers);
    }
    found
}

#[test]
fn nodes_cohorts_levels_and_slices_meet_a_search_unit_by_unit() {
    let warehouse = shop(WITHIN, REFERENCE);
    let published = warehouse.run(&[]);
    let found = found(&published);
    let path = repository().join("tests/reference/search_within_strata.csv");
    let expected = fs::read_to_string(path).expect("reference numbers");
    let mut faults = Vec::new();
    for line in expected.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [kind, tag, controls, variants, estimate, error, gain] = fields.as_slice() else { panic!("{line}") };
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let key = ((*kind).to_owned(), (number(controls) as i64, number(variants) as i64));
        let Some((own_tag, own_estimate, own_error, own_gain)) = found.get(&key) else {
            faults.push(format!("{line}: not found"));
            continue;
        };
        let is_near = |found: f64, expected: &str| (found - number(expected)).abs() < TOLERANCE * number(error);
        let has_gain =
            gain.is_empty() || own_gain.is_some_and(|own| (own - number(gain)).abs() < 1e-9 * number(gain).max(1.0));
        if own_tag != tag || !is_near(*own_estimate, estimate) || !is_near(*own_error, error) || !has_gain {
            faults.push(format!("{line}: {own_tag} {own_estimate} {own_error} {own_gain:?}"));
        }
    }
    assert!(faults.is_empty(), "{}\n{found:#?}", faults.join("\n"));
    assert_eq!(nodes(&published).len(), 7);
    assert_corrected(&published);
    assert_text("searched_within_summary", published.text("summary.md"));
    assert!(published.effects().iter().all(|row| row.estimand != "effect" || row.method == "stratified_welch"));
    published.assert_same_files(&warehouse.run(&["--threads", "1", "--pieces", "5"]), "one thread");
}

/// Holds the discovered family against the bootstrap of `tests/reference/max_t_within_strata.csv`, replicate by replicate.
fn assert_corrected(published: &Published) {
    let path = repository().join("tests/reference/max_t_within_strata.csv");
    let expected = fs::read_to_string(path).expect("reference numbers");
    assert_eq!(expected.lines().count(), 1 + 2 * 4, "effects and contrasts of four cohorts");
    let rows = published.effects();
    for line in expected.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [estimand, controls, variants, numbers @ ..] = fields.as_slice() else { panic!("{line}") };
        let units = |text: &str| text.parse::<i64>().expect("units");
        let is_asked = |row: &&Effect| row.family == "F2" && row.estimand == *estimand;
        let mut family = rows.iter().filter(is_asked);
        let row = family.find(|row| (row.n_control, row.n_variant) == (units(controls), units(variants)));
        let row = row.unwrap_or_else(|| panic!("no row for {line}"));
        let (lower, upper) = row.interval.expect("an interval");
        for (found, expected) in [lower, upper, row.p_value_adjusted.expect("a p-value")].iter().zip(numbers) {
            let expected: f64 = expected.parse().expect("a number");
            assert!((found - expected).abs() < 1e-8 * expected.abs().max(1.0), "{line}: {row:?}");
        }
    }
}

/// The cohorts that are told to differ from the rest.
fn different(published: &Published) -> Vec<String> {
    let summary = published.json("result.json");
    let open = summary["global_tests"].as_array().expect("tests").iter().any(|test| test["open"] == true);
    let rows = published.effects().into_iter().filter(|row| row.family == "F2" && row.estimand == "contrast");
    let proven = rows.filter(|row| open && row.p_value_adjusted.is_some_and(|p| p < 0.05));
    proven.map(|row| row.cohort).collect()
}

#[test]
fn a_language_misleads_only_where_countries_are_not_declared() {
    let planted = Planted { shown: 27, more: 600.0, gain: 0.0 };
    let run = |strata, planted| {
        let warehouse = shop(strata, planted);
        warehouse.edit("weight: 0.658", "weight: 0.679").edit("weight: 0.342", "weight: 0.321");
        warehouse.run(&[])
    };
    let pooled = run("", planted);
    assert_eq!(nodes(&pooled)[0]["split"]["tag"], "language");
    assert!(!different(&pooled).is_empty(), "units of all countries together mislead");
    let within = run(WITHIN, planted);
    assert_ne!(nodes(&within)[0]["split"]["tag"], "language");
    assert_eq!(different(&within), Vec::<String>::new());
    let found = run(WITHIN, Planted { gain: 250.0, ..planted });
    assert_eq!(nodes(&found)[0]["split"]["tag"], "age");
    assert!(!different(&found).is_empty());
}

#[test]
fn countries_with_weights_of_their_own_are_held_against_them() {
    let realised = shop(WITHIN, REFERENCE).run(&[]);
    let weighted = |of_fr: &str| {
        let strata = format!("strata: {{ columns: [country], weights: {{ {of_fr} }} }}");
        let warehouse = shop(&strata, REFERENCE);
        warehouse.edit("weight: 0.658", "weight: 0.6").edit("weight: 0.342", "weight: 0.4");
        warehouse
    };
    let fr = "fr: { control: 0.818, new: 0.182 }";
    let published = weighted(&format!("{fr}, it: {{ control: 0.5, new: 0.5 }}")).run(&[]);
    assert_eq!(
        published.effects(),
        realised.effects(),
        "weights are tested, and effects compared by the shares that there are"
    );
    let checks = published.json("result.json")["checks"].to_string();
    assert!(checks.contains("no unit is in 1 of 2 strata with weights of their own: `it`"), "{checks}");
    let refused = Answer::of(&mut weighted("fr: { control: 0.6, new: 0.4 }").run_command::<&str>(&[]));
    assert_eq!(refused.code, Some(3), "{}", refused.stderr);
    assert!(refused.stderr.contains("`country fr`"), "{}", refused.stderr);
}

#[test]
fn outcomes_of_the_measuring_fold_do_not_touch_a_tree_within_strata() {
    let warehouse = shop(WITHIN, REFERENCE);
    let baseline = warehouse.run(&["--keep-units"]);
    let measuring: BTreeSet<i64> =
        baseline.units_of_fold("measure").iter().map(|unit| unit.parse().expect("a number")).collect();
    assert!(measuring.len() > 2000);
    warehouse.rewrite("orders.parquet", |_, rows| {
        let paid = users(&rows).into_iter().zip(numbers(&rows, "amount"));
        let altered = |(user, amount): (i64, Option<f64>)| {
            let amount = amount?;
            Some(if measuring.contains(&user) { 3.0 * amount + 1.0 } else { amount })
        };
        let amounts: Float64Array = paid.map(altered).collect();
        with_column(&rows, "amount", Arc::new(amounts))
    });
    let altered = warehouse.run(&[]);
    let rules = |published: &Published| {
        let splits: Vec<Value> = nodes(published).iter().map(|node| node["split"].clone()).collect();
        (splits, published.text("cohorts.sql").to_owned())
    };
    assert_eq!(rules(&baseline), rules(&altered));
    assert_ne!(baseline.effects(), altered.effects(), "the outcomes were not altered");
}
