//! Why a unit has a value of a metric, or has none.

/// What became of a unit's value of a metric; the unit table holds it as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It has a value.
    Value = 0,
    /// Its window had not closed by the end of the data.
    IncompleteWindow = 1,
    /// It has no event with a value, and the metric does not call that zero.
    Missing = 2,
    /// A value of it is NaN or infinite, and the metric does not call that zero.
    NotFinite = 3,
    /// It has a value, to which something NaN or infinite added zero, as the metric says.
    NotFiniteAsZero = 4,
}

impl Status {
    /// Every status, each at the place of its number.
    pub const ALL: [Self; 5] =
        [Self::Value, Self::IncompleteWindow, Self::Missing, Self::NotFinite, Self::NotFiniteAsZero];

    /// The status of a number in the unit table.
    pub fn of(number: i64) -> Option<Self> {
        usize::try_from(number).ok().and_then(|place| Self::ALL.get(place).copied())
    }

    /// Whether the unit has a value.
    pub fn has_value(self) -> bool {
        matches!(self, Self::Value | Self::NotFiniteAsZero)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_is_found_by_its_number() {
        for status in Status::ALL {
            assert_eq!(Status::of(status as i64), Some(status));
        }
        assert_eq!([-1, 5].map(Status::of), [None, None]);
    }
}
