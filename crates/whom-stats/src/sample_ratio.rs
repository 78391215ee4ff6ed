//! The sample-ratio test: did the arms receive the units that their weights promise?

use serde::{Deserialize, Serialize};

use crate::distribution::{binomial_tails, chi_square_upper};
use crate::estimate::NotEstimable;
use crate::independence::distance;

/// Expected units in an arm below which the test is exact.
const SMALL_EXPECTED: f64 = 10.0;
/// Tables that an exact test enumerates at most.
const MOST_TABLES: f64 = 200_000.0;
/// Two probabilities this close count as equal, so that rounding cannot break a tie.
const TIE: f64 = 1e-7;

/// How a sample ratio was tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleRatioMethod {
    /// Pearson's chi-square.
    ChiSquare,
    /// The exact multinomial: the probability of all tables no likelier than the observed one.
    ExactMultinomial,
    /// The smallest of the arms' exact binomial p-values, times the number of arms; where there are too many tables to enumerate.
    ExactBinomials,
}

/// The sample-ratio test's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleRatio {
    /// The p-value.
    pub p_value: f64,
    /// The units expected in each arm.
    pub expected: Vec<f64>,
    /// How it was tested.
    pub method: SampleRatioMethod,
}

/// Tests units by arm against the arms' weights, which need not add up to 1. Exact where an arm expects fewer than 10 units.
///
/// # Errors
/// [`NotEstimable::NoWeight`] if a weight is missing or not positive, [`NotEstimable::NoUnits`] without units, and
/// [`NotEstimable::OneGroup`] with fewer than two arms.
///
/// ```
/// use whom_stats::sample_ratio;
///
/// assert!(sample_ratio(&[21_306, 21_307, 21_387], &[1.0, 1.0, 1.0])?.p_value > 0.5);
/// assert!(sample_ratio(&[21_306, 20_307], &[0.5, 0.5])?.p_value < 1e-5);
/// # Ok::<(), whom_stats::NotEstimable>(())
/// ```
pub fn sample_ratio(units: &[u64], weights: &[f64]) -> Result<SampleRatio, NotEstimable> {
    let shares = shares(units.len(), weights)?;
    let total: u64 = units.iter().sum();
    if total == 0 {
        return Err(NotEstimable::NoUnits);
    }
    let expected: Vec<f64> = shares.iter().map(|share| share * total as f64).collect();
    let (p_value, method) = if expected.iter().all(|expected| *expected >= SMALL_EXPECTED) {
        let p_value = chi_square_upper(distance(units, &shares), (units.len() - 1) as f64);
        (p_value, SampleRatioMethod::ChiSquare)
    } else if tables(total, units.len()) <= MOST_TABLES {
        (Multinomial::new(total, &shares).p_value(units), SampleRatioMethod::ExactMultinomial)
    } else {
        (binomials(units, &shares), SampleRatioMethod::ExactBinomials)
    };
    Ok(SampleRatio { p_value, expected, method })
}

/// The weights of so many arms as shares that add up to 1.
pub(crate) fn shares(arms: usize, weights: &[f64]) -> Result<Vec<f64>, NotEstimable> {
    if arms != weights.len() || weights.iter().any(|weight| !(*weight > 0.0 && weight.is_finite())) {
        return Err(NotEstimable::NoWeight);
    }
    if arms < 2 {
        return Err(NotEstimable::OneGroup);
    }
    let weight: f64 = weights.iter().sum();
    Ok(weights.iter().map(|arm| arm / weight).collect())
}

/// The number of ways to put `total` units into `arms`: (total + arms - 1) over (arms - 1).
fn tables(total: u64, arms: usize) -> f64 {
    (1..arms).map(|arm| (total as f64 + arm as f64) / arm as f64).product()
}

fn binomials(units: &[u64], shares: &[f64]) -> f64 {
    let total = units.iter().sum();
    let arm = |(units, share): (&u64, &f64)| {
        let (at_most, at_least) = binomial_tails(*units, total, *share);
        2.0 * at_most.min(at_least)
    };
    (units.len() as f64 * units.iter().zip(shares).map(arm).fold(1.0, f64::min)).min(1.0)
}

