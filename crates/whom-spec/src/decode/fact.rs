//! Fact tables, and the columns of time and partition that all tables share.

use super::cursor::{Field, Fields};
use crate::format;
use crate::plan::{Fact, Gaps, Partition, TimeColumn};
use crate::spanned::Spanned;

pub(super) fn fact(name: Spanned<String>, field: &Field<'_>) -> Option<Fact> {
    let fields = field.mapping::<format::Fact>()?;
    let path = fields.required_text("path");
    let time = fields.required("time").and_then(|time| time_column(&time));
    let partition = fields.optional("partition").and_then(|partition| partition_column(&partition));
    let gaps = gaps(&fields);
    let filter = fields.filter();
    let unique = fields.optional_text("unique");
    Some(Fact { name, path: path?, time: time?, partition, gaps, filter, unique })
}

/// `gaps`, refused unless the file allows them.
pub(super) fn gaps(fields: &Fields<'_>) -> Gaps {
    let words = [("refused", Gaps::Refused), ("allowed", Gaps::Allowed)];
    fields.optional("gaps").and_then(|gaps| gaps.choice(&words)).unwrap_or(Gaps::Refused)
}

/// A column, or `{ column, time_zone }`.
pub(super) fn time_column(field: &Field<'_>) -> Option<TimeColumn> {
    if field.is_scalar() {
        return Some(TimeColumn { column: field.text()?, time_zone: None });
    }
    let fields = field.mapping::<format::Time>()?;
    let time_zone = fields.optional("time_zone").and_then(|zone| zone.time_zone());
    Some(TimeColumn { column: fields.required_text("column")?, time_zone })
}

/// A column, or `{ column, time_zone }`; days are UTC unless declared.
pub(super) fn partition_column(field: &Field<'_>) -> Option<Partition> {
    if field.is_scalar() {
        return Some(Partition { column: field.text()?, time_zone: chrono_tz::UTC });
    }
    let fields = field.mapping::<format::PartitionColumn>()?;
    let time_zone = fields.optional("time_zone").and_then(|zone| zone.time_zone()).unwrap_or(chrono_tz::UTC);
    Some(Partition { column: fields.required_text("column")?, time_zone })
}
