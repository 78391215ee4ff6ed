//! How often events happen.

use crate::description::{Effect, Fact, Warehouse};
use crate::distribution::mean;
use crate::draw::{Chance, Stream};
use crate::error::SimulateError;
use crate::steering::{Place, Steering};

/// A fact table, ready to be drawn.
#[derive(Clone, Debug)]
pub(crate) struct FactRates {
    /// Events in 24 hours, before tags and variants.
    base: f64,
    /// What is added, by cohort (the last is elsewhere) and arm.
    added: Vec<Vec<f64>>,
    /// The largest rate of any unit.
    pub(crate) largest: Chance,
    /// The value of each step.
    pub(crate) amounts: Vec<f64>,
    pub(crate) void: Chance,
    pub(crate) streams: EventStreams,
}

/// The random numbers of a fact table's events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventStreams {
    pub(crate) happens: Stream,
    pub(crate) time: Stream,
    pub(crate) amount: Stream,
    pub(crate) void: Stream,
    pub(crate) duplicates: Stream,
    pub(crate) without_unit: Stream,
}

/// What is expected of a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Expected {
    /// Whether it has an event that counts.
    pub(crate) any: f64,
    /// How many.
    pub(crate) count: f64,
    /// The sum of their values.
    pub(crate) sum: f64,
}

impl FactRates {
    /// # Errors
    /// If some units would have a rate that is no probability.
    pub(crate) fn new(fact: &Fact, warehouse: &Warehouse, steering: &Steering) -> Result<Self, SimulateError> {
        let effects = warehouse.cohorts.iter().map(|cohort| &cohort.effects).chain([&warehouse.elsewhere]);
        let added = effects.map(|effects| added(effects, fact, warehouse)).collect();
        let stream = |purpose: &str| Stream::new(warehouse.seed, &format!("{purpose} of {}", fact.name));
        let mut rates = Self {
            base: fact.rate,
            added,
            largest: Chance::of(0.0),
            amounts: fact.amount.values(),
            void: Chance::of(fact.void),
            streams: EventStreams {
                happens: stream("event"),
                time: stream("time"),
                amount: stream("amount"),
                void: stream("void"),
                duplicates: stream("duplicate"),
                without_unit: stream("event without unit"),
            },
        };
        rates.largest = Chance::of(rates.checked_largest(fact, warehouse, steering)?);
        Ok(rates)
    }

    /// Events in 24 hours of a unit that stands at `place`; `arm` from first exposure on.
    #[inline]
    pub(crate) fn rate(&self, place: Place, arm: Option<usize>) -> f64 {
        self.base * place.factor + arm.map_or(0.0, |arm| self.added[place.cohort][arm])
    }

    /// What is expected of such a unit in a window of so many days, where a share of events is void.
    pub(crate) fn expected(&self, place: Place, arm: usize, fact: &Fact, window_days: u16) -> Expected {
        let counted = self.rate(place, Some(arm)) * (1.0 - fact.void);
        let count = counted * f64::from(window_days);
        Expected { any: 1.0 - libm::pow(1.0 - counted, window_days.into()), count, sum: count * mean(&self.amounts) }
    }

    /// The largest rate of any cell and arm, if all are probabilities.
    fn checked_largest(&self, fact: &Fact, warehouse: &Warehouse, steering: &Steering) -> Result<f64, SimulateError> {
        let arms = || std::iter::once(None).chain((0..warehouse.variants.len()).map(Some));
        let mut largest: f64 = 0.0;
        for (_, place) in steering.cells() {
            for arm in arms() {
                let rate = self.rate(place, arm);
                if !(0.0..=1.0).contains(&rate) {
                    let cohort = warehouse.cohorts.get(place.cohort);
                    return Err(SimulateError::Rate {
                        fact: fact.name.clone(),
                        cohort: cohort.map_or("no cohort".to_owned(), |cohort| format!("cohort `{}`", cohort.name)),
                        exposed: arm.map_or("before exposure".to_owned(), |arm| {
                            format!("in `{}`", warehouse.variants[arm].name)
                        }),
                        rate,
                    });
                }
                largest = largest.max(rate);
            }
        }
        Ok(largest)
    }
}

/// What the effects add to a fact table's rate, by arm.
fn added(effects: &[Effect], fact: &Fact, warehouse: &Warehouse) -> Vec<f64> {
    let of_variant = |name: &str| {
        let matching = effects.iter().filter(|effect| effect.fact == fact.name && effect.variant == name);
        matching.map(|effect| effect.rate).sum()
    };
    warehouse.variants.iter().map(|variant| of_variant(&variant.name)).collect()
}
