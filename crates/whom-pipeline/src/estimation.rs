//! How a question is estimated: from one sample of its columns per arm, whoever drew it.
//!
//! A mean, a ratio and either of them adjusted by what was known before the exposure are one function of the samples of the
//! arms. So an average, a cohort, the rest of the units and each replicate of a bootstrap are estimated alike.

use whom_query::Outcome;
use whom_stats::{
    Adjusted, ArmSums, CONTROL, Coefficients, Comparison, Estimate, Estimator, Grid, Moments, NotEstimable,
    ProductGroup, RatioColumn, RegressionAdjustment, Sample, centres,
};

use crate::study::Question;

/// The columns of a question and what becomes of them.
#[derive(Clone)]
pub(crate) struct Estimation<'a> {
    pub(crate) question: Question,
    pub(crate) outcome: &'a Outcome,
    /// The grid of the metric's value.
    pub(crate) grid: Grid,
    /// The grids of the columns of its group; empty for a mean that has none.
    pub(crate) grids: Vec<Grid>,
    /// The coefficients of the units that these are a part of, for cohorts that are too small for their own.
    pub(crate) parent: Option<Coefficients>,
}

/// The values of the arms, and what an adjustment did to them.
pub(crate) struct Estimated {
    pub(crate) comparison: Comparison,
    pub(crate) adjusted: Option<Adjusted>,
}

impl Estimation<'_> {
    /// The grids of the columns of a group.
    pub(crate) fn grids_of(group: Option<&ProductGroup>, grids: &[Grid]) -> Vec<Grid> {
        group.map_or_else(Vec::new, |group| group.grids(grids))
    }

    /// How estimates are made, as rows name it.
    pub(crate) fn method(&self) -> &'static str {
        match (self.outcome.denominator, self.outcome.is_adjusted()) {
            (None, false) => "welch",
            (Some(_), false) => "ratio_delta",
            (None, true) => "cuped",
            (Some(_), true) => "ratio_cuped",
        }
    }

    /// The moments of the metric in the arms that are compared: of the treatment, and of control.
    pub(crate) fn arms<'s>(&self, sums: &'s ArmSums) -> [&'s Moments; 2] {
        [self.question.treatment, CONTROL].map(|arm| sums.table.get(arm, self.outcome.value))
    }

    /// The values of both arms among some units.
    ///
    /// # Errors
    /// An arm with fewer than two units; a denominator that adds up to zero.
    pub(crate) fn of(&self, sums: &ArmSums) -> Result<Estimated, NotEstimable> {
        let [treatment, control] = self.arms(sums);
        let Some(group) = self.outcome.group else {
            let comparison = Comparison::of_moments(treatment, control, self.grid)?;
            return Ok(Estimated { comparison, adjusted: None });
        };
        let products = sums.products.get(group).ok_or(NotEstimable::NotCounted)?;
        let centres = centres(products);
        let samples: Vec<Result<Sample, NotEstimable>> =
            products.iter().map(|products| Sample::exact(products, &centres, &self.grids)).collect();
        for arm in [self.question.treatment, CONTROL] {
            samples.get(arm).ok_or(NotEstimable::NotCounted)?.as_ref().map_err(|reason| *reason)?;
        }
        let samples: Vec<Option<Sample>> = samples.into_iter().map(Result::ok).collect();
        let Estimated { comparison, adjusted } = self.of_samples(&samples)?;
        Ok(Estimated { comparison: comparison.judged(treatment, control), adjusted })
    }

    /// The values of both arms, given a sample of the group's columns for every arm.
    pub(crate) fn of_samples(&self, arms: &[Option<Sample>]) -> Result<Estimated, NotEstimable> {
        let covariates = self.outcome.adjusted_by();
        let ratios;
        let (arms, covariates) = if self.outcome.denominator.is_none() {
            (arms, covariates)
        } else {
            ratios = self.ratios(arms, covariates.clone())?;
            (ratios.as_slice(), 1..1 + covariates.len())
        };
        let arm = |arm: usize| arms.get(arm).and_then(Option::as_ref).ok_or(NotEstimable::EmptyArm);
        if covariates.is_empty() {
            let comparison = Comparison::of_means(arm(self.question.treatment)?, arm(CONTROL)?, 0)?;
            return Ok(Estimated { comparison, adjusted: None });
        }
        let covariates: Vec<usize> = covariates.collect();
        let adjustment = RegressionAdjustment {
            outcome: 0,
            covariates: &covariates,
            treatment: self.question.treatment,
            parent: self.parent.as_ref(),
        };
        let adjusted = adjustment.compare(arms)?;
        Ok(Estimated { comparison: adjusted.comparison.clone(), adjusted: Some(adjusted) })
    }

    /// The samples with the ratio in place of numerator and denominator, and the covariates as they are.
    fn ratios(
        &self,
        arms: &[Option<Sample>],
        covariates: std::ops::Range<usize>,
    ) -> Result<Vec<Option<Sample>>, NotEstimable> {
        let plain = |numerator| RatioColumn { numerator, denominator: None, centre: 0.0 };
        let mut columns = vec![RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 }];
        columns.extend(covariates.map(plain));
        let compared = [self.question.treatment, CONTROL];
        let ratio =
            |(arm, sample): (usize, &Option<Sample>)| match sample.as_ref().map(|sample| sample.ratios(&columns)) {
                Some(Err(reason)) if compared.contains(&arm) => Err(reason),
                made => Ok(made.and_then(Result::ok)),
            };
        arms.iter().enumerate().map(ratio).collect()
    }
}

impl Estimator for Estimation<'_> {
    fn estimate(&self, arms: &[Option<Sample>]) -> Result<Estimate, NotEstimable> {
        self.of_samples(arms)?.comparison.difference()
    }
}
