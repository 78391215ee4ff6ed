//! Findings measured again: `whom replicate` on another experiment, on one without an effect, on the same units, and on plans
//! that the findings do not fit.

use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, AsArray, BooleanArray, RecordBatch, StringArray, new_null_array};
use arrow::compute::cast;
use arrow::compute::kernels::zip::zip;
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use serde_json::Value;

use crate::program::{Answer, Published, assert_text, whom};
use crate::warehouse::{Sample, Warehouse};

/// The e-mail campaign with a published run, whose findings all tests measure again.
static EARLIER: LazyLock<Warehouse> = LazyLock::new(|| {
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    warehouse.run(&[]);
    warehouse
});

/// The same customers under the name of another experiment.
static AGAIN: LazyLock<(String, Published)> = LazyLock::new(|| {
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    warehouse.rename_experiment("hillstrom_again");
    let answer = replicate(&warehouse).expect_success();
    (answer.stdout, published(&warehouse))
});

fn replicate(warehouse: &Warehouse) -> Answer {
    replicated_from(warehouse, &EARLIER)
}

fn replicated_from(warehouse: &Warehouse, earlier: &Warehouse) -> Answer {
    Answer::of(whom().args(["replicate", "--quiet", "--from"]).arg(earlier.output()).arg(warehouse.pipeline()))
}

fn published(warehouse: &Warehouse) -> Published {
    warehouse.published().pop().expect("a published run")
}

fn findings(published: &Published) -> Vec<Value> {
    published.json("result.json")["replication"]["findings"].as_array().expect("findings").clone()
}

/// What is refused: the exit code, and the message without the folders of the test.
fn refusal(warehouse: &Warehouse) -> String {
    let answer = replicate(warehouse);
    assert_eq!(answer.code, Some(2), "{}", answer.stderr);
    assert!(warehouse.published().is_empty(), "something is published");
    assert_eq!(answer.last_line()["status"], "failed");
    warehouse.without_folder(&answer.stderr)
}

#[test]
fn what_is_there_replicates_in_another_experiment() {
    let (summary, published) = &*AGAIN;
    let findings = findings(published);
    let gains: Vec<&Value> = findings.iter().filter(|finding| finding["standing"] == "gains").collect();
    assert!(!gains.is_empty(), "{findings:?}");
    for finding in gains {
        assert_eq!(finding["verdict"], "replicated", "{finding:#}");
        assert_eq!(finding["parts"].as_array().map(Vec::len), Some(2));
    }
    let (summary, _) = summary.trim_end().rsplit_once('\n').expect("a summary and a line for programs");
    assert_text("replicated_terminal", summary);
    assert_text("replicated_summary", published.text("summary.md"));
}

#[test]
fn only_what_was_found_is_replicated_evidence() {
    let (_, published) = &*AGAIN;
    let findings = findings(published);
    let is_finding = |cohort: &str, variant: &str, metric: &str| {
        findings
            .iter()
            .any(|finding| finding["cohort"] == cohort && finding["variant"] == variant && finding["metric"] == metric)
    };
    let effects = published.effects();
    assert!(effects.iter().any(|row| row.evidence == "replicated"));
    for row in effects.iter().filter(|row| row.cohort.starts_with('c')) {
        let found = is_finding(&row.cohort, &row.variant, &row.metric) && row.estimand != "lift";
        let expected = if found { ("replicated", "F1") } else { ("exploratory", "F3") };
        if row.estimand != "lift" {
            assert_eq!((row.evidence.as_str(), row.family.as_str()), expected, "{row:?}");
        }
    }
    let result = published.json("result.json");
    assert_eq!(result["global_tests"], Value::Array(Vec::new()), "nothing is searched");
}

/// The units of every cohort by its name: of a discovered one over both folds.
fn sizes(published: &Published) -> Vec<(String, u64)> {
    let result = published.json("result.json");
    let of = |cohort: &Value| {
        let sizes = cohort["sizes"].as_array().expect("sizes").iter();
        let units = sizes.filter_map(|size| size["units"].as_u64()).sum();
        (cohort["name"].as_str().expect("a name").to_owned(), units)
    };
    let mut sizes: Vec<(String, u64)> = result["cohorts"].as_array().expect("cohorts").iter().map(of).collect();
    sizes.sort();
    sizes
}

#[test]
fn frozen_cohorts_are_as_large_as_they_were() {
    assert_eq!(sizes(&published(&EARLIER)), sizes(&AGAIN.1));
}

#[test]
fn missing_tags_and_rare_levels_keep_the_sizes_of_cohorts() {
    let earlier = Warehouse::copy(Sample::Hillstrom);
    earlier.edit("      womens: numeric ", "      womens: { categorical: { levels: 1 } } ");
    earlier.edit("  bought_womens: womens = 1\n", "  bought_womens: womens = '1'\n");
    earlier.edit("  bought_mens_only: mens = 1 and womens = 0\n", "");
    earlier.rewrite("customer_tags", |_, rows| without_every_tenth(&rows, "womens"));
    let found = earlier.run(&[]);
    let rules = found.text("cohorts.sql");
    assert!(rules.contains("NOT IN") && rules.contains("IS NULL"), "{rules}");

    let again = earlier.copied();
    again.rename_experiment("hillstrom_with_gaps");
    replicated_from(&again, &earlier).expect_success();
    assert_eq!(sizes(&found), sizes(&published(&again)));
}

