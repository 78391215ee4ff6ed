//! The measuring fold: the global test first, then every cohort of the declared partition.

use whom_engine::EngineError;
use whom_forest::{Cohort, Discovered, Tree};
use whom_report::{ConfirmingTest, DetectableDifference, EffectRow, Evidence, Family, Fold, GlobalTestRow};
use whom_spec::plan::{Correction, DeclaredPartition, Matters, Role};
use whom_stats::{
    Against, Bootstrap, COHORT_SHARES, CellStatistics, Detection, Effect, GlobalTest, Grouping, Hypothesis, Reference,
    Target, global_test,
};

use crate::averages::{Rows, target};
use crate::rows::{CohortEffects, Draft, Subject, holm, simultaneous};
use crate::study::{Question, Study};

/// The power that detectable differences and confirming tests are stated for.
const POWER: f64 = 0.8;

/// The tree whose leaves are the declared partition, and its name.
pub(crate) fn declared_tree<'d>(
    study: &Study<'_>,
    questions: &[Question],
    discovered: &'d Discovered,
) -> Option<(String, &'d Tree)> {
    match &study.plan.discover.partition {
        DeclaredPartition::Joint => Some(("joint".to_owned(), &discovered.joint.pruned)),
        DeclaredPartition::Tree { treatment, metric } => questions
            .iter()
            .zip(&discovered.single)
            .find(|(question, _)| {
                study.variant(question.treatment) == treatment.as_str()
                    && *study.metric(question.metric).name == **metric
            })
            .map(|(question, tree)| (study.question_name(*question), &tree.pruned)),
    }
}

/// The global test of every question, corrected by Holm: the gate of its cohorts.
pub(crate) async fn global_tests(
    study: &Study<'_>,
    questions: &[Question],
    discovered: &Discovered,
) -> Result<Vec<GlobalTestRow>, EngineError> {
    let trees: Vec<&Tree> = discovered.single.iter().map(|tree| &tree.unpruned).collect();
    let groupings = trees.iter().map(|tree| Grouping::Leaves(tree.routing.clone())).collect();
    let counted = study.cells(groupings).await?;
    let mut rows: Vec<GlobalTestRow> = questions
        .iter()
        .zip(trees)
        .zip(&counted)
        .map(|((question, tree), cells)| global_row(study, *question, tree, cells))
        .collect();
    let raw: Vec<f64> = rows.iter().map(|row| row.p_value).collect();
    let adjusted = whom_stats::Correction::Holm.adjust(&raw);
    for (row, adjusted) in rows.iter_mut().zip(adjusted) {
        row.p_value_adjusted = adjusted;
        row.open = adjusted < 1.0 - study.plan.validate.level;
    }
    Ok(rows)
}

