//! Strata: undeclared they refuse the run, declared its effects meet those of `tests/reference/make_strata.py`.

use std::fs;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, StringArray, UInt32Array};
use arrow::compute::{take, take_record_batch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};

use crate::effects::Effect;
use crate::program::Published;
use crate::warehouse::{Sample, Warehouse, read_parquet, repository, users, with_column};

/// How far apart two numbers may be, in standard errors: least squares by another route.
const TOLERANCE: f64 = 1e-8;

const HOUR: i64 = 3_600_000_000;

fn country(user: i64) -> Option<&'static str> {
    match user {
        user if user % 101 == 0 => None,
        user if user % 499 == 0 => Some("is"),
        user if user % 3 == 0 => Some("fr"),
        _ => Some("de"),
    }
}

/// The shop in countries: in one the new page was shown to few, who spend more there; in another to nobody. Each user is exposed
/// thrice: at once, at the same instant in a country that comes later, and an hour later elsewhere.
pub(crate) fn shop() -> Warehouse {
    let warehouse = Warehouse::copy(Sample::Shop);
    warehouse.rewrite("exposures.parquet", |_, rows| {
        let variants = rows["variant"].as_string::<i32>();
        let is_kept = |(row, user): &(usize, i64)| match country(*user) {
            _ if variants.value(*row) == "control" => true,
            Some("is") => false,
            Some("fr") => user % 27 == 0,
            _ => true,
        };
        let kept: Vec<(usize, i64)> = users(&rows).into_iter().enumerate().filter(is_kept).collect();
        let thrice = || [0, 1, 2].into_iter().flat_map(|time| kept.iter().map(move |(row, user)| (time, *row, *user)));
        let places: UInt32Array = thrice().map(|(_, row, _)| row as u32).collect();
        let rows = take_record_batch(&rows, &places).expect("rows");
        let countries = thrice().map(|(time, _, user)| [country(user), Some("zz"), Some("elsewhere")][time]);
        let instants = rows["exposed_at"].as_primitive::<TimestampMicrosecondType>();
        let later: arrow::array::TimestampMicrosecondArray = thrice()
            .zip(instants.values())
            .map(|((time, ..), at)| Some(at + if time == 2 { HOUR } else { 0 }))
            .collect();
        let rows = with_column(&rows, "exposed_at", Arc::new(later.with_timezone("UTC")));
        with_column(&rows, "country", Arc::new(countries.collect::<StringArray>()))
    });
    warehouse.rewrite("orders.parquet", |_, rows| {
        let amounts = rows["amount"].as_primitive::<arrow::datatypes::Float64Type>();
        let paid = users(&rows).into_iter().zip(amounts.values());
        let amounts: arrow::array::Float64Array =
            paid.map(|(user, amount)| Some(amount + if country(user) == Some("fr") { 60.0 } else { 0.0 })).collect();
        with_column(&rows, "amount", Arc::new(amounts))
    });
    warehouse.edit("control: { weight: 0.6 }", "control: { weight: 0.68 }");
    warehouse.edit("new: { weight: 0.4 }", "new: { weight: 0.32 }");
    warehouse.edit("pruning_folds: 0 }", "pruning_folds: 0 }\n  search_replicates: 10\n  resplits: 2");
    warehouse
}

/// The shop, compared within countries and whatever else is declared beside them.
pub(crate) fn within_countries(strata: &str) -> Warehouse {
    let warehouse = shop();
    warehouse.edit("  end: 2026-03-05\n", &format!("  end: 2026-03-05\n{strata}"));
    warehouse
}

/// What differs from the effects in a file of `tests/reference`.
fn faults(published: &Published, reference: &str) -> Vec<String> {
    let path = repository().join("tests/reference").join(reference);
    let (expected, found) = (fs::read_to_string(path).expect("reference numbers"), published.effects());
    assert!(expected.lines().count() > 1, "{reference} is empty");
    expected.lines().skip(1).flat_map(|line| faults_of(line, &found)).collect()
}

