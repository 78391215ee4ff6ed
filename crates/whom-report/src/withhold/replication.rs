//! Findings about too few units.

use super::SmallestCell;
use super::cohorts::HiddenCohorts;
use super::effects::HiddenMetrics;
use crate::replication::{FindingView, ReplicationView};

/// The replication; of a cohort and metric that are withheld only that they were a finding.
pub(super) fn withheld(
    cell: SmallestCell,
    replication: ReplicationView,
    cohorts: &HiddenCohorts,
    metrics: &HiddenMetrics,
) -> ReplicationView {
    let finding = |finding: FindingView| {
        if !metrics.hides(&finding.metric, &finding.cohort, cohorts) {
            return FindingView {
                parts: finding.parts.into_iter().map(|part| metrics.told_part(part)).collect(),
                ..finding
            };
        }
        FindingView { verdict: None, not_measured: Some(cell.reason()), parts: Vec::new(), ..finding }
    };
    ReplicationView { findings: replication.findings.into_iter().map(finding).collect(), ..replication }
}
