//! Linear models of a run meet what was printed with the experiments, and statsmodels and numpy (`reference/make_linear.py`).

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use arrow::datatypes::{Field, Float64Type, Int64Type, Schema};
use serde_json::Value;

use crate::effects::Table;
use crate::program::{Answer, Published};
use crate::warehouse::{Sample, Warehouse, read_parquet, repository, write_parquet};

#[path = "models/predicted.rs"]
mod predicted;

use predicted::{assert_predictions_meet, assert_women_of_20_have};

/// What is not looked at here, and takes time.
const NO_SEARCHES: &str = "discover:\n  search_replicates: 0\n  resplits: 0\n";

/// A sample that asks for models.
fn with_models(sample: Sample, models: &str) -> Warehouse {
    let warehouse = Warehouse::copy(sample);
    warehouse.edit("\ndiscover:\n", &format!("\nmodels:\n{models}\n{NO_SEARCHES}"));
    warehouse
}

/// The rows of a table with one more column of texts.
fn with_column(rows: &RecordBatch, name: &str, texts: StringArray) -> RecordBatch {
    let mut fields: Vec<Arc<Field>> = rows.schema().fields().iter().cloned().collect();
    fields.push(Arc::new(Field::new(name, texts.data_type().clone(), true)));
    let columns = rows.columns().iter().cloned().chain([Arc::new(texts) as ArrayRef]).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).expect("a table")
}

fn column<'a>(rows: &'a RecordBatch, name: &str) -> &'a ArrayRef {
    rows.column_by_name(name).unwrap_or_else(|| panic!("no column `{name}`"))
}

fn whole_numbers(rows: &RecordBatch, name: &str) -> Vec<i64> {
    column(rows, name).as_primitive::<Int64Type>().values().to_vec()
}

/// A coefficient of a model in `result.json`: of a variant or none, and of a tag or a level of one or none.
fn coefficient(run: &Published, model: &str, (variant, tag): (&str, &str)) -> Value {
    let results = run.json("result.json");
    let mut models = results["models"].as_array().expect("models").iter();
    let found = models.find(|found| found["name"] == model).unwrap_or_else(|| panic!("no model `{model}`"));
    let word = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let mut rows = found["coefficients"].as_array().expect("coefficients").iter();
    let is_it =
        |row: &&Value| word(row, "variant") == variant && [word(row, "level"), word(row, "tag")].contains(&tag.into());
    rows.find(is_it).unwrap_or_else(|| panic!("no `{variant}` x `{tag}` in {found}")).clone()
}

fn number(row: &Value, key: &str) -> f64 {
    row[key].as_f64().unwrap_or_else(|| panic!("no `{key}` in {row}"))
}

/// Estimate and standard error as they are printed.
fn printed(row: &Value, decimals: usize) -> String {
    let text = format!("{:.decimals$} ({:.decimals$})", number(row, "estimate"), number(row, "std_err"));
    text.replace("(0.", "(.").replace("-0.", "-.").trim_start_matches('0').to_owned()
}

/// Estimate, standard error, degrees of freedom and p-value of a term, by an independent program.
fn expected(rows: &str, model: &str, errors: &str, term: &str) -> [f64; 4] {
    in_reference("linear.csv", (rows, model, errors), term)
}

fn in_reference(file: &str, (rows, model, errors): (&str, &str, &str), term: &str) -> [f64; 4] {
    let text = fs::read_to_string(repository().join("tests/reference").join(file)).expect("the reference");
    let line = text.lines().find(|line| line.starts_with(&format!("{rows},{model},{errors},{term},")));
    let line = line.unwrap_or_else(|| panic!("no {rows},{model},{errors},{term}"));
    let fields: Vec<f64> = line.split(',').skip(4).map(|field| field.parse().unwrap_or(f64::NAN)).collect();
    [fields[0], fields[1], fields[2], fields[3]]
}

fn assert_meets(row: &Value, [estimate, std_err, degrees, p_value]: [f64; 4]) {
    let found = ["estimate", "std_err", "degrees_of_freedom", "p_value"].map(|key| number(row, key));
    assert!((found[0] - estimate).abs() < 1e-9 * std_err, "{row}: {estimate}");
    assert!((found[1] / std_err - 1.0).abs() < 1e-9, "{row}: {std_err}");
    assert!((found[2] / degrees - 1.0).abs() < 1e-8, "{row}: {degrees}");
    assert!((found[3] - p_value).abs() <= 1e-6 * p_value + 1e-300, "{row}: {p_value}");
}

