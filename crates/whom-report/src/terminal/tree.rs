//! The tree of the declared partition, drawn with box characters.

use super::palette::Palette;
use super::paragraph::paragraph;
use super::{INDENT, WIDTH, headed};
use crate::cohort::{CohortView, Fold};
use crate::effect::{Estimand, Role};
use crate::label;
use crate::number::{self, Scale};
use crate::results::{EffectKey, Results};
use crate::rule_words::condition_words;
use crate::tree::TreeView;
use crate::verdict::cohort_label;

/// Trees of more leaves are drawn without effects; the table of cohorts has them.
const LEAVES_WITH_EFFECTS: usize = 12;

/// Tags whose share of the gain is shown.
const TAGS_SHOWN: usize = 6;

/// The width below which bars give way to text.
const NARROWEST_TEXT: usize = 24;

/// The tree; nothing if there is none or if it is a single leaf.
pub(super) fn section(results: &Results, palette: Palette) -> Option<String> {
    let tree = results.partition_tree()?;
    if tree.nodes.len() < 2 {
        return None;
    }
    let remark = format!("{}, the declared partition; effects on the measuring fold", label::plain(&tree.name));
    let mut drawing = Drawing { results, tree, lines: vec![headed("TREE", &remark, palette)] };
    drawing.lines.push(format!("{INDENT}everybody"));
    drawing.children(0, INDENT);
    drawing.importance();
    Some(drawing.lines.join("\n"))
}

struct Drawing<'a> {
    results: &'a Results,
    tree: &'a TreeView,
    lines: Vec<String>,
}

impl<'a> Drawing<'a> {
    /// Draws what is below a node. A child has a larger index than its parent, which ends the recursion.
    fn children(&mut self, node: usize, bars: &str) {
        let tree = self.tree;
        let Some(split) = tree.nodes.get(node).and_then(|node| node.split.as_ref()) else { return };
        let sides =
            [(split.left, &split.left_condition, "├─ ", "│  "), (split.right, &split.right_condition, "└─ ", "   ")];
        for (child, condition, branch, bar) in sides {
            if child <= node {
                continue;
            }
            let below = format!("{bars}{bar}");
            let cohort = self.cohort(child);
            let words = match cohort {
                Some(cohort) => format!("{} → {}", condition_words(condition), self.cohort_words(cohort)),
                None => condition_words(condition),
            };
            self.push(&words, &format!("{bars}{branch}"), &below);
            if let Some(cohort) = cohort {
                self.effects(cohort, &format!("{below}  "));
            }
            self.children(child, &below);
        }
    }

    /// A line that says which tags the gain is due to.
    fn importance(&mut self) {
        let rows = self.results.importance.iter().filter(|row| row.tree == self.tree.name).take(TAGS_SHOWN);
        let shares: Vec<String> =
            rows.map(|row| format!("{} {}", label::name(&row.tag), number::share(row.share))).collect();
        if !shares.is_empty() {
            self.push(&format!("gain by tag: {}", shares.join(", ")), INDENT, INDENT);
        }
    }

    fn push(&mut self, text: &str, first: &str, next: &str) {
        let columns = WIDTH.saturating_sub(first.chars().count()).max(NARROWEST_TEXT);
        for (index, line) in paragraph(text, columns).into_iter().enumerate() {
            self.lines.push(format!("{}{line}", if index == 0 { first } else { next }));
        }
    }

    fn cohort(&self, node: usize) -> Option<&'a CohortView> {
        let name = self.tree.nodes.get(node)?.cohort.as_deref()?;
        self.results.discovered().iter().find(|cohort| cohort.name == name)
    }

    fn cohort_words(&self, cohort: &CohortView) -> String {
        let Some(units) = cohort.units(Fold::Measure) else { return cohort_label(&cohort.name) };
        let all: Option<u64> = self.results.discovered().iter().map(|cohort| cohort.units(Fold::Measure)).sum();
        let all = all.unwrap_or(0);
        let share = if all == 0 { String::new() } else { format!(" ({})", number::share(units as f64 / all as f64)) };
        format!("{}: {} units{share}", cohort_label(&cohort.name), number::count(units))
    }

    fn effects(&mut self, cohort: &CohortView, prefix: &str) {
        if self.results.discovered().len() > LEAVES_WITH_EFFECTS {
            return;
        }
        let results = self.results;
        for variant in results.treatments() {
            for metric in results.metrics_of(Role::Primary) {
                let key = EffectKey {
                    metric: &metric.name,
                    variant: &variant.name,
                    cohort: &cohort.name,
                    estimand: Estimand::Effect,
                };
                let Some(row) = results.effect(key) else { continue };
                let scale = Scale::of_effects(metric);
                let figures = match (row.estimate, row.interval) {
                    (Some(estimate), Some(interval)) => {
                        let effect = scale.signed(estimate, scale.decimals(Some(interval)));
                        format!("{effect} ({})", scale.bounds(interval))
                    }
                    _ if results.withheld.is_some() => row.not_estimable.clone().unwrap_or_default(),
                    _ => "not estimable".to_owned(),
                };
                let doubt = if row.unreliable.is_some() { ", unreliable" } else { "" };
                let names = format!("{} on {}", label::name(&variant.name), label::name(&metric.name));
                self.push(&format!("{names}: {figures}{doubt}"), prefix, prefix);
            }
        }
    }
}
