use proptest::prelude::*;

use super::*;
use crate::bucket::BucketSet;
use crate::cells::cell_statistics;
use crate::columns::{ABSENT, CodeColumn, UnitColumnParts};
use crate::pass::{CellStatistics, ColumnShape, Grouping};
use crate::routing::{Code, NodeIndex, Routing};
use crate::weights::BucketWeights;

const CODES: usize = 5;

/// Unit: arm, bucket, codes of two tags, values of two metrics.
type Unit = (u8, u16, [u8; 2], [i64; 2]);

fn any_units() -> impl Strategy<Value = Vec<Unit>> {
    let value = prop_oneof![Just(ABSENT), Just(0), -1_000_000_i64..1_000_000];
    let code = 0..CODES as u8;
    prop::collection::vec((0..3_u8, 0..1024_u16, [code.clone(), code], [value.clone(), value]), 0..200)
}

fn columns(units: &[Unit]) -> UnitColumns {
    let shape = |name: &str| ColumnShape { name: name.into(), codes: CODES, ordered: true, missing: None };
    UnitColumns::new(UnitColumnParts {
        arm_count: 3,
        arms: units.iter().map(|unit| unit.0).collect(),
        buckets: units.iter().map(|unit| unit.1).collect(),
        codes: vec![
            CodeColumn::U8(units.iter().map(|unit| unit.2[0]).collect()),
            CodeColumn::U16(units.iter().map(|unit| u16::from(unit.2[1])).collect()),
        ],
        shapes: vec![shape("age"), shape("device")],
        metrics: (0..2).map(|metric| units.iter().map(|unit| unit.3[metric]).collect()).collect(),
    })
    .unwrap()
}

/// A root split on the first tag; its left child split on the second.
fn two_splits() -> Routing {
    let mut routing = Routing::root();
    let (left, _) = routing.split(0, 0, [0, 1, 2].into_iter().collect()).unwrap();
    routing.split(left, 1, [1, 4].into_iter().collect()).unwrap();
    routing
}

fn pass(nodes: Vec<NodeIndex>) -> Pass {
    let (routing, buckets) = (two_splits(), BucketSet::all());
    Pass { trees: vec![TreePass { routing, buckets, weights: None, within: None, nodes, columns: vec![1, 0] }] }
}

fn run(units: &[Unit], pass: &Pass) -> Histograms {
    answer(&columns(units), pass, &AtomicBool::new(false)).unwrap()
}

fn cells(units: &[Unit], grouping: Grouping) -> CellStatistics {
    cell_statistics(&columns(units), &[grouping], &AtomicBool::new(false)).unwrap().remove(0)
}

/// The table of the units that a rule selects, counted one by one.
fn counted(units: &[Unit], selects: impl Fn(&Unit) -> bool) -> ArmTable {
    let mut table = ArmTable::new(3, 2);
    for unit in units.iter().filter(|unit| selects(unit)) {
        let arm = usize::from(unit.0);
        table.units[arm] += 1;
        for metric in 0..2 {
            if unit.3[metric] != ABSENT {
                table.moments[arm * 2 + metric].push(unit.3[metric]);
            }
        }
    }
    table
}

