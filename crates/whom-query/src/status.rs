//! Why a unit has no value of a metric.

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
}

impl Status {
    /// The status of a number in the unit table.
    pub fn of(number: i64) -> Option<Self> {
        [Self::Value, Self::IncompleteWindow, Self::Missing, Self::NotFinite]
            .into_iter()
            .find(|status| *status as i64 == number)
    }
}
