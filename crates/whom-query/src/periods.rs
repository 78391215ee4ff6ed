//! Periods of constant weights: columns of codes beside the tags, for effects within periods. No search sees them.

use chrono::NaiveDate;
use whom_spec::plan::Split;
use whom_stats::pass::ColumnShape;

/// The periods of a split whose weights change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Periods {
    /// The first day of each, as days since 1970-01-01, ascending.
    starts: Vec<i32>,
}

impl Periods {
    /// The periods of a split; `None` where its weights stay.
    pub(crate) fn of(split: &Split) -> Option<Self> {
        let day = |day: NaiveDate| (day - NaiveDate::default()).num_days() as i32;
        let starts = split.periods().into_iter().map(|period| day(period.start)).collect();
        split.is_ramped().then_some(Self { starts })
    }

    /// Periods that start on days since 1970-01-01, ascending.
    #[cfg(test)]
    pub(crate) fn starting(days: &[i32]) -> Self {
        Self { starts: days.to_vec() }
    }

    /// How many there are: 2 to 53.
    pub fn count(&self) -> usize {
        self.starts.len()
    }

    /// The period of a day that is given as days since 1970-01-01. A day before all of them belongs to the first.
    pub fn period(&self, day: i32) -> usize {
        self.starts.partition_point(|start| *start <= day).saturating_sub(1)
    }

    /// The code of a unit of a period by whether it is in a cohort: two of each period, of which the second is of members.
    pub(crate) fn cell(period: usize, member: bool) -> u8 {
        (2 * period + usize::from(member)) as u8
    }

    /// The column of periods, and one by [`Self::cell`] for each pre-registered cohort.
    pub(crate) fn shapes<'a>(
        &'a self,
        cohorts: impl Iterator<Item = &'a str> + 'a,
    ) -> impl Iterator<Item = ColumnShape> + 'a {
        let shape = |name: String, codes| ColumnShape { name, codes, ordered: true, missing: None };
        let of_cohort = move |cohort: &str| shape(format!("{cohort} within periods"), 2 * self.count());
        std::iter::once(shape("period of allocation".to_owned(), self.count())).chain(cohorts.map(of_cohort))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_belongs_to_the_last_period_that_has_begun() {
        let periods = Periods::starting(&[10, 17, 18]);
        assert_eq!([9, 10, 16, 17, 18, 99].map(|day| periods.period(day)), [0, 0, 0, 1, 2, 2]);
        let codes: Vec<usize> = periods.shapes(["new"].into_iter()).map(|shape| shape.codes).collect();
        assert_eq!((codes, Periods::cell(2, true)), (vec![3, 6], 5));
    }
}
