//! Periods of an experiment with weights of their own: a ramp.

use chrono::NaiveDate;
use serde::Serialize;

use super::Split;
use crate::spanned::text;

/// Days of first exposure on which the weights of the variants stayed the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Period {
    /// The first day of the period, in the plan's time zone; the last one is the day before the next period.
    #[serde(serialize_with = "text")]
    pub start: NaiveDate,
    /// The shares of units meant for the variants, in the order of [`Split::variants`]; they sum to one.
    pub weights: Vec<f64>,
}

impl Split {
    /// The periods of constant weights by their first day, of which the first begins with the split and has the weights of
    /// the variants; just that one where none are declared.
    pub fn periods(&self) -> Vec<Period> {
        let weights = self.variants.iter().map(|variant| *variant.weight).collect();
        let first = Period { start: *self.start, weights };
        std::iter::once(first).chain(self.allocation.iter().cloned()).collect()
    }

    /// Whether the weights changed, so that arms are comparable within periods only.
    pub fn is_ramped(&self) -> bool {
        !self.allocation.is_empty()
    }
}
