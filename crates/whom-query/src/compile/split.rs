//! The statements over the split: exposures, first exposures, units.

use datafusion::arrow::datatypes::Schema;
use minijinja::{Value, context};
use whom_spec::Diagnostic;
use whom_spec::plan::VariantSource;

use crate::catalog::{SPLIT, column, owner_of_split};
use crate::columns::{IdClass, cluster, instant, stratum, text, unit_key};
use crate::compile::{Compiler, NamedColumn, Purpose};
use crate::days::Period;
use crate::error::QueryError;
use crate::expression::Scope;
use crate::flow::ExposureStep;
use crate::sql::Fragment;

/// The split's columns, resolved.
struct SplitColumns {
    unit: Fragment,
    id: IdClass,
    variant: Fragment,
    time: Fragment,
    filter: Fragment,
    /// The columns that a first exposure carries, as texts.
    carried: Vec<Fragment>,
}

impl Compiler<'_> {
    pub(super) fn split(&mut self) -> Result<(), QueryError> {
        let schema = self.catalog.schema(SPLIT)?;
        let resolved = self.split_columns(&schema);
        let Some(columns) = self.keep(resolved) else { return Ok(()) };
        self.id = Some(columns.id);
        let context = self.split_context(&columns);
        self.emit(Purpose::Exposures, &[SPLIT], context.clone())?;
        self.emit(Purpose::UnknownVariants, &[SPLIT], context.clone())?;
        self.emit(Purpose::FirstExposure, &[], context.clone())?;
        if self.plan.split.lookback.is_some() {
            self.emit(Purpose::EarlierExposed, &[], context)?;
        }
        let zone = Fragment::literal(self.plan.time_zone.name());
        let units = context! {
            time_zone => zone, lookback => self.plan.split.lookback.is_some(), strata => self.carried_names(),
        };
        self.emit(Purpose::Units, &[], units)
    }

    fn split_columns(&self, schema: &Schema) -> Result<SplitColumns, Diagnostic> {
        let split = &self.plan.split;
        let owner = owner_of_split(self.plan);
        let owner = owner.as_str();
        let scope = Scope { state: self.state, dialect: self.dialect, alias: "s", schema, prefix: "", owner };
        let (unit, id) = unit_key(schema, "s", &self.plan.unit, owner)?;
        let time = instant(self.dialect, schema, "s", &split.time, owner)?;
        let declared = split.strata.iter().flat_map(|strata| &strata.columns);
        let strata = declared.map(|declared| stratum(schema, "s", declared, owner));
        let clusters = self.plan.cluster.iter().map(|declared| cluster(schema, "s", declared, owner));
        let clusters = clusters.collect::<Result<Vec<_>, _>>()?;
        let variant = match &split.variant {
            VariantSource::Column(declared) => text(column(schema, declared, owner)?, &Fragment::column("s", declared)),
            VariantSource::Hash { .. } => self.assigned_variant(clusters.first(), &unit),
        };
        let carried = strata.chain(clusters.into_iter().map(Ok)).collect::<Result<_, _>>()?;
        Ok(SplitColumns { unit, id, variant, time, filter: scope.condition(split.filter.as_ref())?.sql, carried })
    }

    /// The variant that a hash gives a unit, or its cluster; one without a cluster is told later, as everywhere.
    fn assigned_variant(&self, cluster: Option<&Fragment>, unit: &Fragment) -> Fragment {
        let assigned = cluster.map_or_else(|| unit.to_string(), |cluster| format!("COALESCE({cluster}, '')"));
        let experiment = Fragment::literal(&self.plan.experiment);
        let variants = self.plan.split.variants.iter();
        let weighted = variants
            .map(|variant| Fragment::trusted(format!("{}, {:e}", Fragment::literal(&variant.name), *variant.weight)));
        Fragment::trusted(format!("assigned_variant({assigned}, {experiment}, {})", Fragment::list(weighted)))
    }

    /// The columns of strata in the unit table.
    pub(super) fn strata(&self) -> Vec<NamedColumn> {
        let declared = self.plan.split.strata.iter().flat_map(|strata| &strata.columns);
        declared.map(|column| NamedColumn { name: column.value.clone(), column: format!("stratum {column}") }).collect()
    }

    /// The column of clusters in the unit table.
    pub(super) fn cluster(&self) -> Option<NamedColumn> {
        let named = |cluster: &String| NamedColumn { name: cluster.clone(), column: format!("cluster {cluster}") };
        self.plan.cluster.as_ref().map(|cluster| named(cluster))
    }

    /// The columns that a first exposure carries: those of strata, and that of clusters.
    fn carried(&self) -> Vec<NamedColumn> {
        self.strata().into_iter().chain(self.cluster()).collect()
    }

    /// What templates call them.
    pub(super) fn carried_names(&self) -> Vec<Value> {
        self.carried().iter().map(|column| context! { name => Fragment::identifier(&column.column) }).collect()
    }

    /// The variants with the numbers of their arms.
    pub(super) fn variants(&self) -> Vec<Value> {
        let variants = self.plan.split.variants.iter().enumerate();
        variants.map(|(arm, variant)| context! { name => Fragment::literal(&variant.name), arm => arm }).collect()
    }

    fn split_context(&self, columns: &SplitColumns) -> Value {
        let period = Period::of(self.plan);
        let lookback = self.plan.split.lookback.map(|hours| chrono::Duration::hours(i64::from(hours.0)));
        context! {
            table => Fragment::identifier(SPLIT),
            unit => &columns.unit,
            variant => &columns.variant,
            time => &columns.time,
            filter => &columns.filter,
            from => self.dialect.instant_literal(period.from),
            until => self.dialect.instant_literal(period.until),
            lookback_from => lookback.map(|lookback| Value::from(self.dialect.instant_literal(period.from - lookback))),
            kept => ExposureStep::KEPT as i64,
            steps => context! {
                of_experiment => ExposureStep::OfExperiment as i64,
                in_days => ExposureStep::InDays as i64,
                with_unit => ExposureStep::WithUnit as i64,
                with_variant => ExposureStep::WithVariant as i64,
                of_variants => ExposureStep::OfVariants as i64,
                earlier => ExposureStep::Earlier as i64,
            },
            strata => self.carried().iter().zip(&columns.carried).map(|(column, value)| context! {
                name => Fragment::identifier(&column.column), value => value,
            }).collect::<Vec<_>>(),
            variants => self.variants(),
            variant_names => Fragment::list(self.plan.split.variants.iter().map(|variant| Fragment::literal(&variant.name))),
        }
    }
}
