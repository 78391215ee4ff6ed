//! Checks of the assignment: shares of the arms as exposed, after each step that drops units, by fold, bucket and day,
//! and within cohorts.

use std::collections::BTreeMap;

use whom_spec::plan::Validate;
use whom_stats::check::Tested;
use whom_stats::{
    CONCENTRATION, Check, Fold, Folds, NotEstimable, TestedPart, independence, sample_ratio, sequential_sample_ratio,
    trend,
};

use super::arms::Arms;
use super::within::ByDay;

/// What to do about a sample ratio that cannot be chance.
const MISMATCH: &str =
    "units were lost or added in one variant more than in another; find the cause before reading any effect";

/// What to do about an assignment that depends on our buckets.
const KNOWS_BUCKETS: &str = "the assignment knows our buckets; write to us with the way your platform assigns";

/// What to do about given folds that know the assignment.
const KNOWS_FOLDS: &str =
    "the folds that `discover.folds` gives depend on the arms: both must be drawn without the other";

/// What to do about shares that move.
const MOVING_SHARES: &str = "the shares changed while the experiment ran, which confounds effects with time; declare the \
     periods and their weights in `split.allocation`, or set `start` and `end` to a period of constant shares";

/// What to do about strata that lack a variant.
const LACKING: &str = "effects leave these units out; name columns with fewer values, or choose by `where` the units that all \
     variants were offered to";

/// A stratum with fewer units of an arm cannot be compared.
const LEAST_TO_COMPARE: u64 = 2;

/// The most strata that a message names.
const MOST_NAMED: usize = 3;

/// Units by stratum and arm: those that a check is about, and all that were exposed.
pub(super) struct Counts<'a> {
    pub(super) units: &'a [Vec<u64>],
    pub(super) exposed: &'a [Vec<u64>],
}

/// Units by arm for each key: a bucket, a day.
type ByKey<K> = BTreeMap<K, Vec<u64>>;

/// Units by arm against the declared shares, and against each other.
pub(super) struct Assignment<'a> {
    pub(super) arms: &'a Arms<'a>,
    pub(super) levels: &'a Validate,
}

