//! Durations and fixed-point grids.

use std::fmt;

use serde::Serialize;

/// The longest duration that a file may ask for: ten years. Each day of it may be a folder to look into.
const LONGEST: Hours = Hours(3_650 * 24);

/// A duration in whole hours. In a file, `36h` counts hours and `14d` counts periods of 24 hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Hours(pub u32);

impl Hours {
    /// Reads `36h` or `14d`; `None` for anything else, and for more than `3650d`.
    pub fn parse(text: &str) -> Option<Self> {
        let (digits, hours) =
            if let Some(digits) = text.strip_suffix('h') { (digits, 1) } else { (text.strip_suffix('d')?, 24) };
        let count: u32 = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())??;
        count.checked_mul(hours).map(Self).filter(|duration| *duration <= LONGEST)
    }

    /// The number of whole days, if it is one.
    pub fn whole_days(self) -> Option<u32> {
        self.0.is_multiple_of(24).then_some(self.0 / 24)
    }
}

impl fmt::Display for Hours {
    /// Whole days as `14d`, everything else as `36h`; zero is `0h`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.whole_days() {
            Some(days) if days > 0 => write!(out, "{days}d"),
            _ => write!(out, "{}h", self.0),
        }
    }
}

/// The base of a fixed-point grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum GridBase {
    /// Steps of 10^-k.
    Ten,
    /// Steps of 2^-k.
    Two,
}

/// The step of a declared fixed-point grid: `base^-exponent`.
///
/// A unit's value holds at most 46 bits, so the exponent is at most 13 for base ten and 45 for base two: finer grids
/// could not even hold the number 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Precision {
    /// The base.
    pub base: GridBase,
    /// How often the base divides 1.
    pub exponent: u32,
}

impl Precision {
    /// Reads `1`, `0.01`, `10^-2` or `2^-10`; `None` for anything else, and for a grid too fine to hold 1.
    pub fn parse(text: &str) -> Option<Self> {
        let precision = match text.split_once("^-") {
            Some(("10", exponent)) => Self { base: GridBase::Ten, exponent: exponent.parse().ok()? },
            Some(("2", exponent)) => Self { base: GridBase::Two, exponent: exponent.parse().ok()? },
            Some(_) => return None,
            None => Self { base: GridBase::Ten, exponent: decimal_places(text)? },
        };
        let finest = match precision.base {
            GridBase::Ten => 13,
            GridBase::Two => 45,
        };
        (precision.exponent <= finest).then_some(precision)
    }
}

/// The k of a power 10^-k that is written as `1` or `0.00…1`.
fn decimal_places(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() {
        return (whole == "1").then_some(0);
    }
    let zeros = fraction.strip_suffix('1')?;
    let is_power = matches!(whole, "" | "0") && zeros.bytes().all(|byte| byte == b'0');
    is_power.then_some(u32::try_from(fraction.len()).ok()?)
}

impl fmt::Display for Precision {
    /// As `10^-2` or `2^-10`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = match self.base {
            GridBase::Ten => 10,
            GridBase::Two => 2,
        };
        write!(out, "{base}^-{}", self.exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_twenty_four_hours() {
        assert_eq!(Hours::parse("14d"), Some(Hours(336)));
        assert_eq!(Hours::parse("36h"), Some(Hours(36)));
        assert_eq!(Hours::parse("0h"), Some(Hours(0)));
        assert_eq!(Hours::parse("3650d"), Some(LONGEST));
    }

    #[test]
    fn a_duration_is_digits_and_one_letter() {
        for text in
            ["", "h", "14", "1.5d", "-1h", "+1h", "1 d", "14D", "3651d", "87601h", "4294967295d", "999999999999d"]
        {
            assert_eq!(Hours::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_duration_prints_as_it_is_read() {
        for text in ["0h", "1h", "36h", "1d", "14d"] {
            assert_eq!(Hours::parse(text).map(|hours| hours.to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_grid_is_a_negative_power_of_ten_or_two() {
        let ten = |exponent| Some(Precision { base: GridBase::Ten, exponent });
        let two = |exponent| Some(Precision { base: GridBase::Two, exponent });
        assert_eq!(Precision::parse("1"), ten(0));
        assert_eq!(Precision::parse("0.01"), ten(2));
        assert_eq!(Precision::parse("0.010"), ten(2));
        assert_eq!(Precision::parse(".1"), ten(1));
        assert_eq!(Precision::parse("10^-3"), ten(3));
        assert_eq!(Precision::parse("2^-10"), two(10));
        assert_eq!(Precision::parse("2^-45"), two(45));
    }

    #[test]
    fn other_steps_are_no_grid() {
        for text in ["", "0", "0.05", "0.011", "1.1", "10", "2^10", "3^-2", "2^-46", "10^-14", "1e-2", "-0.01", "0."] {
            assert_eq!(Precision::parse(text), None, "{text}");
        }
    }
}
