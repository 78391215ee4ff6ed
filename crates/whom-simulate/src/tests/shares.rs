use super::rows::{batches, events, exposures, integers, numbers, words};
use crate::distribution::STEPS;
use crate::{Population, Size, TableKind, Warehouse};

const UNITS: u64 = 60_000;

fn population() -> Population {
    Population::new(Warehouse { units: UNITS, ..Warehouse::standard(Size::Tiny, 5) }).expect("a population")
}

/// Asserts that a count of independent trials lies within four standard errors of what is expected.
fn assert_share(what: &str, count: usize, trials: usize, share: f64) {
    let (expected, error) = (trials as f64 * share, (trials as f64 * share * (1.0 - share)).sqrt());
    assert!((count as f64 - expected).abs() < 4.0 * error, "{what}: {count}, expected {expected:.0} ± {error:.0}");
}

/// Asserts that a mean lies within four standard errors of what is expected.
fn assert_mean(what: &str, values: &[f64], expected: f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let error = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n * (n - 1.0))).sqrt();
    assert!((mean - expected).abs() < 4.0 * error, "{what}: {mean} ± {error}, expected {expected}");
}

fn rows_by_unit(units: impl Iterator<Item = Option<i64>>) -> Vec<f64> {
    let mut counts = vec![0.0; UNITS as usize];
    units.flatten().for_each(|unit| counts[unit as usize - 1] += 1.0);
    counts
}

#[test]
fn variants_have_their_weights_and_days_equally_many_first_exposures() {
    let population = population();
    let units: Vec<_> = (0..UNITS).map(|number| population.unit(number)).collect();
    for (arm, weight) in [0.5, 0.25, 0.25].into_iter().enumerate() {
        let count = units.iter().filter(|unit| unit.arm == arm).count();
        assert_share(&format!("arm {arm}"), count, units.len(), weight);
    }
    for day in 0..7 {
        let count = units.iter().filter(|unit| unit.day == day).count();
        assert_share(&format!("day {day}"), count, units.len(), 1.0 / 7.0);
    }
}

#[test]
fn a_unit_has_ten_exposures_and_some_have_two_variants() {
    let population = population();
    let exposures = exposures(&population);
    let by_unit = rows_by_unit(exposures.iter().map(|(_, unit, _)| *unit));
    assert!(by_unit.iter().all(|count| *count >= 1.0), "every unit is exposed");
    assert_mean("exposures of a unit", &by_unit, 10.0 + 0.001);
    let without = exposures.iter().filter(|(_, unit, _)| unit.is_none()).count();
    assert_share("rows without a unit", without, exposures.len(), 0.0001);

    let mut variants: Vec<_> = exposures.iter().filter_map(|(_, unit, variant)| Some(((*unit)?, variant))).collect();
    variants.sort_unstable();
    variants.dedup();
    assert_share("crossovers", variants.len() - UNITS as usize, UNITS as usize, 0.001);
}

#[test]
fn events_are_as_frequent_as_declared_some_void_some_twice() {
    let population = population();
    let mut orders = events(&population, 0);
    let delivered = orders.len();
    orders.sort_by_key(|event| event.key);
    orders.dedup();
    assert_share("duplicates", delivered - orders.len(), orders.len(), 0.002);
    let keys: std::collections::BTreeSet<i64> = orders.iter().map(|event| event.key).collect();
    assert_eq!(keys.len(), orders.len(), "a key names one event");
    let void = orders.iter().filter(|event| event.status == "void").count();
    assert_share("void orders", void, orders.len(), 0.1);
    // Three days of history and two late ones lie around the 21 days of the experiment, without effects at first.
    let by_unit = rows_by_unit(orders.iter().map(|event| event.unit));
    let all_days: f64 = by_unit.iter().sum::<f64>() / UNITS as f64 / 26.0;
    assert!((all_days - 0.1415).abs() < 0.005, "{all_days} orders a day");
    let values: Vec<f64> = orders.iter().map(|event| event.value).collect();
    assert_mean("amount", &values, crate::distribution::mean(&population.facts[0].amounts));
}

#[test]
fn snapshots_lack_whom_they_should_and_hold_levels_in_their_shares() {
    let population = population();
    let snapshots = batches(&population, TableKind::Snapshots);
    let rows: usize = snapshots.iter().map(|(_, batch)| batch.num_rows()).sum();
    let days: std::collections::BTreeSet<i64> = snapshots.iter().map(|(day, _)| *day).collect();
    assert!(days.into_iter().eq(-1..6));
    let known = rows_by_unit(snapshots.iter().flat_map(|(_, batch)| integers(batch, "user_id")));
    let never = known.iter().filter(|count| **count == 0.0).count();
    assert_share("units without tags", never, UNITS as usize, 0.01);
    assert_share("rows of the others", rows, (UNITS as usize - never) * 7, 0.95);

    let (_, eve) = &snapshots[0];
    let share_of = |level: &str, words: &[Option<String>]| words.iter().flatten().filter(|word| *word == level).count();
    // Shares of levels are 1/2, 1/3 and 1/4 of their sum.
    assert_share("phones", share_of("phone", &words(eve, "device")), eve.num_rows(), 6.0 / 13.0);
    assert_share("tablets", share_of("tablet", &words(eve, "device")), eve.num_rows(), 3.0 / 13.0);
    let missing = numbers(eve, "days_since_order").iter().filter(|number| number.is_none()).count();
    assert_share("missing days since order", missing, eve.num_rows(), 0.1);
}

#[test]
fn a_tag_that_follows_another_is_correlated_with_it_by_its_share_and_with_no_other() {
    let population = population();
    let column = |name: &str| population.tags.iter().find(|tag| tag.name == name).expect("a tag");
    let rank = |name: &str, unit| column(name).pick(&population.tags, unit, 3, false).step as f64 / STEPS as f64 - 0.5;
    let correlation = |left: &str, right: &str| {
        12.0 * (0..UNITS).map(|unit| rank(left, unit) * rank(right, unit)).sum::<f64>() / UNITS as f64
    };
    let allowed = 4.0 * 1.5 / (UNITS as f64).sqrt();
    for (left, right, share) in [
        ("account_value", "tenure_days", 0.7),
        ("spend_90d", "age", 0.4),
        ("plan", "device", 0.5),
        ("os", "plan", 0.35),
        ("tenure_days", "age", 0.0),
        ("device", "country", 0.0),
    ] {
        let found = correlation(left, right);
        assert!((found - share).abs() < allowed, "{left} and {right}: {found}, declared {share}");
    }
}
