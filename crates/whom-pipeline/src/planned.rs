//! What a run will need, known before any row is read.

use futures::future::BoxFuture;
use whom_engine::{Engine, MemoryPlan, Needs, checkpoint};
use whom_query::MOST_STRATA;
use whom_query::cache::ExpectedCache;
use whom_report::units_writer_bytes;
use whom_spec::plan::{Codes, Correction, Discover, Metric, Plan, TagKind};
use whom_stats::{ArmTable, BUCKETS, Moments};

use crate::error::{Cause, RunError};
use crate::event::Stage;
use crate::prepare::{Prepared, load_plan, session};
use crate::published_units::OWN_COLUMNS;
use crate::request::Request;
use crate::shared_cache::SharedCache;
use crate::steadiness::{MOST_CELLS_BY_CLUSTER, MOST_SCORES};
use crate::study::MOST_SEARCHED_STRATA;
use crate::units_file::UPLOAD;

/// What a run will need, and how its memory is shared out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// What the footers of the files tell.
    pub needs: Needs,
    /// What a cache of days saves and costs, if there is one.
    pub cache: Option<ExpectedCache>,
    /// The parts of the memory, the pieces, and what is expected of both.
    pub memory: MemoryPlan,
    /// The least memory of an executor's slot, where other machines do the work.
    pub slot: u64,
    /// Bytes of the unit table, if it is published: a guess, as nobody knows how well it compresses.
    pub units_written: u64,
    /// The most bytes of checkpoints that lie on disk at any moment, if they are kept.
    pub checkpoints: u64,
}

impl Planned {
    /// Plans the memory of a run whose tables fit its plan.
    pub(crate) async fn new(request: &Request, prepared: &Prepared) -> Result<Self, RunError> {
        Self::with(request, prepared, None).await
    }

    /// As [`Self::new`], with the making of days for a cache in front of the rest.
    pub(crate) async fn with(
        request: &Request,
        prepared: &Prepared,
        cache: Option<ExpectedCache>,
    ) -> Result<Self, RunError> {
        let scratch = session(&request.limits)?;
        let needs = whom_query::needs(&prepared.compiled, &prepared.catalog, &scratch).await;
        let needs = needs.map_err(|error| prepared.refused(Stage::Sources, &error))?;
        let plan = &prepared.loaded.plan;
        let writer = match &request.elsewhere {
            _ if !request.keep_units => 0,
            None => writer_bytes(plan, &needs),
            Some(_) => UPLOAD.min(needs.table),
        };
        let fill = cache.as_ref().map(|cache| cache.scans.clone()).unwrap_or_default();
        let analysed = needs.analysed + needs.units * stratum_bytes(plan);
        let counted = strata_bytes(plan, needs.units).max(quantile_bytes(plan, request));
        let counted = counted.max(cluster_bytes(plan, needs.units, request));
        let search = (search_bytes(plan, needs.units) * most_searched_strata(plan, needs.units)).max(counted);
        let sampled = sampled_bytes(plan, needs.units, analysed);
        let needs = Needs { fill, search, writer, analysed, sampled, ..needs };
        let of = if request.elsewhere.is_some() { MemoryPlan::of_caller } else { MemoryPlan::new };
        let memory = of(request.memory, &request.limits, &needs);
        let memory = memory.map_err(|error| RunError::new(Stage::Sources, Cause::Resources, error.to_string()))?;
        let group = if request.keep_units { writer_bytes(plan, &needs) } else { 0 };
        let slot = memory.slot(&needs, request.limits.batch_size).max(group);
        let units_written = if request.keep_units { needs.table / 4 } else { 0 };
        let checkpoints = checkpoint::expected_bytes(&needs);
        Ok(Self { needs, cache, memory, slot, units_written, checkpoints })
    }

    /// A session under this plan.
    pub(crate) fn engine(&self, request: &Request) -> Result<Engine, RunError> {
        session(&self.memory.limits(&request.limits))
    }
}

/// Bytes of a unit's stratum, and of its cell in each declared cohort by stratum, where arms are compared within some.
fn stratum_bytes(plan: &Plan) -> u64 {
    if plan.split.is_stratified() { 1 + plan.cohorts.len() as u64 } else { 0 }
}

