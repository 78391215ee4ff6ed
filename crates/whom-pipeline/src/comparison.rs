//! Two arms on one metric, among some units.

use whom_stats::{
    Adjusted, ArmSums, BucketSet, CONTROL, CellSums, Coefficients, Comparison as Values, CrossProducts, Estimate, Lift,
    NotEstimable, Source, Unreliable,
};

use crate::clustered::{Beside, Together};
use crate::estimation::{Estimated, Estimation};

/// A treatment against control on a metric: the effect, or why there is none, and the arms as they are in either case.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) effect: Result<Effect, NotEstimable>,
    pub(crate) control: Arm,
    pub(crate) treatment: Arm,
    /// How it was estimated, as rows name it.
    pub(crate) method: &'static str,
    /// What covariates did, if the metric has some.
    pub(crate) adjusted: Option<Adjusted>,
    /// The clusters that hold the units of control and those of the treatment, where errors are by cluster.
    pub(crate) clusters: Option<[u64; 2]>,
    /// What is told beside such errors.
    pub(crate) beside: Option<Beside>,
}

/// Treatment less control, and the values of the arms that it is made of.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Effect {
    pub(crate) difference: Estimate,
    pub(crate) values: Values,
}

/// The units of an arm that have a value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Arm {
    pub(crate) units: u64,
    /// What is compared: a mean, a ratio, or either as it was adjusted. `None` without a unit.
    pub(crate) mean: Option<f64>,
}

impl Effect {
    pub(crate) fn of(values: Values) -> Result<Self, NotEstimable> {
        Ok(Self { difference: values.difference()?, values })
    }

    /// The relative effect.
    pub(crate) fn lift(&self) -> Result<Lift, NotEstimable> {
        self.values.lift()
    }

    /// Why the interval may not hold its level, if it may not.
    pub(crate) fn unreliable(&self) -> Option<Unreliable> {
        self.values.unreliable
    }

    /// The variances of the arms' values.
    pub(crate) fn variances(&self) -> [f64; 2] {
        let total = |part: fn(&Source) -> f64| self.values.sources.iter().map(part).sum();
        [total(|source| source.treatment), total(|source| source.control)]
    }
}

impl Comparison {
    /// Compares two arms among some units.
    pub(crate) fn of(sums: &ArmSums, estimation: &Estimation<'_>) -> Self {
        let estimated = estimation.of(sums);
        let values = estimated.as_ref().ok().map(|found| (found.comparison.treatment, found.comparison.control));
        let arm = |arm: usize, value: Option<f64>| {
            let moments = sums.table.get(arm, estimation.outcome.value);
            let counted = estimation.outcome.group.and_then(|group| sums.products.get(group)?.get(arm));
            let units = counted.map_or(moments.n, CrossProducts::n);
            let is_mean = estimation.outcome.denominator.is_none();
            Arm { units, mean: value.or_else(|| moments.mean(estimation.grid).filter(|_| is_mean)) }
        };
        let (effect, adjusted) = match estimated {
            Ok(Estimated { comparison, adjusted }) => (Effect::of(comparison), adjusted),
            Err(reason) => (Err(reason), None),
        };
        Self {
            effect,
            control: arm(CONTROL, values.map(|values| values.1)),
            treatment: arm(estimation.question.treatment, values.map(|values| values.0)),
            method: estimation.method(),
            adjusted,
            clusters: None,
            beside: None,
        }
    }

    /// The effect without its adjustment, of a metric that has one.
    pub(crate) fn unadjusted(&self) -> Option<Self> {
        let adjusted = self.adjusted.as_ref()?;
        let values = &adjusted.unadjusted;
        let mean = |arm: Arm, value| Arm { mean: Some(value), ..arm };
        Some(Self {
            effect: Effect::of(values.clone()),
            control: mean(self.control, values.control),
            treatment: mean(self.treatment, values.treatment),
            method: match self.method {
                "stratified_cuped" => "stratified_welch",
                "stratified_ratio_cuped" => "stratified_ratio_delta",
                "ratio_cuped" => "ratio_delta",
                "clustered_cuped" => "clustered",
                "clustered_ratio_cuped" => "clustered_ratio",
                _ => "welch",
            },
            adjusted: None,
            clusters: self.clusters,
            beside: None,
        })
    }

    /// The coefficients of an adjustment that was made.
    pub(crate) fn coefficients(&self) -> Option<Coefficients> {
        let adjusted = self.adjusted.as_ref()?;
        (!adjusted.coefficients.control.is_empty()).then(|| adjusted.coefficients.clone())
    }
}

/// The units of a cohort, the rest, and both, in the buckets of a fold.
pub(crate) struct Sides {
    /// By stratum; one where all units are comparable.
    cohort: Vec<ArmSums>,
    rest: Vec<ArmSums>,
    whole: ArmSums,
    /// The cohort's units by arm.
    units: Vec<u64>,
}

