use proptest::prelude::*;

use super::*;
use crate::grid::MAX_GRID_VALUE;

/// The cell of units of one metric, each counted so many times.
fn cell(packing: &Packing, values: &[i64], times: u64) -> Vec<u64> {
    let mut cell = vec![0; packing.words()];
    for value in values {
        let mut record = vec![0; packing.words()];
        packing.pack(0, &[*value], &mut record);
        packing.pack_units(&mut record);
        cell.iter_mut().zip(record).for_each(|(sum, word)| *sum += times * word);
    }
    cell
}

fn moments(packing: &Packing, cell: &[u64]) -> Moments {
    packing.moments(cell).next().unwrap()
}

fn packing(metrics: &[Vec<i64>]) -> Packing {
    Packing::of(&metrics.iter().map(|values| MetricRange::of(values)).collect::<Vec<_>>())
}

fn words(metrics: &[Vec<i64>]) -> usize {
    packing(metrics).words()
}

fn any_values() -> impl Strategy<Value = Vec<i64>> {
    let ends = prop_oneof![Just(-MAX_GRID_VALUE), Just(-1), Just(0), Just(1), Just(MAX_GRID_VALUE)];
    let range = prop_oneof![Just(1_i64), Just(1000), Just(1 << 23), Just(1 << 24), Just(MAX_GRID_VALUE)];
    (range, ends).prop_flat_map(|(range, end)| {
        prop::collection::vec(prop_oneof![3 => -range..=range, 1 => Just(end), 1 => Just(ABSENT)], 0..12)
    })
}

proptest! {
    #[test]
    fn what_is_packed_and_added_is_the_moments_of_the_values(values in any_values()) {
        let packing = packing(std::slice::from_ref(&values));
        let cell = cell(&packing, &values, 1);
        let expected: Moments = values.iter().copied().filter(|value| *value != ABSENT).collect();
        prop_assert_eq!(packing.units(&cell), values.len() as u64);
        prop_assert_eq!(moments(&packing, &cell), expected);
    }

    #[test]
    fn a_full_cell_does_not_overflow(values in any_values().prop_filter("units", |values| !values.is_empty())) {
        let packing = packing(std::slice::from_ref(&values));
        let largest = values.iter().copied().max_by_key(|value| (*value != ABSENT, *value)).unwrap();
        for value in [values[0], largest] {
            let cell = cell(&packing, &[value], CAPACITY as u64);
            let full = if value == ABSENT { Moments::default() } else { Moments::repeated(value, CAPACITY as u64) };
            prop_assert_eq!(packing.units(&cell), CAPACITY as u64);
            prop_assert_eq!(moments(&packing, &cell), full);
        }
    }
}

#[test]
fn a_record_is_as_small_as_its_metrics_allow() {
    assert_eq!(words(&[]), 1);
    let visit = vec![0, 1, 1];
    assert_eq!(words(&[visit.clone(), visit.clone()]), 1, "two proportions beside the number of units");
    assert_eq!(words(&[vec![0, 1, ABSENT], visit]), 2, "a missing value costs a field");
    assert_eq!(words(&[vec![0, 3, 20]]), 2, "orders of at most 20");
    assert_eq!(words(&[vec![0, 999, 1 << 20]]), 3, "spend up to 10,485.76 in cents");
    assert_eq!(words(&[vec![-MAX_GRID_VALUE, 0, MAX_GRID_VALUE]]), 4, "the widest metric");
    let wide = vec![-(1 << 20), 0, 1 << 20];
    assert_eq!(words(&vec![wide; 5]), 11, "five metrics of the range of a search grid");
}
