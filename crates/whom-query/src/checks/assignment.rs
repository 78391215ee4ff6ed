//! Checks of the assignment: shares of the arms as exposed, after each step that drops units, by fold, bucket and day.

use std::collections::BTreeMap;

use whom_stats::{BUCKETS, Fold, independence, sample_ratio};

use super::{Check, Subject};
use crate::analysed::select;
use crate::error::QueryError;
use crate::status::Status;

/// What to do about a sample ratio that cannot be chance.
const MISMATCH: &str =
    "units were lost or added in one variant more than in another; find the cause before reading any effect";

impl Subject<'_> {
    pub(super) fn assignment_checks(&self) -> Result<Vec<Check>, QueryError> {
        let arms = self.table.arms()?;
        let exposed = self.count(&arms, |_| true);
        let analysed = self.count(&arms, |row| self.units.kept.value(row));
        let mut checks = vec![self.sample_ratio("sample ratio as exposed", &exposed)];
        if analysed != exposed {
            checks.push(self.sample_ratio("sample ratio without units in several variants", &analysed));
        }
        for column in &self.compiled.metrics {
            let measured = self.with_status(column, Status::Value)?;
            if measured != analysed {
                checks.push(self.sample_ratio(&format!("sample ratio of units with `{}`", column.name), &measured));
            }
        }
        checks.extend(self.by_bucket(&arms)?);
        checks.push(self.by_day(&arms)?);
        Ok(checks)
    }

    fn sample_ratio(&self, name: &str, units: &[u64]) -> Check {
        let test = sample_ratio(units, &self.weights());
        let level = self.plan.validate.sample_ratio_p;
        Check::tested(name, test.map(|test| (None, test.p_value)), level, self.by_arm(units)).with_fix(MISMATCH)
    }

    /// The arms do not know the buckets: shares in each fold, and over all buckets.
    fn by_bucket(&self, arms: &[u8]) -> Result<Vec<Check>, QueryError> {
        let buckets = select(&self.table.buckets()?, &self.units.kept);
        let arms = select(arms, &self.units.kept);
        let mut table = vec![vec![0; self.arm_count()]; BUCKETS];
        for (bucket, arm) in buckets.iter().zip(&arms) {
            table[usize::from(*bucket)][usize::from(*arm)] += 1;
        }
        let level = self.plan.validate.bucket_p;
        let mut checks = Vec::new();
        let mut folds = Vec::new();
        for fold in [Fold::Discover, Fold::Measure, Fold::Judge] {
            let held = self.folds.buckets(fold);
            if held.is_empty() {
                continue;
            }
            let units =
                held.iter().fold(vec![0; self.arm_count()], |sum, bucket| added(sum, &table[usize::from(bucket)]));
            checks.push(self.sample_ratio(&format!("sample ratio of the fold to {}", fold_word(fold)), &units));
            folds.push(units);
        }
        let shares: Vec<String> = folds.iter().map(|units| self.by_arm(units)).collect();
        let test = independence(&folds).map(|test| (Some(test.statistic), test.p_value));
        let fix = "the assignment knows our buckets; write to us with the way your platform assigns";
        checks.push(Check::tested("arms by fold", test, level, shares.join(" | ")).with_fix(fix));
        let test = independence(&table).map(|test| (Some(test.statistic), test.p_value));
        let detail = format!("{BUCKETS} buckets by {} arms", self.arm_count());
        checks.push(Check::tested("arms by bucket", test, level, detail).with_fix(fix));
        Ok(checks)
    }

    /// The shares of the arms do not move over the days of first exposure.
    fn by_day(&self, arms: &[u8]) -> Result<Check, QueryError> {
        let days = self.table.exposure_days()?;
        let mut table: BTreeMap<i32, Vec<u64>> = BTreeMap::new();
        for (row, day) in days.iter().enumerate().filter(|(row, _)| self.units.kept.value(*row)) {
            table.entry(*day).or_insert_with(|| vec![0; self.arm_count()])[usize::from(arms[row])] += 1;
        }
        let rows: Vec<Vec<u64>> = table.into_values().collect();
        let test = independence(&rows).map(|test| (Some(test.statistic), test.p_value));
        let detail = format!("{} days of first exposure", rows.len());
        Ok(Check::tested("arms by day of exposure", test, self.plan.validate.sample_ratio_p, detail)
            .with_fix("the shares changed while the experiment ran, which confounds effects with time; analyse a period of constant shares"))
    }
}

fn added(mut sum: Vec<u64>, units: &[u64]) -> Vec<u64> {
    sum.iter_mut().zip(units).for_each(|(sum, units)| *sum += units);
    sum
}

fn fold_word(fold: Fold) -> &'static str {
    match fold {
        Fold::Discover => "discover",
        Fold::Measure => "measure",
        Fold::Judge => "judge",
    }
}