impl Sides {
    /// The units of a cell, and those of all other cells.
    pub(crate) fn of(cells: &CellSums, cell: usize, buckets: &BucketSet) -> Self {
        let (cohort, rest) = (vec![cells.sum(cell, buckets)], vec![cells.rest(cell, buckets)]);
        Self::in_strata(cohort, rest, cells.pooled(buckets))
    }

    /// The units of a cohort, of the rest, and of both, the sides by stratum.
    pub(crate) fn in_strata(cohort: Vec<ArmSums>, rest: Vec<ArmSums>, whole: ArmSums) -> Self {
        let mut units = vec![0; whole.table.units.len()];
        for stratum in &cohort {
            units.iter_mut().zip(&stratum.table.units).for_each(|(sum, units)| *sum += units);
        }
        Self { cohort, rest, whole, units }
    }

    /// One question on both sides, with the coefficients of the whole for sides that are too small for their own.
    pub(crate) fn compare(&self, estimation: Estimation<'_>) -> Contrast {
        let estimation = self.estimation(estimation);
        let of = |side: &[ArmSums]| Comparison::of_strata(side, &estimation);
        Contrast { cohort: of(&self.cohort), rest: of(&self.rest), together: None }
    }

    /// An estimation that knows the coefficients of the whole.
    pub(crate) fn estimation<'e>(&self, estimation: Estimation<'e>) -> Estimation<'e> {
        if !estimation.outcome.is_adjusted() {
            return estimation;
        }
        let parent = Comparison::of(&self.whole, &estimation).coefficients();
        Estimation { parent, ..estimation }
    }

    /// The cohort's units by stratum and arm.
    pub(crate) fn units_in_strata(&self) -> Vec<Vec<u64>> {
        self.cohort.iter().map(|stratum| stratum.table.units.clone()).collect()
    }

    /// The cohort's units by arm.
    pub(crate) fn units(&self) -> &[u64] {
        &self.units
    }
}

/// A cohort against the rest of the units on one question.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contrast {
    pub(crate) cohort: Comparison,
    pub(crate) rest: Comparison,
    /// The difference of their effects, where they are not independent.
    pub(crate) together: Option<Result<Together, NotEstimable>>,
}

impl Contrast {
    /// The cohort's effect less that of the rest.
    pub(crate) fn estimate(&self) -> Result<Estimate, NotEstimable> {
        if let Some(together) = self.together {
            return together.map(|together| together.estimate);
        }
        let side = |comparison: &Comparison| match &comparison.effect {
            Ok(effect) => Ok(effect.difference),
            Err(reason) => Err(*reason),
        };
        Ok(side(&self.cohort)?.minus(&side(&self.rest)?))
    }
}

#[cfg(test)]
mod tests {
    use whom_stats::{ArmTable, CellProducts, CellStatistics, Grid};

    use super::*;
    use crate::fixture::MEAN;
    use crate::study::Question;

    fn estimation() -> Estimation<'static> {
        let question = Question { treatment: 1, metric: 0 };
        Estimation { question, outcome: &MEAN, grid: Grid::INTEGER, grids: Vec::new(), parent: None }
    }

    fn compare(control: &[i64], treatment: &[i64]) -> Comparison {
        Comparison::of(&ArmSums { table: table(control, treatment), products: Vec::new() }, &estimation())
    }

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
        let found = compare(&[0, 0, 0], &[0, 0]);
        assert_eq!(found.effect, Err(NotEstimable::NoVariance));
        assert_eq!(found.control, Arm { units: 3, mean: Some(0.0) });
        assert_eq!(found.treatment, Arm { units: 2, mean: Some(0.0) });
        let empty = compare(&[4], &[]);
        assert_eq!((empty.control.mean, empty.treatment), (Some(4.0), Arm { units: 0, mean: None }));
    }

    #[test]
    fn the_rest_is_everybody_but_the_cohort() {
        let mut tables = vec![ArmTable::new(2, 1); 2 * whom_stats::BUCKETS];
        tables[7] = table(&[1, 2], &[5, 6]);
        tables[8] = table(&[90], &[90]);
        tables[whom_stats::BUCKETS + 7] = table(&[1, 3], &[2, 2]);
        let cells = CellSums { cells: CellStatistics { cells: 2, tables }, products: CellProducts::new(2, 2, &[]) };
        let sides = Sides::of(&cells, 0, &[7].into_iter().collect());
        let contrast = sides.compare(estimation());
        assert_eq!(sides.units(), [2, 2]);
        assert_eq!(contrast.rest.control, Arm { units: 2, mean: Some(2.0) });
        assert_eq!(contrast.estimate().unwrap().value, 4.0, "an effect of 4 against none, whatever other buckets hold");
    }
}
