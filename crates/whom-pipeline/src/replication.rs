//! Findings of an earlier run, measured again. Nothing is searched: a run that looked for cohorts of its own at the units that
//! are to judge those of another would use them up.

use whom_report::{
    CohortVerdict, Estimand, Evidence, Family, FindingPart, FindingView, JudgedPart, ReplicationView, Results, Standing,
};
use whom_spec::plan::Role;
use whom_stats::{Check, Estimate, FindingEstimates, NotEstimable, Replication as Judged, ReplicationTest};

use crate::analysis::Analysed;
use crate::averages::AverageCells;
use crate::clock::Stages;
use crate::comparison::{Comparison, Contrast};
use crate::declared::measure_declared;
use crate::earlier::{Earlier, asks};
use crate::error::RunError;
use crate::study::{Question, Study};

/// An earlier run, and whether the units at hand are fresh.
#[derive(Clone)]
pub(crate) struct Replication<'a> {
    pub(crate) earlier: &'a Earlier,
    /// Why they may have been among its own; `None` if they were not.
    pub(crate) not_fresh: Option<String>,
}

/// A figure of a finding before it is judged.
struct Part {
    estimand: Estimand,
    estimates: FindingEstimates,
    unreliable: Option<String>,
}

impl Replication<'_> {
    /// The family and the evidence of a row about a cohort of the earlier run; `None` about any other. What was found is
    /// confirmed on fresh units; all else about its cohorts is a hint.
    pub(crate) fn standing(&self, study: &Study<'_>, cohort: &str, question: Question) -> Option<(Family, Evidence)> {
        self.earlier.rule(cohort)?;
        let (variant, metric) = (study.variant(question.treatment), study.metric(question.metric));
        let is_finding = || {
            let findings = self.earlier.findings().iter();
            findings
                .filter(|finding| finding.cohort == cohort && finding.variant == variant)
                .any(|finding| finding.metric == *metric.name)
        };
        Some(match metric.role {
            Role::Guardrail if self.not_fresh.is_none() => (Family::Guardrail, Evidence::Replicated),
            Role::Guardrail => (Family::Guardrail, Evidence::Exploratory),
            Role::Primary if self.not_fresh.is_none() && is_finding() => (Family::Confirmatory, Evidence::Replicated),
            Role::Primary | Role::Secondary => (Family::Exploratory, Evidence::Exploratory),
        })
    }

    /// Measures and judges every finding.
    fn judge(&self, study: &Study<'_>, cells: &AverageCells) -> ReplicationView {
        let findings = self.earlier.findings();
        let parts: Vec<Vec<Part>> = findings.iter().map(|finding| self.parts(study, cells, finding)).collect();
        let test = ReplicationTest { level: study.plan.validate.level, reference: study.reference() };
        let estimates: Vec<FindingEstimates> = parts.iter().flatten().map(|part| part.estimates).collect();
        let mut judged = test.judge_all(&estimates).into_iter();
        let views = findings.iter().zip(parts).map(|(finding, parts)| {
            let parts = parts.into_iter().map(|part| {
                let judged = judged.next().unwrap_or(Err(NotEstimable::NotCounted));
                self.part(part, judged, test)
            });
            view(study, finding, parts.collect())
        });
        let findings = views.collect();
        let results = self.earlier.results();
        ReplicationView {
            experiment: results.experiment.clone(),
            analysis: results.analysis.clone(),
            through: results.through.clone(),
            not_fresh: self.not_fresh.clone(),
            findings,
        }
    }

    /// What a finding says, then and now; nothing if the plan does not ask for it.
    fn parts(&self, study: &Study<'_>, cells: &AverageCells, finding: &CohortVerdict) -> Vec<Part> {
        let is_asked = |question: &Question| {
            study.variant(question.treatment) == finding.variant
                && *study.metric(question.metric).name == finding.metric
        };
        let question = study.questions().find(is_asked).filter(|_| asks(study.plan, finding));
        let place = study.plan.cohorts.iter().position(|cohort| *cohort.name == finding.cohort);
        let sides = place.and_then(|place| Some((place, cells.sides(study, place)?)));
        let Some((question, (place, sides))) = question.zip(sides) else { return Vec::new() };
        let contrast = cells.contrast(study, (place, &sides), question);
        let estimands: &[Estimand] = match finding.standing {
            Standing::Gains | Standing::Loses => &[Estimand::Contrast, Estimand::Effect],
            _ => &[Estimand::Contrast],
        };
        estimands.iter().map(|estimand| self.measured(finding, *estimand, &contrast)).collect()
    }

    fn measured(&self, finding: &CohortVerdict, estimand: Estimand, contrast: &Contrast) -> Part {
        let (row, original) = self.earlier.estimate(finding, estimand);
        let of =
            |comparison: &Comparison| comparison.effect.as_ref().ok()?.unreliable().map(|reason| reason.to_string());
        let (new, unreliable) = match estimand {
            Estimand::Contrast => (contrast.estimate(), of(&contrast.cohort).or_else(|| of(&contrast.rest))),
            _ => (difference(&contrast.cohort), of(&contrast.cohort)),
        };
        let of_earlier = || Some(format!("in the earlier run: {}", row?.unreliable.as_ref()?));
        Part { estimand, estimates: FindingEstimates { original, new }, unreliable: unreliable.or_else(of_earlier) }
    }

    /// A figure as it is shown. Where the units are not fresh both are shown and nothing is judged: the comparison takes two
    /// independent estimates.
    fn part(&self, part: Part, judged: Result<Judged, NotEstimable>, test: ReplicationTest) -> FindingPart {
        let not_judged = self.not_fresh.clone().or(judged.err().map(|reason| reason.to_string()));
        FindingPart {
            estimand: part.estimand,
            earlier: part.estimates.original.ok().map(|found| found.value),
            now: part.estimates.new.ok().map(|found| found.value),
            judged: judged.ok().filter(|_| not_judged.is_none()).map(|found| judged_part(&found, test)),
            unreliable: part.unreliable,
            not_judged,
        }
    }
}