/// Bytes of the units that stand for all of so many bytes where searches are repeated; 0 if all stand for themselves.
fn sampled_bytes(plan: &Plan, units: u64, analysed: u64) -> u64 {
    let repeated = plan.discover.repeated_units;
    if units <= repeated || !plan.searches() || !plan.discover.repeats() {
        return 0;
    }
    (u128::from(analysed) * u128::from(repeated) / u128::from(units)) as u64
}

/// The most strata within which cohorts may be searched for; one where all units are comparable.
fn most_searched_strata(plan: &Plan, units: u64) -> u64 {
    let most = MOST_SEARCHED_STRATA as u64;
    match plan.split.strata {
        Some(_) if plan.searches() => units.clamp(1, most),
        _ => (plan.split.periods().len() as u64).min(most),
    }
}

/// Bytes of what is counted within as many strata as there may be, by bucket and arm: of everybody, and of one declared cohort
/// and the others, or of the leaves of the unpruned tree of each question and of the declared one.
fn strata_bytes(plan: &Plan, units: u64) -> u64 {
    if !plan.split.is_stratified() {
        return 0;
    }
    let strata =
        if plan.split.strata.is_some() { units.min(MOST_STRATA as u64) } else { plan.split.periods().len() as u64 };
    let declared = strata * if plan.cohorts.is_empty() { 1 } else { 3 };
    let leaves = if plan.searches() { 1 << plan.discover.tree.depth.min(16) } else { 0 };
    let leaves = leaves.min(units / plan.discover.tree.units_per_arm.max(1));
    let trees = (plan.discover.treatments.len() * plan.discover.metrics.len()) as u64 + 1;
    let cells = declared.max(strata + trees * leaves * most_searched_strata(plan, units));
    let arm = 8 + (size_of::<Moments>() * plan.value_columns()) as u64;
    let table = size_of::<ArmTable>() as u64 + plan.split.variants.len() as u64 * arm;
    let resampled = if leaves > 0 { (leaves + 1) * most_searched_strata(plan, units) } else { 0 };
    cells * BUCKETS as u64 * table + resampled * resampled_bytes(plan)
}

/// Bytes of what the bootstrap weights in a cell: of each searched metric, the sums and products of its columns by bucket and arm. A
/// fold that measures has at most all buckets.
fn resampled_bytes(plan: &Plan) -> u64 {
    if matches!(plan.validate.correction, Correction::Holm | Correction::Bonferroni) {
        return 0;
    }
    let searched = plan.metrics.iter().filter(|metric| plan.discover.metrics.iter().any(|name| **name == *metric.name));
    let numbers: usize =
        searched.map(|metric| product_columns(plan, metric)).map(|columns| 1 + columns + columns * columns).sum();
    let arms = plan.split.variants.len() as u64;
    BUCKETS as u64 * arms * (size_of::<f64>() * numbers) as u64
}

/// The most columns that a metric's products are of: its parts, each with its pre-period, and tags; every covariate may be absent.
fn product_columns(plan: &Plan, metric: &Metric) -> usize {
    let parts = 1 + usize::from(metric.denominator.is_some());
    let Some(cuped) = &metric.cuped else { return parts };
    let of_tag = |tag: &str| match plan.tag(tag).map(|(_, tag)| tag.kind) {
        Some(TagKind::Categorical { levels }) => usize::from(levels) + 1,
        Some(TagKind::Numeric) | None => 2,
    };
    let of_tags: usize = cuped.tags.iter().map(|tag| of_tag(tag.as_str())).sum();
    parts + if cuped.pre_period.is_some() { 2 * parts } else { 0 } + of_tags
}

/// The most levels of a tag in its one-tag table: those apart, all others, and those that lack it.
const LEVELS: usize = 12;

