//! Other halves: the whole analysis tried again with other buckets to discover and to measure.

use whom_forest::{Cohort, Discovered, Tree};
use whom_report::{
    self as report, DetectedAgain, EffectRow, Estimand, GlobalTestRow, RankedGroupRow, ResplitCohort, ResplitStability,
};
use whom_stats::{BucketSet, Fold, Folds};

use super::ranked::{Ranked, over_splits};
use super::{Declaration, RETURNED_FROM, internal, mean};
use crate::clustered::Clustered;
use crate::cohorts::MeasuredCohorts;
use crate::discovery::{declared_tree, plan_of};
use crate::error::RunError;
use crate::event::Stage;
use crate::global_tests::tested;
use crate::leaf_sums::LeafSums;
use crate::searches::{Repetition, Searches};
use crate::study::{Question, Study};

/// What a halving found.
struct Halving {
    tree: Tree,
    cohorts: Vec<Cohort>,
    tests: Vec<GlobalTestRow>,
    /// Family F2.
    effects: Vec<EffectRow>,
    /// By question.
    ranked: Vec<Ranked>,
}

/// How much depends on which half discovers; `None` if no other halves are asked for. `effects` are those of the declared cohorts.
///
/// # Errors
/// If the run is cancelled or the units cannot be read back.
pub(crate) async fn resplits(
    declared: &Declaration<'_>,
    questions: &[Question],
    effects: &[EffectRow],
) -> Result<Option<ResplitStability>, RunError> {
    let splits = u64::from(declared.study.plan.discover.resplits);
    if splits == 0 {
        return Ok(None);
    }
    let buckets = halved(declared);
    let halvings = halvings(declared, questions, &buckets).await?;
    let routings = declared.routings(halvings.iter().map(|halving| &halving.tree));
    let labels = declared.study.units.source.leaf_labels(routings, declared.sample(&buckets)).await;
    let labels = labels.map_err(|error| RunError::engine(Stage::Resplits, &error))?;
    let matches: Vec<Vec<_>> = (1..labels.trees()).map(|tree| labels.best_matches(0, tree)).collect();

    let study = declared.study;
    let cohorts = if declared.tree.leaves().len() > 1 { declared.tree.cohorts() } else { Vec::new() };
    let mut rows = Vec::new();
    for cohort in &cohorts {
        // The leaf of each halving that is most like the cohort, if any unit that is compared lies in it.
        let best = halvings.iter().zip(&matches).filter_map(|(halving, leaves)| {
            let best = leaves.get(cohort.cell)?.as_ref()?;
            Some((halving, best.leaf, best.jaccard))
        });
        let best: Vec<(&Halving, usize, f64)> = best.collect();
        let returned: Vec<_> = best.iter().filter(|(.., jaccard)| *jaccard >= RETURNED_FROM).collect();
        for question in questions {
            let names = Names::of(study, *question);
            let sign = names.estimate(effects, &cohort.name).map(f64::signum);
            let count = |holds: &dyn Fn(&Halving, &str) -> bool| {
                let holds = |(halving, leaf, _): &&&(&Halving, usize, f64)| {
                    halving.name_of(*leaf).is_some_and(|name| holds(halving, name))
                };
                returned.iter().filter(holds).count() as u64
            };
            rows.push(ResplitCohort {
                cohort: cohort.name.clone(),
                variant: names.variant.to_owned(),
                metric: names.metric.to_owned(),
                returned: returned.len() as u64,
                mean_jaccard: mean(best.iter().map(|(.., jaccard)| *jaccard)),
                same_sign: count(&|halving, name| {
                    sign.is_some() && names.estimate(&halving.effects, name).map(f64::signum) == sign
                }),
                different: count(&|halving, name| names.is_different(halving, name)),
            });
        }
    }
    Ok(Some(ResplitStability {
        splits,
        units: declared.units(&buckets),
        all_units: declared.all_units(&buckets),
        without_split: halvings.iter().filter(|halving| halving.cohorts.is_empty()).count() as u64,
        returned_from: RETURNED_FROM,
        detected: questions.iter().map(|question| detected(study, *question, &halvings)).collect(),
        cohorts: rows,
        groups: ranked_rows(study, questions, &halvings),
    }))
}

/// The buckets that discover or measure; those that judge an allocation stay unseen.
fn halved(declared: &Declaration<'_>) -> BucketSet {
    let folds = &declared.study.folds;
    [Fold::Discover, Fold::Measure].into_iter().flat_map(|fold| folds.buckets(fold).iter()).collect()
}

