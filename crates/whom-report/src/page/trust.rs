//! Section 6: what the claims rest on.

use serde::Serialize;

use super::figure::{self, Place};
use super::index::Indexed;
use super::picture::Picture;
use super::slices;
use super::table::{Cell, Table};
use crate::effect::{EVERYBODY, Evidence};
use crate::label;
use crate::number::{self, NO_NUMBER, Scale};
use crate::verdict::{Verdict, cohort_label};

/// Rows outside the range of their methods that are listed before the rest is counted.
const LISTED: usize = 60;

/// What the claims rest on.
#[derive(Serialize)]
pub(super) struct TrustSection {
    /// Whether the run kept to a registered plan.
    seal: String,
    /// Which units discovered and which measured, where the data said so.
    folds: Option<String>,
    /// Where its plan differs from the registered one.
    differences: Option<Table>,
    /// The global tests of heterogeneity.
    global_tests: Option<Table>,
    /// How far effects lie apart between cohorts, as such.
    scatter: Option<Table>,
    /// What could have been detected.
    detectable: Option<Table>,
    /// The experiments that would confirm what is held out.
    confirming: Option<Table>,
    /// The tests of stability over weeks and slices.
    steadiness: Option<Table>,
    /// The averages on primary metrics week by week.
    weeks: Vec<Picture>,
    /// The averages on primary metrics by slice.
    slices: Option<Table>,
    /// How many rows are which evidence.
    evidence: Option<Table>,
    /// Rows about cohorts that are not to be relied on.
    doubtful: Option<Table>,
    /// Rows that are not listed there.
    more_doubtful: usize,
}

const NOT_REGISTERED: &str = "No plan was registered before the experiment, so nothing here is sealed evidence.";

pub(super) fn section(indexed: &Indexed<'_>, verdict: &Verdict) -> TrustSection {
    let is_doubtful = |row: &&crate::effect::EffectRow| row.cohort != EVERYBODY && !row.is_reliable();
    let doubtful = indexed.results.effects.iter().filter(is_doubtful).count();
    TrustSection {
        seal: verdict.seal.clone().unwrap_or_else(|| NOT_REGISTERED.to_owned()),
        folds: verdict.folds.clone(),
        differences: differences(indexed),
        global_tests: global_tests(indexed),
        scatter: scatter(indexed),
        detectable: detectable(indexed),
        confirming: confirming(indexed),
        steadiness: slices::tests(indexed.results),
        weeks: slices::by_week(indexed.results),
        slices: slices::averages(indexed.results),
        evidence: evidence(indexed),
        doubtful: doubtful_rows(indexed),
        more_doubtful: doubtful.saturating_sub(LISTED),
    }
}

fn differences(indexed: &Indexed<'_>) -> Option<Table> {
    let seal = indexed.results.seal.as_ref()?;
    let columns = [("place in the plan", false), ("registered", false), ("this run", false)];
    let mut table = Table::new("Where this run’s plan differs from the registered one", &columns);
    for difference in &seal.differences {
        let cell = |value: &Option<String>| Cell::name(value.as_deref().unwrap_or(NO_NUMBER));
        table.row([Cell::name(&difference.place), cell(&difference.registered), cell(&difference.run)]);
    }
    table.if_any()
}

fn global_tests(indexed: &Indexed<'_>) -> Option<Table> {
    let columns = [
        ("treatment", false),
        ("metric", false),
        ("leaves", true),
        ("slope over its std. err.", true),
        ("adjusted p", true),
        ("Cochran’s Q, p", true),
        ("outcome", false),
    ];
    let mut table = Table::new("Do effects differ between users at all? One test per treatment and metric", &columns);
    for (place, test) in indexed.results.global_tests.iter().enumerate() {
        let at = |field| Place::of_result("global_tests", place, field);
        let ratio = test.slope.zip(test.std_err).map(|(slope, std_err)| slope / std_err);
        let ratio = ratio.filter(|ratio| ratio.is_finite());
        let outcome = match (test.has_candidate(), test.open) {
            (false, _) => Cell::mark("no candidate", "calm"),
            (true, true) => Cell::mark("differ", "good"),
            (true, false) => Cell::mark("not proven", "calm"),
        };
        let outcome = if test.evidence == Evidence::Exploratory { outcome.and_note(" exploratory") } else { outcome };
        table.row([
            Cell::name(&test.variant),
            Cell::name(&test.metric),
            Cell::figure((at("leaves"), number::count(test.leaves as u64))),
            Cell::figure(figure::at(at("statistic"), ratio, |ratio| number::signed(ratio, 1))),
            Cell::figure((at("p_value_adjusted"), number::p_value(test.p_value_adjusted))),
            Cell::figure(figure::at(at("cochran_p_value"), test.cochran_p_value, number::p_value)),
            outcome,
        ]);
    }
    table.if_any()
}

