//! What a later version will do: read like everything else, so that slips in it show, and then refused.

use super::cursor::{Field, Fields};
use crate::format;

/// Keys at the top.
pub(super) fn pipeline(fields: &Fields<'_>) {
    if fields.optional_text("cluster").is_some() {
        let meanwhile = "use the cluster as the unit: results then count clusters, and their intervals are honest";
        fields.not_yet_available("cluster", meanwhile);
    }
    if let Some(allocate) = fields.optional("allocate").and_then(|allocate| allocate.mapping::<format::Allocate>()) {
        allocate.required_text("maximise");
        allocate.optional("subject_to").inspect(texts);
        let budget = allocate.optional("budget").and_then(|budget| budget.mapping::<format::Budget>());
        if let Some(cost) = budget.and_then(|budget| budget.required("cost")) {
            cost.number();
        }
        fields.not_yet_available("allocate", "leave it out; cohorts and their effects are reported without it");
    }
}

/// Keys of the split.
pub(super) fn split(fields: &Fields<'_>) {
    if let Some(strata) = fields.optional("strata") {
        texts(&strata);
        fields.not_yet_available(
            "strata",
            "leave it out if every stratum has the same weights; else analyse one by `where`",
        );
    }
}

/// Keys of the search.
pub(super) fn discover(fields: &Fields<'_>) {
    if let Some(folds) = fields.optional("folds").and_then(|folds| folds.mapping::<format::Folds>()) {
        folds.required_text("column");
        fields.not_yet_available("folds", "leave it out; folds follow from the experiment's name and the unit");
    }
}

fn texts(list: &Field<'_>) {
    for item in list.items() {
        item.text();
    }
}
