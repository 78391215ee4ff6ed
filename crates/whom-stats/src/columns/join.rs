//! Units in parts: kept elsewhere and brought back, or joined to one.

use std::sync::Arc;

use super::code_table::CodeTable;
use super::layout::Layout;
use super::parts::ColumnsError;
use super::{PackedUnits, UnitColumns};

impl UnitColumns {
    /// The units as they lie in memory, to be kept elsewhere.
    pub fn packed(&self) -> PackedUnits<'_> {
        PackedUnits { starts: &self.starts, codes: self.codes.bytes(), records: &self.records }
    }

    /// Units that were kept elsewhere, in the layout that they had.
    ///
    /// # Errors
    /// [`ColumnsError::Packed`] if there are not as many codes and records as units.
    pub fn from_packed(
        layout: Arc<Layout>,
        starts: Vec<usize>,
        codes: Vec<u8>,
        records: Vec<u64>,
    ) -> Result<Self, ColumnsError> {
        let rows = starts.last().copied().unwrap_or(0);
        let fits = starts.len() == Self::places(&layout) + 1
            && codes.len() == rows * layout.code_bytes()
            && records.len() == rows * layout.record_words();
        if !fits {
            return Err(ColumnsError::Packed { rows, codes: codes.len(), words: records.len() });
        }
        let codes = CodeTable::from_bytes(layout.places.clone(), codes);
        Ok(Self { layout, codes, records, starts })
    }

    /// The units of all parts, which share a layout and follow each other by their buckets. Takes the memory of one part
    /// beside that of the whole.
    ///
    /// # Errors
    /// No part, parts of different layouts or out of order, and more units than fit in memory's row numbers.
    pub fn join(parts: Vec<Self>) -> Result<Self, ColumnsError> {
        let rows = parts.iter().map(Self::rows).sum();
        if u32::try_from(rows).is_err() {
            return Err(ColumnsError::TooManyUnits { rows });
        }
        let mut parts = parts.into_iter();
        let first = parts.next().ok_or(ColumnsError::NoPart)?;
        if parts.len() == 0 {
            return Ok(first);
        }
        let mut codes = Vec::with_capacity(rows * first.layout.code_bytes());
        let mut records = Vec::with_capacity(rows * first.layout.record_words());
        let mut starts = vec![0; first.starts.len()];
        let layout = Arc::clone(&first.layout);
        for part in std::iter::once(first).chain(parts) {
            if part.layout != layout {
                return Err(ColumnsError::Layouts);
            }
            let before = starts.last().copied().unwrap_or(0);
            if part.first_place().is_some_and(|first| starts[first] < before) {
                return Err(ColumnsError::PartsOutOfOrder);
            }
            codes.extend_from_slice(part.codes.bytes());
            records.extend_from_slice(&part.records);
            starts.iter_mut().zip(&part.starts).for_each(|(start, rows)| *start += rows);
        }
        Self::from_packed(layout, starts, codes, records)
    }

    /// The first place of a bucket and arm that holds units.
    fn first_place(&self) -> Option<usize> {
        self.starts.windows(2).position(|ends| ends[0] < ends[1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{ABSENT, CodeColumn, MetricRange, UnitColumnParts};
    use crate::pass::ColumnShape;

    const CODES: usize = 300;

    /// Units of some buckets; a bucket's units are the same in all parts that hold it.
    fn parts(buckets: std::ops::Range<u16>) -> UnitColumnParts {
        let units: Vec<u16> = buckets.flat_map(|bucket| vec![bucket; usize::from(bucket % 4)]).collect();
        let number = |place: usize| place * 7 + usize::from(units[place]);
        let shape = |name: &str, codes| ColumnShape { name: name.into(), codes, ordered: true, missing: None };
        UnitColumnParts {
            arm_count: 2,
            arms: (0..units.len()).map(|place| (usize::from(units[place]) / 3 % 2) as u8).collect(),
            codes: vec![
                CodeColumn::U8(units.iter().map(|bucket| (bucket % 9) as u8).collect()),
                CodeColumn::U16(units.iter().map(|bucket| bucket % CODES as u16).collect()),
            ],
            shapes: vec![shape("age", 9), shape("plan", CODES)],
            metrics: vec![
                units.iter().map(|bucket| if bucket % 5 == 0 { ABSENT } else { i64::from(*bucket) }).collect(),
                (0..units.len()).map(|place| (number(place) % 2) as i64).collect(),
            ],
            buckets: units,
        }
    }

    fn layout() -> Arc<Layout> {
        let whole = parts(0..1024);
        let ranges = whole.metrics.iter().map(|values| MetricRange::of(values)).collect();
        Arc::new(Layout::new(2, whole.shapes, ranges))
    }

    fn part(buckets: std::ops::Range<u16>) -> UnitColumns {
        let whole = parts(0..1024);
        let rows: Vec<usize> = (0..whole.buckets.len()).filter(|row| buckets.contains(&whole.buckets[*row])).collect();
        let codes = |column: &CodeColumn| CodeColumn::U16(rows.iter().map(|row| column.code(*row)).collect());
        let part = UnitColumnParts {
            arms: rows.iter().map(|row| whole.arms[*row]).collect(),
            buckets: rows.iter().map(|row| whole.buckets[*row]).collect(),
            codes: whole.codes.iter().map(codes).collect(),
            metrics: whole.metrics.iter().map(|values| rows.iter().map(|row| values[*row]).collect()).collect(),
            ..whole
        };
        UnitColumns::in_layout(part, &layout()).unwrap()
    }

    #[test]
    fn parts_that_follow_each_other_join_to_the_whole() {
        let whole = UnitColumns::new(parts(0..1024)).unwrap();
        assert_eq!(UnitColumns::join(vec![part(0..1024)]), Ok(whole.clone()));
        let joined = UnitColumns::join(vec![part(0..1), part(1..400), part(400..400), part(400..1024)]);
        assert_eq!(joined, Ok(whole));
    }

    #[test]
    fn what_was_kept_elsewhere_comes_back_the_same() {
        let units = part(100..900);
        let PackedUnits { starts, codes, records } = units.packed();
        let back = UnitColumns::from_packed(layout(), starts.to_vec(), codes.to_vec(), records.to_vec());
        assert_eq!(back, Ok(units));
    }

    #[test]
    fn parts_that_make_no_whole_are_refused() {
        let shorter = |units: &UnitColumns| {
            let PackedUnits { starts, codes, records } = units.packed();
            UnitColumns::from_packed(layout(), starts.to_vec(), codes.to_vec(), records[1..].to_vec())
        };
        let messages = [
            UnitColumns::join(Vec::new()),
            UnitColumns::join(vec![part(400..1024), part(0..400)]),
            UnitColumns::join(vec![part(0..400), UnitColumns::new(parts(0..0)).unwrap()]),
            shorter(&part(1..4)),
            UnitColumns::in_layout(UnitColumnParts { metrics: vec![vec![7], vec![2]], ..one_unit() }, &layout()),
            UnitColumns::in_layout(UnitColumnParts { arm_count: 3, ..one_unit() }, &layout()),
        ];
        let messages: Vec<String> = messages.into_iter().map(|refused| refused.unwrap_err().to_string()).collect();
        insta::assert_snapshot!(messages.join("\n"), @r"
        there is no part to join
        the parts are not in the order of their buckets
        the parts have different layouts; lay them out by that of all units
        6 units came back with 18 bytes of codes and 17 words of metrics
        metric 1 has values beyond the range of its layout; make the layout from all units
        the units have other arms or tags than their layout
        ");
    }

    fn one_unit() -> UnitColumnParts {
        let code = || CodeColumn::U8(vec![0]);
        UnitColumnParts {
            arms: vec![0],
            buckets: vec![3],
            codes: vec![code(), code()],
            metrics: vec![vec![7], vec![1]],
            ..parts(0..0)
        }
    }
}
