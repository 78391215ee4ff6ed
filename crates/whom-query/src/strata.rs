//! Strata: what arms are compared within. Columns of codes beside the tags, which no search sees.
//!
//! A unit's stratum is the period of constant weights that holds the day of its first exposure, and what the columns of
//! `split.strata` say in the row of that exposure. Codes follow the periods, and within one the values, so they depend on no
//! order of rows.

use chrono::NaiveDate;
use datafusion::arrow::array::{Array, AsArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use serde::{Deserialize, Serialize};
use whom_spec::plan::Split;
use whom_stats::pass::ColumnShape;

use crate::compile::NamedColumn;
use crate::error::QueryError;
use crate::unit_table::UnitRows;

/// The most strata: with members and others apart, each has a code of one byte.
pub const MOST_STRATA: usize = 128;

/// The most combinations of values that are told apart before they are found to be too many.
const MOST_TOLD: usize = 4_096;

/// The strata of a split.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Strata {
    /// The first day of each period, as days since 1970-01-01, ascending.
    starts: Vec<i32>,
    /// The columns of the unit table.
    columns: Vec<NamedColumn>,
    values: StrataValues,
}

/// The values of the columns that units have: by combination and column, ascending, a missing one before all others.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StrataValues(Vec<Vec<Option<String>>>);

impl Strata {
    /// The strata of a split, whose values are not known yet; `None` where arms are compared over all units.
    pub(crate) fn of(split: &Split, columns: &[NamedColumn]) -> Option<Self> {
        let day = |day: NaiveDate| (day - NaiveDate::default()).num_days() as i32;
        let starts = split.periods().into_iter().map(|period| day(period.start)).collect();
        split.is_stratified().then(|| Self { starts, columns: columns.to_vec(), values: StrataValues::default() })
    }

    /// Takes the values that units have.
    ///
    /// # Errors
    /// [`QueryError::Data`] if they are too many.
    pub(crate) fn hold(&mut self, values: StrataValues) -> Result<(), QueryError> {
        self.values = values;
        if self.columns.is_empty() || self.count() <= MOST_STRATA {
            return Ok(());
        }
        let names: Vec<String> = self.columns.iter().map(|column| format!("`{}`", column.name)).collect();
        let (names, periods, values) = (names.join(", "), self.starts.len(), self.values.0.len());
        let values = if values > MOST_TOLD { format!("more than {MOST_TOLD}") } else { values.to_string() };
        let periods = if periods > 1 { format!(" in {periods} periods") } else { String::new() };
        Err(QueryError::Data(format!(
            "`split.strata` finds {values} values of {names}{periods}, and there may be {MOST_STRATA} strata; name a column \
             with fewer values, or choose some of them by `where`"
        )))
    }

    /// How many there are: periods times combinations of values.
    pub fn count(&self) -> usize {
        self.periods() * self.values_by_period()
    }

    /// How many periods there are.
    pub(crate) fn periods(&self) -> usize {
        self.starts.len()
    }

    /// How many strata each period has.
    pub(crate) fn values_by_period(&self) -> usize {
        if self.columns.is_empty() { 1 } else { self.values.0.len() }
    }

    /// The columns whose values make strata.
    pub fn columns(&self) -> &[NamedColumn] {
        &self.columns
    }

    /// The period of a day that is given as days since 1970-01-01. A day before all of them belongs to the first.
    fn period(&self, day: i32) -> usize {
        self.starts.partition_point(|start| *start <= day).saturating_sub(1)
    }

    /// The stratum of each unit.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if a unit has values that [`Self::hold`] was not told.
    pub(crate) fn of_units(&self, rows: &UnitRows) -> Result<Vec<usize>, QueryError> {
        let days = rows.exposure_days()?.into_iter();
        if self.columns.is_empty() {
            return Ok(days.map(|day| self.period(day)).collect());
        }
        let (texts, values) = (texts(&self.columns, rows)?, self.values_by_period());
        let unknown = |_| QueryError::Internal("a unit is in no stratum".to_owned());
        let stratum = |(row, day)| Ok(self.period(day) * values + self.values.place(&texts, row).map_err(unknown)?);
        days.enumerate().map(stratum).collect()
    }

    /// What a message calls the values of a stratum; empty where only periods make strata.
    pub(crate) fn value_words(&self, stratum: usize) -> String {
        let values = self.values.0.get(stratum % self.values_by_period().max(1));
        let word = |(column, value): (&NamedColumn, &Option<String>)| match value {
            Some(value) => format!("{} {value}", column.name),
            None => format!("{} missing", column.name),
        };
        let words: Vec<String> = self.columns.iter().zip(values.into_iter().flatten()).map(word).collect();
        words.join(", ")
    }

    /// The value of the first column in a stratum; `None` where it is missing, and where there is no column.
    pub(crate) fn first_value(&self, stratum: usize) -> Option<&str> {
        let values = self.values.0.get(stratum % self.values_by_period().max(1))?;
        values.first()?.as_deref()
    }

    /// The code of a unit of a stratum by whether it is in a cohort: two of each, of which the second is of members.
    pub(crate) fn cell(stratum: usize, member: bool) -> u8 {
        (2 * stratum + usize::from(member)) as u8
    }

    /// The column of strata, and one by [`Self::cell`] for each pre-registered cohort.
    pub(crate) fn shapes<'a>(
        &'a self,
        cohorts: impl Iterator<Item = &'a str> + 'a,
    ) -> impl Iterator<Item = ColumnShape> + 'a {
        let shape = |name: String, codes| ColumnShape { name, codes, ordered: true, missing: None };
        let of_cohort = move |cohort: &str| shape(format!("{cohort} within strata"), 2 * self.count());
        std::iter::once(shape("stratum of first exposure".to_owned(), self.count())).chain(cohorts.map(of_cohort))
    }
}

impl StrataValues {
    /// Adds the values of units, up to one combination more than are told apart.
    pub(crate) fn add(&mut self, columns: &[NamedColumn], rows: &UnitRows) -> Result<(), QueryError> {
        if columns.is_empty() {
            return Ok(());
        }
        let texts = texts(columns, rows)?;
        for row in 0..rows.len() {
            if let Err(place) = self.place(&texts, row) {
                self.insert(place, texts.iter().map(|text| value(text, row).map(str::to_owned)).collect());
            }
        }
        Ok(())
    }

    /// The values of both.
    pub(crate) fn merged(mut self, other: Self) -> Self {
        for values in other.0 {
            if let Err(place) = self.0.binary_search(&values) {
                self.insert(place, values);
            }
        }
        self
    }

    fn insert(&mut self, place: usize, values: Vec<Option<String>>) {
        if self.0.len() <= MOST_TOLD {
            self.0.insert(place, values);
        }
    }

    /// The place of a row's values, or the one that they would have.
    fn place(&self, texts: &[StringArray], row: usize) -> Result<usize, usize> {
        self.0.binary_search_by(|values| {
            values.iter().map(Option::as_deref).cmp(texts.iter().map(|text| value(text, row)))
        })
    }
}

fn value(text: &StringArray, row: usize) -> Option<&str> {
    text.is_valid(row).then(|| text.value(row))
}

fn texts(columns: &[NamedColumn], rows: &UnitRows) -> Result<Vec<StringArray>, QueryError> {
    let text = |column: &NamedColumn| {
        let text = cast(&rows.column(&column.column)?, &DataType::Utf8);
        Ok(text.map_err(|error| QueryError::Internal(error.to_string()))?.as_string::<i32>().clone())
    };
    columns.iter().map(text).collect()
}

#[cfg(test)]
mod tests;
