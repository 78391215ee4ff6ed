//! The best split of a node.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use whom_stats::pass::ColumnShape;
use whom_stats::routing::{Code, CodeSet};
use whom_stats::{ArmTable, ColumnHistogram};

use crate::candidates::{Judge, Levels, Side};
use crate::plan::DiscoveryPlan;
use crate::score::Criterion;

/// A gain below this share of the scores it is the difference of is rounding, not gain.
const ROUNDING: f64 = 1e-10;

/// Why a node is a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stop {
    /// It lies at the depth of the controls.
    Depth,
    /// No target can be scored; the tree's silent targets say why.
    NothingToScore,
    /// Every searched tag has a single level here.
    SingleLevels,
    /// Every split would leave a child with too few units or events in an arm.
    NoAdmissibleSplit,
    /// No admissible split gains more than the smallest gain.
    NoGain,
    /// Its split did not survive pruning.
    Pruned,
}

/// The split that won a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Choice {
    /// Index of the column.
    pub(crate) column: usize,
    /// All codes that go left, those that growth did not see included.
    pub(crate) left: CodeSet,
}

/// The search of a tree's nodes.
pub(crate) struct Search<'a> {
    pub(crate) criterion: &'a Criterion,
    pub(crate) plan: &'a DiscoveryPlan,
}

impl Search<'_> {
    /// The best split of a node with these histograms, or why there is none.
    ///
    /// The largest gain wins. Equal gains go to the column whose name comes first, within a column to the left side
    /// whose ascending list of occurring codes comes first; neither depends on the position of a column or a row.
    pub(crate) fn best(&self, node: &Side, histograms: &[ColumnHistogram]) -> Result<Choice, Stop> {
        if self.criterion.targets() == 0 {
            return Err(Stop::NothingToScore);
        }
        // Columns are searched on all cores and compared in their own order.
        let columns = self.plan.columns.par_iter().zip(histograms);
        let found: Vec<Found> = columns.map(|(column, histogram)| self.best_of(*column, node, histogram)).collect();
        let several_levels = found.iter().any(|found| found.levels > 1);
        let mut best: Option<(usize, Winner)> = None;
        for (place, winner) in found.into_iter().enumerate().filter_map(|(place, found)| Some((place, found.winner?))) {
            let name = |place: usize| &self.plan.shapes[self.plan.columns[place]].name;
            let wins = best.as_ref().is_none_or(|(rival, other)| {
                winner.score > other.score || (winner.score == other.score && name(place) < name(*rival))
            });
            if wins {
                best = Some((place, winner));
            }
        }
        match best {
            None if !several_levels => Err(Stop::SingleLevels),
            None => Err(Stop::NoAdmissibleSplit),
            Some((_, winner)) if !self.gains(node, &winner) => Err(Stop::NoGain),
            Some((place, winner)) => {
                let column = self.plan.columns[place];
                let shape = &self.plan.shapes[column];
                let levels = Levels::new(self.criterion, shape, &histograms[place]);
                let places = self.plan.places.get(column).map_or(&[][..], Vec::as_slice);
                Ok(Choice { column, left: completed(shape, &levels, &winner.left, places) })
            }
        }
    }

    /// The best candidate of one column.
    fn best_of(&self, column: usize, node: &Side, histogram: &ColumnHistogram) -> Found {
        let shape = &self.plan.shapes[column];
        let levels = Levels::new(self.criterion, shape, histogram);
        let mut contest = Contest::new(self.criterion, node, &levels, shape);
        levels.visit(shape.ordered, &mut contest);
        Found { winner: contest.winner, levels: levels.codes().len() }
    }

    /// Why a new node cannot be split whatever its histograms say, or `None` if they must tell.
    pub(crate) fn stop_before(&self, depth: usize, totals: &ArmTable) -> Option<Stop> {
        let cells: Vec<_> = self.criterion.cells(totals.cell()).collect();
        if depth >= self.plan.controls.depth {
            Some(Stop::Depth)
        } else {
            (!self.criterion.admits(&cells, 2)).then_some(Stop::NoAdmissibleSplit)
        }
    }

    fn gains(&self, node: &Side, winner: &Winner) -> bool {
        let score = self.criterion.score(&node.cells);
        let rounding = ROUNDING * (score.abs() + winner.magnitude);
        winner.score - score > self.plan.controls.smallest_gain.max(rounding)
    }
}