fn global_row(study: &Study<'_>, question: Question, tree: &Tree, cells: &CellStatistics) -> GlobalTestRow {
    let step = study.grids[question.metric].step();
    let predictions: Vec<f64> =
        tree.predictions(0).unwrap_or_default().into_iter().map(|prediction| prediction * step).collect();
    let test = global_test(&study.measured(cells, Fold::Measure), target(question, 0), &predictions);
    let slope = match &test {
        GlobalTest::Tested(slope) => Some(slope),
        GlobalTest::NoCandidate | GlobalTest::NotEstimable(_) => None,
    };
    GlobalTestRow {
        variant: study.variant(question.treatment).to_owned(),
        metric: study.metric(question.metric).name.value.clone(),
        evidence: Evidence::HeldOut,
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

/// The rows of the declared partition: primary metrics that were searched as family F2, all others exploratory.
pub(crate) fn cohort_rows(
    study: &Study<'_>,
    questions: &[Question],
    cohorts: &[Cohort],
    cells: &CellStatistics,
) -> Rows {
    let mut rows = Rows { done: discovered_family(study, questions, cohorts, cells), exploratory: Vec::new() };
    for question in study.questions() {
        let searched = questions.contains(&question);
        let guardrail = study.metric(question.metric).role == Role::Guardrail;
        let family = match (searched, guardrail) {
            (true, _) => Family::Discovered,
            (false, true) => Family::Guardrail,
            (false, false) => Family::Exploratory,
        };
        for cohort in cohorts {
            let effects = effects(study, cells, question, cohort.cell);
            let subject = Subject { study, question, cohort: &cohort.name, evidence: Evidence::Exploratory, family };
            let exploratory = Subject { family: Family::Exploratory, ..subject.clone() };
            match family {
                Family::Discovered => rows.exploratory.push(exploratory.lift(&effects.cohort)),
                Family::Guardrail => rows.done.push(subject.effect("welch", &effects.cohort).row),
                _ => rows.exploratory.extend([
                    subject.effect("welch", &effects.cohort),
                    subject.lift(&effects.cohort),
                    subject.contrast(&effects),
                ]),
            }
        }
    }
    rows
}

fn effects(study: &Study<'_>, cells: &CellStatistics, question: Question, cell: usize) -> CohortEffects {
    let measured = study.measured(cells, Fold::Measure);
    let target = target(question, cell);
    CohortEffects { cohort: measured.effect(target), rest: measured.rest_effect(target) }
}

/// Family F2: effects and contrasts of the cohorts, each kind with p-values and intervals from one procedure.
fn discovered_family(
    study: &Study<'_>,
    questions: &[Question],
    cohorts: &[Cohort],
    cells: &CellStatistics,
) -> Vec<EffectRow> {
    let (mut effect_drafts, mut contrast_drafts, mut targets) = (Vec::new(), Vec::new(), Vec::new());
    for question in questions {
        for cohort in cohorts {
            let effects = effects(study, cells, *question, cohort.cell);
            let (evidence, family) = (Evidence::HeldOut, Family::Discovered);
            let subject = Subject { study, question: *question, cohort: &cohort.name, evidence, family };
            effect_drafts.push(subject.effect("welch", &effects.cohort));
            contrast_drafts.push(subject.contrast(&effects));
            targets.push(target(*question, cohort.cell));
        }
    }
    let mut rows = corrected(study, cells, effect_drafts, Against::Zero, &targets);
    rows.extend(corrected(study, cells, contrast_drafts, Against::Rest, &targets));
    rows
}

fn corrected(
    study: &Study<'_>,
    cells: &CellStatistics,
    drafts: Vec<Draft>,
    against: Against,
    targets: &[Target],
) -> Vec<EffectRow> {
    let (reference, _) = study.references();
    let validate = &study.plan.validate;
    match validate.correction {
        Correction::Holm => holm(drafts, reference),
        Correction::MaxT => {
            let family: Vec<Hypothesis> =
                targets.iter().map(|target| Hypothesis { target: *target, against }).collect();
            let bootstrap = Bootstrap {
                experiment: &study.plan.experiment,
                replicates: u64::from(validate.bootstrap),
                level: validate.level,
                reference,
            };
            let max_t = bootstrap.max_t(&study.measured(cells, Fold::Measure), &family);
            drafts.into_iter().zip(&max_t.outcomes).map(|(draft, outcome)| simultaneous(draft, outcome)).collect()
        }
    }
}

/// The difference between a cohort and the rest that the measuring fold could have shown, by question and share.
pub(crate) fn detectable_differences(
    study: &Study<'_>,
    questions: &[Question],
    everybody: &CellStatistics,
) -> Vec<DetectableDifference> {
    let detection = Detection { level: study.plan.validate.level, power: POWER };
    let measured = study.measured(everybody, Fold::Measure);
    let mut rows = Vec::new();
    for question in questions {
        let average = measured.effect(target(*question, 0));
        for share in COHORT_SHARES {
            let difference = average.as_ref().ok().map(|average| detection.difference(average, share).difference);
            rows.push(DetectableDifference {
                variant: study.variant(question.treatment).to_owned(),
                metric: study.metric(question.metric).name.value.clone(),
                share,
                power: POWER,
                difference,
            });
        }
    }
    rows
}

/// The experiments that would confirm the cohorts: sized for the smallest effect that matters, never for the one seen.
pub(crate) fn confirming_tests(
    study: &Study<'_>,
    questions: &[Question],
    cohorts: &[Cohort],
    cells: &CellStatistics,
) -> Vec<ConfirmingTest> {
    let mut tests = Vec::new();
    for question in questions {
        let metric = study.metric(question.metric);
        let Some(matters) = metric.matters.as_ref().map(|matters| **matters) else { continue };
        for cohort in cohorts {
            let Ok(effect) = effects(study, cells, *question, cohort.cell).cohort else { continue };
            let Some((detects, units_per_arm)) = size(matters, &effect, study.plan.validate.level) else { continue };
            tests.push(ConfirmingTest {
                cohort: cohort.name.clone(),
                variant: study.variant(question.treatment).to_owned(),
                metric: metric.name.value.clone(),
                detects,
                power: POWER,
                units_per_arm,
            });
        }
    }
    tests
}

/// Units per arm for a two-sided test of an effect that matters: (z of the level + z of the power)^2 (v1 + v0) / d^2.
fn size(matters: Matters, effect: &Effect, level: f64) -> Option<(f64, u64)> {
    let detects = match matters {
        Matters::Absolute(amount) => amount.abs(),
        Matters::Relative(share) => (share * effect.control.mean).abs(),
    };
    let normal = |level| Reference::Normal.critical_value(level, f64::INFINITY);
    let errors = normal(level) + normal(2.0 * POWER - 1.0);
    let units = errors * errors * (effect.treatment.variance + effect.control.variance) / (detects * detects);
    (detects > 0.0 && units.is_finite() && units > 0.0).then(|| (detects, units.ceil() as u64))
}

#[cfg(test)]
mod tests {
    use whom_stats::{Grid, Moments};

    use super::*;

    /// An effect whose arms have these values.
    fn effect(treatment: &[i64], control: &[i64]) -> Effect {
        let moments = |values: &[i64]| {
            let mut moments = Moments::default();
            for value in values {
                moments.push(*value);
            }
            moments
        };
        Effect::welch(&moments(treatment), &moments(control), Grid::INTEGER).unwrap()
    }

    #[test]
    fn a_confirming_test_is_sized_by_the_textbook() {
        // Variance 1 in both arms, difference 0.1, level 95 %, power 80 %: (1.959964 + 0.841621)^2 * 2 / 0.01 = 1569.8
        let found = effect(&[10, 11, 12], &[9, 10, 11]);
        assert_eq!(size(Matters::Absolute(0.1), &found, 0.95), Some((0.1, 1570)));
        assert_eq!(size(Matters::Absolute(-0.1), &found, 0.95), Some((0.1, 1570)));
        // 1 % of the control's mean of 10 is the same.
        assert_eq!(size(Matters::Relative(0.01), &found, 0.95), Some((0.1, 1570)));
    }

    #[test]
    fn nothing_to_detect_needs_no_test() {
        let found = effect(&[-1, 0, 1, 3], &[-1, 0, 1]);
        assert_eq!(size(Matters::Relative(0.01), &found, 0.95), None, "a share of zero is zero");
        assert_eq!(size(Matters::Absolute(0.0), &found, 0.95), None);
    }
}
