//! Metrics that are quantiles over units or events meet numbers computed by sorting, by `tests/reference/make_quantiles.py`, and by household by
//! `make_quantiles_by_cluster.py`; they are told for what they are.

use std::fs;
use std::sync::LazyLock;

use crate::clusters;
use crate::effects::Effect;
use crate::metrics::faults;
use crate::program::{Answer, Published};
use crate::warehouse::{Sample, Warehouse, repository};

const CHEAP: &str = "  cheap: { role: secondary, from: orders";

const QUANTILES: &str = "  spend_p90: { role: secondary, from: orders, value: amount, precision: 0.01, aggregate: sum, window: 7d, quantile: { percentile: 0.9, of: units } }
  largest_order: { role: guardrail, from: orders, value: amount, precision: 0.01, aggregate: max, window: 7d, desired: increase, limit: -20%, quantile: { percentile: 0.25, of: units } }
  order_p75: { role: secondary, from: orders, value: amount, precision: 0.01, window: 7d, quantile: { percentile: 0.75, of: events } }
  orders_median: { role: secondary, from: orders, aggregate: count, window: 7d, quantile: { percentile: 0.5, of: units } }
";

/// The shop with a quantile without ties, one of the users with orders alone, one of all orders, and one of a small number.
pub(crate) fn shop() -> Warehouse {
    let warehouse = Warehouse::copy(Sample::Shop);
    warehouse.edit(CHEAP, &format!("{QUANTILES}{CHEAP}"));
    warehouse.edit("discover:\n", "slices: [device]\n\ndiscover:\n  search_replicates: 0\n  resplits: 0\n");
    warehouse
}

/// What a run says and publishes.
struct Run {
    said: String,
    published: Published,
}

fn run() -> &'static Run {
    static RUN: LazyLock<Run> = LazyLock::new(|| {
        let warehouse = shop();
        let answer = Answer::of(&mut warehouse.run_command(&["--threads", "1"])).expect_success();
        Run { said: answer.stdout, published: warehouse.published().pop().expect("a run") }
    });
    &RUN
}

fn row<'a>(found: &'a [Effect], metric: &str, cohort: &str, estimand: &str) -> &'a Effect {
    let is_meant = |row: &&Effect| row.metric == metric && row.cohort == cohort && row.estimand == estimand;
    found.iter().find(is_meant).unwrap_or_else(|| panic!("no {estimand} of {metric} in {cohort}"))
}

#[test]
fn quantiles_meet_the_sorted_users_with_ties_and_without() {
    let published = &run().published;
    let faults = faults(published, "quantiles_shop.csv");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let expected =
        fs::read_to_string(repository().join("tests/reference/quantile_intervals_shop.csv")).expect("numbers");
    let found = published.effects();
    assert_eq!(expected.lines().count(), 23);
    for line in expected.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let [metric, cohort, estimand, lower, upper] = fields.as_slice() else { panic!("{line}") };
        let row = row(&found, metric, cohort, estimand);
        let (from, to) = row.interval.expect("an interval");
        for (found, expected) in [(from, lower), (to, upper)] {
            let expected: f64 = expected.parse().expect("a number");
            assert!((found - expected).abs() < 1e-6 * row.std_err.expect("an error"), "{found} is not as in {line}");
        }
    }
}

#[test]
fn quantiles_by_household_meet_the_sorted_users_and_what_their_households_add() {
    let warehouse = clusters::shop(clusters::many);
    warehouse.edit(CHEAP, &format!("{QUANTILES}{CHEAP}"));
    let published = warehouse.run(&[]);
    let faults = clusters::faults(&published, ("quantiles_by_cluster_shop.csv", 3));
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(published.text("report.html").contains("Difference in quantiles, units assigned by cluster"));
    published.assert_same_files(&warehouse.run(&["--threads", "1", "--pieces", "5"]), "one thread");
}

