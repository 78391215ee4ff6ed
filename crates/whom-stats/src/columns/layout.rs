//! How units lie in memory: what follows from all of them and holds for every part.

use super::code_table::CodePlaces;
use super::metric_range::MetricRange;
use super::parts::UnitColumnParts;
use crate::packing::Packing;
use crate::pass::ColumnShape;

/// Bytes that a unit takes while it is counted: the list of a node's rows, and cells that wait to be added up.
const COUNTING_BYTES: u64 = 14;

/// Words of the widest metric.
const WORDS_PER_METRIC: u64 = 4;

/// What all parts of the units share, so that a unit lies the same way in each: the arms, the shapes of the tag columns, and
/// the ranges of the metrics, from which their packing follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    arm_count: usize,
    shapes: Vec<ColumnShape>,
    ranges: Vec<MetricRange>,
    pub(super) places: CodePlaces,
    packing: Packing,
}

impl Layout {
    /// The layout of units whose codes fit `shapes` and whose values lie in the `ranges` of their metrics.
    pub fn new(arm_count: usize, shapes: Vec<ColumnShape>, ranges: Vec<MetricRange>) -> Self {
        let (places, packing) = (CodePlaces::of(&shapes), Packing::of(&ranges));
        Self { arm_count, shapes, ranges, places, packing }
    }

    /// The layout of units that are all there.
    pub(super) fn of(parts: &UnitColumnParts) -> Self {
        let ranges = parts.metrics.iter().map(|values| MetricRange::of(values)).collect();
        Self::new(parts.arm_count, parts.shapes.clone(), ranges)
    }

    /// The number of arms, control included.
    pub fn arm_count(&self) -> usize {
        self.arm_count
    }

    /// What the tag columns are.
    pub fn shapes(&self) -> &[ColumnShape] {
        &self.shapes
    }

    /// The bytes of a unit's codes.
    pub fn code_bytes(&self) -> usize {
        self.places.stride()
    }

    /// The words of a unit's metrics, 8 bytes each.
    pub fn record_words(&self) -> usize {
        self.packing.words()
    }

    /// The bytes that so many units take in memory while they are counted.
    pub fn resident_bytes(&self, units: u64) -> u64 {
        units * (self.code_bytes() as u64 + 8 * self.record_words() as u64 + COUNTING_BYTES)
    }

    pub(crate) fn packing(&self) -> &Packing {
        &self.packing
    }

    /// The first metric that has values beyond its range.
    pub(super) fn first_beyond(&self, metrics: &[Vec<i64>]) -> Option<usize> {
        let beyond = |(range, values): (&MetricRange, &Vec<i64>)| range.merged(MetricRange::of(values)) != *range;
        self.ranges.iter().zip(metrics).position(beyond)
    }
}

/// The most bytes that units take in memory while they are counted, with tags of at most 256 codes and metrics as wide as a
/// metric can be. What they really take follows from their values: [`Layout::resident_bytes`].
pub fn resident_bytes(units: u64, tags: u64, metrics: u64) -> u64 {
    units * (tags + 8 * (1 + WORDS_PER_METRIC * metrics) + COUNTING_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::ABSENT;
    use crate::grid::MAX_GRID_VALUE;

    #[test]
    fn no_units_take_more_than_the_bound() {
        let widest = MetricRange::of(&[-MAX_GRID_VALUE, 0, ABSENT, MAX_GRID_VALUE]);
        let shape = ColumnShape { name: "device".into(), codes: 256, ordered: true, missing: None };
        for metrics in 0..7 {
            for tags in [0, 1, 20] {
                let layout = Layout::new(2, vec![shape.clone(); tags], vec![widest; metrics]);
                assert!(layout.resident_bytes(10) <= resident_bytes(10, tags as u64, metrics as u64), "{metrics}");
            }
        }
    }
}
