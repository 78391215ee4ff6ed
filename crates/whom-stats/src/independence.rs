//! Chi-square tests on tables of counts: does the arm depend on a category that it must not know?
//!
//! Serves the balance of categorical tags, missing values by variant, arm against bucket, and arm shares by fold and day.

use serde::{Deserialize, Serialize};

use crate::distribution::chi_square_upper;
use crate::estimate::NotEstimable;

/// The smallest expected count of a cell for which chi-square's tail is trusted (Cochran's rule).
const SMALLEST_EXPECTED: f64 = 5.0;

/// A chi-square test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ChiSquare {
    /// The statistic.
    pub statistic: f64,
    /// Its degrees of freedom.
    pub degrees_of_freedom: f64,
    /// The upper tail.
    pub p_value: f64,
}

impl ChiSquare {
    pub(crate) fn new(statistic: f64, degrees_of_freedom: f64) -> Self {
        Self { statistic, degrees_of_freedom, p_value: chi_square_upper(statistic, degrees_of_freedom) }
    }
}

/// Pearson's test that arm and category are independent, from units by category and arm. A category that is shorter than
/// the longest has no units in the arms that it lacks.
///
/// Arms without a unit are left out. Categories of which some arm expects fewer than 5 units are pooled with their next such
/// neighbours until all arms expect 5; what remains at the end joins the last group. Pooling looks at expected counts only, so
/// it does not depend on what is tested.
///
/// # Errors
/// [`NotEstimable::OneGroup`] if fewer than two arms, or two groups of categories, are left.
///
/// ```
/// use whom_stats::independence;
///
/// let by_device = [vec![300, 310], vec![195, 205], vec![1, 2]];
/// assert!(independence(&by_device)?.p_value > 0.5);
/// assert_eq!(independence(&by_device)?.degrees_of_freedom, 1.0, "the third category is pooled");
/// # Ok::<(), whom_stats::NotEstimable>(())
/// ```
pub fn independence(categories: &[Vec<u64>]) -> Result<ChiSquare, NotEstimable> {
    let arms = categories.iter().map(Vec::len).max().unwrap_or(0);
    let mut by_arm = vec![0; arms];
    for category in categories {
        add(&mut by_arm, category);
    }
    let total = by_arm.iter().sum::<u64>() as f64;
    let shares: Vec<f64> = by_arm.iter().map(|units| *units as f64 / total).collect();
    let occupied = by_arm.iter().filter(|units| **units > 0).count();
    let groups = pooled(categories, &shares);
    if occupied < 2 || groups.len() < 2 {
        return Err(NotEstimable::OneGroup);
    }
    let statistic = groups.iter().map(|group| distance(group, &shares)).sum();
    Ok(ChiSquare::new(statistic, ((occupied - 1) * (groups.len() - 1)) as f64))
}

/// Whether the share of one arm rises or falls with a score, such as the day: the test for trend of Cochran (1954) and
/// Armitage (1955), from units in the arm and units in all arms by score.
///
/// With the scores x, the units n, those of the arm r, and their share p = sum r / sum n, the statistic is
/// (sum (r - p n) (x - m))² / (p (1 - p) sum n (x - m)²), where m is the mean score of the units; it has one degree of freedom.
/// A ramp that [`independence`] spreads over as many degrees of freedom as there are days has all its weight on this one.
/// Sums are exact for scores that are whole numbers, so no order of the days changes a bit.
///
/// # Errors
/// [`NotEstimable::OneGroup`] if the units have fewer than two scores, or if all or none of them are in the arm.
///
/// ```
/// use whom_stats::trend;
///
/// // Each day by itself shows little; together they rise.
/// let rising: Vec<(i32, u64, u64)> = (0..20).map(|day| (day, 90 + day as u64, 200)).collect();
/// assert!(trend(&rising)?.p_value < 0.01);
/// # Ok::<(), whom_stats::NotEstimable>(())
/// ```
pub fn trend(by_score: &[(i32, u64, u64)]) -> Result<ChiSquare, NotEstimable> {
    let (mut in_arm, mut all, mut scores, mut squares, mut products) = (0_i128, 0_i128, 0_i128, 0_i128, 0_i128);
    let first = by_score.iter().map(|(score, ..)| i128::from(*score)).min().unwrap_or(0);
    for (score, arm, units) in by_score {
        let (score, arm, units) = (i128::from(*score) - first, i128::from(*arm), i128::from(*units));
        in_arm += arm;
        all += units;
        scores += score * units;
        squares += score * score * units;
        products += score * arm;
    }
    let spread = all * squares - scores * scores;
    if spread == 0 || in_arm == 0 || in_arm >= all {
        return Err(NotEstimable::OneGroup);
    }
    // (all * products - in_arm * scores)² / (all² p (1 - p) spread / all), each factor a whole number.
    let slope = (all * products - in_arm * scores) as f64;
    let (in_arm, others) = (in_arm as f64, (all - in_arm) as f64);
    Ok(ChiSquare::new(slope / in_arm * slope / others * all as f64 / spread as f64, 1.0))
}

