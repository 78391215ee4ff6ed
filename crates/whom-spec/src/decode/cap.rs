//! Caps of metrics.

use super::cursor::Fields;
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{Cap, CapOf};

/// `cap: { value: 500 }`, or `cap: { percentile: 0.999, of: non_zero }`.
pub(super) fn cap(metric: &Fields<'_>) -> Option<Cap> {
    let field = metric.optional("cap")?;
    let fields = field.mapping::<format::Cap>()?;
    if metric.has("numerator") || metric.has("denominator") {
        let message = format!("`{}`: a ratio of two sums cannot be capped", field.path);
        let hint = "cap inside `value` of the numerator, or make a metric of the numerator alone";
        field.report.push(Diagnostic::error(message).at(field.key).hint(hint));
        return None;
    }
    let value = fields.optional("value").and_then(|value| value.number_in("a positive number", |number| number > 0.0));
    let percentile = fields.optional("percentile").and_then(|percentile| {
        percentile.number_in("a share between 0.000001 and 0.999999", |share| (0.000_001..=0.999_999).contains(&share))
    });
    let of = fields.optional("of").and_then(|of| of.choice(&[("all", CapOf::All), ("non_zero", CapOf::NonZero)]));
    match (fields.has("value"), fields.has("percentile")) {
        (true, false) => {
            if let Some(of) = fields.optional("of") {
                of.refuse_key(format!("`{}` has no meaning here: the threshold is given", of.path));
            }
            value.map(|value| Cap::Value(value.value))
        }
        (false, true) => {
            percentile.map(|share| Cap::Percentile { percentile: share.value, of: of.unwrap_or(CapOf::All) })
        }
        (both, _) => {
            let problem = if both { "has both" } else { "has neither of" };
            let message = format!("`{}` {problem} `percentile` and `value`", field.path);
            field.report.push(Diagnostic::error(message).at(field.key).hint("give one of them"));
            None
        }
    }
}
