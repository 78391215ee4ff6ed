//! What was withheld, so that nobody takes it for nothing.

use serde::{Deserialize, Serialize};

use super::cohorts::HiddenCohorts;
use crate::label;
use crate::number;

/// Cohorts that the sentence names; all are in `result.json`.
const COHORTS_NAMED: usize = 6;

/// What results do not show because it is about too few units, or would tell so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withheld {
    /// The fewest units that a number may be about.
    pub smallest_cell: u64,
    /// The cohorts of which nothing is told but their definition, how often the search finds them again, and that an earlier run
    /// found them.
    pub cohorts: Vec<String>,
    /// Effects of other cohorts and of everybody.
    pub effects: usize,
    /// Levels in the tables of single tags.
    pub levels: usize,
    /// Nodes of trees.
    pub nodes: usize,
    /// Figures of tags in profiles of other cohorts.
    pub figures: usize,
    /// Checks, their verdicts excepted.
    pub checks: usize,
    /// Steps of the waterfall.
    pub steps: usize,
}

/// What was withheld so far.
#[derive(Default)]
pub(super) struct Counted {
    pub(super) effects: usize,
    pub(super) levels: usize,
    pub(super) nodes: usize,
    pub(super) figures: usize,
    pub(super) checks: usize,
    pub(super) steps: usize,
}

impl Counted {
    pub(super) fn told(self, smallest_cell: u64, cohorts: HiddenCohorts) -> Withheld {
        let Self { effects, levels, nodes, figures, checks, steps } = self;
        Withheld { smallest_cell, cohorts: cohorts.into_names(), effects, levels, nodes, figures, checks, steps }
    }
}

impl Withheld {
    /// What is withheld, in a sentence.
    pub fn sentence(&self) -> String {
        let bound = format!("No number about fewer than {} units is shown", number::count(self.smallest_cell));
        let counts = [
            (self.effects, "effect"),
            (self.levels, "level of tags"),
            (self.nodes, "node of trees"),
            (self.figures, "figure of profiles"),
            (self.checks, "check"),
            (self.steps, "step of the rows"),
        ];
        let counted = counts.into_iter().filter(|(count, _)| *count > 0);
        let what: Vec<String> = self.cohorts_in_words().into_iter().chain(counted.map(in_words)).collect();
        if what.is_empty() {
            format!("{bound}; none had to be withheld.")
        } else {
            format!("{bound}. Withheld, for being one or for telling one: {}.", what.join(", "))
        }
    }

    fn cohorts_in_words(&self) -> Option<String> {
        let mut named: Vec<String> = self.cohorts.iter().take(COHORTS_NAMED).map(|name| label::name(name)).collect();
        let more = self.cohorts.len() - named.len();
        let last = if more > 0 { format!("{more} more") } else { named.pop()? };
        Some(if named.is_empty() {
            format!("cohort {last}")
        } else {
            format!("cohorts {} and {last}", named.join(", "))
        })
    }
}

/// `3 nodes of trees`.
fn in_words((count, noun): (usize, &str)) -> String {
    match noun.split_once(' ') {
        _ if count == 1 => format!("1 {noun}"),
        Some((head, rest)) => format!("{count} {head}s {rest}"),
        None => format!("{count} {noun}s"),
    }
}
