//! What arms are compared within, as checks speak of it: strata with their names and the shares that arms have in them.

use std::collections::{BTreeMap, BTreeSet};

use whom_spec::plan::{Split, StrataShares};
use whom_stats::Check;

use crate::strata::Strata;

/// Units by day and arm.
pub(super) type ByDay = BTreeMap<i32, Vec<u64>>;

/// Strata, by their codes.
pub(super) struct Within {
    /// What messages call strata.
    pub(super) noun: &'static str,
    /// By stratum, its name and the shares that the arms expect: the declared ones, or those that they have.
    pub(super) shares: Vec<(String, Vec<f64>)>,
    /// Whether each stratum has shares of its own, so that none are expected.
    pub(super) realised: bool,
    /// Groups of strata in which the shares are the same on all days: their name, and how many strata each holds. The name is
    /// empty where all strata are one group.
    pub(super) constant: Vec<(String, usize)>,
}

impl Within {
    /// The strata of a split, given their units by arm.
    pub(super) fn of(split: &Split, strata: &Strata, units: &[Vec<u64>]) -> Self {
        let declared = split.strata.as_ref().filter(|strata| !strata.weights.is_empty());
        let realised = split.strata.as_ref().is_some_and(|strata| strata.shares == StrataShares::Realised);
        let by_period = strata.values_by_period();
        let mut shares = Vec::new();
        let mut constant = Vec::new();
        for (place, period) in split.periods().into_iter().enumerate() {
            let period_name =
                if strata.periods() > 1 { format!("the period from {}", period.start) } else { String::new() };
            for stratum in place * by_period..(place + 1) * by_period {
                let name = named(strata.value_words(stratum), &period_name);
                let found = units.get(stratum).into_iter().flatten().map(|units| *units as f64).collect();
                let is_alone = realised || declared.is_some();
                constant.extend(is_alone.then(|| (name.clone(), 1)));
                let own = declared.and_then(|declared| declared.weights_of(strata.first_value(stratum)?));
                let expected = own.map_or_else(|| period.weights.clone(), <[f64]>::to_vec);
                shares.push((name, if realised { found } else { expected }));
            }
            constant.extend((!realised && declared.is_none()).then_some((period_name, by_period)));
        }
        let noun = if strata.columns().is_empty() { "periods" } else { "strata" };
        Self { noun, shares, realised, constant }
    }

    /// Whether every stratum that the file names by its weights has units: a misspelt one would be held against other weights.
    pub(super) fn named_strata(split: &Split, strata: &Strata) -> Option<Check> {
        let named = &split.strata.as_ref().filter(|strata| !strata.weights.is_empty())?.weights;
        let found: BTreeSet<&str> = (0..strata.count()).filter_map(|stratum| strata.first_value(stratum)).collect();
        let absent = named.iter().map(|stratum| stratum.value.as_str()).filter(|value| !found.contains(value));
        let absent: Vec<String> = absent.map(|value| format!("`{value}`")).collect();
        let detail = match absent.as_slice() {
            [] => format!("units in each of {} strata with weights of their own", named.len()),
            absent => format!(
                "no unit is in {} of {} strata with weights of their own: {}",
                absent.len(),
                named.len(),
                absent.join(", ")
            ),
        };
        let fix = "write these values of `split.strata.weights` as they stand in the data";
        Some(Check::ruled("strata with weights", !absent.is_empty(), detail).as_advice().with_fix(fix))
    }

    /// The units that the arms expect together, given the units by arm of every stratum.
    pub(super) fn expected(&self, by_stratum: &[Vec<u64>]) -> Vec<f64> {
        let mut expected = Vec::new();
        for ((_, shares), units) in self.shares.iter().zip(by_stratum) {
            let (units, sum) = (units.iter().sum::<u64>() as f64, shares.iter().sum::<f64>());
            expected.resize(shares.len(), 0.0);
            if sum > 0.0 {
                expected.iter_mut().zip(shares).for_each(|(arm, share)| *arm += units * share / sum);
            }
        }
        expected
    }

    /// The units by day of each group of strata whose shares stay the same, given those of every stratum.
    pub(super) fn constant_days<'a>(&self, mut by_stratum: impl Iterator<Item = &'a ByDay>) -> Vec<(String, ByDay)> {
        let group = |(name, strata): &(String, usize)| {
            let mut sum = ByDay::new();
            for (day, units) in by_stratum.by_ref().take(*strata).flatten() {
                let of_day = sum.entry(*day).or_insert_with(|| vec![0; units.len()]);
                of_day.iter_mut().zip(units).for_each(|(sum, units)| *sum += units);
            }
            (name.clone(), sum)
        };
        self.constant.iter().map(group).collect()
    }
}

/// `country de in the period from 2026-10-01`, or the part of it that there is.
fn named(values: String, period: &str) -> String {
    match (values.is_empty(), period.is_empty()) {
        (true, _) => period.to_owned(),
        (false, true) => values,
        (false, false) => format!("{values} in {period}"),
    }
}

/// Two periods, of which the second part of the arms begins with a tenth and comes to a half.
#[cfg(test)]
pub(super) fn two_periods() -> Within {
    let period = |name: &str, weights: [f64; 2]| (name.to_owned(), weights.to_vec());
    let shares = vec![period("the first period", [0.9, 0.1]), period("the second period", [0.5, 0.5])];
    let constant = shares.iter().map(|(name, _)| (name.clone(), 1)).collect();
    Within { noun: "periods", shares, realised: false, constant }
}

/// Two strata whose shares are what they are.
#[cfg(test)]
pub(super) fn two_countries(units: [[u64; 2]; 2]) -> Within {
    let countries = ["country de", "country fr"].map(str::to_owned);
    let shares = countries.clone().into_iter().zip(units.map(|units| units.map(|units| units as f64).to_vec()));
    Within {
        noun: "strata",
        shares: shares.collect(),
        realised: true,
        constant: countries.map(|country| (country, 1)).to_vec(),
    }
}
