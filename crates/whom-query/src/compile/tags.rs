//! The statements over tag tables: the snapshot that counts, and the tags in it.

use datafusion::arrow::datatypes::{DataType, Schema};
use minijinja::{Value, context};
use whom_spec::Diagnostic;
use whom_spec::plan::{Snapshot, Tag, TagKind, TagTable};

use crate::catalog::{column, tag_table};
use crate::columns::{in_words, same_unit_key};
use crate::compile::{Compiler, Purpose};
use crate::error::QueryError;
use crate::sql::Fragment;

/// A tag ready for the unit table.
pub(super) struct CompiledTag {
    pub(super) name: String,
    pub(super) column: String,
    /// The table of its tag table's values.
    pub(super) table: String,
    /// The type that expressions see.
    pub(super) kind: DataType,
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
        let source = tag_table(&table.name);
        let snapshots = Purpose::Snapshots(table.name.value.clone());
        let snapshots_table = snapshots.table();
        let (dated, units, day) = match &table.snapshot {
            Snapshot::Dated { partition, at_most_days } => {
                let day = Fragment::column("t", &partition.column);
                let values = context! {
                    table => Fragment::identifier(&source),
                    unit => &context.unit,
                    day => &day,
                    at_most => Fragment::trusted(format!("INTERVAL '{at_most_days} days'")),
                    at_most_days => at_most_days,
                };
                self.emit(snapshots, &[&source], values)?;
                (true, snapshots_table, Some(Value::from(day)))
            }
            Snapshot::Static => (false, Purpose::Units.table(), None),
        };
        let values = context! {
            table => Fragment::identifier(&source),
            units => Fragment::identifier(&units),
            unit => &context.unit,
            dated => dated,
            day => day,
            tags => context.tags,
        };
        let tags = Purpose::Tags(table.name.value.clone());
        let repeats = context! { values => Fragment::identifier(&tags.table()) };
        self.emit(tags, &[&source], values)?;
        self.emit(Purpose::TagRepeats(table.name.value.clone()), &[], repeats)?;
        Ok(context.compiled)
    }

    fn tag_context(&self, table: &TagTable, schema: &Schema) -> Result<TagContext, Diagnostic> {
        let owner = format!("tag table `{}`", table.name.value);
        let unit = same_unit_key(schema, "t", &self.plan.unit, &owner, self.id)?;
        let (mut tags, mut compiled) = (Vec::new(), Vec::new());
        for tag in &table.columns {
            let (value, kind) = tag_value(tag, column(schema, &tag.name, &owner)?, &owner)?;
            let stored = format!("tag {}", tag.name.value);
            tags.push(context! { name => Fragment::identifier(&stored), value => value });
            compiled.push(CompiledTag {
                name: tag.name.value.clone(),
                column: stored,
                table: Purpose::Tags(table.name.value.clone()).table(),
                kind,
            });
        }
        Ok(TagContext { unit, tags, compiled })
    }
}

/// A numeric tag is a double, NaN and the infinities missing; a categorical one is a text.
fn tag_value(tag: &Tag, kind: &DataType, owner: &str) -> Result<(Fragment, DataType), Diagnostic> {
    let raw = Fragment::column("t", &tag.name);
    match tag.kind {
        TagKind::Numeric if kind.is_numeric() || *kind == DataType::Boolean => {
            let double = format!("CAST({raw} AS DOUBLE)");
            Ok((Fragment::trusted(format!("CASE WHEN NOT not_finite({double}) THEN {double} END")), DataType::Float64))
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
        TagKind::Categorical { .. } => Ok((Fragment::trusted(format!("CAST({raw} AS VARCHAR)")), DataType::Utf8)),
    }
}
