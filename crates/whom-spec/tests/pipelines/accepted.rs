use std::path::Path;

use whom_spec::plan::{
    Aggregate, Codes, Correction, DeclaredPartition, Direction, Gaps, Hours, IncompleteWindow, Matters, MissingMetric,
    NonFinite, SeveralVariantsRule, Snapshot, TagKind, TreeControls, Validate,
};
use whom_spec::{FileReader, Settings, load};

use super::{PLAIN, load_with, loaded, plain_with};

#[test]
fn a_plain_pipeline_loads_without_a_warning() {
    let loaded = loaded(PLAIN).unwrap();
    assert_eq!(loaded.warnings, []);
    assert_eq!(*loaded.plan.experiment, "checkout");
    assert_eq!(loaded.plan.through.map(|day| day.to_string()).as_deref(), Some("2026-11-20"));
}

#[test]
fn what_a_pipeline_leaves_out_has_the_documented_defaults() {
    let plan = loaded(PLAIN).unwrap().plan;
    assert_eq!(plan.time_zone, chrono_tz::UTC);
    assert_eq!(plan.split.gaps, Gaps::Refused);
    assert_eq!(plan.split.several_variants.rule, SeveralVariantsRule::Exclude);
    assert_eq!(plan.split.several_variants.at_most, 0.005);
    assert_eq!(plan.split.lookback, None);
    assert_eq!(plan.validate, Validate::default());
    assert_eq!(plan.validate.correction, Correction::MaxT);
    assert_eq!(plan.discover.tree, TreeControls::default());
    assert_eq!(plan.discover.codes, Codes::Bits8);
    assert_eq!(plan.discover.partition, DeclaredPartition::Joint);
    assert_eq!(names(&plan.discover.tags), ["tenure", "device"]);
    assert_eq!(names(&plan.discover.treatments), ["one_page"]);
    assert_eq!(names(&plan.discover.metrics), ["revenue"]);
}

#[test]
fn what_a_metric_leaves_out_has_the_documented_defaults() {
    let plan = loaded(PLAIN).unwrap().plan;
    let metric = plan.metric("revenue").unwrap();
    assert_eq!(metric.delay, Hours(0));
    assert_eq!(metric.window, Hours(14 * 24));
    assert_eq!(metric.incomplete_window, IncompleteWindow::Exclude);
    assert_eq!(metric.missing, MissingMetric::Zero);
    assert_eq!(metric.non_finite, NonFinite::Refuse);
    assert_eq!(metric.matters.map(|matters| *matters), Some(Matters::Relative(0.01)));
}

#[test]
fn a_unit_without_events_has_no_metric_that_is_one_of_their_values() {
    use MissingMetric::{DropUnit, Zero};
    for (word, aggregate, missing) in [
        ("mean", Aggregate::Mean, DropUnit),
        ("min", Aggregate::Min, DropUnit),
        ("max", Aggregate::Max, DropUnit),
        ("last", Aggregate::Last, DropUnit),
        ("distinct", Aggregate::Distinct, Zero),
    ] {
        let plan = loaded(&plain_with("aggregate: sum", &format!("aggregate: {word}"))).unwrap().plan;
        let metric = plan.metric("revenue").unwrap();
        assert_eq!((metric.aggregate, metric.missing), (aggregate, missing), "{word}");
    }
}

#[test]
fn a_secondary_metric_need_not_say_which_way_is_good() {
    let text =
        plain_with("tags:\n", "  bought: { role: secondary, from: orders, aggregate: any, window: 36h }\ntags:\n");
    let plan = loaded(&text).unwrap().plan;
    assert_eq!(plan.metric("bought").unwrap().desired, Direction::None);
    assert_eq!(plan.metric("bought").unwrap().window, Hours(36));
}

#[test]
fn the_control_is_the_first_arm_and_treatments_follow_by_name() {
    let text = plain_with(
        "    control: { weight: 0.5 }\n    one_page: { weight: 0.5 }\n  control: control\n",
        "    b: { weight: 0.25, cost: 2 }\n    z: { weight: 0.5 }\n    a: { weight: 0.25 }\n  control: z\n",
    );
    let plan = loaded(&text).unwrap().plan;
    let arms: Vec<&str> = plan.split.variants.iter().map(|variant| variant.name.as_str()).collect();
    assert_eq!(arms, ["z", "a", "b"]);
    assert_eq!(plan.split.control().map(|control| control.name.as_str()), Some("z"));
    assert_eq!(plan.split.treatments().last().and_then(|b| b.cost), Some(2.0));
}

