//! Section 2: each metric and treatment on average.

use serde::Serialize;
use whom_stats::Interval;

use super::figure::{self, Figures};
use super::index::{Found, Indexed};
use super::table::{Cell, Part, Table};
use super::words::{estimand_words, evidence_mark, family_words, method_words};
use crate::cap::cap_sentence;
use crate::chart::{IntervalPicture, Mark, Tone, Window};
use crate::effect::{EVERYBODY, EffectRow, Estimand, Family, Role};
use crate::label;
use crate::number::{NO_NUMBER, Scale};
use crate::quantile::quantile_words;
use crate::results::{Direction, EffectKey, MetricView, Threshold};
use crate::verdict::{GuardrailOutcome, Verdict};

/// The averages as they are shown.
#[derive(Serialize)]
pub(super) struct AveragesSection {
    table: Table,
    /// From where on metrics are capped, and which rows are not to be relied on.
    remarks: Vec<String>,
    /// Every row about everybody, whatever it estimates and by whichever method.
    all: Table,
}

pub(super) fn section(indexed: &Indexed<'_>, verdict: &Verdict) -> Option<AveragesSection> {
    let columns = [
        ("treatment", false),
        ("control", true),
        ("treated", true),
        ("effect", true),
        ("", false),
        ("lift", true),
        ("adjusted p", true),
        ("evidence", false),
    ];
    let mut table = Table::new("Average effects over everybody", &columns).stacked();
    let roles = [Role::Primary, Role::Guardrail, Role::Secondary];
    for metric in roles.into_iter().flat_map(|role| indexed.results.metrics_of(role)) {
        let rows = MetricRows { indexed, metric, verdict };
        rows.add_to(&mut table);
    }
    let caps = indexed.results.metrics.iter().filter_map(cap_sentence);
    let unreliable = indexed.results.effects.iter().filter(|row| row.cohort == EVERYBODY).filter_map(remark);
    Some(AveragesSection { table: table.if_any()?, remarks: caps.chain(unreliable).collect(), all: all(indexed) })
}

struct MetricRows<'a> {
    indexed: &'a Indexed<'a>,
    metric: &'a MetricView,
    verdict: &'a Verdict,
}

impl MetricRows<'_> {
    fn add_to(&self, table: &mut Table) {
        let variants: Vec<&str> = self.indexed.results.treatments().map(|variant| variant.name.as_str()).collect();
        let pictured: Vec<(Option<Mark>, &str)> =
            variants.iter().map(|variant| (self.mark(variant), *variant)).collect();
        let marks: Vec<Mark> = pictured.iter().filter_map(|(mark, _)| *mark).collect();
        let window = Window::over(&marks, self.negligible(), self.limit());
        let mut is_first = true;
        for (mark, variant) in pictured {
            let Some(effect) = self.find(variant, Estimand::Effect) else { continue };
            if std::mem::take(&mut is_first) {
                table.heading(self.heading(effect.row));
            }
            table.row(self.cells(variant, effect, mark.map(|mark| self.picture(mark, &window))));
        }
    }

    fn find(&self, variant: &str, estimand: Estimand) -> Option<Found<'_>> {
        self.indexed.effect(EffectKey { metric: &self.metric.name, variant, cohort: EVERYBODY, estimand })
    }

    fn heading(&self, row: &EffectRow) -> String {
        let unit = self.metric.unit_of_measure.as_deref();
        let unit = unit.map(|unit| format!(" in {}", label::plain(unit))).unwrap_or_default();
        let matters = self.metric.matters.map(|matters| format!(", matters from {}", threshold(self.metric, matters)));
        let limit = self.metric.limit.map(|limit| format!(", limit {}", threshold(self.metric, self.signed(limit))));
        let (matters, limit) = (matters.unwrap_or_default(), limit.unwrap_or_default());
        let family =
            if row.family == Family::Guardrail { String::new() } else { format!(", {}", family_words(row.family)) };
        let name = label::isolated(&self.metric.name);
        let method = quantile_words(self.metric).or_else(|| method_words(&row.method));
        let method = method.map(|method| format!(", {method}")).unwrap_or_default();
        let sides = row.sides_words().map(|sides| format!(", {sides}")).unwrap_or_default();
        format!("{name}{unit} · {}{family}{method}{sides}{matters}{limit}", self.metric.role)
    }

    fn cells(&self, variant: &str, effect: Found<'_>, picture: Option<String>) -> Vec<Cell> {
        let figures = Figures::of(effect, self.metric);
        let lift = self.find(variant, Estimand::Lift).map(|found| Figures::of(found, self.metric));
        let [control, treated] = figures.means();
        let absent = || Cell::text(NO_NUMBER);
        let mut evidence = evidence_mark(effect.row.evidence);
        if let Some((text, tone)) = self.guardrail(variant) {
            evidence = Cell::mark(text, tone);
        }
        if effect.row.unreliable.is_some() {
            evidence = evidence.and(Part::Mark { text: "unreliable".to_owned(), tone: "open" });
        }
        vec![
            Cell::name(variant),
            Cell::figure(control),
            Cell::figure(treated),
            Cell::figure(figures.estimate()).and_below(figures.bounds()),
            picture.map_or_else(Cell::default, |svg| Cell::default().and(Part::Picture { svg })),
            lift.as_ref().map_or_else(absent, |lift| Cell::figure(lift.estimate()).and_below(lift.bounds())),
            Cell::figure(figures.adjusted_p()),
            evidence,
        ]
    }

    /// What a guardrail's interval says of its limit.
    fn guardrail(&self, variant: &str) -> Option<(&'static str, &'static str)> {
        let mut verdicts = self.verdict.guardrails.iter();
        let verdict = verdicts.find(|verdict| verdict.metric == self.metric.name && verdict.variant == variant)?;
        Some(match verdict.outcome {
            GuardrailOutcome::Holds => ("holds", "good"),
            GuardrailOutcome::Broken => ("breached", "bad"),
            GuardrailOutcome::NotShown => ("breach not excluded", "open"),
            GuardrailOutcome::NotJudged => ("not judged", "calm"),
        })
    }

    /// What is drawn: the lift where what matters or the limit is one, else the effect.
    fn drawn(&self) -> Estimand {
        match self.metric.matters.or(self.metric.limit) {
            Some(Threshold::Relative(_)) => Estimand::Lift,
            Some(Threshold::Absolute(_)) | None => Estimand::Effect,
        }
    }

    fn mark(&self, variant: &str) -> Option<Mark> {
        let row = self.find(variant, self.drawn())?.row;
        let span = |interval: Option<Interval>| interval.map(|interval| (interval.lower, interval.upper));
        Some(Mark { estimate: row.estimate?, outer: span(row.interval), inner: span(row.individual_interval) })
    }

    /// A size, if it is one of what is drawn.
    fn on_axis(&self, threshold: Option<Threshold>) -> Option<f64> {
        let is_drawn =
            |threshold: &Threshold| matches!(threshold, Threshold::Relative(_)) == (self.drawn() == Estimand::Lift);
        threshold.filter(is_drawn).map(Threshold::size)
    }

    fn negligible(&self) -> Option<f64> {
        self.on_axis(self.metric.matters)
    }

    /// A limit with the sign of the unwanted direction.
    fn signed(&self, limit: Threshold) -> Threshold {
        match (self.metric.desired, limit) {
            (Direction::Decrease, limit) => limit,
            (Direction::Increase, Threshold::Absolute(size)) => Threshold::Absolute(-size),
            (Direction::Increase, Threshold::Relative(size)) => Threshold::Relative(-size),
        }
    }

    fn limit(&self) -> Option<f64> {
        self.on_axis(self.metric.limit.map(|limit| self.signed(limit)))
    }

    fn picture(&self, mark: Mark, window: &Window) -> String {
        IntervalPicture { mark, tone: tone(mark, self.metric.desired) }.draw(window)
    }
}

