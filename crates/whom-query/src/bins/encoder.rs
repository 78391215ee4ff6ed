//! From values to codes.

use datafusion::arrow::array::Array;
use whom_stats::routing::Code;
use whom_stats::{CodeColumn, QuantileBins};

use super::levels::Levels;
use super::{BinKind, TagBins};
use crate::error::QueryError;
use crate::tag_values::TagValues;

/// Gives the values of a tag their codes, for some units after others.
#[derive(Clone, Debug)]
pub(crate) struct Encoder {
    missing: Code,
    known: Known,
}

#[derive(Clone, Debug)]
enum Known {
    /// Edges.
    Numbers(Vec<f64>),
    Texts {
        levels: Levels,
        other: Code,
    },
}

impl Encoder {
    /// The codes that bins stand for.
    pub(crate) fn new(bins: &TagBins) -> Self {
        let known = match &bins.kind {
            BinKind::Numeric { edges, .. } => Known::Numbers(edges.clone()),
            BinKind::Categorical { levels, .. } => {
                Known::Texts { levels: levels.iter().map(String::as_str).collect(), other: levels.len() as Code }
            }
        };
        Self { missing: bins.known_codes() as Code, known }
    }

    /// Adds the codes of some units to those of the units before.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the values are not of the kind of the bins.
    pub(crate) fn encode(&self, values: &TagValues<'_>, codes: &mut CodeColumn) -> Result<(), QueryError> {
        match codes {
            CodeColumn::U8(codes) => self.for_each(values, |code| codes.push(code as u8)),
            CodeColumn::U16(codes) => self.for_each(values, |code| codes.push(code)),
        }
    }

    fn for_each(&self, values: &TagValues<'_>, mut take: impl FnMut(Code)) -> Result<(), QueryError> {
        match (&self.known, values) {
            (Known::Numbers(edges), TagValues::Numbers(numbers)) => {
                let bins = QuantileBins::encode(edges, numbers.values(), |bin| bin as Code);
                match numbers.nulls() {
                    None => bins.into_iter().for_each(take),
                    Some(nulls) => {
                        let codes =
                            bins.into_iter().zip(nulls).map(|(bin, known)| if known { bin } else { self.missing });
                        codes.for_each(take);
                    }
                }
            }
            (Known::Texts { levels, other }, TagValues::Texts(texts)) => {
                let code = |level: &str| levels.number(level).map_or(*other, |number| number as Code);
                texts.iter().for_each(|level| take(level.map_or(self.missing, code)));
            }
            (Known::Texts { levels, other }, TagValues::Words(words)) => {
                let codes = words.of_each_word(|level| levels.number(level).map_or(*other, |number| number as Code));
                words.places().for_each(|place| take(place.map_or(self.missing, |place| codes[place])));
            }
            _ => return Err(QueryError::Internal("a tag's values are not of the kind of its bins".to_owned())),
        }
        Ok(())
    }
}
