//! Units and moments by arm and metric: of one cell, or of every code of a column.

use serde::{Deserialize, Serialize};

use crate::moments::Moments;

/// Units and moments by arm and metric: the content of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArmTable {
    /// Units by arm (control is arm 0), whether or not a metric has a value for them.
    pub units: Vec<u64>,
    /// Moments by arm and metric: index `arm * metrics + metric`.
    pub moments: Vec<Moments>,
}

/// A cell to be read: an [`ArmTable`], or one code of a [`ColumnHistogram`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArmCell<'a> {
    /// Units by arm.
    pub units: &'a [u64],
    /// Moments by arm and metric: index `arm * metrics + metric`.
    pub moments: &'a [Moments],
}

/// The cells of a column in one node, by code, in one piece of memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnHistogram {
    /// The number of arms.
    pub arms: usize,
    /// Units by code and arm: index `code * arms + arm`.
    pub units: Vec<u64>,
    /// Moments by code, arm and metric: index `(code * arms + arm) * metrics + metric`.
    pub moments: Vec<Moments>,
}

impl ArmTable {
    /// An empty table.
    pub fn new(arms: usize, metrics: usize) -> Self {
        Self { units: vec![0; arms], moments: vec![Moments::default(); arms * metrics] }
    }

    /// The table to be read.
    #[inline]
    pub fn cell(&self) -> ArmCell<'_> {
        ArmCell { units: &self.units, moments: &self.moments }
    }

    /// The number of metrics.
    pub fn metrics(&self) -> usize {
        self.cell().metrics()
    }

    /// The moments of one metric in one arm.
    #[inline]
    pub fn get(&self, arm: usize, metric: usize) -> &Moments {
        self.cell().get(arm, metric)
    }

    /// Units over all arms.
    pub fn total_units(&self) -> u64 {
        self.units.iter().sum()
    }

    /// Adds a cell of the same shape.
    pub fn add(&mut self, cell: ArmCell<'_>) {
        self.units.iter_mut().zip(cell.units).for_each(|(sum, units)| *sum += units);
        self.moments.iter_mut().zip(cell.moments).for_each(|(sum, moments)| *sum += *moments);
    }

    /// Adds units of one arm, with the moments of each metric in order.
    pub fn add_to_arm(&mut self, arm: usize, units: u64, moments: impl Iterator<Item = Moments>) {
        let metrics = self.metrics();
        self.units[arm] += units;
        let sums = &mut self.moments[arm * metrics..(arm + 1) * metrics];
        sums.iter_mut().zip(moments).for_each(|(sum, moments)| *sum += moments);
    }

    /// The table of the units in `self` that are not in `part`.
    #[must_use]
    pub fn without(&self, part: &Self) -> Self {
        Self { units: less(&self.units, &part.units), moments: less(&self.moments, &part.moments) }
    }
}

impl<'a> ArmCell<'a> {
    /// The number of metrics.
    #[inline]
    pub fn metrics(self) -> usize {
        self.moments.len().checked_div(self.units.len()).unwrap_or(0)
    }

    /// The moments of one metric in one arm.
    #[inline]
    pub fn get(self, arm: usize, metric: usize) -> &'a Moments {
        &self.moments[arm * self.metrics() + metric]
    }
}

impl ColumnHistogram {
    /// The histogram of nobody.
    pub fn new(codes: usize, arms: usize, metrics: usize) -> Self {
        Self { arms, units: vec![0; codes * arms], moments: vec![Moments::default(); codes * arms * metrics] }
    }

    /// The number of codes.
    pub fn codes(&self) -> usize {
        self.units.len().checked_div(self.arms).unwrap_or(0)
    }

    /// The cells in ascending order of code.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = ArmCell<'_>> {
        let width = self.moments.len().checked_div(self.codes()).unwrap_or(0);
        (0..self.codes()).map(move |code| ArmCell {
            units: &self.units[code * self.arms..(code + 1) * self.arms],
            moments: &self.moments[code * width..(code + 1) * width],
        })
    }

    /// Adds units of one arm with a code, with the moments of each metric in order.
    pub fn add(&mut self, code: usize, arm: usize, units: u64, moments: impl Iterator<Item = Moments>) {
        let (place, metrics) = (code * self.arms + arm, self.moments.len() / self.units.len());
        self.units[place] += units;
        let sums = &mut self.moments[place * metrics..(place + 1) * metrics];
        sums.iter_mut().zip(moments).for_each(|(sum, moments)| *sum += moments);
    }

    /// The histogram of the units in `self` that are not in `part`.
    #[must_use]
    pub fn without(&self, part: &Self) -> Self {
        let (units, moments) = (less(&self.units, &part.units), less(&self.moments, &part.moments));
        Self { arms: self.arms, units, moments }
    }
}

fn less<T: Copy + std::ops::Sub<Output = T>>(whole: &[T], part: &[T]) -> Vec<T> {
    whole.iter().zip(part).map(|(whole, part)| *whole - *part).collect()
}
