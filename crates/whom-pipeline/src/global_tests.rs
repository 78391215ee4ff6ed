//! The global tests: do effects differ at all? The first answer of the measuring fold, and the gate of its cohorts.

use whom_engine::EngineError;
use whom_forest::{Discovered, Tree};
use whom_query::Outcome;
use whom_report::{Fold, GlobalTestRow};
use whom_stats::{Cochran, Correction, GlobalTest, Heterogeneity, global_test};

use crate::clustered::Clustered;
use crate::comparison::Comparison;
use crate::estimation::Estimation;
use crate::leaf_sums::LeafSums;
use crate::study::{Question, Study};

/// The global test of every question, corrected by Holm: the gate of its cohorts.
pub(crate) async fn global_tests(
    study: &Study<'_>,
    questions: &[Question],
    discovered: &Discovered,
    measuring: Option<&Clustered>,
) -> Result<Vec<GlobalTestRow>, EngineError> {
    let counted = leaves_of_unpruned(study, discovered).await?;
    Ok(tested(study, questions, discovered, (&counted, measuring)))
}

/// The sums of the leaves of every question's unpruned tree.
pub(crate) async fn leaves_of_unpruned(
    study: &Study<'_>,
    discovered: &Discovered,
) -> Result<Vec<LeafSums>, EngineError> {
    LeafSums::of_each(study, discovered.single.iter().map(|tree| &tree.unpruned.routing)).await
}

/// The tests, from the statistics of [`leaves_of_unpruned`], and from the sums of clusters on the measuring fold where units were
/// assigned by cluster.
///
/// Their variance is over buckets, which hold whole clusters. It takes them for many: on fewer than 50 equal clusters in an arm
/// nothing is tested, and no gate opens.
pub(crate) fn tested(
    study: &Study<'_>,
    questions: &[Question],
    discovered: &Discovered,
    (counted, measuring): (&[LeafSums], Option<&Clustered>),
) -> Vec<GlobalTestRow> {
    let trees = discovered.single.iter().map(|tree| &tree.unpruned);
    let mut rows: Vec<GlobalTestRow> = questions
        .iter()
        .zip(trees)
        .zip(counted)
        .map(|((question, tree), sums)| global_row(study, *question, tree, (sums, measuring)))
        .collect();
    let raw: Vec<f64> = rows.iter().map(|row| row.p_value).collect();
    let adjusted = Correction::Holm.adjust(&raw);
    for (row, adjusted) in rows.iter_mut().zip(adjusted) {
        row.p_value_adjusted = adjusted;
        row.open = adjusted < 1.0 - study.plan.validate.level;
    }
    rows
}

fn global_row(
    study: &Study<'_>,
    question: Question,
    tree: &Tree,
    (leaves, measuring): (&LeafSums, Option<&Clustered>),
) -> GlobalTestRow {
    let target = study.searched(question, 0);
    let step = study.grids[target.metric].step();
    let predictions = tree.predictions(0).unwrap_or_default().into_iter().map(|prediction| prediction * step);
    // A leaf's effect is that of its strata by their units, and so is the slope: strata are leaves of one prediction. Of a stratum in
    // which an arm is lacking, or nothing varies, the units take no part.
    let strata = leaves.strata();
    let predictions: Vec<f64> = predictions.flat_map(|prediction| std::iter::repeat_n(prediction, strata)).collect();
    let few = measuring.is_some_and(|clusters| clusters.too_few(&study.estimation(question)).is_some());
    let test = (!few).then(|| global_test(&study.measured(&leaves.cells.cells, Fold::Measure), target, &predictions));
    let slope = match &test {
        Some(GlobalTest::Tested(slope)) => Some(slope),
        Some(GlobalTest::NoCandidate | GlobalTest::NotEstimable(_)) | None => None,
    };
    // Cochran's test takes the leaves' effects for independent, and those of leaves that share clusters are not.
    let cochran = slope.filter(|_| measuring.is_none());
    let cochran = cochran
        .and_then(|slope| if strata == 1 { Some(slope.cochran) } else { cochran_within(study, question, leaves) });
    GlobalTestRow {
        variant: study.variant(question.treatment).to_owned(),
        metric: study.metric(question.metric).name.value.clone(),
        evidence: study.discovered_evidence(),
        leaves: tree.leaves().len(),
        slope: slope.map(|slope| slope.slope.value),
        std_err: slope.map(|slope| slope.slope.std_err),
        degrees_of_freedom: slope.map(|slope| slope.slope.degrees_of_freedom),
        p_value: test.as_ref().map_or(1.0, GlobalTest::p_value),
        p_value_adjusted: 1.0,
        open: false,
        cochran_q: cochran.map(|cochran| cochran.statistic),
        cochran_p_value: cochran.map(|cochran| cochran.p_value),
    }
}

/// Cochran's test of the leaves' effects, each compared within strata. It is of the column that trees see.
fn cochran_within(study: &Study<'_>, question: Question, leaves: &LeafSums) -> Option<Cochran> {
    let searched = Outcome {
        value: study.searched(question, 0).metric,
        covariates: Vec::new(),
        levels: Vec::new(),
        denominator: None,
        group: None,
        ..study.outcome(question.metric).clone()
    };
    let estimation = Estimation { outcome: &searched, grid: study.grids[searched.value], ..study.estimation(question) };
    let of_leaf = |leaf: usize| Comparison::of_strata(&leaves.over(&[leaf], study.buckets(Fold::Measure)), &estimation);
    let effects = (0..leaves.leaves()).map(of_leaf).map(|found| Ok(found.effect?.difference));
    Some(Heterogeneity::of(&effects.collect::<Vec<_>>(), study.plan.validate.level).ok()?.cochran)
}

#[cfg(test)]
mod tests;
