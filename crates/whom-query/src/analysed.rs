//! The units that are analysed, as columns that passes can be asked of.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, BooleanArray};
use datafusion::arrow::compute::filter;
use rayon::prelude::*;
use whom_spec::plan::{Plan, SeveralVariantsRule};
use whom_stats::pass::ColumnShape;
use whom_stats::{CodeColumn, UnitColumnParts, UnitColumns};

use crate::bins::TagBins;
use crate::compile::{Compiled, NamedColumn};
use crate::error::QueryError;
use crate::unit_table::UnitTable;

/// The analysed units: those of the unit table, less the ones in several variants where the plan excludes them.
#[derive(Debug)]
pub struct AnalysedUnits {
    /// Arms, buckets, tag codes and metrics. The tag columns stand in alphabetical order; a column of 0 and 1 for each
    /// pre-registered cohort follows them.
    pub columns: Arc<UnitColumns>,
    /// The bins of the tags, in the order of the columns.
    pub bins: Vec<TagBins>,
    /// The values of the tags, in the same order.
    pub tags: Vec<ArrayRef>,
    /// The codes of all columns, in the order of the unit table.
    pub codes: Vec<CodeColumn>,
    /// Which units of the unit table are analysed.
    pub kept: BooleanArray,
    /// All exposed units by their first arm, without tags, where units in several variants are excluded and there are
    /// some: the intention to treat.
    pub by_first_exposure: Option<Arc<UnitColumns>>,
}

impl AnalysedUnits {
    /// Bins the tags and lays the units out.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the unit table contradicts the plan.
    pub fn new(plan: &Plan, compiled: &Compiled, table: &UnitTable) -> Result<Self, QueryError> {
        let several = table.several_variants()?;
        let excluded = plan.split.several_variants.rule == SeveralVariantsRule::Exclude;
        let kept: BooleanArray = several.iter().map(|several| Some(!(excluded && several == Some(true)))).collect();
        let mut parts = parts_without_tags(plan, compiled, table, &kept)?;
        let binned: Vec<BinnedTag> = compiled
            .tags
            .par_iter()
            .map(|tag| BinnedTag::new(plan, tag, &filtered(&table.column(&tag.column)?, &kept)?))
            .collect::<Result<_, QueryError>>()?;
        let (mut bins, mut tags) = (Vec::new(), Vec::new());
        for tag in binned {
            parts.shapes.push(tag.bins.shape());
            parts.codes.push(tag.codes);
            bins.push(tag.bins);
            tags.push(tag.values);
        }
        for cohort in &compiled.cohorts {
            let members: ArrayRef = Arc::new(table.cohort(&cohort.column)?);
            parts.codes.push(membership(&filtered(&members, &kept)?));
            parts.shapes.push(ColumnShape { name: cohort.name.clone(), codes: 2, ordered: true, missing: None });
        }
        let everybody = BooleanArray::from(vec![true; table.len()]);
        let by_first_exposure = if excluded && several.true_count() > 0 {
            Some(Arc::new(columns(parts_without_tags(plan, compiled, table, &everybody)?)?))
        } else {
            None
        };
        let codes = parts.codes.clone();
        Ok(Self { columns: Arc::new(columns(parts)?), bins, tags, codes, kept, by_first_exposure })
    }

    /// The column of a tag.
    pub fn tag_column(&self, name: &str) -> Option<usize> {
        self.bins.iter().position(|bins| bins.name == name)
    }

    /// The column of the pre-registered cohort at a place in the file.
    pub fn cohort_column(&self, place: usize) -> usize {
        self.bins.len() + place
    }
}

/// A tag of the analysed units.
struct BinnedTag {
    bins: TagBins,
    codes: CodeColumn,
    values: ArrayRef,
}

impl BinnedTag {
    fn new(plan: &Plan, tag: &NamedColumn, values: &ArrayRef) -> Result<Self, QueryError> {
        let Some((_, declared)) = plan.tag(&tag.name) else {
            return Err(QueryError::Internal(format!("tag `{}` is not in the plan", tag.name)));
        };
        let bins = TagBins::fit(&tag.name, values, declared.kind, plan.discover.codes);
        Ok(Self { codes: bins.encode(values), bins, values: Arc::clone(values) })
    }
}

fn parts_without_tags(
    plan: &Plan,
    compiled: &Compiled,
    table: &UnitTable,
    kept: &BooleanArray,
) -> Result<UnitColumnParts, QueryError> {
    let mut metrics = Vec::new();
    for metric in &compiled.metrics {
        metrics.push(select(&table.metric(&metric.column)?, kept));
    }
    Ok(UnitColumnParts {
        arm_count: plan.split.variants.len(),
        arms: select(&table.arms()?, kept),
        buckets: select(&table.buckets()?, kept),
        codes: Vec::new(),
        shapes: Vec::new(),
        metrics,
    })
}

fn columns(parts: UnitColumnParts) -> Result<UnitColumns, QueryError> {
    UnitColumns::new(parts).map_err(|error| QueryError::Internal(error.to_string()))
}

/// The values whose place is kept.
pub(crate) fn select<T: Copy>(values: &[T], kept: &BooleanArray) -> Vec<T> {
    values.iter().zip(kept).filter(|(_, kept)| *kept == Some(true)).map(|(value, _)| *value).collect()
}

fn filtered(values: &ArrayRef, kept: &BooleanArray) -> Result<ArrayRef, QueryError> {
    filter(values, kept).map_err(|error| QueryError::Internal(error.to_string()))
}

fn membership(members: &ArrayRef) -> CodeColumn {
    let members: &BooleanArray = datafusion::arrow::array::AsArray::as_boolean(members);
    CodeColumn::U8(members.iter().map(|member| u8::from(member == Some(true))).collect())
}
