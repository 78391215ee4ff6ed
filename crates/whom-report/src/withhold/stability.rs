//! How stable the search is tells shares of replicates, not of units; only groups of ranked units can be too small.

use super::SmallestCell;
use super::summary::Counted;
use crate::results::VariantView;
use crate::stability::Stability;

/// The looks without the effects of ranked groups, where such a group of one half has too few units of a variant.
pub(super) fn withheld(
    cell: SmallestCell,
    mut stability: Stability,
    variants: &[VariantView],
    counted: &mut Counted,
) -> Stability {
    if let Some(resplits) = &mut stability.resplits {
        let before = resplits.groups.len();
        let units = || variants.iter().map(|variant| variant.units);
        let (fewest, all) = (units().min().unwrap_or(0), units().sum::<u64>().max(1));
        // Of the units that are halved, as many are of the smallest variant as of all.
        let halved = u128::from(fewest) * u128::from(resplits.units) / u128::from(all);
        resplits.groups.retain(|row| halved / (2 * row.groups.max(1) as u128) >= u128::from(cell.0));
        counted.effects += before - resplits.groups.len();
    }
    stability
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn groups_go_where_one_of_them_is_too_small() {
        let results = fixture::hillstrom();
        let shown = |smallest: u64| {
            let (cell, mut counted) = (SmallestCell::new(smallest).unwrap(), Counted::default());
            let stability = withheld(cell, results.stability.clone(), &results.variants, &mut counted);
            (stability.resplits.unwrap().groups.len(), counted.effects)
        };
        // 21,306 units of the smallest variant; an eighth are 2,663.
        assert_eq!((shown(2_663), shown(2_664)), ((5, 0), (0, 5)));
    }
}