fn faults_of(line: &str, found: &[Effect]) -> Vec<String> {
    let fields: Vec<&str> = line.split(',').collect();
    let [metric, variant, cohort, estimand, method, numbers @ ..] = fields.as_slice() else { panic!("{line}") };
    let numbers: Vec<f64> = numbers.iter().map(|number| number.parse().expect("a number")).collect();
    let [n_control, n_variant, mean_control, mean_variant, estimate, std_err] = numbers.as_slice() else {
        panic!("{line}")
    };
    let is_meant = |row: &&Effect| {
        (row.metric.as_str(), row.variant.as_str(), row.cohort.as_str(), row.estimand.as_str())
            == (*metric, *variant, *cohort, *estimand)
    };
    let rows: Vec<&Effect> = found.iter().filter(is_meant).collect();
    let [row] = rows.as_slice() else { return vec![format!("{line}: {} rows", rows.len())] };
    let mut faults = Vec::new();
    if row.method != *method || (row.n_control as f64, row.n_variant as f64) != (*n_control, *n_variant) {
        faults.push(format!("{line}: {}, {} and {} units", row.method, row.n_control, row.n_variant));
    }
    let error = std_err * if *estimand == "lift" { mean_control.abs() } else { 1.0 };
    for (found, expected, scale) in [
        (row.mean_control, mean_control, error),
        (row.mean_variant, mean_variant, error),
        (row.estimate, estimate, *std_err),
        (row.std_err, std_err, *std_err),
    ] {
        if found.is_none_or(|found| (found - expected).abs() > TOLERANCE * scale) {
            faults.push(format!("{line}: {found:?} is not {expected}"));
        }
    }
    faults
}

#[test]
fn undeclared_strata_that_a_tag_shows_are_refused() {
    let warehouse = shop();
    warehouse.rewrite("people.parquet", |_, rows| {
        let countries = users(&rows).into_iter().map(country).collect::<StringArray>();
        with_column(&rows, "country", Arc::new(countries))
    });
    warehouse.edit("device: categorical }", "device: categorical, country: categorical }");
    warehouse.assert_refused("country");
}

#[test]
fn strata_with_other_shares_than_the_weights_are_refused_unless_they_are_said_to_differ() {
    within_countries("  strata: [country]\n").assert_refused("`country fr`");
}

#[test]
fn arms_are_compared_within_the_countries_of_the_first_exposure() {
    let warehouse = within_countries("  strata: { columns: [country], shares: realised }\n");
    let published = warehouse.run(&[]);
    let faults = faults(&published, "strata_shop.csv");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let result = published.json("result.json").to_string();
    let in_iceland = published.json("result.json")["checks"].to_string();
    assert!(in_iceland.contains("of 4 strata with fewer than 2 units in a variant: `country is`"), "{in_iceland}");
    assert!(result.contains("units are in strata with fewer than two units in an arm and are left out"), "{result}");
    published.assert_same_files(&warehouse.run(&["--threads", "1", "--pieces", "5"]), "one thread");
    warehouse.turn_around("exposures.parquet");
    published.assert_same_files(&warehouse.run(&["--batch-size", "100"]), "rows in another order");
}

#[test]
fn strata_of_a_ramp_are_countries_by_period() {
    let strata = "  allocation: [{ start: 2026-03-04, weights: { control: 0.6, new: 0.4 } }]\n  strata: { columns: [country], shares: realised }\n";
    let published = within_countries(strata).run(&[]);
    let faults = faults(&published, "strata_ramp_shop.csv");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let result = published.json("result.json").to_string();
    assert!(result.contains("country fr in the period from 2026-03-04"), "{result}");
}

#[test]
fn pupils_are_compared_within_their_schools() {
    let warehouse = Warehouse::copy(Sample::Star);
    let original = read_parquet(&repository().join("tests/data/star/star_kindergarten.parquet"));
    let schools = arrow::compute::cast(&original["schoolidk"], &arrow::datatypes::DataType::Int64).expect("numbers");
    let pupils = original["rownames"].as_primitive::<Int64Type>().values().to_vec();
    warehouse.rewrite("assignments.parquet", |_, rows| {
        let assigned = rows["pupil_id"].as_primitive::<Int64Type>().values().iter();
        let places: Int64Array =
            assigned.map(|pupil| pupils.iter().position(|other| other == pupil).map(|place| place as i64)).collect();
        with_column(&rows, "school", take(&schools, &places, None).expect("schools"))
    });
    let strata = "  end: 1985-08-26\n  strata: { columns: [school], shares: realised }\n";
    warehouse.edit("  end: 1985-08-26\n", strata);
    let published = warehouse.run(&[]);
    let faults = faults(&published, "strata_star.csv");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let result = published.json("result.json");
    assert!(result["checks"].to_string().contains("nothing is searched within 79 strata"), "{}", result["checks"]);
    assert!(published.manifest["run"]["details"]["look"].is_null(), "nothing is searched, so nothing is looked at");
}
