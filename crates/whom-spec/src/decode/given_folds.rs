//! Folds that the data give.

use super::cursor::Field;
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{GivenFolds, Tag, TagKind};
use crate::spanned::Spanned;
use crate::suggest::name_hint;

/// A categorical tag, and two levels of it.
pub(super) fn given_folds<'p>(field: &Field<'_>, tags: impl Iterator<Item = &'p Tag> + Clone) -> Option<GivenFolds> {
    let fields = field.mapping::<format::Folds>()?;
    let column = fields.required_text("column");
    let discover = fields.required_text("discover");
    let measure = fields.required_text("measure");
    let folds = GivenFolds { column: column?, discover: discover?, measure: measure? };
    if folds.discover == folds.measure {
        let message = format!("`{}`: the units of `{}` cannot both discover and measure", field.path, folds.measure);
        let hint = "cohorts are measured on units that did not find them: name two levels of the tag";
        field.report.push(Diagnostic::error(message).at(folds.measure.span).hint(hint));
    }
    check_column(field, &folds.column, tags);
    Some(folds)
}

fn check_column<'p>(field: &Field<'_>, column: &Spanned<String>, tags: impl Iterator<Item = &'p Tag> + Clone) {
    let problem = match tags.clone().find(|tag| tag.name == *column) {
        None => {
            let names = tags.map(|tag| tag.name.as_str());
            let hint = name_hint(column, names).or_else(|| Some("declare the column under `tags`".to_owned()));
            Diagnostic::error(format!("unknown tag `{column}`")).hint_if(hint)
        }
        Some(Tag { kind: TagKind::Numeric, name, .. }) => {
            let message = format!("the tag `{column}` is numeric, and folds are two levels of a categorical one");
            Diagnostic::error(message).related(name.span, "the tag").hint("declare it `categorical`")
        }
        Some(_) => return,
    };
    field.report.push(problem.at(column.span));
}
