use whom_stats::bucket::BucketSet;
use whom_stats::pass::{ColumnShape, Histograms, NodeHistogram, Pass, TreePass};
use whom_stats::routing::{Code, NodeIndex, Routing};
use whom_stats::{ArmTable, ColumnHistogram};

use crate::{Controls, Discovered, Discovery, DiscoveryPlan, Target};

#[derive(Clone, Debug)]
pub(crate) struct Unit {
    pub(crate) bucket: u16,
    pub(crate) arm: usize,
    pub(crate) codes: Vec<Code>,
    pub(crate) values: Vec<Option<i64>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Population {
    pub(crate) shapes: Vec<ColumnShape>,
    pub(crate) arms: usize,
    pub(crate) metrics: usize,
    pub(crate) units: Vec<Unit>,
}

pub(crate) fn shape(name: &str, codes: usize, ordered: bool, missing: Option<Code>) -> ColumnShape {
    ColumnShape { name: name.to_owned(), codes, ordered, missing }
}

/// Pseudo-random numbers (splitmix64), so that a population is a function of its seed.
pub(crate) struct Stream(pub(crate) u64);

impl Stream {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Discovery buckets are the even ones.
pub(crate) fn discovery_buckets() -> BucketSet {
    (0..1024).step_by(2).collect()
}

pub(crate) fn folds(count: usize) -> Vec<BucketSet> {
    let buckets: Vec<u16> = discovery_buckets().iter().collect();
    (0..count).map(|fold| buckets.iter().copied().skip(fold).step_by(count).collect()).collect()
}

impl Population {
    pub(crate) fn plan(&self, controls: Controls) -> DiscoveryPlan {
        let treatments = 1..self.arms;
        let targets =
            treatments.flat_map(|treatment| (0..self.metrics).map(move |metric| Target { treatment, metric }));
        DiscoveryPlan {
            shapes: self.shapes.clone(),
            columns: (0..self.shapes.len()).collect(),
            arms: self.arms,
            metrics: self.metrics,
            targets: targets.collect(),
            folds: folds(controls.pruning_folds),
            controls,
            buckets: discovery_buckets(),
            places: Vec::new(),
            within: None,
        }
    }

    pub(crate) fn discover(&self, plan: DiscoveryPlan) -> Discovered {
        let mut discovery = Discovery::new(plan).unwrap();
        while let Some(pass) = discovery.next() {
            discovery.absorb(&self.answer(&pass)).unwrap();
        }
        discovery.finish().unwrap()
    }

    /// The answer to a pass, unit by unit.
    pub(crate) fn answer(&self, pass: &Pass) -> Histograms {
        Histograms { trees: pass.trees.iter().map(|tree| self.answer_tree(tree)).collect() }
    }

    fn answer_tree(&self, tree: &TreePass) -> Vec<NodeHistogram> {
        let times = |unit: &Unit| tree.weights.as_ref().map_or(1, |weights| weights.of(unit.bucket));
        let counted: Vec<&Unit> = self
            .units
            .iter()
            .filter(|unit| tree.buckets.contains(unit.bucket))
            .flat_map(|unit| std::iter::repeat_n(unit, times(unit).into()))
            .collect();
        let histogram = |node: &NodeIndex| {
            let members: Vec<&Unit> =
                counted.iter().copied().filter(|unit| path(&tree.routing, unit).contains(node)).collect();
            let members: Vec<Unit> = members.into_iter().map(|unit| self.in_stratum(unit, tree.within)).collect();
            let arms = self.arms * tree.within.map_or(1, |column| self.shapes[column].codes);
            let columns = tree.columns.iter().map(|column| self.count(&members, *column, arms)).collect();
            let mut totals = ArmTable::new(arms, self.metrics);
            for unit in &members {
                self.add(&mut totals, unit);
            }
            NodeHistogram { totals, columns }
        };
        tree.nodes.iter().map(histogram).collect()
    }

    /// The unit in the arm of its stratum.
    fn in_stratum(&self, unit: &Unit, within: Option<usize>) -> Unit {
        let stratum = within.map_or(0, |column| usize::from(unit.codes[column]));
        Unit { arm: stratum * self.arms + unit.arm, ..unit.clone() }
    }

    fn count(&self, members: &[Unit], column: usize, arms: usize) -> ColumnHistogram {
        let mut histogram = ColumnHistogram::new(self.shapes[column].codes, arms, self.metrics);
        for unit in members {
            let moments = unit.values.iter().map(|value| value.iter().copied().collect());
            histogram.add(usize::from(unit.codes[column]), unit.arm, 1, moments);
        }
        histogram
    }

    fn add(&self, table: &mut ArmTable, unit: &Unit) {
        table.units[unit.arm] += 1;
        for (metric, value) in unit.values.iter().enumerate() {
            if let Some(value) = value {
                table.moments[unit.arm * self.metrics + metric].push(*value);
            }
        }
    }
}

/// The nodes that a unit passes through.
pub(crate) fn path(routing: &Routing, unit: &Unit) -> Vec<NodeIndex> {
    let mut path = vec![0];
    while let Some(split) = &routing.nodes()[path[path.len() - 1]] {
        let left = split.left.contains(unit.codes[split.column]);
        path.push(if left { split.left_child } else { split.right_child });
    }
    path
}
