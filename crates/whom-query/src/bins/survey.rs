//! What is learned of a tag's values before they are binned, a part of the units at a time.
//!
//! A survey takes memory for a sample of the units, not for all of them, and surveys of parts merge in any order.

use serde::{Deserialize, Serialize};
use whom_spec::plan::{Codes, TagKind};

use super::numbers::Numbers;
use super::texts::Texts;
use super::{BinKind, TagBins};
use crate::error::QueryError;
use crate::tag_values::TagValues;

/// What some units' values of a tag are like.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TagSurvey {
    misses: bool,
    known: Known,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Known {
    Numbers(Numbers),
    Texts(Texts),
}

/// The bins of a tag, and a value in the middle of its numbers from which few others lie far; 0 for texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Fitted {
    pub(crate) bins: TagBins,
    pub(crate) centre: f64,
}

/// The most codes of known values.
pub(super) fn most_known(codes: Codes) -> usize {
    match codes {
        Codes::Bits8 => 255,
        Codes::Bits16 => 65_535,
    }
}

impl TagSurvey {
    /// A survey of no unit.
    pub(crate) fn new(kind: TagKind, codes: Codes) -> Self {
        let most = most_known(codes);
        let known = match kind {
            TagKind::Numeric => Known::Numbers(Numbers::up_to(most)),
            TagKind::Categorical { levels } => Known::Texts(Texts::up_to(usize::from(levels).min(most - 1))),
        };
        Self { misses: false, known }
    }

    /// Adds the values of some units, of which those at the `chosen` places are in the sample; all of them if it is `None`.
    ///
    /// # Errors
    /// [`QueryError::Internal`] for texts where numbers are declared, or the other way.
    pub(crate) fn add(&mut self, values: &TagValues<'_>, chosen: Option<&[usize]>) -> Result<(), QueryError> {
        self.misses |= values.has_nulls();
        match (&mut self.known, values) {
            (Known::Numbers(known), TagValues::Numbers(numbers)) => known.add(numbers, chosen),
            (Known::Texts(known), TagValues::Texts(texts)) => known.add(texts, chosen),
            (Known::Texts(known), TagValues::Words(words)) => known.add_words(words, chosen),
            _ => return Err(QueryError::Internal("a tag's values are not of its declared kind".to_owned())),
        }
        Ok(())
    }

    /// The survey of the units of both.
    #[must_use]
    pub(crate) fn merged(self, other: Self) -> Self {
        let known = match (self.known, other.known) {
            (Known::Numbers(one), Known::Numbers(other)) => Known::Numbers(one.merged(other)),
            (Known::Texts(one), Known::Texts(other)) => Known::Texts(one.merged(&other)),
            // Surveys of one tag are of one kind.
            (one, _) => one,
        };
        Self { misses: self.misses || other.misses, known }
    }

    /// The bins that follow.
    pub(crate) fn fit(self, name: &str) -> Fitted {
        let (kind, centre): (BinKind, f64) = match self.known {
            Known::Numbers(numbers) => numbers.fit(),
            Known::Texts(texts) => (texts.fit(), 0.0),
        };
        Fitted { bins: TagBins { name: name.to_owned(), kind, has_missing: self.misses }, centre }
    }
}
