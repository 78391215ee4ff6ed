//! Average effects and pre-registered cohorts: families F1 and guardrails, on all units.

use whom_engine::EngineError;
use whom_report::{EVERYBODY, EffectRow, Estimand, Evidence, Family, Fold};
use whom_spec::plan::Role as PlanRole;
use whom_stats::{CellStatistics, Grouping, Target};

use crate::rows::{CohortEffects, Draft, Subject, holm};
use crate::study::{Question, Study};

/// Statistics of everybody and of each pre-registered cohort.
pub(crate) struct AverageCells {
    pub(crate) everybody: CellStatistics,
    /// One per cohort; cell 1 holds its units, cell 0 the rest.
    pub(crate) cohorts: Vec<CellStatistics>,
    /// Everybody by first exposure, where units in several variants are excluded.
    pub(crate) by_first_exposure: Option<CellStatistics>,
}

/// Rows that are complete, and rows that wait for the correction of the exploratory family.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) done: Vec<EffectRow>,
    pub(crate) exploratory: Vec<Draft>,
}

impl AverageCells {
    /// Counts them in one go.
    pub(crate) async fn count(study: &Study<'_>) -> Result<Self, EngineError> {
        let mut groupings = vec![Grouping::Everybody];
        groupings.extend(
            (0..study.plan.cohorts.len())
                .map(|place| Grouping::Codes { column: study.units.cohort_column(place), codes: 2 }),
        );
        let mut counted = study.cells(groupings).await?.into_iter();
        let everybody = counted.next().ok_or_else(|| EngineError::Internal("nobody was counted".to_owned()))?;
        let by_first_exposure = match study.by_first_exposure() {
            Some(memory) => memory.cells(vec![Grouping::Everybody]).await?.into_iter().next(),
            None => None,
        };
        Ok(Self { everybody, cohorts: counted.collect(), by_first_exposure })
    }
}

/// Every treatment on every metric, for everybody and for each pre-registered cohort.
///
/// Primary metrics are confirmatory and corrected together; guardrails stand by themselves; the others are exploratory.
pub(crate) fn average_rows(study: &Study<'_>, cells: &AverageCells) -> Rows {
    let mut confirmatory = Vec::new();
    let mut rows = Rows::default();
    for question in study.questions() {
        let effect = study.measured(&cells.everybody, Fold::All).effect(target(question, 0));
        let family = family(study, question);
        let subject = Subject { study, question, cohort: EVERYBODY, evidence: Evidence::Declared, family };
        let mut found = vec![subject.effect("welch", &effect), subject.lift(&effect)];
        for (cohort, counted) in study.plan.cohorts.iter().zip(&cells.cohorts) {
            let subject = Subject { cohort: &cohort.name, ..subject.clone() };
            let effects = cohort_effects(study, counted, question);
            found.extend([
                subject.effect("welch", &effects.cohort),
                subject.lift(&effects.cohort),
                subject.contrast(&effects),
            ]);
        }
        match family {
            Family::Confirmatory => confirmatory.extend(found),
            Family::Guardrail => rows.done.extend(found.into_iter().map(|draft| draft.row)),
            _ => rows.exploratory.extend(found),
        }
    }
    let (reference, _) = study.references();
    rows.done.extend(holm(confirmatory, reference));
    rows.exploratory.extend(by_first_exposure(study, cells));
    rows
}

fn family(study: &Study<'_>, question: Question) -> Family {
    match study.metric(question.metric).role {
        PlanRole::Primary => Family::Confirmatory,
        PlanRole::Guardrail => Family::Guardrail,
        PlanRole::Secondary => Family::Exploratory,
    }
}

fn cohort_effects(study: &Study<'_>, cells: &CellStatistics, question: Question) -> CohortEffects {
    let measured = study.measured(cells, Fold::All);
    CohortEffects { cohort: measured.effect(target(question, 1)), rest: measured.effect(target(question, 0)) }
}

/// The intention to treat beside the analysis: all exposed units by the first variant they saw.
fn by_first_exposure(study: &Study<'_>, cells: &AverageCells) -> Vec<Draft> {
    let Some(counted) = &cells.by_first_exposure else { return Vec::new() };
    let row = |question| {
        let effect = study.measured(counted, Fold::All).effect(target(question, 0));
        let (evidence, family) = (Evidence::Exploratory, Family::Exploratory);
        let subject = Subject { study, question, cohort: EVERYBODY, evidence, family };
        let mut draft = subject.effect("welch", &effect);
        draft.row.estimand = Estimand::EffectByFirstExposure;
        draft
    };
    study.questions().map(row).collect()
}

pub(crate) fn target(question: Question, cell: usize) -> Target {
    Target { metric: question.metric, treatment: question.treatment, cell }
}
