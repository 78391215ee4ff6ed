//! Columns that every source has: the unit's id and the instant, taken in one canonical form.

use datafusion::arrow::datatypes::{DataType, Schema};
use whom_spec::plan::TimeColumn;
use whom_spec::{Diagnostic, Spanned};

use crate::catalog::column;
use crate::dialect::Dialect;
use crate::sql::Fragment;

/// The class of an id. Integers of any width are one class, texts another; a source of the other class is refused,
/// because the two would hash to different buckets and join to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IdClass {
    /// Any integer, as 64 bits.
    Integer,
    /// Text, as UTF-8.
    Text,
}

impl IdClass {
    fn word(self) -> &'static str {
        match self {
            Self::Integer => "an integer",
            Self::Text => "a text",
        }
    }
}

/// A type as a person calls it.
pub(crate) fn in_words(kind: &DataType) -> String {
    match kind {
        DataType::Null => "always null".to_owned(),
        DataType::Boolean => "a boolean".to_owned(),
        kind if kind.is_integer() => "an integer".to_owned(),
        kind if kind.is_numeric() => "a number".to_owned(),
        kind if kind.is_string() => "a text".to_owned(),
        DataType::Date32 | DataType::Date64 => "a day".to_owned(),
        DataType::Timestamp(..) => "a time".to_owned(),
        other => format!("of type {other}"),
    }
}

/// A column as a text; one that is read as words, each told once, stays so.
pub(crate) fn text(kind: &DataType, column: &Fragment) -> Fragment {
    match kind {
        DataType::Utf8 | DataType::Dictionary(..) => column.clone(),
        _ => Fragment::trusted(format!("CAST({column} AS VARCHAR)")),
    }
}

/// A column of strata as a text: of texts, integers, truths and days, whose values are few and the same everywhere.
pub(crate) fn stratum(
    schema: &Schema,
    alias: &str,
    name: &Spanned<String>,
    owner: &str,
) -> Result<Fragment, Diagnostic> {
    let kind = column(schema, name, owner)?;
    let is_other = |value: &DataType| matches!(value, DataType::Boolean | DataType::Date32);
    if is_named(kind) || is_other(value_of(kind)) {
        return Ok(as_text(alias, name));
    }
    Err(Diagnostic::error(format!("`{}` of {owner} is {}, which makes no strata", name.value, in_words(kind)))
        .at(name.span)
        .hint("a column of strata holds texts, integers, booleans or days; write numbers as groups"))
}

/// A cluster as a text: of texts and integers, as ids are.
pub(crate) fn cluster(
    schema: &Schema,
    alias: &str,
    name: &Spanned<String>,
    owner: &str,
) -> Result<Fragment, Diagnostic> {
    let kind = column(schema, name, owner)?;
    if is_named(kind) {
        return Ok(as_text(alias, name));
    }
    Err(Diagnostic::error(format!("cluster `{}` is {} in {owner}", name.value, in_words(kind)))
        .at(name.span)
        .hint("a cluster is named by an integer or a text"))
}

/// Whether values are texts or integers, told one by one or by a dictionary.
fn is_named(kind: &DataType) -> bool {
    let value = value_of(kind);
    value.is_integer() || value.is_string()
}

fn value_of(kind: &DataType) -> &DataType {
    match kind {
        DataType::Dictionary(_, value) => value,
        other => other,
    }
}

fn as_text(alias: &str, name: &Spanned<String>) -> Fragment {
    Fragment::trusted(format!("CAST({} AS VARCHAR)", Fragment::column(alias, name)))
}

/// The unit's id in a source.
pub(crate) fn unit_key(
    schema: &Schema,
    alias: &str,
    unit: &Spanned<String>,
    owner: &str,
) -> Result<(Fragment, IdClass), Diagnostic> {
    let raw = Fragment::column(alias, unit);
    match column(schema, unit, owner)? {
        DataType::UInt64 => {
            Err(Diagnostic::error(format!("unit `{}` is an unsigned 64-bit integer in {owner}", unit.value))
                .at(unit.span)
                .hint("write it as a signed 64-bit integer or as a text"))
        }
        kind if kind.is_integer() => Ok((Fragment::trusted(format!("CAST({raw} AS BIGINT)")), IdClass::Integer)),
        kind if kind.is_string() => Ok((Fragment::trusted(format!("CAST({raw} AS VARCHAR)")), IdClass::Text)),
        other => Err(Diagnostic::error(format!("unit `{}` is {} in {owner}", unit.value, in_words(other)))
            .at(unit.span)
            .hint("an id is an integer or a text")),
    }
}

/// The id in another source than the split, which must be of the same class where that is known.
pub(crate) fn same_unit_key(
    schema: &Schema,
    alias: &str,
    unit: &Spanned<String>,
    owner: &str,
    class: Option<IdClass>,
) -> Result<Fragment, Diagnostic> {
    let (key, found) = unit_key(schema, alias, unit, owner)?;
    let Some(class) = class.filter(|class| *class != found) else {
        return Ok(key);
    };
    Err(Diagnostic::error(format!(
        "unit `{}` is {} in {owner} but {} in the split",
        unit.value,
        found.word(),
        class.word()
    ))
    .at(unit.span)
    .hint("write the id with one type in all tables"))
}

/// The instant of a row, in microseconds UTC.
///
/// A time with a zone is an instant; one without needs the zone declared, and is converted by a function of ours that
/// the optimiser cannot see through: of two readings in the hour that clocks repeat the first counts, and a time that
/// they skip is refused.
pub(crate) fn instant(
    dialect: Dialect,
    schema: &Schema,
    alias: &str,
    time: &TimeColumn,
    owner: &str,
) -> Result<Fragment, Diagnostic> {
    let raw = Fragment::column(alias, &time.column);
    let kind = column(schema, &time.column, owner)?;
    match (kind, time.time_zone) {
        (DataType::Timestamp(_, Some(_)), _) => Ok(dialect.zoned(&raw)),
        (DataType::Timestamp(_, None) | DataType::Date32, Some(zone)) => Ok(dialect.instant_of_clock(&raw, zone)),
        (DataType::Timestamp(_, None) | DataType::Date32, None) => Err(Diagnostic::error(format!(
            "the times in `{}` of {owner} say nothing of their time zone",
            time.column.value
        ))
        .at(time.column.span)
        .hint(format!("declare it: `time: {{ column: {}, time_zone: UTC }}`", time.column.value))),
        (other, _) => {
            Err(Diagnostic::error(format!("`{}` of {owner} is {}, not a time", time.column.value, in_words(other)))
                .at(time.column.span)
                .hint("write it as a timestamp"))
        }
    }
}
