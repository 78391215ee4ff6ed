//! The fixed-point grid on which a metric's values become integers, before anything is added up.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The largest absolute value on a grid: a unit's value is a signed integer of 46 bits.
///
/// Squares stay below 2^90, so that their sum over 2^34 units stays below 2^124 and fits an `i128` with room to spare.
pub const MAX_GRID_VALUE: i64 = (1 << 45) - 1;

/// The largest `k` of a decimal grid: 10^13 is the last power of ten inside [`MAX_GRID_VALUE`].
const MAX_DECIMAL_EXPONENT: u8 = 13;
/// The largest `k` of a binary grid.
const MAX_BINARY_EXPONENT: u8 = 44;

/// A grid with step 10^-k or 2^-k, declared or given by a column's type, never chosen from the data.
///
/// ```
/// use whom_stats::Grid;
///
/// let cents = Grid::decimal(2).unwrap();
/// assert_eq!(cents.to_grid(29.99), Ok(2_999));
/// assert_eq!(cents.to_grid(1.115), Ok(111), "the nearest `f64` lies below 1.115");
/// assert!(cents.to_grid(f64::NAN).is_err());
/// assert_eq!(cents.from_grid(2_999), 29.99);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Step", into = "Step")]
pub struct Grid(Step);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Step {
    /// 10^-k.
    Decimal(u8),
    /// 2^-k.
    Binary(u8),
}

/// Why a step is no grid.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum GridError {
    /// The step is finer than any grid whose range holds 1.
    #[error("a grid step of {step} is too fine; the finest are 1e-{MAX_DECIMAL_EXPONENT} and 2^-{MAX_BINARY_EXPONENT}")]
    TooFine {
        /// The step as asked for.
        step: String,
    },
    /// The step is neither 10^-k nor 2^-k.
    #[error("`precision` {precision} is no grid; give a power such as 1, 0.01 or 0.0009765625 (10^-k or 2^-k)")]
    NotAPower {
        /// The precision as declared.
        precision: f64,
    },
}

/// Why a value has no place on a grid.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum OffGrid {
    /// The value is NaN or infinite.
    #[error("value {value} is not finite; say what shall happen with `non_finite`")]
    NotFinite {
        /// The value.
        value: f64,
    },
    /// The value holds more than 46 bits on the grid.
    #[error(
        "value {value} lies beyond the range of plus or minus {limit} of a grid with step {grid}; declare a coarser `precision`"
    )]
    OutOfRange {
        /// The value as text.
        value: String,
        /// The largest absolute value of the grid.
        limit: f64,
        /// The grid.
        grid: Grid,
    },
}

impl Grid {
    /// The grid of integers and booleans: step 1.
    pub const INTEGER: Self = Self(Step::Decimal(0));
    /// The grid of floating-point columns without a declared precision: step 2^-26, range plus-minus 2^19.
    pub const FLOAT: Self = Self(Step::Binary(26));

    /// The grid with step 10^-`digits`; also that of a decimal column with this scale.
    ///
    /// # Errors
    /// More than 13 digits.
    pub fn decimal(digits: u8) -> Result<Self, GridError> {
        Self::try_from(Step::Decimal(digits))
    }

    /// The grid with step 2^-`bits`.
    ///
    /// # Errors
    /// More than 44 bits.
    pub fn binary(bits: u8) -> Result<Self, GridError> {
        Self::try_from(Step::Binary(bits))
    }

    /// The grid of a declared precision, which is its step: 0.01 gives cents. A power of ten goes before a power of two.
    ///
    /// # Errors
    /// The precision is neither 10^-k nor 2^-k for a `k` in range.
    pub fn of_precision(precision: f64) -> Result<Self, GridError> {
        let decimals = (0..=MAX_DECIMAL_EXPONENT).map(Step::Decimal);
        let binaries = (0..=MAX_BINARY_EXPONENT).map(Step::Binary);
        decimals
            .chain(binaries)
            .map(Self)
            .find(|grid| grid.step() == precision)
            .ok_or(GridError::NotAPower { precision })
    }

    /// The distance of neighbours.
    pub fn step(self) -> f64 {
        1.0 / self.steps_per_one()
    }

    /// The number of steps in 1; exact.
    pub fn steps_per_one(self) -> f64 {
        self.denominator() as f64
    }

    /// The grid value next to `value`, ties to even. Exact: it rounds the product's true value, not its nearest `f64`.
    ///
    /// # Errors
    /// The value is not finite, or out of range.
    pub fn to_grid(self, value: f64) -> Result<i64, OffGrid> {
        if !value.is_finite() {
            return Err(OffGrid::NotFinite { value });
        }
        let steps = self.steps_per_one();
        let product = value * steps;
        let mut rounded = product.round_ties_even();
        if (product - rounded).abs() == 0.5 {
            // Rounding the product is monotone and halves are representable, so only an exact half can hide which side
            // the true product lies on; the fused remainder tells.
            let remainder = libm::fma(value, steps, -product);
            if remainder != 0.0 {
                rounded = product + remainder.signum() * 0.5;
            }
        }
        if rounded.abs() <= MAX_GRID_VALUE as f64 { Ok(rounded as i64) } else { Err(self.out_of_range(&value)) }
    }

    /// The grid value next to `unscaled` times 10^-`scale`, ties to even, in integers throughout; `scale` 0 is an integer.
    ///
    /// # Errors
    /// The value is out of range.
    pub fn decimal_to_grid(self, unscaled: i128, scale: u8) -> Result<i64, OffGrid> {
        let out_of_range = || self.out_of_range(&format_args!("{unscaled}e-{scale}"));
        let numerator = unscaled.checked_mul(self.denominator()).ok_or_else(out_of_range)?;
        let denominator = 10_i128.checked_pow(u32::from(scale)).ok_or_else(out_of_range)?;
        in_range(divide_ties_even(numerator, denominator)).ok_or_else(out_of_range)
    }

