//! From values to codes.

use whom_stats::CodeColumn;
use whom_stats::routing::Code;

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
    /// Edges, up to a power of two less one; those after the last real one are larger than every value.
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
            BinKind::Numeric { edges, .. } => {
                let mut padded = edges.clone();
                padded.resize((edges.len() + 1).next_power_of_two() - 1, f64::INFINITY);
                Known::Numbers(padded)
            }
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
                numbers.iter().for_each(|value| take(value.map_or(self.missing, |value| bin_of(edges, value))));
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

/// The first edge that a value does not exceed. Every value takes the same steps and no branch depends on it, so no processor
/// has to guess the way.
#[inline]
fn bin_of(edges: &[f64], value: f64) -> Code {
    let (mut first, mut width) = (0, edges.len().div_ceil(2));
    while width > 0 {
        first += width * usize::from(edges[first + width - 1] < value);
        width /= 2;
    }
    first as Code
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_bin_is_found_as_by_the_library(edges in prop::collection::btree_set(-50..50_i32, 0..40), value in -60..60_i32) {
            let edges: Vec<f64> = edges.into_iter().map(f64::from).collect();
            let Known::Numbers(padded) = Encoder::new(&TagBins {
                name: "t".into(),
                kind: BinKind::Numeric { edges: edges.clone(), exact: true },
                has_missing: false,
            }).known else { panic!("numbers") };
            let expected = edges.partition_point(|edge| *edge < f64::from(value));
            prop_assert_eq!(usize::from(bin_of(&padded, f64::from(value))), expected);
        }
    }
}