/// Every layout of the units gives the same bytes.
fn assert_same_bytes(warehouse: &Warehouse, run: &Published) {
    let others: [&[&str]; 2] = [
        &["--threads", "1", "--pieces", "5", "--batch-size", "64"],
        &["--threads", "3", "--pieces", "40", "--resident-limit", "1B"],
    ];
    for arguments in others {
        let arguments = [arguments, &["--keep-units"]].concat();
        warehouse.run(&arguments).assert_same_files(run, &arguments.join(" "));
    }
}

#[test]
fn esti_meets_both_printed_tables_to_every_digit() {
    let models = "  by_gender: { metric: tested, tags: [woman], errors: HC2 }
  by_age: { metric: tested, tags: [age_group], errors: HC2, correction: bonferroni }
  together: { metric: tested, tags: [age, gender], standardise: true, errors: HC3, predict: PROFILES }
  classical: { metric: tested, tags: [age, gender], errors: classical, correction: holm, predict: PROFILES }
  hc0: { metric: tested, tags: [age, gender], errors: HC0, predict: PROFILES }
  hc1: { metric: tested, tags: [age, gender], base: { gender: male }, errors: HC1, predict: PROFILES }
  hc2: { metric: tested, tags: [age, gender], errors: HC2, predict: PROFILES }
  pair_hc2: { metric: tested, tags: [age, gender], units: { gender: [female, male] }, errors: HC2, predict: PROFILES }
  pair_hc3: { metric: tested, tags: [age, gender], units: { gender: [female, male] }, errors: HC3, predict: PROFILES }
";
    let profiles =
        "{ average: {}, woman_of_20: { age: 20, gender: female }, of_25: { age: 25 }, man: { gender: male } }";
    let models = &models.replace("PROFILES", profiles);
    let warehouse = with_models(Sample::Esti, models);
    warehouse
        .edit("      age: numeric\n", "      age: numeric\n      woman: categorical\n      age_group: categorical\n");
    warehouse.rewrite("people.parquet", |_, rows| {
        let women = column(&rows, "gender")
            .as_string::<i32>()
            .iter()
            .map(|gender| Some(if gender == Some("female") { "yes" } else { "no" }));
        let group = |age: i64| {
            if age < 20 {
                "16-19"
            } else if age < 25 {
                "20-24"
            } else {
                "25-30"
            }
        };
        let groups: StringArray = whole_numbers(&rows, "age").into_iter().map(|age| Some(group(age))).collect();
        with_column(&with_column(&rows, "woman", women.collect()), "age_group", groups)
    });
    let run = warehouse.run(&["--keep-units"]);

    let test = "internet testing";
    let by_gender = |place| coefficient(&run, "by_gender", place);
    let found = [("", ""), (test, ""), ("", "yes"), (test, "yes")].map(by_gender);
    let publication = [".2157434 (.0222426)", ".1789934 (.0335429)", "-.0073224 (.0290309)", ".1467815 (.0439771)"];
    assert_eq!(found.each_ref().map(|row| printed(row, 7)), publication);
    assert_eq!(format!("{:.7}", number(&found[3], "p_value")), "0.0008627");
    assert_eq!(number(&found[3], "degrees_of_freedom"), 1_735.0);
    let terms = ["intercept", "w", "female", "w:female"];
    found.iter().zip(terms).for_each(|(row, term)| assert_meets(row, expected("esti", "female", "hc2", term)));

    let [young, older] = ["20-24", "25-30"].map(|group| coefficient(&run, "by_age", (test, group)));
    assert_eq!([&young, &older].map(|row| printed(row, 8)), [".04351246 (.05733158)", ".16857652 (.05892980)"]);
    let p_values = |row: &Value| [number(row, "p_value"), number(row, "p_value_adjusted")];
    let [[p_young, all_young], [p_older, all_older]] = [&young, &older].map(p_values);
    assert_eq!(format!("{p_young:.6} {all_young:.6}"), "0.447979 0.895958");
    assert_eq!(format!("{p_older:.7} {all_older:.7}"), "0.0042786 0.0085573");

    let table = Table(run.table("models.parquet"));
    let in_json = ["by_gender", "by_age", "together"].map(|model| coefficient(&run, model, (test, "")));
    let (names, terms, estimates) = (table.words("model"), table.words("term"), table.numbers("estimate"));
    let of_variants = (0..terms.len()).filter(|row| terms[*row] == "variant");
    let in_table: Vec<(&str, Option<f64>)> = of_variants.map(|row| (names[row].as_str(), estimates[row])).collect();
    assert_eq!(in_table.iter().map(|(name, _)| *name).collect::<Vec<_>>()[..3], ["by_gender", "by_age", "together"]);
    assert!(in_table.iter().zip(in_json).all(|((_, estimate), row)| *estimate == row["estimate"].as_f64()));
    // One person alone decides a coefficient, so that errors of type HC2 and HC3 are undefined, and predictions with them.
    for model in ["together", "hc2"] {
        let results = run.json("result.json");
        let of_model = results["models"].as_array().expect("models").iter().find(|found| found["name"] == model);
        let predictions = of_model.expect("a model")["predictions"].as_array().expect("predictions").clone();
        let is_named = |row: &Value| row["not_estimable"].as_str().is_some_and(|why| why.contains("one unit alone"));
        assert!(predictions.len() == 4 && predictions.iter().all(is_named), "{predictions:?}");
    }
    let of_pairs = [("pair_hc2", "hc2"), ("pair_hc3", "hc3")];
    for (model, errors) in of_pairs {
        assert_predictions_meet(&run, model, ("esti", "women_and_men", errors), &[(test, "w")]);
    }
    let of_models = [("classical", "nonrobust"), ("hc0", "hc0"), ("hc1", "hc1")];
    for (model, errors) in of_models {
        assert_predictions_meet(&run, model, ("esti", "together", errors), &[(test, "w")]);
        assert_women_of_20_have(
            &run,
            model,
            in_reference("linear_predictions.csv", ("esti", "together", errors), "w@woman_of_20"),
        );
    }
    assert_same_bytes(&warehouse, &run);
}

