//! Periods with other weights.

use chrono::NaiveDate;

use super::cursor::{Field, Fields};
use super::split::check_weights;
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{Period, Variant};
use crate::spanned::Spanned;
use crate::suggest::name_hint;

/// The most periods beside the first: a weekly ramp over a year.
const MOST_PERIODS: usize = 52;

/// The rest of the split, as far as it could be read.
pub(super) struct Ramped<'a> {
    pub(super) variants: &'a [Variant],
    pub(super) start: Option<Spanned<NaiveDate>>,
    pub(super) end: Option<Spanned<NaiveDate>>,
}

impl Ramped<'_> {
    /// The periods after the first one, in their order; `None` if one of them could not be read.
    pub(super) fn allocation(&self, split: &Fields<'_>) -> Option<Vec<Period>> {
        let Some(field) = split.optional("allocation") else { return Some(Vec::new()) };
        let items = field.items();
        if items.len() > MOST_PERIODS {
            field.refuse(format!("`{}` holds {} periods, and may hold {MOST_PERIODS}", field.path, items.len()));
        }
        let mut before = self.start;
        let periods: Vec<Option<Period>> = items
            .iter()
            .map(|item| {
                let fields = item.mapping::<format::AllocationPeriod>()?;
                let start = fields.required("start").and_then(|start| start.date());
                let weights = fields.required("weights").and_then(|weights| self.weights(&weights));
                self.check_days(&fields, before, start);
                before = start.or(before);
                Some(Period { start: *start?, weights: weights? })
            })
            .collect();
        periods.into_iter().collect()
    }

    /// A period begins after the one before it and before the split ends.
    fn check_days(&self, fields: &Fields<'_>, before: Option<Spanned<NaiveDate>>, start: Option<Spanned<NaiveDate>>) {
        let Some(start) = start else { return };
        let path = fields.path();
        if let Some(before) = before
            && *start <= *before
        {
            let message = format!("`{path}.start` ({start}) must lie after {before}, when the period before it starts");
            let hint = "the first period starts at `split.start`, with the weights of `split.variants`; list the later ones in their order";
            fields
                .report()
                .push(Diagnostic::error(message).at(start.span).related(before.span, "the period before").hint(hint));
        }
        if let Some(end) = self.end
            && *start > *end
        {
            let message = format!("`{path}.start` ({start}) lies after `split.end` ({end})");
            fields.report().push(Diagnostic::error(message).at(start.span).related(end.span, "the last day"));
        }
    }

    /// The weight of every variant, in their order.
    pub(super) fn weights(&self, field: &Field<'_>) -> Option<Vec<f64>> {
        let named = field.named();
        let names = || self.variants.iter().map(|variant| variant.name.as_str());
        let mut all_known = true;
        for (name, _) in &named {
            if !self.variants.is_empty() && !names().any(|known| *known == **name) {
                let unknown = Diagnostic::error(format!("unknown variant `{name}`"));
                field.report.push(unknown.at(name.span).hint_if(name_hint(name, names())));
                all_known = false;
            }
        }
        let weights = self.variants.iter().map(|variant| {
            let Some((_, weight)) = named.iter().find(|(name, _)| *name == variant.name) else {
                let hint = "say the weight of every variant; one that did not run yet cannot be compared: set `start` to its first day";
                let missing = format!("`{}` says no weight of `{}`", field.path, variant.name);
                field.report.push(Diagnostic::error(missing).at(field.key).hint(hint));
                return None;
            };
            weight.number_in("a number above 0 and at most 1", |weight| weight > 0.0 && weight <= 1.0).map(|weight| *weight)
        });
        let weights: Vec<Option<f64>> = weights.collect();
        let weights: Vec<f64> = weights.into_iter().collect::<Option<_>>()?;
        if all_known {
            check_weights(field, &weights);
        }
        Some(weights)
    }
}
