//! Profiles: the units whose effects a linear model is asked to predict.

use super::cursor::{Field, Fields};
use super::discover::Searched;
use crate::diagnostic::Diagnostic;
use crate::plan::{Profile, ProfileTag, ProfileValue, TagKind, TagLevels};
use crate::spanned::Spanned;
use crate::suggest::name_hint;

/// The most profiles of a model: each adds to the work of every unit.
const MOST_PROFILES: usize = 64;

/// The profiles of a model with these tags and units.
pub(super) fn profiles(
    fields: &Fields<'_>,
    (tags, units): (&[Spanned<String>], &[TagLevels]),
    searched: &Searched<'_>,
) -> Vec<Profile> {
    let Some(field) = fields.optional("predict") else { return Vec::new() };
    let named = field.named();
    if named.len() > MOST_PROFILES {
        field.refuse_key(format!("`{}` has {} profiles, and may have {MOST_PROFILES}", field.path, named.len()));
    }
    let profile = |(name, at): (Spanned<String>, Field<'_>)| {
        let mut of_tags = Vec::new();
        // Of a model without tags it is said once that nothing is to be predicted.
        for (tag, value) in at.named().into_iter().filter(|_| !tags.is_empty()) {
            if !tags.contains(&tag) {
                let message = format!("`{}`: the tag `{tag}` is not in the model", at.path);
                let hint = name_hint(&tag, tags.iter().map(|tag| tag.as_str()));
                at.report.push(Diagnostic::error(message).at(tag.span).hint_if(hint));
            } else if let Some(value) = value_of(&value, &tag, searched) {
                of_tags.push(ProfileTag { tag, value });
            }
        }
        Profile { name, at: of_tags }
    };
    let profiles: Vec<Profile> = named.into_iter().map(profile).collect();
    profiles.iter().flat_map(|profile| &profile.at).for_each(|at| check_level(&field, at, units));
    profiles
}

/// The number or the level of a tag, by its kind.
fn value_of(field: &Field<'_>, tag: &Spanned<String>, searched: &Searched<'_>) -> Option<ProfileValue> {
    let declared = searched.tables.iter().flat_map(|table| &table.columns).find(|declared| declared.name == *tag)?;
    match declared.kind {
        TagKind::Numeric => field.number().map(|number| ProfileValue::Number(number.value)),
        TagKind::Categorical { .. } => field.text().map(|level| ProfileValue::Level(level.value)),
    }
}

/// Refuses a level that no unit of the model can have.
fn check_level(field: &Field<'_>, at: &ProfileTag, units: &[TagLevels]) {
    let ProfileValue::Level(level) = &at.value else { return };
    let Some(of_units) = units.iter().find(|of_units| of_units.tag == at.tag) else { return };
    if !of_units.levels.is_empty() && !of_units.levels.iter().any(|of_units| **of_units == *level) {
        let message = format!("`{}`: no unit of the model has `{level}` of `{}`", field.path, at.tag);
        let refused = Diagnostic::error(message).at(at.tag.span).related(of_units.tag.span, "its units");
        field.report.push(refused.hint("predict for a level that the model's `units` name"));
    }
}
