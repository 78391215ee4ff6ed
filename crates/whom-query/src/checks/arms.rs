//! The arms of an experiment as checks speak of them.

use whom_spec::plan::Split;

use crate::periods::Periods;

/// Names and declared shares of the arms, control first.
pub(super) struct Arms<'a> {
    pub(super) names: Vec<&'a str>,
    /// The declared shares; where they change, those that the periods come to by their numbers of units.
    pub(super) weights: Vec<f64>,
    /// Where they change, the periods.
    pub(super) ramp: Option<Ramp>,
}

/// The periods of constant weights.
pub(super) struct Ramp {
    pub(super) periods: Periods,
    /// By period, what a message calls it, and the declared shares.
    pub(super) shares: Vec<(String, Vec<f64>)>,
}

impl Ramp {
    fn of(split: &Split) -> Option<Self> {
        let named = |period: whom_spec::plan::Period| (format!("the period from {}", period.start), period.weights);
        Some(Self { periods: Periods::of(split)?, shares: split.periods().into_iter().map(named).collect() })
    }

    /// The units that the arms expect together, given the units by arm of every period.
    pub(super) fn expected(&self, by_period: &[Vec<u64>]) -> Vec<f64> {
        let mut expected = Vec::new();
        for ((_, weights), units) in self.shares.iter().zip(by_period) {
            let (units, sum) = (units.iter().sum::<u64>() as f64, weights.iter().sum::<f64>());
            expected.resize(weights.len(), 0.0);
            expected.iter_mut().zip(weights).for_each(|(arm, weight)| *arm += units * weight / sum);
        }
        expected
    }
}

impl<'a> Arms<'a> {
    pub(super) fn of(split: &'a Split) -> Self {
        Self {
            names: split.variants.iter().map(|variant| variant.name.as_str()).collect(),
            weights: split.variants.iter().map(|variant| *variant.weight).collect(),
            ramp: Ramp::of(split),
        }
    }

    /// The same arms with the shares that the periods of a ramp come to, given the units by arm of each.
    pub(super) fn over(self, by_period: &[Vec<u64>]) -> Self {
        match &self.ramp {
            Some(ramp) if by_period.iter().flatten().any(|units| *units > 0) => {
                Self { weights: ramp.expected(by_period), ..self }
            }
            _ => self,
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
    Arms { names: vec!["control", "new"], weights: vec![0.5, 0.5], ramp: None }
}

/// Two arms of which the second has a tenth of the units before day 5, and then half of them.
#[cfg(test)]
pub(super) fn ramped() -> Arms<'static> {
    let period = |name: &str, weights: [f64; 2]| (name.to_owned(), weights.to_vec());
    let shares = vec![period("the first period", [0.9, 0.1]), period("the second period", [0.5, 0.5])];
    Arms { ramp: Some(Ramp { periods: Periods::starting(&[0, 5]), shares }), ..halves() }
}