fn difference(comparison: &Comparison) -> Result<Estimate, NotEstimable> {
    comparison.effect.as_ref().map(|effect| effect.difference).map_err(|reason| *reason)
}

fn judged_part(found: &Judged, test: ReplicationTest) -> JudgedPart {
    JudgedPart {
        prediction: found.prediction,
        predicted: found.predicted,
        same_sign: found.same_sign,
        p_value: found.p_new,
        p_value_adjusted: found.p_adjusted,
        pooled: found.pooled.value,
        pooled_interval: found.pooled.interval(test.level, test.reference),
        verdict: found.verdict,
    }
}

fn view(study: &Study<'_>, finding: &CohortVerdict, parts: Vec<FindingPart>) -> FindingView {
    let verdicts: Option<Vec<_>> = parts.iter().map(|part| Some(part.judged.as_ref()?.verdict)).collect();
    let not_measured = parts.is_empty().then(|| {
        if study.plan.metric(&finding.metric).is_some() {
            "the treatment is not declared here, or the metric is not primary".to_owned()
        } else {
            "the metric is not declared here".to_owned()
        }
    });
    FindingView {
        cohort: finding.cohort.clone(),
        variant: finding.variant.clone(),
        metric: finding.metric.clone(),
        standing: finding.standing,
        verdict: verdicts.and_then(|verdicts| verdicts.into_iter().max()),
        not_measured,
        parts,
    }
}

/// Measures averages and cohorts, those of the earlier run among them, and judges its findings.
pub(crate) async fn measure_again(
    study: &Study<'_>,
    replication: &Replication<'_>,
    checks: Vec<Check>,
    stages: &mut Stages<'_>,
) -> Result<Analysed, RunError> {
    let (analysed, cells) = measure_declared(study, checks, stages).await?;
    let results = Results { replication: Some(replication.judge(study, &cells)), ..analysed.results };
    Ok(Analysed { results, ..analysed })
}