#[test]
fn what_a_quantile_cannot_tell_has_a_name() {
    let published = &run().published;
    let found = published.effects();
    let few = row(&found, "spend_p90", "oldest", "effect");
    assert_eq!((few.estimate, few.std_err, few.interval), (None, None, None));
    assert!(few.mean_control > Some(0.0) && few.mean_variant > Some(0.0), "the quantiles themselves are told: {few:?}");
    let averages = published.json("result.json")["averages"].as_array().expect("averages").clone();
    let of = |metric: &str, estimand: &str| {
        let is_meant = |row: &&serde_json::Value| row["metric"] == metric && row["estimand"] == estimand;
        averages.iter().find(is_meant).expect("a row").clone()
    };
    let flat = of("orders_median", "effect");
    assert_eq!(flat["not_estimable"], "all values around the quantile are the same, so nothing tells its error");
    assert_eq!((flat["mean_control"].as_f64(), flat["mean_variant"].as_f64()), (Some(2.0), Some(2.0)));
    assert_eq!(of("spend_p90", "effect")["unreliable"], serde_json::Value::Null);
}

#[test]
fn a_quantile_is_told_for_what_it_is() {
    let Run { said, published } = run();
    let result = published.json("result.json");
    let metrics = result["metrics"].as_array().expect("metrics");
    let told: Vec<String> = metrics.iter().map(|metric| metric["quantile"].to_string()).collect();
    assert_eq!(told.iter().filter(|quantile| *quantile != "null").count(), 4, "{told:?}");
    assert!(told.contains(&r#"{"of":"units","percentile":0.9}"#.to_owned()), "{told:?}");
    let sentence = "Guardrail largest_order (25% quantile over units) holds under new";
    assert!(result["summary"].to_string().contains(sentence), "{}", result["summary"]);
    for (text, said) in [
        (said.as_str(), "spend_p90 — 90% quantile over units, secondary"),
        (said.as_str(), "order_p75 — 75% quantile over events, secondary"),
        (published.text("summary.md"), "25% quantile over units"),
        (published.text("report.html"), "Difference in quantiles"),
        (published.text("report.html"), "orders_median, median over units"),
    ] {
        assert!(text.contains(said), "`{said}` is not said");
    }
    let cohorts = cohorts(published, "spend_p90");
    assert!(cohorts.iter().any(|cohort| cohort.starts_with('c')), "of discovered cohorts as well: {cohorts:?}");
    let sliced = published.json("result.json")["slices"].to_string();
    assert!(sliced.contains("click_rate") && !sliced.contains("largest_order"), "effects by week are those of means");
}

#[test]
fn a_run_that_was_killed_goes_on_with_the_events_of_its_units() {
    let warehouse = shop();
    let arguments = ["--checkpoint-after", "0", "--checkpoints", "kept"];
    let command = || warehouse.run_command(&arguments);
    let killed = Answer::of(command().current_dir(warehouse.root()).env("WHOM_TEST_KILL_AT", "60:after"));
    assert_eq!(killed.code, None, "{}", killed.stderr);
    let resumed = Answer::of(command().current_dir(warehouse.root())).expect_success();
    assert!(resumed.stderr.contains("resumed after"), "{}", resumed.stderr);
    run().published.assert_same_files(&warehouse.published().pop().expect("a run"), "resumed");
}

/// The cohorts that a metric has an effect in.
fn cohorts(published: &Published, metric: &str) -> Vec<String> {
    let effects = published.effects().into_iter().filter(|row| row.metric == metric && row.estimand == "effect");
    effects.map(|row| row.cohort).collect()
}

#[test]
fn threads_pieces_and_batches_change_no_byte_of_quantiles() {
    for arguments in [["--threads", "2", "--pieces", "7"], ["--batch-size", "100", "--resident-limit", "1B"]] {
        run().published.assert_same_files(&shop().run(&arguments), &format!("{arguments:?}"));
    }
}
