//! Levels of tags that are about too few units, and those that would tell of them.

use std::collections::{BTreeMap, BTreeSet};

use super::SmallestCell;
use super::effects::{HiddenMetrics, numbers, withheld as without_figures};
use super::summary::Counted;
use crate::effect::{EffectRow, Estimand};
use crate::tag_table::{TagLevel, TagTable};

/// The tables without the levels of too few units, and without numbers that tell how few have no value of a metric.
pub(super) fn withheld(
    cell: SmallestCell,
    tables: Vec<TagTable>,
    metrics: &HiddenMetrics,
    counted: &mut Counted,
) -> Vec<TagTable> {
    let levels = || tables.iter().flat_map(|table| &table.levels);
    let numberless: BTreeSet<String> = levels().flat_map(|level| told_missing(cell, level)).collect();
    let mut shown = |table: TagTable| {
        let hidden = hidden_levels(cell, &table);
        counted.levels += hidden.len();
        let levels = table.levels.into_iter().enumerate().map(|(place, level)| {
            if hidden.contains(&place) {
                return nothing_of(level, &cell.reason());
            }
            let row = |row: EffectRow| {
                let hides = numberless.contains(&row.metric) || metrics.hides_numbers(&row.metric);
                metrics.told(row, hides)
            };
            TagLevel { effects: level.effects.into_iter().map(row).collect(), ..level }
        });
        TagTable { levels: levels.collect(), ..table }
    };
    tables.into_iter().map(&mut shown).collect()
}

/// The places of the levels that are withheld: those of too few units, and the next smallest ones until all of them together
/// are not too few and none stands alone, as they follow from the others and everybody.
fn hidden_levels(cell: SmallestCell, table: &TagTable) -> BTreeSet<usize> {
    let counts: Vec<Vec<u64>> = table.levels.iter().map(counts).collect();
    let mut hidden: BTreeSet<usize> =
        (0..counts.len()).filter(|place| counts[*place].iter().any(|count| cell.hides(*count))).collect();
    if hidden.is_empty() {
        return hidden;
    }
    let mut others: Vec<usize> = (0..counts.len()).filter(|place| !hidden.contains(place)).collect();
    others.sort_by_key(|place| (std::cmp::Reverse(counts[*place].first().copied()), *place));
    while hidden.len() == 1 || sums(&counts, &hidden).any(|sum| cell.hides(sum)) {
        let Some(next) = others.pop() else { break };
        hidden.insert(next);
    }
    hidden
}

/// The numbers of a level: its units, then those of each row's arms.
fn counts(level: &TagLevel) -> Vec<u64> {
    let rows = level.effects.iter().flat_map(|row| [row.n_control, row.n_variant]);
    std::iter::once(level.units).chain(rows).map(|count| count.unwrap_or(0)).collect()
}

/// Number by number, what the levels add up to.
fn sums<'a>(counts: &'a [Vec<u64>], levels: &'a BTreeSet<usize>) -> impl Iterator<Item = u64> + 'a {
    let numbers = counts.first().map_or(0, Vec::len);
    (0..numbers).map(|number| levels.iter().filter_map(|level| counts[*level].get(number)).sum())
}

/// The metrics of which the numbers in a level tell how few units have no value: beside the level's units, or beside another
/// metric's.
fn told_missing(cell: SmallestCell, level: &TagLevel) -> Vec<String> {
    let mut units: BTreeMap<&str, u64> = BTreeMap::new();
    let effects: Vec<&EffectRow> = level.effects.iter().filter(|row| row.estimand == Estimand::Effect).collect();
    for row in &effects {
        let control = if units.contains_key(row.metric.as_str()) { 0 } else { row.n_control.unwrap_or(0) };
        *units.entry(&row.metric).or_default() += control + row.n_variant.unwrap_or(0);
    }
    let beside_units = |(metric, n): (&&str, &u64)| {
        level.units.is_some_and(|all| cell.hides_between(all, *n)).then(|| (*metric).to_owned())
    };
    let beside_others = effects.iter().filter(|row| {
        let same_arms = effects.iter().filter(|other| other.variant == row.variant);
        same_arms
            .flat_map(|other| numbers(row).zip(numbers(other)))
            .any(|(n, other)| n < other && cell.hides(other - n))
    });
    units.iter().filter_map(beside_units).chain(beside_others.map(|row| row.metric.clone())).collect()
}

fn nothing_of(level: TagLevel, reason: &str) -> TagLevel {
    let row = |row| without_figures(row, reason.to_owned());
    TagLevel { units: None, share: None, effects: level.effects.into_iter().map(row).collect(), ..level }
}

#[cfg(test)]
mod tests;
