//! Growing and pruning the trees: passes asked by the forest, answered by the units.

use tokio::task::spawn_blocking;
use whom_forest::{Controls, Discovered, Discovery, DiscoveryPlan, SplitCriterion, Target, Tree};
use whom_query::{BinKind, TagBins};
use whom_spec::plan::{Codes, Criterion, DeclaredPartition};
use whom_stats::Fold;

use crate::error::{Cause, RunError};
use crate::event::{Event, Observer, Stage};
use crate::study::{Question, Study};

/// Grows one tree per question and one for all of them, on the discovery fold.
///
/// # Errors
/// [`Cause::Interrupted`] if the run is cancelled, [`Cause::Internal`] otherwise.
pub(crate) async fn discover(
    study: &Study<'_>,
    questions: &[Question],
    observer: &dyn Observer,
) -> Result<Discovered, RunError> {
    let failed = |error: whom_forest::ForestError| RunError::new(Stage::Discovery, Cause::Internal, error.to_string());
    let mut discovery = Discovery::new(plan_of(study, questions)).map_err(failed)?;
    let mut done = 0;
    while let Some(pass) = discovery.next() {
        let nodes: usize = pass.trees.iter().map(|tree| tree.nodes.len()).sum();
        let doing = format!("{nodes} nodes of {} trees", pass.trees.len());
        observer.event(&Event::Progress { stage: Stage::Discovery, done, all: None, doing });
        let answer =
            study.units.source.answer(pass).await.map_err(|error| RunError::engine(Stage::Discovery, &error))?;
        let absorbed = spawn_blocking(move || discovery.absorb(&answer).map(|()| discovery)).await;
        let ended = |error| RunError::new(Stage::Discovery, Cause::Internal, format!("the search failed: {error}"));
        discovery = absorbed.map_err(ended)?.map_err(failed)?;
        done += 1;
    }
    discovery.finish().map_err(failed)
}

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

/// What a search for these questions works on, in the folds of the study.
pub(crate) fn plan_of(study: &Study<'_>, questions: &[Question]) -> DiscoveryPlan {
    let discover = &study.plan.discover;
    let folds = discover.tree.pruning_folds as usize;
    DiscoveryPlan {
        shapes: study.units.shapes.clone(),
        columns: discover.tags.iter().filter_map(|tag| study.units.tag_column(tag)).collect(),
        arms: study.plan.split.variants.len(),
        metrics: study.grids.len(),
        targets: questions
            .iter()
            .map(|question| study.searched(*question, 0))
            .map(|target| Target { treatment: target.treatment, metric: target.metric })
            .collect(),
        controls: controls(study),
        places: places(study),
        within: study.units.strata().map(|(_, column)| column),
        buckets: study.folds.buckets(Fold::Discover).clone(),
        folds: if folds == 0 { Vec::new() } else { study.folds.pruning_folds(&study.plan.experiment, folds) },
    }
}

/// Where the codes of numeric tags lie, if 16-bit codes are asked for: cuts then lie half-way between the discovery values
/// beside them, as in published trees.
fn places(study: &Study<'_>) -> Vec<Vec<f64>> {
    let of_tag = |bins: &TagBins| match &bins.kind {
        BinKind::Numeric { edges, .. } => edges.clone(),
        BinKind::Categorical { .. } => Vec::new(),
    };
    match study.plan.discover.codes {
        Codes::Bits8 => Vec::new(),
        Codes::Bits16 => study.units.bins.iter().map(of_tag).collect(),
    }
}

/// The controls of growth.
fn controls(study: &Study<'_>) -> Controls {
    let tree = study.plan.discover.tree;
    Controls {
        depth: tree.depth as usize,
        units_per_arm: tree.units_per_arm,
        events_per_arm: tree.events_per_arm,
        penalty: tree.penalty,
        criterion: criterion(tree.criterion),
        units: tree.units,
        smallest_gain: tree.smallest_gain,
        pruning_folds: tree.pruning_folds as usize,
        honesty_ratio: honesty_ratio(study),
    }
}

/// The ratio of discovery to measuring units. Of folds that are drawn it is that of their buckets, which no count of units
/// moves; given ones may be of any size, and no outcome moves that.
fn honesty_ratio(study: &Study<'_>) -> f64 {
    let buckets = [Fold::Discover, Fold::Measure].map(|fold| study.folds.buckets(fold));
    let [discover, measure] = match study.plan.discover.folds {
        Some(_) => buckets.map(|buckets| study.units.tally.units_in(buckets).max(1)),
        None => buckets.map(|buckets| buckets.len() as u64),
    };
    discover as f64 / measure as f64
}

fn criterion(criterion: Criterion) -> SplitCriterion {
    match criterion {
        Criterion::CausalMse => SplitCriterion::CausalMse,
        Criterion::TransformedOutcome => SplitCriterion::TransformedOutcome,
        Criterion::RawTransformedOutcome => SplitCriterion::RawTransformedOutcome,
    }
}

#[cfg(test)]
mod tests;
