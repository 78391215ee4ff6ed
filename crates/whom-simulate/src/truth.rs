//! What is true of a population: means and effects by planted cohort, in closed form.
//!
//! A unit has an event in each period of 24 hours with a probability that depends on its tags before first exposure and on
//! its variant, so the number of events in the window is binomial. Steering tags are independent and take finitely many
//! steps; the mean over a cohort is a finite sum over its cells.

use serde::Serialize;

use crate::description::Fact;
use crate::population::Population;
use crate::rates::{Expected, FactRates};
use crate::steering::Place;

/// The version of `truth.json`.
const SCHEMA_VERSION: u32 = 1;

/// What is true of a population, and what `truth.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Truth {
    /// The version of this format.
    pub schema_version: u32,
    /// The experiment.
    pub experiment: String,
    /// The seed.
    pub seed: u64,
    /// How many units there are.
    pub units: u64,
    /// Their shares of the units, and what is true in each: first everybody, then the planted cohorts, then the units that
    /// no cohort takes, if there are any.
    pub cohorts: Vec<CohortTruth>,
}

/// What is true of a cohort.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CohortTruth {
    /// Its name: `all` for everybody, `elsewhere` for the units that no planted cohort takes.
    pub cohort: String,
    /// Its rule in SQL, given the tags before first exposure; none for everybody and elsewhere.
    pub rule: Option<String>,
    /// Its share of the units.
    pub share: f64,
    /// What is expected of its units.
    pub metrics: Vec<MetricTruth>,
}

/// What is expected of the units of a cohort.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MetricTruth {
    /// The metric.
    pub metric: String,
    /// Its mean per unit in each variant, the control first.
    pub arms: Vec<ArmTruth>,
}

/// What is expected of a unit in a variant.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ArmTruth {
    /// The variant.
    pub variant: String,
    /// The mean.
    pub mean: f64,
    /// The mean less that of the control.
    pub effect: f64,
}

/// The cohort of everybody.
const EVERYBODY: &str = "all";
/// The cohort of the units that no planted cohort takes.
const ELSEWHERE: &str = "elsewhere";

impl Population {
    /// What is true of the population.
    ///
    /// Means are over all units that the description could draw; those of the drawn ones differ by chance. They hold for units
    /// in one variant only, since a crossover is drawn whatever the unit is like.
    pub fn truth(&self) -> Truth {
        let warehouse = &self.warehouse;
        let cells = self.steering.cells();
        let everybody = self.cohort_truth(EVERYBODY, None, &cells);
        let of_cohort = |number: usize| -> Vec<(f64, Place)> {
            cells.iter().filter(|(_, place)| place.cohort == number).copied().collect()
        };
        let planted =
            warehouse.cohorts.iter().enumerate().map(|(number, cohort)| {
                self.cohort_truth(&cohort.name, Some(self.rule_of(number)), &of_cohort(number))
            });
        let elsewhere = of_cohort(warehouse.cohorts.len());
        let elsewhere = (!elsewhere.is_empty()).then(|| self.cohort_truth(ELSEWHERE, None, &elsewhere));
        Truth {
            schema_version: SCHEMA_VERSION,
            experiment: warehouse.experiment.clone(),
            seed: warehouse.seed,
            units: warehouse.units,
            cohorts: std::iter::once(everybody).chain(planted).chain(elsewhere).collect(),
        }
    }

    fn cohort_truth(&self, name: &str, rule: Option<String>, cells: &[(f64, Place)]) -> CohortTruth {
        let facts = self.warehouse.facts.iter().zip(&self.facts);
        CohortTruth {
            cohort: name.to_owned(),
            rule,
            share: cells.iter().map(|(share, _)| share).sum(),
            metrics: facts.flat_map(|(fact, rates)| self.metric_truths(fact, rates, cells)).collect(),
        }
    }

    fn metric_truths(&self, fact: &Fact, rates: &FactRates, cells: &[(f64, Place)]) -> [MetricTruth; 3] {
        let window = self.warehouse.calendar.window_days;
        let of_arm = |arm| mean(cells.iter().map(|(share, place)| (*share, rates.expected(*place, arm, fact, window))));
        let means: Vec<Expected> = (0..self.warehouse.variants.len()).map(of_arm).collect();
        let names = &fact.metrics;
        [
            self.metric_truth(&names.any, means.iter().map(|expected| expected.any)),
            self.metric_truth(&names.count, means.iter().map(|expected| expected.count)),
            self.metric_truth(&names.sum, means.iter().map(|expected| expected.sum)),
        ]
    }

    fn metric_truth(&self, metric: &str, mut means: impl Iterator<Item = f64> + Clone) -> MetricTruth {
        let control = means.clone().next().unwrap_or_default();
        let arm = |(variant, mean): (&crate::Variant, f64)| ArmTruth {
            variant: variant.name.clone(),
            mean,
            effect: mean - control,
        };
        MetricTruth {
            metric: metric.to_owned(),
            arms: self.warehouse.variants.iter().zip(means.by_ref()).map(arm).collect(),
        }
    }
}

/// The weighted mean; zero for no weight.
fn mean(expected: impl Iterator<Item = (f64, Expected)>) -> Expected {
    let (mut all, mut sum) = (0.0, Expected::default());
    for (share, expected) in expected {
        all += share;
        sum.any += share * expected.any;
        sum.count += share * expected.count;
        sum.sum += share * expected.sum;
    }
    if all > 0.0 { Expected { any: sum.any / all, count: sum.count / all, sum: sum.sum / all } } else { sum }
}
