//! Heterogeneity as such: how far the effects of the partition's cohorts lie apart, and which cohort is probably the best.

use super::palette::Palette;
use super::{headed, marked};
use crate::label;
use crate::number::{self, Scale};
use crate::results::Results;
use crate::scatter::{CohortScatter, Scatter};
use crate::verdict::cohort_label;

/// Questions that are shown before the rest is counted.
const SHOWN: usize = 6;

/// A paragraph for each treatment and metric; nothing without cohorts.
pub(super) fn section(results: &Results, palette: Palette) -> Option<String> {
    let told: Vec<String> = results.cohort_scatter.iter().filter_map(|found| paragraph(results, found)).collect();
    let mut lines: Vec<String> = told.iter().take(SHOWN).map(|text| marked("·", text)).collect();
    if let Some(more @ 1..) = told.len().checked_sub(SHOWN) {
        lines.push(marked(" ", &format!("… {more} more in result.json")));
    }
    let remark = "between the cohorts of the declared partition, beside the global test and not deciding";
    (!lines.is_empty()).then(|| format!("{}\n{}", headed("HETEROGENEITY", remark, palette), lines.join("\n")))
}

fn paragraph(results: &Results, found: &CohortScatter) -> Option<String> {
    let metric = results.metric(&found.metric)?;
    let scale = Scale::of_effects(metric);
    let names = format!("{} on {}", label::name(&found.variant), label::name(&found.metric));
    let apart = found.absolute.between.map(|between| format!("effects lie ±{} apart, ", scale.rough(between)));
    let (absolute, relative) = (figures(&found.absolute), figures(&found.relative));
    let best = best(results, found, &scale).unwrap_or_default();
    Some(format!("{names}: {}{absolute}; lifts {relative}{best}", apart.unwrap_or_default()))
}

fn figures(scatter: &Scatter) -> String {
    match (scatter.cochran_q, scatter.i_squared, scatter.p_value_adjusted) {
        (Some(q), Some(i_squared), Some(p_value)) => {
            format!("Q {}, I² {}, adj. p {}", number::fixed(q, 1), number::share(i_squared), number::p_value(p_value))
        }
        _ => format!("not tested ({})", label::plain(scatter.not_estimable.as_deref().unwrap_or("no figure"))),
    }
}

/// The best cohort, where the global test says that there are better ones, by its shrunken effect.
fn best(results: &Results, found: &CohortScatter, scale: &Scale) -> Option<String> {
    results.global_test(&found.metric, &found.variant).filter(|test| test.open)?;
    let shrunken = results.shrunken_effects(&found.metric, &found.variant)?;
    let cohort = shrunken.best()?;
    let effect = scale.signed(cohort.estimate?, scale.decimals(cohort.interval));
    let (bounds, probability) = (scale.bounds(cohort.interval?), number::share(cohort.best?));
    let name = cohort_label(&cohort.cohort);
    Some(format!("; best with probability {probability} is {name}, {effect} ({bounds}) drawn to the others"))
}
