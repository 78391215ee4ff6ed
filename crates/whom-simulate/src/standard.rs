//! The standard warehouse: a shop that tries two new checkouts.

use chrono::NaiveDate;

use crate::description::{
    Calendar, Cohort, Condition, Effect, Fact, FactMetrics, Flaws, Prognosis, Test, Variant, Warehouse,
};
use crate::distribution::{Distribution, Shape};
use crate::size::Size;
use crate::standard_tags::standard_tags;

/// Numeric and categorical tags.
const TAGS: (usize, usize) = (10, 10);
/// Units of a file.
const UNITS_PER_FILE: u64 = 1 << 23;

impl Warehouse {
    /// The standard warehouse of a size.
    ///
    /// Half of the units keep the old checkout, a quarter each gets `one_page` and `express`. New customers on a phone buy more
    /// with one page, other new customers with the express checkout; to everybody else one page does harm. Orders depend on
    /// age and country besides, whatever the checkout.
    pub fn standard(size: Size, seed: u64) -> Self {
        let visits = size.has_visits().then(visits);
        Self {
            experiment: format!("checkout_{size}"),
            seed,
            units: size.units(),
            calendar: calendar(size),
            exposures_per_unit: 10.0,
            variants: [("control", 0.5), ("one_page", 0.25), ("express", 0.25)].map(variant).to_vec(),
            tags: standard_tags(TAGS.0, TAGS.1),
            prognosis: [("age", 0.5), ("country", -0.4)].map(prognosis).to_vec(),
            cohorts: cohorts(visits.is_some()),
            elsewhere: Vec::new(),
            facts: std::iter::once(orders()).chain(visits).collect(),
            flaws: flaws(size),
            units_per_file: UNITS_PER_FILE,
        }
    }
}

fn calendar(size: Size) -> Calendar {
    let (history_days, late_days) = if size == Size::Tiny { (3, 2) } else { (0, 0) };
    let start = NaiveDate::from_ymd_opt(2026, 3, 2).unwrap_or_default();
    Calendar { start, enrolment_days: 7, window_days: 14, snapshots: 7, history_days, late_days }
}

fn flaws(size: Size) -> Flaws {
    let duplicates = if size == Size::Tiny { 0.002 } else { 0.0 };
    Flaws { crossovers: 0.001, without_tags: 0.01, skipped_snapshots: 0.05, without_unit: 0.0001, duplicates }
}

/// Three orders a unit in the 21 days.
fn orders() -> Fact {
    Fact {
        name: "orders".to_owned(),
        key: "order_id".to_owned(),
        time: "ordered_at".to_owned(),
        value: "amount".to_owned(),
        amount: Distribution { shape: Shape::LogLogistic { median: 30.0, spread: 0.35 }, decimals: 2 },
        rate: 0.1415,
        void: 0.1,
        metrics: FactMetrics { any: "conversion".to_owned(), count: "orders".to_owned(), sum: "revenue".to_owned() },
    }
}

/// Two visits a unit in the 21 days.
fn visits() -> Fact {
    Fact {
        name: "visits".to_owned(),
        key: "visit_id".to_owned(),
        time: "visited_at".to_owned(),
        value: "minutes".to_owned(),
        amount: Distribution { shape: Shape::Exponential { mean: 6.0 }, decimals: 1 },
        rate: 0.095,
        void: 0.05,
        metrics: FactMetrics { any: "visited".to_owned(), count: "visits".to_owned(), sum: "time_on_site".to_owned() },
    }
}

fn cohorts(has_visits: bool) -> Vec<Cohort> {
    let is_new = || condition("tenure_days", Test::Lowest(0.4));
    let phone = || vec!["phone".to_owned()];
    let mut new_on_phone = Cohort {
        name: "new_on_phone".to_owned(),
        conditions: vec![is_new(), condition("device", Test::OneOf(phone()))],
        effects: vec![effect("orders", "one_page", 0.03), effect("orders", "express", 0.01)],
    };
    if has_visits {
        new_on_phone.effects.push(effect("visits", "one_page", 0.02));
    }
    vec![
        new_on_phone,
        Cohort {
            name: "new_on_others".to_owned(),
            conditions: vec![is_new(), condition("device", Test::NoneOf(phone()))],
            effects: vec![effect("orders", "express", 0.02)],
        },
        Cohort {
            name: "long_standing".to_owned(),
            conditions: vec![condition("tenure_days", Test::AllBut(0.4))],
            effects: vec![effect("orders", "one_page", -0.01)],
        },
    ]
}

fn variant((name, weight): (&str, f64)) -> Variant {
    Variant { name: name.to_owned(), weight }
}

fn prognosis((tag, strength): (&str, f64)) -> Prognosis {
    Prognosis { tag: tag.to_owned(), strength }
}

fn condition(tag: &str, test: Test) -> Condition {
    Condition { tag: tag.to_owned(), test }
}

fn effect(fact: &str, variant: &str, rate: f64) -> Effect {
    Effect { fact: fact.to_owned(), variant: variant.to_owned(), rate }
}
