//! The levels of a tag in its one-tag table: codes put together by how many units have each, never by what they did.

use whom_query::{BinKind, TagBins};
use whom_report::RuleCondition;
use whom_stats::{Code, CodeSet};

use crate::rules::condition;

/// Groups of a numeric tag's known values.
const GROUPS: u128 = 5;

/// Levels of a categorical tag, the rarer ones together counted as one.
const LEVELS: usize = 10;

/// Some codes of a tag.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Level {
    pub(super) codes: CodeSet,
    /// The categories that have levels of their own, where this level is all others together.
    apart: Option<Vec<String>>,
}

impl Level {
    fn of(codes: impl IntoIterator<Item = Code>) -> Self {
        Self { codes: codes.into_iter().collect(), apart: None }
    }

    /// What selects the level's units.
    pub(super) fn condition(&self, bins: &TagBins) -> RuleCondition {
        match &self.apart {
            None => condition(bins, &self.codes),
            Some(apart) => RuleCondition::Categorical {
                tag: bins.name.clone(),
                levels: Vec::new(),
                other: Some(apart.clone()),
                missing: false,
            },
        }
    }
}

/// The levels, given the units of each code: a code stands in one of them unless no unit has it.
pub(super) fn levels(bins: &TagBins, units: &[u64]) -> Vec<Level> {
    let of = |code: usize| units.get(code).copied().unwrap_or(0);
    let known: Vec<(Code, u64)> =
        (0..bins.known_codes()).map(|code| (code as Code, of(code))).filter(|(_, units)| *units > 0).collect();
    let mut levels = match &bins.kind {
        BinKind::Numeric { .. } => quantile_groups(&known),
        BinKind::Categorical { levels, .. } => categories(levels, &known),
    };
    levels.extend(bins.missing().filter(|code| of(usize::from(*code)) > 0).map(|code| Level::of([code])));
    levels
}

/// Codes in ascending groups: each code goes where the middle of its units lies among all, so that a group holds as near to a
/// fifth of them as codes allow. Up to five codes stand by themselves.
fn quantile_groups(known: &[(Code, u64)]) -> Vec<Level> {
    if known.len() as u128 <= GROUPS {
        return known.iter().map(|(code, _)| Level::of([*code])).collect();
    }
    let all: u128 = known.iter().map(|(_, units)| u128::from(*units)).sum();
    let (mut below, mut last) = (0, None);
    let mut levels: Vec<Level> = Vec::new();
    for (code, units) in known {
        let units = u128::from(*units);
        let group = (2 * below + units) * GROUPS / (2 * all);
        below += units;
        match levels.last_mut() {
            Some(level) if last == Some(group) => level.codes.insert(*code),
            _ => levels.push(Level::of([*code])),
        }
        last = Some(group);
    }
    levels
}

/// A level for each category, or for the most frequent ones by name and the rest together. Of equally frequent ones, the
/// first by name stands by itself.
fn categories(names: &[String], known: &[(Code, u64)]) -> Vec<Level> {
    if known.len() <= LEVELS {
        return known.iter().map(|(code, _)| Level::of([*code])).collect();
    }
    let mut named: Vec<(Code, u64)> =
        known.iter().copied().filter(|(code, _)| usize::from(*code) < names.len()).collect();
    named.sort_by_key(|(code, units)| (std::cmp::Reverse(*units), *code));
    let mut apart: Vec<Code> = named.into_iter().take(LEVELS - 1).map(|(code, _)| code).collect();
    apart.sort_unstable();
    let rest = known.iter().map(|(code, _)| *code).filter(|code| !apart.contains(code)).collect();
    let named = apart.iter().filter_map(|code| names.get(usize::from(*code)).cloned()).collect();
    let mut levels: Vec<Level> = apart.into_iter().map(|code| Level::of([code])).collect();
    levels.push(Level { codes: rest, apart: Some(named) });
    levels
}

#[cfg(test)]
mod tests;
