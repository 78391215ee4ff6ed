//! Checks of metric values: finite, and there where they must be.

use whom_spec::plan::{Metric, MissingMetric, NonFinite};

use super::{Check, Subject, Verdict};
use crate::compile::MetricColumn;
use crate::error::QueryError;
use crate::status::Status;

impl Subject<'_> {
    pub(super) fn metric_checks(&self) -> Result<Vec<Check>, QueryError> {
        let mut checks = Vec::new();
        for column in &self.compiled.metrics {
            let Some(metric) = self.plan.metric(&column.name) else { continue };
            checks.push(self.finite(metric, column)?);
            if metric.missing == MissingMetric::Refuse {
                checks.push(self.present(metric, column)?);
            }
        }
        Ok(checks)
    }

    /// No value is NaN or infinite, or the plan says what then.
    fn finite(&self, metric: &Metric, column: &MetricColumn) -> Result<Check, QueryError> {
        let name = format!("`{}` is finite", column.name);
        let counts = self.with_status(column, Status::NotFinite)?;
        let units: u64 = counts.iter().sum();
        if units == 0 {
            return Ok(Check::blocking(&name, false, "every value is a finite number".to_owned()));
        }
        let detail = format!("units with a value that is NaN or infinite: {}", self.by_arm(&counts));
        let mut check = Check::blocking(&name, metric.non_finite == NonFinite::Refuse, detail)
            .with_fix("mend the fact table, or say `non_finite: drop_unit` or `zero`");
        if check.verdict == Verdict::Passed {
            check.verdict = Verdict::Warning;
            check.fix = Some("these units are left out of this metric, as `non_finite` says".to_owned());
        }
        Ok(check)
    }

    /// Every unit has a value.
    fn present(&self, metric: &Metric, column: &MetricColumn) -> Result<Check, QueryError> {
        let counts = self.with_status(column, Status::Missing)?;
        let failed = counts.iter().any(|units| *units > 0);
        let detail = if failed {
            format!("units without a value: {}", self.by_arm(&counts))
        } else {
            "every unit has a value".to_owned()
        };
        Ok(Check::blocking(&format!("`{}` is there for every unit", metric.name.value), failed, detail)
            .with_fix("mend the fact table, or say `missing: zero` or `drop_unit`"))
    }

    /// Analysed units by arm whose metric has a status.
    pub(super) fn with_status(&self, column: &MetricColumn, status: Status) -> Result<Vec<u64>, QueryError> {
        let (arms, statuses) = (self.table.arms()?, self.table.statuses(&column.status)?);
        Ok(self.count(&arms, |row| self.units.kept.value(row) && statuses[row] == status))
    }
}
