//! What could be found: `whom power` from a published run, against scipy (`tests/reference/make_power.py`), and what it refuses.

use std::collections::BTreeMap;
use std::fs;
use std::sync::LazyLock;

use serde_json::Value;

use crate::program::{Answer, Baseline, whom};
use crate::warehouse::{Sample, Warehouse, repository};

/// The e-mail campaign with a published run.
static PUBLISHED: LazyLock<Warehouse> = LazyLock::new(|| {
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    warehouse.run(&[]);
    warehouse
});

/// The planning of the e-mail campaign, for so many units.
fn planned(units: Option<u64>) -> (String, Value) {
    let mut command = whom();
    command.arg("power").arg(PUBLISHED.pipeline());
    if let Some(units) = units {
        command.args(["--units", &units.to_string()]);
    }
    let answer = Answer::of(&mut command).expect_success();
    let planning = answer.last_line()["planning"].clone();
    (answer.stdout, planning)
}

/// The row of the average of a treatment on a metric.
fn average<'a>(planning: &'a Value, variant: &str) -> &'a Value {
    let rows = planning["rows"].as_array().expect("rows");
    let is_meant = |row: &&Value| row["variant"] == variant && row["subject"] == "everybody";
    rows.iter().find(is_meant).expect("a row")
}

#[test]
fn errors_of_a_run_tell_what_another_could_find() {
    let (text, now) = planned(None);
    assert!(text.contains("POWER") && text.contains("everybody") && text.contains("25% vs. rest"), "{text}");
    let found = average(&now, "Womens E-Mail");
    let effects = Baseline::of(Sample::Hillstrom).published.effects();
    let is_meant = |row: &&crate::effects::Effect| {
        row.variant == "Womens E-Mail" && row.metric == "visit" && row.cohort == "all" && row.estimand == "effect"
    };
    let std_err = effects.iter().find(is_meant).and_then(|row| row.std_err).expect("an error");
    // scipy.stats.norm.ppf(1 - .05 / 20) + norm.ppf(.8): ten tests share the level.
    let multiple = found["detectable"][0].as_f64().expect("an effect") / std_err;
    assert_eq!(found["tests"], 10, "both campaigns, on average, and in two cohorts with their contrasts");
    let expected = 2.807_034 + 0.841_621;
    assert!((multiple / expected - 1.0).abs() < 1e-3, "{multiple} and {expected}");

    let (_, later) = planned(Some(4 * 64_000));
    let [now, later] =
        [&now, &later].map(|planning| average(planning, "Womens E-Mail")["detectable"][0].as_f64().expect("an effect"));
    assert!((now / later - 2.0).abs() < 1e-3, "{now} and {later}");
}

#[test]
fn what_could_be_found_meets_scipy() {
    let plans = BTreeMap::from([64_000, 256_000].map(|units| (units, planned(Some(units)).1)));
    let path = repository().join("tests/reference/power_hillstrom.csv");
    let expected = fs::read_to_string(path).expect("reference numbers");
    let mut met = 0;
    for line in expected.lines().skip(1) {
        let [units, variant, share, at_80, at_90, needed] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}")
        };
        let number = |text: &str| text.parse::<f64>().expect("a number");
        let is_subject = |subject: &Value| match share {
            "" => subject == "everybody",
            share => subject["difference"] == number(share),
        };
        let rows = plans[&units.parse::<u64>().expect("units")]["rows"].as_array().expect("rows");
        let is_meant =
            |row: &&Value| row["metric"] == "visit" && row["variant"] == variant && is_subject(&row["subject"]);
        let row = rows.iter().find(is_meant).expect(line);
        for (found, expected) in
            [0, 1].map(|at| row["detectable"][at].as_f64().expect("an effect")).iter().zip([at_80, at_90])
        {
            assert!((found / number(expected) - 1.0).abs() < 1e-6, "{found} and {line}");
            met += 1;
        }
        let units = row["needed_units"].as_f64().expect("units");
        // Whole units in each comparison; and of a difference, the degrees of freedom of all units that measure.
        assert!((units / number(needed) - 1.0).abs() < 2e-5, "{units} and {line}");
    }
    assert_eq!(met, 32, "two campaigns, on average and for three shares, at two powers, for two numbers of units");
}

#[test]
fn without_a_run_there_is_nothing_to_plan_from() {
    let warehouse = Warehouse::copy(Sample::Tiny);
    let answer = Answer::of(whom().arg("power").arg(warehouse.pipeline()));
    assert_eq!((answer.code, answer.stderr.contains("run the pipeline first")), (Some(2), true), "{}", answer.stderr);
    let none = Answer::of(whom().arg("power").arg(warehouse.pipeline()).args(["--units", "0"]));
    assert_eq!(none.code, Some(2), "{}", none.stderr);
}
