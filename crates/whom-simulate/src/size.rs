//! Sizes of the standard warehouse.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// How large the standard warehouse is.
///
/// All have seven days of enrolment, ten exposures a unit, a window of 14 days, and seven daily snapshots of 20 tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 20,000 units, orders and visits, and every flaw that can be described: for tests.
    Tiny,
    /// 1,000,000 units, 10,000,000 exposures, 3,000,000 orders.
    Small,
    /// Ten times as much as [`Self::Small`].
    Large,
    /// A tenth of [`Self::Billion`].
    Tenth,
    /// 100,000,000 units, 1,000,000,000 exposures, 300,000,000 orders and 200,000,000 visits.
    Billion,
    /// As [`Self::Small`], with this many units.
    Units(u64),
}

/// A text that is no size.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("write a number of units, or one of {}", names())]
pub struct InvalidSize;

const NAMED: [(&str, Size); 5] = [
    ("tiny", Size::Tiny),
    ("small", Size::Small),
    ("large", Size::Large),
    ("tenth", Size::Tenth),
    ("billion", Size::Billion),
];

fn names() -> String {
    NAMED.map(|(name, _)| format!("`{name}`")).join(", ")
}

impl Size {
    /// The number of units.
    pub fn units(self) -> u64 {
        match self {
            Self::Tiny => 20_000,
            Self::Small => 1_000_000,
            Self::Large | Self::Tenth => 10_000_000,
            Self::Billion => 100_000_000,
            Self::Units(units) => units,
        }
    }

    /// Whether there is a fact table of visits beside that of orders.
    pub(crate) fn has_visits(self) -> bool {
        matches!(self, Self::Tiny | Self::Tenth | Self::Billion)
    }
}

impl FromStr for Size {
    type Err = InvalidSize;

    fn from_str(text: &str) -> Result<Self, InvalidSize> {
        let named = NAMED.into_iter().find(|(name, _)| *name == text).map(|(_, size)| size);
        let counted = || text.parse().ok().filter(|units| *units > 0).map(Self::Units);
        named.or_else(counted).ok_or(InvalidSize)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMED.into_iter().find(|(_, size)| size == self) {
            Some((name, _)) => out.write_str(name),
            None => write!(out, "{}", self.units()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_size_is_read_as_it_is_written() {
        for size in NAMED.map(|(_, size)| size).into_iter().chain([Size::Units(1_000)]) {
            assert_eq!(size.to_string().parse(), Ok(size));
        }
    }

    #[test]
    fn what_is_no_size_is_refused_with_the_sizes() {
        for text in ["", "0", "-5", "1e6", "Small", "huge"] {
            assert_eq!(text.parse::<Size>(), Err(InvalidSize), "{text}");
        }
        insta::assert_snapshot!(InvalidSize, @"write a number of units, or one of `tiny`, `small`, `large`, `tenth`, `billion`");
    }
}