/// Tries all halvings.
async fn halvings(
    declared: &Declaration<'_>,
    questions: &[Question],
    buckets: &BucketSet,
) -> Result<Vec<Halving>, RunError> {
    let experiment = declared.study.plan.experiment.as_str();
    let numbers = 0..u64::from(declared.study.plan.discover.resplits);
    let halved = |number| declared.study.with_folds(Folds::resplit(experiment, number, buckets));
    let studies: Vec<Study<'_>> = numbers.map(halved).collect();
    let repetitions: Vec<_> = studies.iter().map(|study| Repetition::of(plan_of(study, questions))).collect();
    let trees = questions.len() + usize::from(questions.len() > 1);
    let searches = Searches { plan: plan_of(declared.study, questions), together: declared.together(trees) };
    let told = ("halvings", "other halves to discover and measure");
    let grown = declared.repeated(Stage::Resplits, told, &searches, &repetitions).await?;
    let mut found = Vec::new();
    for (study, grown) in studies.iter().zip(&grown) {
        found.push(measured(study, questions, &grown.discovered).await?);
    }
    Ok(found)
}

/// Measures what a halving discovered, by the calls that measure the declared cohorts.
async fn measured(study: &Study<'_>, questions: &[Question], discovered: &Discovered) -> Result<Halving, RunError> {
    let failed = |error: whom_engine::EngineError| RunError::engine(Stage::Resplits, &error);
    let (_, tree) = declared_tree(study, questions, discovered)
        .ok_or_else(|| internal(Stage::Resplits, &"the declared tree is not among those that were grown"))?;
    let unpruned = discovered.single.iter().map(|tree| &tree.unpruned.routing);
    let mut counted = LeafSums::of_each(study, unpruned.chain([&tree.routing])).await.map_err(failed)?;
    let leaves = counted.pop().ok_or_else(|| internal(Stage::Resplits, &"the leaves were not counted"))?;
    let clusters = Clustered::of_leaves(study, &tree.routing, &[report::Fold::Measure]).await.map_err(failed)?;
    let clusters = clusters.first();
    let tests = tested(study, questions, discovered, (&counted, clusters));
    let mut ranked = Vec::new();
    for ((question, tree), cells) in questions.iter().zip(&discovered.single).zip(&counted) {
        let tree = &tree.unpruned;
        let clusters = Clustered::of_leaves(study, &tree.routing, &[report::Fold::Measure]).await.map_err(failed)?;
        ranked.push(Ranked::of(study, *question, tree, (cells, clusters.first())));
    }
    let cohorts = if tree.leaves().len() > 1 { tree.cohorts() } else { Vec::new() };
    let measured = MeasuredCohorts::new(study, &leaves, &cohorts).with_clusters(clusters);
    let effects = measured.discovered_family(questions);
    Ok(Halving { tree: tree.clone(), cohorts, tests, effects, ranked })
}

impl Halving {
    /// The name of the cohort that is a leaf.
    fn name_of(&self, leaf: usize) -> Option<&str> {
        self.cohorts.iter().find(|cohort| cohort.cell == leaf).map(|cohort| cohort.name.as_str())
    }

    fn is_open(&self, variant: &str, metric: &str) -> bool {
        self.tests.iter().any(|test| test.open && test.variant == variant && test.metric == metric)
    }
}

/// A question as rows name it.
struct Names<'a> {
    variant: &'a str,
    metric: &'a str,
}

impl<'a> Names<'a> {
    fn of(study: &'a Study<'_>, question: Question) -> Self {
        Self { variant: study.variant(question.treatment), metric: study.metric(question.metric).name.value.as_str() }
    }

    fn row<'r>(&self, rows: &'r [EffectRow], cohort: &str, estimand: Estimand) -> Option<&'r EffectRow> {
        rows.iter().find(|row| {
            row.variant == self.variant && row.metric == self.metric && row.cohort == cohort && row.estimand == estimand
        })
    }

    fn estimate(&self, rows: &[EffectRow], cohort: &str) -> Option<f64> {
        self.row(rows, cohort, Estimand::Effect)?.estimate
    }

    /// Whether a cohort's contrast passes and its gate is open.
    fn is_different(&self, halving: &Halving, cohort: &str) -> bool {
        let contrast = self.row(&halving.effects, cohort, Estimand::Contrast);
        halving.is_open(self.variant, self.metric) && contrast.is_some_and(EffectRow::is_significant)
    }
}

/// The effects of ranked groups over all halvings, question by question.
fn ranked_rows(study: &Study<'_>, questions: &[Question], halvings: &[Halving]) -> Vec<RankedGroupRow> {
    let of_question = |(place, question): (usize, &Question)| {
        let ranked: Vec<&Ranked> = halvings.iter().filter_map(|halving| halving.ranked.get(place)).collect();
        over_splits(study, *question, &ranked)
    };
    questions.iter().enumerate().flat_map(of_question).collect()
}

fn detected(study: &Study<'_>, question: Question, halvings: &[Halving]) -> DetectedAgain {
    let Names { variant, metric } = Names::of(study, question);
    let open = halvings.iter().filter(|halving| halving.is_open(variant, metric)).count();
    DetectedAgain { variant: variant.to_owned(), metric: metric.to_owned(), halvings: open as u64 }
}
