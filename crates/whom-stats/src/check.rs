//! A check of the data: a test that is held against a level, its verdict, and both in words.
//!
//! Whoever counts says what the counts are; what follows from a p-value and a level is decided here, once for all checks.
//! A p-value below the level fails, so a level of 0 never does.

use serde::{Deserialize, Serialize};

use crate::estimate::NotEstimable;
use crate::independence::ChiSquare;
use crate::multiplicity::Correction;
use crate::sample_ratio::SampleRatio;

/// The outcome of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckVerdict {
    /// Nothing to object to.
    Passed,
    /// Worth reading; does not stop the run.
    Warning,
    /// The data contradict what the analysis needs.
    Failed,
    /// There was nothing to check.
    NotApplicable,
}

impl CheckVerdict {
    /// Whether there is something to object to.
    pub fn objects(self) -> bool {
        matches!(self, Self::Warning | Self::Failed)
    }
}

/// A check and its outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The check's name: `sample ratio as exposed`.
    pub name: String,
    /// The outcome.
    pub verdict: CheckVerdict,
    /// Whether a failure ends the run.
    pub blocking: bool,
    /// The test statistic, where there is a test.
    pub statistic: Option<f64>,
    /// The p-value that decided, corrected where there are several parts.
    pub p_value: Option<f64>,
    /// What the p-value, or else a share, was held against.
    pub threshold: Option<f64>,
    /// What was seen, without a final period.
    pub detail: String,
    /// What to do about it, without a final period; `None` where there is nothing to object to.
    pub fix: Option<String>,
    /// The parts that the check is made of: tags, cohorts.
    pub parts: Vec<CheckPart>,
}

/// One part of a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CheckPart {
    /// The tag or cohort.
    pub subject: String,
    /// The outcome of this part.
    pub verdict: CheckVerdict,
    /// Its statistic.
    pub statistic: Option<f64>,
    /// Its p-value, corrected over the parts.
    pub p_value: Option<f64>,
    /// What was seen.
    pub detail: String,
}

/// The outcome of a test, as a check holds it against a level.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// The statistic, where the test has one.
    pub statistic: Option<f64>,
    /// The p-value.
    pub p_value: f64,
}

impl From<ChiSquare> for Tested {
    fn from(test: ChiSquare) -> Self {
        Self { statistic: Some(test.statistic), p_value: test.p_value }
    }
}

impl From<SampleRatio> for Tested {
    fn from(test: SampleRatio) -> Self {
        Self { statistic: None, p_value: test.p_value }
    }
}

/// A part before the p-values of all parts are corrected.
#[derive(Clone, Debug, PartialEq)]
pub struct TestedPart {
    /// The tag or cohort.
    pub subject: String,
    /// Its test; `None` where there was nothing to test, which is no hypothesis either.
    pub tested: Option<Tested>,
    /// What was seen.
    pub detail: String,
}

impl Check {
    /// A check by a rule: it ends the run if `failed`.
    pub fn ruled(name: impl Into<String>, failed: bool, detail: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            verdict: if failed { CheckVerdict::Failed } else { CheckVerdict::Passed },
            blocking: true,
            statistic: None,
            p_value: None,
            threshold: None,
            detail: detail.into(),
            fix: None,
            parts: Vec::new(),
        }
    }

    /// A check by a test: it ends the run if the p-value lies below `level`. Without a test it was not applicable, and the
    /// detail says why.
    pub fn tested<T: Into<Tested>>(
        name: impl Into<String>,
        test: Result<T, NotEstimable>,
        level: f64,
        detail: &str,
    ) -> Self {
        match test.map(Into::into) {
            Ok(Tested { statistic, p_value }) => Self {
                statistic,
                p_value: Some(p_value),
                threshold: Some(level),
                ..Self::ruled(name, p_value < level, detail)
            },
            Err(reason) => Self::not_applicable(name, format!("{detail}; not tested: {reason}")),
        }
    }

    /// One check over many parts, all of them `noun`: their p-values are corrected by Holm, and the smallest decides.
    ///
    /// ```
    /// use whom_stats::check::{Check, CheckVerdict, Tested, TestedPart};
    ///
    /// let tag = |subject: &str, p_value| TestedPart {
    ///     subject: subject.into(),
    ///     tested: Some(Tested { statistic: None, p_value }),
    ///     detail: "control 9, new 12".into(),
    /// };
    /// let check = Check::of_parts("missing tags", "tags", vec![tag("age", 0.000_6), tag("city", 0.5)], 0.001);
    /// assert_eq!((check.verdict, check.p_value), (CheckVerdict::Passed, Some(0.001_2)));
    /// assert_eq!(check.detail, "2 tags; smallest corrected p-value: `age`, control 9, new 12");
    /// ```
    pub fn of_parts(name: impl Into<String>, noun: &str, parts: Vec<TestedPart>, level: f64) -> Self {
        let parts = corrected(parts, level);
        let tested = parts.iter().filter_map(|part| Some((part.p_value?, part)));
        let check = match tested.min_by(|(one, _), (other, _)| one.total_cmp(other)) {
            Some((p_value, CheckPart { subject, detail, .. })) => Self {
                p_value: Some(p_value),
                threshold: Some(level),
                ..Self::ruled(
                    name,
                    p_value < level,
                    format!("{} {noun}; smallest corrected p-value: `{subject}`, {detail}", parts.len()),
                )
            },
            None => Self::not_applicable(name, format!("{} {noun}, none to test", parts.len())),
        };
        Self { parts, ..check }
    }

    /// A check that had nothing to look at.
    pub fn not_applicable(name: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { verdict: CheckVerdict::NotApplicable, ..Self::ruled(name, false, detail) }
    }

    /// The same check as advice: what would have ended the run is a warning.
    #[must_use]
    pub fn as_advice(mut self) -> Self {
        let advised = |verdict| if verdict == CheckVerdict::Failed { CheckVerdict::Warning } else { verdict };
        self.blocking = false;
        self.verdict = advised(self.verdict);
        self.parts.iter_mut().for_each(|part| part.verdict = advised(part.verdict));
        self
    }

    /// The same check with what to do about it, should it object.
    #[must_use]
    pub fn with_fix(self, fix: &str) -> Self {
        Self { fix: self.verdict.objects().then(|| fix.to_owned()), ..self }
    }

    /// Whether this check ends the run.
    pub fn refuses(&self) -> bool {
        self.blocking && self.verdict == CheckVerdict::Failed
    }
}

