//! Tag tables.

use super::cursor::{Field, Fields};
use super::fact::{gaps, partition_column};
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{Snapshot, Tag, TagKind, TagTable};
use crate::spanned::Spanned;
use crate::suggest::name_hint;

/// How many levels of a categorical tag keep a code of their own unless the file says otherwise.
const LEVELS: u16 = 50;
/// The most levels that 16-bit codes hold, beside `other` and missing. What 8 bits hold is checked with `codes`.
const MOST_LEVELS: u16 = u16::MAX - 1;

pub(super) fn table(name: Spanned<String>, field: &Field<'_>) -> Option<TagTable> {
    let fields = field.mapping::<format::TagTable>()?;
    let path = fields.required_text("path");
    let snapshot = snapshot(&fields);
    let gaps = gaps(&fields);
    let columns = columns(&fields);
    Some(TagTable { name, path: path?, snapshot: snapshot?, gaps, columns: columns? })
}

/// Dated or static, and one of the two.
fn snapshot(fields: &Fields<'_>) -> Option<Snapshot> {
    let is_static = match fields.optional("static") {
        Some(field) => *field.boolean()?,
        None => false,
    };
    let date = fields.optional("date").map(|date| partition_column(&date));
    as_of(fields);
    match (is_static, date) {
        (false, None) => {
            let undated = Diagnostic::error(format!("`{}` has neither `date` nor `static: true`", fields.path()))
                .at(fields.place())
                .note("without a date, a tag may hold what happened after exposure, and then cohorts leak outcomes")
                .hint("name the partition of daily snapshots as `date: dt`, or declare that the tags cannot change");
            fields.report().push(undated);
            None
        }
        (false, Some(partition)) => {
            Some(Snapshot::Dated { at_most_days: at_most_days(fields)?, partition: partition? })
        }
        (true, _) => {
            for field in ["date", "as_of", "at_most", "gaps"].into_iter().filter_map(|key| fields.optional(key)) {
                let message = format!("`{}` and `static: true` contradict each other", field.path);
                let hint = "a static table has no dates; leave one of the two out";
                field.report.push(Diagnostic::error(message).at(field.key).hint(hint));
            }
            Some(Snapshot::Static)
        }
    }
}

/// Only the day before first exposure; anything later may know the outcome.
fn as_of(fields: &Fields<'_>) {
    let Some(field) = fields.optional("as_of") else { return };
    let day_of_exposure =
        ["day_of_exposure", "day_of_first_exposure", "exposure_day", "first_exposure", "exposure", "latest"];
    if day_of_exposure.into_iter().any(|word| field.is_word(word)) {
        let leak = Diagnostic::error(format!("`{}` cannot be {}", field.path, field.node.describe()))
            .at(field.node.span)
            .note("a snapshot of the day of exposure or later may hold what the treatment did")
            .hint("use `as_of: day_before_first_exposure`");
        field.report.push(leak);
        return;
    }
    field.choice(&[("day_before_first_exposure", ())]);
}

fn at_most_days(fields: &Fields<'_>) -> Option<u32> {
    let field = fields.required("at_most")?;
    let hours = field.hours()?;
    match hours.whole_days() {
        Some(days) if days > 0 => Some(days),
        _ => {
            field.refuse(format!("`{}` must be whole days, one or more: snapshots are daily", field.path));
            None
        }
    }
}

fn columns(fields: &Fields<'_>) -> Option<Vec<Tag>> {
    let field = fields.required("columns")?;
    let named = field.named();
    let protected = protected(fields, &named);
    let tag = |(name, field): &(Spanned<String>, Field<'_>)| {
        let protected = protected.iter().any(|other| other == name);
        Some(Tag { name: name.clone(), kind: kind(field)?, protected })
    };
    let tags: Vec<Option<Tag>> = named.iter().map(tag).collect();
    tags.into_iter().collect()
}

fn protected(fields: &Fields<'_>, columns: &[(Spanned<String>, Field<'_>)]) -> Vec<Spanned<String>> {
    let items = fields.optional("protected").iter().flat_map(Field::items).collect::<Vec<_>>();
    let mut names = Vec::new();
    for name in items.iter().filter_map(Field::text) {
        if !columns.iter().any(|(column, _)| *column == name) {
            let unknown = Diagnostic::error(format!("`{}.protected`: unknown tag `{name}`", fields.path()));
            let hint = name_hint(&name, columns.iter().map(|(column, _)| column.as_str()));
            fields.report().push(unknown.at(name.span).hint_if(hint));
        }
        names.push(name);
    }
    names
}

/// `numeric`, `categorical`, or `{ categorical: { levels } }`.
fn kind(field: &Field<'_>) -> Option<TagKind> {
    if field.is_scalar() {
        let categorical = TagKind::Categorical { levels: LEVELS };
        return field.choice(&[("numeric", TagKind::Numeric), ("categorical", categorical)]);
    }
    let options = field.mapping::<format::Categorical>()?.required("categorical")?;
    let levels = options.mapping::<format::CategoricalLevels>()?.whole_or("levels", 1..=MOST_LEVELS, LEVELS);
    Some(TagKind::Categorical { levels })
}
