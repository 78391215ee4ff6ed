//! An earlier run whose findings are measured again: its cohorts, exactly as it found them, become cohorts of another plan.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate};
use whom_report::{
    CohortRule, CohortVerdict, CohortView, EffectKey, EffectRow, Estimand, Results, RuleCondition, Verdict,
    condition_of, results_of,
};
use whom_spec::plan::{Cohort, Plan, Role, TagKind};
use whom_spec::{Diagnostic, LoadedPlan, Spanned, name_hint};
use whom_stats::{Estimate, NotEstimable, Reference};
use whom_store::{InputEntry, StoreError};

use crate::error::{Cause, RunError};
use crate::event::Stage;
use crate::files::REPORT_DOCUMENT;
use crate::published::published;
use crate::request::{FindingsOf, Request};

/// What the file of an earlier run is called among the inputs of a manifest.
pub(crate) const EARLIER_RUN: &str = "earlier run";

/// What a run found, as far as another one measures it again.
pub(crate) struct Earlier {
    results: Results,
    /// The cohorts of its declared partition.
    rules: Vec<CohortRule>,
    /// Those that it called different, by treatment and primary metric, in its order.
    findings: Vec<CohortVerdict>,
    /// The file that all of it comes from, an input of this run.
    pub(crate) file: InputEntry,
}

impl Earlier {
    /// Reads a published run.
    ///
    /// # Errors
    /// [`Cause::Configuration`] if there is no such run, if it was published by another version, or if it found nothing.
    pub(crate) async fn read(request: &Request, source: &FindingsOf) -> Result<Self, RunError> {
        let place = Request { pipeline: source.place.clone(), ..request.clone() };
        let (output, published) = published(&place, source.run).await?;
        let entry = published.file(REPORT_DOCUMENT).map_err(|error| failed(&error))?;
        let file = InputEntry {
            table: EARLIER_RUN.to_owned(),
            location: output.address().to_string(),
            path: entry.path.clone(),
            size: entry.bytes,
            etag: Some(entry.sha256.clone()),
        };
        let bytes = output.read(&published, REPORT_DOCUMENT).await.map_err(|error| failed(&error))?;
        let read = results_of(&String::from_utf8_lossy(&bytes)).map_err(|error| refused(error.to_string()))?;
        let number = published.manifest.number;
        Self::of(read, file).ok_or_else(|| {
            let place = source.place.display();
            refused(format!(
                "run {number} of `{place}` found no cohort that differs from the rest, so there is nothing to replicate"
            ))
        })
    }

    /// What is measured again of results; `None` if they call no cohort different.
    fn of(results: Results, file: InputEntry) -> Option<Self> {
        let frozen = results.registered.iter().filter(|cohort| cohort.is_frozen());
        let found = results.discovered().iter().chain(frozen);
        let rules: Vec<CohortRule> = found.filter_map(CohortView::found_rule).cloned().collect();
        let is_finding = |verdict: &CohortVerdict| {
            verdict.standing.is_claim() && rules.iter().any(|rule| rule.name == verdict.cohort)
        };
        let findings: Vec<CohortVerdict> = Verdict::of(&results).cohorts.into_iter().filter(is_finding).collect();
        (!findings.is_empty()).then_some(Self { results, rules, findings, file })
    }

    /// Adds the cohorts to a plan.
    ///
    /// # Errors
    /// [`Cause::Configuration`] if a rule asks for a tag that the plan does not declare, or declares of another kind, if the
    /// plan has another control, or if it asks for nothing that was found.
    pub(crate) fn enter(&self, loaded: &mut LoadedPlan) -> Result<(), RunError> {
        let wrong = self.unfit(&loaded.plan);
        if !wrong.is_empty() {
            return Err(RunError::diagnosed(Stage::Plan, Cause::Configuration, &wrong, &loaded.sources));
        }
        let span = loaded.plan.experiment.span;
        loaded.plan.cohorts.extend(self.rules.iter().map(|rule| Cohort {
            name: Spanned::new(rule.name.clone(), span),
            definition: Spanned::new(condition_of(rule), span),
        }));
        Ok(())
    }

    /// The plan as its file declares it, without the cohorts that were added.
    pub(crate) fn declared(&self, plan: &Plan) -> Plan {
        let mut declared = plan.clone();
        declared.cohorts.retain(|cohort| self.rule(&cohort.name).is_none());
        declared
    }

    /// The rule of a cohort that was added.
    pub(crate) fn rule(&self, cohort: &str) -> Option<&CohortRule> {
        self.rules.iter().find(|rule| rule.name == cohort)
    }

    /// The findings.
    pub(crate) fn findings(&self) -> &[CohortVerdict] {
        &self.findings
    }

    /// What the findings are of.
    pub(crate) fn results(&self) -> &Results {
        &self.results
    }

    /// The row behind a finding, and its estimate on the units that did not find the cohort.
    pub(crate) fn estimate(
        &self,
        finding: &CohortVerdict,
        estimand: Estimand,
    ) -> (Option<&EffectRow>, Result<Estimate, NotEstimable>) {
        let CohortVerdict { cohort, variant, metric, .. } = finding;
        let row = self.results.effect(EffectKey { metric, variant, cohort, estimand });
        let figures = row.and_then(|row| Some((row, row.estimate?, row.std_err?, row.individual_interval?)));
        let estimate = figures.map(|(row, value, std_err, interval)| {
            let reference = match row.reference {
                whom_report::Reference::T => Reference::T,
                whom_report::Reference::Normal => Reference::Normal,
            };
            Estimate::of_interval(value, std_err, interval, (row.level, reference))
        });
        (row, estimate.unwrap_or(Err(NotEstimable::NotCounted)))
    }

