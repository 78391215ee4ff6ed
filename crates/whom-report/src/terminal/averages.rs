//! The table of averages: by metric, each treatment against control.

use super::palette::Palette;
use super::table::Table;
use super::{family_words, headed, marked};
use crate::cap::cap_sentence;
use crate::effect::{EffectRow, Estimand};
use crate::label;
use crate::number::{self, NO_NUMBER, Scale};
use crate::quantile::quantile_words;
use crate::results::{MetricView, Results};

/// Averages over everybody; nothing if none was estimated.
pub(super) fn section(results: &Results, palette: Palette) -> Option<String> {
    let names = ["", "control", "treated", "effect", "interval", "lift", "adj. p"];
    let mut table = Table::new(names, false);
    let mut remarks = Vec::new();
    for metric in &results.metrics {
        let rows: Vec<&EffectRow> = results
            .treatments()
            .filter_map(|variant| results.average(&metric.name, &variant.name, Estimand::Effect))
            .collect();
        if let Some(first) = rows.first() {
            table.heading(heading(metric, first));
        }
        for row in rows {
            table.cells(cells(results, metric, row));
            remarks.extend(remark(row));
            remarks.extend(few_clusters(metric, row));
        }
    }
    let any = results.metrics.iter().any(|metric| {
        results.treatments().any(|variant| results.average(&metric.name, &variant.name, Estimand::Effect).is_some())
    });
    any.then(|| {
        let head = format!("{} intervals, simultaneous within F1", number::share(results.level));
        let mut parts = vec![headed("AVERAGE EFFECTS", &head, palette), table.text()];
        parts.extend(results.metrics.iter().filter_map(cap_sentence).map(|cap| marked("·", &cap)));
        parts.extend(remarks.iter().map(|remark| marked("!", remark)));
        parts.join("\n")
    })
}

fn heading(metric: &MetricView, row: &EffectRow) -> String {
    let unit = metric.unit_of_measure.as_deref().map(|unit| format!(" in {}", label::name(unit))).unwrap_or_default();
    let quantile = quantile_words(metric).map(|quantile| format!("{quantile}, ")).unwrap_or_default();
    let sides = row.sides_words().map(|sides| format!("; {sides}")).unwrap_or_default();
    format!("{}{unit} — {quantile}{}, {}{sides}", label::name(&metric.name), metric.role, family_words(row.family))
}

fn cells(results: &Results, metric: &MetricView, row: &EffectRow) -> [String; 7] {
    let in_column = |scale: Scale| if metric.proportion { scale } else { scale.without_unit() };
    let (effects, means) = (in_column(Scale::of_effects(metric)), in_column(Scale::of_means(metric)));
    let decimals = effects.decimals(row.interval);
    let mean = |mean: Option<f64>| mean.map_or(NO_NUMBER.to_owned(), |mean| means.plain(mean, decimals));
    let lift = results.average(&row.metric, &row.variant, Estimand::Lift);
    [
        format!("  {}", label::plain(&row.variant)),
        mean(row.mean_control),
        mean(row.mean_variant),
        row.estimate.map_or(NO_NUMBER.to_owned(), |estimate| effects.signed(estimate, decimals)),
        row.interval.map_or(NO_NUMBER.to_owned(), |interval| effects.bounds(interval)),
        lift.and_then(lift_words).unwrap_or_else(|| NO_NUMBER.to_owned()),
        row.p_value_adjusted.map_or(NO_NUMBER.to_owned(), number::p_value),
    ]
}

fn lift_words(row: &EffectRow) -> Option<String> {
    let scale = Scale::of_lifts();
    Some(scale.signed(row.estimate?, scale.decimals(row.interval)))
}

fn remark(row: &EffectRow) -> Option<String> {
    let (word, reason) = match (&row.not_estimable, &row.unreliable) {
        (Some(reason), _) => ("not estimable", reason),
        (None, Some(reason)) => ("unreliable", reason),
        (None, None) => return None,
    };
    Some(format!("{} on {} is {word}: {}", label::name(&row.variant), label::name(&row.metric), label::plain(reason)))
}

/// What the clusters of an average are worth where an arm has few of them, with both kinds of errors.
fn few_clusters(metric: &MetricView, row: &EffectRow) -> Option<String> {
    let errors = row.cluster_errors.filter(|_| row.has_few_clusters())?;
    let scale = Scale::of_effects(metric);
    let error = |error| scale.plain(error, scale.decimals(row.interval));
    Some(format!(
        "{} on {} rests on {} and {} clusters, worth {} equal ones: {} degrees of freedom, standard error {}, of type CR1 {}",
        label::name(&row.variant),
        label::name(&row.metric),
        number::count(row.clusters_control?),
        number::count(row.clusters_variant?),
        number::fixed(errors.effective_clusters, 1),
        number::fixed(errors.degrees_of_freedom, 1),
        error(row.std_err?),
        error(errors.std_err_cr1)
    ))
}
