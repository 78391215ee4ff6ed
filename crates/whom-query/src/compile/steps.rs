//! How plain SQL counts a number in whole steps of a grid: exactly, ties to even, without functions of ours.

use datafusion::arrow::datatypes::DataType;
use minijinja::{Value, context};
use whom_stats::Grid;

use crate::sql::Fragment;

/// The form of steps whose product has to be rounded before it is.
pub(super) const ROUNDED_PRODUCT: &str = "rounded_product";

/// What `sql/portable/events.sql` needs to know to count a number of type `kind` in steps of `grid`.
///
/// The number of steps is a product of the number and the steps in one. Of a floating-point number and a power of two it
/// is exact; with a power of ten its remainder is needed where it seems to lie in the middle of two steps, and follows
/// from halves of both factors. Integers and decimals are counted in 128-bit integers, and divided if the grid is coarser
/// than the decimal's scale.
pub(super) fn steps(kind: &DataType, grid: Grid) -> Value {
    let in_one = grid.steps_per_one();
    match kind {
        DataType::Decimal32(_, scale) | DataType::Decimal64(_, scale) | DataType::Decimal128(_, scale) => {
            decimal_steps(u32::from(scale.unsigned_abs()), in_one as i128)
        }
        kind if kind.is_floating() && is_power_of_two(in_one) => {
            context! { form => word("exact_product"), is_float => true, factor => double(in_one) }
        }
        kind if kind.is_floating() => {
            let (high, low) = halves(in_one);
            context! {
                form => word(ROUNDED_PRODUCT),
                is_float => true,
                factor => double(in_one),
                high => double(high),
                low => double(low),
            }
        }
        _ => context! { form => word("whole"), is_float => false, factor => in_one as i64 },
    }
}

fn decimal_steps(scale: u32, in_one: i128) -> Value {
    let unscale = 10_i128.saturating_pow(scale);
    let scaled = (unscale > 1).then(|| integer(unscale));
    if in_one % unscale == 0 {
        return context! { form => word("whole"), is_float => false, scale => scaled, factor => integer(in_one / unscale) };
    }
    let divisor = integer(unscale);
    context! { form => word("quotient"), is_float => false, scale => scaled, factor => integer(in_one), divisor => divisor }
}

/// Whether multiplying by it is exact; it is at least 1.
fn is_power_of_two(in_one: f64) -> bool {
    (in_one as u64).is_power_of_two()
}

/// Two numbers of at most 26 bits whose sum it is (Veltkamp 1968), so that products of such halves are exact.
fn halves(number: f64) -> (f64, f64) {
    let shifted = number * 134_217_729.0;
    let high = shifted - (shifted - number);
    (high, number - high)
}

fn double(number: f64) -> Fragment {
    Fragment::trusted(format!("{number:e}"))
}

fn integer(number: i128) -> Fragment {
    Fragment::trusted(number.to_string())
}

/// A word that templates compare with, and never print.
fn word(word: &'static str) -> Value {
    Value::from(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_add_up_and_are_short() {
        for digits in 0..=13 {
            let number = 10_f64.powi(digits);
            let (high, low) = halves(number);
            assert_eq!(high + low, number);
            for half in [high, low] {
                assert_eq!(half.mul_add(half, -(half * half)), 0.0, "{half} squared is exact");
            }
        }
    }

    #[test]
    fn a_literal_is_the_number_it_was_made_of() {
        for number in [1.0, 100.0, 1e13, 4_294_967_296.0, f64::from(1 << 26)] {
            let text = double(number);
            assert!(text.as_str().contains('e'), "{text} is a floating-point number in every SQL");
            assert_eq!(text.as_str().parse(), Ok(number));
        }
    }
}
