//! The cohorts of the declared partition, on the units that did not discover them.

use whom_forest::Cohort;
use whom_query::Among;
use whom_report::{EffectRow, Evidence, Family, Fold};
use whom_spec::plan::{Correction, Role};
use whom_stats::{
    Against, Alternative, Bootstrap, Estimate, Grid, Hypothesis, MaxT, MeasuredProducts, MeasuredStrata, NotEstimable,
    Question as Asked, Sample, StratifiedQuestion, WithinStratum,
};

use crate::averages::Rows;
use crate::clustered::{Clustered, Sharing};
use crate::comparison::{Contrast, Sides};
use crate::estimation::Estimation;
use crate::leaf_sums::LeafSums;
use crate::quantiles::Quantiles;
use crate::rows::{Draft, Step, Subject, bonferroni, holm, simultaneous};
use crate::study::{Question, Study};

/// Cohorts with their units and the rest, in the measuring buckets.
pub(crate) struct MeasuredCohorts<'a> {
    pub(crate) study: &'a Study<'a>,
    leaves: &'a LeafSums,
    cohorts: Vec<MeasuredCohort<'a>>,
    /// Of the metrics that are quantiles; `None` where nobody asks.
    quantiles: Option<&'a Quantiles>,
    /// The sums of clusters in the leaves; `None` where units were assigned by themselves.
    clusters: Option<&'a Clustered>,
}

struct MeasuredCohort<'a> {
    cohort: &'a Cohort,
    sides: Sides,
}

impl<'a> MeasuredCohorts<'a> {
    /// Reads the cohorts off the statistics of the leaves that they are.
    pub(crate) fn new(study: &'a Study<'a>, leaves: &'a LeafSums, cohorts: &'a [Cohort]) -> Self {
        let buckets = study.buckets(Fold::Measure);
        let measured = |cohort: &'a Cohort| MeasuredCohort { cohort, sides: leaves.sides(cohort.cell, buckets) };
        Self { study, leaves, cohorts: cohorts.iter().map(measured).collect(), quantiles: None, clusters: None }
    }

    /// With the quantiles of these cohorts.
    pub(crate) fn with_quantiles(self, quantiles: &'a Quantiles) -> Self {
        Self { quantiles: Some(quantiles), ..self }
    }

    /// With the sums of clusters in the leaves on the measuring fold, of which errors are made.
    pub(crate) fn with_clusters(self, clusters: Option<&'a Clustered>) -> Self {
        Self { clusters, ..self }
    }

