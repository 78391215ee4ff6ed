//! Arm means, effects and standard errors meet those computed straight from the original files by
//! `tests/reference/make_effects.py`: means and effects to 1e-9 of the standard error, standard errors to 1e-9 of
//! themselves, counts exactly.
//!
//! Every group of the reference becomes a pre-registered cohort of the run.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use crate::effects::Effect;
use crate::warehouse::{Sample, Warehouse, repository};

/// How far apart two numbers may be, in standard errors.
const TOLERANCE: f64 = 1e-9;

#[test]
fn hillstrom_meets_the_original_file() {
    compare(Sample::Hillstrom, "effects_hillstrom.csv");
}

#[test]
fn retention_meets_the_lecture_and_its_quintiles_of_risk() {
    compare(Sample::Retention, "effects_retention.csv");
}

#[test]
fn star_meets_the_original_file() {
    compare(Sample::Star, "effects_star.csv");
}

#[test]
fn karlan_list_meets_the_original_file() {
    compare(Sample::KarlanList, "effects_karlan_list.csv");
}

fn compare(sample: Sample, file: &str) {
    let path = repository().join("tests/reference").join(file);
    let expected: Vec<Expected> =
        fs::read_to_string(&path).expect("reference numbers").lines().skip(1).map(Expected::parse).collect();
    let warehouse = Warehouse::copy(sample);
    let declared = declare_groups(&warehouse, &expected);
    let found = warehouse.run(&[]).effects();
    let faults: Vec<String> = expected.iter().flat_map(|row| row.faults(&found, &declared)).collect();
    assert!(faults.is_empty(), "{} faults in {} rows\n{}", faults.len(), expected.len(), faults.join("\n"));
}

/// Adds every group that the pipeline file lacks to its `cohorts`, and gives the cohort of each group.
fn declare_groups(warehouse: &Warehouse, expected: &[Expected]) -> BTreeMap<(String, String), String> {
    let mut declared = BTreeMap::new();
    let mut entries = String::from("\ncohorts:\n");
    for row in expected {
        let group = (row.tag.clone(), row.level.clone());
        if declared.contains_key(&group) {
            continue;
        }
        let name = match row.tag.as_str() {
            "ALL" => "all".to_owned(),
            "risk_quintile" => {
                ["risk_1_lowest", "risk_2", "risk_3", "risk_4", "risk_5_highest"][quintile(row)].to_owned()
            }
            _ => {
                let name = format!("group_{}", declared.len());
                writeln!(entries, "  {name}: {}", yaml_text(&row.condition())).expect("text");
                name
            }
        };
        declared.insert(group, name);
    }
    warehouse.edit("\ncohorts:\n", &entries);
    declared
}

fn quintile(row: &Expected) -> usize {
    row.level.parse::<usize>().expect("a quintile") - 1
}

/// A double-quoted scalar: JSON's are YAML's.
fn yaml_text(text: &str) -> String {
    serde_json::to_string(text).expect("text")
}

/// One row of a reference file.
struct Expected {
    variant: String,
    metric: String,
    tag: String,
    level: String,
    n_variant: i64,
    n_control: i64,
    mean_variant: f64,
    mean_control: f64,
    effect: f64,
    std_err: f64,
}

impl Expected {
    /// Parses a line of the columns arm, control, metric, tag, level, n_t, n_c, mean_t, mean_c, diff, se_welch.
    fn parse(line: &str) -> Self {
        let fields = csv_fields(line);
        let [variant, _, metric, tag, level, rest @ ..] = fields.as_slice() else { panic!("too few fields: {line}") };
        let number = |index: usize| rest[index].parse::<f64>().unwrap_or(f64::NAN);
        Self {
            variant: variant.clone(),
            metric: metric.clone(),
            tag: tag.clone(),
            level: level.clone(),
            n_variant: number(0) as i64,
            n_control: number(1) as i64,
            mean_variant: number(2),
            mean_control: number(3),
            effect: number(4),
            std_err: number(5),
        }
    }

    /// The SQL condition of the group.
    fn condition(&self) -> String {
        match self.level.parse::<f64>() {
            Ok(number) => format!("{} = {number}", self.tag),
            Err(_) => format!("{} = '{}'", self.tag, self.level.replace('\'', "''")),
        }
    }

    /// What differs from the row that was found.
    fn faults(&self, found: &[Effect], declared: &BTreeMap<(String, String), String>) -> Vec<String> {
        let cohort = &declared[&(self.tag.clone(), self.level.clone())];
        let place = format!("{}, {}, {} = {}", self.metric, self.variant, self.tag, self.level);
        let rows: Vec<&Effect> = found
            .iter()
            .filter(|row| row.metric == self.metric && row.variant == self.variant)
            .filter(|row| row.cohort == *cohort && row.estimand == "effect")
            .collect();
        let [row] = rows.as_slice() else { return vec![format!("{place}: {} rows", rows.len())] };
        if self.std_err.is_nan() || self.std_err == 0.0 {
            return row.estimate.iter().map(|found| format!("{place}: {found}, but it cannot be estimated")).collect();
        }
        let counts = [("n_variant", row.n_variant, self.n_variant), ("n_control", row.n_control, self.n_control)];
        let numbers = [
            ("mean_variant", row.mean_variant, self.mean_variant),
            ("mean_control", row.mean_control, self.mean_control),
            ("estimate", row.estimate, self.effect),
            ("std_err", row.std_err, self.std_err),
        ];
        let counts = counts.into_iter().filter(|(_, found, expected)| found != expected);
        let counts = counts.map(|(name, found, expected)| format!("{place}: {name} is {found}, not {expected}"));
        let apart = |found: Option<f64>, expected: f64| {
            found.is_none_or(|found| (found - expected).abs() > TOLERANCE * self.std_err)
        };
        let numbers = numbers.into_iter().filter(|(_, found, expected)| apart(*found, *expected));
        let numbers = numbers.map(|(name, found, expected)| format!("{place}: {name} is {found:?}, not {expected}"));
        counts.chain(numbers).collect()
    }
}

/// The fields of a line of comma-separated values, in quotes where they hold a comma.
fn csv_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            _ => fields.last_mut().expect("a field").push(character),
        }
    }
    fields
}
