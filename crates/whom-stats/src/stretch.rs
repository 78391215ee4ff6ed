//! The rows of a task: as many as cells can count.

use crate::node_rows::EqualRows;
use crate::packing::CAPACITY;

/// Units per parallel task: enough that emptying cells is small beside counting, few enough for many tasks.
const TASK_UNITS: usize = 1 << 17;
const _: () = assert!(TASK_UNITS <= CAPACITY && TASK_UNITS > u8::MAX as usize);

/// Rows that are counted in all columns of a task before the next ones are.
const RUN_ROWS: usize = 1 << 9;

/// Some rows of one arm, in parts that count equally often.
pub(crate) struct Stretch<'a> {
    parts: Vec<(u8, &'a [u32])>,
    /// The units that may still come.
    room: usize,
}

impl<'a> Stretch<'a> {
    /// Cuts the rows of an arm into stretches, each as full as it may be.
    pub(crate) fn cut(arm: &'a [EqualRows]) -> Vec<Self> {
        let mut stretches: Vec<Self> = Vec::new();
        for EqualRows { weight, rows } in arm {
            let mut rows = rows.as_slice();
            while !rows.is_empty() {
                let each = usize::from(*weight).max(1);
                match stretches.last_mut() {
                    Some(last) if last.room >= each => rows = last.take(*weight, rows),
                    _ => stretches.push(Self { parts: Vec::new(), room: TASK_UNITS }),
                }
            }
        }
        stretches
    }

    /// Takes as many rows of a weight as there is room for, and gives the others back.
    fn take(&mut self, weight: u8, rows: &'a [u32]) -> &'a [u32] {
        let each = usize::from(weight).max(1);
        let (taken, others) = rows.split_at(rows.len().min(self.room / each));
        self.room -= taken.len() * each;
        self.parts.push((weight, taken));
        others
    }

    /// The rows in short runs, each with its weight.
    pub(crate) fn runs(&self) -> impl Iterator<Item = (u8, &'a [u32])> + '_ {
        self.parts.iter().flat_map(|(weight, rows)| rows.chunks(RUN_ROWS).map(move |rows| (*weight, rows)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_lies_in_one_stretch_and_none_is_too_full() {
        let rows: Vec<u32> = (0..300_000).collect();
        let (once, thrice) = rows.split_at(250_001);
        let arm = [(1, once), (3, thrice)].map(|(weight, rows)| EqualRows { weight, rows: rows.to_vec() });
        let stretches = Stretch::cut(&arm);
        let units = |stretch: &Stretch<'_>| -> usize {
            stretch.runs().map(|(weight, rows)| rows.len() * usize::from(weight)).sum()
        };
        assert_eq!(stretches.iter().map(units).collect::<Vec<_>>(), [131_072, 131_070, 131_070, 6_786]);
        let found: Vec<u32> = stretches.iter().flat_map(Stretch::runs).flat_map(|(_, rows)| rows).copied().collect();
        assert_eq!(found, rows);
        assert!(Stretch::cut(&[]).is_empty());
    }
}
