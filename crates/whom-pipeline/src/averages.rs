//! Average effects and pre-registered cohorts: families F1 and guardrails, on all units.

use whom_engine::EngineError;
use whom_query::checks::{cohort_check, stratified_cohort_check};
use whom_query::{Among, Outcome};
use whom_report::{EVERYBODY, EffectRow, Estimand, Evidence, Family, Fold};
use whom_spec::plan::Role;
use whom_stats::routing::Code;
use whom_stats::{Alternative, ArmSums, CellSums, Check, Grouping, Reference};

use crate::clustered::Clustered;
use crate::comparison::{Comparison, Contrast, Sides};
use crate::estimation::Estimation;
use crate::quantiles::Quantiles;
use crate::rows::{Draft, Subject, holm};
use crate::sequences::add_sequences;
use crate::study::{Question, Study};

/// The cell that holds the units of a pre-registered cohort.
pub(crate) const MEMBERS: usize = 1;

/// Statistics of everybody and of each pre-registered cohort.
pub(crate) struct AverageCells {
    /// A cell for each stratum, or one.
    pub(crate) everybody: CellSums,
    /// One per cohort; its units are the cell [`MEMBERS`], the rest is cell 0.
    pub(crate) cohorts: Vec<CellSums>,
    /// By cohort, the same within strata, if arms are compared within some: members and others of each stratum in turn, others
    /// first.
    within_strata: Vec<Vec<ArmSums>>,
    /// Everybody by first exposure, where some are not analysed: those in several variants, or before the event of the exposure filter.
    pub(crate) by_first_exposure: Option<CellSums>,
    /// Of the metrics that are quantiles, which no cell tells.
    pub(crate) quantiles: Quantiles,
    /// Sums by cluster, where units were assigned by cluster.
    pub(crate) clusters: Option<Clustered>,
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
        let codes = |column: usize, codes: usize| Grouping::Codes { column, codes: codes as Code };
        let strata = study.units.strata().map(|(strata, column)| (strata.count(), column));
        let cohorts = study.plan.cohorts.len();
        let mut groupings = vec![strata.map_or(Grouping::Everybody, |(strata, column)| codes(column, strata))];
        groupings.extend((0..cohorts).map(|place| codes(study.units.cohort_column(place), 2)));
        let mut within_strata = Vec::new();
        if let Some((strata, column)) = strata {
            // One after the other: what is counted by bucket is large where there are many strata.
            for place in 0..cohorts {
                let counted = study.sums(vec![codes(column + 1 + place, 2 * strata)]).await?;
                within_strata.extend(counted.iter().map(|counted| by_cell(study, counted)));
            }
        }
        let mut counted = study.sums(groupings).await?.into_iter();
        let everybody = counted.next().ok_or_else(|| EngineError::Internal("nobody was counted".to_owned()))?;
        let of_cohorts = counted.by_ref().take(cohorts).collect();
        let clusters = Clustered::of_declared(study).await?;
        // Whoever was first exposed beside their cluster was not assigned with it.
        let by_first_exposure = study.units.by_first_exposure.clone().filter(|_| clusters.is_none());
        let quantiles = Quantiles::of_declared(study).await?;
        Ok(Self { everybody, cohorts: of_cohorts, within_strata, by_first_exposure, quantiles, clusters })
    }

    /// The units of a cohort and the rest, by stratum where arms are compared within some; `None` if there is no such cohort.
    pub(crate) fn sides(&self, study: &Study<'_>, place: usize) -> Option<Sides> {
        let cohort = self.cohorts.get(place)?;
        let Some(cells) = self.within_strata.get(place) else {
            return Some(study.sides(cohort, Fold::All, MEMBERS));
        };
        let side = |side: usize| cells.iter().skip(side).step_by(2).cloned().collect();
        Some(Sides::in_strata(side(MEMBERS), side(0), cohort.pooled(&study.everyone)))
    }

    /// A question on a cohort, given its place and both sides, with errors by cluster where units were assigned by cluster.
    pub(crate) fn contrast(&self, study: &Study<'_>, (place, sides): (usize, &Sides), question: Question) -> Contrast {
        let contrast = study.contrast(sides, question);
        match &self.clusters {
            Some(clusters) => {
                let groups = [Among::Cohort(place), Among::BesideCohort(place)];
                clusters.contrast(contrast, groups, &study.estimation(question))
            }
            None => contrast,
        }
    }

    /// A comparison with its error by cluster, where units were assigned by cluster; otherwise as it is.
    fn by_cluster(&self, compared: Comparison, among: Among, estimation: &Estimation<'_>) -> Comparison {
        match &self.clusters {
            Some(clusters) => clusters.compare(compared, among, estimation),
            None => compared,
        }
    }

    /// The units of each pre-registered cohort by arm.
    pub(crate) fn members<'a>(&'a self, study: &'a Study<'_>) -> impl Iterator<Item = (String, Vec<u64>)> + 'a {
        study
            .plan
            .cohorts
            .iter()
            .zip(&self.cohorts)
            .map(|(cohort, counted)| (cohort.name.value.clone(), counted.cells.sum(MEMBERS, &study.everyone).units))
    }

    /// The sample ratio of the pre-registered cohorts.
    pub(crate) fn cohort_check(&self, study: &Study<'_>) -> Option<Check> {
        if self.clusters.is_some() {
            // Units of a cohort are drawn by their clusters, and a cluster may have some of each.
            return None;
        }
        if !study.plan.split.is_stratified() {
            return cohort_check(study.plan, self.members(study).collect());
        }
        stratified_cohort_check(study.plan, study.units, self.members_in_strata(study).collect())
    }

    /// The units of each pre-registered cohort by stratum and arm.
    pub(crate) fn members_in_strata<'a>(
        &'a self,
        study: &'a Study<'_>,
    ) -> impl Iterator<Item = (String, Vec<Vec<u64>>)> + 'a {
        let names = study.plan.cohorts.iter().map(|cohort| cohort.name.value.clone());
        let of_members = |cells: &Vec<ArmSums>| {
            let cells = cells.iter().skip(MEMBERS).step_by(2);
            cells.map(|stratum| stratum.table.units.clone()).collect()
        };
        names.zip(self.within_strata.iter().map(of_members))
    }
}

