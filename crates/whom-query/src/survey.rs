//! The first look at all units: what bins and the layout of the metrics are made from.

use std::sync::atomic::AtomicBool;

use whom_stats::MetricRange;

use crate::bins::TagSurvey;
use crate::error::QueryError;
use crate::sampling::Sampling;
use crate::tag_values::TagValues;
use crate::unit_schema::UnitSchema;
use crate::unit_table::{UnitRows, UnitTable};
use crate::values::values;

/// What the analysed units are like.
#[derive(Clone, Debug)]
pub(crate) struct Survey {
    /// The analysed units.
    pub(crate) analysed: u64,
    /// The exposed units that are left out of the analysis.
    pub(crate) left_out: u64,
    /// By column of integers.
    pub(crate) ranges: Vec<MetricRange>,
    /// By tag.
    pub(crate) tags: Vec<TagSurvey>,
}

impl Survey {
    /// Looks at every unit of a table, at the quantiles of tags in a sample of them.
    pub(crate) fn take(schema: &UnitSchema, table: &UnitTable, cancel: &AtomicBool) -> Result<Self, QueryError> {
        let sampling = Sampling::of_units(table.units());
        table.gather(cancel, || Self::empty(schema), |survey, rows| survey.add(schema, sampling, rows), Self::merged)
    }

    fn empty(schema: &UnitSchema) -> Self {
        Self {
            analysed: 0,
            left_out: 0,
            ranges: vec![MetricRange::default(); schema.values.len()],
            tags: schema.tags.iter().map(|tag| TagSurvey::new(tag.kind, schema.codes)).collect(),
        }
    }

    fn add(&mut self, schema: &UnitSchema, sampling: Sampling, rows: UnitRows) -> Result<(), QueryError> {
        let exposed = rows.len();
        let rows = schema.analysed(rows)?;
        self.analysed += rows.len() as u64;
        self.left_out += (exposed - rows.len()) as u64;
        for (values, range) in values(&schema.values, &rows)?.iter().zip(&mut self.ranges) {
            *range = range.merged(MetricRange::of(values));
        }
        let chosen = sampling.places(&rows.column("unit")?)?;
        for (tag, survey) in schema.tags.iter().zip(&mut self.tags) {
            survey.add(&TagValues::of(&rows.column(&tag.column)?)?, chosen.as_deref())?;
        }
        Ok(())
    }

    fn merged(self, other: Self) -> Self {
        let ranges = self.ranges.into_iter().zip(other.ranges).map(|(one, other)| one.merged(other)).collect();
        let tags = self.tags.into_iter().zip(other.tags).map(|(one, other)| one.merged(other)).collect();
        Self { analysed: self.analysed + other.analysed, left_out: self.left_out + other.left_out, ranges, tags }
    }
}