impl Assignment<'_> {
    /// The units by arm are as the declared shares promise.
    pub(super) fn sample_ratio(&self, name: &str, units: &[u64]) -> Check {
        let mut detail = self.arms.in_words(units);
        if self.levels.sequence_units.is_some() {
            detail.push_str("; tested for every look");
        }
        Check::tested(name, self.as_promised(units), self.levels.sample_ratio_p, &detail).with_fix(MISMATCH)
    }

    /// Units against the declared shares: Pearson's test, or the sequential one where the plan is looked at every night.
    fn as_promised(&self, units: &[u64]) -> Result<Tested, NotEstimable> {
        if self.levels.sequence_units.is_none() {
            return sample_ratio(units, &self.arms.weights).map(Into::into);
        }
        let p_value = sequential_sample_ratio(units, &self.arms.weights, CONCENTRATION)?;
        Ok(Tested { statistic: None, p_value })
    }

    /// As [`Self::sample_ratio`], and within strata in each of them, corrected over them. Where strata have shares of their
    /// own, the arms must have kept the same share of the units that were exposed; as exposed, there is nothing to test.
    pub(super) fn within_strata(&self, name: &str, units: &[u64], strata: &Counts<'_>) -> Check {
        let Some(within) = &self.arms.within else { return self.sample_ratio(name, units) };
        let part = |(stratum, (subject, weights)): (usize, &(String, Vec<f64>))| {
            let (units, exposed) = (strata.units.get(stratum)?, strata.exposed.get(stratum)?);
            let tested = if within.realised {
                kept_alike(units, exposed)
            } else {
                sample_ratio(units, weights).ok().map(Into::into)
            };
            Some(TestedPart { subject: subject.clone(), tested, detail: self.arms.in_words(units) })
        };
        let parts = within.shares.iter().enumerate().filter_map(part).collect();
        Check::of_parts(name, within.noun, parts, self.levels.sample_ratio_p).with_fix(MISMATCH)
    }

    /// Every stratum has two units of every arm, without which it cannot be compared; advice. `None` without strata.
    pub(super) fn in_every_stratum(&self, by_stratum: &[Vec<u64>]) -> Option<Check> {
        let within = self.arms.within.as_ref()?;
        let lacking = within.shares.iter().zip(by_stratum).filter(|(_, units)| {
            units.iter().any(|units| *units > 0) && units.iter().any(|units| *units < LEAST_TO_COMPARE)
        });
        let lacking: Vec<(&str, u64)> = lacking.map(|((name, _), units)| (name.as_str(), units.iter().sum())).collect();
        let (count, noun) = (within.shares.len(), within.noun);
        let mut detail = format!("{count} {noun}");
        if !lacking.is_empty() {
            let units: u64 = lacking.iter().map(|(_, units)| units).sum();
            let first = Arms::quoted(lacking.iter().take(MOST_NAMED).map(|(name, _)| *name));
            let more = if lacking.len() > MOST_NAMED { ", …" } else { "" };
            detail = format!(
                "{units} units are in {} of {count} {noun} with fewer than {LEAST_TO_COMPARE} units in a variant: {first}{more}",
                lacking.len()
            );
        }
        let name = format!("every variant in all {noun}");
        Some(Check::ruled(name, !lacking.is_empty(), detail).as_advice().with_fix(LACKING))
    }

    /// The declared shares hold within each fold that has buckets, and do not differ between folds.
    pub(super) fn by_fold(&self, folds: &Folds, by_bucket: &ByKey<u16>) -> Vec<Check> {
        let held = [Fold::Discover, Fold::Measure, Fold::Judge].into_iter();
        let held: Vec<(Fold, Vec<u64>)> = held
            .filter(|fold| !folds.buckets(*fold).is_empty())
            .map(|fold| (fold, self.sum(by_bucket.iter().filter(|(bucket, _)| folds.of(**bucket) == fold))))
            .collect();
        let ratio = |(fold, units): &(Fold, Vec<u64>)| {
            self.sample_ratio(&format!("sample ratio of the fold to {}", fold_word(*fold)), units)
        };
        let mut checks: Vec<Check> = held.iter().map(ratio).collect();
        let units: Vec<Vec<u64>> = held.into_iter().map(|(_, units)| units).collect();
        let words: Vec<String> = units.iter().map(|units| self.arms.in_words(units)).collect();
        let test = independence(&units);
        let fix = if *folds == Folds::given() { KNOWS_FOLDS } else { KNOWS_BUCKETS };
        checks.push(Check::tested("arms by fold", test, self.levels.bucket_p, &words.join(" | ")).with_fix(fix));
        checks
    }

    /// The arms do not know the buckets.
    pub(super) fn by_bucket(&self, by_bucket: &ByKey<u16>) -> Check {
        let detail = format!("{} buckets by {} arms", by_bucket.len(), self.arms.len());
        independent("arms by bucket", by_bucket, self.levels.bucket_p, &detail).with_fix(KNOWS_BUCKETS)
    }

    /// The shares of the arms do not move over the days of first exposure, given the days of each group of units whose shares
    /// stay the same: all of them, without a name, or those of a period or stratum.
    pub(super) fn by_day(&self, days: &[(String, ByDay)]) -> Check {
        const NAME: &str = "arms by day of exposure";
        let check = match days {
            [(name, days)] if name.is_empty() => independent(NAME, days, self.levels.sample_ratio_p, &in_days(days)),
            _ => {
                let part = |(subject, days): &(String, ByDay)| TestedPart {
                    subject: subject.clone(),
                    tested: independence(&days.values().cloned().collect::<Vec<_>>()).ok().map(Into::into),
                    detail: in_days(days),
                };
                let noun = self.arms.within.as_ref().map_or("days", |within| within.noun);
                Check::of_parts(NAME, noun, days.iter().map(part).collect(), self.levels.sample_ratio_p)
            }
        };
        check.with_fix(MOVING_SHARES)
    }

    /// The share of no arm rises or falls over the days of first exposure, given as for [`Self::by_day`]. A ramp
    /// in many small steps is spread thin over the days of [`Self::by_day`], and stands out here.
    pub(super) fn by_trend(&self, days: &[(String, ByDay)]) -> Check {
        const NAME: &str = "trend of the arms over the days";
        // Of two arms, the shares of both say the same.
        let arms = if self.arms.len() == 2 { 1..2 } else { 0..self.arms.len() };
        let parts = days.iter().flat_map(|(name, days)| arms.clone().map(move |arm| self.trend(arm, name, days)));
        Check::of_parts(NAME, "shares over time", parts.collect(), self.levels.sample_ratio_p).with_fix(MOVING_SHARES)
    }

    fn trend(&self, arm: usize, group: &str, days: &ByDay) -> TestedPart {
        let units = days.iter().map(|(day, units)| (*day, units[arm], units.iter().sum()));
        let name = self.arms.names[arm];
        TestedPart {
            subject: if group.is_empty() { name.to_owned() } else { format!("{name} in {group}") },
            tested: trend(&units.collect::<Vec<_>>()).ok().map(Into::into),
            detail: in_days(days),
        }
    }

    /// The declared shares hold within cohorts, corrected over the cohorts; advice, which never ends a run.
    pub(super) fn within_cohorts(&self, cohorts: Vec<(String, Vec<u64>)>) -> Check {
        let part = |(subject, units): (String, Vec<u64>)| TestedPart {
            subject,
            tested: sample_ratio(&units, &self.arms.weights).ok().map(Into::into),
            detail: self.arms.in_words(&units),
        };
        self.of_cohorts(cohorts.into_iter().map(part).collect())
    }

    /// As [`Self::within_cohorts`] within strata, given units by stratum and arm. The expected shares are those of the
    /// strata, weighted by the cohort's units in each; units of several strata scatter less about them than chi-square
    /// takes them to, so the test errs on the safe side.
    pub(super) fn within_stratified_cohorts(&self, cohorts: Vec<(String, Vec<Vec<u64>>)>) -> Check {
        let part = |(subject, by_stratum): (String, Vec<Vec<u64>>)| {
            let mut units = vec![0; self.arms.len()];
            for stratum in &by_stratum {
                units.iter_mut().zip(stratum).for_each(|(sum, units)| *sum += units);
            }
            let expected = self.arms.within.as_ref().map_or_else(Vec::new, |within| within.expected(&by_stratum));
            let tested = sample_ratio(&units, &expected).ok().map(Into::into);
            TestedPart { subject, tested, detail: self.arms.in_words(&units) }
        };
        self.of_cohorts(cohorts.into_iter().map(part).collect())
    }

    fn of_cohorts(&self, parts: Vec<TestedPart>) -> Check {
        Check::of_parts("sample ratio within cohorts", "cohorts", parts, self.levels.sample_ratio_p)
            .as_advice()
            .with_fix("units of these cohorts were lost or added in one variant more than in another; find the cause before reading their effects")
    }

    fn sum<'a>(&self, tables: impl Iterator<Item = (&'a u16, &'a Vec<u64>)>) -> Vec<u64> {
        let mut sum = vec![0; self.arms.len()];
        for (_, units) in tables {
            sum.iter_mut().zip(units).for_each(|(sum, units)| *sum += units);
        }
        sum
    }
}

/// Whether the units of all arms were kept alike, given those that are there and those that were exposed; `None` if none
/// were lost, or if that cannot be tested.
fn kept_alike(units: &[u64], exposed: &[u64]) -> Option<Tested> {
    let lost: Vec<u64> = exposed.iter().zip(units).map(|(exposed, units)| exposed.saturating_sub(*units)).collect();
    if lost.iter().all(|lost| *lost == 0) {
        return None;
    }
    independence(&[units.to_vec(), lost]).ok().map(Into::into)
}

fn in_days(days: &ByDay) -> String {
    format!("{} days of first exposure", days.len())
}

/// The arm does not depend on the key.
fn independent<K>(name: &str, by_key: &ByKey<K>, level: f64, detail: &str) -> Check {
    let rows: Vec<Vec<u64>> = by_key.values().cloned().collect();
    Check::tested(name, independence(&rows), level, detail)
}

fn fold_word(fold: Fold) -> &'static str {
    match fold {
        Fold::Discover => "discover",
        Fold::Measure => "measure",
        Fold::Judge => "judge",
    }
}

#[cfg(test)]
mod tests;