/// sum over arms of (observed - expected)² / expected, of the arms that expect anything.
pub(crate) fn distance(observed: &[u64], shares: &[f64]) -> f64 {
    let total = observed.iter().sum::<u64>() as f64;
    let expected = shares.iter().map(|share| share * total);
    let terms = observed.iter().zip(expected).filter(|(_, expected)| *expected > 0.0);
    terms.map(|(observed, expected)| (*observed as f64 - expected) * (*observed as f64 - expected) / expected).sum()
}

fn pooled(categories: &[Vec<u64>], shares: &[f64]) -> Vec<Vec<u64>> {
    let smallest = shares.iter().copied().filter(|share| *share > 0.0).fold(1.0, f64::min);
    let is_large = |group: &[u64]| group.iter().sum::<u64>() as f64 * smallest >= SMALLEST_EXPECTED;
    let mut groups: Vec<Vec<u64>> = Vec::new();
    let mut small = vec![0; shares.len()];
    for category in categories {
        if is_large(category) {
            let mut group = vec![0; shares.len()];
            add(&mut group, category);
            groups.push(group);
            continue;
        }
        add(&mut small, category);
        if is_large(&small) {
            groups.push(std::mem::replace(&mut small, vec![0; shares.len()]));
        }
    }
    match groups.last_mut() {
        Some(last) => add(last, &small),
        None => groups.push(small),
    }
    groups
}