#[test]
fn karlan_and_list_s_red_states_meet_statsmodels() {
    let models = "  plain: { metric: out_gavedum, tags: [state], units: { state: [blue, red] }, errors: HC1 }
  careful: { metric: out_gavedum, tags: [state], units: { state: [blue, red] }, errors: HC3 }
";
    let warehouse = with_models(Sample::KarlanList, models);
    warehouse.edit("    \"match 1:1\": { weight: 0.2222222 }\n", "    match: { weight: 0.6666667 }\n");
    warehouse
        .edit("    \"match 2:1\": { weight: 0.2222222 }\n", "")
        .edit("    \"match 3:1\": { weight: 0.2222222 }\n", "");
    warehouse.rewrite("letters.parquet", |_, rows| {
        let arms = column(&rows, "arm").as_string::<i32>().iter();
        let arms: StringArray =
            arms.map(|arm| Some(if arm == Some("control") { "control" } else { "match" })).collect();
        let place = rows.schema().index_of("arm").expect("an arm");
        let mut columns = rows.columns().to_vec();
        columns[place] = Arc::new(arms);
        RecordBatch::try_new(rows.schema(), columns).expect("a table")
    });
    let run = warehouse.run(&["--keep-units"]);
    let places =
        [("", "", "intercept"), ("match", "", "treatment"), ("", "red", "red"), ("match", "red", "treatment:red")];
    for (model, errors) in [("plain", "hc1"), ("careful", "hc3")] {
        for (variant, tag, term) in places {
            assert_meets(&coefficient(&run, model, (variant, tag)), expected("karlan_list", "red", errors, term));
        }
    }
}

