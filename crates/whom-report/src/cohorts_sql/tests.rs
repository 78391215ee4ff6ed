use super::*;

fn numeric(tag: &str, ranges: &[(Option<f64>, Option<f64>)], missing: bool) -> RuleCondition {
    let ranges = ranges.iter().map(|&(lower, upper)| Range { lower, upper }).collect();
    RuleCondition::Numeric { tag: tag.to_owned(), ranges, missing, values: vec![] }
}

fn categorical(tag: &str, levels: &[&str], other: Option<&[&str]>, missing: bool) -> RuleCondition {
    let owned = |levels: &[&str]| levels.iter().map(|&level| level.to_owned()).collect::<Vec<_>>();
    RuleCondition::Categorical { tag: tag.to_owned(), levels: owned(levels), other: other.map(owned), missing }
}

fn rule(name: &str, conditions: Vec<RuleCondition>) -> CohortRule {
    CohortRule { name: name.to_owned(), conditions }
}

#[test]
fn a_partition_is_one_expression_with_its_words() {
    let low = (None, Some(6.0));
    let high = (Some(6.0), None);
    let sql = cohorts_sql(&[
        rule("1", vec![numeric("recency", &[low], true), categorical("channel", &["Web", "Phone"], None, false)]),
        rule("2", vec![numeric("recency", &[low], true), categorical("channel", &[], Some(&["Web", "Phone"]), true)]),
        rule("3", vec![numeric("recency", &[high], false)]),
    ]);
    insta::assert_snapshot!(sql, @"");
}

#[test]
fn no_name_escapes_its_quotes_or_its_comment() {
    let sql = cohorts_sql(&[rule(
        "it's\nDROP TABLE units; --",
        vec![categorical("a\"; b", &["x'; --", "<script>", "עברית"], None, false)],
    )]);
    insta::assert_snapshot!(sql, @"");
}

#[test]
fn the_unusual_conditions_are_valid_too() {
    let sql = cohorts_sql(&[
        rule("impossible", vec![numeric("x", &[], false)]),
        rule("unknown", vec![numeric("x", &[], true)]),
        rule("known", vec![numeric("x", &[(None, None)], false)]),
        rule("two ranges", vec![numeric("x", &[(None, Some(0.1)), (Some(1e300), Some(f64::MAX))], false)]),
        rule("any level", vec![categorical("y", &[], Some(&[]), false)]),
        rule("everybody", vec![]),
    ]);
    insta::assert_snapshot!(sql, @"");
    assert_eq!(cohorts_sql(&[]), "CAST(NULL AS VARCHAR)\n");
}
