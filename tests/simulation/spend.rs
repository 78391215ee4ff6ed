//! Spend as in Hillstrom's e-mail challenge: of 64,000 customers 578 spent anything within two weeks, and some of them much.
//!
//! `spend.csv` holds these 578 numbers of `tests/data/hillstrom`, in cents.

use std::sync::LazyLock;

use super::draws::Draws;

/// Customers of the file.
const CUSTOMERS: usize = 64_000;

static CENTS: LazyLock<Vec<i64>> = LazyLock::new(|| {
    let lines = include_str!("spend.csv").lines().skip(1);
    lines.map(|line| line.parse().expect("cents")).collect()
});

/// The spend of a customer drawn from the file, in cents.
pub(crate) fn spend(draws: &mut Draws) -> i64 {
    CENTS.get(draws.below(CUSTOMERS)).copied().unwrap_or(0)
}

/// The mean of a function of spend over all customers of the file.
pub(crate) fn mean_over_customers(of: impl Fn(i64) -> f64) -> f64 {
    let spenders: f64 = CENTS.iter().map(|cents| of(*cents)).sum();
    (spenders + (CUSTOMERS - CENTS.len()) as f64 * of(0)) / CUSTOMERS as f64
}

#[test]
fn spend_is_that_of_the_file() {
    assert_eq!(CENTS.len(), 578);
    // 1.05 dollars a customer, as the challenge's description says.
    assert!((mean_over_customers(|cents| cents as f64) - 105.09).abs() < 0.01);
    let mut draws = Draws::new("spend");
    let drawn: Vec<i64> = (0..200_000).map(|_| spend(&mut draws)).collect();
    let spenders = drawn.iter().filter(|cents| **cents > 0).count();
    // 1,806 are expected; four of their standard deviations are 170.
    assert!(spenders.abs_diff(1_806) < 170, "{spenders}");
}
