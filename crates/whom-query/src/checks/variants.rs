//! Checks of the variant column: names, and units in several variants.

use whom_spec::plan::{SeveralVariants as Declared, SeveralVariantsRule};
use whom_stats::{Check, sample_ratio};

use super::arms::Arms;
use crate::flow::{SplitRows, rows_in_words};

/// Every row of the experiment names a declared variant.
pub(super) fn known(arms: &Arms<'_>, split: &SplitRows) -> Check {
    const NAME: &str = "variants are known";
    let (empty, unknown) = (split.with_unit - split.with_variant, split.with_variant - split.of_variants);
    if empty == 0 && unknown == 0 {
        return Check::ruled(NAME, false, format!("{} exposure rows", split.of_variants));
    }
    let mut seen = Vec::new();
    if empty > 0 {
        seen.push(format!("an empty variant in {}", rows_in_words(empty)));
    }
    if unknown > 0 {
        let names: Vec<String> =
            split.unknown_variants.iter().map(|(name, rows)| format!("`{name}` ({})", rows_in_words(*rows))).collect();
        seen.push(format!("variants that are not declared in {}: {}", rows_in_words(unknown), names.join(", ")));
    }
    let declared = Arms::quoted(arms.names.iter().copied());
    Check::ruled(NAME, true, seen.join("; "))
        .with_fix(&format!("declared are {declared}; declare the others too, or leave their rows out by `where`"))
}

/// Every variant has analysed units.
pub(super) fn occupied(arms: &Arms<'_>, units: &[u64]) -> Check {
    const NAME: &str = "every variant has units";
    let empty: Vec<&str> =
        arms.names.iter().zip(units).filter(|(_, units)| **units == 0).map(|(name, _)| *name).collect();
    if empty.is_empty() {
        return Check::ruled(NAME, false, format!("units: {}", arms.in_words(units)));
    }
    Check::ruled(NAME, true, format!("no unit was exposed to {}", Arms::quoted(empty.into_iter())))
        .with_fix("check `start`, `end`, `where` and the spelling of the variants")
}

/// Units that saw several variants.
pub(super) struct SeveralVariants {
    /// By the arm of their first exposure.
    pub(super) by_first_variant: Vec<u64>,
    /// All exposed units, these included.
    pub(super) exposed: u64,
    /// What the plan says of them.
    pub(super) declared: Declared,
}

impl SeveralVariants {
    /// Their share is tolerated.
    pub(super) fn share(&self) -> Check {
        let share = self.count() as f64 / self.exposed.max(1) as f64;
        let limit = match self.declared.rule {
            SeveralVariantsRule::First => None,
            SeveralVariantsRule::Exclude => Some(self.declared.at_most),
            SeveralVariantsRule::Refuse => Some(0.0),
        };
        let failed = limit.is_some_and(|limit| share > limit);
        let detail = format!("{} of {} units ({:.3}%) saw several variants", self.count(), self.exposed, 100.0 * share);
        Check { threshold: limit, ..Check::ruled("units in several variants", failed, detail) }
            .with_fix("find out why units change their variant; a larger `at_most` or `first` accepts it")
    }

    /// They began in all arms as the declared shares promise; `None` if there is no such unit. Advice: the effects by
    /// first exposure stand beside the others, and show what it comes to.
    pub(super) fn symmetry(&self, arms: &Arms<'_>, level: f64) -> Option<Check> {
        let test = sample_ratio(&self.by_first_variant, &arms.weights);
        let detail = format!("{} by first variant", arms.in_words(&self.by_first_variant));
        (self.count() > 0).then(|| {
            Check::tested("symmetry of units in several variants", test, level, &detail)
                .as_advice()
                .with_fix("they did not begin in all variants alike; compare the effects by first exposure")
        })
    }

    fn count(&self) -> u64 {
        self.by_first_variant.iter().sum()
    }
}

#[cfg(test)]
mod tests;
