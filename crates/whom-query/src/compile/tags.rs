//! The statements over tag tables: the snapshot that counts, and the tags in it.

use datafusion::arrow::datatypes::{DataType, Schema};
use minijinja::{Value, context};
use whom_spec::Diagnostic;
use whom_spec::plan::{Snapshot, Tag, TagKind, TagTable};
use whom_stats::Grid;

use crate::catalog::{column, tag_table};
use crate::columns::{in_words, same_unit_key, text};
use crate::compile::grids::grid_of_type;
use crate::compile::{Compiler, Purpose};
use crate::dialect::Dialect;
use crate::error::QueryError;
use crate::sql::Fragment;

/// A tag ready for the unit table.
pub(super) struct CompiledTag {
    pub(super) name: String,
    pub(super) column: String,
    /// The table that holds its values.
    pub(super) table: Purpose,
    /// The table that says which day's value counts for each unit.
    pub(super) as_of: Option<Purpose>,
    /// The type that expressions see.
    pub(super) kind: DataType,
    /// The grid that its own type gives a numeric tag.
    pub(super) grid: Grid,
}

/// What the SQL of one tag table is made of.
struct TagContext {
    unit: Fragment,
    tags: Vec<Value>,
    compiled: Vec<CompiledTag>,
}

impl Compiler<'_> {
    pub(super) fn tags(&mut self) -> Result<Vec<CompiledTag>, QueryError> {
        let mut compiled = Vec::new();
        for table in &self.plan.tags {
            let schema = self.catalog.schema(&tag_table(&table.name))?;
            let resolved = self.tag_context(table, &schema);
            if let Some(context) = self.keep(resolved) {
                compiled.extend(self.tag_statements(table, context)?);
            }
        }
        compiled.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(compiled)
    }

    fn tag_statements(&mut self, table: &TagTable, context: TagContext) -> Result<Vec<CompiledTag>, QueryError> {
        let name = &table.name.value;
        let source = tag_table(name);
        let (snapshots, rows) = (Purpose::Snapshots(name.clone()), Purpose::TagRows(name.clone()));
        let (units, day) = match &table.snapshot {
            Snapshot::Dated { partition, at_most_days } => {
                let day = Fragment::column("t", &partition.column);
                let days = Purpose::SnapshotDays(name.clone());
                let counted = context! {
                    rows => Fragment::identifier(&days.table()),
                    at_most => Fragment::trusted(format!("INTERVAL '{at_most_days} days'")),
                    at_most_days => at_most_days,
                };
                let scanned = context! {
                    table => Fragment::identifier(&source),
                    unit => &context.unit,
                    day => &day,
                    filter_of_units => Fragment::literal(&Purpose::Units.table()),
                };
                self.emit(days, &[&source], scanned)?;
                self.emit(snapshots.clone(), &[], counted)?;
                (snapshots, Some(Value::from(day)))
            }
            Snapshot::Static => (Purpose::Units, None),
        };
        let values = context! {
            table => Fragment::identifier(&source),
            rows => Fragment::identifier(&rows.table()),
            units => Fragment::identifier(&units.table()),
            filter_of_keys => Fragment::literal(&units.table()),
            unit => &context.unit,
            dated => day.is_some(),
            day => day,
            tags => context.tags,
        };
        self.emit(rows, &[&source], values.clone())?;
        self.emit(Purpose::Tags(name.clone()), &[], values)?;
        Ok(context.compiled)
    }

    fn tag_context(&self, table: &TagTable, schema: &Schema) -> Result<TagContext, Diagnostic> {
        let owner = format!("tag table `{}`", table.name.value);
        let unit = same_unit_key(schema, "t", &self.plan.unit, &owner, self.id)?;
        let (mut tags, mut compiled) = (Vec::new(), Vec::new());
        for tag in &table.columns {
            let stored_kind = column(schema, &tag.name, &owner)?;
            let (value, kind) = tag_value(self.dialect, tag, stored_kind, &owner)?;
            let grid = grid_of_type(stored_kind).unwrap_or(Grid::FLOAT);
            let stored = format!("tag {}", tag.name.value);
            tags.push(context! { name => Fragment::identifier(&stored), value => value });
            let (table, as_of) = self.beside(table);
            compiled.push(CompiledTag { name: tag.name.value.clone(), column: stored, table, as_of, kind, grid });
        }
        Ok(TagContext { unit, tags, compiled })
    }

    /// The table that stands beside the units, and the one that says which of its rows count.
    fn beside(&self, table: &TagTable) -> (Purpose, Option<Purpose>) {
        let name = || table.name.value.clone();
        match (self.dialect, &table.snapshot) {
            (Dialect::Portable, _) => (Purpose::Tags(name()), None),
            (Dialect::Engine, Snapshot::Static) => (Purpose::TagRows(name()), None),
            (Dialect::Engine, Snapshot::Dated { .. }) => (Purpose::TagRows(name()), Some(Purpose::Snapshots(name()))),
        }
    }
}

/// A numeric tag is a double, NaN and the infinities missing; a categorical one is a text.
fn tag_value(dialect: Dialect, tag: &Tag, kind: &DataType, owner: &str) -> Result<(Fragment, DataType), Diagnostic> {
    let raw = Fragment::column("t", &tag.name);
    match tag.kind {
        TagKind::Numeric if kind.is_numeric() || *kind == DataType::Boolean => {
            Ok((dialect.finite(&Fragment::trusted(format!("CAST({raw} AS DOUBLE)"))), DataType::Float64))
        }
        TagKind::Numeric => {
            Err(Diagnostic::error(format!("tag `{}` of {owner} is {}, not a number", tag.name.value, in_words(kind)))
                .at(tag.name.span)
                .hint("declare it `categorical`"))
        }
        TagKind::Categorical { .. } if kind.is_nested() => {
            Err(Diagnostic::error(format!("tag `{}` of {owner} is {}", tag.name.value, in_words(kind)))
                .at(tag.name.span)
                .hint("a tag is one number or one text per unit"))
        }
        TagKind::Categorical { .. } => Ok((text(kind, &raw), DataType::Utf8)),
    }
}
