//! A level of a categorical tag, as a column of 0 and 1.

use datafusion::arrow::array::ArrayRef;
use serde::{Deserialize, Serialize};

use crate::bins::{BinKind, TagBins};
use crate::error::QueryError;
use crate::tag_values::TagValues;

/// A level of a categorical tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Level {
    /// A text.
    Named(String),
    /// Any text but these.
    Other(Vec<String>),
    /// No text.
    Missing,
}

impl Level {
    /// The levels that have a code, in the order of the codes; none of a numeric tag.
    pub(crate) fn all(bins: &TagBins) -> Vec<Self> {
        let BinKind::Categorical { levels, other } = &bins.kind else { return Vec::new() };
        let named = levels.iter().cloned().map(Self::Named);
        let others = other.then(|| Self::Other(levels.clone()));
        named.chain(others).chain(bins.has_missing.then_some(Self::Missing)).collect()
    }

    /// 1 for each unit of the level, else 0.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the column holds numbers.
    pub(crate) fn indicators(&self, column: &ArrayRef) -> Result<Vec<i64>, QueryError> {
        Ok(match TagValues::of(column)? {
            TagValues::Texts(texts) => texts.iter().map(|text| i64::from(self.holds(text))).collect(),
            TagValues::Words(words) => {
                let of_words = words.of_each_word(|word| i64::from(self.holds(Some(word))));
                let missing = i64::from(self.holds(None));
                let of_unit = |place: Option<usize>| place.and_then(|place| of_words.get(place).copied());
                words.places().map(|place| of_unit(place).unwrap_or(missing)).collect()
            }
            TagValues::Numbers(_) => return Err(QueryError::Internal("a number has no level".to_owned())),
        })
    }

    fn holds(&self, text: Option<&str>) -> bool {
        match (self, text) {
            (Self::Named(level), Some(text)) => level == text,
            (Self::Other(levels), Some(text)) => levels.iter().all(|level| level != text),
            (Self::Missing, None) => true,
            (Self::Named(_) | Self::Other(_), None) | (Self::Missing, Some(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{DictionaryArray, Float64Array, StringArray};
    use datafusion::arrow::datatypes::Int32Type;

    use super::*;

    const DEVICES: [Option<&str>; 6] = [Some("phone"), Some("desktop"), None, Some("watch"), Some("phone"), Some("")];

    fn bins() -> TagBins {
        let levels = ["desktop", "phone"].map(str::to_owned).to_vec();
        TagBins { name: "device".to_owned(), kind: BinKind::Categorical { levels, other: true }, has_missing: true }
    }

    #[test]
    fn every_unit_is_of_one_level_however_its_column_holds_texts() {
        let texts: ArrayRef = Arc::new(StringArray::from(DEVICES.to_vec()));
        let words: ArrayRef = Arc::new(DEVICES.into_iter().collect::<DictionaryArray<Int32Type>>());
        for column in [texts, words] {
            let levels: Vec<Vec<i64>> =
                Level::all(&bins()).iter().map(|level| level.indicators(&column).unwrap()).collect();
            assert_eq!(
                levels,
                [[0, 1, 0, 0, 0, 0], [1, 0, 0, 0, 1, 0], [0, 0, 0, 1, 0, 1], [0, 0, 1, 0, 0, 0]],
                "desktop, phone, other, missing"
            );
        }
    }

    #[test]
    fn numbers_have_no_levels() {
        let numbers: ArrayRef = Arc::new(Float64Array::from(vec![1.0]));
        assert!(Level::Missing.indicators(&numbers).is_err());
        let kind = BinKind::Numeric { edges: vec![1.0], exact: true };
        assert!(Level::all(&TagBins { kind, ..bins() }).is_empty());
    }
}
