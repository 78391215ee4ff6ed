//! Columns within whose values the variants were assigned.

use super::cursor::{Field, Fields};
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{Strata, StrataShares};
use crate::spanned::Spanned;
use crate::tree::Value;

/// The most columns that make a stratum.
const MOST_COLUMNS: usize = 8;

/// `strata: [country]`, or `strata: { columns: [school], shares: realised }`; `taken` are columns that make no strata.
pub(super) fn strata(split: &Fields<'_>, taken: [Option<&Spanned<String>>; 2]) -> Option<Strata> {
    let field = split.optional("strata")?;
    let (columns, shares) = if field.node.entries().is_none() {
        (columns(&field, taken), None)
    } else {
        let fields = field.mapping::<format::Strata>()?;
        let shares = fields.optional("shares").and_then(|shares| {
            shares.choice(&[("declared", StrataShares::Declared), ("realised", StrataShares::Realised)])
        });
        (fields.required("columns").and_then(|named| columns(&named, taken)), shares)
    };
    Some(Strata { columns: columns?, shares: shares.unwrap_or(StrataShares::Declared) })
}

/// Columns that are neither the unit's nor the variant's, each once.
fn columns(field: &Field<'_>, taken: [Option<&Spanned<String>>; 2]) -> Option<Vec<Spanned<String>>> {
    let items = field.items();
    let mut columns: Vec<Spanned<String>> = Vec::new();
    let mut refused = false;
    for column in items.iter().filter_map(Field::text) {
        let problem = if columns.contains(&column) {
            Some(" twice")
        } else if taken.iter().flatten().any(|taken| **taken == column) {
            Some(", the column of the unit or of its variant: a stratum holds units of all variants")
        } else {
            None
        };
        if let Some(problem) = problem {
            let message = format!("`{}` lists `{column}`{problem}", field.path);
            field.report.push(Diagnostic::error(message).at(column.span));
            refused = true;
        }
        columns.push(column);
    }
    if columns.len() > MOST_COLUMNS {
        field.refuse(format!("`{}` holds {} columns, and may hold {MOST_COLUMNS}", field.path, columns.len()));
    }
    if matches!(&field.node.value, Value::List(items) if items.is_empty()) {
        let message = format!("`{}` names no column", field.path);
        let hint = "name the columns of the split within whose values variants were assigned, or leave `strata` out";
        field.report.push(Diagnostic::error(message).at(field.key).hint(hint));
    }
    (!refused && !columns.is_empty()).then_some(columns)
}
