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
        let values = numbers.values();
        match numbers.nulls().filter(|nulls| nulls.null_count() > 0) {
            None => self.add_known(values, chosen.is_none()),
            Some(nulls) => {
                nulls.valid_slices().for_each(|(start, end)| self.add_known(&values[start..end], chosen.is_none()));
            }
        }
        let known = chosen.unwrap_or_default().iter().filter(|row| numbers.is_valid(**row));
        self.sample.extend(known.map(|row| numbers.value(*row)));
    }

    fn add_known(&mut self, values: &[f64], sampled: bool) {
        if self.distinct.are_few() {
            for value in values {
                self.distinct.add(key(*value));
            }
        }
        let largest =
            values.iter().copied().fold(f64::NEG_INFINITY, |one, other| if other > one { other } else { one });
        if !values.is_empty() {
            self.largest = self.largest.max(Some(key(largest)));
        }
        if sampled {
            self.sample.extend_from_slice(values);
        }
    }

    pub(super) fn merged(mut self, mut other: Self) -> Self {
        self.distinct.add_all(&other.distinct);
        self.sample.append(&mut other.sample);
        Self { largest: self.largest.max(other.largest), ..self }
    }

    /// A bin for each value if there are few, and bins that hold about equally many units of the sample otherwise; and the
    /// middle value of the sample. The last edge is the largest value of all.
    pub(super) fn fit(self) -> (BinKind, f64) {
        let QuantileBins { mut edges, middle, .. } = QuantileBins::of(&self.sample, self.most);
        if let Some(values) = self.distinct.sorted() {
            let edges = values.into_iter().map(value).collect();
            return (BinKind::Numeric { edges, exact: true }, middle);
        }
        if let Some(largest) = self.largest.map(value).filter(|largest| edges.last() != Some(largest)) {
            edges.truncate(self.most - 1);
            edges.push(largest);
        }
        (BinKind::Numeric { edges, exact: false }, middle)
    }
}
