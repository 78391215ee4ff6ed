//! Columns within whose values the variants were assigned.

use super::allocation::Ramped;
use super::cursor::{Field, Fields};
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{Strata, StrataShares, StratumWeights};
use crate::spanned::Spanned;
use crate::tree::Value;

/// The most columns that make a stratum.
const MOST_COLUMNS: usize = 8;

/// `strata: [country]`, or `strata: { columns: [school], shares: realised }`; `taken` are columns that make no strata.
pub(super) fn strata(split: &Fields<'_>, taken: [Option<&Spanned<String>>; 2], ramped: &Ramped<'_>) -> Option<Strata> {
    let field = split.optional("strata")?;
    let (columns, shares, weights) = if field.node.entries().is_none() {
        (columns(&field, taken), None, Some(Vec::new()))
    } else {
        let fields = field.mapping::<format::Strata>()?;
        let shares = fields.optional("shares").and_then(|shares| {
            shares.choice(&[("declared", StrataShares::Declared), ("realised", StrataShares::Realised)])
        });
        let columns = fields.required("columns").and_then(|named| columns(&named, taken));
        let weights = match fields.optional("weights") {
            Some(weights) => {
                check_weights(&weights, (columns.as_deref(), shares), split);
                by_value(&weights, ramped)
            }
            None => Some(Vec::new()),
        };
        (columns, shares, weights)
    };
    Some(Strata { columns: columns?, shares: shares.unwrap_or(StrataShares::Declared), weights: weights? })
}

/// The weights of each stratum that is named.
fn by_value(field: &Field<'_>, ramped: &Ramped<'_>) -> Option<Vec<StratumWeights>> {
    let of = |(value, field): (Spanned<String>, Field<'_>)| {
        ramped.weights(&field).map(|weights| StratumWeights { value, weights })
    };
    let weights: Vec<Option<StratumWeights>> = field.named().into_iter().map(of).collect();
    weights.into_iter().collect()
}

/// Weights by value need one column, and say what realised shares leave open and periods say otherwise.
fn check_weights(
    field: &Field<'_>,
    (columns, shares): (Option<&[Spanned<String>]>, Option<StrataShares>),
    split: &Fields<'_>,
) {
    let refuse = |why: String, hint: &str| {
        let message = format!("`{}` {why}", field.path);
        field.report.push(Diagnostic::error(message).at(field.key).hint(hint.to_owned()));
    };
    if let Some(columns) = columns.filter(|columns| columns.len() > 1) {
        let why = format!("names strata by a value, and `columns` lists {} columns", columns.len());
        refuse(why, "name one column whose values have weights, or say `shares: realised`");
    }
    if shares == Some(StrataShares::Realised) {
        let why = "does not go with `shares: realised`, which holds shares against no weights".to_owned();
        refuse(why, "leave one of the two out");
    }
    if split.optional("allocation").is_some() {
        let why = "does not go with `split.allocation`, whose periods have weights of their own".to_owned();
        refuse(why, "say `shares: realised` instead; or set `start` and `end` to one period");
    }
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