    /// Why the units of a run may be among those of the earlier one; `None` if they are fresh. The first exposure is given in
    /// microseconds since 1970-01-01 UTC.
    pub(crate) fn not_fresh(&self, plan: &Plan, first: Option<i64>) -> Option<String> {
        let Results { experiment, start, through, .. } = &self.results;
        why_not_fresh(plan, Exposed { experiment, start: start.as_deref(), through }, first)
    }

    fn unfit(&self, plan: &Plan) -> Vec<Diagnostic> {
        let mut seen = BTreeSet::new();
        let conditions = self.rules.iter().flat_map(|rule| rule.conditions.iter().map(move |part| (rule, part)));
        let mut wrong: Vec<Diagnostic> = conditions
            .filter(|(_, condition)| seen.insert(condition.tag()))
            .filter_map(|(rule, condition)| unfit_tag(plan, rule, condition))
            .collect();
        wrong.extend(self.unfit_control(plan));
        if !self.findings.iter().any(|finding| asks(plan, finding)) {
            let asked = |finding: &CohortVerdict| format!("`{}` on `{}`", finding.variant, finding.metric);
            let mut found: Vec<String> = self.findings.iter().map(asked).collect();
            found.dedup();
            let message =
                format!("the earlier run found cohorts for {}, and nothing of it is asked here", found.join(", "));
            wrong.push(
                Diagnostic::error(message)
                    .at(plan.experiment.span)
                    .hint("declare that variant, and that metric as `primary`"),
            );
        }
        wrong
    }

    fn unfit_control(&self, plan: &Plan) -> Option<Diagnostic> {
        let (control, earlier) = (plan.split.control()?, self.results.variants.first()?);
        (*control.name != earlier.name).then(|| {
            let message = format!(
                "the control is `{}`, and the effects of the earlier run are against `{}`",
                control.name, earlier.name
            );
            Diagnostic::error(message)
                .at(control.name.span)
                .hint("effects against different controls cannot be compared")
        })
    }
}

/// Whom an earlier run may have seen.
#[derive(Clone, Copy)]
struct Exposed<'a> {
    experiment: &'a str,
    /// The first day of exposure.
    start: Option<&'a str>,
    /// The last day that was read.
    through: &'a str,
}

fn why_not_fresh(plan: &Plan, earlier: Exposed<'_>, first: Option<i64>) -> Option<String> {
    let through = earlier.through;
    if *plan.experiment != earlier.experiment {
        return None;
    }
    let first = DateTime::from_timestamp_micros(first?)?;
    let day = first.date_naive().min(first.with_timezone(&plan.time_zone).date_naive());
    if through.parse::<NaiveDate>().map_or(true, |through| day <= through) {
        return Some(format!(
            "it is the same experiment, and the first exposure, of {day}, is not after {through}, the last day that the \
             earlier run read"
        ));
    }
    (!leaves_out(plan, earlier.start)).then(|| {
        let since = earlier.start.map(|start| format!(" back to {start}, its first day,")).unwrap_or_default();
        format!(
            "it is the same experiment in a later period, and units of the earlier one may be exposed again; \
             a `split.lookback`{since} leaves them out"
        )
    })
}

/// Whether who was exposed since a day is left out.
fn leaves_out(plan: &Plan, start: Option<&str>) -> bool {
    let start = start.and_then(|start| start.parse::<NaiveDate>().ok());
    let (Some(start), Some(lookback)) = (start, plan.split.lookback) else { return false };
    (*plan.split.start - start).num_hours() <= i64::from(lookback.0)
}

/// Whether a plan asks for what was found: the treatment on the metric, as a primary one.
pub(crate) fn asks(plan: &Plan, finding: &CohortVerdict) -> bool {
    let is_treatment = plan.split.variants.iter().skip(1).any(|variant| *variant.name == finding.variant);
    is_treatment && plan.metric(&finding.metric).is_some_and(|metric| metric.role == Role::Primary)
}

fn unfit_tag(plan: &Plan, rule: &CohortRule, condition: &RuleCondition) -> Option<Diagnostic> {
    let (name, cohort) = (condition.tag(), &rule.name);
    let Some((_, tag)) = plan.tag(name) else {
        let declared: Vec<&str> = plan.tag_columns().map(|tag| tag.name.as_str()).collect();
        let hint = name_hint(name, declared);
        let message =
            format!("cohort `{cohort}` of the earlier run asks for the tag `{name}`, which is not declared here");
        let hint =
            hint.unwrap_or_else(|| "declare it under `tags`, as the pipeline of the earlier run does".to_owned());
        return Some(Diagnostic::error(message).at(plan.experiment.span).hint(hint));
    };
    let (is, was) = match (tag.kind, condition) {
        (TagKind::Numeric, RuleCondition::Categorical { .. }) => ("numeric", "categorical"),
        (TagKind::Categorical { .. }, RuleCondition::Numeric { .. }) => ("categorical", "numeric"),
        _ => return None,
    };
    let message =
        format!("tag `{name}` is {is} here, and {was} in the earlier run, whose cohort `{cohort}` asks for it");
    Some(Diagnostic::error(message).at(tag.name.span).hint(format!("declare it `{was}`")))
}

fn refused(message: String) -> RunError {
    RunError::new(Stage::Sources, Cause::Configuration, message)
}

fn failed(error: &StoreError) -> RunError {
    RunError::store(Stage::Sources, error)
}

#[cfg(test)]
mod tests;
