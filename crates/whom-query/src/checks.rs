//! What the data must be like before any effect is computed.
//!
//! Units were counted while they were encoded ([`Tally`](crate::Tally)), by arm and by whatever a check asks besides. What
//! follows from the counts is decided here, a file for each kind of check; every one gives a [`Check`], a verdict in words, so
//! that a refusal can be read and a pass can be shown. A blocking check that fails ends the run; each holds its p-value
//! against .001 unless the plan declares another level, and a level of 0 never blocks.

mod arms;
mod assignment;
mod clusters;
mod metrics;
mod tags;
mod variants;
mod within;

use whom_spec::plan::{MissingMetric, Plan};
use whom_stats::{Check, Folds};

use crate::analysed::AnalysedUnits;
use crate::compile::{Compiled, MeasureColumn};
use crate::status::Status;
use crate::strata::Strata;
use crate::tally::StratumTally;
use arms::Arms;
use assignment::{Assignment, Counts};
use tags::TagsByArm;
use variants::SeveralVariants;
use within::Within;

/// What to think of tags that differ between arms whose weights changed.
const RAMPED_TAGS: &str = "arms whose weights changed differ in every tag that changed over time; effects are compared \
     within the periods, but look at this tag within one";

/// What to think of tags that differ between arms whose shares differ between strata.
const STRATIFIED_TAGS: &str = "arms with other shares in some strata differ in every tag that differs between strata; effects \
     are compared within strata, but look at this tag within one";

/// What to do where the treatment moves who passes the exposure filter.
const BROUGHT_ABOUT: &str = "the treatment seems to move who reaches the event of `split.exposure_filter`, and units that reach it are no \
     longer comparable; filter by an event that comes before the treatment can act, or leave the filter out";

/// What checks look at.
pub struct Subject<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What the columns of the unit table are.
    pub compiled: &'a Compiled,
    /// The analysed units.
    pub units: &'a AnalysedUnits,
    /// The folds of the experiment.
    pub folds: &'a Folds,
}

