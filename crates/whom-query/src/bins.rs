//! Bins: each tag becomes a column of codes, with the edges and levels that give the codes their meaning.

use std::collections::HashMap;

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::Float64Type;
use whom_spec::plan::{Codes, TagKind};
use whom_stats::pass::ColumnShape;
use whom_stats::routing::Code;
use whom_stats::{CodeColumn, QuantileBins};

/// What the codes of a tag mean.
#[derive(Clone, Debug, PartialEq)]
pub struct TagBins {
    /// The tag's name.
    pub name: String,
    /// The bins of its known values.
    pub kind: BinKind,
    /// Whether units miss the tag; missing is then the last code.
    pub has_missing: bool,
}

/// The bins of the known values of a tag.
#[derive(Clone, Debug, PartialEq)]
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
    /// Makes bins from all units' values: quantile edges for numbers, the most frequent levels for texts.
    ///
    /// Empty input gives no bin but for the missing one. Only tags see all units; no metric is read.
    pub fn fit(name: &str, values: &ArrayRef, kind: TagKind, codes: Codes) -> Self {
        let most = match codes {
            Codes::Bits8 => 255,
            Codes::Bits16 => 65_535,
        };
        let kind = match kind {
            TagKind::Numeric => numeric(values, most),
            TagKind::Categorical { levels } => categorical(values, usize::from(levels).min(most - 1)),
        };
        Self { name: name.to_owned(), kind, has_missing: values.null_count() > 0 }
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

    /// The code of every unit.
    pub fn encode(&self, values: &ArrayRef) -> CodeColumn {
        if self.shape().codes <= 256 {
            CodeColumn::U8(self.codes(values, |code| code as u8))
        } else {
            CodeColumn::U16(self.codes(values, |code| code as Code))
        }
    }

    fn codes<T: Copy + Default>(&self, values: &ArrayRef, as_code: impl Fn(usize) -> T) -> Vec<T> {
        let missing = as_code(self.known_codes());
        match &self.kind {
            BinKind::Numeric { edges, .. } => {
                let mut codes = QuantileBins::encode(edges, values.as_primitive::<Float64Type>().values(), as_code);
                if let Some(nulls) = values.nulls() {
                    (!nulls.inner()).set_indices().for_each(|row| codes[row] = missing);
                }
                codes
            }
            BinKind::Categorical { levels, .. } => {
                let other = levels.len();
                let codes: HashMap<&str, usize> = levels.iter().map(String::as_str).zip(0..).collect();
                let code = |level| as_code(codes.get(level).copied().unwrap_or(other));
                values.as_string::<i32>().iter().map(|level| level.map_or(missing, code)).collect()
            }
        }
    }
}

fn numeric(values: &ArrayRef, most: usize) -> BinKind {
    let values = values.as_primitive::<Float64Type>();
    let QuantileBins { edges, exact } = QuantileBins::of(values.values(), values.nulls(), most);
    BinKind::Numeric { edges, exact }
}

fn categorical(values: &ArrayRef, most: usize) -> BinKind {
    let mut counts: HashMap<&str, u64> = HashMap::new();
    for level in values.as_string::<i32>().iter().flatten() {
        *counts.entry(level).or_default() += 1;
    }
    let mut by_frequency: Vec<(&str, u64)> = counts.into_iter().collect();
    by_frequency.sort_by(|(one, many), (other, more)| more.cmp(many).then(one.cmp(other)));
    let other = by_frequency.len() > most;
    let mut levels: Vec<String> = by_frequency.into_iter().take(most).map(|(level, _)| level.to_owned()).collect();
    levels.sort_unstable();
    BinKind::Categorical { levels, other }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use datafusion::arrow::array::{Float64Array, StringArray};

    use super::*;

    fn numbers(values: impl IntoIterator<Item = Option<f64>>) -> ArrayRef {
        Arc::new(Float64Array::from_iter(values))
    }

    #[test]
    fn few_distinct_values_have_a_bin_each() {
        let values = numbers([Some(3.0), None, Some(-0.0), Some(0.0), Some(1.5)]);
        let bins = TagBins::fit("t", &values, TagKind::Numeric, Codes::Bits8);
        assert_eq!(bins.kind, BinKind::Numeric { edges: vec![0.0, 1.5, 3.0], exact: true });
        assert_eq!(bins.encode(&values), CodeColumn::U8(vec![2, 3, 0, 0, 1]));
    }

    #[test]
    fn many_values_share_bins_of_about_equal_size() {
        let values = numbers((0..10_000).map(|value| Some(f64::from(value))));
        let bins = TagBins::fit("t", &values, TagKind::Numeric, Codes::Bits8);
        let BinKind::Numeric { edges, exact } = &bins.kind else { panic!("numeric") };
        assert!(!exact && edges.len() == 255 && *edges.last().unwrap() == 9_999.0);
        let CodeColumn::U8(codes) = bins.encode(&values) else { panic!("8 bits") };
        let mut sizes = vec![0; 255];
        for code in codes {
            sizes[usize::from(code)] += 1;
        }
        assert!(sizes.iter().all(|size| (39..=40).contains(size)), "{sizes:?}");
    }

    #[test]
    fn rare_levels_share_the_other_code() {
        let values: ArrayRef = Arc::new(StringArray::from(vec![Some("b"), Some("b"), Some("c"), Some("a"), None]));
        let bins = TagBins::fit("t", &values, TagKind::Categorical { levels: 2 }, Codes::Bits8);
        assert_eq!(bins.kind, BinKind::Categorical { levels: vec!["a".into(), "b".into()], other: true });
        assert_eq!(bins.encode(&values), CodeColumn::U8(vec![1, 1, 2, 0, 3]));
        assert_eq!(bins.shape().codes, 4);
    }

    #[test]
    fn a_tag_that_nobody_has_is_only_missing() {
        let values = numbers([None, None]);
        let bins = TagBins::fit("t", &values, TagKind::Numeric, Codes::Bits8);
        assert_eq!((bins.known_codes(), bins.missing()), (0, Some(0)));
        assert_eq!(bins.encode(&values), CodeColumn::U8(vec![0, 0]));
    }
}
