//! A simulated experiment of two arms and one metric, and its analysis: the calls that the program makes between reading
//! and reporting, one after the other.

use std::sync::atomic::AtomicBool;

use whom_forest::{Cohort, Controls, DiscoveredTree, Discovery, DiscoveryPlan, Tree};
use whom_stats::{
    Against, Bootstrap, BucketSet, CellStatistics, CodeColumn, ColumnShape, Correction, Effect, Fold, Folds, Grid,
    Grouping, Hypothesis, Measured, NotEstimable, Reference, Simultaneous, Target, UnitColumnParts, UnitColumns,
    answer, bucket_of_integer, cell_statistics, global_test,
};

/// The level of every test and interval.
pub(super) const LEVEL: f64 = 0.95;
/// Replicates of the bootstrap.
const REPLICATES: u64 = 1_000;

/// The treatment's effect on the metric, in a cell.
pub(super) const fn target(cell: usize) -> Target {
    Target { metric: 0, treatment: 1, cell }
}

/// The units of an experiment, before they have ids.
pub(super) struct Units {
    pub(super) arms: Vec<u8>,
    pub(super) outcomes: Vec<f64>,
    /// Tags with their codes.
    pub(super) tags: Vec<(ColumnShape, Vec<u8>)>,
}

/// An experiment whose units are in memory.
pub(super) struct Trial {
    experiment: String,
    units: UnitColumns,
    grid: Grid,
}

impl Trial {
    /// Gives the units ids that no other `repetition` has, and with them buckets.
    pub(super) fn new(experiment: String, repetition: u64, units: Units, grid: Grid) -> Self {
        let rows = units.arms.len();
        let first_id = (repetition << 32) as i64;
        let (shapes, codes) = units.tags.into_iter().map(|(shape, codes)| (shape, CodeColumn::U8(codes))).unzip();
        let on_grid = |outcome: &f64| grid.to_grid(*outcome).expect("an outcome within the grid's range");
        let units = UnitColumns::new(UnitColumnParts {
            arm_count: 2,
            arms: units.arms,
            buckets: (0..rows as i64).map(|row| bucket_of_integer(first_id + row)).collect(),
            codes,
            shapes,
            metrics: vec![units.outcomes.iter().map(on_grid).collect()],
        });
        Self { experiment, units: units.expect("columns that fit"), grid }
    }

    /// Discovers cohorts on the discovery fold, and counts them.
    pub(super) fn analyse(&self, controls: &Controls) -> Analysis<'_> {
        let folds = Folds::hashed(&self.experiment);
        let tree = self.discover(&folds, controls);
        let [leaves, cohorts] = [&tree.unpruned, &tree.pruned].map(|tree| self.count(tree));
        Analysis { trial: self, folds, tree, leaves, cohorts }
    }

    /// Discovers a tree in some folds.
    pub(super) fn discover(&self, folds: &Folds, controls: &Controls) -> DiscoveredTree {
        let plan = DiscoveryPlan {
            shapes: self.units.shapes().to_vec(),
            columns: (0..self.units.shapes().len()).collect(),
            arms: 2,
            metrics: 1,
            targets: vec![whom_forest::Target { treatment: 1, metric: 0 }],
            controls: controls.clone(),
            buckets: folds.buckets(Fold::Discover).clone(),
            folds: folds.pruning_folds(&self.experiment, controls.pruning_folds),
            places: Vec::new(),
            within: None,
        };
        let mut discovery = Discovery::new(plan).expect("a plan");
        while let Some(pass) = discovery.next() {
            let counted = answer(&self.units, &pass, &AtomicBool::new(false)).expect("a pass that fits");
            discovery.absorb(&counted).expect("an answer that fits");
        }
        discovery.finish().expect("a finished discovery").joint
    }

    /// The statistics of a tree's leaves.
    pub(super) fn count(&self, tree: &Tree) -> CellStatistics {
        let grouping = Grouping::Leaves(tree.routing.clone());
        let counted = cell_statistics(&self.units, &[grouping], &AtomicBool::new(false));
        counted.expect("a routing that fits").remove(0)
    }

    /// The statistics on some buckets.
    pub(super) fn measured<'a>(&'a self, cells: &'a CellStatistics, buckets: &'a BucketSet) -> Measured<'a> {
        Measured { cells, buckets, grids: std::slice::from_ref(&self.grid) }
    }
}

/// What an experiment says about its cohorts. Lists are in the order of [`Analysis::cohorts`].
pub(super) struct Analysis<'t> {
    trial: &'t Trial,
    folds: Folds,
    pub(super) tree: DiscoveredTree,
    leaves: CellStatistics,
    cohorts: CellStatistics,
}

impl Analysis<'_> {
    /// The cohorts, as the discovery fold orders them.
    pub(super) fn cohorts(&self) -> Vec<Cohort> {
        self.tree.pruned.cohorts()
    }

    /// Whether the global test detects heterogeneity.
    pub(super) fn gate_opens(&self) -> bool {
        let step = self.trial.grid.step();
        let predictions: Vec<f64> =
            self.tree.unpruned.predictions(0).unwrap_or_default().into_iter().map(|effect| effect * step).collect();
        let test = global_test(&self.measured(&self.leaves), target(0), &predictions);
        Correction::Holm.adjust(&[test.p_value()])[0] < 1.0 - LEVEL
    }

    /// The effect of each cohort by itself.
    pub(super) fn effects(&self) -> Vec<Result<Effect, NotEstimable>> {
        let measured = self.measured(&self.cohorts);
        self.cohorts().iter().map(|cohort| measured.effect(target(cohort.cell))).collect()
    }

    /// All cohorts at once against zero or the rest.
    pub(super) fn simultaneous(&self, against: Against) -> Vec<Result<Simultaneous, NotEstimable>> {
        let hypothesis = |cohort: &Cohort| Hypothesis { target: target(cohort.cell), against };
        let family: Vec<Hypothesis> = self.cohorts().iter().map(hypothesis).collect();
        let bootstrap = Bootstrap {
            experiment: &self.trial.experiment,
            replicates: REPLICATES,
            level: LEVEL,
            reference: Reference::T,
        };
        bootstrap.max_t(&self.measured(&self.cohorts), &family).outcomes
    }

    /// The number of cohorts whose contrast with the rest passes, were the gate open.
    pub(super) fn different(&self) -> usize {
        if self.cohorts.cells < 2 {
            return 0;
        }
        let passes = |outcome: &Result<Simultaneous, NotEstimable>| {
            outcome.as_ref().is_ok_and(|contrast| contrast.p_adjusted < 1.0 - LEVEL)
        };
        self.simultaneous(Against::Rest).iter().filter(|outcome| passes(outcome)).count()
    }

    fn measured<'a>(&'a self, cells: &'a CellStatistics) -> Measured<'a> {
        self.trial.measured(cells, self.folds.buckets(Fold::Measure))
    }
}
