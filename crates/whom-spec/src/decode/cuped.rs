//! What metrics are adjusted by.

use super::cursor::{Field, Fields};
use super::known::{Known, words};
use super::split::longer_than_zero;
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::Cuped;
use crate::spanned::Spanned;
use crate::suggest::name_hint;

/// `cuped: 14d`, or `cuped: { pre_period: 14d, tags: [tenure_days] }`.
pub(super) fn cuped(metric: &Fields<'_>, known: &Known<'_>) -> Option<Cuped> {
    let field = metric.optional("cuped")?;
    if field.is_scalar() {
        return longer_than_zero(&field).map(|period| Cuped { pre_period: Some(period), tags: Vec::new() });
    }
    let fields = field.mapping::<format::Cuped>()?;
    let pre_period = fields.optional("pre_period").and_then(|period| longer_than_zero(&period));
    let tags = fields.optional("tags").map(|tags| covariates(&tags, known)).unwrap_or_default();
    if pre_period.is_none() && tags.is_empty() {
        let message = format!("`{}` names no covariate", field.path);
        let hint = "give a `pre_period` such as `14d`, or `tags`";
        field.report.push(Diagnostic::error(message).at(field.key).hint(hint));
        return None;
    }
    Some(Cuped { pre_period, tags })
}

/// Tags that exist, each of them once; how many levels they have is looked at when all tags are read.
fn covariates(field: &Field<'_>, known: &Known<'_>) -> Vec<Spanned<String>> {
    let mut names: Vec<Spanned<String>> = Vec::new();
    for name in field.items().iter().filter_map(Field::text) {
        if names.contains(&name) {
            field.report.push(Diagnostic::error(format!("`{}` lists `{name}` twice", field.path)).at(name.span));
        } else if !known.tags.contains(&&name) {
            let unknown = Diagnostic::error(format!("unknown tag `{name}`"));
            field.report.push(unknown.at(name.span).hint_if(name_hint(&name, words(&known.tags))));
        }
        names.push(name);
    }
    names
}