/// A multinomial distribution of few units.
struct Multinomial {
    total: u64,
    ln_shares: Vec<f64>,
    ln_factorials: Vec<f64>,
}

impl Multinomial {
    fn new(total: u64, shares: &[f64]) -> Self {
        Self {
            total,
            ln_shares: shares.iter().map(|share| libm::log(*share)).collect(),
            ln_factorials: (0..=total).map(|count| libm::lgamma(count as f64 + 1.0)).collect(),
        }
    }

    fn p_value(&self, units: &[u64]) -> f64 {
        let start = self.ln_factorials[self.total as usize];
        let observed = start + units.iter().enumerate().map(|(arm, units)| self.term(arm, *units)).sum::<f64>();
        self.sum_no_likelier(observed + TIE, 0, self.total, start).min(1.0)
    }

    /// The probability of the tables that are no likelier than a bound, given the arms already filled.
    fn sum_no_likelier(&self, bound: f64, arm: usize, left: u64, so_far: f64) -> f64 {
        if arm + 1 == self.ln_shares.len() {
            let table = so_far + self.term(arm, left);
            return if table <= bound { libm::exp(table) } else { 0.0 };
        }
        (0..=left).map(|units| self.sum_no_likelier(bound, arm + 1, left - units, so_far + self.term(arm, units))).sum()
    }

    fn term(&self, arm: usize, units: u64) -> f64 {
        units as f64 * self.ln_shares[arm] - self.ln_factorials[units as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_samples_are_exact() {
        // R: binom.test(2, 12)$p.value = 158 / 4096, and by counting for the multinomial.
        let test = sample_ratio(&[2, 10], &[1.0, 1.0]).unwrap();
        assert_eq!(test.method, SampleRatioMethod::ExactMultinomial);
        assert!((test.p_value - 158.0 / 4096.0).abs() < 1e-12);
        let three = sample_ratio(&[3, 0, 0], &[2.0, 2.0, 2.0]).unwrap();
        assert!((three.p_value - 3.0 / 27.0).abs() < 1e-12);
    }

    #[test]
    fn large_samples_are_chi_square() {
        let test = sample_ratio(&[21_306, 21_307, 21_387], &[1.0, 1.0, 1.0]).unwrap();
        assert_eq!(test.method, SampleRatioMethod::ChiSquare);
        assert!((test.p_value - libm::exp(-0.202_531_25 / 2.0)).abs() < 1e-9, "{}", test.p_value);
    }

    #[test]
    fn a_rare_arm_among_millions_is_exact_too() {
        let test = |rare| sample_ratio(&[rare, 1_000_000, 1_000_000], &[0.000_002, 1.0, 1.0]).unwrap();
        assert_eq!(test(2).method, SampleRatioMethod::ExactBinomials);
        assert_eq!(test(2).p_value, 1.0);
        assert!(test(15).p_value < 1e-6);
    }

    #[test]
    fn exact_and_chi_square_agree_where_both_are_good() {
        for units in [[30, 50, 40], [20, 60, 40], [45, 38, 37]] {
            let exact = Multinomial::new(120, &[1.0 / 3.0; 3]).p_value(&units);
            let chi_square = chi_square_upper(distance(&units, &[1.0 / 3.0; 3]), 2.0);
            assert!((exact - chi_square).abs() < 0.05, "{exact} against {chi_square}");
        }
    }

    #[test]
    fn what_cannot_be_tested_has_a_name() {
        assert_eq!(sample_ratio(&[0, 0], &[1.0, 1.0]), Err(NotEstimable::NoUnits));
        assert_eq!(sample_ratio(&[5, 5], &[1.0]), Err(NotEstimable::NoWeight));
        assert_eq!(sample_ratio(&[5, 5], &[1.0, 0.0]), Err(NotEstimable::NoWeight));
        assert_eq!(sample_ratio(&[5, 5], &[1.0, f64::NAN]), Err(NotEstimable::NoWeight));
        assert_eq!(sample_ratio(&[5], &[1.0]), Err(NotEstimable::OneGroup));
    }
}
