//! The tree of the declared partition, with what the measuring fold says of each node.

use serde::Serialize;

use super::figure::{Figure, Figures, Place};
use super::for_whom::share;
use super::index::Indexed;
use super::picture::Picture;
use super::table::{Cell, Table};
use crate::chart::{Bar, Bars, Label, Tree, TreeNode};
use crate::cohort::{CohortView, Fold};
use crate::effect::{Estimand, Role};
use crate::heterogeneity::ImportanceRow;
use crate::label;
use crate::number::{self, NO_NUMBER, Scale};
use crate::results::{EffectKey, MetricView};
use crate::rule_words::condition_words;
use crate::tree::{NodeEffect, NodeView, TreeView};
use crate::verdict::cohort_label;

/// Effects that a box names before it counts the rest.
const EFFECTS_SHOWN: usize = 4;

/// The tree as it is drawn.
#[derive(Serialize)]
pub(super) struct TreeSection {
    picture: Option<Picture>,
    /// Every node with its rule, its units and its effects on the measuring fold.
    table: Table,
    /// Which tags the gain is due to.
    importance: Option<Picture>,
    importance_table: Option<Table>,
}

pub(super) fn section(indexed: &Indexed<'_>) -> Option<TreeSection> {
    let tree = indexed.results.partition_tree()?;
    let boxes = Boxes { indexed, tree };
    let nodes = (0..tree.nodes.len()).map(|node| boxes.node(node)).collect();
    let picture = Tree { title: "The tree of the declared partition".to_owned(), nodes }.picture();
    let (importance, importance_table) = (importance(indexed, tree), importance_table(indexed, tree));
    picture.is_some().then_some(TreeSection { picture, table: boxes.table(), importance, importance_table })
}

fn importance(indexed: &Indexed<'_>, tree: &TreeView) -> Option<Picture> {
    let bars = gains(indexed, tree).map(|(place, row)| Bar {
        label: Label::new(label::plain(&row.tag)),
        value: row.share,
        figures: vec![Figure::label(&place, number::share(row.share))],
        faint: false,
    });
    let columns = vec!["share".to_owned()];
    let axis = "what the splits gain, by tag, on the discovery fold".to_owned();
    let title = "Which tags the splits are due to".to_owned();
    Bars { title, axis, columns, rows: bars.collect(), reach: 1.0 }.picture()
}

fn importance_table(indexed: &Indexed<'_>, tree: &TreeView) -> Option<Table> {
    let mut table = Table::new("Which tags the splits are due to", &[("tag", false), ("share of the gain", true)]);
    for (place, row) in gains(indexed, tree) {
        table.row([Cell::name(&row.tag), Cell::figure((place, number::share(row.share)))]);
    }
    table.if_any()
}

/// What each tag gains in a tree, with its place in `tree.json`.
fn gains<'a>(indexed: &'a Indexed<'_>, tree: &'a TreeView) -> impl Iterator<Item = (Place, &'a ImportanceRow)> {
    let rows = indexed.results.importance.iter().enumerate().filter(|(_, row)| row.tree == tree.name);
    rows.map(|(entry, row)| (Place::of_result("importance", entry, "share"), row))
}

struct Boxes<'a> {
    indexed: &'a Indexed<'a>,
    tree: &'a TreeView,
}

impl<'a> Boxes<'a> {
    fn node(&self, place: usize) -> TreeNode {
        let Some(view) = self.tree.nodes.get(place) else { return TreeNode::default() };
        let cohort = view.cohort.as_deref().and_then(|name| self.cohort(name));
        let mut lines: Vec<(Label, bool)> = Vec::new();
        if let Some((row, cohort)) = cohort {
            lines.push((Label::new(cohort_label(&cohort.name)), false));
            lines.push((self.cohort_size(row, cohort), true));
            lines.extend(self.cohort_effects(cohort));
        } else {
            let units = node_units(view).map(|units| Label::new(format!("{} units", number::count(units))));
            lines.extend(units.map(|units| (units, true)));
            lines.extend(self.node_effects(place, view));
        }
        let children = view.split.as_ref().map(|split| vec![split.left, split.right]).unwrap_or_default();
        TreeNode { branch: Label::new(self.branch(place)), lines, children }
    }

    /// All nodes, each after its parent.
    fn table(&self) -> Table {
        let questions = self.questions();
        let names: Vec<String> = questions.iter().map(|(metric, variant)| self.name(metric, variant)).collect();
        let fixed = [("node", true), ("below", true), ("condition", false), ("cohort", false), ("units", true)];
        let columns: Vec<(&str, bool)> =
            fixed.into_iter().chain(names.iter().map(|name| (name.as_str(), true))).collect();
        let mut table = Table::new("The nodes of the tree, on the measuring fold", &columns);
        for (place, node) in self.tree.nodes.iter().enumerate() {
            let parent = self.tree.nodes.iter().position(|parent| {
                parent.split.as_ref().is_some_and(|split| split.left == place || split.right == place)
            });
            let units = node_units(node).map_or(NO_NUMBER.to_owned(), number::count);
            let effects = questions.iter().map(|(metric, variant)| {
                let found = self.measured(place, node, (metric, variant));
                let figures = found.and_then(|(at, effect)| Some((at, node_words(metric, effect)?)));
                figures.map_or_else(
                    || Cell::text(NO_NUMBER),
                    |(at, [estimate, error])| {
                        let estimate = Cell::figure((at("estimate"), estimate));
                        estimate.and_text(", std. err. ").and_figure((at("std_err"), error))
                    },
                )
            });
            let fixed = [
                Cell::text(place.to_string()),
                Cell::text(parent.map_or(NO_NUMBER.to_owned(), |parent| parent.to_string())),
                Cell::text(self.branch(place)),
                Cell::name(node.cohort.as_deref().unwrap_or(NO_NUMBER)),
                Cell::text(units),
            ];
            table.row(fixed.into_iter().chain(effects));
        }
        table
    }

