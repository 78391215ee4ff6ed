//! The analysis of units: averages, discovery, validation.

use whom_forest::{Cohort, Discovered, Tree};
use whom_query::QueryError;
use whom_query::checks::{cohort_check, stratified_cohort_check};
use whom_report::{
    CohortDefinition, CohortView, ConfirmingTest, EffectRow, Fold, GlobalTestRow, MetricView, Partition,
    ResplitStability, Results, SlicedEffect, Stability, TagTable, VariantView,
};
use whom_stats::{CellStatistics, CellSums, Check};

use crate::averages::{AverageCells, MEMBERS, Rows, average_rows};
use crate::caps::Caps;
use crate::clock::Stages;
use crate::clustered::{Clustered, enough_clusters};
use crate::cohort_scatter::cohort_scatter;
use crate::cohorts::MeasuredCohorts;
use crate::discovery::{declared_tree, discover};
use crate::error::{Cause, RunError};
use crate::event::Stage;
use crate::first_look::FirstLook;
use crate::global_tests::global_tests;
use crate::leaf_sums::LeafSums;
use crate::looks::through;
use crate::models::{UnitPredictions, models};
use crate::names;
use crate::power::{confirming_tests, detectable_differences};
use crate::profile::sizes;
use crate::profiles::Profiles;
use crate::quantiles::Quantiles;
use crate::rows::exploratory;
use crate::rules::cohort_rule;
use crate::shrinkage::shrunken_effects;
use crate::stability::{Declaration, ranked_p_values, resplits, sampled, search_stability, with_corrected};
use crate::steadiness::{Uncorrected, sliced_effects};
use crate::study::{Question, Study};
use crate::trees::{Shown, importance, views};
use crate::waterfall::waterfall;

/// The declared partition: its cohorts, their statistics, and the tree they are leaves of.
struct Declared<'d> {
    name: String,
    tree: &'d Tree,
    cohorts: Vec<Cohort>,
    leaves: LeafSums,
}

/// What an analysis found.
pub(crate) struct Analysed {
    pub(crate) results: Results,
    /// What linear models predict for single units.
    pub(crate) of_units: Vec<UnitPredictions>,
}

/// Analyses the units and gathers everything that is found.
pub(crate) async fn analyse(
    study: &Study<'_>,
    checks: Vec<Check>,
    stages: &mut Stages<'_>,
) -> Result<Analysed, RunError> {
    stages.begin(Stage::Averages)?;
    let failed = |error: whom_engine::EngineError| RunError::engine(Stage::Averages, &error);
    let cells = AverageCells::count(study).await.map_err(failed)?;
    let averages = average_rows(study, &cells);
    let look = FirstLook::count(study).await.map_err(failed)?;

    stages.begin(Stage::Discovery)?;
    let questions = study.targets();
    let discovered = discover(study, &questions, stages.observer()).await?;

    stages.begin(Stage::Stability)?;
    let (name, tree) = declared_tree(study, &questions, &discovered)
        .ok_or_else(|| internal(&"the declared partition is not among the trees that were grown"))?;
    let some = sampled(study).await?;
    let of_some = some.as_ref().map(|units| study.with_units(units));
    let repeated = of_some.as_ref().unwrap_or(study);
    let declaration = Declaration { all: study, study: repeated, name: &name, tree, observer: stages.observer() };
    let search = search_stability(&declaration).await?;

    stages.begin(Stage::Validation)?;
    let failed = |error: whom_engine::EngineError| RunError::engine(Stage::Validation, &error);
    let declared = declared(study, name.clone(), tree).await?;
    let clusters = Clustered::of_leaves(study, &tree.routing, &[Fold::Measure]).await.map_err(failed)?;
    let clusters = clusters.first();
    let global_tests = global_tests(study, &questions, &discovered, clusters).await.map_err(failed)?;
    let quantiles = Quantiles::of_leaves(study, &declared.tree.routing, &declared.cohorts).await.map_err(failed)?;
    let measured = MeasuredCohorts::new(study, &declared.leaves, &declared.cohorts).with_quantiles(&quantiles);
    let measured = measured.with_clusters(clusters);
    let found = Found { study, questions: &questions, declared: &declared, measured };
    let sliced = sliced_effects(study, &declared.tree.routing, &declared.cohorts).await.map_err(failed)?;
    let shown = found.shown(&discovered);
    let trees = views(study, &shown).await.map_err(failed)?;
    let profiles = Profiles::count(study, &declared.tree.routing).await.map_err(|error| uncounted(&error))?;
    let discovered_rows = found.measured.rows(&questions);
    let models = models(study).await.map_err(|error| uncounted(&error))?;

    stages.begin(Stage::Resplits)?;
    let resplits = resplits(&declaration, &questions, &discovered_rows.done).await?;
    let uncorrected = Exploratory { look: &look, sliced, resplits };
    let (effects, Corrected { tag_tables, slices, resplits }) = found.effects(averages, discovered_rows, uncorrected);
    let results = Results {
        checks: checks
            .into_iter()
            .chain(found.cohort_check(&cells))
            .chain(enough_clusters(study, &questions, clusters))
            .collect(),
        effects,
        slices,
        tag_tables,
        tag_rankings: look.rankings(study),
        models: models.views,
        partition: Some(Partition { tree: declared.name.clone(), cohorts: found.cohorts(&profiles) }),
        registered: registered_views(study, &cells, &profiles),
        cohort_scatter: cohort_scatter(&found.measured, &questions),
        shrunken_effects: shrunken_effects(&found.measured, &questions, &cells.everybody),
        importance: importance(&shown),
        trees,
        detectable_differences: detectable_differences(study, &questions, &cells.everybody, clusters),
        confirming_tests: found.confirming_tests(&global_tests),
        global_tests,
        stability: Stability { search, resplits },
        folds: study.plan.discover.folds.as_ref().map(names::given_folds),
        ..described(study, &cells).map_err(|error| internal(&error))?
    };
    Ok(Analysed { results, of_units: models.of_units })
}