fn scatter(indexed: &Indexed<'_>) -> Option<Table> {
    let columns = [
        ("treatment", false),
        ("metric", false),
        ("scale", false),
        ("cohorts", true),
        ("apart by ±", true),
        ("I²", true),
        ("adjusted p", true),
    ];
    let mut table =
        Table::new("How far the cohorts’ effects lie apart, beside the global test and not deciding", &columns);
    for (place, found) in indexed.results.cohort_scatter.iter().enumerate() {
        let Some(metric) = indexed.results.metric(&found.metric) else { continue };
        let (effects, logarithms) = (Some(Scale::of_effects(metric)), None);
        let scales = [
            ("absolute", &found.absolute, effects, "effects"),
            ("relative", &found.relative, logarithms, "lifts, as logarithms"),
        ];
        for (name, scale, unit, words) in scales {
            let at = |field| Place::of_result("cohort_scatter", place, &format!("{name}.{field}"));
            let apart = |between| match &unit {
                Some(unit) => unit.rough(between),
                None => number::fixed(between, number::decimals(between)),
            };
            table.row([
                Cell::name(&found.variant),
                Cell::name(&found.metric),
                Cell::text(words),
                Cell::figure((at("groups"), number::count(scale.groups as u64))),
                Cell::figure(figure::at(at("between"), scale.between, apart)),
                Cell::figure(figure::at(at("i_squared"), scale.i_squared, number::share)),
                Cell::figure(figure::at(at("p_value_adjusted"), scale.p_value_adjusted, number::p_value)),
            ]);
        }
    }
    table.if_any()
}

fn detectable(indexed: &Indexed<'_>) -> Option<Table> {
    let columns =
        [("treatment", false), ("metric", false), ("share of the units", true), ("difference", true), ("power", true)];
    let mut table = Table::new("The difference between a cohort and the rest that could have been detected", &columns);
    for (place, row) in indexed.results.detectable_differences.iter().enumerate() {
        let Some(metric) = indexed.results.metric(&row.metric) else { continue };
        let at = |field| Place::of_result("detectable_differences", place, field);
        let difference = |difference| Scale::of_effects(metric).rough(difference);
        table.row([
            Cell::name(&row.variant),
            Cell::name(&row.metric),
            Cell::figure((at("share"), number::share(row.share))),
            Cell::figure(figure::at(at("difference"), row.difference, difference)),
            Cell::figure((at("power"), number::share(row.power))),
        ]);
    }
    table.if_any()
}

fn confirming(indexed: &Indexed<'_>) -> Option<Table> {
    let columns = [
        ("cohort", false),
        ("treatment", false),
        ("metric", false),
        ("units of it per arm", true),
        ("effect that is detected", true),
        ("power", true),
    ];
    let mut table = Table::new("The experiment that would confirm each held-out cohort", &columns);
    for (place, test) in indexed.results.confirming_tests.iter().enumerate() {
        let Some(metric) = indexed.results.metric(&test.metric) else { continue };
        let at = |field| Place::of_result("confirming_tests", place, field);
        table.row([
            Cell::text(cohort_label(&test.cohort)),
            Cell::name(&test.variant),
            Cell::name(&test.metric),
            Cell::figure((at("units_per_arm"), number::count(test.units_per_arm))),
            Cell::figure((at("detects"), Scale::of_effects(metric).rough(test.detects.abs()))),
            Cell::figure((at("power"), number::share(test.power))),
        ]);
    }
    table.if_any()
}

fn evidence(indexed: &Indexed<'_>) -> Option<Table> {
    let words = [
        (Evidence::Sealed, "the plan was registered before the first exposure; it may decide"),
        (Evidence::Replicated, "found by an earlier run and measured on fresh units; it may decide"),
        (Evidence::Declared, "named in the pipeline file, but not registered beforehand"),
        (Evidence::HeldOut, "discovered, and measured on units that did not discover it; it earns a test"),
        (Evidence::Exploratory, "a hint for the next experiment; it decides nothing"),
    ];
    let mut table = Table::new(
        "What the estimates are evidence of",
        &[("evidence", false), ("estimates", true), ("meaning", false)],
    );
    for (evidence, meaning) in words {
        let count = indexed.results.effects.iter().filter(|row| row.evidence == evidence).count() as u64;
        if count > 0 {
            table.row([super::words::evidence_mark(evidence), Cell::text(number::count(count)), Cell::text(meaning)]);
        }
    }
    table.if_any()
}

fn doubtful_rows(indexed: &Indexed<'_>) -> Option<Table> {
    let columns = [("cohort", false), ("treatment", false), ("metric", false), ("estimand", false), ("why not", false)];
    let mut table = Table::new("Estimates for cohorts that are missing or not to be relied on", &columns);
    let rows = indexed.results.effects.iter().filter(|row| row.cohort != EVERYBODY && !row.is_reliable());
    for row in rows.take(LISTED) {
        let reason = row.not_estimable.as_deref().map(|reason| format!("not estimable: {}", label::plain(reason)));
        let reason = reason.or_else(|| row.unreliable.as_deref().map(label::plain)).unwrap_or_default();
        table.row([
            Cell::name(&row.cohort),
            Cell::name(&row.variant),
            Cell::name(&row.metric),
            Cell::text(super::words::estimand_words(row.estimand)),
            Cell::text(reason),
        ]);
    }
    table.if_any()
}
