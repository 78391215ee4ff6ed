//! Caps: from where on a metric's larger values count as a threshold.

use serde::{Deserialize, Serialize};

use crate::label;
use crate::number::{self, Scale};
use crate::results::MetricView;

/// The cap of a metric, as it was found: the same for all arms, cohorts and tests.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapView {
    /// Whether the pipeline file gives the threshold. Otherwise it gives a percentile, and the threshold is the value of a unit.
    pub declared: bool,
    /// At which effects are measured: that of all units.
    pub reporting: CapAt,
    /// At which trees are grown: that of the units that discover.
    pub discovery: CapAt,
}

/// A threshold, and whom it concerns.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CapAt {
    /// In the metric's unit. `None` if it is withheld, or if there is none because no unit has a value to rank.
    pub threshold: Option<f64>,
    /// Units above it, all arms together; `None` if withheld.
    pub units: Option<u64>,
    /// Their share of the units with a value; `None` if withheld, or if no unit has a value.
    pub share: Option<f64>,
}

/// From where on the values of a metric are capped, in a sentence; `None` for one without a cap.
pub(crate) fn cap_sentence(metric: &MetricView) -> Option<String> {
    let CapView { reporting, discovery, .. } = metric.cap.as_ref()?;
    let name = label::name(&metric.name);
    let scale = Scale::of_means(metric);
    let Some(threshold) = reporting.threshold else {
        return Some(format!("{name} is capped, at a value that is withheld."));
    };
    let exceed = reporting.share.map(|share| format!(", which {} of units exceed", number::share(share)));
    let searched = discovery.threshold.filter(|searched| *searched != threshold).map(|searched| {
        let share = discovery.share.map(|share| format!(" ({} of those that discover)", number::share(share)));
        format!("; trees are grown on values capped at {}{}", scale.threshold(searched), share.unwrap_or_default())
    });
    let (at, exceed) = (scale.threshold(threshold), exceed.unwrap_or_default());
    Some(format!("{name} is capped at {at}{exceed}{}.", searched.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn spend() -> MetricView {
        fixture::capped().metric("spend").expect("a metric").clone()
    }

    #[test]
    fn both_thresholds_are_told_with_whom_they_concern() {
        insta::assert_snapshot!(cap_sentence(&spend()).expect("a cap"), @"spend is capped at 312.5 USD, which 0.2% of units exceed; trees are grown on values capped at 308.25 USD (0.2% of those that discover).");
    }

    #[test]
    fn one_threshold_is_told_once() {
        let mut metric = spend();
        let cap = metric.cap.as_mut().expect("a cap");
        cap.discovery.threshold = cap.reporting.threshold;
        insta::assert_snapshot!(cap_sentence(&metric).expect("a cap"), @"spend is capped at 312.5 USD, which 0.2% of units exceed.");
        assert_eq!(cap_sentence(&MetricView { cap: None, ..metric }), None);
    }
}
