//! Units by arm, counted from the unit table.

use std::collections::BTreeMap;

use super::Subject;
use crate::compile::MetricColumn;
use crate::error::QueryError;
use crate::status::Status;

/// Counts units by arm.
pub(super) struct Counts<'a> {
    subject: &'a Subject<'a>,
    /// The arm of each unit of the unit table.
    pub(super) arms: Vec<u8>,
}

impl<'a> Counts<'a> {
    pub(super) fn of(subject: &'a Subject<'a>) -> Result<Self, QueryError> {
        Ok(Self { subject, arms: subject.table.arms()? })
    }

    /// The units whose row meets a condition.
    pub(super) fn by_arm(&self, counts: impl Fn(usize) -> bool) -> Vec<u64> {
        let mut units = self.none();
        for (_, arm) in self.arms.iter().enumerate().filter(|(row, _)| counts(*row)) {
            units[usize::from(*arm)] += 1;
        }
        units
    }

    /// The analysed units.
    pub(super) fn analysed(&self) -> Vec<u64> {
        self.by_arm(|row| self.subject.units.kept.value(row))
    }

    /// The analysed units whose metric has a status that counts.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the unit table lacks the metric.
    pub(super) fn with_status(
        &self,
        column: &MetricColumn,
        counts: impl Fn(Status) -> bool,
    ) -> Result<Vec<u64>, QueryError> {
        let statuses = self.subject.table.statuses(&column.status)?;
        Ok(self.by_arm(|row| self.subject.units.kept.value(row) && counts(statuses[row])))
    }

    /// The analysed units by a key that each row has.
    pub(super) fn analysed_by<K: Copy + Ord>(&self, keys: &[K]) -> BTreeMap<K, Vec<u64>> {
        let mut table = BTreeMap::new();
        for (row, key) in keys.iter().enumerate().filter(|(row, _)| self.subject.units.kept.value(*row)) {
            table.entry(*key).or_insert_with(|| self.none())[usize::from(self.arms[row])] += 1;
        }
        table
    }

    fn none(&self) -> Vec<u64> {
        vec![0; self.subject.plan.split.variants.len()]
    }
}
