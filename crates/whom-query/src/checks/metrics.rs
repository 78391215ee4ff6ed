//! Checks of metric values: finite, and there where they must be.

use whom_spec::plan::{Metric, MissingMetric, NonFinite};

use super::{Check, Subject, Verdict};
use crate::compile::MetricColumn;
use crate::error::QueryError;
use crate::flow::Rounding;
use crate::status::Status;

impl Subject<'_> {
    pub(super) fn metric_checks(&self) -> Result<Vec<Check>, QueryError> {
        let mut checks = Vec::new();
        for column in &self.compiled.metrics {
            let Some(metric) = self.plan.metric(&column.name) else { continue };
            checks.push(self.finite(metric, column)?);
            checks.extend(self.kept_by_its_grid(column));
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

    /// The grid keeps what is not zero; `None` for a metric whose values need no rounding.
    fn kept_by_its_grid(&self, column: &MetricColumn) -> Option<Check> {
        let mut facts = self.table.flow.facts.iter();
        let rounding = facts.find_map(|fact| fact.rounding.iter().find(|rounding| rounding.metric == column.name))?;
        Some(rounded_to_zero(rounding, column))
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

/// The largest share of values that are not zero which a grid may round to zero without a word.
const ROUNDED_TO_ZERO: f64 = 0.01;

/// Warns of a grid that is too coarse for its metric.
fn rounded_to_zero(rounding: &Rounding, column: &MetricColumn) -> Check {
    let all = rounding.not_zero + rounding.to_zero;
    let share = if all == 0 { 0.0 } else { rounding.to_zero as f64 / all as f64 };
    let detail = format!(
        "{} of {all} values that are not zero ({:.3} %) round to zero on the grid of {}",
        rounding.to_zero,
        100.0 * share,
        column.grid
    );
    let check = Check::blocking(&format!("the grid of `{}` is fine enough", column.name), false, detail);
    let verdict = if share > ROUNDED_TO_ZERO { Verdict::Warning } else { Verdict::Passed };
    Check { verdict, blocking: false, threshold: Some(ROUNDED_TO_ZERO), ..check }
        .with_fix("declare a smaller `precision` for this metric")
}

#[cfg(test)]
mod tests {
    use whom_stats::Grid;

    use super::*;

    fn check(not_zero: u64, to_zero: u64) -> Check {
        let column = MetricColumn {
            name: "spend".to_owned(),
            column: "metric spend".to_owned(),
            status: "status of spend".to_owned(),
            grid: Grid::decimal(2).unwrap(),
            proportion: false,
        };
        rounded_to_zero(&Rounding { metric: "spend".to_owned(), not_zero, to_zero }, &column)
    }

    #[test]
    fn a_grid_that_rounds_more_than_one_percent_to_zero_is_warned_of() {
        assert_eq!(check(0, 0).verdict, Verdict::Passed);
        assert_eq!(check(99, 1).verdict, Verdict::Passed);
        let warned = check(98, 2);
        assert!(warned.verdict == Verdict::Warning && !warned.refuses());
        assert_eq!(warned.detail, "2 of 100 values that are not zero (2.000 %) round to zero on the grid of 1e-2");
        assert_eq!(warned.fix.as_deref(), Some("declare a smaller `precision` for this metric"));
        assert_eq!(check(0, 3).verdict, Verdict::Warning);
    }
}
