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
    insta::assert_snapshot!(sql, @r#"
    CASE
      -- 1: recency up to 6 (or unknown) and channel is Web or Phone
      WHEN (CAST("recency" AS DOUBLE) <= CAST('6.0' AS DOUBLE) OR "recency" IS NULL OR isnan(CAST("recency" AS DOUBLE)))
       AND CAST("channel" AS VARCHAR) IN ('Web', 'Phone')
      THEN '1'
      -- 2: recency up to 6 (or unknown) and channel is a rarer level (or unknown)
      WHEN (CAST("recency" AS DOUBLE) <= CAST('6.0' AS DOUBLE) OR "recency" IS NULL OR isnan(CAST("recency" AS DOUBLE)))
       AND (CAST("channel" AS VARCHAR) NOT IN ('Web', 'Phone') OR "channel" IS NULL)
      THEN '2'
      -- 3: recency above 6
      WHEN (CAST("recency" AS DOUBLE) > CAST('6.0' AS DOUBLE) AND NOT isnan(CAST("recency" AS DOUBLE)))
      THEN '3'
    END
    "#);
}

#[test]
fn no_name_escapes_its_quotes_or_its_comment() {
    let sql = cohorts_sql(&[rule(
        "it's\nDROP TABLE units; --",
        vec![categorical("a\"; b", &["x'; --", "<script>", "עברית"], None, false)],
    )]);
    insta::assert_snapshot!(sql, @r#"
    CASE
      -- it's\nDROP TABLE units; --: a"; b is “x'; --”, <script> or עברית
      WHEN CAST("a""; b" AS VARCHAR) IN ('x''; --', '<script>', 'עברית')
      THEN 'it''s
    DROP TABLE units; --'
    END
    "#);
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
    insta::assert_snapshot!(sql, @r#"
    CASE
      -- impossible: x is impossible
      WHEN FALSE
      THEN 'impossible'
      -- unknown: x is unknown
      WHEN ("x" IS NULL OR isnan(CAST("x" AS DOUBLE)))
      THEN 'unknown'
      -- known: x is known
      WHEN NOT isnan(CAST("x" AS DOUBLE))
      THEN 'known'
      -- two ranges: x up to 0.1 or above 1e300 and up to 1.79769e308
      WHEN (CAST("x" AS DOUBLE) <= CAST('0.1' AS DOUBLE) OR (CAST("x" AS DOUBLE) > CAST('1e300' AS DOUBLE) AND CAST("x" AS DOUBLE) <= CAST('1.7976931348623157e308' AS DOUBLE)))
      THEN 'two ranges'
      -- any level: y is a rarer level
      WHEN CAST("y" AS VARCHAR) IS NOT NULL
      THEN 'any level'
      -- everybody: everybody
      WHEN TRUE
      THEN 'everybody'
    END
    "#);
    assert_eq!(cohorts_sql(&[]), "CAST(NULL AS VARCHAR)\n");
}