fn by_cell(study: &Study<'_>, counted: &CellSums) -> Vec<ArmSums> {
    (0..counted.cells.cells).map(|cell| counted.sum(cell, &study.everyone)).collect()
}

/// The units by what they are compared within: by cell where there are strata, and otherwise all of them together.
fn strata(study: &Study<'_>, counted: &CellSums) -> Vec<ArmSums> {
    if study.plan.split.is_stratified() { by_cell(study, counted) } else { vec![counted.pooled(&study.everyone)] }
}

/// Every treatment on every metric, for everybody and for each pre-registered cohort.
///
/// Primary metrics are confirmatory and corrected together; guardrails stand by themselves; the others are exploratory, and
/// so is the contrast of a guardrail, which is no question of safety.
pub(crate) fn average_rows(study: &Study<'_>, cells: &AverageCells) -> Rows {
    let sides = (0..cells.cohorts.len()).filter_map(|place| cells.sides(study, place));
    let everybody = strata(study, &cells.everybody);
    let cohorts: Vec<(&str, Sides)> = study.plan.cohorts.iter().map(|cohort| cohort.name.as_str()).zip(sides).collect();
    let mut drafts = Vec::new();
    for question in study.questions() {
        let (family, evidence) = family(study, study.metric(question.metric).role);
        let alternative = study.alternative(question.metric);
        let subject = Subject { study, question, cohort: EVERYBODY, evidence, family, alternative };
        let average = || {
            let estimation = study.estimation(question);
            cells.by_cluster(Comparison::of_strata(&everybody, &estimation), Among::Everybody, &estimation)
        };
        let average = cells.quantiles.compare(Among::Everybody, question).unwrap_or_else(average);
        drafts.extend([subject.effect(&average), subject.lift(&average)]);
        drafts.extend(subject.margin(&average));
        drafts.extend(subject.exploratory().unadjusted(&average));
        drafts.extend(uncapped(study, cells, &everybody, question));
        for (place, (cohort, sides)) in cohorts.iter().enumerate() {
            let frozen = study.replication.as_ref().and_then(|found| found.standing(study, cohort, question));
            // What was found may be a loss, so it is measured again both ways.
            let alternative = if frozen.is_some() { Alternative::TwoSided } else { alternative };
            let (family, evidence) = frozen.unwrap_or((family, evidence));
            let subject = Subject { cohort, evidence, family, alternative, ..subject.clone() };
            let groups = [Among::Cohort(place), Among::BesideCohort(place)];
            let contrast = cells.quantiles.contrast(groups, question);
            let contrast = contrast.unwrap_or_else(|| cells.contrast(study, (place, sides), question));
            drafts.extend([subject.effect(&contrast.cohort), subject.lift(&contrast.cohort)]);
            drafts.push(match family {
                Family::Guardrail => subject.exploratory().contrast(&contrast),
                _ => subject.contrast(&contrast),
            });
        }
    }
    drafts.extend(by_first_exposure(study, cells));
    add_sequences(study.plan, &mut drafts);
    in_families(drafts, study.reference())
}

