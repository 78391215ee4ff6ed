//! From the words of the plan to the words of the report.

use whom_query::flow::Step;
use whom_report as report;
use whom_spec::plan::{Direction, GivenFolds, Matters, Metric, Quantile, QuantileOf, Reference, Role};
use whom_stats::{DifferingScale, Fold, TagRole};

pub(crate) fn role(role: Role) -> report::Role {
    match role {
        Role::Primary => report::Role::Primary,
        Role::Guardrail => report::Role::Guardrail,
        Role::Secondary => report::Role::Secondary,
    }
}

pub(crate) fn reference(reference: Reference) -> report::Reference {
    match reference {
        Reference::T => report::Reference::T,
        Reference::Normal => report::Reference::Normal,
    }
}

pub(crate) fn fold(fold: Fold) -> report::Fold {
    match fold {
        Fold::Discover => report::Fold::Discover,
        Fold::Measure => report::Fold::Measure,
        Fold::Judge => report::Fold::Judge,
    }
}

pub(crate) fn given_folds(folds: &GivenFolds) -> report::GivenFolds {
    report::GivenFolds {
        column: folds.column.value.clone(),
        discover: folds.discover.value.clone(),
        measure: folds.measure.value.clone(),
    }
}

pub(crate) fn differing(scale: DifferingScale) -> report::DifferingScale {
    match scale {
        DifferingScale::Neither => report::DifferingScale::Neither,
        DifferingScale::FollowsBaseline => report::DifferingScale::FollowsBaseline,
        DifferingScale::RelativeOnly => report::DifferingScale::RelativeOnly,
        DifferingScale::Both => report::DifferingScale::Both,
    }
}

pub(crate) fn tag_role(role: TagRole) -> report::TagRole {
    match role {
        TagRole::Neither => report::TagRole::Neither,
        TagRole::Prognostic => report::TagRole::Prognostic,
        TagRole::EffectModifying => report::TagRole::EffectModifying,
        TagRole::Both => report::TagRole::Both,
    }
}

/// A metric as results show it, before a cap of it is found. A ratio is no proportion, whatever its two sums are of, and a quantile
/// none of what it is of.
pub(crate) fn metric_view(metric: &Metric, value_is_proportion: bool) -> report::MetricView {
    report::MetricView {
        name: metric.name.value.clone(),
        role: role(metric.role),
        unit_of_measure: metric.unit_of_measure.clone(),
        proportion: value_is_proportion && metric.denominator.is_none() && metric.quantile.is_none(),
        desired: match metric.desired {
            Direction::Increase | Direction::None => report::Direction::Increase,
            Direction::Decrease => report::Direction::Decrease,
        },
        matters: metric.matters.as_ref().map(|matters| threshold(**matters)),
        limit: metric.limit.as_ref().map(|limit| threshold(**limit)),
        cap: None,
        quantile: metric.quantile.map(quantile),
    }
}

fn quantile(quantile: Quantile) -> report::QuantileView {
    let of = match quantile.of {
        QuantileOf::Units => report::QuantileOf::Units,
        QuantileOf::Events => report::QuantileOf::Events,
    };
    report::QuantileView { percentile: quantile.percentile, of }
}

/// A size without its sign: the direction is the metric's.
fn threshold(size: Matters) -> report::Threshold {
    match size {
        Matters::Relative(share) => report::Threshold::Relative(share.abs()),
        Matters::Absolute(amount) => report::Threshold::Absolute(amount.abs()),
    }
}

pub(crate) fn step(step: Step) -> report::WaterfallStep {
    report::WaterfallStep {
        step: step.step,
        table: step.table,
        kept: Some(step.kept),
        dropped: Some(step.dropped),
        reason: step.reason,
    }
}

#[cfg(test)]
mod tests;
