//! Whether an answer can be trusted to be one: every shape and every sum is checked before it is used.

use rayon::prelude::*;
use whom_stats::pass::{ColumnShape, Histograms, NodeHistogram, Pass};
use whom_stats::{ArmTable, ColumnHistogram};

use crate::error::ForestError;

/// The sizes that an answer must have.
pub(crate) struct AnswerShape<'a> {
    pub(crate) columns: &'a [ColumnShape],
    pub(crate) arms: usize,
    pub(crate) metrics: usize,
}

impl AnswerShape<'_> {
    /// Checks that `answer` has the shape that `pass` asked for, and that each column adds up to its node's totals.
    pub(crate) fn check(&self, pass: &Pass, answer: &Histograms) -> Result<(), ForestError> {
        same("trees", pass.trees.len(), answer.trees.len())?;
        for (asked, nodes) in pass.trees.iter().zip(&answer.trees) {
            same("nodes", asked.nodes.len(), nodes.len())?;
            nodes.iter().try_for_each(|node| self.check_node(&asked.columns, node))?;
        }
        Ok(())
    }

    fn check_node(&self, asked: &[usize], node: &NodeHistogram) -> Result<(), ForestError> {
        self.check_table(&node.totals)?;
        same("columns", asked.len(), node.columns.len())?;
        let columns = asked.par_iter().zip(&node.columns);
        let checked: Vec<_> = columns.map(|(column, histogram)| self.check_column(*column, node, histogram)).collect();
        // The first fault in order, whichever was found first.
        checked.into_iter().collect()
    }

    fn check_column(
        &self,
        column: usize,
        node: &NodeHistogram,
        histogram: &ColumnHistogram,
    ) -> Result<(), ForestError> {
        let shape = &self.columns[column];
        same(&format!("codes of `{}`", shape.name), shape.codes, histogram.codes())?;
        same("arms", self.arms, histogram.arms)?;
        same("codes x arms x metrics", shape.codes * self.arms * self.metrics, histogram.moments.len())?;
        let mut sum = ArmTable::new(self.arms, self.metrics);
        histogram.cells().for_each(|cell| sum.add(cell));
        if sum == node.totals {
            return Ok(());
        }
        Err(ForestError::answer(format!("the codes of `{}` do not add up to their node", shape.name)))
    }

    fn check_table(&self, table: &ArmTable) -> Result<(), ForestError> {
        same("arms", self.arms, table.units.len())?;
        same("arms x metrics", self.arms * self.metrics, table.moments.len())
    }
}

/// Checks that a child's histograms are a part of its parent's.
pub(crate) fn check_part(whole: &[ColumnHistogram], part: &[ColumnHistogram]) -> Result<(), ForestError> {
    if whole.par_iter().zip(part).all(|(whole, part)| holds(whole, part)) {
        return Ok(());
    }
    Err(ForestError::answer("a child holds units that its parent does not"))
}

fn holds(whole: &ColumnHistogram, part: &ColumnHistogram) -> bool {
    whole.units.iter().zip(&part.units).all(|(whole, part)| whole >= part)
        && whole.moments.iter().zip(&part.moments).all(|(whole, part)| {
            whole.n >= part.n && whole.events >= part.events && whole.sum_squares >= part.sum_squares
        })
}

fn same(what: &str, asked: usize, answered: usize) -> Result<(), ForestError> {
    if asked == answered {
        return Ok(());
    }
    Err(ForestError::answer(format!("{asked} {what} asked for, {answered} answered")))
}
