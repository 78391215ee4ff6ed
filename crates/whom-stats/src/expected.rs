//! The numbers that `tests/reference/make_families.py` computed.

use crate::estimate::{Estimate, NotEstimable};

const COHORTS: &str = include_str!("../../../tests/reference/families_cohorts.csv");
const EXPECTED: &str = include_str!("../../../tests/reference/families_expected.csv");

/// The cohorts of a case.
pub(crate) fn cohorts(case: &str) -> Vec<Result<Estimate, NotEstimable>> {
    let lines = COHORTS.lines().filter_map(|line| line.strip_prefix(&format!("{case},")));
    let cohorts: Vec<_> = lines
        .map(|line| {
            let numbers: Vec<f64> = line.split(',').map(|number| number.parse().unwrap()).collect();
            Ok(Estimate { value: numbers[0], std_err: numbers[1], degrees_of_freedom: numbers[2] })
        })
        .collect();
    assert!(!cohorts.is_empty(), "no cohorts of {case}");
    cohorts
}

/// The case, the quantity and the value of every row of a topic.
pub(crate) fn rows(topic: &str) -> Vec<(&'static str, &'static str, f64)> {
    let fields = |line: &'static str| line.split(',').collect::<Vec<_>>();
    let rows: Vec<_> = EXPECTED
        .lines()
        .map(fields)
        .filter(|fields| fields[0] == topic)
        .map(|fields| (fields[1], fields[2], fields[3].parse().unwrap()))
        .collect();
    assert!(!rows.is_empty(), "no row of {topic}");
    rows
}

/// One value.
pub(crate) fn value(topic: &str, case: &str, quantity: &str) -> f64 {
    let found = rows(topic).into_iter().find(|row| (row.0, row.1) == (case, quantity));
    found.unwrap_or_else(|| panic!("no {quantity} of {case} in {topic}")).2
}

/// The numbers in a case's name.
pub(crate) fn numbers(case: &str) -> Vec<f64> {
    case.split(' ').filter_map(|word| word.parse().ok()).collect()
}

pub(crate) fn assert_close(found: f64, expected: f64, tolerance: f64, what: &str) {
    let error = (found - expected).abs() / expected.abs().max(1e-3);
    assert!(error <= tolerance, "{what}: {found} where {expected} is expected");
}
