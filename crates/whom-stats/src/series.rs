//! Sums by bucket in floating point: what a bootstrap weights and a linearised variance adds up.

use crate::measured::Measured;
use crate::moments::Moments;

/// Sums of squares cancel to about this part of themselves.
const ROUNDING: f64 = 1e-12;

/// Units, sum and sum of squares of a metric about a common centre, in the metric's own unit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sums {
    pub(crate) units: f64,
    pub(crate) sum: f64,
    pub(crate) squares: f64,
}

impl Sums {
    /// The mean less the centre, and the estimated variance of the mean; `None` with fewer than two units.
    ///
    /// Deviations that are only the rounding of equal values count as none.
    pub(crate) fn mean_and_variance(self) -> Option<(f64, f64)> {
        let mean = self.sum / self.units;
        let deviations = self.squares - self.sum * mean;
        let deviations = if deviations > ROUNDING * self.squares { deviations } else { 0.0 };
        (self.units > 1.0).then(|| (mean, deviations / (self.units - 1.0) / self.units))
    }

    /// The sums of the units that are not in `part`.
    pub(crate) fn without(self, part: Self) -> Self {
        Self { units: self.units - part.units, sum: self.sum - part.sum, squares: self.squares - part.squares }
    }
}

/// Where a series lies: in one cell, or in all of them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SeriesKey {
    pub(crate) metric: usize,
    pub(crate) arm: usize,
    /// `None` for all cells.
    pub(crate) cell: Option<usize>,
}

/// The sums of one metric and arm, bucket by bucket in ascending order.
#[derive(Clone, Debug)]
pub(crate) struct Series(pub(crate) Vec<Sums>);

impl Series {
    /// Reads a series whose metric has a grid. Values are centred in integers before they become floating point, so no
    /// digit is lost however far the metric lies from zero; the same centre must serve both arms of an effect.
    pub(crate) fn new(measured: &Measured<'_>, key: SeriesKey, centre: i128) -> Self {
        let steps = measured.grids[key.metric].steps_per_one();
        let cells = key.cell.map_or(0..measured.cells.cells, |cell| cell..cell + 1);
        let sums = |bucket| {
            let mut moments = Moments::default();
            cells.clone().filter_map(|cell| measured.cells.table(cell, bucket)).for_each(|table| {
                moments += *table.get(key.arm, key.metric);
            });
            let Moments { n, sum, sum_squares, .. } = moments.about(centre);
            Sums { units: n as f64, sum: sum as f64 / steps, squares: sum_squares as f64 / steps / steps }
        };
        Self(measured.buckets.iter().map(sums).collect())
    }

    /// The sums over the buckets, each counted as often as its weight says, in the order of the buckets.
    pub(crate) fn weighted(&self, weights: &[f64]) -> Sums {
        let mut total = Sums::default();
        for (sums, weight) in self.0.iter().zip(weights) {
            total.units += weight * sums.units;
            total.sum += weight * sums.sum;
            total.squares += weight * sums.squares;
        }
        total
    }

    /// The sums over the buckets.
    pub(crate) fn total(&self) -> Sums {
        self.weighted(&vec![1.0; self.0.len()])
    }
}

/// The grid value below a metric's mean over all arms and cells: a centre that moves along with a shift of the metric.
pub(crate) fn centre(measured: &Measured<'_>, metric: usize) -> i128 {
    let mut total = Moments::default();
    for cell in 0..measured.cells.cells {
        for table in measured.buckets.iter().filter_map(|bucket| measured.cells.table(cell, bucket)) {
            (0..table.units.len()).for_each(|arm| total += *table.get(arm, metric));
        }
    }
    total.sum.checked_div_euclid(i128::from(total.n)).unwrap_or(0)
}
