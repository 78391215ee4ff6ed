//! The folds of a plan: drawn by the experiment's name, or given by a tag.

use whom_spec::plan::Plan;
use whom_stats::Folds;

/// The buckets that discover and those that measure. Where a tag gives the folds, the unit table puts every unit into the
/// bucket of its own pair that has its fold, so that in either case a fold is a set of buckets.
pub fn folds(plan: &Plan) -> Folds {
    if plan.discover.folds.is_some() { Folds::given() } else { Folds::hashed(&plan.experiment) }
}