/// What results say of any analysis; nothing is found yet.
pub(crate) fn described(study: &Study<'_>, cells: &AverageCells) -> Result<Results, serde_json::Error> {
    Ok(Results {
        experiment: study.plan.experiment.value.clone(),
        analysis: study.plan.analysis_identity()?,
        through: through(study.plan),
        start: Some(study.plan.split.start.to_string()),
        level: study.plan.validate.level,
        seal: study.seal.clone(),
        folds: None,
        withheld: None,
        variants: variants(study, &cells.everybody.cells),
        metrics: metrics(study, &cells.everybody.cells),
        waterfall: waterfall(study),
        checks: Vec::new(),
        effects: Vec::new(),
        slices: Vec::new(),
        tag_tables: Vec::new(),
        tag_rankings: Vec::new(),
        models: Vec::new(),
        partition: None,
        registered: Vec::new(),
        trees: Vec::new(),
        global_tests: Vec::new(),
        cohort_scatter: Vec::new(),
        shrunken_effects: Vec::new(),
        importance: Vec::new(),
        detectable_differences: Vec::new(),
        confirming_tests: Vec::new(),
        replication: None,
        stability: Stability::default(),
    })
}

pub(crate) fn internal(error: &dyn std::fmt::Display) -> RunError {
    RunError::new(Stage::Validation, Cause::Internal, error.to_string())
}

pub(crate) fn uncounted(error: &QueryError) -> RunError {
    match error {
        QueryError::Engine(error) => RunError::engine(Stage::Validation, error),
        QueryError::Data(message) => RunError::new(Stage::Validation, Cause::Data, message.clone()),
        error => internal(error),
    }
}

async fn declared<'d>(study: &Study<'_>, name: String, tree: &'d Tree) -> Result<Declared<'d>, RunError> {
    let counted = LeafSums::of(study, &tree.routing).await;
    let leaves = counted.map_err(|error| RunError::engine(Stage::Validation, &error))?;
    let cohorts = if tree.leaves().len() > 1 { tree.cohorts() } else { Vec::new() };
    Ok(Declared { name, tree, cohorts, leaves })
}

/// What is exploratory beside rows of effects, before its correction.
struct Exploratory<'a> {
    look: &'a FirstLook,
    sliced: Uncorrected,
    resplits: Option<ResplitStability>,
}

/// The same, corrected.
struct Corrected {
    tag_tables: Vec<TagTable>,
    slices: Vec<SlicedEffect>,
    resplits: Option<ResplitStability>,
}

/// What discovery and validation found.
struct Found<'a, 'd> {
    study: &'a Study<'a>,
    questions: &'a [Question],
    declared: &'a Declared<'d>,
    measured: MeasuredCohorts<'a>,
}

