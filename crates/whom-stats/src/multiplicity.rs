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

    /// The adjusted p-values of those that were tested: the others count as no test, and stay `None`.
    pub fn adjust_tested(self, p_values: &[Option<f64>]) -> Vec<Option<f64>> {
        let tested: Vec<f64> = p_values.iter().copied().flatten().collect();
        let mut adjusted = self.adjust(&tested).into_iter();
        p_values.iter().map(|p_value| p_value.and_then(|_| adjusted.next())).collect()
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
    use crate::distribution::Reference;
    use crate::expected::value;
    use crate::simulated::Draws;

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
    fn statsmodels_is_met() {
        let of =
            |name: &str| (0..10).map(|test| value("multiplicity", "ten", &format!("{name}{test}"))).collect::<Vec<_>>();
        let corrections = [
            (Correction::Holm, "holm"),
            (Correction::BenjaminiHochberg, "hochberg"),
            (Correction::BenjaminiYekutieli, "yekutieli"),
        ];
        for (correction, name) in corrections {
            let found = correction.adjust(&of("p"));
            assert!(
                found.iter().zip(of(name)).all(|(found, expected)| (found - expected).abs() < 1e-14),
                "{name}: {found:?}"
            );
        }
    }

    #[test]
    fn the_share_of_false_discoveries_stays_below_its_level_if_some_are_true() {
        // Twenty independent tests; of 5, 10 and 15 of them the null is true, the others are three standard errors away.
        let mut draws = Draws::new(29);
        let mut share = |nulls: usize, correction: Correction| {
            let families = (0..500).map(|_| {
                let p_value = |test| {
                    let shift = if test < nulls { 0.0 } else { 3.0 };
                    Reference::Normal.two_sided_p(shift + draws.noise() as f64 / 1000.0, f64::INFINITY)
                };
                let adjusted = correction.adjust(&(0..20).map(p_value).collect::<Vec<_>>());
                let found = |adjusted: &[f64]| adjusted.iter().filter(|p_value| **p_value < 0.05).count();
                found(&adjusted[..nulls]) as f64 / found(&adjusted).max(1) as f64
            });
            (families.sum::<f64>() * 2.0).round() as i64
        };
        let tenths_of_percent = [5, 10, 15].map(|nulls| share(nulls, Correction::BenjaminiHochberg));
        assert_eq!(tenths_of_percent, [13, 20, 42], "12.5, 25 and 37.5 are expected");
    }

    #[test]
    fn an_empty_family_is_empty() {
        assert!(Correction::Holm.adjust(&[]).is_empty());
        assert_eq!(Correction::Holm.adjust_tested(&[None, Some(0.01), None]), [None, Some(0.01), None]);
        assert!(Correction::BenjaminiHochberg.adjust(&[]).is_empty());
        assert_eq!(simultaneous_level(0.95, 0), 0.95);
        assert_eq!(simultaneous_level(0.95, 5), 0.99);
    }

    proptest! {
        #[test]
        fn adjusting_keeps_the_order_and_never_helps(p_values in prop::collection::vec(0.0..=1.0_f64, 1..20)) {
            let all =
                [Correction::Bonferroni, Correction::Holm, Correction::BenjaminiHochberg, Correction::BenjaminiYekutieli];
            for correction in all {
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
        fn hochberg_is_never_stricter_than_holm_or_yekutieli(p_values in prop::collection::vec(0.0..=1.0_f64, 1..20)) {
            let hochberg = Correction::BenjaminiHochberg.adjust(&p_values);
            for stricter in [Correction::Holm, Correction::BenjaminiYekutieli] {
                let stricter = stricter.adjust(&p_values);
                prop_assert!(hochberg.iter().zip(&stricter).all(|(hochberg, other)| *hochberg <= other + 1e-15));
            }
        }

        #[test]
        fn holm_is_never_weaker_than_bonferroni(p_values in prop::collection::vec(0.0..=1.0_f64, 1..20)) {
            let (holm, bonferroni) = (Correction::Holm.adjust(&p_values), Correction::Bonferroni.adjust(&p_values));
            prop_assert!(holm.iter().zip(&bonferroni).all(|(holm, bonferroni)| holm <= bonferroni));
        }
    }
}
