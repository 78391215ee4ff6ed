use super::rows::{flawed, instants, integers, numbers, outcomes, tags, units, words};

#[test]
fn the_table_from_the_description_is_the_one_from_the_rows() {
    let population = flawed(20_000, 21);
    let table = population.unit_table(0..u64::MAX).expect("a table");
    let from_rows = units(&population);
    assert_eq!(table.num_rows(), from_rows.len());
    let (ids, arms) = (integers(&table, "unit"), words(&table, "arm"));
    let (first, known) = (instants(&table, "first_exposure"), tags(&table));
    for (row, id) in ids.iter().enumerate() {
        let expected = &from_rows[&id.expect("a unit")];
        assert_eq!(arms[row].as_ref(), Some(&expected.variant));
        assert_eq!(first[row], expected.first_exposure);
        assert_eq!(known[row], expected.tags);
    }
    for (fact, [count, any, sum]) in
        [["orders", "conversion", "revenue"], ["visits", "visited", "time_on_site"]].into_iter().enumerate()
    {
        let expected = outcomes(&population, fact, &from_rows);
        let (counts, anys, sums) = (integers(&table, count), integers(&table, any), numbers(&table, sum));
        for (row, id) in ids.iter().enumerate() {
            let [any, count, sum] = expected[&id.expect("a unit")];
            assert_eq!((anys[row], counts[row]), (Some(any as i64), Some(count as i64)));
            assert!((sums[row].expect("a sum") - sum).abs() < 1e-9);
        }
    }
}

#[test]
fn a_part_of_the_table_is_what_the_whole_has_there() {
    let population = flawed(1_000, 21);
    let whole = population.unit_table(0..1_000).expect("a table");
    let parts = [0..400, 400..1_000].map(|part| population.unit_table(part).expect("a table"));
    assert_eq!(arrow::compute::concat_batches(&whole.schema(), &parts).expect("one schema"), whole);
}
