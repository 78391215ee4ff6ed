//! Rules in words that a product manager reads.

use crate::label;
use crate::number;
use crate::rule::{Range, RuleCondition};

/// Levels that are listed before the rest is counted.
const LEVELS_SHOWN: usize = 6;

/// What a rule without conditions selects.
const EVERYBODY_IN_WORDS: &str = "everybody";

/// The conditions in words: `recency up to 6 and channel is Web or Phone (or unknown)`.
pub fn rule_words(conditions: &[RuleCondition]) -> String {
    if conditions.is_empty() {
        return EVERYBODY_IN_WORDS.to_owned();
    }
    conditions.iter().map(condition_words).collect::<Vec<_>>().join(" and ")
}

/// One condition in words: `recency above 2 and up to 6`.
pub fn condition_words(condition: &RuleCondition) -> String {
    let tag = label::isolated(condition.tag());
    let (known, missing) = match condition {
        RuleCondition::Numeric { ranges, missing, values, .. } => (numeric_words(ranges, values), *missing),
        RuleCondition::Categorical { levels, other, missing, .. } => (level_words(levels, other.is_some()), *missing),
    };
    match (known, missing) {
        (Some(known), true) => format!("{tag} {known} (or unknown)"),
        (Some(known), false) => format!("{tag} {known}"),
        (None, true) => format!("{tag} is unknown"),
        (None, false) => format!("{tag} is impossible"),
    }
}

fn numeric_words(ranges: &[Range], values: &[f64]) -> Option<String> {
    let admitted: Vec<f64> =
        values.iter().copied().filter(|value| ranges.iter().any(|range| range.contains(*value))).collect();
    if let [only] = admitted.as_slice() {
        return Some(format!("is {}", number::value(*only)));
    }
    let words: Vec<String> = ranges.iter().map(|range| range_words(*range)).collect();
    (!words.is_empty()).then(|| words.join(" or "))
}

fn range_words(range: Range) -> String {
    match (range.lower, range.upper) {
        (None, None) => "is known".to_owned(),
        (Some(lower), None) => format!("above {}", number::value(lower)),
        (None, Some(upper)) => format!("up to {}", number::value(upper)),
        (Some(lower), Some(upper)) => format!("above {} and up to {}", number::value(lower), number::value(upper)),
    }
}

fn level_words(levels: &[String], other: bool) -> Option<String> {
    let mut words: Vec<String> = levels.iter().take(LEVELS_SHOWN).map(|level| level_label(level)).collect();
    if levels.len() > LEVELS_SHOWN {
        words.push(format!("{} more levels", levels.len() - LEVELS_SHOWN));
    }
    if other {
        words.push("a rarer level".to_owned());
    }
    let (last, rest) = words.split_last()?;
    Some(if rest.is_empty() { format!("is {last}") } else { format!("is {} or {last}", rest.join(", ")) })
}

/// A level as it is, quoted where it would read as something else.
fn level_label(level: &str) -> String {
    let reads_by_itself = !level.is_empty()
        && level.trim() == level
        && !level.chars().any(|character| matches!(character, ',' | '"' | '\''))
        && !level.split_whitespace().any(|word| matches!(word, "or" | "and" | "unknown"));
    let level = label::isolated(level);
    if reads_by_itself { level } else { format!("“{level}”") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(ranges: &[(Option<f64>, Option<f64>)], missing: bool, values: &[f64]) -> RuleCondition {
        let ranges = ranges.iter().map(|&(lower, upper)| Range { lower, upper }).collect();
        RuleCondition::Numeric { tag: "recency".to_owned(), ranges, missing, values: values.to_vec() }
    }

    fn categorical(levels: &[&str], other: bool, missing: bool) -> RuleCondition {
        let levels: Vec<String> = levels.iter().map(|&level| level.to_owned()).collect();
        let other = other.then(|| levels.clone());
        RuleCondition::Categorical { tag: "channel".to_owned(), levels, other, missing }
    }

    #[test]
    fn rules_read_as_english() {
        let table = [
            (numeric(&[(None, Some(6.0))], false, &[]), "recency up to 6"),
            (numeric(&[(Some(2.0), Some(6.0))], true, &[]), "recency above 2 and up to 6 (or unknown)"),
            (numeric(&[(None, Some(2.0)), (Some(6.0), None)], false, &[]), "recency up to 2 or above 6"),
            (numeric(&[(Some(0.0), None)], false, &[0.0, 1.0]), "recency is 1"),
            (numeric(&[(None, None)], false, &[]), "recency is known"),
            (numeric(&[], true, &[]), "recency is unknown"),
            (numeric(&[], false, &[]), "recency is impossible"),
            (categorical(&["Web"], false, false), "channel is Web"),
            (categorical(&["Web", "Phone"], false, true), "channel is Web or Phone (or unknown)"),
            (categorical(&["Web", "Phone"], true, false), "channel is Web, Phone or a rarer level"),
            (categorical(&[], true, false), "channel is a rarer level"),
            (categorical(&["", "7) $1,000 +"], false, false), "channel is “” or “7) $1,000 +”"),
            (
                categorical(&["a", "b", "c", "d", "e", "f", "g", "h"], false, false),
                "channel is a, b, c, d, e, f or 2 more levels",
            ),
        ];
        for (condition, words) in table {
            assert_eq!(condition_words(&condition), words);
        }
    }

    #[test]
    fn conditions_are_joined_and_none_selects_everybody() {
        let rule = [numeric(&[(None, Some(6.0))], false, &[]), categorical(&["Web"], false, false)];
        assert_eq!(rule_words(&rule), "recency up to 6 and channel is Web");
        assert_eq!(rule_words(&[]), "everybody");
    }
}
