//! Does a finding replicate? A previous run's cohort, frozen, measured again on other units.
//!
//! Three things are asked (and reported, whatever the verdict):
//!
//! * **Sign**: do both effects point the same way?
//! * **Size**: does the new effect lie in the prediction interval of the original, original ± t sqrt(s_o² + s_n²)? If both measure
//!   the same effect it does so with probability `level`; this is the two-sample test of their difference (Patil, Peng and
//!   Leek 2016). The interval is wide if either is noisy, so lying inside is no proof on its own.
//! * **Pooled**: the mean weighted by precision, (y_o / s_o² + y_n / s_n²) / (1 / s_o² + 1 / s_n²).
//!
//! *Replicated* asks more than the three, as the original may have been chosen for being large, and the pooled effect inherits that:
//! the new units alone must show the effect in the original's direction, by a test at half of 1 - level on that side. The original
//! has to be an estimate from units that did not discover the cohort, or its prediction interval is centred too far out.
//!
//! Of several findings the new tests are corrected together ([`ReplicationTest::judge_all`]), or one in twenty that are nothing would
//! replicate. Whether an effect lies in its prediction interval is not: there a correction would forgive more the more is asked.

use serde::{Deserialize, Serialize};

use crate::distribution::Reference;
use crate::estimate::{Estimate, Interval, NotEstimable};
use crate::heterogeneity::{Groups, Scattered};
use crate::multiplicity::Correction;

/// How a second measurement is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReplicationTest {
    /// The level of intervals; one less the two-sided error rate of the new test.
    pub level: f64,
    /// The distribution behind intervals and p-values.
    pub reference: Reference,
}

/// What a second measurement says about the first. The best comes first: of a finding with several parts the last counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplicationVerdict {
    /// Shown by the new units alone, in the same direction, at a size that the original predicts.
    Replicated,
    /// Shown by the new units alone, in the same direction, but larger or smaller than the original predicts.
    OtherSize,
    /// The size that the original predicts, without being shown by the new units alone: they are too few to tell.
    Undecided,
    /// Neither shown by the new units nor of the size that the original predicts: the original was too large.
    NotReplicated,
    /// Shown by the new units alone, in the other direction.
    Reversed,
}

/// A finding measured twice.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Replication {
    /// Whether both effects point the same way; an effect of zero points nowhere.
    pub same_sign: bool,
    /// Where the new effect was to be expected.
    pub prediction: Interval,
    /// Whether it lies there.
    pub predicted: bool,
    /// The new effect less the original one.
    pub change: Estimate,
    /// The two-sided p-value of the change.
    pub p_change: f64,
    /// The two-sided p-value of the new effect alone.
    pub p_new: f64,
    /// The same, corrected over the findings that are judged together; it decides.
    pub p_adjusted: f64,
    /// Both together.
    pub pooled: Estimate,
    /// What follows.
    pub verdict: ReplicationVerdict,
}

/// A finding as it was measured and as it is measured again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FindingEstimates {
    /// The effect that was found.
    pub original: Result<Estimate, NotEstimable>,
    /// The effect on other units.
    pub new: Result<Estimate, NotEstimable>,
}

impl ReplicationTest {
    /// Judges a new effect by the original one; no unit may be in both.
    ///
    /// # Errors
    /// [`NotEstimable::NoVariance`] if a standard error is zero or not finite.
    ///
    /// ```
    /// use whom_stats::{Estimate, Reference, ReplicationTest, ReplicationVerdict};
    ///
    /// let effect = |value, std_err| Estimate { value, std_err, degrees_of_freedom: 5_000.0 };
    /// let test = ReplicationTest { level: 0.95, reference: Reference::T };
    /// let again = test.judge(&effect(0.062, 0.018), &effect(0.047, 0.011))?;
    /// assert_eq!(again.verdict, ReplicationVerdict::Replicated);
    /// # Ok::<(), whom_stats::NotEstimable>(())
    /// ```
    pub fn judge(&self, original: &Estimate, new: &Estimate) -> Result<Replication, NotEstimable> {
        self.compared(original, new).map(|found| self.decided(found, found.p_new))
    }

    /// Judges several findings, each an original effect and a new one, with the new tests corrected by Holm over those that can
    /// be judged; in the order of the input.
    ///
    /// # Errors
    /// Each as [`Self::judge`]; an effect that is not estimable has its own reason, the new one's first.
    pub fn judge_all(&self, findings: &[FindingEstimates]) -> Vec<Result<Replication, NotEstimable>> {
        let compared: Vec<Result<Replication, NotEstimable>> =
            findings.iter().map(|finding| self.compared(&finding.original?, &finding.new?)).collect();
        let p_values: Vec<Option<f64>> =
            compared.iter().map(|found| found.as_ref().ok().map(|found| found.p_new)).collect();
        let adjusted = Correction::Holm.adjust_tested(&p_values);
        let decided = |(found, adjusted): (Result<Replication, NotEstimable>, Option<f64>)| {
            found.map(|found| self.decided(found, adjusted.unwrap_or(found.p_new)))
        };
        compared.into_iter().zip(adjusted).map(decided).collect()
    }

    /// The measures of a finding, its verdict still that of one test.
    fn compared(&self, original: &Estimate, new: &Estimate) -> Result<Replication, NotEstimable> {
        let both = Groups::new([original, new].into_iter());
        if both.0.len() < 2 {
            return Err(NotEstimable::NoVariance);
        }
        let change = new.minus(original);
        let centred = Estimate { value: original.value, ..change };
        let prediction = centred.interval(self.level, self.reference);
        let same_sign = original.value * new.value > 0.0;
        let (predicted, p_new) = (prediction.contains(new.value), new.p_value(self.reference));
        Ok(Replication {
            same_sign,
            prediction,
            predicted,
            change,
            p_change: change.p_value(self.reference),
            p_new,
            p_adjusted: p_new,
            pooled: both.mean(0.0),
            verdict: verdict(p_new < 1.0 - self.level, same_sign, predicted),
        })
    }

    fn decided(&self, found: Replication, p_adjusted: f64) -> Replication {
        let verdict = verdict(p_adjusted < 1.0 - self.level, found.same_sign, found.predicted);
        Replication { p_adjusted, verdict, ..found }
    }
}

fn verdict(shown: bool, same_sign: bool, predicted: bool) -> ReplicationVerdict {
    match (shown, same_sign, predicted) {
        (true, true, true) => ReplicationVerdict::Replicated,
        (true, true, false) => ReplicationVerdict::OtherSize,
        (true, false, _) => ReplicationVerdict::Reversed,
        (false, _, true) => ReplicationVerdict::Undecided,
        (false, _, false) => ReplicationVerdict::NotReplicated,
    }
}

#[cfg(test)]
mod tests;
