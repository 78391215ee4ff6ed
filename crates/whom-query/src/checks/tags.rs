//! Checks of tags: equal across the arms, known and missing alike.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::Float64Type;
use whom_stats::{Correction, NotEstimable, Share, independence, standardised_share_difference};

use super::{Check, CheckPart, Subject, Verdict};
use crate::analysed::select;
use crate::bins::{BinKind, TagBins};
use crate::error::QueryError;

/// What a check of one tag saw.
struct TagOutcome {
    name: String,
    test: Result<(f64, f64), NotEstimable>,
    detail: String,
}

impl Subject<'_> {
    pub(super) fn tag_checks(&self) -> Result<Vec<Check>, QueryError> {
        if self.units.bins.is_empty() {
            return Ok(Vec::new());
        }
        let arms = select(&self.table.arms()?, &self.units.kept);
        let (mut balance, mut missing) = (Vec::new(), Vec::new());
        for (bins, values) in self.units.bins.iter().zip(&self.units.tags) {
            let table = self.by_code(bins, values, &arms);
            balance.push(self.balance(bins, values, &table, &arms));
            missing.push(self.missing(bins, &table));
        }
        let validate = &self.plan.validate;
        Ok(vec![
            over_tags("balance of tags", balance, validate.balance_p).with_fix(
                "a tag that differs between arms was written after assignment, or the assignment is broken; take it out, or find the cause",
            ),
            over_tags("missing tags", missing, validate.missing_p)
                .with_fix("units of one arm miss a tag more often; find out why before using it"),
        ])
    }

    /// Units by code and arm; the missing code comes last.
    fn by_code(&self, bins: &TagBins, values: &ArrayRef, arms: &[u8]) -> Vec<Vec<u64>> {
        let mut table = vec![vec![0; self.arm_count()]; bins.known_codes() + 1];
        let codes = bins.encode(values);
        for (row, arm) in arms.iter().enumerate() {
            table[usize::from(codes.code(row))][usize::from(*arm)] += 1;
        }
        table
    }

    fn balance(&self, bins: &TagBins, values: &ArrayRef, table: &[Vec<u64>], arms: &[u8]) -> TagOutcome {
        let known = &table[..bins.known_codes()];
        let test = independence(known).map(|test| (test.statistic, test.p_value));
        let largest = match &bins.kind {
            BinKind::Numeric { .. } => self.largest_mean_difference(values, arms),
            BinKind::Categorical { .. } => self.largest_share_difference(known),
        };
        let detail = match largest {
            Some((arm, difference)) => {
                format!(
                    "largest standardised difference from {}: {difference:+.3} ({})",
                    self.arm_name(0),
                    self.arm_name(arm)
                )
            }
            None => "no standardised difference".to_owned(),
        };
        TagOutcome { name: bins.name.clone(), test, detail }
    }

    fn missing(&self, bins: &TagBins, table: &[Vec<u64>]) -> TagOutcome {
        let missing = &table[bins.known_codes()];
        let known: Vec<u64> =
            (0..self.arm_count()).map(|arm| table[..bins.known_codes()].iter().map(|units| units[arm]).sum()).collect();
        let test = independence(&[missing.clone(), known]).map(|test| (test.statistic, test.p_value));
        TagOutcome { name: bins.name.clone(), test, detail: format!("missing: {}", self.by_arm(missing)) }
    }

    /// The treatment whose mean differs most from control's, in pooled standard deviations. Sums run in the order of the
    /// unit table, so they do not depend on files or threads.
    fn largest_mean_difference(&self, values: &ArrayRef, arms: &[u8]) -> Option<(usize, f64)> {
        let values = values.as_primitive::<Float64Type>();
        let summaries: Vec<Option<(f64, f64)>> = (0..self.arm_count())
            .map(|arm| {
                let of_arm: Vec<f64> = (0..values.len())
                    .filter(|row| usize::from(arms[*row]) == arm && values.is_valid(*row))
                    .map(|row| values.value(row))
                    .collect();
                mean_and_variance(&of_arm)
            })
            .collect();
        let (control_mean, control_variance) = summaries.first().copied().flatten()?;
        let differences = summaries.iter().enumerate().skip(1).filter_map(|(arm, summary)| {
            let (mean, variance) = (*summary)?;
            let deviation = f64::midpoint(variance, control_variance).sqrt();
            (deviation > 0.0).then(|| (arm, (mean - control_mean) / deviation))
        });
        largest(differences)
    }

    fn largest_share_difference(&self, known: &[Vec<u64>]) -> Option<(usize, f64)> {
        let whole: Vec<u64> = (0..self.arm_count()).map(|arm| known.iter().map(|units| units[arm]).sum()).collect();
        let differences = known.iter().flat_map(|units| {
            let whole = &whole;
            (1..self.arm_count()).filter_map(move |arm| {
                let share = |arm: usize| Share { part: units[arm], whole: whole[arm] };
                standardised_share_difference(share(arm), share(0)).ok().map(|difference| (arm, difference))
            })
        });
        largest(differences)
    }
}

fn mean_and_variance(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    Some((mean, squares / (values.len() - 1) as f64))
}

fn largest(differences: impl Iterator<Item = (usize, f64)>) -> Option<(usize, f64)> {
    differences.reduce(|most, next| if next.1.abs() > most.1.abs() { next } else { most })
}

/// One check over all tags, its p-values corrected by Holm; the smallest decides.
fn over_tags(name: &str, outcomes: Vec<TagOutcome>, level: f64) -> Check {
    let raw: Vec<f64> = outcomes.iter().filter_map(|tag| tag.test.as_ref().ok().map(|(_, p)| *p)).collect();
    let mut adjusted = Correction::Holm.adjust(&raw).into_iter();
    let parts: Vec<CheckPart> = outcomes
        .into_iter()
        .map(|tag| match tag.test {
            Ok((statistic, _)) => {
                let p_value = adjusted.next();
                let failed = p_value.is_some_and(|p| p < level);
                CheckPart {
                    subject: tag.name,
                    verdict: if failed { Verdict::Failed } else { Verdict::Passed },
                    statistic: Some(statistic),
                    p_value,
                    detail: tag.detail,
                }
            }
            Err(reason) => CheckPart {
                subject: tag.name,
                verdict: Verdict::NotApplicable,
                statistic: None,
                p_value: None,
                detail: format!("{}; not tested: {reason}", tag.detail),
            },
        })
        .collect();
    let worst =
        parts.iter().filter_map(|part| part.p_value.map(|p| (p, part))).min_by(|one, other| one.0.total_cmp(&other.0));
    let Some((p_value, part)) = worst else {
        let check = Check::not_applicable(name, format!("{} tags, none to test", parts.len()));
        return Check { parts, ..check };
    };
    let detail = format!("{} tags; smallest corrected p-value: `{}`, {}", parts.len(), part.subject, part.detail);
    let check =
        Check { p_value: Some(p_value), threshold: Some(level), ..Check::blocking(name, p_value < level, detail) };
    Check { parts, ..check }
}
