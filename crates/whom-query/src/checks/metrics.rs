//! Checks of metric values: finite, kept by their grid, and there where they must be.

use whom_spec::plan::NonFinite;
use whom_stats::Check;

use super::arms::Arms;
use crate::compile::MeasureColumn;
use crate::flow::Rounding;

/// The largest share of values that are not zero which a grid may round to zero without a word.
const ROUNDED_TO_ZERO: f64 = 0.01;

/// No value of a metric is NaN or infinite, or the plan says what then. `units` are those with such a value, by arm.
pub(super) fn finite(arms: &Arms<'_>, metric: &str, declared: NonFinite, units: &[u64]) -> Check {
    let name = format!("`{metric}` is finite");
    if units.iter().all(|units| *units == 0) {
        return Check::ruled(name, false, "every value is a finite number");
    }
    let detail = format!("units with a value that is NaN or infinite: {}", arms.in_words(units));
    let check = Check::ruled(name, true, detail);
    match declared {
        NonFinite::Refuse => check.with_fix("mend the fact table, or say `non_finite: drop_unit` or `zero`"),
        NonFinite::DropUnit => {
            check.as_advice().with_fix("these units are left out of this metric, as `non_finite` says")
        }
        NonFinite::Zero => check.as_advice().with_fix("these values count as zero, as `non_finite` says"),
    }
}

/// The grid of a metric keeps what is not zero; advice, because a coarse grid may be meant.
pub(super) fn kept_by_its_grid(column: &MeasureColumn, rounding: &Rounding) -> Check {
    let all = rounding.not_zero + rounding.to_zero;
    let share = if all == 0 { 0.0 } else { rounding.to_zero as f64 / all as f64 };
    let detail = format!(
        "{} of {all} values that are not zero ({:.3}%) round to zero on the grid of {}",
        rounding.to_zero,
        100.0 * share,
        column.grid_of_events()
    );
    let name = format!("the grid of `{}` is fine enough", column.name);
    let check = Check::ruled(name, share > ROUNDED_TO_ZERO, detail).as_advice();
    Check { threshold: Some(ROUNDED_TO_ZERO), ..check }.with_fix("declare a smaller `precision` for this metric")
}

/// Every unit has a value of a metric. `units` are those without, by arm.
pub(super) fn present(arms: &Arms<'_>, metric: &str, units: &[u64]) -> Check {
    let failed = units.iter().any(|units| *units > 0);
    let detail = if failed {
        format!("units without a value: {}", arms.in_words(units))
    } else {
        "every unit has a value".to_owned()
    };
    Check::ruled(format!("`{metric}` is there for every unit"), failed, detail)
        .with_fix("mend the fact table, or say `missing: zero` or `drop_unit`")
}

#[cfg(test)]
mod tests {
    use whom_stats::{CheckVerdict, Grid};

    use super::*;
    use crate::checks::arms::halves;

    #[test]
    fn finite_values_pass_whatever_is_declared() {
        for declared in [NonFinite::Refuse, NonFinite::DropUnit, NonFinite::Zero] {
            let check = finite(&halves(), "spend", declared, &[0, 0]);
            assert_eq!((check.verdict, check.fix), (CheckVerdict::Passed, None));
        }
    }

    #[test]
    fn one_value_that_is_not_finite_blocks_unless_the_plan_says_what_then() {
        let refused = finite(&halves(), "spend", NonFinite::Refuse, &[0, 1]);
        assert!(refused.refuses());
        insta::assert_snapshot!(refused.detail, @"units with a value that is NaN or infinite: control 0, new 1");
        let dropped = finite(&halves(), "spend", NonFinite::DropUnit, &[0, 1]);
        assert_eq!((dropped.verdict, dropped.refuses()), (CheckVerdict::Warning, false));
        insta::assert_snapshot!(dropped.fix.unwrap(), @"these units are left out of this metric, as `non_finite` says");
        let zeroed = finite(&halves(), "spend", NonFinite::Zero, &[2, 0]);
        assert_eq!((zeroed.verdict, zeroed.refuses()), (CheckVerdict::Warning, false));
        insta::assert_snapshot!(zeroed.fix.unwrap(), @"these values count as zero, as `non_finite` says");
    }

    #[test]
    fn a_metric_that_must_be_there_blocks_where_it_is_not() {
        assert_eq!(present(&halves(), "spend", &[0, 0]).verdict, CheckVerdict::Passed);
        let missing = present(&halves(), "spend", &[3, 0]);
        assert!(missing.refuses());
        insta::assert_snapshot!(missing.detail, @"units without a value: control 3, new 0");
    }

    #[test]
    fn a_grid_that_rounds_more_than_one_percent_to_zero_is_warned_of() {
        let column = MeasureColumn {
            metric: 0,
            part: whom_spec::plan::MeasurePart::Value,
            name: "spend".to_owned(),
            column: "metric spend".to_owned(),
            status: "status of spend".to_owned(),
            grid: Grid::decimal(2).unwrap(),
            proportion: false,
            events: None,
        };
        let check =
            |not_zero, to_zero| kept_by_its_grid(&column, &Rounding { metric: "spend".to_owned(), not_zero, to_zero });
        assert_eq!(check(0, 0).verdict, CheckVerdict::Passed);
        assert_eq!(check(99, 1).verdict, CheckVerdict::Passed);
        let warned = check(98, 2);
        assert!(warned.verdict == CheckVerdict::Warning && !warned.refuses());
        assert_eq!(warned.detail, "2 of 100 values that are not zero (2.000%) round to zero on the grid of 1e-2");
        assert_eq!(warned.fix.as_deref(), Some("declare a smaller `precision` for this metric"));
        assert_eq!(check(0, 3).verdict, CheckVerdict::Warning);
    }
}
