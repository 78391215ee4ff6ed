//! What the values of a numeric tag are like: quantile edges from a sample, what must be exact from all of them.

use datafusion::arrow::array::{Array, Float64Array};

use whom_stats::QuantileBins;

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
    sample: Vec<f64>,
}

impl Numbers {
    /// No number, to be put into at most so many bins.
    pub(super) fn up_to(most: usize) -> Self {
        Self { most, distinct: Distinct::up_to(most), largest: None, sample: Vec::new() }
    }

    pub(super) fn add(&mut self, numbers: &Float64Array, chosen: Option<&[usize]>) {
        for number in numbers.iter().flatten() {
            let key = key(number);
            self.distinct.add(key);
            self.largest = self.largest.max(Some(key));
            if chosen.is_none() {
                self.sample.push(number);
            }
        }
        let known = chosen.unwrap_or_default().iter().filter(|row| numbers.is_valid(**row));
        self.sample.extend(known.map(|row| numbers.value(*row)));
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
            return (BinKind::Numeric { edges, exact: true }, self.centre());
        }
        let mut edges = QuantileBins::of(&self.sample, None, self.most).edges;
        if let Some(largest) = self.largest.map(value).filter(|largest| edges.last() != Some(largest)) {
            edges.truncate(self.most - 1);
            edges.push(largest);
        }
        (BinKind::Numeric { edges, exact: false }, self.centre())
    }

    /// The middle value of the sample; zero without one.
    fn centre(&mut self) -> f64 {
        let middle = self.sample.len() / 2;
        if self.sample.is_empty() { 0.0 } else { *self.sample.select_nth_unstable_by(middle, f64::total_cmp).1 + 0.0 }
    }
}
