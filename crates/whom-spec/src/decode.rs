//! From the tree to the plan: types, defaults, references and sense.
//!
//! A reader of a mapping asks for every key before it gives up on one, so that one run shows all mistakes. What could
//! not be read is `None` and was reported; the plan only comes out if nothing was.

mod allocation;
mod cap;
mod cluster;
mod cuped;
mod cursor;
mod discover;
mod fact;
mod given_folds;
mod known;
mod later;
mod looks;
mod measured;
mod metric;
mod model;
mod profile;
mod quantile;
mod scalar;
mod split;
mod strata;
mod tag;
mod validate;

use self::cursor::{Field, Fields, Report};
use self::discover::Searched;
use self::known::Known;
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::plan::{Cohort, MeasurePart, Output, Plan, Role, Snapshot, TagKind};
use crate::source::Span;
use crate::spanned::Spanned;
use crate::tree::Node;

/// The plan of a tree in which everything is replaced, and all errors and warnings on the way. There may be a plan
/// besides errors; it is not to be used.
pub(crate) fn plan(tree: &Node) -> (Option<Plan>, Vec<Diagnostic>) {
    let report = Report::default();
    let fields = Field::root(tree, &report).mapping::<format::Pipeline>();
    let plan = fields.as_ref().and_then(|fields| {
        let plan = pipeline(fields, &Known::of(tree))?;
        check_primary(&plan, fields);
        check_names(&plan, &report);
        check_covariates(&plan, &report);
        check_through(&plan, fields);
        looks::check(&plan, fields);
        cluster::check(&plan, fields);
        validate::check_sequences(&plan, fields);
        model::check_weights(&plan, fields);
        validate::check_sides(&plan, fields);
        warn_about(&plan, &report);
        Some(plan)
    });
    (plan, report.into_diagnostics())
}

fn pipeline(fields: &Fields<'_>, known: &Known<'_>) -> Option<Plan> {
    version(fields);
    later::pipeline(fields);
    let experiment = fields.required_text("experiment");
    let unit = fields.required_text("unit");
    let cluster = cluster::cluster(fields, unit.as_ref());
    let through = fields.optional("through").and_then(|through| through.date());
    let time_zone = fields.optional("time_zone").and_then(|zone| zone.time_zone());
    let split = fields.required("split").and_then(|split| split::split(&split, unit.as_ref(), known));
    let facts = named(fields.required("facts"), fact::fact);
    let metrics = named(fields.required("metrics"), |name, field| metric::metric(name, field, known));
    let tags = named(fields.optional("tags"), tag::table);
    let cohorts = named(fields.optional("cohorts"), cohort);
    let searched = Searched {
        known,
        metrics: metrics.as_deref().unwrap_or_default(),
        tables: tags.as_deref().unwrap_or_default(),
    };
    let discover = discover::discover(fields, &searched);
    if let Some(split) = split.as_ref().filter(|split| split.is_stratified()) {
        quantile::check_strata(split, metrics.as_deref().unwrap_or_default(), fields.report());
    }
    let looks = looks::looks(fields);
    let slices = fields.optional("slices").map(|field| discover::references(&field, "tag", &known.tags));
    let validate = fields.optional("validate").and_then(|field| validate::validate(&field)).unwrap_or_default();
    let reference = validate.reference;
    let models = named(fields.optional("models"), |name, field| model::model(name, field, &searched, reference));
    let output = fields.required("output").and_then(|output| output_place(&output));
    quantile::check_smallest_cell(metrics.as_deref().unwrap_or_default(), output.as_ref(), fields.report());
    Some(Plan {
        experiment: experiment?,
        unit: unit?,
        cluster,
        through,
        time_zone: time_zone.unwrap_or(chrono_tz::UTC),
        split: split?,
        facts: facts?,
        metrics: metrics?,
        tags: tags?,
        cohorts: cohorts?,
        discover,
        looks: looks?,
        slices: slices.unwrap_or_default(),
        models: models?,
        validate,
        output: output?,
    })
}

/// The values of a mapping of names, in the order of the file; `None` if one of them could not be read.
fn named<'t, T>(field: Option<Field<'t>>, read: impl Fn(Spanned<String>, &Field<'t>) -> Option<T>) -> Option<Vec<T>> {
    let Some(field) = field else { return Some(Vec::new()) };
    let values: Vec<Option<T>> = field.named().into_iter().map(|(name, value)| read(name, &value)).collect();
    values.into_iter().collect()
}

fn version(fields: &Fields<'_>) {
    if let Some(version) = fields.required("version") {
        version.version();
    }
}

fn cohort(name: Spanned<String>, field: &Field<'_>) -> Option<Cohort> {
    let taken_by = match name.strip_prefix('c') {
        _ if *name == "all" => Some("everybody"),
        Some(number) if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some("a discovered cohort")
        }
        _ => None,
    };
    if let Some(owner) = taken_by {
        let reserved = Diagnostic::error(format!("a cohort cannot be called `{name}`: that is the name of {owner}"));
        field.report.push(reserved.at(name.span).hint("give it a name that says who is in it"));
    }
    Some(Cohort { name, definition: field.expression()? })
}

fn output_place(field: &Field<'_>) -> Option<Output> {
    let fields = field.mapping::<format::Output>()?;
    let smallest_cell = fields.whole_or("smallest_cell", 0..=1_000_000, 0);
    Some(Output { path: fields.required_text("path")?, smallest_cell })
}

