//! Corrected p-values of a bootstrapped family: single-step, and step-down after Romano and Wolf.
//!
//! **Single step.** With c the critical value of max |t*| over a set K of hypotheses, and p the two-sided reference
//! distribution, the set is summed up by m = ln(level) / ln(1 - p(c)) independent tests (at least 1), and the corrected p-value
//! of t is 1 - (1 - p(|t|))^m. It lies below 1 - level exactly where |t| > c.
//!
//! **Step down** (Romano and Wolf 2005, Algorithm 4.1). Hypotheses are ordered by their single-step p-value. The first is
//! corrected for all, the next for those that are left without it, and so on; an adjusted p-value is the largest on the way to
//! it. Whatever the order, the first true hypothesis to be rejected is rejected while all true ones are still in the set, and a
//! critical value of more hypotheses is never smaller, so that the chance of any false rejection is that of one single step
//! over the true hypotheses. Each set has its own effective number of tests, and no p-value is counted from replicates.
//!
//! The step-down p-value is never above the single-step one: an interval that excludes zero is always a step-down rejection.
//! The converse is not promised, as the intervals stay single-step: the step-down may prove an effect whose simultaneous
//! interval still touches zero. It may be used wherever max |t*| is.

use crate::distribution::Reference;
use crate::estimate::Estimate;

/// How a statistic and the critical value of its set become a corrected p-value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Correcting {
    pub(crate) reference: Reference,
    /// The probability that no true hypothesis is rejected.
    pub(crate) level: f64,
}

impl Correcting {
    /// The order statistic of rank ceil((replicates + 1) level) among the replicates' maxima, which come back in another order.
    pub(crate) fn critical_value(self, maxima: &mut [f64]) -> Option<f64> {
        let rank = ((maxima.len() + 1) as f64 * self.level).ceil() as usize;
        let place = rank.clamp(1, maxima.len().max(1)) - 1;
        (!maxima.is_empty()).then(|| *maxima.select_nth_unstable_by(place, f64::total_cmp).1)
    }

    /// The family's critical value, or that of a single test if it is larger: correcting never helps.
    pub(crate) fn at_least_single(self, critical_value: f64, degrees_of_freedom: f64) -> f64 {
        critical_value.max(self.reference.critical_value(self.level, degrees_of_freedom))
    }

    /// The number of independent tests with this critical value, at least 1.
    pub(crate) fn effective_tests(self, critical_value: f64, degrees_of_freedom: f64) -> f64 {
        (libm::log(self.level) / self.ln_coverage(critical_value, degrees_of_freedom)).max(1.0)
    }

    /// Šidák's p-value for that many independent tests.
    pub(crate) fn p_adjusted(self, estimate: &Estimate, effective_tests: f64) -> f64 {
        -libm::expm1(effective_tests * self.ln_coverage(estimate.statistic(), estimate.degrees_of_freedom))
    }

    /// A tail below the smallest number counts as that number, so that no product of zero and infinity arises.
    fn ln_coverage(self, statistic: f64, degrees_of_freedom: f64) -> f64 {
        let p_value = self.reference.two_sided_p(statistic, degrees_of_freedom);
        libm::log1p(-p_value.max(f64::MIN_POSITIVE))
    }

    /// The step-down p-values, in the order of the estimates. `distances` holds |t*| by replicate and hypothesis, with zero
    /// where a replicate has no value; one row at least, unless there is no estimate.
    pub(crate) fn step_down(self, estimates: &[Estimate], distances: &[Vec<f64>]) -> Vec<f64> {
        let maximum = |row: &Vec<f64>| row.iter().copied().fold(0.0, f64::max);
        let single_step = self.corrected(estimates, &mut distances.iter().map(maximum).collect::<Vec<_>>());
        let mut order: Vec<usize> = (0..estimates.len()).collect();
        order.sort_by(|left, right| {
            let distance = |hypothesis: usize| estimates[hypothesis].statistic().abs();
            single_step[*left].total_cmp(&single_step[*right]).then(distance(*right).total_cmp(&distance(*left)))
        });
        let mut adjusted = single_step;
        let mut maxima = vec![0.0_f64; distances.len()];
        for hypothesis in order.iter().rev() {
            maxima.iter_mut().zip(distances).for_each(|(maximum, row)| *maximum = maximum.max(row[*hypothesis]));
            let alone = self.corrected(&estimates[*hypothesis..=*hypothesis], &mut maxima.clone());
            adjusted[*hypothesis] = alone.first().map_or(1.0, |p_value| p_value.min(adjusted[*hypothesis]));
        }
        let mut largest = 0.0_f64;
        for hypothesis in order {
            largest = largest.max(adjusted[hypothesis]);
            adjusted[hypothesis] = largest;
        }
        adjusted
    }

    /// The p-values of some estimates, corrected for a set with these maxima.
    fn corrected(self, estimates: &[Estimate], maxima: &mut [f64]) -> Vec<f64> {
        let critical_value = self.critical_value(maxima).unwrap_or(f64::INFINITY);
        let one = |estimate: &Estimate| {
            let critical_value = self.at_least_single(critical_value, estimate.degrees_of_freedom);
            self.p_adjusted(estimate, self.effective_tests(critical_value, estimate.degrees_of_freedom))
        };
        estimates.iter().map(one).collect()
    }
}

#[cfg(test)]
mod tests;
