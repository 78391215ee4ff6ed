//! What the values of a numeric tag are like: quantile edges from a sample, what must be exact from all of them.

use datafusion::arrow::array::{Array, Float64Array};

use super::BinKind;
use super::distinct::Distinct;
use super::order::{key, value};

/// Numbers, as their places among all doubles.
#[derive(Clone, Debug)]
pub(super) struct Numbers {
    most: usize,
    /// Of all numbers.
    distinct: Distinct,
    /// Of all numbers.
    largest: Option<i64>,
    sample: Vec<i64>,
}

impl Numbers {
    /// No number, to be put into at most so many bins.
    pub(super) fn up_to(most: usize) -> Self {
        Self { most, distinct: Distinct::up_to(most), largest: None, sample: Vec::new() }
    }

    pub(super) fn add(&mut self, numbers: &Float64Array, chosen: Option<&[usize]>) {
        for key in numbers.iter().flatten().map(key) {
            self.distinct.add(key);
            self.largest = self.largest.max(Some(key));
            if chosen.is_none() {
                self.sample.push(key);
            }
        }
        let known = chosen.unwrap_or_default().iter().filter(|row| numbers.is_valid(**row));
        self.sample.extend(known.map(|row| key(numbers.value(*row))));
    }

    pub(super) fn merged(mut self, mut other: Self) -> Self {
        self.distinct.add_all(&other.distinct);
        self.sample.append(&mut other.sample);
        Self { largest: self.largest.max(other.largest), ..self }
    }

    /// A bin for each value if there are few, and bins that hold about equally many units of the sample otherwise; and the
    /// middle value of the sample. The last edge is the largest value of all.
    pub(super) fn fit(mut self) -> (BinKind, f64) {
        if let Some(values) = self.distinct.sorted() {
            let edges = values.into_iter().map(value).collect();
            let middle = self.sample.len() / 2;
            let centre = if self.sample.is_empty() { 0.0 } else { value(*self.sample.select_nth_unstable(middle).1) };
            return (BinKind::Numeric { edges, exact: true }, centre);
        }
        self.sample.sort_unstable();
        let count = self.sample.len();
        let mut edges: Vec<i64> = (1..=self.most)
            .filter_map(|bin| self.sample.get((count * bin).div_ceil(self.most).max(1) - 1))
            .copied()
            .collect();
        edges.dedup();
        if let Some(largest) = self.largest.filter(|largest| edges.last() != Some(largest)) {
            edges.truncate(self.most - 1);
            edges.push(largest);
        }
        let centre = self.sample.get(count / 2).copied().map_or(0.0, value);
        (BinKind::Numeric { edges: edges.into_iter().map(value).collect(), exact: false }, centre)
    }
}
