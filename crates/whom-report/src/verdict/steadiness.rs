//! Averages that a verdict rests on and that are not the same in all weeks or slices.

use crate::label;
use crate::number::{self, Scale};
use crate::results::Results;
use crate::sliced::{SlicedBy, SlicedEffect, Steadiness};

/// A warning about each average effect on a primary metric that is shown to be unstable.
pub(super) fn warnings(results: &Results) -> Vec<String> {
    let unstable = results.slices.iter().filter(|row| row.is_of_average() && row.is_unstable());
    unstable.filter_map(|row| Some(format!("{}: read the average with its slices.", unsteady(results, row)?))).collect()
}

/// What is unstable about an effect, without a period at the end; `None` if nothing is.
pub(crate) fn unsteady(results: &Results, row: &SlicedEffect) -> Option<String> {
    let scale = Scale::of_effects(results.metric(&row.metric)?);
    let (variant, metric) = (label::name(&row.variant), label::name(&row.metric));
    let p = number::p_value(row.p_value_adjusted?);
    let change = match row.found {
        Steadiness::Trend => {
            let trend = row.trend?;
            let verb = if trend > 0.0 { "rises" } else { "falls" };
            format!("{verb} with the week of first exposure, by {} a week", scale.rough(trend.abs()))
        }
        Steadiness::Varies => format!("differs between {}{}", between(&row.sliced_by), spread(&scale, row)),
        Steadiness::NoChangeFound | Steadiness::NotTested => return None,
    };
    Some(format!("The effect of {variant} on {metric} {change} (exploratory, adjusted p {p})"))
}

/// What an effect is compared between.
pub(crate) fn between(by: &SlicedBy) -> String {
    match by {
        SlicedBy::Week => "weeks of first exposure".to_owned(),
        SlicedBy::Tag(tag) => format!("slices by {}", label::name(tag)),
    }
}

/// `, from -0.2 pp to +3.1 pp`, over the slices that the method holds in.
fn spread(scale: &Scale, row: &SlicedEffect) -> String {
    let reliable = row.slices.iter().filter(|slice| slice.unreliable.is_none());
    let estimates: Vec<f64> = reliable.clone().filter_map(|slice| slice.estimate).collect();
    let lowest = estimates.iter().copied().reduce(f64::min);
    let highest = estimates.iter().copied().reduce(f64::max);
    let decimals = reliable.filter_map(|slice| Some(scale.decimals(Some(slice.interval?)))).min().unwrap_or(2);
    lowest.zip(highest).map_or_else(String::new, |(lowest, highest)| {
        format!(", from {} to {}", scale.signed(lowest, decimals), scale.signed(highest, decimals))
    })
}

#[cfg(test)]
mod tests {
    use crate::fixture;
    use crate::verdict::Verdict;

    #[test]
    fn an_average_that_does_not_hold_over_time_is_warned_of_and_judged_as_before() {
        let [sliced, plain] = [fixture::sliced(), fixture::hillstrom()].map(|results| Verdict::of(&results));
        insta::assert_snapshot!(sliced.warnings.join("\n"), @"
    The effect of Womens E-Mail on visit falls with the week of first exposure, by 2.1 pp a week (exploratory, adjusted p 0.0002): read the average with its slices.
    The effect of Womens E-Mail on visit differs between slices by channel, from +2.0 pp to +6.1 pp (exploratory, adjusted p 0.0300): read the average with its slices.
    ");
        assert_eq!(Verdict { warnings: Vec::new(), ..sliced }, plain);
    }
}
