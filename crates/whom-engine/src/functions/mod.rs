//! The functions that our SQL calls beside DataFusion's own, and those of its own that must give the same bytes on every
//! machine.

mod arm_of;
mod assigned_variant;
mod bucket_of;
mod exact_sum;
mod first_seen;
mod grid;
mod instant;
mod later;
mod local_day;
mod math;
mod may_hold;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::prelude::SessionContext;

use crate::filters::KeyFilters;

pub(crate) use first_seen::Seen;

/// The aggregate of first exposures.
pub(crate) const FIRST_SEEN: &str = "first_seen";

/// The function that asks a filter of keys.
pub(crate) const MAY_HOLD: &str = "may_hold";

/// Makes every function of ours known to a session, in place of others of the same name; `filters` are those of the session.
pub(crate) fn register(context: &SessionContext, filters: &KeyFilters) {
    for function in math::OfOneNumber::all() {
        context.register_udf(ScalarUDF::from(function));
    }
    for function in scalars() {
        context.register_udf(function);
    }
    context.register_udf(ScalarUDF::from(may_hold::MayHold::new(filters.clone())));
    context.register_udaf(AggregateUDF::from(exact_sum::ExactSum::new()));
    context.register_udaf(AggregateUDF::from(first_seen::FirstSeen::new()));
}

fn scalars() -> [ScalarUDF; 11] {
    [
        ScalarUDF::from(arm_of::ArmOf::new()),
        ScalarUDF::from(assigned_variant::AssignedVariant::new()),
        ScalarUDF::from(grid::ToGrid::new()),
        ScalarUDF::from(grid::NotFinite::new()),
        ScalarUDF::from(grid::GridMean::new()),
        ScalarUDF::from(bucket_of::BucketOf::new()),
        ScalarUDF::from(instant::Instant::new()),
        ScalarUDF::from(later::HoursLater::new()),
        ScalarUDF::from(later::DaysEarlier::new()),
        ScalarUDF::from(local_day::LocalDay::new()),
        ScalarUDF::from(math::Power::new()),
    ]
}
