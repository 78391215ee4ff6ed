//! Checks whose words count too few units.

use whom_stats::{Check, CheckPart};

use super::SmallestCell;
use super::cohorts::HiddenCohorts;
use super::summary::Counted;
use crate::results::VariantView;

/// What follows the number of something that is no unit.
const NO_UNITS: [&str; 14] = [
    "arm", "arms", "bucket", "buckets", "code", "codes", "cohort", "cohorts", "day", "days", "tag", "tags", "variant",
    "variants",
];

/// The checks, those that count too few without words and figures; their verdicts stay.
pub(super) fn withheld(
    cell: SmallestCell,
    checks: Vec<Check>,
    variants: &[VariantView],
    cohorts: Option<&HiddenCohorts>,
    counted: &mut Counted,
) -> Vec<Check> {
    let tells = |text: &str| {
        counts_in(text).any(|count| cell.hides(count))
            || variants
                .iter()
                .any(|variant| counts_of(text, &variant.name).any(|count| cell.hides_between(count, variant.units)))
    };
    let part = |part: CheckPart| {
        let is_hidden = cohorts.is_some_and(|cohorts| cohorts.hides(&part.subject));
        if is_hidden || tells(&part.detail) {
            CheckPart { statistic: None, p_value: None, detail: cell.reason(), ..part }
        } else {
            part
        }
    };
    let check = |check: Check| {
        let before = check.parts.clone();
        let parts: Vec<CheckPart> = check.parts.into_iter().map(part).collect();
        if parts == before && !tells(&check.detail) {
            return Check { parts, ..check };
        }
        counted.checks += 1;
        Check { statistic: None, p_value: None, detail: cell.reason(), parts, ..check }
    };
    checks.into_iter().map(check).collect()
}

/// The whole numbers in a text that may count units: not those in backticks, of names, dates, decimals or percentages, and
/// not those of things that are named behind them.
pub(super) fn counts_in(text: &str) -> impl Iterator<Item = u64> {
    text.split('`').step_by(2).flat_map(numbers)
}

/// The number behind each mention of a variant.
fn counts_of<'a>(text: &'a str, variant: &'a str) -> impl Iterator<Item = u64> + 'a {
    text.match_indices(variant).filter_map(move |(place, _)| {
        let behind = text.get(place + variant.len()..)?.strip_prefix(' ')?;
        numbers(behind.split([' ', '|']).next()?).next()
    })
}

/// The counts in a text without names.
fn numbers(text: &str) -> impl Iterator<Item = u64> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let number = |(place, word): (usize, &&str)| {
        let next = words.get(place + 1).map(|next| next.trim_matches(|letter: char| !letter.is_alphanumeric()));
        let digits = word.trim_matches(['(', ')', ',', ';', ':', '.']).replace(',', "");
        let count = digits.parse().ok()?;
        (!next.is_some_and(|next| NO_UNITS.contains(&next))).then_some(count)
    };
    let found: Vec<u64> = words.iter().enumerate().filter_map(number).collect();
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> Vec<u64> {
        counts_in(text).collect()
    }

    #[test]
    fn a_count_is_told_from_other_numbers() {
        assert_eq!(counts("12 of 64,012 units (0.019%) saw several variants"), [12, 64_012]);
        assert_eq!(counts("control 120, one_page 9 | control 3, one_page 4"), [120, 9, 3, 4]);
        assert!(counts("1,024 buckets by 2 arms").is_empty());
        assert_eq!(counts("3 tags; smallest corrected p-value: `age 7`, missing: v2 5, new 6"), [5, 6]);
        assert_eq!(counts("variants that are not declared in 9 rows: `c` (9 rows)"), [9, 9]);
        assert!(counts("2026-11-20, 14d, +0.103, 1e-2").is_empty());
    }

    #[test]
    fn the_number_behind_a_variant_is_found() {
        let text = "a b 120, a 7 | a b 5,000";
        assert_eq!(counts_of(text, "a b").collect::<Vec<_>>(), [120, 5_000]);
        assert_eq!(counts_of(text, "a").collect::<Vec<_>>(), [7]);
    }
}
