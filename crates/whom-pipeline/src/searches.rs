//! Searches that are repeated on other buckets or weights: here by passes that they share, elsewhere whole.
//!
//! A search goes over the units once for each level of its trees, and each time all histograms come back. Where the units lie on
//! other machines, and so few that one machine can hold them, that is more work than counting. So who does a part there takes
//! the units and grows some of the searches from beginning to end; the trees come back. They are the same trees: a search
//! depends on integers that are the same wherever they are counted.

use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use whom_engine::{EngineError, HandedSource, Mark, StageOrder, UnitSource, decoded, encoded, shared_out};
use whom_forest::{Controls, Discovered, Discoveries, Discovery, DiscoveryPlan};
use whom_stats::{BucketSet, BucketWeights, NodeHistogram, Pass};

/// What searches have in common.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Searches {
    /// A search as it was; each repetition has its own controls, buckets and folds.
    pub(crate) plan: DiscoveryPlan,
    /// How many grow side by side: their histograms are held at once.
    pub(crate) together: usize,
}

/// What one repetition has of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Repetition {
    pub(crate) controls: Controls,
    pub(crate) buckets: BucketSet,
    pub(crate) folds: Vec<BucketSet>,
    /// How often the units of each bucket count, of a replicate of the tree for all targets.
    pub(crate) weights: Option<BucketWeights>,
}

/// What a repetition found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Repeated {
    pub(crate) discovered: Discovered,
    /// By leaf of the pruned joint tree, the units whose buckets weigh nothing; none without weights.
    pub(crate) unseen: Vec<NodeHistogram>,
}

/// What all parts of such an order have in common.
#[derive(Serialize, Deserialize)]
struct Asked {
    units: HandedSource,
    searches: Searches,
}

impl Repetition {
    /// The search of a plan, on its own buckets and folds.
    pub(crate) fn of(DiscoveryPlan { controls, buckets, folds, .. }: DiscoveryPlan) -> Self {
        Self { controls, buckets, folds, weights: None }
    }
}

impl Searches {
    /// Grows all repetitions, in their order; `tell` hears how many are done before others begin.
    ///
    /// # Errors
    /// [`EngineError`] as [`UnitSource::answer`], and of a search that is impossible.
    pub(crate) async fn grow(
        &self,
        name: &str,
        units: &UnitSource,
        repetitions: &[Repetition],
        tell: impl Fn(usize),
    ) -> Result<Vec<Repeated>, EngineError> {
        let Some((dispatch, handed)) = units.handed() else { return self.grow_here(units, repetitions, tell).await };
        tell(0);
        let parts = shared_out(dispatch, repetitions).await?;
        let common = Mark::Searches.put_on(encoded(&Asked { units: handed, searches: self.clone() })?);
        let stage = StageOrder { name: name.to_owned(), common, parts };
        let mut grown = Vec::with_capacity(repetitions.len());
        for answer in dispatch.dispatch(stage).await? {
            grown.extend(decoded::<Vec<Repeated>>(&answer)?);
        }
        Ok(grown)
    }

    async fn grow_here(
        &self,
        units: &UnitSource,
        repetitions: &[Repetition],
        tell: impl Fn(usize),
    ) -> Result<Vec<Repeated>, EngineError> {
        let mut grown = Vec::with_capacity(repetitions.len());
        for some in repetitions.chunks(self.together.max(1)) {
            tell(grown.len());
            let searches = some.iter().map(|repetition| self.search(repetition)).collect::<Result<_, _>>()?;
            let discovered = side_by_side(units, searches).await?;
            let asked = discovered.iter().zip(some).filter_map(|(found, repetition)| {
                let seen = repetition.weights.as_ref()?.absent().complement();
                Some(found.joint.pruned.evaluation(repetition.buckets.without(&seen)))
            });
            let pass = Pass { trees: asked.collect() };
            let unseen = if pass.trees.is_empty() { Vec::new() } else { units.answer(pass).await?.trees };
            let mut unseen = unseen.into_iter();
            grown.extend(discovered.into_iter().zip(some).map(|(discovered, repetition)| {
                let unseen = repetition.weights.as_ref().and_then(|_| unseen.next()).unwrap_or_default();
                Repeated { discovered, unseen }
            }));
        }
        Ok(grown)
    }

    /// Does a part of an order: grows some repetitions.
    ///
    /// # Errors
    /// As [`Searches::grow`], and [`EngineError::Internal`] for an order that cannot be read.
    pub(crate) async fn answer_part(&self, units: &UnitSource, part: &[u8]) -> Result<Vec<u8>, EngineError> {
        let repetitions: Vec<Repetition> = decoded(part)?;
        encoded(&self.grow_here(units, &repetitions, |_| ()).await?)
    }

    fn search(&self, repetition: &Repetition) -> Result<Discovery, EngineError> {
        let Repetition { controls, buckets, folds, weights } = repetition.clone();
        let plan = DiscoveryPlan { controls, buckets, folds, ..self.plan.clone() };
        let search = match weights {
            Some(weights) => Discovery::replicate(plan, weights),
            None => Discovery::new(plan),
        };
        search.map_err(|error| impossible(&error))
    }
}

/// Where the units are, and what is common to the searches on them, of an order without its mark.
///
/// # Errors
/// [`EngineError::Internal`] for an order that cannot be read.
pub(crate) fn asked(common: &[u8]) -> Result<(HandedSource, Searches), EngineError> {
    let Asked { units, searches } = decoded(common)?;
    Ok((units, searches))
}

/// Grows some searches side by side.
async fn side_by_side(units: &UnitSource, searches: Vec<Discovery>) -> Result<Vec<Discovered>, EngineError> {
    let mut together = Discoveries::new(searches);
    while let Some(pass) = together.next() {
        let answer = units.answer(pass).await?;
        let absorbed = spawn_blocking(move || together.absorb(answer).map(|()| together)).await;
        together = absorbed.map_err(|error| impossible(&error))?.map_err(|error| impossible(&error))?;
    }
    together.finish().map_err(|error| impossible(&error))
}

fn impossible(error: &dyn std::fmt::Display) -> EngineError {
    EngineError::Internal(format!("the search could not be repeated: {error}"))
}
