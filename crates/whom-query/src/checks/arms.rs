//! The arms of an experiment as checks speak of them.

use whom_spec::plan::Split;

use super::within::Within;
use crate::strata::Strata;

/// Names and declared shares of the arms, control first.
pub(super) struct Arms<'a> {
    pub(super) names: Vec<&'a str>,
    /// The declared shares; within strata, those that the strata come to by their numbers of units.
    pub(super) weights: Vec<f64>,
    /// What arms are compared within, if that is not all units together.
    pub(super) within: Option<Within>,
}

impl<'a> Arms<'a> {
    pub(super) fn of(split: &'a Split) -> Self {
        Self {
            names: split.variants.iter().map(|variant| variant.name.as_str()).collect(),
            weights: split.variants.iter().map(|variant| *variant.weight).collect(),
            within: None,
        }
    }

    /// As [`Self::of`], within strata if there are some, given their units by arm.
    pub(super) fn within(split: &'a Split, strata: Option<&Strata>, units: &[Vec<u64>]) -> Self {
        let all = Self::of(split);
        let Some(strata) = strata else { return all };
        let within = Within::of(split, strata, units);
        let is_empty = units.iter().flatten().all(|units| *units == 0);
        let weights = if is_empty { all.weights } else { within.expected(units) };
        Self { weights, within: Some(within), ..all }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Counts by arm in words: `control 120, one_page 117`.
    pub(super) fn in_words(&self, units: &[u64]) -> String {
        let parts: Vec<String> = self.names.iter().zip(units).map(|(name, units)| format!("{name} {units}")).collect();
        parts.join(", ")
    }

    /// Names as a sentence lists them: `` `control`, `one_page` ``.
    pub(super) fn quoted<'b>(names: impl Iterator<Item = &'b str>) -> String {
        names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    }
}

/// Two arms of equal shares.
#[cfg(test)]
pub(super) fn halves() -> Arms<'static> {
    Arms { names: vec!["control", "new"], weights: vec![0.5, 0.5], within: None }
}

/// Two arms of which the second has a tenth of the units before day 5, and then half of them.
#[cfg(test)]
pub(super) fn ramped() -> Arms<'static> {
    Arms { within: Some(super::within::two_periods()), ..halves() }
}
