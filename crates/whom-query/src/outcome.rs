//! Which columns of integers a metric is estimated from.

use serde::{Deserialize, Serialize};
use whom_spec::plan::{MeasurePart, Metric, Plan};
use whom_stats::{ProductColumn, ProductGroup};

use crate::compile::MeasureColumn;

/// The columns of a metric, by their places among the values of a unit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// What is reported: the value, capped if the plan caps it; of a ratio the numerator.
    pub value: usize,
    /// Of a ratio, the denominator.
    pub denominator: Option<usize>,
    /// The numbers that the metric is adjusted by.
    pub covariates: Vec<usize>,
    /// Columns of 0 and 1: the levels of categorical tags that it is adjusted by, but for one of each tag.
    pub levels: Vec<usize>,
    /// What trees are grown on: capped at the threshold of the units that discover, and of a ratio the part of a unit's
    /// numerator that its denominator does not explain.
    pub search: usize,
    /// The value without its cap, of a metric that has one.
    pub uncapped: Option<usize>,
    /// The place of its cross-products among the groups; `None` for a mean, of which moments tell everything.
    pub group: Option<usize>,
}

impl Outcome {
    /// The columns that its estimator reads together: the value, the denominator of a ratio, for each number that it is adjusted
    /// by its value and whether it is absent, and levels.
    pub(crate) fn products(&self) -> ProductGroup {
        let values = std::iter::once(self.value).chain(self.denominator).map(ProductColumn::Value);
        let covariates = self
            .covariates
            .iter()
            .flat_map(|covariate| [ProductColumn::ValueOrZero(*covariate), ProductColumn::IsAbsent(*covariate)]);
        let levels = self.levels.iter().map(|level| ProductColumn::Value(*level));
        ProductGroup { columns: values.chain(covariates).chain(levels).collect() }
    }

    /// Whether it is adjusted by something.
    pub fn is_adjusted(&self) -> bool {
        !self.adjusted_by().is_empty()
    }

    /// The places of the covariates in [`Self::products`].
    pub fn adjusted_by(&self) -> std::ops::Range<usize> {
        let first = 1 + usize::from(self.denominator.is_some());
        first..first + 2 * self.covariates.len() + self.levels.len()
    }
}

/// The columns of every metric before any is made of others, in the order of the file; `tags` are the columns of the numeric tags
/// that are covariates; levels of categorical ones are added when they are known.
pub(crate) fn outcomes(plan: &Plan, measures: &[MeasureColumn], tags: &[(String, usize)]) -> Vec<Outcome> {
    let of = |(place, metric): (usize, &Metric)| {
        let part =
            |wanted: MeasurePart| measures.iter().position(|measure| measure.metric == place && measure.part == wanted);
        let before = [MeasurePart::ValueBefore, MeasurePart::DenominatorBefore].into_iter().filter_map(part);
        let named = metric.cuped.iter().flat_map(|cuped| &cuped.tags);
        let of_tags = named.filter_map(|name| tags.iter().find(|(tag, _)| **tag == **name).map(|(_, column)| *column));
        Outcome {
            value: place,
            denominator: part(MeasurePart::Denominator),
            covariates: before.chain(of_tags).collect(),
            levels: Vec::new(),
            search: place,
            uncapped: None,
            group: None,
        }
    };
    plan.metrics.iter().enumerate().map(of).collect()
}
