use whom_spec::plan::{Model, ModelCorrection, ProfileValue, Reference, StandardErrors};

use super::validator::violation;
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
    predict:
      average: {}
      new_on_a_phone: { tenure: 0.5, device: phone }
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
    assert!(one.calibrate.is_empty() && one.predict.is_empty());
    let profiles: Vec<_> = model.predict.iter().map(|profile| (profile.name.as_str(), profile.at.len())).collect();
    assert_eq!(profiles, [("average", 0), ("new_on_a_phone", 2)]);
    let values = model.predict[1].at.iter().map(|at| (at.tag.as_str(), at.value.clone())).collect::<Vec<_>>();
    let phone = ProfileValue::Level("phone".to_owned());
    assert_eq!(values, [("tenure", ProfileValue::Number(0.5)), ("device", phone)]);
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
fn a_profile_is_told_by_tags_of_the_model() {
    insta::assert_snapshot!(refusal(
        "  one:
    metric: revenue
    tags: [tenure, device]
    units: { device: [phone, tablet] }
    predict:
      early: { tenur: 3, device: desktop }
      late: { tenure: long, device: [phone] }
      other:
  two: { metric: revenue, predict: { average: {} } }
  three: { metric: revenue, tags: [device], predict: [phone] }
"
    ));
}

#[test]
fn profiles_are_part_of_the_analysis_and_of_the_schema() {
    let without = with("  one: { metric: revenue, tags: [tenure] }\n");
    let profile = |number: &str| {
        with(&format!("  one: {{ metric: revenue, tags: [tenure], predict: {{ new: {{ tenure: {number} }} }} }}\n"))
    };
    let identity = |text: &str| loaded(text).unwrap().plan.analysis_identity().unwrap();
    let identities = [without, profile("1"), profile("2")].map(|text| identity(&text));
    assert!(identities[0] != identities[1] && identities[1] != identities[2]);
    let read = |text: &str| violation(&whom_spec::json_schema(), &serde_saphyr::from_str(text).unwrap());
    assert_eq!(read(&profile("1.5")), None);
    assert_eq!(read(&profile("\"${var.tenure}\"")), None);
    assert!(read(&profile("[1]")).is_some());
}

#[test]
fn there_may_be_64_profiles() {
    let profiles = |count: usize| (0..count).map(|number| format!("p{number}: {{}}")).collect::<Vec<_>>().join(", ");
    let model = |count| format!("  one: {{ metric: revenue, tags: [tenure], predict: {{ {} }} }}\n", profiles(count));
    assert_eq!(models(&model(64))[0].predict.len(), 64);
    assert!(refusal(&model(65)).contains("`models.one.predict` has 65 profiles, and may have 64"));
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
