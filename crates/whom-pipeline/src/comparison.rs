//! Two arms on one metric, among some units.

use whom_stats::{ArmTable, BucketSet, CONTROL, CellStatistics, Effect, Estimate, Grid, Moments, NotEstimable};

use crate::study::Question;

/// A treatment against control on a metric: the effect, or why there is none, and the arms as they are in either case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) effect: Result<Effect, NotEstimable>,
    pub(crate) control: Arm,
    pub(crate) treatment: Arm,
}

/// The units of an arm that have a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arm {
    pub(crate) units: u64,
    /// `None` without a unit.
    pub(crate) mean: Option<f64>,
}

impl Arm {
    fn of(moments: &Moments, grid: Grid) -> Self {
        Self { units: moments.n, mean: moments.mean(grid) }
    }
}

impl Comparison {
    /// Compares two arms of a table that has both, and the metric.
    pub(crate) fn of(table: &ArmTable, question: Question, grid: Grid) -> Self {
        let (treatment, control) =
            (table.get(question.treatment, question.metric), table.get(CONTROL, question.metric));
        Self {
            effect: Effect::welch(treatment, control, grid),
            control: Arm::of(control, grid),
            treatment: Arm::of(treatment, grid),
        }
    }
}

/// The units of a cohort, and the rest, in the buckets of a fold.
pub(crate) struct Sides {
    cohort: ArmTable,
    rest: ArmTable,
}

impl Sides {
    /// The units of a cell, and those of all other cells.
    pub(crate) fn of(cells: &CellStatistics, cell: usize, buckets: &BucketSet) -> Self {
        let cohort = cells.sum(cell, buckets);
        let rest = cells.pooled(buckets).without(&cohort);
        Self { cohort, rest }
    }

    /// One question on both sides.
    pub(crate) fn compare(&self, question: Question, grid: Grid) -> Contrast {
        Contrast {
            cohort: Comparison::of(&self.cohort, question, grid),
            rest: Comparison::of(&self.rest, question, grid),
        }
    }

    /// The cohort's units by arm.
    pub(crate) fn units(&self) -> &[u64] {
        &self.cohort.units
    }
}

/// A cohort against the rest of the units on one question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contrast {
    pub(crate) cohort: Comparison,
    pub(crate) rest: Comparison,
}

impl Contrast {
    /// The cohort's effect less that of the rest.
    pub(crate) fn estimate(&self) -> Result<Estimate, NotEstimable> {
        Ok(self.cohort.effect?.contrast(&self.rest.effect?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUESTION: Question = Question { treatment: 1, metric: 0 };

    /// A table of one metric from the values of control and of the treatment.
    fn table(control: &[i64], treatment: &[i64]) -> ArmTable {
        let mut table = ArmTable::new(2, 1);
        for (arm, values) in [control, treatment].into_iter().enumerate() {
            table.units[arm] = values.len() as u64;
            for value in values {
                table.moments[arm].push(*value);
            }
        }
        table
    }

    #[test]
    fn arms_have_units_and_means_where_there_is_no_effect() {
        let found = Comparison::of(&table(&[0, 0, 0], &[0, 0]), QUESTION, Grid::INTEGER);
        assert_eq!(found.effect, Err(NotEstimable::NoVariance));
        assert_eq!(found.control, Arm { units: 3, mean: Some(0.0) });
        assert_eq!(found.treatment, Arm { units: 2, mean: Some(0.0) });
        let empty = Comparison::of(&table(&[4], &[]), QUESTION, Grid::INTEGER);
        assert_eq!((empty.control.mean, empty.treatment), (Some(4.0), Arm { units: 0, mean: None }));
    }

    #[test]
    fn the_rest_is_everybody_but_the_cohort() {
        let mut tables = vec![ArmTable::new(2, 1); 2 * whom_stats::BUCKETS];
        tables[7] = table(&[1, 2], &[5, 6]);
        tables[8] = table(&[90], &[90]);
        tables[whom_stats::BUCKETS + 7] = table(&[1, 3], &[2, 2]);
        let cells = CellStatistics { cells: 2, tables };
        let sides = Sides::of(&cells, 0, &[7].into_iter().collect());
        let contrast = sides.compare(QUESTION, Grid::INTEGER);
        assert_eq!(sides.units(), [2, 2]);
        assert_eq!(contrast.rest.control, Arm { units: 2, mean: Some(2.0) });
        assert_eq!(contrast.estimate().unwrap().value, 4.0, "an effect of 4 against none, whatever other buckets hold");
    }
}
