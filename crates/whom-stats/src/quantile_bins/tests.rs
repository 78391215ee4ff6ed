use proptest::prelude::*;

use super::*;

/// What the documentation says, by sorting.
fn by_sorting(values: &[f64], most: usize) -> QuantileBins {
    let mut sorted: Vec<f64> = values.iter().map(|value| value + 0.0).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.get(values.len() / 2).copied().unwrap_or(0.0);
    let mut distinct = sorted.clone();
    distinct.dedup();
    if distinct.len() <= most {
        return QuantileBins { edges: distinct, exact: true, middle };
    }
    let mut edges: Vec<f64> = (1..=most).map(|bin| sorted[(sorted.len() * bin).div_ceil(most) - 1]).collect();
    edges.dedup();
    QuantileBins { edges, exact: false, middle }
}

const SHAPES: usize = 12;

/// Values of many shapes.
fn shaped(shape: usize, row: u64) -> f64 {
    let even = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) as f64 / u64::MAX as f64;
    match shape {
        0 => even - 0.5,
        // Skewed.
        1 => 1.0 / (even + 1e-9),
        // Heaped on the other zero, with the smallest doubles.
        2 if even < 0.6 => -0.0,
        2 => even * 1e-308 - 5e-309,
        // Few, somewhat more, and many that occur several times each.
        3 => (even * 300.0).floor() - 150.0,
        4 => (even * 1_500.0).floor() / 7.0,
        5 => (even * even * 6_000.0).floor(),
        // In order.
        6 => row as f64,
        // Close together, and in several places that are far from each other.
        7 => 1e9 + even,
        8 => (even * 3.0).floor() * 1e6 + (even * 7.0).fract() * 1e-6,
        // What values at equal distances do not tell.
        9 => (row % 8) as f64 * if row.is_multiple_of(3) { 1.0 } else { even },
        10 if row % 4 == 1 => f64::from((row % 1_000) as u32),
        10 => 0.5,
        // Without an end.
        _ if even < 0.1 => f64::NEG_INFINITY,
        _ if even > 0.95 => f64::INFINITY,
        _ => even,
    }
}

#[test]
fn the_edges_are_those_of_all_values_sorted() {
    for shape in 0..SHAPES {
        for rows in [0, 1, 300, 32_767, 32_768, 40_000, 150_000] {
            let values: Vec<f64> = (0..rows).map(|row| shaped(shape, row)).collect();
            for most in [1, 2, 255, 600] {
                let (bins, expected) = (QuantileBins::of(&values, most), by_sorting(&values, most));
                assert_eq!(bins, expected, "shape {shape}, {rows} rows, {most} bins");
            }
        }
    }
}

proptest! {
    #[test]
    fn the_order_of_values_changes_no_edge(rows in 1_u64..100_000, shape in 0..SHAPES, shift in 0_u64..100_000) {
        let values: Vec<f64> = (0..rows).map(|row| shaped(shape, row)).collect();
        let turned: Vec<f64> = (0..rows).map(|row| values[((row + shift) % rows) as usize]).collect();
        prop_assert_eq!(QuantileBins::of(&turned, 255), QuantileBins::of(&values, 255));
    }

    #[test]
    fn numbers_of_32_bits_have_the_bins_that_they_have_as_64_bits(rows in 1_u64..100_000, shape in 0..SHAPES) {
        let values: Vec<f32> = (0..rows).map(|row| shaped(shape, row) as f32).collect();
        let wide: Vec<f64> = values.iter().copied().map(f64::from).collect();
        let bins = QuantileBins::of(&values, 255);
        prop_assert_eq!(&bins, &by_sorting(&wide, 255));
        let (mut codes, mut of_wide) = (Vec::new(), Vec::new());
        BinEdges::new(&bins.edges).encode(&values, &mut codes, |bin| bin);
        BinEdges::new(&bins.edges).encode(&wide, &mut of_wide, |bin| bin);
        prop_assert_eq!(codes, of_wide);
    }

    #[test]
    fn any_numbers_lie_in_the_first_bin_whose_edge_is_not_below_them(
        numbers in prop::collection::vec(any::<f32>(), 0..600), edges in prop::collection::vec(any::<f64>(), 0..300),
    ) {
        let numbers: Vec<f32> = numbers.into_iter().filter(|number| !number.is_nan()).collect();
        // Edges that 32 bits hold, and such that they do not.
        let near = numbers.iter().step_by(3).flat_map(|number| [f64::from(*number), f64::from(*number).next_up()]);
        let mut edges: Vec<f64> = edges.into_iter().chain(near).filter(|edge| edge.is_finite()).collect();
        edges.sort_by(f64::total_cmp);
        edges.dedup();
        let bin = |number: f64| edges.partition_point(|edge| *edge < number);
        let expected: Vec<usize> = numbers.iter().map(|number| bin((*number).into())).collect();
        let wide: Vec<f64> = numbers.iter().copied().map(f64::from).collect();
        let (mut codes, mut of_wide) = (vec![7], vec![7]);
        BinEdges::new(&edges).encode(&numbers, &mut codes, |bin| bin);
        BinEdges::new(&edges).encode(&wide, &mut of_wide, |bin| bin);
        prop_assert_eq!(codes[0], 7);
        prop_assert_eq!(&codes[1..], &expected);
        prop_assert_eq!(&of_wide[1..], &expected);
    }
}

#[test]
fn a_value_lies_in_the_first_bin_whose_edge_is_not_below_it() {
    for edges in [vec![0.0, 1.5, 3.0], (0..1_000).map(f64::from).collect()] {
        let values = [-1.0, -0.0, 0.5, 1.5, 2.0, 3.0, f64::INFINITY];
        let expected: Vec<usize> = values.iter().map(|value| edges.partition_point(|edge| edge < value)).collect();
        let mut codes = Vec::new();
        BinEdges::new(&edges).encode(&values, &mut codes, |bin| bin);
        assert_eq!(codes, expected);
    }
}
