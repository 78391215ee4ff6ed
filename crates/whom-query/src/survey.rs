//! The first look at all units: what bins and the layout of the metrics are made from.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use whom_stats::MetricRange;

use crate::bins::TagSurvey;
use crate::error::QueryError;
use crate::look::Look;
use crate::sampling::Sampling;
use crate::strata::{Strata, StrataValues};
use crate::tag_values::TagValues;
use crate::unit_schema::UnitSchema;
use crate::unit_table::{UnitRows, UnitTable};
use crate::values::values;

/// What the analysed units are like.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Survey {
    /// The analysed units.
    pub(crate) analysed: u64,
    /// The exposed units that are left out of the analysis.
    pub(crate) left_out: u64,
    /// By column of integers.
    pub(crate) ranges: Vec<MetricRange>,
    /// By tag.
    pub(crate) tags: Vec<TagSurvey>,
    /// The values of strata among all units with a first exposure.
    pub(crate) strata: StrataValues,
}

/// The look that a survey is taken by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct SurveyLook {
    schema: UnitSchema,
    sampling: Sampling,
}

impl Look for SurveyLook {
    const NAME: &'static str = "values";
    type Seen = Survey;
    type Ready<'a> = &'a Self;

    fn ready(&self) -> Result<&Self, QueryError> {
        Ok(self)
    }

    fn nothing(&self) -> Survey {
        Survey::empty(&self.schema)
    }

    fn add(look: &&Self, seen: &mut Survey, rows: UnitRows) -> Result<(), QueryError> {
        seen.add(&look.schema, look.sampling, rows)
    }

    fn merged(one: Survey, other: Survey) -> Survey {
        one.merged(other)
    }
}

impl Survey {
    /// Looks at every unit of a table, at the quantiles of tags in a sample of them.
    pub(crate) fn take(schema: &UnitSchema, table: &UnitTable, cancel: &AtomicBool) -> Result<Self, QueryError> {
        let look = SurveyLook { schema: schema.clone(), sampling: Sampling::of_units(table.units()) };
        table.look(&look, cancel)
    }

    fn empty(schema: &UnitSchema) -> Self {
        Self {
            analysed: 0,
            left_out: 0,
            ranges: vec![MetricRange::default(); schema.values.len()],
            tags: schema.tags.iter().map(|tag| TagSurvey::new(tag.kind, schema.codes)).collect(),
            strata: StrataValues::default(),
        }
    }

    fn add(&mut self, schema: &UnitSchema, sampling: Sampling, rows: UnitRows) -> Result<(), QueryError> {
        self.strata.add(schema.strata.as_ref().map(Strata::columns).unwrap_or_default(), &rows)?;
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
        let strata = self.strata.merged(other.strata);
        let (analysed, left_out) = (self.analysed + other.analysed, self.left_out + other.left_out);
        Self { analysed, left_out, ranges, tags, strata }
    }
}
