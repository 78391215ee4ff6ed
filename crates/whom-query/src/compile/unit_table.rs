//! The last statement: the unit table.

use datafusion::arrow::datatypes::{Field, Schema};
use minijinja::{Value, context};
use whom_spec::Diagnostic;

use crate::columns::{instant_literal, interval};
use crate::compile::facts::CompiledMetric;
use crate::compile::tags::CompiledTag;
use crate::compile::{Compiled, Compiler, NamedColumn, Purpose};
use crate::error::QueryError;
use crate::expression::{Expected, Scope};
use crate::sql::Fragment;
use crate::status::Status;

impl Compiler<'_> {
    pub(super) fn unit_table(
        &mut self,
        metrics: Vec<CompiledMetric>,
        tags: &[CompiledTag],
    ) -> Result<Compiled, QueryError> {
        let cohorts = self.cohorts(tags);
        let mut tables: Vec<&str> = metrics.iter().map(|metric| metric.table.as_str()).collect();
        tables.extend(tags.iter().map(|tag| tag.table.as_str()));
        tables.sort_unstable();
        tables.dedup();
        let context = context! {
            metrics => metrics.iter().map(metric_context).collect::<Vec<_>>(),
            tags => tags.iter().map(tag_context).collect::<Vec<_>>(),
            cohorts => cohorts.iter().map(|(column, definition)| context! {
                name => Fragment::identifier(&column.column), definition => definition,
            }).collect::<Vec<_>>(),
            tables => tables.into_iter().map(Fragment::identifier).map(Value::from).collect::<Vec<_>>(),
        };
        self.emit(Purpose::UnitTable, &[], context)?;
        Ok(Compiled {
            statements: Vec::new(),
            metrics: metrics.into_iter().map(|metric| metric.column).collect(),
            tags: tags.iter().map(|tag| NamedColumn { name: tag.name.clone(), column: tag.column.clone() }).collect(),
            cohorts: cohorts.into_iter().map(|(column, _)| column).collect(),
        })
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

fn metric_context(metric: &CompiledMetric) -> Value {
    context! {
        name => Fragment::identifier(&metric.column.column),
        status => Fragment::identifier(&metric.column.status),
        table => Fragment::identifier(&metric.table),
        not_finite => Fragment::identifier(&metric.not_finite),
        closes => interval(metric.closes),
        complete_until => metric.complete_until.map(|end| Value::from(instant_literal(end))),
        refuses_not_finite => metric.refuses_not_finite,
        needs_value => metric.needs_value,
        incomplete => Status::IncompleteWindow as i64,
        dropped_not_finite => Status::NotFinite as i64,
        missing => Status::Missing as i64,
    }
}

fn tag_context(tag: &CompiledTag) -> Value {
    context! { name => Fragment::identifier(&tag.column), table => Fragment::identifier(&tag.table) }
}
