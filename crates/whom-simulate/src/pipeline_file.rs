//! The pipeline file that analyses a warehouse.

use std::fmt::Write;

use crate::description::{Fact, Warehouse};
use crate::events::STATUSES;
use crate::exposures;
use crate::population::Population;
use crate::tag::{Tag, Values};
use crate::unit_table::OLDEST_SNAPSHOT;
use crate::validate::{DAY_COLUMN, UNIT_COLUMN};

impl Population {
    /// The pipeline file that analyses the warehouse, with the planted cohorts as pre-registered ones. Its paths are relative to
    /// the warehouse's folder, where it belongs; results go to a folder `results` beside the tables.
    pub fn pipeline_yaml(&self) -> String {
        let warehouse = &self.warehouse;
        let mut yaml = self.head();
        yaml.push_str(&self.split());
        yaml.push_str("\nfacts:\n");
        warehouse.facts.iter().for_each(|fact| yaml.push_str(&fact_table(fact, warehouse)));
        yaml.push_str("\nmetrics:\n");
        warehouse.facts.iter().enumerate().for_each(|(place, fact)| yaml.push_str(&metrics(fact, place, warehouse)));
        yaml.push_str(&self.tag_table());
        yaml.push_str(&self.cohorts());
        yaml.push_str("\ndiscover:\n  tree: { criterion: causal_mse, depth: 3, units_per_arm: 200, events_per_arm: 50, penalty: 0.5 }\n");
        yaml.push_str("\noutput:\n  path: results/\n");
        yaml
    }

    fn head(&self) -> String {
        let Warehouse { experiment, units, seed, .. } = &self.warehouse;
        let through = self.through();
        format!(
            "# A simulated experiment on {units} units, seed {seed}. `truth.json` holds the effects that were planted.\n\n\
             version: 1\nexperiment: {experiment}\nunit: {UNIT_COLUMN}\nthrough: {through}\ntime_zone: UTC\n",
        )
    }

    /// The day on which the last window ends.
    fn through(&self) -> chrono::NaiveDate {
        let calendar = &self.warehouse.calendar;
        self.date(i64::from(calendar.enrolment_days) - 1 + i64::from(calendar.window_days))
    }

    fn split(&self) -> String {
        let warehouse = &self.warehouse;
        let all: f64 = warehouse.variants.iter().map(|variant| variant.weight).sum();
        let variant =
            |variant: &crate::Variant| format!("    {}: {{ weight: {} }}\n", variant.name, variant.weight / all);
        let end = self.date(i64::from(warehouse.calendar.enrolment_days) - 1);
        format!(
            "\nsplit:\n  path: exposures/\n  time: {time}\n  partition: {DAY_COLUMN}\n  variant: {column}\n  variants:\n{variants}  \
             control: {control}\n  start: {start}\n  end: {end}\n  several_variants: {{ rule: exclude, at_most: 5% }}\n",
            time = exposures::TIME_COLUMN,
            column = exposures::VARIANT_COLUMN,
            variants = warehouse.variants.iter().map(variant).collect::<String>(),
            control = warehouse.variants[0].name,
            start = self.date(0),
        )
    }

    fn tag_table(&self) -> String {
        let columns: String = self.warehouse.tags.iter().map(tag_line).collect();
        if columns.is_empty() {
            return String::new();
        }
        format!(
            "\ntags:\n  known:\n    path: snapshots/\n    date: {DAY_COLUMN}\n    as_of: day_before_first_exposure\n    at_most: {OLDEST_SNAPSHOT}d\n    \
             gaps: allowed                    # the first snapshot is that of the eve\n    columns:\n{columns}",
        )
    }

    fn cohorts(&self) -> String {
        let cohorts = &self.warehouse.cohorts;
        let named = cohorts.iter().enumerate();
        let lines = named.map(|(place, cohort)| format!("  {}: {}\n", cohort.name, self.rule_of(place)));
        if cohorts.is_empty() { String::new() } else { format!("\ncohorts:\n{}", lines.collect::<String>()) }
    }
}

fn fact_table(fact: &Fact, warehouse: &Warehouse) -> String {
    let Fact { name, time, key, .. } = fact;
    let unique = if warehouse.flaws.duplicates > 0.0 { format!("    unique: {key}\n") } else { String::new() };
    format!("  {name}:\n    path: {name}/\n    time: {time}\n    partition: {DAY_COLUMN}\n{unique}")
}

/// The metrics of a fact table; how many events a unit of the first one has is what cohorts are sought for.
fn metrics(fact: &Fact, place: usize, warehouse: &Warehouse) -> String {
    let role = if place == 0 { "primary" } else { "secondary" };
    let window = warehouse.calendar.window_days;
    let common =
        format!("where: {} = '{}', window: {window}d, desired: increase", crate::validate::STATUS_COLUMN, STATUSES[0]);
    let names = &fact.metrics;
    let table = &fact.name;
    let mut lines = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(
        lines,
        "  {}: {{ role: {role}, from: {table}, aggregate: count, {common}, matters: 1% }}",
        names.count
    );
    let _ = writeln!(lines, "  {}: {{ role: secondary, from: {table}, aggregate: any, {common} }}", names.any);
    let _ = writeln!(
        lines,
        "  {}: {{ role: secondary, from: {table}, aggregate: sum, value: {}, precision: {}, {common} }}",
        names.sum,
        fact.value,
        precision(fact.amount.decimals),
    );
    lines
}

/// The grid of so many decimal digits: `1` or `0.01`.
fn precision(decimals: u8) -> String {
    match decimals {
        0 => "1".to_owned(),
        _ => format!("0.{:0>width$}", 1, width = usize::from(decimals)),
    }
}

fn tag_line(tag: &Tag) -> String {
    let kind = match tag.values {
        Values::Numbers { .. } => "numeric",
        Values::Levels(_) => "categorical",
    };
    format!("      {}: {kind}\n", tag.name)
}
