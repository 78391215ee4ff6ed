//! Checks of tags: equal across the arms, known and missing alike, and none of them what was assigned in place of the unit.

mod whole;

use rayon::prelude::*;
use whom_spec::plan::Validate;
use whom_stats::{
    Check, Grid, Moments, NotEstimable, Share, Tested, TestedPart, equal_means, independence, sample_ratio,
    standardised_share_difference,
};

use super::arms::Arms;
use crate::bins::{BinKind, TagBins};
use crate::bucket_sums::BucketSums;
use crate::tally::TagTally;

/// What to do about tags that differ.
const IMBALANCE: &str = "a tag that differs between arms was written after assignment, or the assignment is broken; take \
     it out, or find the cause";

/// What to do about tags that are missing in one arm more than in another.
const MISSING: &str = "units of one arm miss a tag more often; find out why before using it";

/// The tags of the analysed units, counted by arm.
pub(super) struct TagsByArm<'a> {
    pub(super) arms: &'a Arms<'a>,
    pub(super) bins: &'a [TagBins],
    /// What was counted of each tag.
    pub(super) counted: &'a [TagTally],
}

impl TagsByArm<'_> {
    /// Balance of all tags, and missing tags; nothing without a tag.
    pub(super) fn checks(&self, levels: &Validate) -> Vec<Check> {
        if self.bins.is_empty() {
            return Vec::new();
        }
        let parts = self.bins.par_iter().zip(self.counted).map(|(bins, counted)| {
            let mut known = counted.by_code_and_arm();
            let unknown = known.pop().unwrap_or_default();
            (self.balance(bins, counted.sums.as_ref(), &known), self.missing(bins, &known, unknown))
        });
        let (balance, missing) = parts.unzip();
        vec![
            Check::of_parts("balance of tags", "tags", balance, levels.balance_p).with_fix(IMBALANCE),
            Check::of_parts("missing tags", "tags", missing, levels.missing_p).with_fix(MISSING),
        ]
    }

    fn balance(&self, bins: &TagBins, sums: Option<&BucketSums>, known: &[Vec<u64>]) -> TestedPart {
        let (test, largest) = match &bins.kind {
            BinKind::Numeric { .. } => (numeric_test(known), sums.and_then(|sums| self.largest_mean_difference(sums))),
            BinKind::Categorical { .. } => {
                (independence(known).map(Tested::from), self.largest_share_difference(known))
            }
        };
        let difference = match largest.and_then(|(arm, difference)| Some((self.arms.names.get(arm)?, difference))) {
            Some((arm, difference)) => {
                let control = self.arms.names.first().copied().unwrap_or_default();
                format!("largest standardised difference from {control}: {difference:+.3} ({arm})")
            }
            None => "no standardised difference".to_owned(),
        };
        part(bins, test, difference)
    }

    /// Chi-square, or an exact test where few units miss the tag or few have it.
    fn missing(&self, bins: &TagBins, known: &[Vec<u64>], unknown: Vec<u64>) -> TestedPart {
        if unknown.iter().all(|units| *units == 0) {
            return TestedPart { subject: bins.name.clone(), tested: None, detail: "no unit misses it".to_owned() };
        }
        let detail = format!("missing: {}", self.arms.in_words(&unknown));
        let having = (0..self.arms.len()).map(|arm| known.iter().map(|units| units[arm]).sum()).collect();
        let table = [unknown, having];
        let test = independence(&table).map(Tested::from);
        part(bins, test.or_else(|reason| exactly_alike(&table).map_err(|_| reason)), detail)
    }

    /// The treatment whose mean differs most from control's, in pooled standard deviations.
    fn largest_mean_difference(&self, sums: &BucketSums) -> Option<(usize, f64)> {
        let summary = |arm: usize| {
            let found = sums.spread(arm..arm + 1).filter(|found| found.values > 1)?;
            Some((found.mean, found.squares / (found.values - 1) as f64))
        };
        let (control_mean, control_variance) = summary(0)?;
        let differences = (1..self.arms.len()).filter_map(|arm| {
            let (mean, variance) = summary(arm)?;
            let deviation = f64::midpoint(variance, control_variance).sqrt();
            (deviation > 0.0).then(|| (arm, (mean - control_mean) / deviation))
        });
        largest(differences)
    }

    fn largest_share_difference(&self, known: &[Vec<u64>]) -> Option<(usize, f64)> {
        let whole: Vec<u64> = (0..self.arms.len()).map(|arm| known.iter().map(|units| units[arm]).sum()).collect();
        let differences = known.iter().flat_map(|units| {
            let share = |arm: usize| Share { part: units[arm], whole: whole[arm] };
            let differences = (1..self.arms.len())
                .filter_map(|arm| Some((arm, standardised_share_difference(share(arm), share(0)).ok()?)));
            differences.collect::<Vec<_>>()
        });
        largest(differences)
    }
}

fn part(bins: &TagBins, test: Result<Tested, NotEstimable>, detail: String) -> TestedPart {
    let detail = match &test {
        Ok(_) => detail,
        Err(reason) => format!("{detail}; not tested: {reason}"),
    };
    TestedPart { subject: bins.name.clone(), tested: test.ok(), detail }
}

/// The smaller of two p-values, times two: whether the arms share a mean code, which sees a small shift of all units, and
/// whether they share a distribution over the codes, which sees anything else. Codes are ranks, so no unit outweighs the
/// others, and they are integers. Of two codes both tests are the same one.
fn numeric_test(known: &[Vec<u64>]) -> Result<Tested, NotEstimable> {
    let distribution = Tested::from(independence(known)?);
    if known.len() < 3 {
        return Ok(distribution);
    }
    let Ok(means) = equal_means(&moments_of_codes(known), Grid::INTEGER).map(Tested::from) else {
        return Ok(distribution);
    };
    let smaller = if means.p_value < distribution.p_value { means } else { distribution };
    Ok(Tested { p_value: (2.0 * smaller.p_value).min(1.0), ..smaller })
}

/// By arm, the moments of the codes.
fn moments_of_codes(known: &[Vec<u64>]) -> Vec<Moments> {
    let mut arms = vec![Moments::default(); known.first().map_or(0, Vec::len)];
    for (code, units) in known.iter().enumerate() {
        for (arm, units) in arms.iter_mut().zip(units) {
            let (code, count) = (code as i128, i128::from(*units));
            *arm += Moments {
                n: *units,
                events: if code > 0 { *units } else { 0 },
                sum: count * code,
                sum_squares: count * code * code,
            };
        }
    }
    arms
}

/// Whether the fewer of two groups of units have the arms' shares of all of them, exactly. It ignores that units are drawn
/// without replacement, which makes it a little cautious. Arms without a unit take no part.
fn exactly_alike([some, others]: &[Vec<u64>; 2]) -> Result<Tested, NotEstimable> {
    let fewer = if some.iter().sum::<u64>() <= others.iter().sum() { some } else { others };
    let whole = some.iter().zip(others).map(|(some, others)| some + others);
    let (units, weights): (Vec<u64>, Vec<f64>) =
        fewer.iter().zip(whole).filter(|(_, whole)| *whole > 0).map(|(units, whole)| (*units, whole as f64)).unzip();
    sample_ratio(&units, &weights).map(Tested::from)
}

fn largest(differences: impl Iterator<Item = (usize, f64)>) -> Option<(usize, f64)> {
    differences.reduce(|most, next| if next.1.abs() > most.1.abs() { next } else { most })
}

#[cfg(test)]
mod tests;
