//! The values of a tag, however its column holds them.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::Float64Type;

use crate::error::QueryError;

/// The values of some units.
pub(crate) enum TagValues<'a> {
    Numbers(&'a Float64Array),
    Texts(&'a StringArray),
    Words(Words<'a>),
}

/// Texts that are told by their place in a dictionary.
pub(crate) struct Words<'a> {
    places: Vec<usize>,
    dictionary: &'a StringArray,
    nulls: Option<NullBuffer>,
}

impl<'a> TagValues<'a> {
    /// Reads a column as what it is.
    ///
    /// # Errors
    /// [`QueryError::Internal`] for a column that is neither a double nor a text.
    pub(crate) fn of(column: &'a ArrayRef) -> Result<Self, QueryError> {
        if let Some(numbers) = column.as_primitive_opt::<Float64Type>() {
            return Ok(Self::Numbers(numbers));
        }
        if let Some(texts) = column.as_string_opt::<i32>() {
            return Ok(Self::Texts(texts));
        }
        let words = column.as_any_dictionary_opt();
        let dictionary = words.and_then(|words| Some((words, words.values().as_string_opt::<i32>()?)));
        let Some((words, dictionary)) = dictionary else {
            return Err(QueryError::Internal(format!("a tag cannot be of type {}", column.data_type())));
        };
        let places = if dictionary.is_empty() { vec![0; words.len()] } else { words.normalized_keys() };
        Ok(Self::Words(Words { places, dictionary, nulls: words.logical_nulls() }))
    }
}

impl TagValues<'_> {
    /// Whether some of the units have no value.
    pub(crate) fn has_nulls(&self) -> bool {
        match self {
            Self::Numbers(numbers) => numbers.null_count() > 0,
            Self::Texts(texts) => texts.null_count() > 0,
            Self::Words(words) => words.nulls.as_ref().is_some_and(|nulls| nulls.null_count() > 0),
        }
    }
}

impl<'a> Words<'a> {
    /// Something about each word that the dictionary holds, whether or not a unit has it.
    pub(crate) fn of_each_word<T>(&self, about: impl FnMut(&'a str) -> T) -> Vec<T> {
        // A word that is null is no unit's; its place is held by the empty text.
        self.dictionary.iter().map(Option::unwrap_or_default).map(about).collect()
    }

    /// The place of each unit's word in the dictionary.
    pub(crate) fn places(&self) -> impl ExactSizeIterator<Item = Option<usize>> + '_ {
        let known = |row: usize| self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        self.places.iter().enumerate().map(move |(row, place)| known(row).then_some(*place))
    }
}
