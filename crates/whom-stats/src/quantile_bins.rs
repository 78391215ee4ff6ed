//! Bins of a number by quantiles: exact, and without sorting all values.

use crate::ruler::Ruler;
use crate::scale::Number;
use crate::selection::Selection;

/// The bins of a number's values.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantileBins {
    /// Upper edges, inclusive and ascending, each a value that occurs: bin `i` holds the values above edge `i - 1` up to edge
    /// `i`. Empty if there is no value.
    pub edges: Vec<f64>,
    /// Whether every distinct value has a bin of its own.
    pub exact: bool,
    /// The value in the middle, that is of rank `n / 2`; zero without a value.
    pub middle: f64,
}

impl QuantileBins {
    /// At most `most` bins of finite values, in any order: a bin per distinct value if these are not more, else bins of
    /// about equal size, whose edges are the values at the ranks `ceil(n i / most)` for `i` from 1 to `most`. Zero has one
    /// sign.
    pub fn of<V: Number>(values: &[V], most: usize) -> Self {
        let mut selection = Selection::of(values);
        if most > Selection::<V>::MANY && matches!(selection, Selection::Many(..)) {
            selection = Selection::sorted(values);
        }
        let middle = values.len() / 2;
        if let Some(distinct) = selection.distinct(most) {
            let middle = if values.is_empty() { Vec::new() } else { selection.at_ranks(&[middle]) };
            let middle = middle.first().map_or(0.0, |middle| (*middle).into());
            return Self { edges: distinct.into_iter().map(Into::into).collect(), exact: true, middle };
        }
        let mut ranks = ranks(values.len(), most);
        // The middle is one of the ranks, and after it those of the edges go on.
        let place = ranks.partition_point(|rank| *rank < middle);
        ranks.insert(place, middle);
        let mut edges: Vec<f64> = selection.at_ranks(&ranks).into_iter().map(Into::into).collect();
        let middle = if place < edges.len() { edges.remove(place) } else { 0.0 };
        edges.dedup();
        Self { edges, exact: false, middle }
    }
}

/// The ranks of the edges of bins of about equal size, ascending.
fn ranks(values: usize, bins: usize) -> Vec<usize> {
    (1..=bins).map(|bin| (values * bin).div_ceil(bins) - 1).collect()
}

/// Room for the marks of a ruler, and its sections.
type EdgeRuler<V> = Ruler<V, 512, 2048>;

/// The edges of bins, to tell in which bin values lie.
#[derive(Clone, Debug)]
pub struct BinEdges<V> {
    edges: Vec<V>,
    /// `None` for more edges than it has room for.
    ruler: Option<EdgeRuler<V>>,
}

impl<V: Number> BinEdges<V> {
    /// Ascending edges, for values of this width.
    pub fn new(edges: &[f64]) -> Self {
        let edges: Vec<V> = edges.iter().map(|edge| V::not_above(*edge)).collect();
        let ruler = EdgeRuler::new(&edges);
        Self { edges, ruler }
    }

    /// Adds the bin of every value, as a code, to those of the values before; a value above the last edge has the bin after
    /// the last, and NaN has any.
    pub fn encode<T: Copy + Default>(&self, values: &[V], codes: &mut Vec<T>, as_code: impl Fn(usize) -> T) {
        let before = codes.len();
        codes.resize(before + values.len(), T::default());
        if let Some(ruler) = &self.ruler {
            ruler.measure(values, &mut codes[before..], as_code);
        } else {
            let bins = values.iter().map(|value| self.edges.partition_point(|edge| edge < value));
            codes[before..].iter_mut().zip(bins).for_each(|(code, bin)| *code = as_code(bin));
        }
    }
}

#[cfg(test)]
mod tests;