/// The rows with a column that is missing for every tenth customer.
fn without_every_tenth(rows: &RecordBatch, name: &str) -> RecordBatch {
    let place = rows.schema().index_of(name).expect("a column");
    let known: BooleanArray = numbers(rows).iter().map(|id| Some(id % 10 != 3)).collect();
    let mut columns = rows.columns().to_vec();
    let missing = new_null_array(columns[place].data_type(), rows.num_rows());
    columns[place] = zip(&known, &columns[place], &missing).expect("as many rows");
    let field = |(index, field): (usize, &Arc<Field>)| {
        if index == place { Arc::new(field.as_ref().clone().with_nullable(true)) } else { Arc::clone(field) }
    };
    let fields: Vec<Arc<Field>> = rows.schema().fields().iter().enumerate().map(field).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("rows")
}

/// The customers' numbers; 0 for a row without one.
fn numbers(rows: &RecordBatch) -> Vec<u64> {
    let ids = cast(rows.column_by_name("customer_id").expect("ids"), &DataType::Int64).expect("numbers");
    ids.as_primitive::<Int64Type>().iter().map(|id| id.unwrap_or_default().unsigned_abs()).collect()
}

#[test]
fn the_file_with_the_findings_is_an_input() {
    let inputs = AGAIN.1.manifest["run"]["inputs"].as_array().expect("inputs").clone();
    let earlier: Vec<Value> = inputs.into_iter().filter(|input| input["table"] == "earlier run").collect();
    assert_eq!(earlier.len(), 1, "{earlier:?}");
    let source = &published(&EARLIER).manifest;
    let files = source["files"].as_array().expect("files");
    let report = files.iter().find(|file| file["name"] == "report.json").expect("a report");
    assert_eq!(earlier[0]["etag"], report["sha256"]);
}

#[test]
fn what_is_gone_does_not_replicate() {
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    warehouse.rename_experiment("hillstrom_without_effect");
    warehouse.rewrite("exposures", |_, rows| with_arms_by_number(&rows));
    let answer = replicate(&warehouse).expect_success();
    let findings = findings(&published(&warehouse));
    assert!(findings.iter().any(|finding| finding["standing"] == "gains"), "{findings:?}");
    for finding in findings.iter().filter(|finding| finding["standing"] == "gains") {
        assert_eq!(finding["verdict"], "not_replicated", "{finding:#}");
    }
    assert!(findings.iter().all(|finding| finding["verdict"] != "replicated"), "{findings:?}");
    assert!(!answer.stdout.contains("Ship "), "{}", answer.stdout);
}

/// Exposures with variants that follow from the customer's number, which knows nothing of the campaign.
fn with_arms_by_number(rows: &RecordBatch) -> RecordBatch {
    let variants = ["No E-Mail", "Mens E-Mail", "Womens E-Mail"];
    let arms: StringArray = numbers(rows).into_iter().map(|id| Some(variants[(id % 3) as usize])).collect();
    let place = rows.schema().index_of("variant").expect("variants");
    let arms: ArrayRef = cast(&arms, rows.column(place).data_type()).expect("the type of variants");
    let mut columns = rows.columns().to_vec();
    columns[place] = Arc::clone(&arms);
    RecordBatch::try_new(rows.schema(), columns).expect("rows")
}

#[test]
fn the_same_units_confirm_nothing() {
    let warehouse = Warehouse::copy(Sample::Hillstrom);
    let answer = replicate(&warehouse).expect_success();
    let published = published(&warehouse);
    assert!(published.effects().iter().all(|row| row.evidence != "replicated"));
    for finding in findings(&published) {
        assert_eq!(finding["verdict"], Value::Null);
        assert!(finding["parts"].as_array().expect("parts").iter().all(|part| part["judged"].is_null()));
    }
    assert!(answer.stdout.contains("Nothing is judged of the finding"), "{}", answer.stdout);
    let reason = published.json("result.json")["replication"]["not_fresh"].clone();
    assert!(reason.as_str().expect("a reason").contains("is not after 2008-03-26"), "{reason}");
}

#[test]
fn findings_that_a_plan_does_not_fit_are_refused() {
    let missing = Warehouse::copy(Sample::Hillstrom);
    missing.rename_experiment("without_womens");
    missing.edit("      womens: numeric ", "      # womens: numeric ");
    missing.edit("mens, womens, zip_code", "mens, zip_code");
    missing.edit("  bought_womens: womens = 1\n", "");
    missing.edit("  bought_mens_only: mens = 1 and womens = 0\n", "  bought_mens: mens = 1\n");
    assert_text("replicated_without_tag", &refusal(&missing));

    let other_kind = Warehouse::copy(Sample::Hillstrom);
    other_kind.rename_experiment("womens_as_words");
    other_kind.edit("      womens: numeric ", "      womens: categorical ");
    other_kind.edit("  bought_womens: womens = 1\n", "");
    other_kind.edit("  bought_mens_only: mens = 1 and womens = 0\n", "  bought_mens: mens = 1\n");
    assert_text("replicated_other_kind", &refusal(&other_kind));

    let other_control = Warehouse::copy(Sample::Hillstrom);
    other_control.rename_experiment("against_the_mens");
    other_control.edit("  control: No E-Mail", "  control: Mens E-Mail");
    assert_text("replicated_other_control", &refusal(&other_control));
}
