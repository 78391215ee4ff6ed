//! Unit tables equal hand-written DuckDB SQL row by row; `cohorts.sql` in DuckDB gives the reported cohorts, and plain
//! SQL over them the reported effects.

use crate::checker::assert_agrees;
use crate::program::Baseline;
use crate::warehouse::Sample;

#[test]
fn hillstrom_in_duckdb() {
    unit_table(Sample::Hillstrom, "hillstrom");
    cohorts(Sample::Hillstrom, &["bought_womens=womens = 1", "bought_mens_only=mens = 1 and womens = 0"]);
}

#[test]
fn retention_in_duckdb() {
    unit_table(Sample::Retention, "retention");
    cohorts(Sample::Retention, &["risk_1_lowest=risk_score <= 0.24530182", "risk_5_highest=risk_score > 0.62513337"]);
}

#[test]
fn tiny_in_duckdb() {
    unit_table(Sample::Tiny, "tiny");
    cohorts(Sample::Tiny, &["on_phones=device = 'phone'"]);
}

fn unit_table(sample: Sample, name: &str) {
    let folder = Baseline::of(sample).published.unpacked();
    let units = folder.path().join("units.parquet");
    let sql = format!("tests/reference/duckdb_unit_table_{name}.sql");
    assert_agrees("check_unit_table.py", &[&units.to_string_lossy(), &sql]);
}

fn cohorts(sample: Sample, registered: &[&str]) {
    let folder = Baseline::of(sample).published.unpacked();
    let folder = folder.path().to_string_lossy();
    let registered = registered.iter().flat_map(|cohort| ["--cohort", *cohort]);
    let arguments: Vec<&str> = [&*folder].into_iter().chain(registered).collect();
    assert_agrees("check_cohorts_sql.py", &arguments);
}
