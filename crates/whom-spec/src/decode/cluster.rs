//! The column of the split that says with whom a unit was assigned.

use super::cursor::Fields;
use crate::diagnostic::Diagnostic;
use crate::plan::{Plan, SeveralVariantsRule};
use crate::spanned::Spanned;

/// `cluster: household_id`: a column of the split that is not its unit.
pub(super) fn cluster(pipeline: &Fields<'_>, unit: Option<&Spanned<String>>) -> Option<Spanned<String>> {
    let cluster = pipeline.optional_text("cluster")?;
    if unit == Some(&cluster) {
        let message = format!("`cluster` is `{cluster}`, the unit itself");
        let hint = "leave `cluster` out where every unit was assigned by itself";
        pipeline.report().push(Diagnostic::error(message).at(cluster.span).hint(hint));
        return None;
    }
    Some(cluster)
}

/// What is not known to hold for clusters is refused, and never done unit by unit.
pub(super) fn check(plan: &Plan, pipeline: &Fields<'_>) {
    let Some(cluster) = &plan.cluster else { return };
    if plan.split.variant.column() == Some(cluster) {
        let message = format!("`cluster` is `{cluster}`, the column of the variant");
        let hint = "name the column of whoever was assigned together, such as the household or the school";
        pipeline.report().push(Diagnostic::error(message).at(cluster.span).hint(hint));
    }
    check_keys(plan, cluster, pipeline);
    for model in plan.models.iter().filter(|model| model.cluster.is_none()) {
        let message =
            format!("the model `{}` has no `cluster`, and units of a cluster are not independent", model.name);
        let hint = "give the model a `cluster`: a categorical tag that holds the same clusters";
        pipeline
            .report()
            .push(Diagnostic::error(message).at(model.name.span).related(cluster.span, "the cluster").hint(hint));
    }
}

fn check_keys(plan: &Plan, cluster: &Spanned<String>, pipeline: &Fields<'_>) {
    let refuse = |what: &str, hint: &str| {
        let message = format!("{what} not go with `cluster`");
        pipeline.report().push(Diagnostic::error(message).at(cluster.span).hint(hint.to_owned()));
    };
    if let Some(folds) = &plan.discover.folds {
        let message = "`discover.folds` does not go with `cluster`: a tag may give units of one cluster to both folds";
        let hint = "leave `folds` out: the folds that are drawn hold whole clusters";
        let refused = Diagnostic::error(message).at(folds.column.span).related(cluster.span, "the cluster");
        pipeline.report().push(refused.hint(hint));
    }
    if plan.split.is_ramped() {
        refuse("`split.allocation` does", "leave one of them out; or set `start` and `end` to one period");
    }
    if plan.split.strata.is_some() {
        refuse("`split.strata` does", "leave one of them out; or choose one stratum by `where`");
    }
    if plan.split.several_variants.rule == SeveralVariantsRule::First {
        let hint = "leave clusters in several variants out by `several_variants: exclude`, or stop at one by `refuse`";
        refuse("`several_variants: first` does", hint);
    }
}