/// The parts with p-values corrected over those that were tested.
fn corrected(parts: Vec<TestedPart>, level: f64) -> Vec<CheckPart> {
    let raw: Vec<f64> = parts.iter().filter_map(|part| Some(part.tested?.p_value)).collect();
    let mut adjusted = Correction::Holm.adjust(&raw).into_iter();
    let corrected = |TestedPart { subject, tested, detail }| {
        let p_value = tested.and_then(|_| adjusted.next());
        let verdict = match p_value {
            Some(p_value) if p_value < level => CheckVerdict::Failed,
            Some(_) => CheckVerdict::Passed,
            None => CheckVerdict::NotApplicable,
        };
        CheckPart { subject, verdict, statistic: tested.and_then(|tested| tested.statistic), p_value, detail }
    };
    parts.into_iter().map(corrected).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tested(p_value: f64, level: f64) -> Check {
        Check::tested("ratio", Ok(Tested { statistic: Some(3.0), p_value }), level, "seen")
    }

    fn part(subject: &str, p_value: Option<f64>) -> TestedPart {
        let tested = p_value.map(|p_value| Tested { statistic: None, p_value });
        TestedPart { subject: subject.into(), tested, detail: format!("detail of {subject}") }
    }

    #[test]
    fn a_p_value_below_the_level_ends_the_run_and_one_at_the_level_does_not() {
        let check = |p_value| tested(p_value, 0.001).with_fix("mend it");
        let (failed, passed) = (check(0.000_999), check(0.001));
        assert!(failed.refuses() && !passed.refuses());
        assert_eq!((failed.statistic, failed.threshold), (Some(3.0), Some(0.001)));
        assert_eq!((failed.fix.as_deref(), passed.fix), (Some("mend it"), None));
    }

    #[test]
    fn a_level_of_zero_never_blocks() {
        assert_eq!(tested(0.0, 0.0).verdict, CheckVerdict::Passed);
        assert_eq!(Check::of_parts("tags", "tags", vec![part("a", Some(0.0))], 0.0).verdict, CheckVerdict::Passed);
    }

    #[test]
    fn what_cannot_be_tested_says_why_and_blocks_nothing() {
        let check = Check::tested("ratio", Err::<Tested, _>(NotEstimable::NoUnits), 0.001, "control 0");
        assert_eq!((check.verdict, check.refuses(), check.p_value), (CheckVerdict::NotApplicable, false, None));
        assert_eq!(check.detail, "control 0; not tested: there are no units");
    }

    #[test]
    fn advice_warns_where_a_check_would_fail() {
        let failing = Check::of_parts("tags", "tags", vec![part("a", Some(1e-9)), part("b", Some(0.7))], 0.001);
        let advice = failing.clone().as_advice().with_fix("look at it");
        assert!(failing.refuses() && !advice.refuses());
        assert_eq!((advice.verdict, advice.fix.as_deref()), (CheckVerdict::Warning, Some("look at it")));
        let verdicts: Vec<_> = advice.parts.iter().map(|part| part.verdict).collect();
        assert_eq!(verdicts, [CheckVerdict::Warning, CheckVerdict::Passed]);
        assert_eq!(Check::ruled("rule", false, "seen").as_advice().verdict, CheckVerdict::Passed);
    }

    #[test]
    fn parts_are_corrected_over_those_that_were_tested() {
        let parts = vec![part("a", Some(0.03)), part("b", None), part("c", Some(0.000_4))];
        let check = Check::of_parts("balance", "tags", parts, 0.001);
        let found: Vec<_> = check.parts.iter().map(|part| (part.verdict, part.p_value)).collect();
        assert_eq!(
            found,
            [
                (CheckVerdict::Passed, Some(0.03)),
                (CheckVerdict::NotApplicable, None),
                (CheckVerdict::Failed, Some(0.000_8))
            ]
        );
        assert_eq!((check.verdict, check.p_value), (CheckVerdict::Failed, Some(0.000_8)));
        assert_eq!(check.detail, "3 tags; smallest corrected p-value: `c`, detail of c");
    }

    #[test]
    fn of_nothing_to_test_nothing_is_said() {
        for parts in [vec![], vec![part("a", None)]] {
            let check = Check::of_parts("balance", "tags", parts, 0.001);
            assert_eq!((check.verdict, check.p_value, check.refuses()), (CheckVerdict::NotApplicable, None, false));
        }
    }
}