proptest! {
    #[test]
    fn a_node_is_what_counting_its_units_gives(units in any_units()) {
        let histograms = run(&units, &pass(vec![0, 3]));
        let [root, leaf] = histograms.trees[0].as_slice() else { panic!("two nodes were asked for") };
        prop_assert_eq!(&root.totals, &counted(&units, |_| true));
        let in_leaf = |unit: &Unit| unit.2[0] <= 2 && [1, 4].contains(&unit.2[1]);
        prop_assert_eq!(&leaf.totals, &counted(&units, in_leaf));
        for code in 0..CODES {
            let expected = counted(&units, |unit| in_leaf(unit) && usize::from(unit.2[0]) == code);
            prop_assert_eq!(leaf.columns[1].cells().nth(code), Some(expected.cell()));
        }
    }

    #[test]
    fn strata_have_arms_of_their_own(units in any_units()) {
        let asked = pass(vec![0, 3]);
        let trees = asked.trees.iter().map(|tree| TreePass { within: Some(1), ..tree.clone() }).collect();
        let counted_by_code = |units: &[Unit], selects: &dyn Fn(&Unit) -> bool| {
            let mut table = ArmTable::new(0, 0);
            for stratum in 0..CODES {
                let own = counted(units, |unit| selects(unit) && usize::from(unit.2[1]) == stratum);
                table.units.extend(own.units);
                table.moments.extend(own.moments);
            }
            table
        };
        let histograms = run(&units, &Pass { trees });
        let [root, leaf] = histograms.trees[0].as_slice() else { panic!("two nodes were asked for") };
        prop_assert_eq!(&root.totals, &counted_by_code(&units, &|_| true));
        let in_leaf = |unit: &Unit| unit.2[0] <= 2 && [1, 4].contains(&unit.2[1]);
        for code in 0..CODES {
            let expected = counted_by_code(&units, &|unit| in_leaf(unit) && usize::from(unit.2[0]) == code);
            prop_assert_eq!(leaf.columns[1].cells().nth(code), Some(expected.cell()));
        }
    }

    #[test]
    fn a_tree_among_others_is_told_what_it_would_be_alone(
        units in any_units(),
        steps in prop::collection::vec((1_usize..4, 0_usize..1024, any::<bool>()), 1..6),
    ) {
        let tree = |(step, from, splits): (usize, usize, bool)| TreePass {
            routing: if splits { two_splits() } else { Routing::root() },
            buckets: (0..1024).skip(from).step_by(step).collect(),
            within: (from % 5 > 2).then_some(1),
            weights: (from % 3 > 0).then(|| BucketWeights::from_fn(|bucket| (bucket % 4) as u8)),
            nodes: if splits { vec![4, 0, 1] } else { vec![0] },
            columns: vec![0],
        };
        let trees: Vec<TreePass> = steps.into_iter().map(tree).collect();
        let together = run(&units, &Pass { trees: trees.clone() });
        for (tree, told) in trees.into_iter().zip(together.trees) {
            prop_assert_eq!(run(&units, &Pass { trees: vec![tree] }).trees.remove(0), told);
        }
    }

    #[test]
    fn a_bucket_of_some_weight_counts_as_its_rows_repeated(units in any_units(), weights in prop::collection::vec(0..22_u8, 1024)) {
        let repeated: Vec<Unit> =
            units.iter().flat_map(|unit| std::iter::repeat_n(*unit, weights[usize::from(unit.1)].into())).collect();
        for columns in [vec![1, 0], vec![]] {
            let mut weighted = pass(vec![0, 1, 2, 3]);
            weighted.trees[0].columns = columns.clone();
            let mut plain = weighted.clone();
            weighted.trees[0].weights = Some(BucketWeights::from_fn(|bucket| weights[usize::from(bucket)]));
            plain.trees[0].columns = columns;
            prop_assert_eq!(run(&units, &weighted), run(&repeated, &plain));
        }
    }

    #[test]
    fn the_order_of_units_changes_nothing(units in any_units().prop_flat_map(|units| (Just(units.clone()), Just(units).prop_shuffle()))) {
        let (units, shuffled) = units;
        prop_assert_eq!(run(&units, &pass(vec![0, 1, 2])), run(&shuffled, &pass(vec![0, 1, 2])));
        let leaves = Grouping::Leaves(two_splits());
        prop_assert_eq!(cells(&units, leaves.clone()), cells(&shuffled, leaves));
    }

    #[test]
    fn a_parent_without_one_child_is_the_other(units in any_units()) {
        let histograms = run(&units, &pass(vec![0, 1, 2]));
        let [root, left, right] = histograms.trees[0].as_slice() else { panic!("three nodes were asked for") };
        prop_assert_eq!(&root.totals.without(&left.totals), &right.totals);
        for (column, counted) in root.columns.iter().enumerate() {
            prop_assert_eq!(&counted.without(&right.columns[column]), &left.columns[column]);
        }
    }

    #[test]
    fn cells_are_leaves_and_sum_to_everybody(units in any_units()) {
        let buckets: BucketSet = (0..1024).step_by(3).collect();
        let leaves = cells(&units, Grouping::Leaves(two_splits()));
        prop_assert_eq!((leaves.cells, leaves.tables.len()), (3, 3 * 1024));
        let mut request = pass(vec![2, 3, 4]);
        request.trees[0].buckets = buckets.clone();
        for (cell, node) in run(&units, &request).trees[0].iter().enumerate() {
            prop_assert_eq!(&leaves.sum(cell, &buckets), &node.totals);
        }
        let everybody = cells(&units, Grouping::Everybody);
        prop_assert_eq!(everybody.sum(0, &buckets), leaves.pooled(&buckets));
        prop_assert_eq!(leaves.pooled(&buckets).without(&leaves.sum(1, &buckets)), leaves.rest(1, &buckets));
    }

    #[test]
    fn the_answers_of_any_parts_add_up_to_that_of_the_whole(units in any_units(), cuts in prop::collection::vec(0..1024_u16, 0..4)) {
        let parts: Vec<Vec<Unit>> = (0..=cuts.len())
            .map(|part| {
                let of_part = |unit: &&Unit| cuts.iter().filter(|cut| unit.1 >= **cut).count() == part;
                units.iter().filter(of_part).copied().collect()
            })
            .collect();
        let (pass, leaves) = (pass(vec![0, 1, 3]), Grouping::Leaves(two_splits()));
        let (mut histograms, mut statistics) = (run(&parts[0], &pass), cells(&parts[0], leaves.clone()));
        for part in &parts[1..] {
            histograms.add(&run(part, &pass));
            statistics.add(&cells(part, leaves.clone()));
        }
        prop_assert_eq!(histograms, run(&units, &pass));
        prop_assert_eq!(statistics, cells(&units, leaves));
    }

    #[test]
    fn units_beyond_the_codes_are_in_no_cell(units in any_units()) {
        let two: Code = 2;
        let statistics = cells(&units, Grouping::Codes { column: 1, codes: two });
        prop_assert_eq!(statistics.pooled(&BucketSet::all()), counted(&units, |unit| unit.2[1] < 2));
    }
}

