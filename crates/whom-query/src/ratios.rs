//! The ratios that searches start from: those of the units that discover.

use crate::error::QueryError;
use crate::outcome::Outcome;
use crate::values::{GatheredValues, SomeValues};

/// Places of the columns of a ratio metric.
struct Ratio {
    metric: usize,
    numerator: usize,
    denominator: usize,
}

/// By ratio metric that trees are grown on, the sum of its numerators over that of its denominators among the units that discover, in the units of
/// the metric; 0 where denominators add up to nothing.
///
/// # Errors
/// Whatever reading units says.
pub(crate) fn ratios(units: &GatheredValues<'_>) -> Result<Vec<(usize, f64)>, QueryError> {
    let of = |(metric, outcome): (usize, &Outcome)| {
        Some(Ratio { metric, numerator: outcome.value, denominator: outcome.denominator? })
    };
    let outcomes = units.schema.outcomes.iter().enumerate();
    let ratios: Vec<Ratio> = outcomes.filter(|(metric, _)| units.schema.is_searched(*metric)).filter_map(of).collect();
    if ratios.is_empty() {
        return Ok(Vec::new());
    }
    let add = |sums: &mut Vec<[i128; 2]>, some: &SomeValues| {
        for (ratio, sum) in ratios.iter().zip(sums) {
            for (above, below, bucket) in some.pairs(ratio.numerator, ratio.denominator) {
                if units.schema.discover.contains(bucket) {
                    sum[0] += i128::from(above);
                    sum[1] += i128::from(below);
                }
            }
        }
    };
    let merge = |mut one: Vec<[i128; 2]>, other: Vec<[i128; 2]>| {
        for (one, other) in one.iter_mut().flatten().zip(other.iter().flatten()) {
            *one += other;
        }
        one
    };
    let sums = units.gather(|| vec![[0; 2]; ratios.len()], add, merge)?;
    let value = |column: usize, sum: i128| sum as f64 / units.schema.values[column].grid.steps_per_one();
    let ratio = |(ratio, [above, below]): (&Ratio, [i128; 2])| {
        let quotient = value(ratio.numerator, above) / value(ratio.denominator, below);
        (ratio.metric, if below == 0 { 0.0 } else { quotient })
    };
    Ok(ratios.iter().zip(sums).map(ratio).collect())
}
