//! The functions that our SQL calls beside DataFusion's own.

mod bucket_of;
mod exact_sum;
mod grid;
mod local_day;

use datafusion::logical_expr::{AggregateUDF, ScalarUDF};
use datafusion::prelude::SessionContext;

/// Makes every function of ours known to a session.
pub(crate) fn register(context: &SessionContext) {
    for function in scalars() {
        context.register_udf(function);
    }
    context.register_udaf(AggregateUDF::from(exact_sum::ExactSum::new()));
}

fn scalars() -> [ScalarUDF; 5] {
    [
        ScalarUDF::from(grid::ToGrid::new()),
        ScalarUDF::from(grid::NotFinite::new()),
        ScalarUDF::from(grid::GridMean::new()),
        ScalarUDF::from(bucket_of::BucketOf::new()),
        ScalarUDF::from(local_day::LocalDay::new()),
    ]
}
