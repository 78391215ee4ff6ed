//! The last statement: the unit table.

use std::collections::{BTreeMap, BTreeSet};

use datafusion::arrow::datatypes::{Field, Schema};
use minijinja::{Value, context};
use whom_spec::Diagnostic;
use whom_spec::plan::{MeasurePart, TagKind};

use crate::align::JOINED;
use crate::compile::facts::CompiledMeasure;
use crate::compile::tags::CompiledTag;
use crate::compile::{Compiled, Compiler, CovariateColumn, JoinedTable, NamedColumn, Purpose};
use crate::dialect::Dialect;
use crate::error::QueryError;
use crate::expression::{Expected, Scope};
use crate::sql::Fragment;
use crate::status::Status;

impl Compiler<'_> {
    pub(super) fn unit_table(
        &mut self,
        metrics: Vec<CompiledMeasure>,
        tags: &[CompiledTag],
    ) -> Result<Compiled, QueryError> {
        let cohorts = self.cohorts(tags);
        let joined = joined(&metrics, tags);
        let context = context! {
            metrics => metrics.iter().map(|metric| metric_context(self.dialect, metric)).collect::<Vec<_>>(),
            tags => tags.iter().map(tag_context).collect::<Vec<_>>(),
            cohorts => cohorts.iter().map(|(column, definition)| context! {
                name => Fragment::identifier(&column.column), definition => definition,
            }).collect::<Vec<_>>(),
            joined => Fragment::identifier(JOINED),
            tables => joined.iter().map(|table| Value::from(Fragment::identifier(&table.purpose.table()))).collect::<Vec<_>>(),
            variants => self.variants(),
            folds => self.given_folds(tags),
            strata => self.carried_names(),
        };
        self.emit(Purpose::UnitTable, &[], context)?;
        self.by_cluster()?;
        let columns = metrics.into_iter().map(|measure| measure.column);
        let (reached, measures): (Vec<_>, Vec<_>) = columns.partition(|column| column.part == MeasurePart::Reached);
        Ok(Compiled {
            statements: Vec::new(),
            measures,
            reached: reached.into_iter().map(|reached| reached.column).next(),
            covariates: self.covariates(tags),
            numbers: self.numbers(tags),
            tags: tags.iter().map(|tag| NamedColumn { name: tag.name.clone(), column: tag.column.clone() }).collect(),
            cohorts: cohorts.into_iter().map(|(column, _)| column).collect(),
            strata: self.strata(),
            cluster: self.cluster(),
            joined,
            folds: self.plan.discover.folds.clone(),
        })
    }

    /// Where units were assigned by cluster, they go on to the bucket of theirs, so that no fold parts a cluster.
    fn by_cluster(&mut self) -> Result<(), QueryError> {
        let Some(cluster) = self.cluster() else { return Ok(()) };
        let table = |purpose: Purpose| Fragment::identifier(&purpose.table());
        let of_clusters = context! {
            cluster => Fragment::identifier(&cluster.column), units => table(Purpose::UnitTable),
        };
        self.emit(Purpose::UnitsOfClusters, &[], of_clusters)?;
        self.emit(Purpose::UnitsByCluster, &[], context! { units => table(Purpose::UnitsOfClusters) })
    }

    /// The column and the levels that give the folds; none where they are drawn, or if the tag has a problem of its own.
    fn given_folds(&self, tags: &[CompiledTag]) -> Option<Value> {
        let folds = self.plan.discover.folds.as_ref()?;
        let tag = tags.iter().find(|tag| tag.name == **folds.column)?;
        Some(context! {
            column => Fragment::identifier(&tag.column),
            discover => Fragment::literal(&folds.discover),
            measure => Fragment::literal(&folds.measure),
        })
    }

    /// The numeric tags that metrics are adjusted by.
    fn covariates(&self, tags: &[CompiledTag]) -> Vec<CovariateColumn> {
        let mut named =
            self.plan.metrics.iter().filter_map(|metric| metric.cuped.as_ref()).flat_map(|cuped| &cuped.tags);
        let is_named: BTreeSet<&str> = named.by_ref().map(|name| name.as_str()).collect();
        self.numbers(tags).into_iter().filter(|tag| is_named.contains(tag.name.as_str())).collect()
    }

    /// All numeric tags.
    fn numbers(&self, tags: &[CompiledTag]) -> Vec<CovariateColumn> {
        let is_numeric = |name: &str| self.plan.tag(name).is_some_and(|(_, tag)| tag.kind == TagKind::Numeric);
        let numbers = tags.iter().filter(|tag| is_numeric(&tag.name));
        numbers
            .map(|tag| CovariateColumn { name: tag.name.clone(), column: tag.column.clone(), grid: tag.grid })
            .collect()
    }

    /// The pre-registered cohorts, each a condition over tags.
    ///
    /// If a tag has a problem of its own, cohorts are not looked at: each that names it would seem wrong, too.
    fn cohorts(&mut self, tags: &[CompiledTag]) -> Vec<(NamedColumn, Fragment)> {
        if tags.len() < self.plan.tag_columns().count() {
            return Vec::new();
        }
        let schema =
            Schema::new(tags.iter().map(|tag| Field::new(&tag.name, tag.kind.clone(), true)).collect::<Vec<_>>());
        let mut cohorts = Vec::new();
        for cohort in &self.plan.cohorts {
            let scope = Scope {
                state: self.state,
                dialect: self.dialect,
                alias: "joined",
                schema: &schema,
                prefix: "tag ",
                owner: "the declared tags",
            };
            let resolved = scope.resolve(&cohort.definition, Expected::Condition);
            if let Some(resolved) = self.keep(resolved) {
                let name = cohort.name.value.clone();
                cohorts.push((NamedColumn { column: format!("cohort {name}"), name }, resolved.sql));
            }
        }
        if tags.is_empty() && !self.plan.cohorts.is_empty() {
            self.problems.push(Diagnostic::error("cohorts are defined by tags, and no tag is declared"));
        }
        cohorts
    }
}

