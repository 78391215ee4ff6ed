use whom_spec::Plan;
use whom_spec::plan::{Aggregate, Cap, CapOf, Cuped, Hours, MeasurePart, MissingMetric, Quantile, QuantileOf};

use super::{loaded, plain_with, refusal, refusal_with};

fn loaded_with(old: &str, new: &str) -> Plan {
    loaded(&plain_with(old, new)).unwrap().plan
}

/// Inserts lines into the plain metric.
fn with(lines: &str) -> String {
    format!("{lines}    matters: 1%\n")
}

const RATIO: &str = "  ctr:
    role: secondary
    window: 14d
    numerator: { from: orders, aggregate: sum, value: clicked }
    denominator: { from: orders, aggregate: count, where: shown }
    cuped: 7d
tags:
";

#[test]
fn a_metric_is_made_of_its_value_alone_unless_the_file_says_more() {
    let plan = loaded_with("    matters: 1%\n", &with("    delay: 2h\n"));
    let measures = plan.measures();
    let windows: Vec<_> =
        measures.iter().map(|measure| (measure.name.as_str(), measure.part, measure.opens, measure.closes)).collect();
    assert_eq!(windows, [("revenue", MeasurePart::Value, 2, 338)]);
}

#[test]
fn a_ratio_with_a_pre_period_is_made_of_four_numbers() {
    let plan = loaded_with("tags:\n", RATIO);
    let measures = plan.measures();
    let made: Vec<_> =
        measures.iter().map(|measure| (measure.name.as_str(), measure.metric, measure.aggregate)).collect();
    assert_eq!(
        made,
        [
            ("revenue", 0, Aggregate::Sum),
            ("ctr", 1, Aggregate::Sum),
            ("denominator of ctr", 1, Aggregate::Count),
            ("ctr before exposure", 1, Aggregate::Sum),
            ("denominator of ctr before exposure", 1, Aggregate::Count),
        ]
    );
    let windows: Vec<(i64, i64)> = measures.iter().map(|measure| (measure.opens, measure.closes)).collect();
    assert_eq!(windows, [(0, 336), (0, 336), (0, 336), (-168, 0), (-168, 0)]);
    assert_eq!(measures[2].filter.map(|filter| filter.value.as_str()), Some("shown"));
    let missing: Vec<MissingMetric> = measures.iter().map(|measure| measure.missing).collect();
    assert_eq!(
        missing[2..4],
        [MissingMetric::Zero, MissingMetric::DropUnit],
        "no pre-period is not a pre-period of zero"
    );
}

#[test]
fn covariates_and_caps_are_read_in_their_short_and_long_forms() {
    let metric = |lines: &str| loaded_with("    matters: 1%\n", &with(lines)).metrics[0].clone();
    let cuped = |lines| metric(lines).cuped.unwrap();
    assert_eq!(cuped("    cuped: 14d\n"), Cuped { pre_period: Some(Hours(336)), tags: Vec::new() });
    let both = cuped("    cuped: { pre_period: 7d, tags: [tenure] }\n");
    assert_eq!((both.pre_period, both.tags[0].as_str()), (Some(Hours(168)), "tenure"));
    assert_eq!(metric("    cap: { value: 500 }\n").cap, Some(Cap::Value(500.0)));
    let percentile = Cap::Percentile { percentile: 0.999, of: CapOf::NonZero };
    assert_eq!(metric("    cap: { percentile: 0.999, of: non_zero }\n").cap, Some(percentile));
    assert_eq!(
        metric("    cap: { percentile: 0.999 }\n").cap,
        Some(Cap::Percentile { percentile: 0.999, of: CapOf::All })
    );
}

#[test]
fn what_a_metric_does_not_use_does_not_change_its_identity() {
    let identity = |lines: &str| loaded_with("    matters: 1%\n", &with(lines)).analysis_identity().unwrap();
    let plain = identity("");
    assert_eq!(identity("    missing: zero\n"), plain);
    for lines in [
        "    cuped: 14d\n",
        "    cuped: { tags: [tenure] }\n",
        "    cap: { value: 500 }\n",
        "    cap: { percentile: 0.9 }\n",
    ] {
        assert_ne!(identity(lines), plain, "{lines}");
    }
}

const QUANTILE: &str = "  slow:
    role: guardrail
    desired: decrease
    limit: 5%
    from: orders
    value: seconds
    aggregate: max
    window: 14d
    quantile: { percentile: 0.9, of: units }
tags:
";

