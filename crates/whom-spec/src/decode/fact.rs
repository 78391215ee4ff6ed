//! Fact tables, and the columns of time and partition that all tables share.

use super::cursor::{Field, Fields};
use crate::format;
use crate::plan::{Fact, Gaps, Partition, TimeColumn};
use crate::spanned::Spanned;

pub(super) fn fact(name: Spanned<String>, field: &Field<'_>) -> Option<Fact> {
    let fields = field.mapping::<format::Fact>()?;
    let path = fields.required_text("path");
    let time = fields.required("time").and_then(|time| time_column(&time));
    let partition = fields.optional("partition").map(|partition| partition_column(&partition));
    let gaps = gaps(&fields);
    let filter = fields.filter();
    let unique = fields.optional_text("unique");
    Some(Fact { name, path: path?, time: time?, partition: all_or_none(partition)?, gaps: gaps?, filter, unique })
}

/// `gaps`, refused unless the file allows them.
pub(super) fn gaps(fields: &Fields<'_>) -> Option<Gaps> {
    match fields.optional("gaps") {
        Some(gaps) => gaps.choice(&[("refused", Gaps::Refused), ("allowed", Gaps::Allowed)]),
        None => Some(Gaps::Refused),
    }
}

/// A column, or `{ column, time_zone }`.
pub(super) fn time_column(field: &Field<'_>) -> Option<TimeColumn> {
    if field.is_scalar() {
        return Some(TimeColumn { column: field.text()?, time_zone: None });
    }
    let fields = field.mapping::<format::Time>()?;
    let column = fields.required_text("column");
    let time_zone = fields.optional("time_zone").map(|zone| zone.time_zone());
    Some(TimeColumn { column: column?, time_zone: all_or_none(time_zone)? })
}

/// A column, or `{ column, time_zone }`; days are UTC unless declared.
pub(super) fn partition_column(field: &Field<'_>) -> Option<Partition> {
    if field.is_scalar() {
        return Some(Partition { column: field.text()?, time_zone: chrono_tz::UTC });
    }
    let fields = field.mapping::<format::PartitionColumn>()?;
    let column = fields.required_text("column");
    let time_zone = fields.optional("time_zone").map_or(Some(chrono_tz::UTC), |zone| zone.time_zone());
    Some(Partition { column: column?, time_zone: time_zone? })
}

/// What is not set is fine; what is set must have been read.
pub(super) fn all_or_none<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(None) => None,
        Some(value) => Some(value),
    }
}
