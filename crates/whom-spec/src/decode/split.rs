//! The split and its variants.

use super::allocation::Ramped;
use super::cursor::{Field, Fields};
use super::fact::{gaps, partition_column, time_column};
use super::known::Known;
use super::{measured, strata};
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{ExposureFilter, Hours, SeveralVariants, SeveralVariantsRule, Split, Variant, VariantSource};
use crate::spanned::Spanned;
use crate::suggest::name_hint;

/// The most days from the first to the last: ten years.
const LONGEST_EXPERIMENT: i64 = 3_653;
/// How far the weights may be from summing to one: enough for a third written with seven digits.
const WEIGHT_TOLERANCE: f64 = 1e-6;
/// A variant is one byte in the unit table.
const MOST_VARIANTS: usize = 255;
/// The share of units with several variants that is tolerated unless the file says otherwise.
const TOLERATED_SHARE: f64 = 0.005;

pub(super) fn split(field: &Field<'_>, unit: Option<&Spanned<String>>, known: &Known<'_>) -> Option<Split> {
    let fields = field.mapping::<format::Split>()?;
    let path = fields.required_text("path");
    let filter = fields.filter();
    let time = fields.required("time").and_then(|time| time_column(&time));
    let partition = fields.optional("partition").and_then(|partition| partition_column(&partition));
    let gaps = gaps(&fields);
    let variant = fields.required_text("variant");
    let variants = variants(&fields);
    let start = fields.required("start").and_then(|start| start.date());
    let end = fields.required("end").and_then(|end| end.date());
    if let (Some(start), Some(end)) = (start, end)
        && *start > *end
    {
        let backwards = Diagnostic::error(format!("`split.end` ({end}) lies before `split.start` ({start})"));
        fields.report().push(backwards.at(end.span).related(start.span, "the first day"));
    }
    if let (Some(start), Some(end)) = (start, end)
        && (*end - *start).num_days() > LONGEST_EXPERIMENT
    {
        let endless =
            Diagnostic::error(format!("`split.end` ({end}) lies more than ten years after `split.start` ({start})"));
        fields.report().push(endless.at(end.span).related(start.span, "the first day").hint("check the year"));
    }
    let several_variants = several_variants(&fields);
    let exposure_filter = fields.optional("exposure_filter").and_then(|filter| exposure_filter(&filter, known));
    let ramped = Ramped { variants: variants.as_deref().unwrap_or_default(), start, end };
    let allocation = ramped.allocation(&fields);
    let strata = strata::strata(&fields, [unit, variant.as_ref()], &ramped);
    let lookback = fields.optional("lookback").and_then(|lookback| longer_than_zero(&lookback));
    Some(Split {
        path: path?,
        filter,
        time: time?,
        partition,
        gaps,
        variant: VariantSource::Column(variant?),
        variants: variants?,
        start: start?,
        end: end?,
        several_variants,
        lookback,
        exposure_filter,
        allocation: allocation?,
        strata,
    })
}

/// An event of a known fact table, within a window.
fn exposure_filter(field: &Field<'_>, known: &Known<'_>) -> Option<ExposureFilter> {
    let fields = field.mapping::<format::ExposureFilter>()?;
    let from = measured::from(&fields, known);
    let filter = fields.filter();
    let window = fields.required("window").and_then(|window| longer_than_zero(&window));
    Some(ExposureFilter { from: from?, filter, window: window? })
}

/// A duration that is not empty.
pub(super) fn longer_than_zero(field: &Field<'_>) -> Option<Hours> {
    let hours = field.hours()?;
    if hours.0 == 0 {
        field.refuse(format!("`{}` must be longer than `{}`", field.path, *hours));
        return None;
    }
    Some(*hours)
}

/// The control first, then the treatments by name.
fn variants(fields: &Fields<'_>) -> Option<Vec<Variant>> {
    let control = fields.required_text("control");
    let field = fields.required("variants")?;
    let named = field.named();
    if let Some(control) = &control
        && !named.iter().any(|(name, _)| name == control)
    {
        let names = named.iter().map(|(name, _)| name.as_str());
        let unknown = Diagnostic::error(format!("the control `{control}` is not among the variants"));
        fields.report().push(unknown.at(control.span).hint_if(name_hint(control, names)));
    }
    match named.len() {
        1 => field.refuse_key("one variant is no experiment: there must be two or more"),
        0..=MOST_VARIANTS => {}
        more => field.refuse_key(format!("`{}` names {more} variants, and may name {MOST_VARIANTS}", field.path)),
    }
    let variants: Vec<Option<Variant>> = named.into_iter().map(|(name, field)| variant(name, &field)).collect();
    let mut variants: Vec<Variant> = variants.into_iter().collect::<Option<_>>()?;
    check_weights(&field, &variants.iter().map(|variant| *variant.weight).collect::<Vec<_>>());
    let control = control?;
    variants.sort_by(|a, b| (a.name != control, a.name.as_str()).cmp(&(b.name != control, b.name.as_str())));
    Some(variants)
}

fn variant(name: Spanned<String>, field: &Field<'_>) -> Option<Variant> {
    let fields = field.mapping::<format::Variant>()?;
    let expected = "a number above 0 and at most 1";
    let weight = fields.required("weight").and_then(|weight| weight.number_in(expected, |w| w > 0.0 && w <= 1.0));
    let cost = fields.optional("cost").and_then(|cost| cost.number()).map(|cost| cost.value);
    Some(Variant { name, weight: weight?, cost })
}

pub(super) fn check_weights(field: &Field<'_>, weights: &[f64]) {
    let sum: f64 = weights.iter().sum();
    if weights.is_empty() || (sum - 1.0).abs() <= WEIGHT_TOLERANCE {
        return;
    }
    let message = format!("the weights of `{}` must sum to 1, but sum to {}", field.path, (sum * 1e9).round() / 1e9);
    let hint = "a weight is the planned share of units; write thirds with seven digits, as `0.3333333`";
    field.report.push(Diagnostic::error(message).at(field.key).hint(hint));
}

/// A rule, or `{ rule, at_most }`.
fn several_variants(fields: &Fields<'_>) -> SeveralVariants {
    let mut several = SeveralVariants { rule: SeveralVariantsRule::Exclude, at_most: TOLERATED_SHARE };
    let Some(field) = fields.optional("several_variants") else { return several };
    if field.is_scalar() {
        several.rule = rule(&field).unwrap_or(several.rule);
        return several;
    }
    let Some(fields) = field.mapping::<format::SeveralVariants>() else { return several };
    several.rule = fields.required("rule").and_then(|field| rule(&field)).unwrap_or(several.rule);
    if let Some(at_most) = fields.optional("at_most") {
        several.at_most = at_most.share().unwrap_or(several.at_most);
        if several.rule == SeveralVariantsRule::Refuse {
            at_most.refuse("`refuse` tolerates no unit in several variants, so it takes no `at_most`");
        }
    }
    several
}

fn rule(field: &Field<'_>) -> Option<SeveralVariantsRule> {
    field.choice(&[
        ("first", SeveralVariantsRule::First),
        ("exclude", SeveralVariantsRule::Exclude),
        ("refuse", SeveralVariantsRule::Refuse),
    ])
}
