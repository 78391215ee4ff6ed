//! What a run says before the experiment is over, where its plan asks for confidence sequences.

use crate::effect::{EVERYBODY, EffectRow};
use crate::label;
use crate::number::{self, Scale};
use crate::results::Results;

/// Of each average that has a confidence sequence, whether it is a reason to stop.
pub(super) fn warnings(results: &Results) -> Vec<String> {
    let averages = results.effects.iter().filter(|row| row.cohort == EVERYBODY);
    averages.filter_map(|row| sentence(results, row)).collect()
}

fn sentence(results: &Results, row: &EffectRow) -> Option<String> {
    let look = row.sequence?;
    let scale = Scale::of_effects(results.metric(&row.metric)?);
    let reason =
        if look.interval.contains(0.0) { "holds zero: no reason to stop" } else { "excludes zero at every look" };
    Some(format!(
        "Until the last planned unit has counted, no other interval is a reason to stop: the confidence sequence of {} on {}, {}, p {}, {reason}.",
        label::name(&row.variant),
        label::name(&row.metric),
        scale.bounds(look.interval),
        number::p_value(look.p_value),
    ))
}

#[cfg(test)]
mod tests {
    use whom_stats::{Interval, Look};

    use super::*;
    use crate::fixture;
    use crate::verdict::Verdict;

    /// The verdict's warnings where the first average has a sequence with these bounds.
    fn told(lower: f64, upper: f64) -> Vec<String> {
        let mut results = fixture::hillstrom();
        let row = results.effects.iter_mut().find(|row| row.cohort == EVERYBODY).unwrap();
        row.sequence = Some(Look { interval: Interval { lower, upper }, p_value: 0.02, critical_value: 3.0 });
        Verdict::of(&results).warnings
    }

    #[test]
    fn a_sequence_is_a_reason_to_stop_only_if_it_excludes_zero() {
        let plain = Verdict::of(&fixture::hillstrom()).warnings;
        let added = |warnings: Vec<String>| {
            warnings.into_iter().filter(|told| !plain.contains(told)).collect::<Vec<_>>().join("\n")
        };
        assert!(added(told(0.01, 0.05)).contains("excludes zero at every look"));
        assert!(added(told(-0.01, 0.05)).contains("holds zero: no reason to stop"));
    }
}
