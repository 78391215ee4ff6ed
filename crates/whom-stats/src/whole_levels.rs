//! Levels of a tag whose units are all in one variant: were they assigned as a whole?
//!
//! Households, schools and shops that were assigned together show in a tag that names them. Where units were assigned by themselves with
//! the shares p_a, a level of n units has all of them in one variant with probability sum_a p_a^n, independently of the others. A
//! chi-square test sees little of it: levels of two units expect too few in an arm for its tail, and counts of pooled ones vary only twice as
//! much as they should.

use crate::estimate::NotEstimable;

/// How many levels of a tag have units of one variant only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WholeLevels {
    /// Levels of two units or more.
    pub levels: u64,
    /// Those whose units are all in one variant.
    pub whole: u64,
    /// An upper bound of the probability of as many, were units assigned by themselves: exp(-N KL(k / N || q)) for k of N levels and
    /// their mean probability q (Hoeffding 1963, theorem 1, which asks for independent levels and not for equal ones). 1 if there are no more
    /// than q lets expect.
    pub p_value: f64,
}

impl WholeLevels {
    /// From units by level and arm. A level that is shorter than the longest has no units in the arms that it lacks; levels of fewer than two
    /// units tell nothing, and are left out.
    ///
    /// # Errors
    /// [`NotEstimable::OneGroup`] if fewer than two arms have units, or no level has two of them.
    ///
    /// ```
    /// use whom_stats::WholeLevels;
    ///
    /// let couples = [vec![2, 0], vec![0, 2], vec![2], vec![0, 2]];
    /// let found = WholeLevels::of(&couples)?;
    /// assert_eq!((found.levels, found.whole), (4, 4));
    /// assert!((found.p_value - 0.5_f64.powi(4)).abs() < 1e-15, "each with probability one half");
    /// # Ok::<(), whom_stats::NotEstimable>(())
    /// ```
    pub fn of(levels: &[Vec<u64>]) -> Result<Self, NotEstimable> {
        let arms = levels.iter().map(Vec::len).max().unwrap_or(0);
        let units: Vec<u64> = (0..arms).map(|arm| levels.iter().filter_map(|level| level.get(arm)).sum()).collect();
        let total = units.iter().sum::<u64>() as f64;
        let several = || levels.iter().filter(|level| level.iter().sum::<u64>() > 1);
        let count = several().count() as u64;
        if units.iter().filter(|units| **units > 0).count() < 2 || count == 0 {
            return Err(NotEstimable::OneGroup);
        }
        let chance = |level: &Vec<u64>| {
            let size = level.iter().sum::<u64>() as f64;
            units.iter().map(|units| libm::pow(*units as f64 / total, size)).sum::<f64>()
        };
        let expected = several().map(chance).sum::<f64>() / count as f64;
        let whole = several().filter(|level| level.iter().filter(|units| **units > 0).count() == 1).count() as u64;
        Ok(Self { levels: count, whole, p_value: upper_bound(whole, count, expected) })
    }

    /// The share of the levels that are whole.
    pub fn share(&self) -> f64 {
        self.whole as f64 / self.levels as f64
    }
}

/// The bound of the upper tail of a sum of independent trials whose mean probability is `expected`.
fn upper_bound(successes: u64, trials: u64, expected: f64) -> f64 {
    let seen = successes as f64 / trials as f64;
    if seen <= expected {
        return 1.0;
    }
    let part = |seen: f64, expected: f64| if seen > 0.0 { seen * libm::log(seen / expected) } else { 0.0 };
    let divergence = part(seen, expected) + part(1.0 - seen, 1.0 - expected);
    libm::exp(-(trials as f64) * divergence)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The probability of at least so many successes of independent trials, exactly.
    fn tail(chances: &[f64], least: usize) -> f64 {
        let mut by_count = vec![1.0];
        for chance in chances {
            let mut next = vec![0.0; by_count.len() + 1];
            for (count, probability) in by_count.iter().enumerate() {
                next[count] += probability * (1.0 - chance);
                next[count + 1] += probability * chance;
            }
            by_count = next;
        }
        by_count[least..].iter().sum()
    }

    #[test]
    fn levels_in_both_variants_are_as_expected() {
        let found = WholeLevels::of(&vec![vec![3, 4]; 60]).unwrap();
        assert_eq!(found, WholeLevels { levels: 60, whole: 0, p_value: 1.0 });
    }

    #[test]
    fn couples_that_share_a_variant_are_found_where_chi_square_sees_nothing() {
        let couples: Vec<Vec<u64>> =
            (0..50).map(|couple| if couple % 2 == 0 { vec![2, 0] } else { vec![0, 2] }).collect();
        let found = WholeLevels::of(&couples).unwrap();
        assert_eq!((found.levels, found.whole, found.share()), (50, 50, 1.0));
        assert!((found.p_value / 0.5_f64.powi(50) - 1.0).abs() < 1e-9, "{found:?}");
        assert!(crate::independence(&couples).unwrap().p_value > 0.1);
    }

    #[test]
    fn of_single_units_or_of_one_arm_nothing_is_told() {
        for levels in [vec![vec![1, 0], vec![0, 1]], vec![vec![2, 0], vec![5]], vec![]] {
            assert_eq!(WholeLevels::of(&levels), Err(NotEstimable::OneGroup));
        }
    }

    proptest! {
        #[test]
        fn the_bound_is_above_the_probability(chances in prop::collection::vec(0.01..0.99_f64, 1..30), share in 0.0..=1.0_f64) {
            let least = (share * chances.len() as f64) as usize;
            let mean = chances.iter().sum::<f64>() / chances.len() as f64;
            prop_assert!(upper_bound(least as u64, chances.len() as u64, mean) >= tail(&chances, least) - 1e-12);
        }

        #[test]
        fn neither_the_order_of_levels_nor_that_of_arms_matters(levels in prop::collection::vec(prop::array::uniform2(0..4_u64), 1..40)) {
            let of = |levels: Vec<[u64; 2]>| WholeLevels::of(&levels.into_iter().map(Vec::from).collect::<Vec<_>>());
            let swapped = levels.iter().rev().map(|[one, other]| [*other, *one]).collect();
            match (of(levels), of(swapped)) {
                (Ok(one), Ok(other)) => {
                    prop_assert_eq!((one.levels, one.whole), (other.levels, other.whole));
                    prop_assert!((one.p_value - other.p_value).abs() <= 1e-9 * one.p_value);
                }
                (one, other) => prop_assert_eq!(one, other),
            }
        }
    }
}