/// The family of a metric's averages and pre-registered cohorts, and what they are evidence of.
fn family(study: &Study<'_>, role: Role) -> (Family, Evidence) {
    match role {
        Role::Primary => (Family::Confirmatory, study.declared_evidence()),
        Role::Guardrail => (Family::Guardrail, study.declared_evidence()),
        Role::Secondary => (Family::Exploratory, Evidence::Exploratory),
    }
}

/// Corrects the confirmatory family; the exploratory one waits for its other members.
fn in_families(drafts: Vec<Draft>, reference: Reference) -> Rows {
    let (confirmatory, others): (Vec<Draft>, Vec<Draft>) =
        drafts.into_iter().partition(|draft| draft.row.family == Family::Confirmatory);
    let (guardrails, exploratory): (Vec<Draft>, Vec<Draft>) =
        others.into_iter().partition(|draft| draft.row.family == Family::Guardrail);
    let mut done = holm(confirmatory, reference);
    done.extend(guardrails.into_iter().map(|draft| draft.row));
    Rows { done, exploratory }
}

/// The average effect on what a capped metric was before its cap, beside.
fn uncapped(study: &Study<'_>, cells: &AverageCells, everybody: &[ArmSums], question: Question) -> Option<Draft> {
    let outcome = study.outcome(question.metric);
    let uncapped = Outcome {
        value: outcome.uncapped?,
        covariates: Vec::new(),
        levels: Vec::new(),
        group: None,
        ..outcome.clone()
    };
    let estimation = Estimation { outcome: &uncapped, ..study.estimation(question) };
    let (evidence, family) = (Evidence::Exploratory, Family::Exploratory);
    let alternative = Alternative::TwoSided;
    let subject = Subject { study, question, cohort: EVERYBODY, evidence, family, alternative };
    let mut draft =
        subject.effect(&cells.by_cluster(Comparison::of_strata(everybody, &estimation), Among::Everybody, &estimation));
    draft.row.estimand = Estimand::UncappedEffect;
    Some(draft)
}

/// The intention to treat beside the analysis: all exposed units by the first variant they saw.
fn by_first_exposure(study: &Study<'_>, cells: &AverageCells) -> Vec<Draft> {
    let Some(counted) = &cells.by_first_exposure else { return Vec::new() };
    let exposed = strata(study, counted);
    let row = |question| {
        let (evidence, family) = (Evidence::Exploratory, Family::Exploratory);
        let alternative = Alternative::TwoSided;
        let subject = Subject { study, question, cohort: EVERYBODY, evidence, family, alternative };
        let compared = || Comparison::of_strata(&exposed, &study.estimation(question));
        let compared = cells.quantiles.compare(Among::Exposed, question).unwrap_or_else(compared);
        let mut draft = subject.effect(&compared);
        draft.row.estimand = Estimand::EffectByFirstExposure;
        draft
    };
    study.questions().map(row).collect()
}

#[cfg(test)]
mod tests;