#[test]
fn a_quantile_says_which_and_of_what() {
    let plan = loaded_with("tags:\n", QUANTILE);
    assert_eq!(plan.metrics[1].quantile, Some(Quantile { percentile: 0.9, of: QuantileOf::Units }));
    assert_eq!(plan.metrics[0].quantile, None);
    let identity = |text: &str| loaded_with("tags:\n", text).analysis_identity().unwrap();
    assert_ne!(identity(QUANTILE), identity(&QUANTILE.replace("0.9", "0.95")));
    assert_ne!(identity(QUANTILE), identity(&QUANTILE.replace("    quantile: { percentile: 0.9, of: units }\n", "")));
}

#[test]
fn what_is_done_to_means_is_not_done_to_quantiles() {
    let sums = "numerator: { from: orders, aggregate: count }\n    denominator: { from: orders, aggregate: count }";
    let refusals = [
        QUANTILE.replace("guardrail", "primary").replace("    limit: 5%\n", ""),
        QUANTILE.replace("    window", "    cap: { value: 3 }\n    cuped: 7d\n    window"),
        QUANTILE.replace("from: orders\n    value: seconds\n    aggregate: max", sums),
        QUANTILE.replace("    value: seconds\n    aggregate: max", "    aggregate: any"),
        QUANTILE.replace("of: units", "of: events").replace("    window", "    missing: zero\n    window"),
        EVENTS.replace("    value: seconds\n", "    non_finite: zero\n"),
        QUANTILE.replace("of: units", "of: users"),
        QUANTILE.replace(", of: units", ""),
        QUANTILE.replace("0.9", "90%"),
        QUANTILE.replace("0.9", "1"),
        QUANTILE.replace("{ percentile: 0.9, of: units }", "0.9"),
    ]
    .map(|metric| refusal_with("tags:\n", &metric));
    insta::assert_snapshot!(refusals.join("\n"));
}

const EVENTS: &str = "  slow:
    role: secondary
    from: orders
    value: seconds
    window: 14d
    quantile: { percentile: 0.9, of: events }
tags:
";

#[test]
fn a_quantile_of_events_needs_no_aggregate() {
    let metric = loaded_with("tags:\n", EVENTS).metrics[1].clone();
    assert_eq!(metric.quantile, Some(Quantile { percentile: 0.9, of: QuantileOf::Events }));
    assert_eq!((metric.aggregate, metric.missing), (Aggregate::Events, MissingMetric::Zero));
    let text = plain_with("tags:\n", EVENTS).replace("  path: out/\n", "  path: out/\n  smallest_cell: 20\n");
    insta::assert_snapshot!(refusal(&text));
}

#[test]
fn a_quantile_is_not_averaged_over_periods() {
    let text = plain_with("tags:\n", QUANTILE).replace(
        "  end: 2026-10-28\n",
        "  end: 2026-10-28\n  allocation:\n    - { start: 2026-10-15, weights: { control: 0.1, one_page: 0.9 } }\n",
    );
    insta::assert_snapshot!(refusal(&text));
}

#[test]
fn a_cap_is_one_threshold() {
    let refusals = [
        "    cap: { percentil: 0.999, of: nonzero }\n",
        "    cap: { percentile: 0.999, value: 3 }\n",
        "    cap: { value: 500, of: non_zero }\n",
        "    cap: { value: -1 }\n",
        "    cap: { percentile: 99.9 }\n",
    ]
    .map(|lines| refusal_with("    matters: 1%\n", &with(lines)));
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn covariates_are_numbers_or_few_levels_known_before_the_exposure() {
    let refusals = [
        "    cuped: 0d\n",
        "    cuped: { tags: [tenur, device, tenure, tenure] }\n",
        "    cuped: { tags: [] }\n",
        "    cuped: yes\n",
    ]
    .map(|lines| refusal_with("    matters: 1%\n", &with(lines)));
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn a_ratio_is_one_of_two_sums() {
    let refusals = [
        RATIO.replace("aggregate: count, where: shown", "aggregate: mean, value: price"),
        RATIO.replace("    denominator: { from: orders, aggregate: count, where: shown }\n", ""),
        RATIO.replace("    window: 14d\n", "    window: 14d\n    aggregate: sum\n    from: orders\n"),
        RATIO.replace("    cuped: 7d\n", "    cap: { value: 3 }\n"),
        RATIO.replace("from: orders, aggregate: sum", "from: order, aggregate: sum"),
    ]
    .map(|ratio| refusal_with("tags:\n", &ratio));
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn nothing_takes_the_name_of_what_a_metric_is_made_of() {
    let taken = RATIO.replace(
        "tags:\n",
        "  denominator of ctr: { role: secondary, from: orders, aggregate: count, window: 1d }\ntags:\n",
    );
    insta::assert_snapshot!(refusal_with("tags:\n", &taken));
}