/// The tables that stand beside the units, with the columns that the unit table needs of them.
fn joined(metrics: &[CompiledMeasure], tags: &[CompiledTag]) -> Vec<JoinedTable> {
    let mut tables: BTreeMap<(&Purpose, &Option<Purpose>), Vec<String>> = BTreeMap::new();
    for metric in metrics {
        let columns = tables.entry((&metric.table, &None)).or_default();
        columns.push(metric.column.column.clone());
        columns.extend(metric.column.events.as_ref().map(|events| events.column.clone()));
        columns.extend(metric.if_not_finite.map(|_| metric.not_finite.clone()));
    }
    for tag in tags {
        tables.entry((&tag.table, &tag.as_of)).or_default().push(tag.column.clone());
    }
    let table = |((purpose, as_of), columns): ((&Purpose, &Option<Purpose>), _)| JoinedTable {
        purpose: purpose.clone(),
        columns,
        as_of: as_of.clone(),
    };
    tables.into_iter().map(table).collect()
}

fn metric_context(dialect: Dialect, metric: &CompiledMeasure) -> Value {
    context! {
        name => Fragment::identifier(&metric.column.column),
        status => Fragment::identifier(&metric.column.status),
        events => metric.column.events.as_ref().map(|events| Value::from(Fragment::identifier(&events.column))),
        not_finite => Fragment::identifier(&metric.not_finite),
        closes => dialect.after("first_exposure", metric.closes),
        complete_until => metric.complete_until.map(|end| Value::from(dialect.instant_literal(end))),
        if_not_finite => metric.if_not_finite.map(|status| status as i64),
        needs_value => metric.needs_value,
        incomplete => Status::IncompleteWindow as i64,
        has_value => [Status::Value, Status::NotFiniteAsZero].map(|status| status as i64),
        missing => Status::Missing as i64,
    }
}

fn tag_context(tag: &CompiledTag) -> Value {
    context! { name => Fragment::identifier(&tag.column) }
}
