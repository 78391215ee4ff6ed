//! Corrections for many tests at once.
//!
//! Adjusted p-values are compared with the family's level; they lie in [0, 1], never fall as the raw p-value rises, and
//! come back in the order of the input. Of no test there are no adjusted p-values.

use serde::{Deserialize, Serialize};

/// A correction for the tests of a family.
///
/// ```
/// use whom_stats::Correction;
///
/// assert_eq!(Correction::Bonferroni.adjust(&[0.01, 0.04]), [0.02, 0.08]);
/// assert_eq!(Correction::Holm.adjust(&[0.01, 0.04]), [0.02, 0.04]);
/// assert_eq!(Correction::BenjaminiYekutieli.adjust(&[0.01, 0.04]), [0.03, 0.06]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// Family-wise error under any dependence: p times the number of tests.
    Bonferroni,
    /// Family-wise error under any dependence, never weaker than Bonferroni (Holm 1979).
    Holm,
    /// False discovery rate of independent or positively dependent tests (Benjamini and Hochberg 1995). The contrasts of
    /// cohorts with their rest are negatively dependent, so that [`Self::BenjaminiYekutieli`] is the safe choice for them.
    BenjaminiHochberg,
    /// False discovery rate under any dependence (Benjamini and Yekutieli 2001).
    BenjaminiYekutieli,
}

impl Correction {
    /// The adjusted p-values, in the order of the input.
    pub fn adjust(self, p_values: &[f64]) -> Vec<f64> {
        let tests = p_values.len() as f64;
        match self {
            Self::Bonferroni => p_values.iter().map(|p| (tests * p).min(1.0)).collect(),
            Self::Holm => holm(p_values),
            Self::BenjaminiHochberg => step_up(p_values, 1.0),
            Self::BenjaminiYekutieli => step_up(p_values, harmonic(p_values.len())),
        }
    }
}

/// The level of each of `tests` intervals that are to cover at once with probability `level` (Bonferroni); `level` for none.
pub fn simultaneous_level(level: f64, tests: usize) -> f64 {
    1.0 - (1.0 - level) / tests.max(1) as f64
}

fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut adjusted = vec![0.0; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, test) in ascending(p_values).into_iter().enumerate() {
        largest = largest.max((p_values.len() - rank) as f64 * p_values[test]).min(1.0);
        adjusted[test] = largest;
    }
    adjusted
}

/// 1 + 1/2 + ... + 1/tests.
fn harmonic(tests: usize) -> f64 {
    (1..=tests).map(|rank| 1.0 / rank as f64).sum()
}

/// The smallest of penalty x tests / rank x p over the p-values from this one upwards.
fn step_up(p_values: &[f64], penalty: f64) -> Vec<f64> {
    let tests = p_values.len() as f64;
    let mut adjusted = vec![0.0; p_values.len()];
    let mut smallest = 1.0_f64;
    for (rank, test) in ascending(p_values).into_iter().enumerate().rev() {
        smallest = smallest.min(penalty * tests / (rank + 1) as f64 * p_values[test]);
        adjusted[test] = smallest;
    }
    adjusted
}

fn ascending(p_values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|left, right| p_values[*left].total_cmp(&p_values[*right]));
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_textbook_family_is_met() {
        // R: p.adjust(c(.01, .02, .03, .04, .05), "holm") and "BY".
        let p_values = [0.03, 0.01, 0.05, 0.02, 0.04];
        let holm = Correction::Holm.adjust(&p_values);
        let close = |found: &[f64], expected: [f64; 5]| found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-12);
        assert!(close(&holm, [0.09, 0.05, 0.09, 0.08, 0.09]), "{holm:?}");
        let yekutieli = Correction::BenjaminiYekutieli.adjust(&p_values);
        assert!(close(&yekutieli, [0.114_166_666_666_666_67; 5]), "{yekutieli:?}");
    }

    #[test]
    fn an_empty_family_is_empty() {
        assert!(Correction::Holm.adjust(&[]).is_empty());
        assert_eq!(simultaneous_level(0.95, 0), 0.95);
        assert_eq!(simultaneous_level(0.95, 5), 0.99);
    }

    proptest! {
        #[test]
        fn adjusting_keeps_the_order_and_never_helps(p_values in prop::collection::vec(0.0..=1.0_f64, 1..20)) {
            for correction in [Correction::Bonferroni, Correction::Holm, Correction::BenjaminiYekutieli] {
                let adjusted = correction.adjust(&p_values);
                for (i, p) in p_values.iter().enumerate() {
                    prop_assert!(*p <= adjusted[i] && adjusted[i] <= 1.0);
                    for (j, q) in p_values.iter().enumerate() {
                        prop_assert!(p > q || adjusted[i] <= adjusted[j]);
                    }
                }
            }
        }

        #[test]
        fn holm_is_never_weaker_than_bonferroni(p_values in prop::collection::vec(0.0..=1.0_f64, 1..20)) {
            let (holm, bonferroni) = (Correction::Holm.adjust(&p_values), Correction::Bonferroni.adjust(&p_values));
            prop_assert!(holm.iter().zip(&bonferroni).all(|(holm, bonferroni)| holm <= bonferroni));
        }
    }
}
