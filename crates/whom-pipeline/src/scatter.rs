//! Heterogeneity as such: from the figures of the statistics to those of the report.

use whom_report::Scatter;
use whom_stats::{Between, Heterogeneity, Interval, NotEstimable};

use crate::comparison::{Comparison, Effect};

/// The effects that take part in a test of heterogeneity: those inside the range of their method. An effect outside it has a
/// standard error that cannot be trusted as a weight.
pub(crate) fn reliable<'a>(
    comparisons: impl Iterator<Item = &'a Comparison>,
) -> impl Iterator<Item = (&'a Comparison, &'a Effect)> {
    let with_effect = comparisons.filter_map(|comparison| Some((comparison, comparison.effect.as_ref().ok()?)));
    with_effect.filter(|(_, effect)| effect.unreliable().is_none())
}

/// The heterogeneity of some of `groups` groups, with the p-value corrected.
pub(crate) fn scatter(
    found: &Result<Heterogeneity, NotEstimable>,
    p_value_adjusted: Option<f64>,
    groups: usize,
) -> Scatter {
    let tested = found.as_ref().ok();
    let took_part = tested.map_or(0, |found| found.groups);
    let between = tested.map(|found| standard_deviation(found.tau_squared));
    Scatter {
        groups: took_part,
        left_out: groups - took_part,
        cochran_q: tested.map(|found| found.cochran.statistic),
        cochran_p_value: tested.map(|found| found.cochran.p_value),
        p_value: tested.map(|found| found.equal_effects.p_value),
        p_value_adjusted: tested.and(p_value_adjusted),
        i_squared: tested.map(|found| found.i_squared.value),
        i_squared_interval: tested.map(|found| found.i_squared.interval),
        between: between.map(|between| between.value),
        between_interval: between.map(|between| between.interval),
        not_estimable: found.as_ref().err().map(ToString::to_string),
    }
}

/// From a variance to a standard deviation; square roots keep the order of the ends.
fn standard_deviation(variance: Between) -> Between {
    let interval = Interval { lower: variance.interval.lower.sqrt(), upper: variance.interval.upper.sqrt() };
    Between { value: variance.value.sqrt(), interval }
}

#[cfg(test)]
mod tests;