impl<'d> Found<'_, 'd> {
    fn cohorts(&self, profiles: &Profiles) -> Vec<CohortView> {
        let view = |cohort: &Cohort| CohortView {
            name: cohort.name.clone(),
            definition: CohortDefinition::Discovered(cohort_rule(&cohort.name, &cohort.rule, &self.study.units.bins)),
            sizes: sizes(self.study, |buckets| self.declared.leaves.units(cohort.cell, buckets)),
            profile: profiles.of_leaf(self.study, cohort.cell),
        };
        self.declared.cohorts.iter().map(view).collect()
    }

    /// All rows: averages and registered cohorts, the discovered family, and the exploratory family corrected as one, of
    /// which the one-tag tables, the slices and the ranked groups take theirs.
    fn effects(&self, averages: Rows, discovered: Rows, beside: Exploratory<'_>) -> (Vec<EffectRow>, Corrected) {
        let Exploratory { look, sliced, resplits } = beside;
        let mut rows = averages.done;
        rows.extend(discovered.done);
        let mut drafts = averages.exploratory;
        drafts.extend(discovered.exploratory);
        let others = drafts.len();
        drafts.extend(look.drafts(self.study));
        let p_values = [sliced.p_values(), ranked_p_values(resplits.as_ref())];
        let (mut corrected, mut of_slices) = exploratory(drafts, &p_values.concat());
        let of_groups = of_slices.split_off(p_values[0].len());
        let of_tags = corrected.split_off(others);
        rows.extend(corrected);
        let corrected = Corrected {
            tag_tables: look.tables(self.study, of_tags),
            slices: sliced.corrected(of_slices),
            resplits: resplits.map(|resplits| with_corrected(resplits, of_groups)),
        };
        (rows, corrected)
    }

    /// The trees to be shown: the declared one first, then one per question.
    fn shown(&self, discovered: &'d Discovered) -> Vec<Shown<'d>> {
        let mut shown = vec![Shown {
            name: self.declared.name.clone(),
            tree: self.declared.tree,
            questions: questions_of(self.study, self.questions, self.declared.tree),
            declared: true,
        }];
        if self.questions.len() > 1 {
            let singles = self.questions.iter().zip(&discovered.single).map(|(question, tree)| Shown {
                name: self.study.question_name(*question),
                tree: &tree.pruned,
                questions: vec![*question],
                declared: false,
            });
            shown.extend(singles.filter(|single| single.name != self.declared.name));
        }
        shown
    }

    /// Confirming tests of the cohorts whose gate is open.
    fn confirming_tests(&self, tests: &[GlobalTestRow]) -> Vec<ConfirmingTest> {
        let open = |question: &Question| {
            tests.iter().any(|test| {
                test.open
                    && test.variant == self.study.variant(question.treatment)
                    && test.metric == *self.study.metric(question.metric).name
            })
        };
        let questions: Vec<Question> = self.questions.iter().filter(|question| open(question)).copied().collect();
        confirming_tests(&self.measured, &questions)
    }

    /// The sample ratio of the pre-registered cohorts over all units, and of the discovered ones on the measuring fold; not of those that
    /// share clusters, as in [`AverageCells::cohort_check`].
    fn cohort_check(&self, cells: &AverageCells) -> Option<Check> {
        if self.study.is_clustered() {
            return None;
        }
        if self.study.plan.split.is_stratified() {
            let cohorts = cells.members_in_strata(self.study).chain(self.measured.units_in_strata());
            return stratified_cohort_check(self.study.plan, self.study.units, cohorts.collect());
        }
        let registered = cells.members(self.study);
        let discovered = self.measured.units().map(|(name, units)| (name.to_owned(), units.to_vec()));
        cohort_check(self.study.plan, registered.chain(discovered).collect())
    }
}

/// What a tree looked for.
pub(crate) fn questions_of(study: &Study<'_>, questions: &[Question], tree: &Tree) -> Vec<Question> {
    let asked = |target: &whom_forest::Target| {
        let is_asked = |question: &&Question| {
            let searched = study.searched(**question, 0);
            (searched.treatment, searched.metric) == (target.treatment, target.metric)
        };
        questions.iter().find(is_asked).copied()
    };
    tree.targets.iter().filter_map(asked).collect()
}

pub(crate) fn registered_views(study: &Study<'_>, cells: &AverageCells, profiles: &Profiles) -> Vec<CohortView> {
    let counted = study.plan.cohorts.iter().zip(&cells.cohorts).enumerate();
    let view = |(place, (cohort, counted)): (usize, (&whom_spec::plan::Cohort, &CellSums))| CohortView {
        name: cohort.name.value.clone(),
        definition: definition(study, cohort),
        sizes: sizes(study, |buckets| {
            [counted.cells.sum(MEMBERS, buckets), counted.cells.pooled(buckets)].map(|sum| sum.units)
        }),
        profile: profiles.of_registered(study, place),
    };
    counted.map(view).collect()
}

fn definition(study: &Study<'_>, cohort: &whom_spec::plan::Cohort) -> CohortDefinition {
    let rule = study.replication.as_ref().and_then(|replication| replication.earlier.rule(&cohort.name));
    rule.cloned()
        .map_or_else(|| CohortDefinition::Registered(cohort.definition.value.clone()), CohortDefinition::Frozen)
}

fn variants(study: &Study<'_>, everybody: &CellStatistics) -> Vec<VariantView> {
    let units = everybody.pooled(&study.everyone).units;
    units
        .iter()
        .enumerate()
        .map(|(arm, units)| VariantView { name: study.variant(arm).to_owned(), units: *units })
        .collect()
}

fn metrics(study: &Study<'_>, everybody: &CellStatistics) -> Vec<MetricView> {
    let columns = study.compiled.measures.iter();
    let caps = Caps { study, everybody };
    study
        .plan
        .metrics
        .iter()
        .zip(columns)
        .enumerate()
        .map(|(place, (metric, column))| MetricView {
            cap: caps.of(place),
            ..names::metric_view(metric, column.proportion)
        })
        .collect()
}