/// The candidates of one column compete here.
struct Contest<'a> {
    criterion: &'a Criterion,
    node: &'a Side,
    levels: &'a Levels<'a>,
    ordered: bool,
    rest: Side,
    winner: Option<Winner>,
}

/// What the search of one column found.
struct Found {
    winner: Option<Winner>,
    /// The number of levels in the node.
    levels: usize,
}

/// The best candidate of a column so far.
struct Winner {
    /// The sum of the children's scores.
    score: f64,
    /// The sum of their absolute values.
    magnitude: f64,
    /// The occurring codes that go left.
    left: CodeSet,
}

impl<'a> Contest<'a> {
    fn new(criterion: &'a Criterion, node: &'a Side, levels: &'a Levels<'a>, shape: &ColumnShape) -> Self {
        let rest = Side::empty(criterion.width());
        Self { criterion, node, levels, ordered: shape.ordered, rest, winner: None }
    }

    /// The occurring codes of the left side. An unordered split puts the smallest occurring code left.
    fn left_of(&self, side: CodeSet) -> CodeSet {
        let codes = self.levels.codes();
        let holds_first = codes.first().is_some_and(|first| side.contains(*first));
        if self.ordered || holds_first {
            side
        } else {
            codes.iter().copied().filter(|code| !side.contains(*code)).collect()
        }
    }
}

impl Judge for Contest<'_> {
    fn judge(&mut self, side: &Side, codes: &dyn Fn() -> CodeSet) {
        if !self.criterion.admits(&side.cells, 1) {
            return;
        }
        self.rest.set_to_rest(self.node, side);
        if !self.criterion.admits(&self.rest.cells, 1) {
            return;
        }
        let (one, other) = (self.criterion.score(&side.cells), self.criterion.score(&self.rest.cells));
        let score = one + other;
        if self.winner.as_ref().is_some_and(|winner| score < winner.score) {
            return;
        }
        let left = self.left_of(codes());
        let ties = self.winner.as_ref().filter(|winner| score == winner.score);
        if ties.is_none_or(|winner| left.iter().lt(winner.left.iter())) {
            self.winner = Some(Winner { score, magnitude: one.abs() + other.abs(), left });
        }
    }
}

/// The left side with the codes that growth did not see.
///
/// An unseen code of an ordered column keeps its place in the order: left up to the last occurring code of the left
/// side, right beyond it; with places, left up to the middle between that code and the next one. The missing code and the
/// codes of an unordered column go to the child with more units of the involved arms, to the left one of two equal ones.
fn completed(shape: &ColumnShape, levels: &Levels<'_>, seen: &CodeSet, places: &[f64]) -> CodeSet {
    let left_units = levels.units_in(seen);
    let left_is_larger = left_units >= levels.whole().units - left_units;
    let is_missing = |code: Code| shape.missing == Some(code);
    let last_in_order = |left: bool| {
        let mut codes = levels.codes().iter().copied();
        codes.rfind(|code| !is_missing(*code) && seen.contains(*code) == left)
    };
    let cut = match (last_in_order(true), last_in_order(false)) {
        (_, None) => Code::MAX,
        (None, Some(_)) => 0,
        (Some(last), Some(_)) => halfway(levels.codes(), last, places).unwrap_or(last),
    };
    let goes_left = |code: Code| {
        if levels.codes().binary_search(&code).is_ok() {
            seen.contains(code)
        } else if shape.ordered && !is_missing(code) {
            code <= cut
        } else {
            left_is_larger
        }
    };
    (0..shape.codes).map(|code| code as Code).filter(|code| goes_left(*code)).collect()
}

/// The last code up to the middle between an occurring code and the next one; `None` if one of them has no place.
fn halfway(codes: &[Code], last: Code, places: &[f64]) -> Option<Code> {
    let next = *codes.iter().find(|code| **code > last)?;
    let place = |code: Code| places.get(usize::from(code)).copied();
    let middle = f64::midpoint(place(last)?, place(next)?);
    (last..next).rfind(|code| place(*code).is_some_and(|place| place <= middle))
}
