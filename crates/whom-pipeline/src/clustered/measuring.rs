//! Whether the measuring fold holds clusters enough.

use whom_stats::Check;

use super::Clustered;
use crate::study::{Question, Study};

/// What follows from too few clusters.
const FIX: &str = "no cohort is told from the rest on so few clusters: whether effects differ at all is not tested, and what is \
     shown of cohorts is marked; go on until there are more clusters";

/// Whether the clusters of the measuring fold are enough for the global tests, on each question; `None` where units were assigned
/// by themselves, or nothing is asked.
pub(crate) fn enough_clusters(
    study: &Study<'_>,
    questions: &[Question],
    measuring: Option<&Clustered>,
) -> Option<Check> {
    let few = |question: &Question| {
        let reason = measuring?.too_few(&study.estimation(*question))?;
        Some(format!("{}: {reason}", study.question_name(*question)))
    };
    let found: Vec<String> = questions.iter().filter_map(few).collect();
    measuring.filter(|_| !questions.is_empty())?;
    let detail = if found.is_empty() {
        "each variant has clusters enough to test whether effects differ".to_owned()
    } else {
        found.join(" | ")
    };
    Some(Check::ruled("clusters of the fold to measure", !found.is_empty(), detail).as_advice().with_fix(FIX))
}
