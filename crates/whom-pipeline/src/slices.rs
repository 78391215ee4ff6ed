//! How units are cut into slices: weeks of first exposure, and what a pipeline declares besides.
//!
//! A slice is a set of codes of one column. A cut extends the leaves of a tree by splits on that column, so that its slices are
//! leaves of a larger tree and one pass counts them all.

use std::cmp::Reverse;
use std::ops::Range;

use whom_query::{BinKind, TagBins};
use whom_report::{SlicedBy, condition_words};
use whom_stats::{Code, CodeSet, NodeIndex, Routing};

use crate::rules::condition;
use crate::study::Study;

/// The most levels of a tag that have a slice of their own; rarer ones share one.
const MOST_LEVELS: usize = 12;

/// What numeric tags are cut into, of about equally many units.
const PARTS: u128 = 4;

/// A way of cutting all units, each unit into one slice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slicing {
    pub(crate) by: SlicedBy,
    /// The column that it reads.
    column: usize,
    /// Two and more, in their order.
    pub(crate) slices: Vec<Slice>,
}

/// Some codes under a name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Slice {
    pub(crate) name: String,
    codes: CodeSet,
}

/// A tree whose leaves are cut into some slices, and the cells of its grouping.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cut {
    pub(crate) routing: Routing,
    /// By leaf that was cut, the cells of the slices, and behind them that of all other slices if there are any.
    pub(crate) cells: Vec<Vec<usize>>,
}

impl Slicing {
    /// Weeks of first exposure and the declared tags, those left out that do not cut.
    pub(crate) fn all(study: &Study<'_>) -> Vec<Self> {
        let tags = study.plan.slices.iter().filter_map(|tag| Self::of_tag(study, tag));
        of_weeks(study).into_iter().chain(tags).filter(|slicing| slicing.slices.len() > 1).collect()
    }

    fn of_tag(study: &Study<'_>, tag: &str) -> Option<Self> {
        let column = study.units.tag_column(tag)?;
        let slices = slices_of(study.units.bins.get(column)?, &study.units.tally.tags.get(column)?.by_code());
        Some(Self { by: SlicedBy::Tag(tag.to_owned()), column, slices })
    }

    /// Whether a trend means something.
    pub(crate) fn is_ordered(&self) -> bool {
        self.by == SlicedBy::Week
    }

    /// Cuts leaves of a tree into some of the slices; whoever is in none of them stays together.
    pub(crate) fn cut(&self, tree: &Routing, leaves: &[NodeIndex], slices: Range<usize>) -> Cut {
        let (mut inside, mut others) = (Vec::new(), CodeSet::new());
        for (place, slice) in self.slices.iter().enumerate() {
            if slices.contains(&place) {
                inside.push(slice.codes.clone());
            } else {
                slice.codes.iter().for_each(|code| others.insert(code));
            }
        }
        inside.extend((others != CodeSet::new()).then_some(others));
        let mut routing = tree.clone();
        let nodes: Vec<Vec<NodeIndex>> =
            leaves.iter().map(|leaf| spread(&mut routing, *leaf, self.column, &inside)).collect();
        let ranks: Vec<NodeIndex> = routing.leaves().collect();
        let cell = |node: &NodeIndex| ranks.binary_search(node).unwrap_or(ranks.len());
        Cut { cells: nodes.iter().map(|nodes| nodes.iter().map(cell).collect()).collect(), routing }
    }
}

/// Splits a leaf until each set of codes has one of its own, and gives them in the order of the sets.
fn spread(routing: &mut Routing, leaf: NodeIndex, column: usize, sets: &[CodeSet]) -> Vec<NodeIndex> {
    if sets.len() < 2 {
        return vec![leaf];
    }
    let (left, right) = sets.split_at(sets.len() / 2);
    let Some((left_leaf, right_leaf)) = routing.split(leaf, column, left.iter().flat_map(CodeSet::iter).collect())
    else {
        return Vec::new();
    };
    let mut nodes = spread(routing, left_leaf, column, left);
    nodes.extend(spread(routing, right_leaf, column, right));
    nodes
}

/// Weeks up to the last in which somebody came: those after it are still to come.
fn of_weeks(study: &Study<'_>) -> Option<Slicing> {
    let (weeks, column) = (study.units.weeks(), study.units.week_column()?);
    let last_day = *study.units.tally.by_day().last_key_value()?.0;
    let slice = |week: usize| {
        let [first, last] = weeks.days(week);
        Slice { name: format!("{first} to {last}"), codes: [week as Code].into_iter().collect() }
    };
    let slices = (0..=usize::from(weeks.week(last_day))).map(slice).collect();
    Some(Slicing { by: SlicedBy::Week, column, slices })
}

/// The slices of a tag, given the units by code, the missing code last.
fn slices_of(bins: &TagBins, units: &[u64]) -> Vec<Slice> {
    let known = units.get(..bins.known_codes()).unwrap_or_default();
    let mut sets = match &bins.kind {
        BinKind::Numeric { .. } => parts(known),
        BinKind::Categorical { levels, .. } => most_frequent(known.get(..levels.len()).unwrap_or_default()),
    };
    let rarer: CodeSet =
        (0..known.len() as Code).filter(|code| !sets.iter().any(|codes| codes.contains(*code))).collect();
    let missing = bins.missing().map(|code| [code].into_iter().collect());
    sets.extend(missing);
    let named = |codes: CodeSet| Slice { name: condition_words(&condition(bins, &codes)), codes };
    let mut slices: Vec<Slice> = sets.into_iter().map(named).collect();
    if rarer != CodeSet::new() {
        slices.push(Slice { name: format!("{} is a rarer level", bins.name), codes: rarer });
    }
    slices
}

/// The codes of the most frequent levels, each by itself, in the order of the levels.
fn most_frequent(units: &[u64]) -> Vec<CodeSet> {
    let mut codes: Vec<usize> = (0..units.len()).collect();
    codes.sort_by_key(|code| (Reverse(units.get(*code).copied()), *code));
    codes.truncate(MOST_LEVELS);
    codes.sort_unstable();
    codes.into_iter().map(|code| [code as Code].into_iter().collect()).collect()
}

/// Codes in their order, in parts of about equally many units: a code belongs to the part in which the middle of its units lies,
/// so that a code of many units may leave fewer parts.
fn parts(units: &[u64]) -> Vec<CodeSet> {
    let all = u128::from(units.iter().sum::<u64>()).max(1);
    let (mut before, mut parts) = (0_u128, Vec::<(u128, CodeSet)>::new());
    for (code, count) in units.iter().enumerate() {
        let count = u128::from(*count);
        let part = ((2 * before + count) * PARTS / (2 * all)).min(PARTS - 1);
        before += count;
        match parts.last_mut() {
            Some((last, codes)) if *last == part => codes.insert(code as Code),
            _ => parts.push((part, [code as Code].into_iter().collect())),
        }
    }
    parts.into_iter().map(|(_, codes)| codes).collect()
}

#[cfg(test)]
mod tests;