#[test]
fn a_pass_that_does_not_fit_is_refused() {
    let units = columns(&[]);
    let refused = |change: fn(&mut TreePass)| {
        let mut pass = pass(vec![0]);
        change(&mut pass.trees[0]);
        answer(&units, &pass, &AtomicBool::new(false)).unwrap_err().to_string()
    };
    let messages = [
        refused(|tree| tree.columns.push(2)),
        refused(|tree| tree.nodes.push(5)),
        refused(|tree| tree.nodes.push(0)),
        refused(|tree| {
            tree.routing.split(2, 9, [0].into_iter().collect());
        }),
    ];
    insta::assert_snapshot!(messages.join("\n"), @r"
    the pass names tag column 2; the units have 2
    the pass names node 5 of a tree of 5 nodes
    the pass names node 0 twice; ask for each node once
    the pass names tag column 9; the units have 2
    ");
}

#[test]
fn more_units_than_cells_hold_at_once_are_counted_in_parts() {
    let many: Vec<Unit> = (0..300_000_i64).map(|unit| (1, 5, [(unit % 5) as u8, 3], [unit % 7, -unit])).collect();
    let expected = counted(&many, |_| true);
    let histograms = run(&many, &pass(vec![0, 2]));
    assert_eq!(histograms.trees[0][0].totals, expected);
    assert_eq!(histograms.trees[0][0].columns[0].cells().nth(3), Some(expected.cell()));
    assert_eq!(histograms.trees[0][1].totals, counted(&many, |unit| unit.2[0] > 2));
    assert_eq!(cells(&many, Grouping::Everybody).sum(0, &BucketSet::all()), expected);
}

#[test]
fn a_raised_flag_cancels() {
    let units = columns(&[(0, 0, [0, 0], [1, 1])]);
    assert_eq!(answer(&units, &pass(vec![0]), &AtomicBool::new(true)), Err(PassError::Cancelled));
    assert_eq!(cell_statistics(&units, &[Grouping::Everybody], &AtomicBool::new(true)), Err(PassError::Cancelled));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let units: Vec<Unit> = (0..3000_u32)
        .map(|unit| {
            ((unit % 3) as u8, (unit * 7 % 1024) as u16, [(unit % 5) as u8, (unit / 5 % 5) as u8], [i64::from(unit), 1])
        })
        .collect();
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| (run(&units, &pass(vec![0, 3, 4])), cells(&units, Grouping::Leaves(two_splits()))))
    };
    assert_eq!(with_threads(1), with_threads(2));
}
