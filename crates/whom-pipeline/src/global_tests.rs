//! The global tests: do effects differ at all? The first answer of the measuring fold, and the gate of its cohorts.

use whom_engine::EngineError;
use whom_forest::{Discovered, Tree};
use whom_report::{Fold, GlobalTestRow};
use whom_stats::{CellStatistics, CellSums, Correction, GlobalTest, Grouping, global_test};

use crate::study::{Question, Study};

/// The global test of every question, corrected by Holm: the gate of its cohorts.
pub(crate) async fn global_tests(
    study: &Study<'_>,
    questions: &[Question],
    discovered: &Discovered,
) -> Result<Vec<GlobalTestRow>, EngineError> {
    let counted = leaves_of_unpruned(study, discovered).await?;
    Ok(tested(study, questions, discovered, &counted))
}

/// The sums of the leaves of every question's unpruned tree.
pub(crate) async fn leaves_of_unpruned(
    study: &Study<'_>,
    discovered: &Discovered,
) -> Result<Vec<CellSums>, EngineError> {
    let trees = discovered.single.iter();
    study.sums(trees.map(|tree| Grouping::Leaves(tree.unpruned.routing.clone())).collect()).await
}

/// The tests, from the statistics of [`leaves_of_unpruned`].
pub(crate) fn tested(
    study: &Study<'_>,
    questions: &[Question],
    discovered: &Discovered,
    counted: &[CellSums],
) -> Vec<GlobalTestRow> {
    let trees = discovered.single.iter().map(|tree| &tree.unpruned);
    let mut rows: Vec<GlobalTestRow> = questions
        .iter()
        .zip(trees)
        .zip(counted)
        .map(|((question, tree), sums)| global_row(study, *question, tree, &sums.cells))
        .collect();
    let raw: Vec<f64> = rows.iter().map(|row| row.p_value).collect();
    let adjusted = Correction::Holm.adjust(&raw);
    for (row, adjusted) in rows.iter_mut().zip(adjusted) {
        row.p_value_adjusted = adjusted;
        row.open = adjusted < 1.0 - study.plan.validate.level;
    }
    rows
}

fn global_row(study: &Study<'_>, question: Question, tree: &Tree, cells: &CellStatistics) -> GlobalTestRow {
    let target = study.searched(question, 0);
    let step = study.grids[target.metric].step();
    let predictions: Vec<f64> =
        tree.predictions(0).unwrap_or_default().into_iter().map(|prediction| prediction * step).collect();
    let test = global_test(&study.measured(cells, Fold::Measure), target, &predictions);
    let slope = match &test {
        GlobalTest::Tested(slope) => Some(slope),
        GlobalTest::NoCandidate | GlobalTest::NotEstimable(_) => None,
    };
    GlobalTestRow {
        variant: study.variant(question.treatment).to_owned(),
        metric: study.metric(question.metric).name.value.clone(),
        evidence: study.discovered_evidence(),
        leaves: tree.leaves().len(),
        slope: slope.map(|slope| slope.slope.value),
        std_err: slope.map(|slope| slope.slope.std_err),
        degrees_of_freedom: slope.map(|slope| slope.slope.degrees_of_freedom),
        p_value: test.p_value(),
        p_value_adjusted: 1.0,
        open: false,
        cochran_q: slope.map(|slope| slope.cochran.statistic),
        cochran_p_value: slope.map(|slope| slope.cochran.p_value),
    }
}

#[cfg(test)]
mod tests;
