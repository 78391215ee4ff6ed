//! The arms of an experiment as checks speak of them.

use whom_spec::plan::Split;

/// Names and declared shares of the arms, control first.
pub(super) struct Arms<'a> {
    pub(super) names: Vec<&'a str>,
    pub(super) weights: Vec<f64>,
}

impl<'a> Arms<'a> {
    pub(super) fn of(split: &'a Split) -> Self {
        Self {
            names: split.variants.iter().map(|variant| variant.name.as_str()).collect(),
            weights: split.variants.iter().map(|variant| *variant.weight).collect(),
        }
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
    Arms { names: vec!["control", "new"], weights: vec![0.5, 0.5] }
}
