use super::{refusal, refusal_with};

#[test]
fn a_fact_table_that_is_not_there() {
    insta::assert_snapshot!(refusal_with("from: orders", "from: ordres"), @r"
    error: unknown fact table `ordres`
      --> pipeline.yaml:24:11
       |
    24 |     from: ordres
       |           ^^^^^^
       |
       = help: did you mean `orders`?
    ");
}

#[test]
fn a_control_that_is_no_variant() {
    insta::assert_snapshot!(refusal_with("  control: control\n", "  control: Control\n"), @r"
    error: the control `Control` is not among the variants
      --> pipeline.yaml:13:12
       |
    13 |   control: Control
       |            ^^^^^^^
       |
       = help: did you mean `control`? valid names are `control` and `one_page`
    ");
}

#[test]
fn an_unknown_tag() {
    insta::assert_snapshot!(refusal_with("output:\n", "discover: { tags: [tenure, devise] }\noutput:\n"), @r"
    error: unknown tag `devise`
      --> pipeline.yaml:38:28
       |
    38 | discover: { tags: [tenure, devise] }
       |                            ^^^^^^
       |
       = help: did you mean `device`? valid names are `tenure` and `device`
    ");
}

#[test]
fn an_unknown_slice() {
    insta::assert_snapshot!(refusal_with("output:\n", "slices: [devise]\noutput:\n"), @r"
    error: unknown tag `devise`
      --> pipeline.yaml:38:10
       |
    38 | slices: [devise]
       |          ^^^^^^
       |
       = help: did you mean `device`? valid names are `tenure` and `device`
    ");
}

#[test]
fn a_protected_tag_may_be_a_slice() {
    let text = super::plain_with("output:\n", "slices: [device]\noutput:\n");
    let text = text.replace("    columns:\n", "    protected: [device]\n    columns:\n");
    let plan = super::loaded(&text).map_err(|error| error.to_string()).unwrap().plan;
    assert_eq!(plan.slices.iter().map(|name| name.as_str()).collect::<Vec<_>>(), ["device"]);
}

#[test]
fn a_tag_that_is_listed_twice() {
    insta::assert_snapshot!(refusal_with("output:\n", "discover: { tags: [tenure, tenure] }\noutput:\n"), @r"
    error: `discover.tags` lists `tenure` twice
      --> pipeline.yaml:38:28
       |
    38 | discover: { tags: [tenure, tenure] }
       |                    ------  ^^^^^^
       |                    |
       |                    first here
    ");
}

#[test]
fn a_protected_tag_in_the_search() {
    let text = super::plain_with("output:\n", "discover: { tags: [tenure, device] }\noutput:\n");
    let text = text.replace("    columns:\n", "    protected: [device]\n    columns:\n");
    insta::assert_snapshot!(refusal(&text), @r"
    error: the tag `device` is protected, so trees cannot split on it
      --> pipeline.yaml:39:28
       |
    39 | discover: { tags: [tenure, device] }
       |                            ^^^^^^
       |
       = help: leave it out; effects are reported by it all the same
    ");
}

#[test]
fn a_protected_column_that_is_not_there() {
    insta::assert_snapshot!(refusal_with("    columns:\n", "    protected: [gender]\n    columns:\n"), @r"
    error: `tags.profile.protected`: unknown tag `gender`
      --> pipeline.yaml:35:17
       |
    35 |     protected: [gender]
       |                 ^^^^^^
       |
       = help: valid names are `tenure` and `device`
    ");
}

#[test]
fn a_treatment_that_is_the_control() {
    insta::assert_snapshot!(refusal_with("output:\n", "discover: { treatments: [control] }\noutput:\n"), @r"
    error: unknown treatment `control`
      --> pipeline.yaml:38:26
       |
    38 | discover: { treatments: [control] }
       |                          ^^^^^^^
       |
       = help: the only valid name is `one_page`
    ");
}

#[test]
fn a_searched_metric_that_is_not_primary() {
    let text = super::plain_with(
        "tags:\n",
        "  bought: { role: secondary, from: orders, aggregate: any, window: 1d }\ntags:\n",
    );
    let text = text.replace("output:\n", "discover: { metrics: [bought] }\noutput:\n");
    insta::assert_snapshot!(refusal(&text), @r"
    error: the metric `bought` is not primary, so no tree is grown for it
      --> pipeline.yaml:39:23
       |
    39 | discover: { metrics: [bought] }
       |                       ^^^^^^
       |
       = help: the only valid name is `revenue`
    ");
}

#[test]
fn a_partition_of_a_tree_that_is_not_grown() {
    let partition = "discover: { partition: { treatment: two_page, metric: revenue } }\noutput:\n";
    insta::assert_snapshot!(refusal_with("output:\n", partition), @r"
    error: no tree is grown for the treatment `two_page`
      --> pipeline.yaml:38:37
       |
    38 | discover: { partition: { treatment: two_page, metric: revenue } }
       |                                     ^^^^^^^^
       |
       = help: the only valid name is `one_page`
    ");
}

#[test]
fn no_primary_metric() {
    insta::assert_snapshot!(refusal_with("role: primary", "role: secondary"), @r"
    error: no metric is primary: there is nothing to decide, and nothing to search for
      --> pipeline.yaml:22:3
       |
    22 |   revenue:
       |   ^^^^^^^
       |
       = help: give the metric that the experiment is about `role: primary`
    ");
}

#[test]
fn a_cohort_called_all() {
    insta::assert_snapshot!(refusal_with("output:\n", "cohorts: { all: tenure > 0 }\noutput:\n"), @r"
    error: a cohort cannot be called `all`: that is the name of everybody
      --> pipeline.yaml:38:12
       |
    38 | cohorts: { all: tenure > 0 }
       |            ^^^
       |
       = help: give it a name that says who is in it
    ");
}

#[test]
fn a_cohort_called_like_a_discovered_one() {
    insta::assert_snapshot!(refusal_with("output:\n", "cohorts: { c12: tenure > 0 }\noutput:\n"), @r"
    error: a cohort cannot be called `c12`: that is the name of a discovered cohort
      --> pipeline.yaml:38:12
       |
    38 | cohorts: { c12: tenure > 0 }
       |            ^^^
       |
       = help: give it a name that says who is in it
    ");
    for name in ["c", "c1x", "country", "C1"] {
        let text = super::plain_with("output:\n", &format!("cohorts: {{ {name}: tenure > 0 }}\noutput:\n"));
        assert!(super::loaded(&text).is_ok(), "{name}");
    }
}

#[test]
fn a_tag_with_the_name_of_a_metric() {
    insta::assert_snapshot!(refusal_with("      tenure: numeric\n", "      revenue: numeric\n"), @r"
    error: the tag `revenue` has the name of another metric or tag
      --> pipeline.yaml:36:7
       |
    22 |   revenue:
       |   ------- the other one
    ...
    36 |       revenue: numeric
       |       ^^^^^^^
       |
       = help: names of metrics and tags are unique over all tables: they are columns of one unit table
    ");
}

#[test]
fn a_tag_in_two_tables() {
    let second = "  more: { path: more/, static: true, columns: { device: categorical } }\noutput:\n";
    insta::assert_snapshot!(refusal_with("output:\n", second), @r"
    error: the tag `device` has the name of another metric or tag
      --> pipeline.yaml:38:49
       |
    37 |       device: categorical
       |       ------ the other one
    38 |   more: { path: more/, static: true, columns: { device: categorical } }
       |                                                 ^^^^^^
       |
       = help: names of metrics and tags are unique over all tables: they are columns of one unit table
    ");
}

#[test]
fn a_name_that_the_unit_table_needs() {
    insta::assert_snapshot!(refusal_with("      tenure: numeric\n", "      arm: numeric\n"), @r"
    error: a tag cannot be called `arm`: the unit table has a column of that name already
      --> pipeline.yaml:36:7
       |
    36 |       arm: numeric
       |       ^^^
    ");
    insta::assert_snapshot!(refusal_with("      tenure: numeric\n", "      user_id: numeric\n"), @r"
    error: a tag cannot be called `user_id`: the unit table has a column of that name already
      --> pipeline.yaml:36:7
       |
    36 |       user_id: numeric
       |       ^^^^^^^
    ");
}

#[test]
fn a_mistake_is_not_reported_at_every_reference_to_it() {
    let text = super::plain_with("role: primary", "role: primry");
    let text = text.replace("output:\n", "discover: { metrics: [revenue] }\noutput:\n");
    insta::assert_snapshot!(refusal(&text), @r"
    error: `metrics.revenue.role` cannot be `primry`
      --> pipeline.yaml:23:11
       |
    23 |     role: primry
       |           ^^^^^^
       |
       = help: did you mean `primary`? valid names are `primary`, `guardrail` and `secondary`
    ");
}
