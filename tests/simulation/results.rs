//! Tables of the long simulations, kept in the repository.

use std::fs;
use std::path::Path;

use super::repeated::SHARE;

/// Writes a table, and what it is about, to `tests/simulation/results/`. Nothing in it depends on the machine.
pub(super) fn write(name: &str, about: &str, table: &str) {
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/simulation/results");
    let path = results.join(format!("{name}.md"));
    let share = std::env::var(SHARE).map(|share| format!("{SHARE}={share} ")).unwrap_or_default();
    let command =
        format!("{share}cargo test --locked --workspace --lib --test whole simulation::{name}:: -- --ignored");
    let text = format!("{about}\n\n    {command}\n\nmeasures this and writes this file.\n\n{table}");
    fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// A count as a percentage of all, to two digits.
pub(super) fn percent(count: usize, all: usize) -> String {
    share(count as f64 / all as f64)
}

/// A share as a percentage, to two digits.
pub(super) fn share(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}

/// A count below a million with its thousands apart.
pub(super) fn thousands(count: u64) -> String {
    if count < 1_000 { count.to_string() } else { format!("{},{:03}", count / 1_000, count % 1_000) }
}

/// The largest count of `repetitions` at a rate of 5 % that is no evidence of more: 3.1 binomial standard errors above.
pub(super) fn bound(repetitions: usize) -> usize {
    let expected = 0.05 * repetitions as f64;
    (expected + 3.1 * (0.95 * expected).sqrt()) as usize
}

#[test]
fn the_bound_of_ten_thousand_is_567() {
    assert_eq!(bound(10_000), 567);
}
