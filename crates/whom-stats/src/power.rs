//! What the measuring fold could have shown.

use serde::{Deserialize, Serialize};

use crate::distribution::Reference;
use crate::estimate::Estimate;

/// Shares of the units at which a cohort's detectable difference is stated.
pub const COHORT_SHARES: [f64; 3] = [0.10, 0.25, 0.50];

/// The smallest difference between a cohort's effect and that of the rest which a test would probably have found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DetectableDifference {
    /// The cohort's share of the units.
    pub share: f64,
    /// The difference, in the metric's unit.
    pub difference: f64,
}

/// The test that a detectable difference is stated for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Detection {
    /// One less the test's two-sided error rate.
    pub level: f64,
    /// The probability of finding the difference, at least one half.
    pub power: f64,
}

impl Default for Detection {
    /// 80 % power at 5 %.
    fn default() -> Self {
        Self { level: 0.95, power: 0.8 }
    }
}

impl Detection {
    /// The detectable difference of a cohort with this share of the units, strictly between 0 and 1, against the rest.
    ///
    /// With V = v1 / n1 + v0 / n0 the variance of the measuring fold's average effect, a cohort of share s that varies like
    /// everybody has variance V / s and the rest V / (1 - s), so the contrast's standard error is sqrt(V / (s (1 - s))) and
    /// the difference (z of the level + z of the power) times that. It never uses an observed difference.
    ///
    /// ```
    /// use whom_stats::{Detection, Effect, Grid, Moments};
    ///
    /// let visits = |n: u64, events: u64| Moments { n, events, sum: events.into(), sum_squares: events.into() };
    /// let average = Effect::welch(&visits(10_700, 1_600), &visits(10_650, 1_130), Grid::INTEGER)?;
    /// let half = Detection::default().difference(&average.difference, 0.5);
    /// assert_eq!(format!("{:.4}", half.difference), "0.0256");
    /// # Ok::<(), whom_stats::NotEstimable>(())
    /// ```
    pub fn difference(self, average: &Estimate, share: f64) -> DetectableDifference {
        let normal = |level| Reference::Normal.critical_value(level, f64::INFINITY);
        let standard_errors = normal(self.level) + normal(2.0 * self.power - 1.0);
        let std_err = average.std_err / (share * (1.0 - share)).sqrt();
        DetectableDifference { share, difference: standard_errors * std_err }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::BucketSet;
    use crate::grid::Grid;
    use crate::measured::{Measured, Target};
    use crate::simulated::Trial;

    #[test]
    fn the_difference_is_found_in_four_of_five_experiments() {
        let measure = |effects: &[i64], seed| {
            let statistics = Trial { units: 1_000, buckets: &BucketSet::all(), effects }.run(seed);
            let measured = Measured { cells: &statistics, buckets: &BucketSet::all(), grids: &[Grid::INTEGER] };
            let target = Target { metric: 0, treatment: 1, cell: 1 };
            (measured.average_effect(target).unwrap(), measured.contrast(target).unwrap())
        };
        let in_one = |seed| Detection::default().difference(&measure(&[0, 0], seed).0.difference, 0.5).difference;
        let detectable = (0..20).map(in_one).sum::<f64>() / 20.0;
        let found =
            (0..300).filter(|seed| measure(&[0, detectable as i64], *seed).1.p_value(Reference::T) < 0.05).count();
        assert_eq!(found, 232, "of 300, where 240 are expected, give or take 7");
    }

    #[test]
    fn small_cohorts_need_large_differences() {
        let statistics = Trial { units: 1_000, buckets: &BucketSet::all(), effects: &[0] }.run(0);
        let measured = Measured { cells: &statistics, buckets: &BucketSet::all(), grids: &[Grid::INTEGER] };
        let average = measured.average_effect(Target { metric: 0, treatment: 1, cell: 0 }).unwrap();
        let [tenth, quarter, half] =
            COHORT_SHARES.map(|share| Detection::default().difference(&average.difference, share).difference);
        assert!(tenth > quarter && quarter > half);
        assert!((tenth / half - 5.0 / 3.0).abs() < 1e-12);
    }
}