    /// What leads to a node, in words.
    fn branch(&self, place: usize) -> String {
        let parents = self.tree.nodes.iter().filter_map(|node| node.split.as_ref());
        let mut conditions = parents.filter_map(|split| match place {
            place if place == split.left => Some(&split.left_condition),
            place if place == split.right => Some(&split.right_condition),
            _ => None,
        });
        conditions.next().map_or_else(|| "everybody".to_owned(), condition_words)
    }

    fn cohort(&self, name: &str) -> Option<(usize, &'a CohortView)> {
        self.indexed.results.discovered().iter().enumerate().find(|(_, cohort)| cohort.name == name)
    }

    fn cohort_size(&self, row: usize, cohort: &CohortView) -> Label {
        let place = Place::of_cohort(row, &format!("units:{}", Fold::Measure));
        let units = number::count_or_none(cohort.units(Fold::Measure));
        Figure::label(&place, format!("{units} units ({})", share(self.indexed, cohort)))
    }

    fn questions(&self) -> Vec<(&'a MetricView, &'a str)> {
        let results = self.indexed.results;
        let primary = results.metrics_of(Role::Primary);
        primary.flat_map(|metric| results.treatments().map(move |variant| (metric, variant.name.as_str()))).collect()
    }

    /// The effects in a cohort, with simultaneous intervals.
    fn cohort_effects(&self, cohort: &CohortView) -> Vec<(Label, bool)> {
        let line = |(metric, variant): (&MetricView, &str)| {
            let (metric_name, cohort) = (metric.name.as_str(), cohort.name.as_str());
            let key = EffectKey { metric: metric_name, variant, cohort, estimand: Estimand::Effect };
            let found = self.indexed.effect(key)?;
            let figures = Figures::of(found, metric);
            let (place, estimate) = figures.estimate();
            let interval = found.row.interval.map(|interval| Scale::of_effects(metric).bounds(interval));
            let interval = interval.map(|bounds| format!(" ({bounds})")).unwrap_or_default();
            let name = Label::new(self.name(metric, variant));
            Some([(name, true), (Figure::label(&place, format!("{estimate}{interval}")), false)])
        };
        shown(self.questions().into_iter().filter_map(line).collect())
    }

    /// The effects in a node that is no cohort, which has no simultaneous interval.
    fn node_effects(&self, place: usize, view: &NodeView) -> Vec<(Label, bool)> {
        let line = |(metric, variant): (&MetricView, &str)| {
            let (at, effect) = self.measured(place, view, (metric, variant))?;
            let [estimate, error] = node_words(metric, effect)?;
            let name = Label::new(self.name(metric, variant));
            Some([(name, true), (Figure::label(&at("estimate"), format!("{estimate}, std. err. {error}")), false)])
        };
        shown(self.questions().into_iter().filter_map(line).collect())
    }

    /// What the measuring fold says of a node on one question, with the places of its fields in `tree.json`.
    fn measured<'b>(
        &self,
        node: usize,
        view: &'b NodeView,
        (metric, variant): (&MetricView, &str),
    ) -> Option<(impl Fn(&str) -> Place + use<>, &'b NodeEffect)> {
        let tree = self.indexed.results.trees.iter().position(|tree| tree.name == self.tree.name)?;
        let mut effects = view.measuring.iter().enumerate();
        let (entry, effect) = effects.find(|(_, effect)| effect.metric == metric.name && effect.variant == variant)?;
        let at =
            move |field: &str| Place::of_result("trees", tree, &format!("nodes[{node}].measuring[{entry}].{field}"));
        Some((at, effect))
    }

    /// What an effect is of: as much as is needed to tell it from the others.
    fn name(&self, metric: &MetricView, variant: &str) -> String {
        let results = self.indexed.results;
        let (metric_name, variant) = (label::name(&metric.name), label::name(variant));
        match (results.metrics_of(Role::Primary).count(), results.treatments().count()) {
            (1, _) => variant,
            (_, 1) => metric_name,
            _ => format!("{variant} on {metric_name}"),
        }
    }
}

/// The estimate, and its standard error.
fn node_words(metric: &MetricView, effect: &NodeEffect) -> Option<[String; 2]> {
    let (scale, std_err) = (Scale::of_effects(metric), effect.std_err?);
    let decimals = number::decimals(scale.shown(std_err));
    let error = number::fixed(scale.shown(std_err), decimals);
    Some([scale.signed(effect.estimate?, decimals), error])
}

/// The units of all arms, from the effects of one metric.
fn node_units(view: &NodeView) -> Option<u64> {
    let first = view.measuring.first()?;
    let of_metric = view.measuring.iter().filter(|effect| effect.metric == first.metric);
    Some(first.n_control? + of_metric.map(|effect| effect.n_variant).sum::<Option<u64>>()?)
}

fn shown(mut effects: Vec<[(Label, bool); 2]>) -> Vec<(Label, bool)> {
    let more = effects.len().saturating_sub(EFFECTS_SHOWN);
    effects.truncate(EFFECTS_SHOWN);
    let rest = (more > 0).then(|| (Label::new(format!("… and {more} more")), true));
    effects.into_iter().flatten().chain(rest).collect()
}
