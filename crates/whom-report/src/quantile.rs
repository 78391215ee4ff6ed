//! Quantiles: what a metric compares arms by, where that is not the mean.

use serde::{Deserialize, Serialize};

use crate::results::MetricView;
use crate::word::words;

words! {
    /// What a quantile is of.
    pub enum QuantileOf {
        /// The units that have a value, each with one.
        Units = "units",
        /// The events, of which a unit may have several.
        Events = "events",
    }
}

/// The quantile that a metric compares arms by: what stands as mean of an arm is its quantile.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantileView {
    /// The share that does not exceed it, between 0 and 1.
    pub percentile: f64,
    /// What it is of.
    pub of: QuantileOf,
}

impl QuantileView {
    /// The units of so many that lie at or below the quantile of units, and the others.
    pub(crate) fn sides(self, units: u64) -> [u64; 2] {
        let below = ((units as f64 * self.percentile).ceil() as u64).min(units);
        [below, units - below]
    }
}

/// The quantile of a metric in words, such as `90% quantile over units`; `None` for a metric that compares means.
pub(crate) fn quantile_words(metric: &MetricView) -> Option<String> {
    let QuantileView { percentile, of } = metric.quantile?;
    if percentile == 0.5 {
        return Some(format!("median over {of}"));
    }
    let percent = format!("{:.4}", 100.0 * percentile);
    Some(format!("{}% quantile over {of}", percent.trim_end_matches('0').trim_end_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn a_quantile_is_told_exactly_and_of_what_it_is() {
        let words = |percentile| {
            let quantile = Some(QuantileView { percentile, of: QuantileOf::Units });
            quantile_words(&MetricView { quantile, ..fixture::hillstrom().metrics[0].clone() }).expect("words")
        };
        assert_eq!(
            [0.5, 0.9, 0.25, 0.999, 0.999_999, 0.000_001].map(words),
            [
                "median over units",
                "90% quantile over units",
                "25% quantile over units",
                "99.9% quantile over units",
                "99.9999% quantile over units",
                "0.0001% quantile over units",
            ]
        );
        assert_eq!(quantile_words(&fixture::hillstrom().metrics[0]), None);
    }

    #[test]
    fn the_sides_of_a_quantile_are_all_units() {
        let sides = |percentile, units| QuantileView { percentile, of: QuantileOf::Units }.sides(units);
        assert_eq!([sides(0.9, 100), sides(0.9, 9), sides(0.5, 1), sides(0.5, 0)], [[90, 10], [9, 0], [1, 0], [0, 0]]);
    }
}
