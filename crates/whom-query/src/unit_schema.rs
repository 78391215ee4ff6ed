//! Which columns of the unit table are analysed, and which units.

use datafusion::arrow::array::BooleanArray;
use serde::{Deserialize, Serialize};
use whom_spec::plan::{Cap, Codes, Metric, Plan, SeveralVariantsRule, TagKind};
use whom_stats::{BucketSet, ColumnShape, Fold, Grid, MetricRange, ProductGroup};

use crate::bins::TagBins;
use crate::clusters::Clusters;
use crate::compile::{Compiled, MeasureColumn, NamedColumn};
use crate::error::QueryError;
use crate::folds::folds;
use crate::level::Level;
use crate::outcome::{Outcome, outcomes};
use crate::sampling::Sampling;
use crate::strata::Strata;
use crate::unit_table::UnitRows;
use crate::values::{Origin, ValueColumn};
use crate::weeks::Weeks;

/// What is taken from the unit table, as the plan says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UnitSchema {
    /// The number of arms, control included.
    pub(crate) arms: usize,
    /// Whether units in several variants are left out.
    pub(crate) excludes_several: bool,
    /// Which of the units that would be analysed are.
    sampling: Sampling,
    /// The column that is 1 for units which reached the event that an analysed unit must have reached.
    reached: Option<String>,
    pub(crate) measures: Vec<MeasureColumn>,
    /// The integers that passes and products see: the measures, then covariates, what is made of them, and levels.
    pub(crate) values: Vec<ValueColumn>,
    /// By metric, which of them it is estimated from.
    pub(crate) outcomes: Vec<Outcome>,
    /// The tags in alphabetical order.
    pub(crate) tags: Vec<TagColumn>,
    /// The pre-registered cohorts in the order of the file.
    pub(crate) cohorts: Vec<NamedColumn>,
    pub(crate) weeks: Weeks,
    /// What arms are compared within, if that is not all units together.
    pub(crate) strata: Option<Strata>,
    /// Whom units were assigned with, if not by themselves.
    pub(crate) clusters: Option<Clusters>,
    pub(crate) codes: Codes,
    /// The metrics that are capped: place in the file, name and cap.
    pub(crate) caps: Vec<(usize, String, Cap)>,
    /// The buckets that discover.
    pub(crate) discover: BucketSet,
    /// By metric, whether trees are grown on it.
    searched: Vec<bool>,
    /// By metric, the categorical tags that it is adjusted by, as places among the tags.
    categorical: Vec<Vec<usize>>,
}

/// A tag of the unit table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TagColumn {
    pub(crate) name: String,
    pub(crate) column: String,
    pub(crate) kind: TagKind,
    /// Of a numeric tag, the grid that its type gives its values; that of codes otherwise.
    pub(crate) grid: Grid,
}

impl UnitSchema {
    /// The columns and units that a plan analyses.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the statements were compiled from another plan.
    pub fn new(plan: &Plan, compiled: &Compiled) -> Result<Self, QueryError> {
        let tag = |tag: &NamedColumn| match plan.tag(&tag.name) {
            Some((_, declared)) => {
                let number = compiled.numbers.iter().find(|number| number.name == tag.name);
                let grid = number.map_or(Grid::INTEGER, |number| number.grid);
                Ok(TagColumn { name: tag.name.clone(), column: tag.column.clone(), kind: declared.kind, grid })
            }
            None => Err(QueryError::Internal(format!("tag `{}` is not in the plan", tag.name))),
        };
        let mut values: Vec<ValueColumn> = compiled.measures.iter().map(measured).collect();
        let covariates: Vec<(String, usize)> =
            compiled.covariates.iter().map(|covariate| covariate.name.clone()).zip(values.len()..).collect();
        values.extend(compiled.covariates.iter().map(|covariate| ValueColumn {
            grid: covariate.grid,
            origin: Origin::Tag { name: covariate.name.clone(), column: covariate.column.clone() },
        }));
        let capped = plan.metrics.iter().enumerate();
        let tags: Vec<TagColumn> = compiled.tags.iter().map(tag).collect::<Result<_, _>>()?;
        Ok(Self {
            arms: plan.split.variants.len(),
            sampling: Sampling::default(),
            excludes_several: plan.split.several_variants.rule == SeveralVariantsRule::Exclude,
            reached: compiled.reached.clone(),
            outcomes: outcomes(plan, &compiled.measures, &covariates),
            values,
            measures: compiled.measures.clone(),
            categorical: plan.metrics.iter().map(|metric| categorical(metric, &tags)).collect(),
            tags,
            cohorts: compiled.cohorts.clone(),
            weeks: Weeks::of(&plan.split),
            strata: Strata::of(&plan.split, &compiled.strata),
            clusters: compiled.cluster.as_ref().map(|cluster| Clusters::new(&cluster.name, &cluster.column)),
            codes: plan.discover.codes,
            caps: capped.filter_map(|(place, metric)| Some((place, metric.name.value.clone(), metric.cap?))).collect(),
            discover: folds(plan).buckets(Fold::Discover).clone(),
            searched: plan.metrics.iter().map(|metric| plan.searches_on(&metric.name)).collect(),
        })
    }

    /// The same columns of some of the units.
    pub(crate) fn sampled(&self, sampling: Sampling) -> Self {
        Self { sampling, ..self.clone() }
    }

