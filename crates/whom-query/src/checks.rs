//! What the data must be like before any effect is computed.
//!
//! [`Subject::judge`] counts units, by arm and by whatever a check asks besides. What follows from the counts is decided
//! by functions that see nothing else, a file for each kind of check; every one gives a [`Check`], a verdict in words, so
//! that a refusal can be read and a pass can be shown. A blocking check that fails ends the run; each holds its p-value
//! against .001 unless the plan declares another level, and a level of 0 never blocks.

mod arms;
mod assignment;
mod counts;
mod metrics;
mod tags;
mod variants;

use whom_spec::plan::{MissingMetric, Plan};
use whom_stats::{Check, Folds};

use crate::analysed::{AnalysedUnits, select};
use crate::compile::Compiled;
use crate::error::QueryError;
use crate::status::Status;
use crate::unit_table::UnitTable;
use arms::Arms;
use assignment::Assignment;
use counts::Counts;
use tags::TagsByArm;
use variants::SeveralVariants;

/// What checks look at.
pub struct Subject<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The unit table.
    pub table: &'a UnitTable,
    /// What its columns are.
    pub compiled: &'a Compiled,
    /// The analysed units.
    pub units: &'a AnalysedUnits,
    /// The folds of the experiment.
    pub folds: &'a Folds,
}

impl Subject<'_> {
    /// Makes every check, in the order in which a reader asks.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the unit table contradicts the plan.
    pub fn judge(&self) -> Result<Vec<Check>, QueryError> {
        let arms = Arms::of(&self.plan.split);
        let counts = Counts::of(self)?;
        let mut checks = self.variant_checks(&arms, &counts)?;
        checks.extend(self.metric_checks(&arms, &counts)?);
        checks.extend(self.assignment_checks(&arms, &counts)?);
        let of_analysed = select(&counts.arms, &self.units.kept);
        let tags = TagsByArm { arms: &arms, bins: &self.units.bins, values: &self.units.tags, of_units: &of_analysed };
        checks.extend(tags.checks(&self.plan.validate));
        Ok(checks)
    }

    fn variant_checks(&self, arms: &Arms<'_>, counts: &Counts<'_>) -> Result<Vec<Check>, QueryError> {
        let changed = self.table.several_variants()?;
        let several = SeveralVariants {
            by_first_variant: counts.by_arm(|row| changed.value(row)),
            exposed: self.table.len() as u64,
            declared: self.plan.split.several_variants,
        };
        let mut checks = vec![
            variants::known(arms, &self.table.flow.split),
            variants::occupied(arms, &counts.analysed()),
            several.share(),
        ];
        checks.extend(several.symmetry(arms, self.plan.validate.sample_ratio_p));
        Ok(checks)
    }

    fn metric_checks(&self, arms: &Arms<'_>, counts: &Counts<'_>) -> Result<Vec<Check>, QueryError> {
        let mut checks = Vec::new();
        for column in &self.compiled.metrics {
            let Some(metric) = self.plan.metric(&column.name) else { continue };
            let not_finite = [Status::NotFinite, Status::NotFiniteAsZero];
            let not_finite = counts.with_status(column, |status| not_finite.contains(&status))?;
            checks.push(metrics::finite(arms, &column.name, metric.non_finite, &not_finite));
            let mut roundings = self.table.flow.facts.iter().flat_map(|fact| &fact.rounding);
            let rounding = roundings.find(|rounding| rounding.metric == column.name);
            checks.extend(rounding.map(|rounding| metrics::kept_by_its_grid(column, rounding)));
            if metric.missing == MissingMetric::Refuse {
                checks.push(metrics::present(
                    arms,
                    &column.name,
                    &counts.with_status(column, |status| status == Status::Missing)?,
                ));
            }
        }
        Ok(checks)
    }

    fn assignment_checks(&self, arms: &Arms<'_>, counts: &Counts<'_>) -> Result<Vec<Check>, QueryError> {
        let assignment = Assignment { arms, levels: &self.plan.validate };
        let (exposed, analysed) = (counts.by_arm(|_| true), counts.analysed());
        let mut checks = vec![assignment.sample_ratio("sample ratio as exposed", &exposed)];
        if analysed != exposed {
            checks.push(assignment.sample_ratio("sample ratio without units in several variants", &analysed));
        }
        for column in &self.compiled.metrics {
            let measured = counts.with_status(column, Status::has_value)?;
            if measured != analysed {
                checks
                    .push(assignment.sample_ratio(&format!("sample ratio of units with `{}`", column.name), &measured));
            }
        }
        let by_bucket = counts.analysed_by(&self.table.buckets()?);
        checks.extend(assignment.by_fold(self.folds, &by_bucket));
        checks.push(assignment.by_bucket(&by_bucket));
        checks.push(assignment.by_day(&counts.analysed_by(&self.table.exposure_days()?)));
        Ok(checks)
    }
}

/// The sample ratio within cohorts, given their names with their units by arm; `None` without a cohort.
///
/// It is corrected over the cohorts and never blocks: cohorts are known after the data were judged, and chance or a tag
/// that the assignment knows can move the shares of one without a fault in the others.
pub fn cohort_check(plan: &Plan, cohorts: Vec<(String, Vec<u64>)>) -> Option<Check> {
    let arms = Arms::of(&plan.split);
    (!cohorts.is_empty()).then(|| Assignment { arms: &arms, levels: &plan.validate }.within_cohorts(cohorts))
}

#[cfg(test)]
mod tests;