/// The colour of a mark: good and bad only where its interval excludes zero.
pub(super) fn tone(mark: Mark, desired: Direction) -> Tone {
    match mark.outer {
        Some((lower, _)) if lower > 0.0 && desired == Direction::Increase => Tone::Plus,
        Some((_, upper)) if upper < 0.0 && desired == Direction::Decrease => Tone::Plus,
        Some((lower, upper)) if lower > 0.0 || upper < 0.0 => Tone::Minus,
        _ => Tone::Plain,
    }
}

/// A size of effect with the unit in which it is declared.
pub(super) fn threshold(metric: &MetricView, threshold: Threshold) -> String {
    match threshold {
        Threshold::Absolute(bound) => Scale::of_effects(metric).threshold(bound),
        Threshold::Relative(bound) => Scale::of_lifts().threshold(bound),
    }
}

fn remark(row: &EffectRow) -> Option<String> {
    let (word, reason) = match (&row.not_estimable, &row.unreliable) {
        (Some(reason), _) => ("cannot be estimated", reason),
        (None, Some(reason)) => ("is unreliable", reason),
        (None, None) => return None,
    };
    let (variant, metric) = (label::isolated(&row.variant), label::isolated(&row.metric));
    Some(format!("The {} of {variant} on {metric} {word}: {}.", estimand_words(row.estimand), label::plain(reason)))
}

/// Every row about everybody.
fn all(indexed: &Indexed<'_>) -> Table {
    let mut columns = vec![
        ("metric", false),
        ("treatment", false),
        ("estimand", false),
        ("method", false),
        ("control, units", true),
        ("treated, units", true),
        ("estimate", true),
        ("simultaneous interval", true),
        ("individual interval", true),
        ("adjusted p", true),
        ("family", false),
    ];
    columns.extend(figure::beside_columns(indexed));
    let mut table = Table::new("Every estimate over everybody", &columns);
    let rows = indexed.results.effects.iter().enumerate().filter(|(_, row)| row.cohort == EVERYBODY);
    for (place, row) in rows {
        let Some(metric) = indexed.results.metric(&row.metric) else { continue };
        let figures = Figures::of(Found { place, row }, metric);
        let [control, treated] = figures.units();
        let mut cells = vec![
            Cell::name(&row.metric),
            Cell::name(&row.variant),
            Cell::text(estimand_words(row.estimand)),
            Cell::name(&row.method),
            Cell::figure(control),
            Cell::figure(treated),
            Cell::figure(figures.estimate()),
            Cell::range(figures.bounds()),
            Cell::range(figures.individual_bounds()),
            Cell::figure(figures.adjusted_p()),
            Cell::text(family_words(row.family)),
        ];
        cells.extend(figures.beside_cells(indexed));
        table.row(cells);
    }
    table
}
