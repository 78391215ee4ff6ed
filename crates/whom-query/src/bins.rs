//! Bins: each tag becomes a column of codes, with the edges and levels that give the codes their meaning.
//!
//! Up to 1,048,576 units are all looked at. Of more units about as many are drawn by a hash of their ids, and the quantiles
//! of numbers and the frequencies of texts are those of the drawn ones, so that bins hold equally many units but for the
//! chance of the draw: in 999 of 1,000 draws an edge moves by less than half a bin of 255. Exact in either case, over
//! all units: whether every different value has a bin of its own, the largest value, and whether units miss the tag.
//! The draw depends on nothing but the ids and how many units there are.

mod distinct;
mod encoder;
mod levels;
mod numbers;
mod order;
mod survey;
mod texts;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{Float32Type, Float64Type};
use serde::{Deserialize, Serialize};
use whom_spec::plan::{Codes, TagKind};
use whom_stats::CodeColumn;
use whom_stats::pass::ColumnShape;
use whom_stats::routing::Code;

use crate::error::QueryError;
use crate::tag_values::TagValues;

pub(crate) use encoder::Encoder;
pub(crate) use survey::{Fitted, TagSurvey};

use encoder::codes_of_all;
use numbers::bins_of_all;
use survey::most_known;

/// What the codes of a tag mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TagBins {
    /// The tag's name.
    pub name: String,
    /// The bins of its known values.
    pub kind: BinKind,
    /// Whether units miss the tag; missing is then the last code.
    pub has_missing: bool,
}

/// The bins of the known values of a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BinKind {
    /// Upper edges, inclusive and ascending: code `i` holds the values above edge `i - 1` up to edge `i`. Every edge is
    /// a value that occurs.
    Numeric {
        /// The edges.
        edges: Vec<f64>,
        /// Whether every distinct value has a bin of its own.
        exact: bool,
    },
    /// The kept levels in alphabetical order, a code each.
    Categorical {
        /// The levels.
        levels: Vec<String>,
        /// Whether other levels occur; they share the code after the last level.
        other: bool,
    },
}

impl TagBins {
    /// Makes bins from the values of all units: quantile edges for numbers, the most frequent levels for texts. Numbers have 64
    /// bits or 32.
    ///
    /// Empty input gives no bin but for the missing one. Only tags see all units; no metric is read.
    ///
    /// # Errors
    /// [`QueryError::Internal`] for texts where numbers are declared, or the other way.
    pub fn fit(name: &str, values: &ArrayRef, kind: TagKind, codes: Codes) -> Result<Self, QueryError> {
        let of_numbers = |kind| Self { name: name.to_owned(), kind, has_missing: values.logical_null_count() > 0 };
        if let (TagKind::Numeric, Some(numbers)) = (kind, values.as_primitive_opt::<Float64Type>()) {
            return Ok(of_numbers(bins_of_all(numbers, most_known(codes))));
        }
        if let (TagKind::Numeric, Some(numbers)) = (kind, values.as_primitive_opt::<Float32Type>()) {
            return Ok(of_numbers(bins_of_all(numbers, most_known(codes))));
        }
        let mut survey = TagSurvey::new(kind, codes);
        survey.add(&TagValues::of(values)?, None)?;
        Ok(survey.fit(name).bins)
    }

    /// The number of codes of known values.
    pub fn known_codes(&self) -> usize {
        match &self.kind {
            BinKind::Numeric { edges, .. } => edges.len(),
            BinKind::Categorical { levels, other } => levels.len() + usize::from(*other),
        }
    }

    /// The code of missing, if units miss the tag.
    pub fn missing(&self) -> Option<Code> {
        self.has_missing.then(|| self.known_codes() as Code)
    }

    /// The shape that a search sees.
    pub fn shape(&self) -> ColumnShape {
        ColumnShape {
            name: self.name.clone(),
            codes: self.known_codes() + usize::from(self.has_missing),
            ordered: matches!(self.kind, BinKind::Numeric { .. }),
            missing: self.missing(),
        }
    }

    /// The code of every unit. Numbers may have other bits than those that the bins were made from.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the values are not of the kind of the bins.
    pub fn encode(&self, values: &ArrayRef) -> Result<CodeColumn, QueryError> {
        if let (BinKind::Numeric { edges, .. }, Some(numbers)) = (&self.kind, values.as_primitive_opt::<Float32Type>())
        {
            return Ok(codes_of_all(self, edges, numbers));
        }
        let mut codes = self.no_codes();
        Encoder::new(self).encode(&TagValues::of(values)?, &mut codes)?;
        Ok(codes)
    }

    /// A column for the codes of units to come.
    pub(crate) fn no_codes(&self) -> CodeColumn {
        if self.shape().codes <= 256 { CodeColumn::U8(Vec::new()) } else { CodeColumn::U16(Vec::new()) }
    }
}

#[cfg(test)]
mod tests;
