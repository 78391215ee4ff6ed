//! The rows that each requested node of a tree holds, by arm and by how often they count.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::columns::UnitColumns;
use crate::pass::{PassError, TreePass};
use crate::routing::{Code, Routing, Split};

/// Buckets per parallel task.
const TASK_BUCKETS: usize = 16;

/// The rows of a node, by arm (of strata: by the arms of each in turn) and then by weight.
pub(crate) type RowsByArm = Vec<Vec<EqualRows>>;

/// Rows that count equally often, ascending.
pub(crate) struct EqualRows {
    pub(crate) weight: u8,
    pub(crate) rows: Vec<u32>,
}

/// The rows of each requested node, in the order of the request. A row is in every requested node on its path.
pub(crate) fn node_rows(
    units: &UnitColumns,
    tree: &TreePass,
    cancel: &AtomicBool,
) -> Result<Vec<RowsByArm>, PassError> {
    let descent = Descent::new(units, tree);
    let classes = by_weight(tree);
    let tasks: Vec<(u8, &[u16])> = classes
        .iter()
        .flat_map(|(weight, buckets)| buckets.chunks(TASK_BUCKETS).map(|buckets| (*weight, buckets)))
        .collect();
    let parts: Vec<(u8, Vec<HeldRows>)> = tasks
        .into_par_iter()
        .map(|(weight, buckets)| {
            if cancel.load(Ordering::Relaxed) {
                return Err(PassError::Cancelled);
            }
            let of_arm = |arm| buckets.iter().flat_map(move |bucket| units.rows_of(*bucket, arm));
            let held = |arm| descent.of(of_arm(arm).map(|row| row as u32).collect());
            let by_arm: Vec<HeldRows> = (0..units.arm_count()).map(held).collect();
            Ok((weight, descent.by_stratum(by_arm)))
        })
        .collect::<Result<_, _>>()?;
    let equal = |node: usize, arm: usize, weight: u8| {
        let of_weight = parts.iter().filter(|(own, _)| *own == weight);
        EqualRows { weight, rows: of_weight.flat_map(|(_, part)| &part[arm][node]).copied().collect() }
    };
    let whole = |node: usize, arm: usize| classes.keys().map(|weight| equal(node, arm, *weight)).collect();
    let by_arm = |node| (0..arms_counted(units, tree)).into_par_iter().map(|arm| whole(node, arm)).collect();
    Ok((0..tree.nodes.len()).into_par_iter().map(by_arm).collect())
}

/// The arms that a tree's units are counted by: those of each stratum.
pub(crate) fn arms_counted(units: &UnitColumns, tree: &TreePass) -> usize {
    units.arm_count() * tree.within.map_or(1, |column| units.shapes()[column].codes)
}

/// The buckets of a tree that count at all, by how often.
fn by_weight(tree: &TreePass) -> BTreeMap<u8, Vec<u16>> {
    let mut classes: BTreeMap<u8, Vec<u16>> = BTreeMap::new();
    for bucket in tree.buckets.iter() {
        let weight = tree.weights.as_ref().map_or(1, |weights| weights.of(bucket));
        if weight > 0 {
            classes.entry(weight).or_default().push(bucket);
        }
    }
    classes
}

/// The rows that each requested node holds.
type HeldRows = Vec<Vec<u32>>;

/// The way down a tree, as far as a requested node lies below.
struct Descent<'a> {
    units: &'a UnitColumns,
    tree: &'a TreePass,
    /// Whether a node or one below it is requested.
    wanted: Vec<bool>,
    /// The codes that go left, of each split.
    left: Vec<Vec<bool>>,
}

impl<'a> Descent<'a> {
    fn new(units: &'a UnitColumns, tree: &'a TreePass) -> Self {
        let nodes = tree.routing.nodes();
        let codes_left = |split: &Option<Split>| {
            let codes = split.as_ref().map_or(0, |split| units.shapes()[split.column].codes);
            (0..codes).map(|code| split.as_ref().is_some_and(|split| split.left.contains(code as Code))).collect()
        };
        Self { units, tree, wanted: wanted(&tree.routing, &tree.nodes), left: nodes.iter().map(codes_left).collect() }
    }

    /// Which of some rows each requested node holds.
    fn of(&self, rows: Vec<u32>) -> HeldRows {
        let mut held = vec![Vec::new(); self.wanted.len()];
        held[0] = rows;
        for (node, split) in self.tree.routing.nodes().iter().enumerate() {
            let Some(split) = split.as_ref().filter(|_| self.wanted[node]) else { continue };
            for (child, goes_left) in [(split.left_child, true), (split.right_child, false)] {
                if self.wanted[child] {
                    let there = self.select(&held[node], split.column, |code| self.left[node][code] == goes_left);
                    held[child].extend(there);
                }
            }
        }
        self.tree.nodes.iter().map(|node| std::mem::take(&mut held[*node])).collect()
    }

    /// The rows of each arm by stratum: the arms of the first stratum, then those of the second, and so on.
    fn by_stratum(&self, by_arm: Vec<HeldRows>) -> Vec<HeldRows> {
        let Some(column) = self.tree.within else { return by_arm };
        let (arms, nodes) = (by_arm.len(), self.tree.nodes.len());
        let mut told = vec![vec![Vec::new(); nodes]; arms_counted(self.units, self.tree)];
        for (arm, held) in by_arm.into_iter().enumerate() {
            for (node, rows) in held.into_iter().enumerate() {
                for (row, stratum) in rows.iter().zip(self.units.codes().codes(&rows, column)) {
                    told[usize::from(stratum) * arms + arm][node].push(*row);
                }
            }
        }
        told
    }

    /// The rows whose code of a column is chosen. Without a branch on the code, which no processor can foresee.
    fn select(&self, rows: &[u32], column: usize, chosen: impl Fn(usize) -> bool) -> Vec<u32> {
        let mut selected = vec![0; rows.len()];
        let mut count = 0;
        for (row, code) in rows.iter().zip(self.units.codes().codes(rows, column)) {
            selected[count] = *row;
            count += usize::from(chosen(code.into()));
        }
        selected.truncate(count);
        selected
    }
}

/// Whether each node, or one below it, is among the requested ones.
fn wanted(routing: &Routing, requested: &[usize]) -> Vec<bool> {
    let mut wanted = vec![false; routing.nodes().len()];
    for node in requested {
        wanted[*node] = true;
    }
    // Children come after their parents.
    for (node, split) in routing.nodes().iter().enumerate().rev() {
        if let Some(split) = split {
            wanted[node] |= wanted[split.left_child] | wanted[split.right_child];
        }
    }
    wanted
}
