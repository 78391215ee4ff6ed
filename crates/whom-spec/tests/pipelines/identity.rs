use super::{PLAIN, loaded, plain_with};

fn identity(text: &str) -> String {
    loaded(text).map_err(|error| error.to_string()).unwrap().plan.analysis_identity().unwrap()
}

#[test]
fn where_the_data_lie_and_how_far_they_go_is_no_part_of_the_analysis() {
    let analysis = identity(PLAIN);
    assert_eq!(analysis.len(), 64);
    for (old, new) in [
        ("through: 2026-11-20", "through: 2026-11-21"),
        ("path: split/", "path: s3://bucket/split/"),
        ("path: orders/", "path: \"orders/*.parquet\""),
        ("path: out/", "path: elsewhere/"),
        ("path: out/", "path: out/\n  smallest_cell: 0"),
        (
            "  partition: dt\n  variant",
            "  partition: { column: day, time_zone: Europe/Berlin }\n  gaps: allowed\n  variant",
        ),
        ("version: 1", "# a comment\nversion: 1"),
        ("output:", "slices: []\noutput:"),
    ] {
        assert_eq!(identity(&plain_with(old, new)), analysis, "{new}");
    }
}

#[test]
fn everything_that_changes_a_number_changes_the_analysis() {
    let mut seen = vec![identity(PLAIN)];
    for (old, new) in [
        ("experiment: checkout", "experiment: checkout_2"),
        ("unit: user_id", "unit: account_id"),
        ("version: 1", "version: 1\ntime_zone: Europe/Berlin"),
        ("start: 2026-10-01", "start: 2026-10-02"),
        ("variant: variant", "variant: arm_name"),
        ("window: 14d", "window: 7d"),
        ("matters: 1%", "matters: 2%"),
        ("value: amount", "value: amount * 2"),
        ("at_most: 7d", "at_most: 8d"),
        ("tenure: numeric", "tenure: categorical"),
        ("output:", "cohorts: { new: tenure < 30 }\noutput:"),
        ("output:", "discover: { tree: { depth: 2 } }\noutput:"),
        ("output:", "validate: { level: 0.9 }\noutput:"),
        ("output:", "slices: [device]\noutput:"),
        ("output:", "models: { m: { metric: revenue } }\noutput:"),
        ("output:", "models: { m: { metric: revenue, tags: [device] } }\noutput:"),
        ("path: out/", "path: out/\n  smallest_cell: 20"),
    ] {
        let identity = identity(&plain_with(old, new));
        assert!(!seen.contains(&identity), "{new}");
        seen.push(identity);
    }
}

#[test]
fn the_order_of_names_is_no_part_of_the_analysis() {
    let swapped = plain_with(
        "      tenure: numeric\n      device: categorical\n",
        "      device: categorical\n      tenure: numeric\n",
    );
    assert_eq!(identity(&swapped), identity(PLAIN));
}

#[test]
fn a_default_that_is_written_out_is_the_same_plan() {
    let explicit = plain_with(
        "    window: 14d\n",
        "    window: 336h\n    delay: 0h\n    missing: zero\n    incomplete_window: exclude\n",
    );
    let json = |text: &str| loaded(text).unwrap().plan.resolved_json().unwrap();
    assert_eq!(json(&explicit), json(PLAIN));
}

#[test]
fn the_resolved_plan_is_one_line_of_json() {
    insta::assert_snapshot!(loaded(PLAIN).unwrap().plan.resolved_json().unwrap(), @r#"
    {"experiment":"checkout","unit":"user_id","through":"2026-11-20","time_zone":"UTC","split":{"path":"split/","filter":null,"time":{"column":"exposed_at","time_zone":null},"partition":{"column":"dt","time_zone":"UTC"},"gaps":"refused","variant":"variant","variants":[{"name":"control","weight":0.5,"cost":null},{"name":"one_page","weight":0.5,"cost":null}],"start":"2026-10-01","end":"2026-10-28","several_variants":{"rule":"exclude","at_most":0.005},"lookback":null},"facts":[{"name":"orders","path":"orders/","time":{"column":"paid_at","time_zone":null},"partition":{"column":"dt","time_zone":"UTC"},"gaps":"refused","filter":null,"unique":null}],"metrics":[{"name":"revenue","role":"primary","from":"orders","value":"amount","precision":null,"aggregate":"sum","filter":null,"delay":0,"window":336,"incomplete_window":"exclude","missing":"zero","non_finite":"refuse","desired":"increase","matters":{"relative":0.01},"limit":null,"unit_of_measure":null}],"tags":[{"name":"profile","path":"tags/","snapshot":{"dated":{"partition":{"column":"dt","time_zone":"UTC"},"at_most_days":7}},"gaps":"refused","columns":[{"name":"tenure","kind":"numeric","protected":false},{"name":"device","kind":{"categorical":{"levels":50}},"protected":false}]}],"cohorts":[],"discover":{"tags":["tenure","device"],"treatments":["one_page"],"metrics":["revenue"],"codes":"bits8","partition":"joint","tree":{"criterion":"causal_mse","depth":3,"units_per_arm":500,"events_per_arm":50,"penalty":0.5,"smallest_gain":0.0,"pruning_folds":5},"search_replicates":200,"resplits":25},"validate":{"level":0.95,"correction":"max_t","bootstrap":1000,"reference":"t","sample_ratio_p":0.001,"bucket_p":0.001,"balance_p":0.001,"missing_p":0.001},"output":{"path":"out/"}}
    "#);
}
