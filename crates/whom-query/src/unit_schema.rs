//! Which columns of the unit table are analysed, and which units.

use datafusion::arrow::array::BooleanArray;
use whom_spec::plan::{Codes, Plan, SeveralVariantsRule, TagKind};
use whom_stats::ColumnShape;

use crate::bins::TagBins;
use crate::compile::{Compiled, MetricColumn, NamedColumn};
use crate::error::QueryError;
use crate::unit_table::UnitRows;

/// What is taken from the unit table, as the plan says.
#[derive(Clone, Debug)]
pub struct UnitSchema {
    /// The number of arms, control included.
    pub(crate) arms: usize,
    /// Whether units in several variants are left out.
    pub(crate) excludes_several: bool,
    pub(crate) metrics: Vec<MetricColumn>,
    /// The tags in alphabetical order.
    pub(crate) tags: Vec<TagColumn>,
    /// The pre-registered cohorts in the order of the file.
    pub(crate) cohorts: Vec<NamedColumn>,
    pub(crate) codes: Codes,
}

/// A tag of the unit table.
#[derive(Clone, Debug)]
pub(crate) struct TagColumn {
    pub(crate) name: String,
    pub(crate) column: String,
    pub(crate) kind: TagKind,
}

impl UnitSchema {
    /// The columns and units that a plan analyses.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the statements were compiled from another plan.
    pub fn new(plan: &Plan, compiled: &Compiled) -> Result<Self, QueryError> {
        let tag = |tag: &NamedColumn| match plan.tag(&tag.name) {
            Some((_, declared)) => {
                Ok(TagColumn { name: tag.name.clone(), column: tag.column.clone(), kind: declared.kind })
            }
            None => Err(QueryError::Internal(format!("tag `{}` is not in the plan", tag.name))),
        };
        Ok(Self {
            arms: plan.split.variants.len(),
            excludes_several: plan.split.several_variants.rule == SeveralVariantsRule::Exclude,
            metrics: compiled.metrics.clone(),
            tags: compiled.tags.iter().map(tag).collect::<Result<_, _>>()?,
            cohorts: compiled.cohorts.clone(),
            codes: plan.discover.codes,
        })
    }

    /// The units that are analysed, in their order.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the rows are not of the unit table.
    pub fn analysed(&self, rows: UnitRows) -> Result<UnitRows, QueryError> {
        let several = rows.several_variants()?;
        if !self.excludes_several || several.true_count() == 0 {
            return Ok(rows);
        }
        let kept: BooleanArray = several.iter().map(|several| Some(several != Some(true))).collect();
        rows.filtered(&kept)
    }

    /// The columns that passes see: the tags, and a column of 0 and 1 for each pre-registered cohort.
    pub(crate) fn shapes(&self, bins: &[TagBins]) -> Vec<ColumnShape> {
        let cohort =
            |cohort: &NamedColumn| ColumnShape { name: cohort.name.clone(), codes: 2, ordered: true, missing: None };
        bins.iter().map(TagBins::shape).chain(self.cohorts.iter().map(cohort)).collect()
    }
}
