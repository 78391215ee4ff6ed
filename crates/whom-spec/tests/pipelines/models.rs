use whom_spec::plan::{Model, ModelCorrection, Reference, StandardErrors};

use super::{loaded, plain_with, refusal_with};

/// The plain pipeline with models.
fn with(models: &str) -> String {
    plain_with("output:\n", &format!("models:\n{models}output:\n"))
}

fn models(text: &str) -> Vec<Model> {
    loaded(&with(text)).unwrap().plan.models
}

fn refusal(models: &str) -> String {
    super::refusal(&with(models))
}

#[test]
fn a_model_of_a_metric_alone_compares_the_variants() {
    let found = models("  average: { metric: revenue }\n");
    let [model] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((model.name.as_str(), model.metric.as_str()), ("average", "revenue"));
    assert!(model.tags.is_empty() && model.base.is_empty() && model.units.is_empty() && model.cluster.is_none());
    assert_eq!((model.errors, model.reference), (StandardErrors::Hc2, Reference::T));
    assert_eq!((model.correction, model.standardise), (ModelCorrection::BenjaminiYekutieli, false));
}

#[test]
fn everything_that_is_written_is_read() {
    let found = models(
        "  cate:
    metric: revenue
    tags: [tenure, device]
    base: { device: phone }
    standardise: true
    units: { device: [phone, tablet] }
    calibrate: { device: desktop }
    cluster: device
    errors: CR1
    reference: normal
    correction: holm
  one: { metric: revenue, units: { device: phone }, cluster: device }
",
    );
    let [model, one] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(model.tags.iter().map(|tag| tag.as_str()).collect::<Vec<_>>(), ["tenure", "device"]);
    assert_eq!((model.base[0].tag.as_str(), model.base[0].level.as_str()), ("device", "phone"));
    let levels = |model: &Model| model.units[0].levels.iter().map(|level| level.value.clone()).collect::<Vec<_>>();
    assert_eq!((levels(model).join(" "), levels(one).join(" ")), ("phone tablet".to_owned(), "phone".to_owned()));
    assert_eq!(model.calibrate[0].levels[0].as_str(), "desktop");
    assert!(one.calibrate.is_empty());
    assert!(model.standardise && model.cluster.as_ref().is_some_and(|cluster| **cluster == "device"));
    assert_eq!((model.errors, model.reference), (StandardErrors::Cr1, Reference::Normal));
    assert_eq!((model.correction, one.errors), (ModelCorrection::Holm, StandardErrors::Cr2));
}

#[test]
fn statistics_refer_to_what_validate_says_unless_the_model_does() {
    let text = with("  average: { metric: revenue }\n  own: { metric: revenue, reference: t }\n");
    let plan = loaded(&text.replace("output:\n", "validate: { reference: normal }\noutput:\n")).unwrap().plan;
    let references: Vec<Reference> = plan.models.iter().map(|model| model.reference).collect();
    assert_eq!(references, [Reference::Normal, Reference::T]);
}

#[test]
fn what_a_model_names_has_to_be_there() {
    insta::assert_snapshot!(refusal(
        "  one:
    metric: revenu
    tags: [tenur, device, device]
    base: { phone: device, tenure: 3 }
    units: { devise: phone, tenure: 3, device: [] }
    calibrate: { phone: device }
    cluster: tenure
  two: { metric: revenue, calibrate: { device: phone } }
"
    ));
}

#[test]
fn errors_go_with_clusters_or_without() {
    insta::assert_snapshot!(refusal(
        "  one: { metric: revenue, errors: CR2 }
  other: { metric: revenue, errors: HC1, cluster: device }
  third: { metric: revenue, errors: hc2, reference: z, correction: max_t, standardise: 1 }
"
    ));
}

#[test]
fn a_ratio_and_changing_weights_have_no_model() {
    let ratio = "  ctr:
    role: secondary
    window: 14d
    numerator: { from: orders, aggregate: sum, value: clicked }
    denominator: { from: orders, aggregate: count }
models: { clicks: { metric: ctr } }
tags:
";
    let ramp = "  allocation:
    - { start: 2026-10-14, weights: { control: 0.1, one_page: 0.9 } }
models: { average: { metric: revenue } }
facts:
";
    insta::assert_snapshot!([refusal_with("tags:\n", ratio), refusal_with("facts:\n", ramp)].join("\n\n"));
}
