//! Two arms where they were assigned within strata: compared within each, and averaged over the strata by their units.
//!
//! Units of different strata are not comparable: a ramp from 1 to 50 % puts late units into the treatment and early ones
//! into the control, and so do countries with weights of their own. Within a stratum the shares of the arms are what they are, and the comparison needs to know none of them.

use whom_stats::{Adjusted, ArmSums, Coefficients, Comparison as Values, NotEstimable, Stratified, Stratum};

use crate::comparison::{Arm, Comparison, Effect};
use crate::estimation::{Estimated, Estimation};

impl Comparison {
    /// Compares two arms within strata, and weights each by its share of the units that have a value. One stratum is
    /// [`Comparison::of`].
    ///
    /// A stratum that is too small for coefficients of its own takes those of all of them together.
    pub(crate) fn of_strata(strata: &[ArmSums], estimation: &Estimation<'_>) -> Self {
        let Some((first, others)) = strata.split_first().filter(|(_, others)| !others.is_empty()) else {
            return strata.first().map_or_else(|| Self::of_nobody(estimation), |all| Self::of(all, estimation));
        };
        let mut whole = first.clone();
        for stratum in others {
            whole.add(stratum);
        }
        let pooled = Self::of(&whole, estimation);
        let parent = estimation.parent.clone().or_else(|| pooled.coefficients());
        let within = Estimation { parent, ..estimation.clone() };
        let found: Vec<_> = strata.iter().map(|sums| (values(sums, estimation), within.of(sums))).collect();
        let stratified = Stratified::new(&of_each(&found, |found| &found.comparison));
        let adjusted = adjusted(&found, stratified.as_ref().ok());
        let arm = |arm: Arm, value: Option<f64>| Arm { mean: value.or(arm.mean), ..arm };
        let shown = stratified.as_ref().ok().map(|found| (found.comparison.treatment, found.comparison.control));
        Self {
            control: arm(pooled.control, shown.map(|values| values.1)),
            treatment: arm(pooled.treatment, shown.map(|values| values.0)),
            effect: stratified.and_then(|found| Effect::of(judged(found.comparison, &whole, estimation))),
            method: method(estimation.method()),
            adjusted,
            clusters: None,
            beside: None,
        }
    }

    fn of_nobody(estimation: &Estimation<'_>) -> Self {
        let arm = Arm { units: 0, mean: None };
        Self {
            effect: Err(NotEstimable::NoUnits),
            control: arm,
            treatment: arm,
            method: estimation.method(),
            adjusted: None,
            clusters: None,
            beside: None,
        }
    }
}

/// A stratum: its units that have a value, and what is found in it.
type Found = (u64, Result<Estimated, NotEstimable>);

/// The units of all arms that have a value.
fn values(sums: &ArmSums, estimation: &Estimation<'_>) -> u64 {
    let arms = 0..sums.table.units.len();
    arms.map(|arm| sums.table.get(arm, estimation.outcome.value).n).sum()
}

fn of_each(found: &[Found], comparison: impl Fn(&Estimated) -> &Values) -> Vec<Stratum> {
    let stratum = |(units, found): &Found| Stratum {
        units: *units,
        independent: *units,
        comparison: found.as_ref().map(|found| comparison(found).clone()).map_err(|reason| *reason),
    };
    found.iter().map(stratum).collect()
}

/// Judged by all units together as well.
fn judged(values: Values, whole: &ArmSums, estimation: &Estimation<'_>) -> Values {
    let [treatment, control] = estimation.arms(whole);
    values.judged(treatment, control)
}

/// What covariates did over all strata.
fn adjusted(found: &[Found], stratified: Option<&Stratified>) -> Option<Adjusted> {
    let any = found.iter().find_map(|(_, found)| found.as_ref().ok()?.adjusted.clone())?;
    let unadjusted =
        of_each(found, |found| found.adjusted.as_ref().map_or(&found.comparison, |found| &found.unadjusted));
    let unadjusted = Stratified::new(&unadjusted).ok()?.comparison;
    let comparison = stratified?.comparison.clone();
    let variance = |values: &Values| values.difference().map(|found| found.std_err * found.std_err);
    let variance_reduction = match (variance(&comparison), variance(&unadjusted)) {
        (Ok(adjusted), Ok(unadjusted)) => 1.0 - adjusted / unadjusted,
        _ => 0.0,
    };
    let coefficients = Coefficients { treatment: Vec::new(), control: Vec::new() };
    Some(Adjusted { comparison, unadjusted, coefficients, variance_reduction, ..any })
}

/// How rows name a method that is used within strata.
fn method(within: &'static str) -> &'static str {
    match within {
        "ratio_delta" => "stratified_ratio_delta",
        "cuped" => "stratified_cuped",
        "ratio_cuped" => "stratified_ratio_cuped",
        _ => "stratified_welch",
    }
}

#[cfg(test)]
mod tests;
