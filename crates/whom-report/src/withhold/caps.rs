//! Caps that concern too few units.
//!
//! A threshold that is a percentile is the value of a unit. It says no more of that unit than a quantile does while enough units lie on
//! either side of it; otherwise it goes, with the numbers.

use super::SmallestCell;
use super::effects::HiddenMetrics;
use crate::cap::{CapAt, CapView};
use crate::results::MetricView;

/// A metric, without what its cap tells of too few units.
pub(super) fn withheld(cell: SmallestCell, metric: MetricView, metrics: &HiddenMetrics) -> MetricView {
    let hides_numbers = metrics.hides_numbers(&metric.name);
    let cap = metric.cap.map(|cap| {
        let is_near = |one: Option<u64>, other: Option<u64>| match (one, other) {
            (Some(one), Some(other)) => cell.hides_between(one, other),
            _ => false,
        };
        let tells_the_others =
            cap.reporting.threshold == cap.discovery.threshold && is_near(cap.reporting.units, cap.discovery.units);
        let reporting = told(cell, cap.reporting, cap.declared, hides_numbers);
        CapView {
            reporting,
            discovery: told(cell, cap.discovery, cap.declared, hides_numbers || tells_the_others),
            ..cap
        }
    });
    MetricView { cap, ..metric }
}

/// A threshold that the file gives stays, whatever is withheld about the units beyond it.
fn told(cell: SmallestCell, at: CapAt, declared: bool, hides_numbers: bool) -> CapAt {
    let below = at.units.zip(at.share).filter(|(_, share)| *share > 0.0).map(|(above, share)| {
        let all = (above as f64 / share).round();
        (all - above as f64).max(0.0) as u64
    });
    let is_of_few = at.units.is_some_and(|above| cell.hides(above)) || below.is_some_and(|below| cell.hides(below));
    if !is_of_few && !hides_numbers {
        return at;
    }
    CapAt { threshold: at.threshold.filter(|_| declared || !is_of_few), units: None, share: None }
}
