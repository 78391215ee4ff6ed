//! Section 3: the cohorts of each treatment and primary metric as a forest plot, and the tree that found them.

use serde::Serialize;
use whom_stats::Interval;

use super::averages::tone;
use super::figure::{self, Figure, Figures, Place};
use super::index::{Found, Indexed};
use super::picture::Picture;
use super::table::{Cell, Part, Table};
use super::tree;
use super::words::evidence_mark;
use crate::chart::{Forest, ForestGroup, ForestRow, Label, Mark, Tone};
use crate::cohort::{CohortView, Fold};
use crate::effect::{EVERYBODY, Estimand, Evidence, Role};
use crate::label;
use crate::number::{self, NO_NUMBER, Scale};
use crate::results::{EffectKey, MetricView};
use crate::shrunken::ShrunkenEffects;
use crate::terminal::evidence_words;
use crate::verdict::{CohortVerdict, Verdict, cohort_label};

/// Everything about cohorts.
#[derive(Serialize)]
pub(super) struct ForWhomSection {
    /// By treatment and primary metric.
    questions: Vec<QuestionView>,
    tree: Option<tree::TreeSection>,
}

/// One treatment and one metric.
#[derive(Serialize)]
struct QuestionView {
    heading: String,
    /// What the global test says.
    remark: Option<String>,
    picture: Option<Picture>,
    table: Table,
    /// What a model that draws the cohorts' effects to each other expects of them.
    shrunken: Option<Table>,
    /// Whether nothing here is proven.
    exploratory: bool,
}

pub(super) fn section(indexed: &Indexed<'_>, verdict: &Verdict) -> Option<ForWhomSection> {
    let results = indexed.results;
    let questions: Vec<QuestionView> = results
        .metrics_of(Role::Primary)
        .flat_map(|metric| results.treatments().map(move |variant| (metric, variant.name.as_str())))
        .filter_map(|(metric, variant)| Question { indexed, metric, variant, verdict }.view())
        .collect();
    let tree = tree::section(indexed);
    (!questions.is_empty() || tree.is_some()).then_some(ForWhomSection { questions, tree })
}

struct Question<'a> {
    indexed: &'a Indexed<'a>,
    metric: &'a MetricView,
    variant: &'a str,
    verdict: &'a Verdict,
}

/// A cohort with its row in `cohorts.parquet`, its rows of effects and its verdict.
struct Member<'a> {
    place: usize,
    cohort: &'a CohortView,
    effect: Found<'a>,
    contrast: Option<Found<'a>>,
    verdict: &'a CohortVerdict,
}

impl<'a> Question<'a> {
    fn view(&self) -> Option<QuestionView> {
        let results = self.indexed.results;
        let first_registered = results.discovered().len();
        let registered = self.members(&results.registered, first_registered);
        let discovered = self.members(results.discovered(), 0);
        let remark = self.remark();
        if registered.is_empty() && discovered.is_empty() {
            return None;
        }
        let (frozen, registered): (Vec<Member<'_>>, Vec<Member<'_>>) =
            registered.into_iter().partition(|member| member.cohort.is_frozen());
        let mut members = registered.iter().chain(&frozen).chain(&discovered);
        let exploratory = members.all(|member| member.effect.row.evidence == Evidence::Exploratory);
        let (variant, metric) = (label::isolated(self.variant), label::isolated(&self.metric.name));
        let heading = format!("{variant} on {metric}");
        let groups = [("Pre-registered", &registered), (FOUND_EARLIER, &frozen), (DISCOVERED, &discovered)];
        let forest = Forest {
            title: format!("Forest plot: {heading} by cohort"),
            axis: format!("effect{}", in_unit(self.metric)),
            reference: self.reference(),
            columns: ["units", "share", "effect", "vs. rest, p", "verdict"].map(str::to_owned).to_vec(),
            groups: groups.iter().map(|(name, members)| self.group(name, members)).collect(),
        };
        let table = self.table(&heading, &groups);
        let shrunken = self.shrunken();
        Some(QuestionView { heading, remark, picture: forest.picture(), table, shrunken, exploratory })
    }

    fn members(&self, cohorts: &'a [CohortView], first: usize) -> Vec<Member<'a>> {
        let member = |(index, cohort): (usize, &'a CohortView)| {
            Some(Member {
                place: first + index,
                cohort,
                effect: self.find(&cohort.name, Estimand::Effect)?,
                contrast: self.find(&cohort.name, Estimand::Contrast),
                verdict: self.verdict.cohorts.iter().find(|verdict| {
                    verdict.cohort == cohort.name
                        && verdict.variant == self.variant
                        && verdict.metric == self.metric.name
                })?,
            })
        };
        cohorts.iter().enumerate().filter_map(member).collect()
    }

    fn find(&self, cohort: &str, estimand: Estimand) -> Option<Found<'a>> {
        self.indexed.effect(EffectKey { metric: &self.metric.name, variant: self.variant, cohort, estimand })
    }

