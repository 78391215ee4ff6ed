//! What a later version will do: read like everything else, so that slips in it show, and then refused.

use super::cursor::{Field, Fields};
use crate::format;

/// Keys at the top.
pub(super) fn pipeline(fields: &Fields<'_>) {
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

fn texts(list: &Field<'_>) {
    for item in list.items() {
        item.text();
    }
}
