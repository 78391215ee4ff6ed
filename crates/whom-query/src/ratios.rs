//! The ratios that searches start from: those of the units that discover.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use crate::error::QueryError;
use crate::look::Look;
use crate::outcome::Outcome;
use crate::unit_schema::UnitSchema;
use crate::unit_table::{UnitRows, UnitTable};
use crate::values::SomeValues;

/// Places of the columns of a ratio metric.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Ratio {
    metric: usize,
    numerator: usize,
    denominator: usize,
}

/// The look by which numerators and denominators are summed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RatioLook {
    schema: UnitSchema,
    ratios: Vec<Ratio>,
}

impl Look for RatioLook {
    const NAME: &'static str = "ratios";
    /// By ratio, the sum of its numerators and that of its denominators.
    type Seen = Vec<[i128; 2]>;
    type Ready<'a> = &'a Self;

    fn ready(&self) -> Result<&Self, QueryError> {
        Ok(self)
    }

    fn nothing(&self) -> Self::Seen {
        vec![[0; 2]; self.ratios.len()]
    }

    fn add(look: &&Self, sums: &mut Self::Seen, rows: UnitRows) -> Result<(), QueryError> {
        let some = SomeValues::of(&look.schema, rows)?;
        for (ratio, sum) in look.ratios.iter().zip(sums) {
            for (above, below, bucket) in some.pairs(ratio.numerator, ratio.denominator) {
                if look.schema.discover.contains(bucket) {
                    sum[0] += i128::from(above);
                    sum[1] += i128::from(below);
                }
            }
        }
        Ok(())
    }

    fn merged(mut one: Self::Seen, other: Self::Seen) -> Self::Seen {
        for (one, other) in one.iter_mut().flatten().zip(other.iter().flatten()) {
            *one += other;
        }
        one
    }
}

/// By ratio metric that trees are grown on, the sum of its numerators over that of its denominators among the units that discover, in the units of
/// the metric; 0 where denominators add up to nothing.
///
/// # Errors
/// Whatever reading units says.
pub(crate) fn ratios(
    schema: &UnitSchema,
    table: &UnitTable,
    cancel: &AtomicBool,
) -> Result<Vec<(usize, f64)>, QueryError> {
    let of = |(metric, outcome): (usize, &Outcome)| {
        Some(Ratio { metric, numerator: outcome.value, denominator: outcome.denominator? })
    };
    let outcomes = schema.outcomes.iter().enumerate();
    let ratios: Vec<Ratio> = outcomes.filter(|(metric, _)| schema.is_searched(*metric)).filter_map(of).collect();
    if ratios.is_empty() {
        return Ok(Vec::new());
    }
    let look = RatioLook { schema: schema.clone(), ratios };
    let sums = table.look(&look, cancel)?;
    let value = |column: usize, sum: i128| sum as f64 / schema.values[column].grid.steps_per_one();
    let ratio = |(ratio, [above, below]): (&Ratio, [i128; 2])| {
        let quotient = value(ratio.numerator, above) / value(ratio.denominator, below);
        (ratio.metric, if below == 0 { 0.0 } else { quotient })
    };
    Ok(look.ratios.iter().zip(sums).map(ratio).collect())
}
