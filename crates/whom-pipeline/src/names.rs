//! From the words of the plan to the words of the report.

use whom_query::checks::{Check, CheckPart, Verdict};
use whom_query::flow::Step;
use whom_report as report;
use whom_spec::plan::{Direction, Matters, Metric, Reference, Role};

pub(crate) fn role(role: Role) -> report::Role {
    match role {
        Role::Primary => report::Role::Primary,
        Role::Guardrail => report::Role::Guardrail,
        Role::Secondary => report::Role::Secondary,
    }
}

pub(crate) fn reference(reference: Reference) -> (whom_stats::Reference, report::Reference) {
    match reference {
        Reference::T => (whom_stats::Reference::T, report::Reference::T),
        Reference::Normal => (whom_stats::Reference::Normal, report::Reference::Normal),
    }
}

pub(crate) fn metric_view(metric: &Metric, proportion: bool) -> report::MetricView {
    report::MetricView {
        name: metric.name.value.clone(),
        role: role(metric.role),
        unit_of_measure: metric.unit_of_measure.clone(),
        proportion,
        desired: match metric.desired {
            Direction::Increase | Direction::None => report::Direction::Increase,
            Direction::Decrease => report::Direction::Decrease,
        },
        matters: metric.matters.as_ref().map(|matters| threshold(**matters)),
        limit: metric.limit.as_ref().map(|limit| threshold(**limit)),
    }
}

/// A size without its sign: the direction is the metric's.
fn threshold(size: Matters) -> report::Threshold {
    match size {
        Matters::Relative(share) => report::Threshold::Relative(share.abs()),
        Matters::Absolute(amount) => report::Threshold::Absolute(amount.abs()),
    }
}

pub(crate) fn check(check: Check) -> report::Check {
    report::Check {
        name: check.name,
        verdict: verdict(check.verdict),
        blocking: check.blocking,
        statistic: check.statistic,
        p_value: check.p_value,
        threshold: check.threshold,
        detail: check.detail,
        fix: check.fix,
        rows: check.parts.into_iter().map(check_row).collect(),
    }
}

fn check_row(part: CheckPart) -> report::CheckRow {
    report::CheckRow {
        subject: part.subject,
        verdict: verdict(part.verdict),
        statistic: part.statistic,
        p_value: part.p_value,
        detail: part.detail,
    }
}

fn verdict(verdict: Verdict) -> report::CheckVerdict {
    match verdict {
        Verdict::Passed => report::CheckVerdict::Passed,
        Verdict::Warning => report::CheckVerdict::Warning,
        Verdict::Failed => report::CheckVerdict::Failed,
        Verdict::NotApplicable => report::CheckVerdict::NotApplicable,
    }
}

pub(crate) fn step(step: Step) -> report::WaterfallStep {
    report::WaterfallStep {
        step: step.step,
        table: step.table,
        kept: step.kept,
        dropped: step.dropped,
        reason: step.reason,
    }
}
