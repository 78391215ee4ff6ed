use super::*;

fn slicing(slices: &[&[Code]]) -> Slicing {
    let slice = |codes: &&[Code]| Slice { name: String::new(), codes: codes.iter().copied().collect() };
    Slicing { by: SlicedBy::Week, column: 1, slices: slices.iter().map(slice).collect() }
}

fn names(bins: &TagBins, units: &[u64]) -> Vec<String> {
    slices_of(bins, units).into_iter().map(|slice| slice.name).collect()
}

/// Whether units of every tag and week are in the cell of their leaf and slice, whichever slices are counted together.
fn holds(slices: usize, stretch: usize, leaves_cut: usize) {
    let codes: Vec<Vec<Code>> = (0..slices as Code).map(|code| vec![code]).collect();
    let slicing = slicing(&codes.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let mut tree = Routing::root();
    tree.split(0, 0, [0].into_iter().collect());
    let leaves: Vec<NodeIndex> = tree.leaves().take(leaves_cut).collect();
    for first in (0..slices).step_by(stretch) {
        let range = first..slices.min(first + stretch);
        let cut = slicing.cut(&tree, &leaves, range.clone());
        for (leaf, week) in (0..2).flat_map(|leaf| (0..slices).map(move |week| (leaf, week))) {
            let node = cut.routing.leaf(|column| [leaf, week][column] as Code);
            let cell = cut.routing.leaves().position(|leaf| leaf == node).unwrap();
            let place = range.clone().position(|slice| slice == week).unwrap_or(range.len());
            let expected = (leaf < leaves_cut).then_some(cell);
            assert_eq!(
                cut.cells.get(leaf).map(|cells| cells[place]),
                expected,
                "{leaf}, {week} of {slices} in {range:?}"
            );
        }
        assert_eq!(cut.routing.check(2), Ok(()));
    }
}

#[test]
fn whoever_is_in_a_slice_of_a_leaf_is_in_its_cell() {
    for slices in 2..9 {
        for stretch in 1..=slices {
            holds(slices, stretch, 1);
            holds(slices, stretch, 2);
        }
    }
}

#[test]
fn numbers_are_cut_into_quarters_and_missing_ones_stay_apart() {
    let kind = BinKind::Numeric { edges: (1..=8).map(f64::from).collect(), exact: true };
    let age = TagBins { name: "age".into(), kind, has_missing: true };
    let cut = names(&age, &[10, 10, 10, 10, 10, 10, 10, 10, 5]);
    assert_eq!(
        cut,
        ["age up to 2", "age above 2 and up to 4", "age above 4 and up to 6", "age above 6", "age is unknown"]
    );
    assert_eq!(
        parts(&[60, 10, 10, 20]).iter().map(|part| part.iter().collect()).collect::<Vec<Vec<Code>>>(),
        [vec![0], vec![1], vec![2, 3]]
    );
    assert_eq!((parts(&[0, 0]).len(), parts(&[]).len()), (1, 0));
}

#[test]
fn rare_levels_share_a_slice() {
    let levels: Vec<String> = (0..14).map(|level| format!("l{level:02}")).collect();
    let city = TagBins { name: "city".into(), kind: BinKind::Categorical { levels, other: true }, has_missing: false };
    // Levels 3 and 9 are the rarest; the last code holds levels that were not kept.
    let units: Vec<u64> = (0..15).map(|code| if code == 3 || code == 9 { 1 } else { 50 }).collect();
    let slices = slices_of(&city, &units);
    assert_eq!(slices.len(), 13);
    assert_eq!((slices[3].name.as_str(), slices[12].name.as_str()), ("city is l04", "city is a rarer level"));
    assert_eq!(slices[12].codes.iter().collect::<Vec<_>>(), [3, 9, 14]);
}