/// Without a primary metric there is nothing to decide.
fn check_primary(plan: &Plan, fields: &Fields<'_>) {
    if plan.primaries().next().is_none() {
        let place = plan.metrics.first().map_or(fields.place(), |metric| metric.name.span);
        let missing = Diagnostic::error("no metric is primary: there is nothing to decide, and nothing to search for");
        fields.report().push(missing.at(place).hint("give the metric that the experiment is about `role: primary`"));
    }
}

/// Metrics and tags become columns of the unit table, whose other columns are ours.
fn check_names(plan: &Plan, report: &Report) {
    const OURS: [&str; 5] = ["unit", "arm", "first_exposure", "bucket", "fold"];
    let metrics = plan.metrics.iter().map(|metric| ("metric", &metric.name));
    let tags = plan.tag_columns().map(|tag| ("tag", &tag.name));
    let measures: Vec<String> = plan
        .measures()
        .iter()
        .filter(|measure| measure.part != MeasurePart::Value)
        .map(|measure| measure.name.clone())
        .collect();
    let is_stratum = |name: &str| {
        let mut columns = plan.split.strata.iter().flat_map(|strata| &strata.columns);
        name.strip_prefix("stratum ").is_some_and(|name| columns.any(|column| **column == *name))
    };
    let is_cluster = |name: &str| {
        name.strip_prefix("cluster ").zip(plan.cluster.as_ref()).is_some_and(|(name, cluster)| **cluster == *name)
    };
    let mut seen: Vec<&Spanned<String>> = Vec::new();
    for (kind, name) in metrics.chain(tags) {
        if OURS.contains(&name.as_str()) || *name == plan.unit || is_stratum(name) || is_cluster(name) {
            let taken = format!("a {kind} cannot be called `{name}`: the unit table has a column of that name already");
            report.push(Diagnostic::error(taken).at(name.span));
        }
        if measures.iter().any(|measure| *measure == **name) {
            let taken = format!("a {kind} cannot be called `{name}`: that is what another metric is made of");
            report.push(Diagnostic::error(taken).at(name.span).hint("give it a name of its own"));
        }
        match seen.iter().find(|other| **other == name) {
            Some(other) => report.push(
                Diagnostic::error(format!("the {kind} `{name}` has the name of another metric or tag"))
                    .at(name.span)
                    .related(other.span, "the other one")
                    .hint("names of metrics and tags are unique over all tables: they are columns of one unit table"),
            ),
            None => seen.push(name),
        }
    }
}

/// Levels of a covariate, of which each is a column of its own in every product.
const MOST_LEVELS: u16 = 10;

/// Covariates are numbers, or few levels. A protected tag may be one: it steers nobody's treatment, it only takes noise off.
fn check_covariates(plan: &Plan, report: &Report) {
    for name in plan.metrics.iter().filter_map(|metric| metric.cuped.as_ref()).flat_map(|cuped| &cuped.tags) {
        let Some((_, tag)) = plan.tag(name) else { continue };
        let TagKind::Categorical { levels } = tag.kind else { continue };
        if levels > MOST_LEVELS {
            let message = format!("the tag `{name}` keeps {levels} levels, and a covariate may have {MOST_LEVELS}");
            let hint = format!(
                "declare it as `{{ categorical: {{ levels: {MOST_LEVELS} }} }}`: the less frequent levels then count as one"
            );
            report.push(Diagnostic::error(message).at(name.span).related(tag.name.span, "the tag").hint(hint));
        }
    }
}

/// Partitions are read up to `through`, so it must be there, and not before the experiment starts.
fn check_through(plan: &Plan, fields: &Fields<'_>) {
    let Some(through) = plan.through else {
        if let Some(place) = partitioned(plan).filter(|_| !fields.has("through")) {
            let missing = Diagnostic::error("`through` is missing: it is the last day whose partitions are read");
            fields
                .report()
                .push(missing.at(place).label("partitioned by day").hint("add `through: \"${var.ds}\"`, or a date"));
        }
        return;
    };
    if *through < *plan.split.start {
        let message = format!("`through` ({through}) lies before `start` ({})", plan.split.start);
        fields
            .report()
            .push(Diagnostic::error(message).at(through.span).related(plan.split.start.span, "the first day"));
    }
}

/// The first source that is partitioned by day.
fn partitioned(plan: &Plan) -> Option<Span> {
    let tables = plan.facts.iter().filter_map(|fact| fact.partition.as_ref());
    let snapshots = plan.tags.iter().filter_map(|table| match &table.snapshot {
        Snapshot::Dated { partition, .. } => Some(partition),
        Snapshot::Static => None,
    });
    plan.split.partition.iter().chain(tables).chain(snapshots).map(|partition| partition.column.span).next()
}

/// What is allowed, but probably not meant.
fn warn_about(plan: &Plan, report: &Report) {
    for fact in &plan.facts {
        if !plan.measures().iter().any(|measure| *measure.from == fact.name) {
            report.push(
                Diagnostic::warning(format!("no metric reads the fact table `{}`", fact.name)).at(fact.name.span),
            );
        }
    }
    for metric in &plan.metrics {
        let warning = match metric.role {
            Role::Primary if metric.matters.is_none() => Diagnostic::warning(format!(
                "`{}` does not say what `matters`, so there is no verdict between \"no effect\" and \"underpowered\"",
                metric.name
            ))
            .hint("add the smallest effect that anyone would act on, such as `matters: 1%`"),
            Role::Guardrail if metric.limit.is_none() => Diagnostic::warning(format!(
                "the guardrail `{}` has no `limit`, so it is shown but never tested",
                metric.name
            ))
            .hint("add the worst effect that you would tolerate, such as `limit: -1%`"),
            _ => continue,
        };
        report.push(warning.at(metric.name.span));
    }
}
