//! The cohorts of the declared partition, on the units that did not discover them.

use whom_forest::Cohort;
use whom_report::{EffectRow, Evidence, Family, Fold};
use whom_spec::plan::{Correction, Role};
use whom_stats::{Against, Bootstrap, CellStatistics, Hypothesis, Target};

use crate::averages::Rows;
use crate::comparison::{Contrast, Sides};
use crate::rows::{Draft, Step, Subject, bonferroni, holm, simultaneous};
use crate::study::{Question, Study};

/// Cohorts with their units and the rest, in the measuring buckets.
pub(crate) struct MeasuredCohorts<'a> {
    pub(crate) study: &'a Study<'a>,
    cells: &'a CellStatistics,
    cohorts: Vec<MeasuredCohort<'a>>,
}

struct MeasuredCohort<'a> {
    cohort: &'a Cohort,
    sides: Sides,
}

impl<'a> MeasuredCohorts<'a> {
    /// Reads the cohorts off the statistics of the leaves that they are.
    pub(crate) fn new(study: &'a Study<'a>, cells: &'a CellStatistics, cohorts: &'a [Cohort]) -> Self {
        let measured =
            |cohort: &'a Cohort| MeasuredCohort { cohort, sides: study.sides(cells, Fold::Measure, cohort.cell) };
        Self { study, cells, cohorts: cohorts.iter().map(measured).collect() }
    }

    /// One question on every cohort, with the cohort's name.
    pub(crate) fn contrasts(&self, question: Question) -> impl Iterator<Item = (&'a str, Contrast)> {
        let contrast = move |MeasuredCohort { cohort, sides }: &MeasuredCohort<'a>| {
            (cohort.name.as_str(), self.study.contrast(sides, question))
        };
        self.cohorts.iter().map(contrast)
    }

    /// The units of each cohort by arm.
    pub(crate) fn units(&self) -> impl Iterator<Item = (&'a str, &[u64])> {
        self.cohorts.iter().map(|measured| (measured.cohort.name.as_str(), measured.sides.units()))
    }

    /// Every metric by every cohort. The questions that were searched are family F2, with lifts beside that have no part
    /// in it; guardrails stand by themselves; the rest is exploratory.
    pub(crate) fn rows(&self, searched: &[Question]) -> Rows {
        let mut rows = Rows { done: self.discovered_family(searched), exploratory: Vec::new() };
        for question in self.study.questions() {
            let is_guardrail = self.study.metric(question.metric).role == Role::Guardrail;
            for (cohort, contrast) in self.contrasts(question) {
                let (evidence, family) = (Evidence::Exploratory, Family::Exploratory);
                let exploratory = Subject { study: self.study, question, cohort, evidence, family };
                if searched.contains(&question) {
                    rows.exploratory.push(exploratory.lift(&contrast.cohort));
                    continue;
                }
                if is_guardrail {
                    let (evidence, family) = (Evidence::HeldOut, Family::Guardrail);
                    let guardrail = Subject { evidence, family, ..exploratory.clone() };
                    rows.done.extend([guardrail.effect(&contrast.cohort).row, guardrail.lift(&contrast.cohort).row]);
                } else {
                    let drafts = [exploratory.effect(&contrast.cohort), exploratory.lift(&contrast.cohort)];
                    rows.exploratory.extend(drafts);
                }
                rows.exploratory.push(exploratory.contrast(&contrast));
            }
        }
        rows
    }

    /// Family F2: effects and contrasts of the cohorts, each kind with p-values and intervals from one procedure.
    pub(crate) fn discovered_family(&self, questions: &[Question]) -> Vec<EffectRow> {
        let (mut effects, mut contrasts) = (Vec::new(), Vec::new());
        for question in questions {
            for (cohort, contrast) in self.contrasts(*question) {
                let (evidence, family) = (Evidence::HeldOut, Family::Discovered);
                let subject = Subject { study: self.study, question: *question, cohort, evidence, family };
                effects.push(subject.effect(&contrast.cohort));
                contrasts.push(subject.contrast(&contrast));
            }
        }
        let targets: Vec<Target> = questions
            .iter()
            .flat_map(|question| self.cohorts.iter().map(|measured| question.in_cell(measured.cohort.cell)))
            .collect();
        let mut rows = self.corrected(effects, Against::Zero, &targets);
        rows.extend(self.corrected(contrasts, Against::Rest, &targets));
        rows
    }

    fn corrected(&self, drafts: Vec<Draft>, against: Against, targets: &[Target]) -> Vec<EffectRow> {
        let (reference, validate) = (self.study.reference(), &self.study.plan.validate);
        match validate.correction {
            Correction::Holm => holm(drafts, reference),
            Correction::Bonferroni => bonferroni(drafts, reference),
            Correction::MaxT | Correction::RomanoWolf => {
                let family: Vec<Hypothesis> =
                    targets.iter().map(|target| Hypothesis { target: *target, against }).collect();
                let bootstrap = Bootstrap {
                    experiment: &self.study.plan.experiment,
                    replicates: u64::from(validate.bootstrap),
                    level: validate.level,
                    reference,
                };
                let max_t = bootstrap.max_t(&self.study.measured(self.cells, Fold::Measure), &family);
                let step = if validate.correction == Correction::RomanoWolf { Step::Down } else { Step::Single };
                let outcomes = drafts.into_iter().zip(&max_t.outcomes);
                outcomes.map(|(draft, outcome)| simultaneous(draft, outcome, step)).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests;
