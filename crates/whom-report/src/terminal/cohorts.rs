//! The tables of cohorts: by treatment and primary metric, each cohort against zero and against the rest.

use super::palette::Palette;
use super::table::Table;
use super::{evidence_words, headed, marked};
use crate::cohort::{CohortView, Fold};
use crate::effect::{EffectRow, Estimand, Role};
use crate::label;
use crate::number::{self, NO_NUMBER, Scale};
use crate::results::{EffectKey, MetricView, Results, VariantView};
use crate::verdict::{CohortVerdict, Verdict};

/// Cohorts of a table before the middle ones are left out.
const COHORTS_SHOWN: usize = 12;

/// The cohorts of the partition and the pre-registered ones; nothing if no row is about any.
pub(super) fn section(results: &Results, palette: Palette) -> Option<String> {
    let verdict = Verdict::of(results);
    let names = ["  cohort", "units", "effect", "interval", "vs. rest", "adj. p", "verdict"];
    let mut table = Table::new(names, true);
    let mut any = false;
    let (frozen, registered): (Vec<&CohortView>, Vec<&CohortView>) =
        results.registered.iter().partition(|cohort| cohort.is_frozen());
    let discovered: Vec<&CohortView> = results.discovered().iter().collect();
    for (cohorts, what) in [(discovered, "discovered"), (registered, "pre-registered"), (frozen, "found earlier")] {
        for variant in results.treatments() {
            for metric in results.metrics_of(Role::Primary) {
                let group = Group { results, variant, metric, verdicts: &verdict.cohorts };
                any |= group.add_to(&mut table, &cohorts, what);
            }
        }
    }
    any.then(|| {
        let mut parts = vec![headed("COHORTS", &remark(results), palette), table.text()];
        parts.extend(results.registered.iter().map(definition));
        parts.join("\n")
    })
}

/// A pre-registered cohort as the pipeline file defines it; the discovered ones are in the tree.
fn definition(cohort: &CohortView) -> String {
    marked(" ", &format!("{}: {}", label::name(&cohort.name), cohort.definition.in_words()))
}

fn remark(results: &Results) -> String {
    let level = number::share(results.level);
    format!("{level} intervals hold for all cohorts at once; adj. p is of the contrast with the rest")
}

/// The cohorts' rows of one treatment and metric.
struct Group<'a> {
    results: &'a Results,
    variant: &'a VariantView,
    metric: &'a MetricView,
    verdicts: &'a [CohortVerdict],
}

impl Group<'_> {
    fn add_to(&self, table: &mut Table<7>, cohorts: &[&CohortView], what: &str) -> bool {
        let rows: Vec<_> = cohorts.iter().filter_map(|cohort| Some((*cohort, self.verdict(cohort)?))).collect();
        let Some((_, first)) = rows.first() else { return false };
        let is_mixed = rows.iter().any(|(_, verdict)| verdict.evidence != first.evidence);
        let evidence = if is_mixed { "partly replicated" } else { evidence_words(first.evidence) };
        let names =
            format!("{} on {}", label::shortened(&self.variant.name, 20), label::shortened(&self.metric.name, 20));
        let scale = Scale::of_effects(self.metric);
        let unit = if scale.unit().is_empty() { String::new() } else { format!(" in{}", scale.unit()) };
        table.heading(format!("{names}{unit} — {what}, {evidence} evidence"));
        let half = COHORTS_SHOWN / 2;
        let hidden = if rows.len() > COHORTS_SHOWN { half..rows.len() - half } else { 0..0 };
        for (index, (cohort, verdict)) in rows.iter().enumerate() {
            if !hidden.is_empty() && index == hidden.start {
                table.heading(format!("  … {} more in effects.parquet", hidden.len()));
            }
            if !hidden.contains(&index) {
                table.cells(self.cells(cohort, verdict));
            }
        }
        true
    }

    fn verdict(&self, cohort: &CohortView) -> Option<&CohortVerdict> {
        self.verdicts.iter().find(|verdict| {
            verdict.cohort == cohort.name && verdict.variant == self.variant.name && verdict.metric == self.metric.name
        })
    }

    fn cells(&self, cohort: &CohortView, verdict: &CohortVerdict) -> [String; 7] {
        let key = |estimand| EffectKey {
            metric: &self.metric.name,
            variant: &self.variant.name,
            cohort: &cohort.name,
            estimand,
        };
        let effect = self.results.effect(key(Estimand::Effect));
        let contrast = self.results.effect(key(Estimand::Contrast));
        let scale = Scale::of_effects(self.metric).without_unit();
        let absent = || NO_NUMBER.to_owned();
        let fold = if cohort.rule().is_some() { Fold::Measure } else { Fold::All };
        let estimate = |row: Option<&EffectRow>| {
            row.and_then(|row| Some(scale.signed(row.estimate?, scale.decimals(row.interval)))).unwrap_or_else(absent)
        };
        let doubt = if verdict.reliable { "" } else { " (!)" };
        [
            format!("  {}", label::plain(&cohort.name)),
            cohort.units(fold).map_or_else(absent, number::count),
            estimate(effect),
            effect.and_then(|row| row.interval).map_or_else(absent, |interval| scale.bounds(interval)),
            estimate(contrast),
            contrast.and_then(|row| row.p_value_adjusted).map_or_else(absent, number::p_value),
            format!("{}{doubt}", verdict.standing.in_words()),
        ]
    }
}
