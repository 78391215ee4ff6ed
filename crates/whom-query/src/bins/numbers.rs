//! What the values of a numeric tag are like: quantile edges from a sample, what must be exact from all of them.

use std::borrow::Cow;

use datafusion::arrow::array::{Array, ArrowPrimitiveType, Float64Array, PrimitiveArray};

use serde::{Deserialize, Serialize};
use whom_stats::{Number, QuantileBins};

use super::BinKind;
use super::distinct::Distinct;
use super::order::{key, value};

/// Numbers, of which those outside the sample are known by their places among all doubles.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Numbers {
    most: usize,
    /// Of all numbers that came where only some were chosen.
    distinct: Distinct,
    /// Likewise.
    largest: Option<i64>,
    sample: Vec<f64>,
}

impl Numbers {
    /// No number, to be put into at most so many bins.
    pub(super) fn up_to(most: usize) -> Self {
        Self { most, distinct: Distinct::up_to(most), largest: None, sample: Vec::new() }
    }

    pub(super) fn add(&mut self, numbers: &Float64Array, chosen: Option<&[usize]>) {
        let Some(chosen) = chosen else {
            return in_known(numbers, |known| self.sample.extend_from_slice(known));
        };
        in_known(numbers, |known| self.see(known));
        let known = chosen.iter().filter(|row| numbers.is_valid(**row));
        self.sample.extend(known.map(|row| numbers.value(*row)));
    }

    fn see(&mut self, values: &[f64]) {
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
    }

    pub(super) fn merged(mut self, mut other: Self) -> Self {
        self.distinct.add_all(&other.distinct);
        self.sample.append(&mut other.sample);
        Self { largest: self.largest.max(other.largest), ..self }
    }

    /// A bin for each value if there are few, and bins that hold about equally many units of the sample otherwise; and the
    /// middle value of the sample. The last edge is the largest value of all.
    pub(super) fn fit(mut self) -> (BinKind, f64) {
        let QuantileBins { mut edges, exact, middle } = QuantileBins::of(&self.sample, self.most);
        for edge in &edges {
            self.distinct.add(key(*edge));
        }
        if let Some(values) = self.distinct.sorted().filter(|_| exact) {
            let edges = values.into_iter().map(value).collect();
            return (BinKind::Numeric { edges, exact: true }, middle);
        }
        let largest = self.largest.max(edges.last().copied().map(key));
        if let Some(largest) = largest.map(value).filter(|largest| edges.last() != Some(largest)) {
            edges.truncate(self.most - 1);
            edges.push(largest);
        }
        (BinKind::Numeric { edges, exact: false }, middle)
    }
}

/// The bins of numbers that are all there.
pub(super) fn bins_of_all<T: ArrowPrimitiveType>(numbers: &PrimitiveArray<T>, most: usize) -> BinKind
where
    T::Native: Number,
{
    let QuantileBins { edges, exact, .. } = QuantileBins::of(&known(numbers), most);
    BinKind::Numeric { edges, exact }
}

/// The numbers that are not missing.
fn known<T: ArrowPrimitiveType>(numbers: &PrimitiveArray<T>) -> Cow<'_, [T::Native]> {
    if numbers.null_count() == 0 {
        return Cow::Borrowed(numbers.values());
    }
    let mut known = Vec::with_capacity(numbers.len() - numbers.null_count());
    in_known(numbers, |values| known.extend_from_slice(values));
    Cow::Owned(known)
}

/// Calls `each` with stretches of numbers that are not missing.
fn in_known<T: ArrowPrimitiveType>(numbers: &PrimitiveArray<T>, mut each: impl FnMut(&[T::Native])) {
    match numbers.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => each(numbers.values()),
        Some(nulls) => nulls.valid_slices().for_each(|(start, end)| each(&numbers.values()[start..end])),
    }
}