    /// A sum of grid values as one grid value.
    ///
    /// # Errors
    /// The sum is out of range.
    pub fn checked(self, sum: i128) -> Result<i64, OffGrid> {
        in_range(sum).ok_or_else(|| self.out_of_range(&(sum as f64 / self.steps_per_one())))
    }

    /// The value of a grid value, correctly rounded.
    pub fn from_grid(self, value: i64) -> f64 {
        value as f64 / self.steps_per_one()
    }

    fn denominator(self) -> i128 {
        match self.0 {
            Step::Decimal(digits) => 10_i128.pow(u32::from(digits)),
            Step::Binary(bits) => 1 << bits,
        }
    }

    fn out_of_range(self, value: &dyn fmt::Display) -> OffGrid {
        OffGrid::OutOfRange { value: value.to_string(), limit: self.from_grid(MAX_GRID_VALUE), grid: self }
    }
}

impl TryFrom<Step> for Grid {
    type Error = GridError;

    fn try_from(step: Step) -> Result<Self, GridError> {
        let fits = match step {
            Step::Decimal(digits) => digits <= MAX_DECIMAL_EXPONENT,
            Step::Binary(bits) => bits <= MAX_BINARY_EXPONENT,
        };
        if fits { Ok(Self(step)) } else { Err(GridError::TooFine { step: step.to_string() }) }
    }
}

impl From<Grid> for Step {
    fn from(grid: Grid) -> Self {
        grid.0
    }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decimal(0) | Self::Binary(0) => write!(formatter, "1"),
            Self::Decimal(digits) => write!(formatter, "1e-{digits}"),
            Self::Binary(bits) => write!(formatter, "2^-{bits}"),
        }
    }
}

impl fmt::Display for Grid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The grid value, if it holds at most 46 bits.
fn in_range(value: i128) -> Option<i64> {
    i64::try_from(value).ok().filter(|value| (-MAX_GRID_VALUE..=MAX_GRID_VALUE).contains(value))
}

/// `numerator / denominator` to the nearest integer, ties to even, for a positive denominator.
fn divide_ties_even(numerator: i128, denominator: i128) -> i128 {
    let (quotient, remainder) = (numerator.div_euclid(denominator), numerator.rem_euclid(denominator));
    let rest = denominator - remainder;
    match remainder.cmp(&rest) {
        std::cmp::Ordering::Less => quotient,
        std::cmp::Ordering::Greater => quotient + 1,
        std::cmp::Ordering::Equal => quotient + quotient.rem_euclid(2),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ties_go_to_even() {
        let rounded: Vec<_> = [0.5, 1.5, 2.5, -0.5, -1.5].map(|value| Grid::INTEGER.to_grid(value).unwrap()).into();
        assert_eq!(rounded, [0, 2, 2, 0, -2]);
        let thirds: Vec<_> =
            [5, 15, 25, -5, -15].map(|tenths| Grid::INTEGER.decimal_to_grid(tenths, 1).unwrap()).into();
        assert_eq!(thirds, [0, 2, 2, 0, -2]);
    }

    #[test]
    fn a_float_column_reaches_to_two_to_the_nineteen() {
        assert!(Grid::FLOAT.to_grid(524_287.999).is_ok());
        assert!(Grid::FLOAT.to_grid(524_288.0).is_err());
    }

    #[test]
    fn the_widest_numbers_are_out_of_range() {
        for widest in [i128::from(i64::MIN), i128::from(i64::MAX), i128::MIN, i128::MAX] {
            assert!(Grid::INTEGER.decimal_to_grid(widest, 0).is_err());
            assert!(Grid::INTEGER.checked(widest).is_err());
        }
    }

    #[test]
    fn messages_name_the_value_and_the_fix() {
        insta::assert_snapshot!(Grid::FLOAT.to_grid(-1e9).unwrap_err(), @"value -1000000000 lies beyond the range of plus or minus 524287.9999999851 of a grid with step 2^-26; declare a coarser `precision`");
        insta::assert_snapshot!(Grid::INTEGER.to_grid(f64::INFINITY).unwrap_err(), @"value inf is not finite; say what shall happen with `non_finite`");
        insta::assert_snapshot!(Grid::of_precision(0.05).unwrap_err(), @"`precision` 0.05 is no grid; give a power such as 1, 0.01 or 0.0009765625 (10^-k or 2^-k)");
        insta::assert_snapshot!(Grid::decimal(14).unwrap_err(), @"a grid step of 1e-14 is too fine; the finest are 1e-13 and 2^-44");
    }

    #[test]
    fn a_precision_is_found_by_its_step() {
        for digits in 0..=13 {
            let grid = Grid::decimal(digits).unwrap();
            assert_eq!(Grid::of_precision(grid.step()), Ok(grid));
        }
        assert_eq!(Grid::of_precision(0.25), Grid::binary(2));
    }

    proptest! {
        #[test]
        fn floats_and_decimals_of_the_same_value_meet(cents in -1_000_000_000_i64..1_000_000_000, digits in 2_u8..5) {
            let grid = Grid::decimal(digits).unwrap();
            let value = Grid::decimal(2).unwrap().from_grid(cents);
            prop_assert_eq!(grid.to_grid(value), grid.decimal_to_grid(i128::from(cents), 2));
        }

        #[test]
        fn a_grid_value_returns_to_itself(value in -MAX_GRID_VALUE..=MAX_GRID_VALUE, digits in 0_u8..=13) {
            let grid = Grid::decimal(digits).unwrap();
            prop_assert_eq!(grid.to_grid(grid.from_grid(value)), Ok(value));
        }
    }
}