#[test]
fn star_meets_statsmodels_and_numpy_with_errors_by_school() {
    let models = "  arms: { metric: scorek, errors: HC1 }
  arms_classical: { metric: scorek, errors: classical }
  arms_cr1: { metric: scorek, errors: CR1, cluster: school }
  arms_cr2: { metric: scorek, cluster: school }
  girl_cr0: { metric: scorek, tags: [gender], errors: CR0, cluster: school, predict: PROFILES }
  girl_cr1: { metric: scorek, tags: [gender], base: { gender: male }, errors: CR1, cluster: school, predict: PROFILES }
  girl_cr2: { metric: scorek, tags: [gender], base: { gender: male }, cluster: school, predict: PROFILES }
";
    let models = &models.replace("PROFILES", "{ average: {}, girl: { gender: female } }");
    let warehouse = with_models(Sample::Star, models);
    // Schools are blocks of the assignment, so that they differ between arms by design.
    warehouse.edit("\noutput:\n", "\nvalidate: { balance_p: 0 }\n\noutput:\n");
    warehouse.edit("  resplits: 0\n", "  resplits: 0\n  tags: [gender]\n");
    warehouse.edit(
        "      schoolk: categorical\n",
        "      schoolk: categorical\n      school: { categorical: { levels: 5 } }\n",
    );
    let original = read_parquet(&repository().join("tests/data/star/star_kindergarten.parquet"));
    let schools = column(&original, "schoolidk").as_primitive::<Float64Type>();
    let known: Vec<(i64, f64)> =
        whole_numbers(&original, "rownames").into_iter().zip(schools.values().iter().copied()).collect();
    warehouse.rewrite("pupils.parquet", |_, rows| {
        let school = |id: i64| known.iter().find(|(known, _)| *known == id).map(|(_, school)| format!("{school}"));
        let schools: StringArray = whole_numbers(&rows, "pupil_id").into_iter().map(school).collect();
        with_column(&rows, "school", schools)
    });
    let run = warehouse.run(&["--keep-units"]);
    for (model, of, errors) in [
        ("arms", "arms", "hc1"),
        ("arms_classical", "arms", "nonrobust"),
        ("arms_cr1", "arms", "cr1"),
        ("arms_cr2", "arms", "cr2"),
        ("girl_cr1", "girl", "cr1"),
        ("girl_cr2", "girl", "cr2"),
    ] {
        let arms = [("", "", "intercept"), ("small", "", "small"), ("regular+aide", "", "aide")];
        let girls =
            [("", "female", "girl"), ("small", "female", "small:girl"), ("regular+aide", "female", "aide:girl")];
        let with_girls = girls.iter().filter(|_| of == "girl");
        for (variant, tag, term) in arms.iter().chain(with_girls) {
            assert_meets(&coefficient(&run, model, (variant, tag)), expected("star", of, errors, term));
        }
    }
    for (model, errors) in [("girl_cr0", "cr0"), ("girl_cr1", "cr1"), ("girl_cr2", "cr2")] {
        assert_predictions_meet(&run, model, ("star", "girl", errors), &[("small", "small"), ("regular+aide", "aide")]);
    }
    let models = run.json("result.json")["models"].clone();
    assert_eq!((models[2]["clusters"].as_u64(), models[0]["clusters"].as_u64()), (Some(79), None));
    assert_eq!((models[0]["units"].as_u64(), models[0]["left_out"].as_u64()), (Some(5_786), Some(539)));
    assert!((60.0..79.0).contains(&number(&models[3], "effective_clusters")));
    assert_same_bytes(&warehouse, &run);
}

/// The tags of the lecture's model.
const TAGS: [&str; 6] =
    ["risk_score", "usage_z", "log_customer_value", "tenure_months", "enterprise_plan", "support_tickets"];

#[test]
fn the_lecture_s_model_of_its_train_fold_predicts_its_test_fold() {
    let model = format!(
        "  cate: {{ metric: outcome, tags: [{}], standardise: true, units: {{ fold35: train }}, calibrate: {{ fold35: test }}, errors: HC3, reference: normal }}\n",
        TAGS.join(", ")
    );
    let warehouse = with_models(Sample::Retention, &model);
    warehouse.edit(
        "tags:\n  account:\n",
        "tags:\n  folds: { path: data/retention/folds.parquet, static: true, columns: { fold35: categorical } }\n  account:\n",
    );
    let accounts = read_parquet(&repository().join("tests/data/retention/retention.parquet"));
    let places = ["account_id", "fold35"].map(|name| accounts.schema().index_of(name).expect("a column"));
    write_parquet(&warehouse.table("folds.parquet"), &accounts.project(&places).expect("two columns"));
    let run = warehouse.run(&["--keep-units"]);

    let of_offer = |tag| coefficient(&run, "cate", ("offer", tag));
    let found = ["", TAGS[0], TAGS[1], TAGS[2], TAGS[3], TAGS[4], TAGS[5]].map(of_offer);
    let lecture =
        ["3.676 (.152)", "3.342 (.161)", "-.488 (.163)", ".196 (.222)", "-.214 (.155)", "1.363 (.150)", ".610 (.166)"];
    assert_eq!(found.each_ref().map(|row| printed(row, 3)), lecture);
    for (row, tag) in found[1..].iter().zip(TAGS) {
        let [estimate, std_err, ..] = expected("retention", "original", "hc3", &format!("treatment:{tag}"));
        assert!((number(row, "estimate") - estimate).abs() < 1e-6 * std_err, "{row}");
        assert!((number(row, "std_err") / std_err - 1.0).abs() < 1e-6, "{row}");
        let half = (number(&row["interval"], "upper") - number(&row["interval"], "lower")) / 2.0;
        assert!((half / number(row, "std_err") - 1.959_964).abs() < 1e-6, "{row}");
    }
    assert_predicts(&accounts, &found);
    assert_tenths_hold(&run);
    assert_same_bytes(&warehouse, &run);
}

