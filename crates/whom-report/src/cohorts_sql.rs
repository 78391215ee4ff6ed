//! `cohorts.sql`: the partition as one CASE expression over the unit table.
//!
//! The expression says exactly what the trees did. A numeric tag is compared as a double, with cuts that read back as
//! the same double; not-a-number counts as missing; a missing tag goes where its rule admits missing; a level that growth
//! never saw is `other`. Whatever no rule admits is `NULL`, which cannot happen in a partition.

use std::fmt::Write;

use crate::label;
use crate::quote::{double, identifier, string};
use crate::rule::{CohortRule, Range, RuleCondition};
use crate::rule_words::rule_words;

/// The CASE expression that names each unit's cohort, with a comment in words before every branch.
///
/// Without rules the result is the `NULL` of no cohort. It ends with a line break and without a semicolon, so that it can
/// be pasted into a query.
///
/// ```
/// use whom_report::{CohortRule, Range, RuleCondition, cohorts_sql};
///
/// let recent = RuleCondition::Numeric {
///     tag: "recency".to_owned(),
///     ranges: vec![Range { lower: None, upper: Some(6.0) }],
///     missing: false,
///     values: vec![],
/// };
/// let sql = cohorts_sql(&[CohortRule { name: "recent".to_owned(), conditions: vec![recent] }]);
/// assert!(sql.contains(r#"CAST("recency" AS DOUBLE) <= CAST('6.0' AS DOUBLE)"#));
/// ```
pub fn cohorts_sql(rules: &[CohortRule]) -> String {
    if rules.is_empty() {
        return "CAST(NULL AS VARCHAR)\n".to_owned();
    }
    let mut sql = String::from("CASE\n");
    for rule in rules {
        let (name, words) = (label::for_code(&rule.name), label::for_code(&rule_words(&rule.conditions)));
        // Writing to a string cannot fail.
        let _ = writeln!(sql, "  -- {name}: {words}");
        let _ =
            writeln!(sql, "  WHEN {}\n  THEN {}", conditions_sql(&rule.conditions, "\n   AND "), string(&rule.name));
    }
    sql.push_str("END\n");
    sql
}

/// The condition that selects a cohort's units, on one line.
pub fn condition_of(rule: &CohortRule) -> String {
    conditions_sql(&rule.conditions, " AND ")
}

fn conditions_sql(conditions: &[RuleCondition], and: &str) -> String {
    if conditions.is_empty() {
        return "TRUE".to_owned();
    }
    conditions.iter().map(condition_sql).collect::<Vec<_>>().join(and)
}

fn condition_sql(condition: &RuleCondition) -> String {
    let alternatives = match condition {
        RuleCondition::Numeric { tag, ranges, missing, .. } => numeric_alternatives(tag, ranges, *missing),
        RuleCondition::Categorical { tag, levels, other, missing } => {
            let column = format!("CAST({} AS VARCHAR)", identifier(tag));
            let known = (!levels.is_empty()).then(|| format!("{column} IN ({})", string_list(levels)));
            let other = other.as_ref().map(|kept| other_sql(&column, kept));
            let missing = missing.then(|| format!("{} IS NULL", identifier(tag)));
            known.into_iter().chain(other).chain(missing).collect()
        }
    };
    match alternatives.as_slice() {
        [] => "FALSE".to_owned(),
        [only] => only.clone(),
        alternatives => format!("({})", alternatives.join(" OR ")),
    }
}

fn numeric_alternatives(tag: &str, ranges: &[Range], missing: bool) -> Vec<String> {
    let name = identifier(tag);
    let column = format!("CAST({name} AS DOUBLE)");
    let mut alternatives: Vec<String> = ranges.iter().map(|range| range_sql(&column, *range)).collect();
    if missing {
        alternatives.extend([format!("{name} IS NULL"), format!("isnan({column})")]);
    }
    alternatives
}

/// A range as SQL. Databases order not-a-number above all values, so a range without an upper bound must exclude it.
fn range_sql(column: &str, range: Range) -> String {
    let known = || format!("NOT isnan({column})");
    match (range.lower, range.upper) {
        (None, None) => known(),
        (Some(lower), None) => format!("({column} > {} AND {})", double(lower), known()),
        (None, Some(upper)) => format!("{column} <= {}", double(upper)),
        (Some(lower), Some(upper)) => format!("({column} > {} AND {column} <= {})", double(lower), double(upper)),
    }
}

fn other_sql(column: &str, kept: &[String]) -> String {
    if kept.is_empty() { format!("{column} IS NOT NULL") } else { format!("{column} NOT IN ({})", string_list(kept)) }
}

fn string_list(levels: &[String]) -> String {
    levels.iter().map(|level| string(level)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests;