    fn remark(&self) -> Option<String> {
        let mut verdicts = self.verdict.heterogeneity.iter();
        let found = verdicts.find(|verdict| verdict.variant == self.variant && verdict.metric == self.metric.name)?;
        Some(found.sentence.clone())
    }

    /// The effect over everybody, as a line.
    fn reference(&self) -> Option<(f64, String)> {
        let row = self.find(EVERYBODY, Estimand::Effect)?.row;
        let scale = Scale::of_effects(self.metric);
        let estimate = row.estimate?;
        let text = scale.signed(estimate, scale.decimals(row.interval));
        Some((scale.shown(estimate), format!("everybody {text}")))
    }

    fn group(&self, heading: &str, members: &[Member<'_>]) -> ForestGroup {
        let evidence = members.first().map(|member| evidence_words(member.effect.row.evidence)).unwrap_or_default();
        let rows = members.iter().map(|member| self.row(member)).collect();
        ForestGroup { heading: format!("{heading} · {evidence} evidence"), rows }
    }

    fn row(&self, member: &Member<'_>) -> ForestRow {
        let figures = Figures::of(member.effect, self.metric);
        let (place, estimate) = figures.estimate();
        let contrast = member.contrast.map(|found| Figures::of(found, self.metric).adjusted_p());
        let contrast = contrast.map_or_else(|| Label::new(NO_NUMBER), |(place, text)| Figure::label(&place, text));
        let (units, count) = size(member);
        let mark = self.mark(member);
        let tone = match (member.verdict.reliable, mark) {
            (false, _) => Tone::Faint,
            (true, Some(mark)) if member.verdict.standing.is_claim() => tone(mark, self.metric.desired),
            (true, _) => Tone::Plain,
        };
        ForestRow {
            label: Label::new(cohort_label(&member.cohort.name)),
            detail: Label::new(member.cohort.definition.in_words()),
            mark,
            cells: vec![
                Figure::label(&units, count),
                Label::new(share(self.indexed, member.cohort)),
                Figure::label(&place, estimate),
                contrast,
                Label::new(standing_words(member.verdict)),
            ],
            tone,
        }
    }

    fn mark(&self, member: &Member<'_>) -> Option<Mark> {
        let scale = Scale::of_effects(self.metric);
        let span = |interval: Option<Interval>| {
            interval.map(|interval| (scale.shown(interval.lower), scale.shown(interval.upper)))
        };
        let row = member.effect.row;
        let estimate = scale.shown(row.estimate?);
        Some(Mark { estimate, outer: span(row.interval), inner: span(row.individual_interval) })
    }

    fn table(&self, heading: &str, groups: &[(&str, &Vec<Member<'_>>)]) -> Table {
        let mut columns = vec![
            ("cohort", false),
            ("rule", false),
            ("units", true),
            ("share", true),
            ("effect", true),
            ("simultaneous interval", true),
            ("individual interval", true),
            ("contrast with the rest", true),
            ("contrast, interval", true),
            ("contrast, adjusted p", true),
            ("verdict", false),
            ("evidence", false),
        ];
        columns.extend(figure::beside_columns(self.indexed));
        columns.extend(figure::in_sequence(self.indexed).then_some(("contrast, confidence sequence", true)));
        let mut table = Table::new(format!("{heading}: cohorts"), &columns);
        for (name, members) in groups {
            if !members.is_empty() {
                table.heading(*name);
            }
            for member in *members {
                table.row(self.cells(member));
            }
        }
        table
    }

    fn shrunken(&self) -> Option<Table> {
        let results = self.indexed.results;
        let model = results.shrunken_effects(&self.metric.name, self.variant)?;
        let scale = Scale::of_effects(self.metric);
        let columns = [
            ("cohort", false),
            ("effect drawn to the others", true),
            ("interval", true),
            ("drawn by", true),
            ("probably positive", true),
            ("probably the best", true),
        ];
        let mut table = Table::new("Effects drawn to each other: intervals hold on average over cohorts", &columns);
        for cohort in &model.cohorts {
            let (row, entry) = self.shrunken_place(&cohort.cohort);
            let at = |field| Place::of_cohort(row, &format!("shrunken[{entry}].{field}"));
            let share = |field, share| Cell::figure(figure::at(at(field), share, number::share));
            let estimate = |estimate| scale.signed(estimate, scale.decimals(cohort.interval));
            let bounds = |interval| figure::bounds(&scale, interval, ["ci_lower", "ci_upper"].map(at));
            table.row([
                Cell::name(&cohort.cohort),
                Cell::figure(figure::at(at("estimate"), cohort.estimate, estimate)),
                Cell::range(cohort.interval.map(bounds)),
                share("shrinkage", cohort.shrinkage),
                share("positive", cohort.positive),
                share("best", cohort.best),
            ]);
        }
        table.if_any()
    }

    /// The row of a discovered cohort in `cohorts.parquet`, and the entry of this question in its list of shrunken effects.
    fn shrunken_place(&self, cohort: &str) -> (usize, usize) {
        let results = self.indexed.results;
        let row = results.discovered().iter().position(|found| found.name == cohort).unwrap_or_default();
        let is_in = |model: &&ShrunkenEffects| model.cohorts.iter().any(|found| found.cohort == cohort);
        let is_this = |model: &ShrunkenEffects| model.metric == self.metric.name && model.variant == self.variant;
        let entry = results.shrunken_effects.iter().filter(is_in).position(is_this).unwrap_or_default();
        (row, entry)
    }

    fn cells(&self, member: &Member<'_>) -> Vec<Cell> {
        let figures = Figures::of(member.effect, self.metric);
        let contrast = member.contrast.map(|found| Figures::of(found, self.metric));
        let absent = || Cell::text(NO_NUMBER);
        let mut verdict = Cell::text(member.verdict.standing.in_words());
        if !member.verdict.reliable {
            verdict = verdict.and_text(" ").and(Part::Mark { text: "unreliable".to_owned(), tone: "open" });
        }
        let mut cells = vec![
            Cell::name(&member.cohort.name),
            Cell::text(member.cohort.definition.in_words()),
            Cell::figure(size(member)),
            Cell::text(share(self.indexed, member.cohort)),
            Cell::figure(figures.estimate()),
            Cell::range(figures.bounds()),
            Cell::range(figures.individual_bounds()),
            contrast.as_ref().map_or_else(absent, |contrast| Cell::figure(contrast.estimate())),
            contrast.as_ref().map_or_else(absent, |contrast| Cell::range(contrast.bounds())),
            contrast.as_ref().map_or_else(absent, |contrast| Cell::figure(contrast.adjusted_p())),
            verdict,
            evidence_mark(member.effect.row.evidence),
        ];
        cells.extend(figures.beside_cells(self.indexed));
        let contrast = contrast.and_then(|contrast| contrast.sequence_bounds());
        cells.extend(figure::in_sequence(self.indexed).then(|| Cell::range(contrast)));
        cells
    }
}

/// The heading of cohorts that an earlier run discovered.
const FOUND_EARLIER: &str = "Found by an earlier run";

const DISCOVERED: &str = "Discovered, in the order of the discovery fold’s estimates";

/// The unit of an axis: ` in pp`.
pub(super) fn in_unit(metric: &MetricView) -> String {
    let scale = Scale::of_effects(metric);
    if scale.unit().is_empty() { String::new() } else { format!(" in{}", scale.unit()) }
}

fn standing_words(verdict: &CohortVerdict) -> String {
    let hint = if verdict.evidence == Evidence::Exploratory { ", exploratory" } else { "" };
    let doubt = if verdict.reliable { "" } else { " (!)" };
    format!("{}{hint}{doubt}", verdict.standing.in_words())
}

/// The units of a cohort that measure it.
fn size(member: &Member<'_>) -> (Place, String) {
    let fold = measured_on(member.cohort);
    let place = Place::of_cohort(member.place, &format!("units:{fold}"));
    (place, number::count_or_none(member.cohort.units(fold)))
}

pub(super) fn measured_on(cohort: &CohortView) -> Fold {
    if cohort.rule().is_some() { Fold::Measure } else { Fold::All }
}

/// The cohort's share of the units that measure it; of a discovered one among all discovered, which are a partition.
pub(super) fn share(indexed: &Indexed<'_>, cohort: &CohortView) -> String {
    let fold = measured_on(cohort);
    let all: Option<u64> = match fold {
        Fold::Measure => indexed.results.discovered().iter().map(|cohort| cohort.units(fold)).sum(),
        Fold::Discover | Fold::Judge | Fold::All => Some(indexed.results.units()),
    };
    let share = cohort.units(fold).zip(all).filter(|(_, all)| *all > 0);
    share.map_or_else(|| NO_NUMBER.to_owned(), |(units, all)| number::share(units as f64 / all as f64))
}
