//! Sizes in bytes, as people write them.

use std::str::FromStr;

use thiserror::Error;

/// Units and their bytes.
const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];

/// A positive number of bytes that fits the machine's addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByteSize(usize);

/// A text that is not a size.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum InvalidByteSize {
    /// No number, or no unit that is known: `8G` could mean either of two.
    #[error("write a whole number and its unit, such as `8GiB` or `500MB`; units are {}", unit_names())]
    Unwritten,
    /// Zero.
    #[error("write a size above zero")]
    Zero,
    /// More than can be addressed.
    #[error("write a size that this machine can address")]
    TooLarge,
}

impl ByteSize {
    /// The bytes.
    pub(crate) fn bytes(self) -> usize {
        self.0
    }
}

impl FromStr for ByteSize {
    type Err = InvalidByteSize;

    fn from_str(text: &str) -> Result<Self, InvalidByteSize> {
        let unit_start = text.find(|c: char| !c.is_ascii_digit()).ok_or(InvalidByteSize::Unwritten)?;
        let (digits, unit) = text.split_at(unit_start);
        let (_, factor) =
            UNITS.into_iter().find(|(name, _)| *name == unit.trim_start()).ok_or(InvalidByteSize::Unwritten)?;
        if digits.is_empty() {
            return Err(InvalidByteSize::Unwritten);
        }
        // Digits that are no `u64` are too many.
        let number: u64 = digits.parse().map_err(|_| InvalidByteSize::TooLarge)?;
        let bytes = number.checked_mul(factor).and_then(|bytes| usize::try_from(bytes).ok());
        match bytes {
            None => Err(InvalidByteSize::TooLarge),
            Some(0) => Err(InvalidByteSize::Zero),
            Some(bytes) => Ok(Self(bytes)),
        }
    }
}

/// A number of bytes for a person: three digits or so, and a unit.
pub(crate) fn shown(bytes: u64) -> String {
    const STEPS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut size = bytes as f64;
    let mut steps = STEPS.into_iter();
    let mut unit = steps.next().unwrap_or_default();
    // 999.95 would be shown as 1000.0.
    while size >= 999.95
        && let Some(next) = steps.next()
    {
        (size, unit) = (size / 1_000.0, next);
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{size:.1} {unit}") }
}

fn unit_names() -> String {
    UNITS.map(|(name, _)| format!("`{name}`")).join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_size_is_a_number_and_a_unit() {
        assert_eq!("8GiB".parse(), Ok(ByteSize(8 << 30)));
        assert_eq!("500 MB".parse(), Ok(ByteSize(500_000_000)));
        assert_eq!("1B".parse(), Ok(ByteSize(1)));
    }

    #[test]
    fn doubtful_sizes_are_refused() {
        for text in ["", "8", "8G", "GiB", "8gib", "-1GiB", "1.5GiB", "8GiB ", "８GiB"] {
            assert_eq!(text.parse::<ByteSize>(), Err(InvalidByteSize::Unwritten), "{text}");
        }
        assert_eq!("0GiB".parse::<ByteSize>(), Err(InvalidByteSize::Zero));
        assert_eq!("99999999TiB".parse::<ByteSize>(), Err(InvalidByteSize::TooLarge));
        assert_eq!("99999999999999999999B".parse::<ByteSize>(), Err(InvalidByteSize::TooLarge));
    }

    #[test]
    fn a_size_is_shown_with_few_digits() {
        let sizes = [0, 999, 1_000, 12_345, 999_949, 999_950, 3_000_000_000, u64::MAX];
        let told = ["0 B", "999 B", "1.0 kB", "12.3 kB", "999.9 kB", "1.0 MB", "3.0 GB", "18446744.1 TB"];
        assert_eq!(sizes.map(shown), told);
    }

    proptest! {
        #[test]
        fn every_count_of_a_unit_is_read_back(count in 1_u32..1_000_000, unit in 0..UNITS.len()) {
            let (name, factor) = UNITS[unit];
            let size: ByteSize = format!("{count}{name}").parse().unwrap();
            prop_assert_eq!(size.bytes() as u64, u64::from(count) * factor);
        }

        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,12}") {
            let _ = text.parse::<ByteSize>();
        }
    }
}