    /// One question on every cohort, with the cohort's name.
    pub(crate) fn contrasts(&self, question: Question) -> impl Iterator<Item = (&'a str, Contrast)> {
        let contrast = move |MeasuredCohort { cohort, sides }: &MeasuredCohort<'a>| {
            let groups = [Among::Leaf(cohort.cell), Among::BesideLeaf(cohort.cell)];
            let of_quantiles = self.quantiles.and_then(|quantiles| quantiles.contrast(groups, question));
            let of_units = || self.study.contrast(sides, question);
            let of_clusters =
                |clusters: &Clustered| clusters.contrast(of_units(), groups, &self.study.estimation(question));
            let contrast = of_quantiles.or_else(|| self.clusters.map(of_clusters)).unwrap_or_else(of_units);
            (cohort.name.as_str(), contrast)
        };
        self.cohorts.iter().map(contrast)
    }

    /// One question on every cohort, with what each cluster adds to it; nothing where units were assigned by themselves.
    pub(crate) fn sharing(&self, question: Question) -> Vec<Sharing> {
        let Some(clusters) = self.clusters else { return Vec::new() };
        let estimation = self.study.estimation(question);
        let of = |MeasuredCohort { cohort, sides }: &MeasuredCohort<'a>| {
            clusters.compare_sharing(self.study.contrast(sides, question).cohort, &[cohort.cell], &estimation)
        };
        self.cohorts.iter().map(of).collect()
    }

    /// The units of each cohort by stratum and arm.
    pub(crate) fn units_in_strata(&self) -> impl Iterator<Item = (String, Vec<Vec<u64>>)> {
        self.cohorts.iter().map(|measured| (measured.cohort.name.clone(), measured.sides.units_in_strata()))
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
                let alternative = Alternative::TwoSided;
                let exploratory = Subject { study: self.study, question, cohort, evidence, family, alternative };
                if searched.contains(&question) {
                    rows.exploratory.push(exploratory.lift(&contrast.cohort));
                    continue;
                }
                if is_guardrail {
                    let (evidence, family) = (self.study.discovered_evidence(), Family::Guardrail);
                    let guardrail = Subject { evidence, family, ..exploratory.clone() };
                    let drafts = [guardrail.effect(&contrast.cohort), guardrail.lift(&contrast.cohort)];
                    rows.done
                        .extend(drafts.into_iter().chain(guardrail.margin(&contrast.cohort)).map(|draft| draft.row));
                } else {
                    let drafts = [exploratory.effect(&contrast.cohort), exploratory.lift(&contrast.cohort)];
                    rows.exploratory.extend(drafts);
                }
                rows.exploratory.push(exploratory.contrast(&contrast));
            }
        }
        rows
    }

    /// Family F2: effects and contrasts of the cohorts, each kind with p-values and intervals from one procedure; by cluster by Holm.
    pub(crate) fn discovered_family(&self, questions: &[Question]) -> Vec<EffectRow> {
        let (mut effects, mut contrasts) = (Vec::new(), Vec::new());
        for question in questions {
            for (cohort, contrast) in self.contrasts(*question) {
                let (evidence, family) = (self.study.discovered_evidence(), Family::Discovered);
                // A search finds whom the treatment harms as well, so its tests look both ways.
                let (question, alternative) = (*question, Alternative::TwoSided);
                let subject = Subject { study: self.study, question, cohort, evidence, family, alternative };
                effects.push(subject.effect(&contrast.cohort));
                contrasts.push(subject.contrast(&contrast));
            }
        }
        let mut rows = self.corrected(effects, Against::Zero, questions);
        rows.extend(self.corrected(contrasts, Against::Rest, questions));
        rows
    }

    fn corrected(&self, drafts: Vec<Draft>, against: Against, questions: &[Question]) -> Vec<EffectRow> {
        let (reference, validate) = (self.study.reference(), &self.study.plan.validate);
        match validate.correction {
            // The bootstrap's standard errors are unit by unit.
            _ if self.clusters.is_some() => holm(drafts, reference),
            Correction::Holm => holm(drafts, reference),
            Correction::Bonferroni => bonferroni(drafts, reference),
            Correction::MaxT | Correction::RomanoWolf => {
                let bootstrap = Bootstrap {
                    experiment: &self.study.plan.experiment,
                    replicates: u64::from(validate.bootstrap),
                    level: validate.level,
                    reference,
                };
                let max_t = if self.leaves.strata() > 1 {
                    let estimates: Vec<_> = drafts.iter().map(|draft| draft.estimate).collect();
                    self.max_t_within_strata(&bootstrap, (against, questions), &estimates)
                } else {
                    self.max_t(&bootstrap, against, questions)
                };
                let step = if validate.correction == Correction::RomanoWolf { Step::Down } else { Step::Single };
                let outcomes = drafts.into_iter().zip(&max_t.outcomes);
                outcomes.map(|(draft, outcome)| simultaneous(draft, outcome, step)).collect()
            }
        }
    }

    /// The bootstrap's maximum over every question in every cohort. Means are judged by their moments; a family with anything
    /// else in it by cross-products, which tell the same of a mean.
    fn max_t(&self, bootstrap: &Bootstrap<'_>, against: Against, questions: &[Question]) -> MaxT {
        let asked = || questions.iter().flat_map(|question| self.cohorts.iter().map(move |cohort| (*question, cohort)));
        if questions.iter().all(|question| self.study.outcome(question.metric).group.is_none()) {
            let target = |(question, measured): (Question, &MeasuredCohort<'_>)| {
                let cell = measured.cohort.cell;
                let metric = self.study.outcome(question.metric).value;
                Hypothesis { target: whom_stats::Target { metric, treatment: question.treatment, cell }, against }
            };
            let family: Vec<Hypothesis> = asked().map(target).collect();
            return bootstrap.max_t(&self.study.measured(&self.leaves.cells.cells, Fold::Measure), &family);
        }
        let estimations: Vec<Estimation<'_>> =
            asked().map(|(question, measured)| measured.sides.estimation(self.study.estimation(question))).collect();
        let family: Vec<Asked<'_>> = asked()
            .zip(&estimations)
            .map(|((_, measured), estimation)| Asked {
                estimator: estimation,
                group: estimation.outcome.group.unwrap_or(usize::MAX),
                cell: Some(measured.cohort.cell),
                against,
            })
            .collect();
        let grids = self.group_grids();
        let measured = MeasuredProducts {
            products: &self.leaves.cells.products,
            buckets: self.study.buckets(Fold::Measure),
            grids: &grids,
        };
        bootstrap.max_t_of_products(&measured, &family)
    }

    /// The same where arms are compared within strata, given what was found of every question in every cohort.
    fn max_t_within_strata(
        &self,
        bootstrap: &Bootstrap<'_>,
        (against, questions): (Against, &[Question]),
        found: &[Option<Estimate>],
    ) -> MaxT {
        let asked = || questions.iter().flat_map(|question| self.cohorts.iter().map(move |cohort| (*question, cohort)));
        let comparisons: Vec<_> = asked()
            .map(|(question, measured)| {
                let estimation = measured.sides.estimation(self.study.estimation(question));
                move |arms: &[Option<Sample>]| estimation.of_samples(arms).map(|found| found.comparison)
            })
            .collect();
        let question = |(((question, measured), within), found): (((Question, &MeasuredCohort<'_>), _), _)| {
            let outcome = self.study.outcome(question.metric);
            let (metric, group, cohort): (_, _, usize) = (outcome.value, outcome.group, measured.cohort.cell);
            let found: &Option<Estimate> = found;
            let estimate = found.ok_or(NotEstimable::NotCounted);
            StratifiedQuestion { within, metric, group, cohort, against, estimate }
        };
        let family: Vec<StratifiedQuestion<'_>> = asked()
            .zip(comparisons.iter().map(|comparison| comparison as &WithinStratum<'_>))
            .zip(found)
            .map(question)
            .collect();
        let measured = MeasuredStrata {
            sums: &self.leaves.cells,
            strata: self.leaves.strata(),
            buckets: self.study.buckets(Fold::Measure),
            grids: &self.study.grids,
            group_grids: &self.group_grids(),
        };
        bootstrap.max_t_within_strata(&measured, &family)
    }

    fn group_grids(&self) -> Vec<Vec<Grid>> {
        self.study.units.groups.iter().map(|group| group.grids(&self.study.grids)).collect()
    }
}

#[cfg(test)]
mod tests;
