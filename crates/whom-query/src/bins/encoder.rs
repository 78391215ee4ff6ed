//! From values to codes.

use datafusion::arrow::array::{Array, ArrowPrimitiveType, PrimitiveArray};
use whom_stats::routing::Code;
use whom_stats::{BinEdges, CodeColumn, Number};

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
    Numbers(BinEdges<f64>),
    Texts { levels: Levels, other: Code },
}

impl Encoder {
    /// The codes that bins stand for.
    pub(crate) fn new(bins: &TagBins) -> Self {
        let known = match &bins.kind {
            BinKind::Numeric { edges, .. } => Known::Numbers(BinEdges::new(edges)),
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
            CodeColumn::U8(codes) => self.encode_as(values, |code| code as u8, codes),
            CodeColumn::U16(codes) => self.encode_as(values, |code| code, codes),
        }
    }

    fn encode_as<T: Copy + Default>(
        &self,
        values: &TagValues<'_>,
        as_code: impl Fn(Code) -> T,
        codes: &mut Vec<T>,
    ) -> Result<(), QueryError> {
        let missing = as_code(self.missing);
        match (&self.known, values) {
            (Known::Numbers(edges), TagValues::Numbers(numbers)) => {
                encode_numbers(edges, numbers, missing, as_code, codes);
            }
            (Known::Texts { levels, other }, TagValues::Texts(texts)) => {
                let code = |level: &str| levels.number(level).map_or(*other, |number| number as Code);
                codes.extend(texts.iter().map(|level| level.map_or(missing, |level| as_code(code(level)))));
            }
            (Known::Texts { levels, other }, TagValues::Words(words)) => {
                let code = |level: &str| levels.number(level).map_or(*other, |number| number as Code);
                let of_words: Vec<T> = words.of_each_word(|level| as_code(code(level)));
                codes.extend(words.places().map(|place| place.map_or(missing, |place| of_words[place])));
            }
            _ => return Err(QueryError::Internal("a tag's values are not of the kind of its bins".to_owned())),
        }
        Ok(())
    }
}

/// Adds the codes of numbers, by bins for which `as_code` gives the code.
fn encode_numbers<T: ArrowPrimitiveType, C: Copy + Default>(
    edges: &BinEdges<T::Native>,
    numbers: &PrimitiveArray<T>,
    missing: C,
    as_code: impl Fn(Code) -> C,
    codes: &mut Vec<C>,
) where
    T::Native: Number,
{
    let before = codes.len();
    edges.encode(numbers.values(), codes, |bin| as_code(bin as Code));
    if let Some(nulls) = numbers.nulls() {
        (!nulls.inner()).set_indices().for_each(|row| codes[before + row] = missing);
    }
}

/// The codes of numbers of any width.
pub(super) fn codes_of_all<T: ArrowPrimitiveType>(
    bins: &TagBins,
    edges: &[f64],
    numbers: &PrimitiveArray<T>,
) -> CodeColumn
where
    T::Native: Number,
{
    let (edges, missing) = (BinEdges::new(edges), bins.known_codes() as Code);
    let mut codes = bins.no_codes();
    match &mut codes {
        CodeColumn::U8(codes) => encode_numbers(&edges, numbers, missing as u8, |code| code as u8, codes),
        CodeColumn::U16(codes) => encode_numbers(&edges, numbers, missing, |code| code, codes),
    }
    codes
}
