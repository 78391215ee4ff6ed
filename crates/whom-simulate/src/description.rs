//! What a population and its warehouse are like.

use chrono::NaiveDate;

use crate::distribution::Distribution;
use crate::tag::Tag;

/// A population of units, the experiment on it, and the tables that a warehouse would hold of both.
///
/// The outcome of a unit is a number of events: a unit has an event of a fact table in each period of 24 hours, counted
/// from its first exposure, with a probability that is the product of the table's base rate and what the unit's tags are
/// worth ([`Prognosis`]), and from first exposure on the sum of that and what the variant adds in the unit's cohort
/// ([`Effect`]). Means per unit, and so effects by cohort, follow in closed form.
#[derive(Clone, Debug, PartialEq)]
pub struct Warehouse {
    /// The experiment's name.
    pub experiment: String,
    /// Every value is a function of this, of what it is, and of the unit.
    pub seed: u64,
    /// How many units there are: 1 to 2^40.
    pub units: u64,
    /// The days of everything.
    pub calendar: Calendar,
    /// Expected exposures of a unit in the days of enrolment, its first one included: 1 or more.
    pub exposures_per_unit: f64,
    /// The variants; the first one is the control.
    pub variants: Vec<Variant>,
    /// The tags, in the order of the snapshots' columns.
    pub tags: Vec<Tag>,
    /// What the tags say about outcomes, whatever the variant.
    pub prognosis: Vec<Prognosis>,
    /// The planted cohorts: a unit belongs to the first that takes it.
    pub cohorts: Vec<Cohort>,
    /// Effects on the units that no cohort takes.
    pub elsewhere: Vec<Effect>,
    /// The fact tables.
    pub facts: Vec<Fact>,
    /// What is wrong with the data, as it is with real ones.
    pub flaws: Flaws,
    /// How many units share a file of a day. Rows do not depend on it.
    pub units_per_file: u64,
}

/// The days of a warehouse. All days are UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calendar {
    /// The first day of first exposures.
    pub start: NaiveDate,
    /// Days on which first exposures happen, equally many on each: 1 to 1,000.
    pub enrolment_days: u16,
    /// Days of 24 hours after first exposure in which outcomes count: 1 to 1,000.
    pub window_days: u16,
    /// Daily snapshots of the tags, the last one on the eve of the last day of enrolment.
    pub snapshots: u16,
    /// Days of events before the start.
    pub history_days: u16,
    /// Days of events after the last window, which no analysis may read.
    pub late_days: u16,
}

/// What a unit can be shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Variant {
    /// Its name.
    pub name: String,
    /// Its share of the units, relative to the others.
    pub weight: f64,
}

/// A tag that predicts outcomes: rates are multiplied by 1 - `strength` for its lowest sixteenth of units, by 1 + `strength`
/// for its highest, evenly in between, so that the mean rate is what it would be without.
#[derive(Clone, Debug, PartialEq)]
pub struct Prognosis {
    /// The tag.
    pub tag: String,
    /// Between -1 and 1.
    pub strength: f64,
}

/// Units that are affected alike.
#[derive(Clone, Debug, PartialEq)]
pub struct Cohort {
    /// Its name.
    pub name: String,
    /// All of these hold.
    pub conditions: Vec<Condition>,
    /// What the variants do to these units; what is not mentioned does nothing.
    pub effects: Vec<Effect>,
}

/// A condition on a tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The tag.
    pub tag: String,
    /// What has to hold.
    pub test: Test,
}

/// What a condition asks.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// A number is in the given lowest share of all units; cut where the next larger value begins.
    Lowest(f64),
    /// A number is not in the given lowest share.
    AllBut(f64),
    /// A category is one of these.
    OneOf(Vec<String>),
    /// A category is none of these.
    NoneOf(Vec<String>),
}

/// What a variant adds to the events of a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The fact table.
    pub fact: String,
    /// The variant.
    pub variant: String,
    /// Events in 24 hours.
    pub rate: f64,
}

/// A table of events.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    /// Its name, and that of its folder.
    pub name: String,
    /// The column that names an event.
    pub key: String,
    /// The column of the instant.
    pub time: String,
    /// The column of the value.
    pub value: String,
    /// The value of an event, which tells nothing about the unit.
    pub amount: Distribution,
    /// Events of a unit in 24 hours, before anything changes them: 0 to 1.
    pub rate: f64,
    /// The share of events whose status is `void`; these do not count. All others are `valid`.
    pub void: f64,
    /// What is measured.
    pub metrics: FactMetrics,
}

/// The names of the metrics of a fact table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactMetrics {
    /// Whether a unit has an event.
    pub any: String,
    /// How many.
    pub count: String,
    /// The sum of their values.
    pub sum: String,
}

/// What is wrong with the data. Every number is a probability.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flaws {
    /// A unit is shown a second variant on the last day of enrolment.
    pub crossovers: f64,
    /// A unit has no snapshot at all.
    pub without_tags: f64,
    /// A snapshot lacks a unit that others have.
    pub skipped_snapshots: f64,
    /// A row of an exposure or event is followed by one without a unit.
    pub without_unit: f64,
    /// An event is delivered twice, the same in every column.
    pub duplicates: f64,
}