impl Subject<'_> {
    /// Makes every check, in the order in which a reader asks.
    pub fn judge(&self) -> Vec<Check> {
        let arms = arms(self.plan, self.units);
        let mut checks = self.variant_checks(&arms);
        checks.extend(self.metric_checks(&arms));
        checks.extend(self.assignment_checks(&arms));
        let strata = self.units.strata();
        checks.extend(strata.and_then(|(strata, _)| Within::named_strata(&self.plan.split, strata)));
        let tags = TagsByArm { arms: &arms, bins: &self.units.bins, counted: &self.units.tally.tags };
        let fix = if self.plan.split.strata.is_some() { STRATIFIED_TAGS } else { RAMPED_TAGS };
        if self.units.clusters.is_none() && !self.plan.split.has_unequal_strata() {
            checks.extend(tags.assigned_as_a_whole(&self.plan.validate));
        }
        let of_tags = tags.checks(&self.plan.validate).into_iter();
        checks.extend(of_tags.map(|check| match &self.units.clusters {
            Some(_) => check.as_advice().with_fix(clusters::COUNTS_UNITS),
            None if self.plan.split.has_unequal_strata() => check.as_advice().with_fix(fix),
            None => check,
        }));
        checks
    }

    fn variant_checks(&self, arms: &Arms<'_>) -> Vec<Check> {
        let tally = &self.units.tally;
        let several = SeveralVariants {
            by_first_variant: tally.several.clone(),
            exposed: tally.exposed.iter().sum(),
            declared: self.plan.split.several_variants,
        };
        let mut checks = vec![
            variants::known(arms, &self.units.table.flow.split),
            variants::occupied(arms, &tally.analysed),
            several.share(),
        ];
        checks.extend(several.symmetry(arms, self.plan.validate.sample_ratio_p));
        let declared = self.plan.split.several_variants;
        checks.extend(self.units.clusters.as_ref().map(|found| clusters::in_one_variant(found, declared)));
        checks
    }

    fn metric_checks(&self, arms: &Arms<'_>) -> Vec<Check> {
        let mut checks = Vec::new();
        for (place, column) in self.compiled.measures.iter().enumerate() {
            let Some(metric) = self.plan.metrics.get(column.metric) else { continue };
            let units = |counts: &[Status]| self.units.tally.with_status(place, |status| counts.contains(&status));
            let not_finite = units(&[Status::NotFinite, Status::NotFiniteAsZero]);
            checks.push(metrics::finite(arms, &column.name, metric.non_finite, &not_finite));
            let mut roundings = self.units.table.flow.facts.iter().flat_map(|fact| &fact.rounding);
            let rounding = roundings.find(|rounding| rounding.metric == column.name);
            checks.extend(rounding.map(|rounding| metrics::kept_by_its_grid(column, rounding)));
            if metric.missing == MissingMetric::Refuse && !column.part.is_before() {
                checks.push(metrics::present(arms, &column.name, &units(&[Status::Missing])));
            }
        }
        checks
    }

    /// Where units were assigned by cluster: those that pass the exposure filter and those that have a value, by arm, as advice.
    fn measured_units(&self, assignment: &Assignment<'_>) -> Vec<Check> {
        let tally = &self.units.tally;
        let after = self.compiled.measures.iter().enumerate().filter(|(_, column)| !column.part.is_before());
        let measured = after.map(|(place, column)| (column, tally.with_status(place, Status::has_value)));
        let lacking = measured.filter(|(_, units)| *units != tally.analysed);
        let check = |(column, units): (&MeasureColumn, Vec<u64>)| {
            let name = format!("sample ratio of units with `{}`", column.name);
            assignment.sample_ratio(&name, &units).as_advice().with_fix(clusters::COUNTS_UNITS)
        };
        let passed = self.compiled.reached.iter().map(|_| {
            let name = "sample ratio of units that pass the exposure filter";
            assignment.sample_ratio(name, &tally.analysed).as_advice().with_fix(BROUGHT_ABOUT)
        });
        passed.chain(lacking.map(check)).collect()
    }

    fn assignment_checks(&self, arms: &Arms<'_>) -> Vec<Check> {
        let (assignment, tally) = (Assignment { arms, levels: &self.plan.validate }, &self.units.tally);
        if let Some(clusters) = &self.units.clusters {
            let mut checks = assignment.of_clusters(clusters, self.folds);
            checks.extend(self.measured_units(&assignment));
            return checks;
        }
        let by_stratum =
            |of: &dyn Fn(&StratumTally) -> Vec<u64>| -> Vec<Vec<u64>> { tally.strata.iter().map(of).collect() };
        let exposed = by_stratum(&|stratum| stratum.exposed.clone());
        let within = |name: &str, all: &[u64], units: &[Vec<u64>]| {
            assignment.within_strata(name, all, &Counts { units, exposed: &exposed })
        };
        let mut checks = vec![within("sample ratio as exposed", &tally.exposed, &exposed)];
        let analysed = by_stratum(&|stratum| stratum.analysed.clone());
        let split = &self.plan.split;
        let in_one = tally.in_one_variant(split);
        if in_one != tally.exposed {
            let of_strata = by_stratum(&|stratum| stratum.in_one_variant(split));
            checks.push(within("sample ratio without units in several variants", &in_one, &of_strata));
        }
        if self.compiled.reached.is_some() {
            let name = "sample ratio of units that pass the exposure filter";
            checks.push(within(name, &tally.analysed, &analysed).with_fix(BROUGHT_ABOUT));
        }
        let after = self.compiled.measures.iter().enumerate().filter(|(_, column)| !column.part.is_before());
        for (place, column) in after {
            let measured = tally.with_status(place, Status::has_value);
            if measured != tally.analysed {
                let of_strata = by_stratum(&|stratum| stratum.with_status(place, Status::has_value));
                let name = format!("sample ratio of units with `{}`", column.name);
                checks.push(within(&name, &measured, &of_strata));
            }
        }
        checks.extend(assignment.in_every_stratum(&analysed));
        let by_bucket = tally.by_bucket();
        checks.extend(assignment.by_fold(self.folds, &by_bucket));
        checks.push(assignment.by_bucket(&by_bucket));
        let days = match &arms.within {
            Some(within) => within.constant_days(tally.strata.iter().map(|stratum| &stratum.by_day)),
            None => vec![(String::new(), tally.by_day().clone())],
        };
        checks.push(assignment.by_day(&days));
        checks.push(assignment.by_trend(&days));
        checks
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

/// As [`cohort_check`] within strata, given the units of each cohort by stratum and arm: an arm expects what its shares of the
/// strata give it of the cohort's units in them.
pub fn stratified_cohort_check(
    plan: &Plan,
    units: &AnalysedUnits,
    cohorts: Vec<(String, Vec<Vec<u64>>)>,
) -> Option<Check> {
    let arms = arms(plan, units);
    (!cohorts.is_empty()).then(|| Assignment { arms: &arms, levels: &plan.validate }.within_stratified_cohorts(cohorts))
}

/// The arms of a plan, within strata if it has some.
fn arms<'a>(plan: &'a Plan, units: &AnalysedUnits) -> Arms<'a> {
    let by_stratum: Vec<Vec<u64>> = units.tally.strata.iter().map(|stratum| stratum.analysed.clone()).collect();
    let strata: Option<&Strata> = units.strata().map(|(strata, _)| strata);
    Arms::within(&plan.split, strata, &by_stratum)
}

#[cfg(test)]
mod tests;
