use whom_spec::plan::RatioPart;

use super::*;
use crate::fixture::Experiment;

/// The view of a metric of the made-up experiment.
fn view(name: &str) -> report::MetricView {
    let experiment = Experiment::new();
    let study = experiment.study();
    metric_view(study.plan.metric(name).unwrap(), name != "spend")
}

#[test]
fn a_metric_keeps_what_the_file_says_of_it() {
    let buys = view("buys");
    assert_eq!((buys.name.as_str(), buys.role, buys.proportion), ("buys", report::Role::Primary, true));
    assert_eq!((buys.desired, buys.unit_of_measure), (report::Direction::Increase, None));
    let spend = view("spend");
    assert_eq!((spend.role, spend.proportion), (report::Role::Secondary, false));
    assert_eq!(spend.unit_of_measure.as_deref(), Some("USD"));
}

#[test]
fn a_ratio_of_two_proportions_is_none() {
    let experiment = Experiment::new();
    let mut metric = experiment.study().plan.metric("buys").unwrap().clone();
    metric.denominator = Some(RatioPart {
        from: metric.from.clone(),
        value: None,
        precision: None,
        aggregate: metric.aggregate,
        filter: None,
    });
    assert!(!metric_view(&metric, true).proportion);
}

#[test]
fn a_size_has_no_sign_because_the_direction_is_the_metrics() {
    assert_eq!(view("buys").matters, Some(report::Threshold::Absolute(0.01)));
    let returns = view("returns");
    assert_eq!(
        (returns.desired, returns.limit),
        (report::Direction::Decrease, Some(report::Threshold::Relative(0.02)))
    );
    assert_eq!(threshold(Matters::Relative(-0.01)), report::Threshold::Relative(0.01));
    assert_eq!(threshold(Matters::Absolute(-3.0)), report::Threshold::Absolute(3.0));
}

#[test]
fn every_word_has_its_counterpart() {
    let roles = [Role::Primary, Role::Guardrail, Role::Secondary].map(|word| role(word).as_str());
    assert_eq!(roles, ["primary", "guardrail", "secondary"]);
    assert_eq!(
        [Fold::Discover, Fold::Measure, Fold::Judge].map(|word| fold(word).as_str()),
        ["discover", "measure", "judge"]
    );
    assert_eq!([Reference::T, Reference::Normal].map(|word| reference(word).as_str()), ["t", "normal"]);
}

#[test]
fn a_step_of_the_waterfall_loses_nothing() {
    let found = step(Step {
        step: "each event once".into(),
        table: Some("orders".into()),
        kept: 7,
        dropped: 2,
        reason: "exact repeats".into(),
    });
    let report::WaterfallStep { step, table, kept, dropped, reason } = found;
    assert_eq!(
        (step.as_str(), table.as_deref(), kept, dropped, reason.as_str()),
        ("each event once", Some("orders"), Some(7), Some(2), "exact repeats")
    );
}
