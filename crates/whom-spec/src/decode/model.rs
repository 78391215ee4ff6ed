//! Linear models.

use super::cursor::{Field, Fields};
use super::discover::{Searched, references};
use super::profile::profiles;
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{BaseLevel, Model, ModelCorrection, Plan, Reference, StandardErrors, TagKind, TagLevels};
use crate::spanned::Spanned;
use crate::suggest::name_hint;

/// A model; statistics refer to `reference` where it does not say otherwise.
pub(super) fn model(
    name: Spanned<String>,
    field: &Field<'_>,
    searched: &Searched<'_>,
    reference: Reference,
) -> Option<Model> {
    let fields = field.mapping::<format::Model>()?;
    let metric = metric(&fields, searched);
    let tags = fields.optional("tags").map(|tags| references(&tags, "tag", &searched.known.tags)).unwrap_or_default();
    let base = base(&fields, &tags, searched);
    let standardise = fields.optional("standardise").and_then(|field| field.boolean());
    let units_of = |key| fields.optional(key).map(|field| units(&field, searched)).unwrap_or_default();
    let (units, calibrate) = (units_of("units"), units_of("calibrate"));
    let predict = profiles(&fields, (&tags, &units), searched);
    for (key, is_asked) in [("calibrate", !calibrate.is_empty()), ("predict", !predict.is_empty())] {
        if tags.is_empty() && is_asked {
            let message = format!("`{}.{key}`: a model without tags predicts one effect for everybody", fields.path());
            let hint = format!("give it `tags`, or leave `{key}` out");
            fields.report().push(Diagnostic::error(message).at(fields.place()).hint(hint));
        }
    }
    let cluster = cluster(&fields, searched);
    let errors = errors(&fields, cluster.is_some());
    let references = [("t", Reference::T), ("normal", Reference::Normal)];
    let reference = fields.optional("reference").and_then(|field| field.choice(&references)).unwrap_or(reference);
    let correction = fields.optional("correction").and_then(|field| correction(&field));
    Some(Model {
        name,
        metric: metric?,
        tags,
        base,
        standardise: standardise.is_some_and(|standardise| *standardise),
        units,
        calibrate,
        predict,
        errors,
        cluster,
        reference,
        correction: correction.unwrap_or(ModelCorrection::BenjaminiYekutieli),
    })
}

/// A metric that is a number per unit.
fn metric(fields: &Fields<'_>, searched: &Searched<'_>) -> Option<Spanned<String>> {
    let name = fields.required_text("metric")?;
    let known = &searched.known.metrics;
    if !known.contains(&&name) {
        let hint = name_hint(&name, known.iter().map(|name| name.as_str()));
        fields.report().push(Diagnostic::error(format!("unknown metric `{name}`")).at(name.span).hint_if(hint));
    } else if searched.metrics.iter().any(|metric| metric.name == name && metric.denominator.is_some()) {
        let message =
            format!("`{}`: the ratio `{name}` is no number per unit, which a linear model needs", fields.path());
        let hint = "model its numerator or its denominator, as a metric of its own";
        fields.report().push(Diagnostic::error(message).at(name.span).hint(hint));
    } else if searched.metrics.iter().any(|metric| metric.name == name && metric.quantile.is_some()) {
        let message = format!("`{}`: `{name}` is a quantile, and a linear model is one of means", fields.path());
        let hint = "model the number of a unit, as a metric of its own without `quantile`";
        fields.report().push(Diagnostic::error(message).at(name.span).hint(hint));
    }
    Some(name)
}

/// By categorical tag of the model, the level that others are compared with.
fn base(fields: &Fields<'_>, tags: &[Spanned<String>], searched: &Searched<'_>) -> Vec<BaseLevel> {
    let Some(field) = fields.optional("base") else { return Vec::new() };
    let mut bases = Vec::new();
    for (tag, level) in field.named() {
        if tags.contains(&tag) {
            check_categorical(&field, &tag, searched, "a number has no base level");
        } else {
            let message = format!("`{}`: the tag `{tag}` is not in the model", field.path);
            let hint = name_hint(&tag, tags.iter().map(|tag| tag.as_str()));
            field.report.push(Diagnostic::error(message).at(tag.span).hint_if(hint));
        }
        bases.extend(level.text().map(|level| BaseLevel { tag, level }));
    }
    bases
}

