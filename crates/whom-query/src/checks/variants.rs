//! Checks of the variant column: names, and units in several variants.

use whom_spec::plan::SeveralVariantsRule;
use whom_stats::sample_ratio;

use super::{Check, Subject, Verdict};
use crate::error::QueryError;
use crate::flow::rows_in_words;

impl Subject<'_> {
    pub(super) fn variant_checks(&self) -> Result<Vec<Check>, QueryError> {
        Ok(vec![self.known_variants(), self.occupied_variants()?, self.several_variants()?])
    }

    /// Every row of the experiment names a declared variant.
    fn known_variants(&self) -> Check {
        let split = &self.table.flow.split;
        let (empty, unknown) = (split.with_unit - split.with_variant, split.with_variant - split.of_variants);
        if empty == 0 && unknown == 0 {
            return Check::blocking("variants are known", false, format!("{} exposure rows", split.of_variants));
        }
        let shown: Vec<String> =
            split.unknown_variants.iter().map(|(name, rows)| format!("`{name}` ({})", rows_in_words(*rows))).collect();
        let mut seen = Vec::new();
        if empty > 0 {
            seen.push(format!("an empty variant in {}", rows_in_words(empty)));
        }
        if unknown > 0 {
            seen.push(format!("variants that are not declared in {}: {}", rows_in_words(unknown), shown.join(", ")));
        }
        let declared: Vec<String> =
            self.plan.split.variants.iter().map(|variant| format!("`{}`", variant.name.value)).collect();
        Check::blocking("variants are known", true, seen.join("; ")).with_fix(&format!(
            "declared are {}; declare the others too, or leave their rows out by `where`",
            declared.join(", ")
        ))
    }

    /// Every variant has units.
    fn occupied_variants(&self) -> Result<Check, QueryError> {
        let arms = self.table.arms()?;
        let counts = self.count(&arms, |row| self.units.kept.value(row));
        let empty: Vec<String> = counts
            .iter()
            .enumerate()
            .filter(|(_, units)| **units == 0)
            .map(|(arm, _)| format!("`{}`", self.arm_name(arm)))
            .collect();
        let detail = if empty.is_empty() {
            format!("units: {}", self.by_arm(&counts))
        } else {
            format!("no unit was exposed to {}", empty.join(", "))
        };
        Ok(Check::blocking("every variant has units", !empty.is_empty(), detail)
            .with_fix("check `start`, `end`, `where` and the spelling of the variants"))
    }

    /// Few units saw several variants, and they began in all arms alike.
    fn several_variants(&self) -> Result<Check, QueryError> {
        let (arms, several) = (self.table.arms()?, self.table.several_variants()?);
        let by_first = self.count(&arms, |row| several.value(row));
        let count: u64 = by_first.iter().sum();
        let share = count as f64 / (self.table.len().max(1)) as f64;
        let rule = self.plan.split.several_variants;
        let limit = if rule.rule == SeveralVariantsRule::Refuse { 0.0 } else { rule.at_most };
        let failed = share > limit && rule.rule != SeveralVariantsRule::First;
        let detail = format!("{count} of {} units ({:.3} %) saw several variants", self.table.len(), 100.0 * share);
        let mut check =
            Check { threshold: Some(limit), ..Check::blocking("units in several variants", failed, detail) }
                .with_fix("find out why units change their variant; a larger `at_most` or `first` accepts it");
        if count > 0 && !failed {
            let symmetry = sample_ratio(&by_first, &self.weights());
            check.p_value = symmetry.as_ref().ok().map(|test| test.p_value);
            check.detail = format!("{}; by first variant: {}", check.detail, self.by_arm(&by_first));
            if check.p_value.is_some_and(|p| p < self.plan.validate.sample_ratio_p) {
                check.verdict = Verdict::Warning;
                check.fix = Some(
                    "they did not begin in all variants alike; compare the estimates by first exposure".to_owned(),
                );
            }
        }
        Ok(check)
    }

    /// The declared shares.
    pub(super) fn weights(&self) -> Vec<f64> {
        self.plan.split.variants.iter().map(|variant| *variant.weight).collect()
    }
}