    /// The units that are analysed, in their order.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if the rows are not of the unit table.
    pub fn analysed(&self, rows: UnitRows) -> Result<UnitRows, QueryError> {
        let rows = self.sampling.of_rows(rows)?;
        let several = rows.several_variants()?;
        let leaves_out_several = self.excludes_several && several.true_count() > 0;
        let in_one_arm = self.clusters.as_ref().map(|clusters| clusters.in_one_arm(&rows)).transpose()?.flatten();
        if !leaves_out_several && self.reached.is_none() && in_one_arm.is_none() {
            return Ok(rows);
        }
        let reached = self.reached.as_ref().map(|column| rows.metric(column)).transpose()?;
        let has_reached = |place: usize| reached.as_ref().is_none_or(|reached| reached.get(place) == Some(&1));
        let is_in_one = |several: Option<bool>| !leaves_out_several || several != Some(true);
        let of_one_arm = |place: usize| in_one_arm.as_ref().is_none_or(|kept| kept.value(place));
        let is_kept = |(place, several)| Some(is_in_one(several) && has_reached(place) && of_one_arm(place));
        let kept: BooleanArray = several.iter().enumerate().map(is_kept).collect();
        rows.filtered(&kept)
    }

    /// Adds the levels of categorical tags that metrics are adjusted by, but the first one of each, and points the outcomes to
    /// them. The ranges of the columns that are added.
    pub(crate) fn add_levels(&mut self, bins: &[TagBins]) -> Vec<MetricRange> {
        let before = self.values.len();
        for (outcome, tags) in self.outcomes.iter_mut().zip(&self.categorical) {
            for (tag, bins) in tags.iter().filter_map(|tag| Some((self.tags.get(*tag)?, bins.get(*tag)?))) {
                for level in Level::all(bins).into_iter().skip(1) {
                    let origin = Origin::Level { column: tag.column.clone(), level };
                    outcome.levels.push(place_of(&mut self.values, ValueColumn { grid: Grid::INTEGER, origin }));
                }
            }
        }
        vec![MetricRange::of(&[0, 1]); self.values.len() - before]
    }

    /// Whether trees are grown on a metric.
    pub(crate) fn is_searched(&self, metric: usize) -> bool {
        self.searched.get(metric).copied().unwrap_or(false)
    }

    /// The grids of the integers that passes and products see.
    pub(crate) fn grids(&self) -> Vec<Grid> {
        self.values.iter().map(|column| column.grid).collect()
    }

    /// The cross-products of every metric that is no plain mean, whose outcomes learn their places. Where trees are grown on
    /// one of them, the plain means among the others join: all of them are corrected as one family.
    pub(crate) fn group(&mut self) -> Vec<ProductGroup> {
        let is_mean = |outcome: &Outcome| outcome.products().columns.len() == 1;
        let is_mixed =
            self.outcomes.iter().zip(&self.searched).any(|(outcome, searched)| *searched && !is_mean(outcome));
        let mut groups: Vec<ProductGroup> = Vec::new();
        for (outcome, searched) in self.outcomes.iter_mut().zip(&self.searched) {
            let products = outcome.products();
            if is_mean(outcome) && !(is_mixed && *searched) {
                continue;
            }
            let known = groups.iter().position(|group| *group == products);
            outcome.group = Some(known.unwrap_or(groups.len()));
            if known.is_none() {
                groups.push(products);
            }
        }
        groups
    }

    /// The columns that passes see: the tags, a column of 0 and 1 for each pre-registered cohort, and the week of first exposure
    /// where there is more than one; then those of strata, where arms are compared within some.
    pub(crate) fn shapes(&self, bins: &[TagBins]) -> Vec<ColumnShape> {
        let cohort =
            |cohort: &NamedColumn| ColumnShape { name: cohort.name.clone(), codes: 2, ordered: true, missing: None };
        let names = || self.cohorts.iter().map(|cohort| cohort.name.as_str());
        let of_strata = self.strata.iter().flat_map(|strata| strata.shapes(names()));
        let others = self.cohorts.iter().map(cohort).chain(self.weeks.shape()).chain(of_strata);
        bins.iter().map(TagBins::shape).chain(others).collect()
    }

    /// The column of the week of first exposure among them; `None` where there is only one week.
    pub(crate) fn week_column(&self, bins: &[TagBins]) -> Option<usize> {
        self.weeks.shape().map(|_| bins.len() + self.cohorts.len())
    }
}

/// The place of a column among others, which it joins if it is not one of them.
pub(crate) fn place_of(values: &mut Vec<ValueColumn>, column: ValueColumn) -> usize {
    values.iter().position(|known| *known == column).unwrap_or_else(|| {
        values.push(column);
        values.len() - 1
    })
}

/// The categorical tags that a metric is adjusted by.
fn categorical(metric: &Metric, tags: &[TagColumn]) -> Vec<usize> {
    let named = metric.cuped.iter().flat_map(|cuped| &cuped.tags);
    let place = |name: &str| tags.iter().position(|tag| tag.name == name && tag.kind != TagKind::Numeric);
    named.filter_map(|name| place(name)).collect()
}

fn measured(measure: &MeasureColumn) -> ValueColumn {
    ValueColumn { grid: measure.grid, origin: Origin::Measure(measure.column.clone()) }
}