fn add(sums: &mut [u64], counts: &[u64]) {
    sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulated::Draws;

    #[test]
    fn a_textbook_table_is_met() {
        // R: chisq.test(rbind(c(762, 484), c(327, 239), c(468, 477))), Agresti's party by gender.
        let test = independence(&[vec![762, 484], vec![327, 239], vec![468, 477]]).unwrap();
        assert!((test.statistic - 30.070_149_095_754_687).abs() < 1e-10);
        assert_eq!(test.degrees_of_freedom, 2.0);
        assert!((test.p_value - 2.953_588_9e-7).abs() < 1e-13);
    }

    #[test]
    fn a_trend_is_the_published_one() {
        // R: prop.trend.test(c(83, 90, 129, 70), c(86, 93, 136, 82)), smokers among patients (Fleiss 1981): X-squared 8.2249,
        // with the scores 1 to 4, p-value 0.004132.
        let test = trend(&[(1, 83, 86), (2, 90, 93), (3, 129, 136), (4, 70, 82)]).unwrap();
        assert!((test.statistic - 8.224_9).abs() < 5e-5, "{}", test.statistic);
        assert!((test.p_value - 0.004_132).abs() < 5e-7, "{}", test.p_value);
        assert_eq!(test.degrees_of_freedom, 1.0);
    }

    #[test]
    fn a_slow_ramp_shows_in_the_trend_before_it_shows_in_the_days() {
        let days: Vec<Vec<u64>> = (0..28).map(|day| vec![2_000 - 5 * day, 2_000 + 5 * day]).collect();
        let by_score: Vec<(i32, u64, u64)> =
            days.iter().zip(0..).map(|(day, score)| (score, day[1], day[0] + day[1])).collect();
        assert!(independence(&days).unwrap().p_value > 0.001);
        assert!(trend(&by_score).unwrap().p_value < 1e-9);
    }

    #[test]
    fn a_trend_does_not_know_where_days_are_counted_from_and_one_arm_mirrors_the_other() {
        let days = [(0, 30, 61), (1, 33, 60), (5, 41, 62), (6, 40, 59)];
        let found = trend(&days).unwrap();
        assert_eq!(trend(&days.map(|(day, arm, all)| (day + 20_000, arm, all))).unwrap(), found);
        let others = trend(&days.map(|(day, arm, all)| (day, all - arm, all))).unwrap();
        assert!((others.statistic - found.statistic).abs() < 1e-12 * found.statistic);
        let mut backwards = days;
        backwards.reverse();
        assert_eq!(trend(&backwards).unwrap(), found);
    }

    proptest::proptest! {
        #[test]
        fn a_trend_is_units_times_the_squared_correlation_of_arm_and_day(
            days in proptest::collection::vec((-40_i32..40, 0_u64..30, 0_u64..30), 2..12),
        ) {
            let table: Vec<(i32, u64, u64)> = days.iter().map(|(day, arm, others)| (*day, *arm, arm + others)).collect();
            let unit = |(day, arm, others): &(i32, u64, u64)| {
                let treated = (0..*arm).map(|_| (f64::from(*day), 1.0));
                treated.chain((0..*others).map(|_| (f64::from(*day), 0.0))).collect::<Vec<_>>()
            };
            let units: Vec<(f64, f64)> = days.iter().flat_map(unit).collect();
            let count = units.len() as f64;
            let (day, arm) = (units.iter().map(|unit| unit.0).sum::<f64>() / count, units.iter().map(|unit| unit.1).sum::<f64>() / count);
            let sum = |term: &dyn Fn(f64, f64) -> f64| units.iter().map(|unit| term(unit.0 - day, unit.1 - arm)).sum::<f64>();
            let (joint, of_day, of_arm) = (sum(&|x, y| x * y), sum(&|x, _| x * x), sum(&|_, y| y * y));
            match trend(&table) {
                Ok(found) => {
                    let expected = count * joint * joint / (of_day * of_arm);
                    proptest::prop_assert!((found.statistic - expected).abs() <= 1e-9 * (1.0 + expected));
                }
                Err(reason) => {
                    proptest::prop_assert_eq!(reason, NotEstimable::OneGroup);
                    proptest::prop_assert!(units.is_empty() || of_day < 1e-9 || of_arm < 1e-9);
                }
            }
        }
    }

    #[test]
    fn no_trend_without_two_days_and_two_arms() {
        for days in [&[][..], &[(3, 5, 9)], &[(3, 0, 9), (4, 0, 8)], &[(3, 9, 9), (4, 8, 8)], &[(3, 5, 9), (4, 0, 0)]] {
            assert_eq!(trend(days), Err(NotEstimable::OneGroup));
        }
    }

    #[test]
    fn small_categories_are_pooled_and_empty_arms_left_out() {
        let small = vec![vec![1, 0, 2]; 40];
        let test = independence(&small).unwrap();
        assert_eq!((test.statistic, test.degrees_of_freedom), (0.0, 7.0));
        assert_eq!(independence(&[vec![100, 0], vec![90, 0]]), Err(NotEstimable::OneGroup));
        assert_eq!(independence(&[vec![100, 90]]), Err(NotEstimable::OneGroup));
        assert_eq!(independence(&[vec![1, 1], vec![2, 1]]), Err(NotEstimable::OneGroup));
        assert_eq!(independence(&[]), Err(NotEstimable::OneGroup));
        assert_eq!(independence(&[vec![], vec![]]), Err(NotEstimable::OneGroup));
    }

    #[test]
    fn an_arm_that_a_category_lacks_has_no_units_in_it() {
        let complete = independence(&[vec![60, 0], vec![40, 100]]);
        assert_eq!(independence(&[vec![60], vec![40, 100]]), complete);
        assert!(complete.unwrap().p_value < 1e-10);
    }

    #[test]
    fn independent_buckets_are_rejected_about_once_in_twenty() {
        let rejected = |seed: &u64| {
            let mut draws = Draws::new(*seed);
            let mut buckets = vec![vec![0; 3]; 1024];
            for _ in 0..5_000 {
                let arm = [0, 0, 1, 2][draws.below(4) as usize];
                buckets[draws.below(1024) as usize][arm] += 1;
            }
            independence(&buckets).unwrap().p_value < 0.05
        };
        assert_eq!((0..200).filter(rejected).count(), 10, "of 200");
    }

    #[test]
    fn an_arm_that_is_the_bucket_is_found() {
        let buckets: Vec<Vec<u64>> =
            (0..1024).map(|bucket| if bucket % 2 == 0 { vec![9, 1] } else { vec![1, 9] }).collect();
        assert!(independence(&buckets).unwrap().p_value < 1e-100);
    }
}