/// Predicts every account of the test fold by the coefficients, and holds that against the truth.
fn assert_predicts(accounts: &RecordBatch, coefficients: &[Value]) {
    let numbers = |name: &str| Table(accounts.clone()).numbers(name).into_iter().flatten().collect::<Vec<f64>>();
    let (tags, truth) = (TAGS.map(numbers), numbers("true_cate"));
    let folds = Table(accounts.clone()).words("fold35");
    let standardised = |row: &Value, value: f64| (value - number(row, "mean")) / number(row, "deviation");
    let predict = |account: usize| {
        let added = coefficients[1..].iter().zip(&tags);
        let added = added.map(|(row, tag)| number(row, "estimate") * standardised(row, tag[account]));
        number(&coefficients[0], "estimate") + added.sum::<f64>()
    };
    let tested: Vec<(f64, f64)> = (0..truth.len())
        .filter(|account| folds[*account] == "test")
        .map(|account| (predict(account), truth[account]))
        .collect();
    let n = tested.len() as f64;
    let mean = |of: &dyn Fn(&(f64, f64)) -> f64| tested.iter().map(of).sum::<f64>() / n;
    let (predicted, true_one) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
    let together = mean(&|pair| (pair.0 - predicted) * (pair.1 - true_one));
    let spreads = [mean(&|pair| (pair.0 - predicted).powi(2)), mean(&|pair| (pair.1 - true_one).powi(2))];
    let correlation = together / (spreads[0] * spreads[1]).sqrt();
    let rmse = mean(&|pair| (pair.0 - pair.1).powi(2)).sqrt();
    assert_eq!(format!("{correlation:.3} {rmse:.3}"), "0.979 0.841");
    for (found, name) in [(correlation, "correlation"), (rmse, "rmse")] {
        assert!((found - expected("retention", "original", "test_fold", name)[0]).abs() < 1e-6, "{name} {found}");
    }
}

/// By tenth of the prediction, what is predicted and measured is what the lecture has.
fn assert_tenths_hold(run: &Published) {
    let table = Table(run.table("calibration.parquet"));
    assert_eq!(table.counts("tenth"), (1..=10).collect::<Vec<i64>>());
    for (column, name) in [("predicted", "predicted"), ("estimate", "observed")] {
        for (found, tenth) in table.numbers(column).into_iter().zip(1..) {
            let [expected, ..] = expected("retention", "original", "test_fold", &format!("decile_{tenth}_{name}"));
            assert!(found.is_some_and(|found| (found - expected).abs() < 1e-6), "{tenth} {found:?} {expected}");
        }
    }
    let units = ["n_control", "n_variant"].map(|arm| table.counts(arm).iter().sum::<i64>());
    assert_eq!(units[0] + units[1], 4_200);
}

#[test]
fn what_a_model_cannot_tell_is_said_and_the_run_goes_on() {
    let models = "  nobody: { metric: tested, tags: [gender], units: { gender: martian } }
  base: { metric: tested, tags: [gender], base: { gender: martian } }
  few: { metric: tested, tags: [gender, age], units: { gender: transgender } }
";
    let warehouse = with_models(Sample::Esti, models);
    let answer = Answer::of(&mut warehouse.run_command::<&str>(&[])).expect_success();
    assert!(answer.stdout.contains("LINEAR MODELS"), "{}", answer.stdout);
    let run = warehouse.published().pop().expect("a run");
    let models = run.json("result.json")["models"].clone();
    let reasons = [0, 1, 2].map(|place| models[place]["not_estimable"].as_str().expect("a reason").to_owned());
    assert_eq!(
        reasons,
        [
            "there are no units",
            "no unit of the model has `martian`, the base level of `gender`",
            "the values do not vary"
        ]
    );
    assert!(run.text("report.html").contains("Linear models"));
    assert_eq!(models[2]["units"].as_u64(), Some(4));
}

#[test]
fn a_pipeline_without_models_has_no_file_of_them() {
    let run = &crate::program::Baseline::of(Sample::Tiny).published;
    let of_models = ["models.parquet", "predictions.parquet"];
    assert!(!run.names().iter().any(|name| of_models.iter().any(|file| Path::new(name).starts_with(file))));
    assert!(run.json("result.json").get("models").is_none() && !run.text("report.html").contains("Linear models"));
}