#[test]
fn a_table_without_dates_may_be_declared_static() {
    let plan = loaded(&plain_with("    date: dt\n    at_most: 7d\n", "    static: true\n")).unwrap().plan;
    assert_eq!(plan.tags[0].snapshot, Snapshot::Static);
}

#[test]
fn a_pipeline_without_partitions_needs_no_through() {
    let text =
        PLAIN.replace("through: 2026-11-20\n", "").replace("    partition: dt\n", "").replace("  partition: dt\n", "");
    let text = text.replace("    date: dt\n    at_most: 7d\n", "    static: true\n");
    assert_eq!(loaded(&text).unwrap().plan.through, None);
}

#[test]
fn what_is_probably_not_meant_is_a_warning() {
    let text = plain_with(
        "    matters: 1%\n",
        "  errors: { role: guardrail, from: orders, aggregate: any, window: 1d, desired: decrease }\n",
    );
    let text = text.replace("metrics:\n", "  views: { path: views/, time: t }\nmetrics:\n");
    let loaded = loaded(&text).unwrap();
    let warnings: Vec<String> = loaded.warnings.iter().map(|warning| loaded.sources.render(warning)).collect();
    insta::assert_snapshot!(warnings.join("\n\n"), @r#"
    warning: no metric reads the fact table `views`
      --> pipeline.yaml:21:3
       |
    21 |   views: { path: views/, time: t }
       |   ^^^^^

    warning: `revenue` does not say what `matters`, so there is no verdict between "no effect" and "underpowered"
      --> pipeline.yaml:23:3
       |
    23 |   revenue:
       |   ^^^^^^^
       |
       = help: add the smallest effect that anyone would act on, such as `matters: 1%`

    warning: the guardrail `errors` has no `limit`, so it is shown but never tested
      --> pipeline.yaml:30:3
       |
    30 |   errors: { role: guardrail, from: orders, aggregate: any, window: 1d, desired: decrease }
       |   ^^^^^^
       |
       = help: add the worst effect that you would tolerate, such as `limit: -1%`
    "#);
}

#[test]
fn the_sample_of_the_design_loads_without_what_is_not_yet_available() {
    let environment = |name: &str| Some(format!("s3://{}", name.to_lowercase()));
    let settings =
        Settings { variables: [("ds".to_owned(), "2026-11-20".to_owned())].into(), environment: &environment };
    let loaded = load_with(include_str!("design.yaml"), &settings).map_err(|error| error.to_string()).unwrap();
    let plan = loaded.plan;
    assert_eq!(plan.split.path.as_str(), "s3://warehouse/exp_split/");
    assert_eq!(plan.through.unwrap().to_string(), "2026-11-20");
    assert_eq!(plan.time_zone, chrono_tz::Europe::Berlin);
    assert_eq!(plan.metrics[0].precision.unwrap().to_string(), "10^-2");
    assert_eq!(plan.tag("device").unwrap().1.kind, TagKind::Categorical { levels: 50 });
    assert_eq!(plan.cohorts[0].definition.as_str(), "device = 'mobile' and tenure_days < 30");
}

#[test]
fn the_pipelines_of_the_repository_load_without_a_warning() {
    for name in ["hillstrom", "retention"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../pipelines/{name}.yaml"));
        let loaded = load(&path, &Settings::default(), &FileReader).map_err(|error| error.to_string()).unwrap();
        assert_eq!(loaded.warnings, [], "{name}");
    }
}

#[test]
fn a_comment_may_be_as_long_as_it_likes() {
    let comment = "# why\n".repeat(1_000);
    assert!(loaded(&plain_with("split:\n", &format!("split:\n{comment}"))).is_ok());
}

#[test]
fn merge_keys_and_aliases_work() {
    let text = plain_with(
        "tags:\n",
        "  orders: &base { role: secondary, from: orders, aggregate: count, window: &two 2d }\n  bought:\n    <<: *base\n    aggregate: any\n    delay: *two\ntags:\n",
    );
    let plan = loaded(&text).map_err(|error| error.to_string()).unwrap().plan;
    let bought = plan.metric("bought").unwrap();
    assert_eq!((bought.aggregate, bought.window, bought.delay), (Aggregate::Any, Hours(48), Hours(48)));
}

fn names(list: &[whom_spec::Spanned<String>]) -> Vec<&str> {
    list.iter().map(|name| name.as_str()).collect()
}