/// By categorical tag, the levels of some units.
fn units(field: &Field<'_>, searched: &Searched<'_>) -> Vec<TagLevels> {
    let mut units = Vec::new();
    for (tag, levels) in field.named() {
        check_known(field, &tag, searched);
        check_categorical(field, &tag, searched, "units are told apart by levels");
        let levels = if levels.is_scalar() {
            levels.text().into_iter().collect()
        } else {
            let several: Vec<Spanned<String>> = levels.items().iter().filter_map(Field::text).collect();
            if levels.items().is_empty() {
                levels.refuse(format!("`{}` names no level, so it means no unit", levels.path));
            }
            several
        };
        units.push(TagLevels { tag, levels });
    }
    units
}

fn cluster(fields: &Fields<'_>, searched: &Searched<'_>) -> Option<Spanned<String>> {
    let field = fields.optional("cluster")?;
    let tag = field.text()?;
    check_known(&field, &tag, searched);
    check_categorical(&field, &tag, searched, "clusters are told apart by levels");
    Some(tag)
}

/// Errors by cluster where there is a cluster, and only there.
fn errors(fields: &Fields<'_>, has_cluster: bool) -> StandardErrors {
    let default = if has_cluster { StandardErrors::Cr2 } else { StandardErrors::Hc2 };
    let Some(field) = fields.optional("errors") else { return default };
    let Some(errors) = field.choice(&[
        ("classical", StandardErrors::Classical),
        ("HC0", StandardErrors::Hc0),
        ("HC1", StandardErrors::Hc1),
        ("HC2", StandardErrors::Hc2),
        ("HC3", StandardErrors::Hc3),
        ("CR0", StandardErrors::Cr0),
        ("CR1", StandardErrors::Cr1),
        ("CR2", StandardErrors::Cr2),
    ]) else {
        return default;
    };
    if errors.are_clustered() && !fields.has("cluster") {
        let message = format!("`{}`: errors by cluster need a `cluster`", field.path);
        let hint = "name the categorical tag whose levels are the clusters; without clusters, use `HC2` or `HC3`";
        field.report.push(Diagnostic::error(message).at(field.node.span).hint(hint));
    } else if !errors.are_clustered() && fields.has("cluster") {
        let message = format!("`{}`: these errors know no cluster", field.path);
        let hint = "use `CR2` or `CR1`, or leave `cluster` out";
        field.report.push(Diagnostic::error(message).at(field.node.span).hint(hint));
    }
    errors
}

fn correction(field: &Field<'_>) -> Option<ModelCorrection> {
    field.choice(&[
        ("none", ModelCorrection::None),
        ("holm", ModelCorrection::Holm),
        ("bonferroni", ModelCorrection::Bonferroni),
        ("benjamini_yekutieli", ModelCorrection::BenjaminiYekutieli),
    ])
}

fn check_known(field: &Field<'_>, tag: &Spanned<String>, searched: &Searched<'_>) {
    let known = &searched.known.tags;
    if !known.contains(&tag) {
        let hint = name_hint(tag, known.iter().map(|name| name.as_str()));
        field.report.push(Diagnostic::error(format!("unknown tag `{tag}`")).at(tag.span).hint_if(hint));
    }
}

fn check_categorical(field: &Field<'_>, tag: &Spanned<String>, searched: &Searched<'_>, why: &str) {
    let declared = searched.tables.iter().flat_map(|table| &table.columns).find(|declared| declared.name == *tag);
    if let Some(declared) = declared.filter(|declared| declared.kind == TagKind::Numeric) {
        let message = format!("`{}`: the tag `{tag}` is numeric, and {why}", field.path);
        let numeric = Diagnostic::error(message).at(tag.span).related(declared.name.span, "the tag");
        field.report.push(numeric.hint("declare the tag `categorical`"));
    }
}

/// Refuses models where the arms have other shares in some strata, such as periods of other weights, than in others: the stratum of a
/// unit would stand behind its arm.
pub(super) fn check_weights(plan: &Plan, pipeline: &Fields<'_>) {
    let Some(field) = pipeline.optional("models").filter(|_| plan.split.has_unequal_strata()) else { return };
    let (cause, strata, instead) = if plan.split.is_ramped() {
        ("`split.allocation`", "periods", "set `start` and `end` to one period")
    } else {
        ("unequal shares in `split.strata`", "strata", "choose one stratum by `where`")
    };
    let message = format!("`models` does not go with {cause}: a model knows no {strata}, and would mix them");
    field.report.push(Diagnostic::error(message).at(field.key).hint(format!("leave `models` out; or {instead}")));
}