/// Bytes of what is counted by cluster: the clusters themselves, or sums by metric, cohort, arm and cell; and what clusters add to the
/// effects of slices.
fn cluster_bytes(plan: &Plan, units: u64, request: &Request) -> u64 {
    if plan.cluster.is_none() {
        return 0;
    }
    let metrics: usize =
        plan.metrics.iter().map(|metric| product_columns(plan, metric) + usize::from(metric.cap.is_some())).sum();
    // The leaves of a tree and its slices, each time with those that are not cut, are summed on both folds, and the levels of a tag
    // over all units.
    let tree = &plan.discover.tree;
    let leaves = (1 << tree.depth.min(16)).min(units / tree.units_per_arm.max(1)) as usize;
    let leaves = if plan.searches() { leaves } else { 1 };
    let sliced = leaves.max(MOST_CELLS_BY_CLUSTER) + leaves;
    let sums = metrics * (1 + plan.cohorts.len()).max(2 * sliced).max(LEVELS) * plan.split.variants.len();
    MOST_SCORES as u64 + whom_query::clusters::counted_bytes(units, sums as u64, request.limits.threads.get() as u64)
}

/// Bytes of what looks for quantiles count at once.
fn quantile_bytes(plan: &Plan, request: &Request) -> u64 {
    let any = plan.metrics.iter().any(|metric| metric.quantile.is_some());
    if any { whom_query::quantiles::counted_bytes(request.limits.threads.get() as u64) } else { 0 }
}

/// Bytes of the histograms that the search for trees holds at once, as if every tag had all its codes.
pub(crate) fn search_bytes(plan: &Plan, units: u64) -> u64 {
    let Discover { tags, codes, .. } = &plan.discover;
    let most = match codes {
        Codes::Bits8 => 256,
        Codes::Bits16 => 65_536,
    };
    let searched = plan.tag_columns().filter(|tag| tags.iter().any(|name| **name == *tag.name));
    let codes = searched.map(|tag| match tag.kind {
        TagKind::Numeric => most,
        TagKind::Categorical { levels } => u64::from(levels) + 2,
    });
    let codes: u64 = codes.map(|codes| codes.min(units)).sum();
    let arms = plan.split.variants.len() as u64;
    let cell = arms * (8 + (size_of::<Moments>() * plan.value_columns()) as u64);
    codes.saturating_mul(cell).saturating_mul(searched_nodes(&plan.discover, units / (2 * arms)))
}

/// The nodes whose histograms are there at once: all trees grow by a level at a time, as if each were as full as it may be.
/// At the last level the smaller child of each node is counted, which is half of the level. Trees that cannot be split share
/// their roots. About half of the units discover; `per_arm` of them are in an arm.
fn searched_nodes(discover: &Discover, per_arm: u64) -> u64 {
    let Discover { treatments, metrics, tree, .. } = discover;
    let repeats = 1 + u64::from(tree.pruning_folds);
    let leaves = (per_arm / tree.units_per_arm.max(1)).min(1 << tree.depth.min(16));
    let questions = (treatments.len() * metrics.len()) as u64;
    if leaves < 2 { repeats } else { (questions + u64::from(questions > 1)) * repeats * (leaves / 4).max(1) }
}

/// Bytes that writing the unit table takes, its upload included.
fn writer_bytes(plan: &Plan, needs: &Needs) -> u64 {
    let strata = plan.split.strata.as_ref().map_or(0, |strata| strata.columns.len());
    let carried = strata + usize::from(plan.cluster.is_some());
    let columns = OWN_COLUMNS + (plan.measures().len() + plan.tag_columns().count() + carried) as u64;
    let predicted = (2 * plan.models.len() * plan.split.variants.len().saturating_sub(1)) as u64;
    let (columns, row) = (columns + predicted, needs.table / needs.units.max(1) + size_of::<f64>() as u64 * predicted);
    units_writer_bytes(needs.units, columns, row) + UPLOAD.min(needs.table)
}

/// Plans a run without running it.
///
/// # Errors
/// A [`RunError`] with everything that is wrong with the pipeline or its tables, or that the memory is too little.
pub fn plan(request: &Request) -> BoxFuture<'_, Result<Planned, RunError>> {
    Box::pin(async move {
        let shared = request.cache.as_deref();
        let prepared = Prepared::with(request, load_plan(request)?, shared.map(SharedCache::cache)).await?;
        let cache = match shared {
            Some(shared) => Some(shared.expected(request, &prepared).await?),
            None => None,
        };
        Planned::with(request, &prepared, cache).await
    })
}
