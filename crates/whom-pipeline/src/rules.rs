//! From codes to conditions: what a set of codes means in a tag's own values.

use whom_forest::Rule;
use whom_query::{BinKind, TagBins};
use whom_report::{CohortRule, Range, RuleCondition};
use whom_stats::{Code, CodeSet};

/// Distinct values are listed beside the ranges while they are at most this many.
const FEW_VALUES: usize = 12;

/// The condition that a unit's code of a tag is in a set.
pub(crate) fn condition(bins: &TagBins, admitted: &CodeSet) -> RuleCondition {
    let missing = bins.missing().is_some_and(|code| admitted.contains(code));
    match &bins.kind {
        BinKind::Numeric { edges, exact } => RuleCondition::Numeric {
            tag: bins.name.clone(),
            ranges: ranges(edges, admitted),
            missing,
            values: if *exact && edges.len() <= FEW_VALUES { edges.clone() } else { Vec::new() },
        },
        BinKind::Categorical { levels, other } => RuleCondition::Categorical {
            tag: bins.name.clone(),
            levels: levels
                .iter()
                .enumerate()
                .filter(|(code, _)| admitted.contains(*code as Code))
                .map(|(_, level)| level.clone())
                .collect(),
            other: (*other && admitted.contains(levels.len() as Code)).then(|| levels.clone()),
            missing,
        },
    }
}

/// The ranges of values whose codes are admitted. The first and the last are unbounded: values beyond the edges that
/// were seen belong to the outermost codes.
fn ranges(edges: &[f64], admitted: &CodeSet) -> Vec<Range> {
    let mut ranges: Vec<Range> = Vec::new();
    let mut open = false;
    for (code, edge) in edges.iter().enumerate() {
        let last = code + 1 == edges.len();
        let upper = (!last).then_some(*edge);
        if !admitted.contains(code as Code) {
            open = false;
        } else if let (true, Some(range)) = (open, ranges.last_mut()) {
            range.upper = upper;
        } else {
            let lower = code.checked_sub(1).and_then(|below| edges.get(below)).copied();
            ranges.push(Range { lower, upper });
            open = true;
        }
    }
    ranges
}

/// A rule of the search, by the name of its cohort.
pub(crate) fn cohort_rule(name: &str, rule: &Rule, bins: &[TagBins]) -> CohortRule {
    let conditions = rule
        .conditions
        .iter()
        .filter_map(|found| bins.get(found.column).map(|bins| condition(bins, &found.admitted)))
        .collect();
    CohortRule { name: name.to_owned(), conditions }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numeric(edges: &[f64], has_missing: bool) -> TagBins {
        TagBins { name: "age".into(), kind: BinKind::Numeric { edges: edges.to_vec(), exact: true }, has_missing }
    }

    #[test]
    fn codes_that_follow_each_other_are_one_range() {
        let admitted: CodeSet = [0, 1, 3].into_iter().collect();
        let RuleCondition::Numeric { ranges, missing, .. } =
            condition(&numeric(&[1.0, 2.0, 3.0, 4.0], true), &admitted)
        else {
            panic!("numeric")
        };
        assert_eq!(ranges, [Range { lower: None, upper: Some(2.0) }, Range { lower: Some(3.0), upper: None }]);
        assert!(!missing);
    }

    #[test]
    fn the_missing_code_is_the_one_after_the_known() {
        let admitted: CodeSet = [2].into_iter().collect();
        let RuleCondition::Numeric { ranges, missing, .. } = condition(&numeric(&[1.0, 2.0], true), &admitted) else {
            panic!("numeric")
        };
        assert!(ranges.is_empty() && missing);
    }

    #[test]
    fn other_levels_are_those_that_were_not_kept() {
        let kind = BinKind::Categorical { levels: vec!["a".into(), "b".into()], other: true };
        let bins = TagBins { name: "city".into(), kind, has_missing: false };
        let RuleCondition::Categorical { levels, other, missing, .. } = condition(&bins, &[1, 2].into_iter().collect())
        else {
            panic!("categorical")
        };
        assert_eq!((levels, other, missing), (vec!["b".to_owned()], Some(vec!["a".to_owned(), "b".to_owned()]), false));
    }
}
