use proptest::prelude::*;

use super::*;
use crate::fixture;
use crate::results::Results;
use crate::withhold::SmallestCell;

/// The challenge's table of `womens` with so many units in each of its levels and arms, of whom so many lack the metric.
fn with_levels(levels: &[([u64; 3], u64)]) -> Results {
    let mut results = fixture::hillstrom();
    let template = results.tag_tables[1].levels[0].clone();
    let level = |(place, (arms, missing)): (usize, &([u64; 3], u64))| {
        let mut level = template.clone();
        level.name = format!("womens.{}", place + 1);
        level.units = Some(arms.iter().sum());
        for row in &mut level.effects {
            let treated = if row.variant == fixture::MENS { arms[1] } else { arms[2] };
            (row.n_control, row.n_variant) = (Some(arms[0].saturating_sub(*missing)), Some(treated));
        }
        level
    };
    results.tag_tables[1].levels = levels.iter().enumerate().map(level).collect();
    results.tag_tables.remove(0);
    results
}

fn shown(smallest: u64, results: &Results) -> Results {
    SmallestCell::new(smallest).unwrap().apply(results.clone()).unwrap()
}

/// The units of each level that are told.
fn units(results: &Results) -> Vec<Option<u64>> {
    results.tag_tables[0].levels.iter().map(|level| level.units).collect()
}

#[test]
fn a_small_level_takes_the_next_smallest_with_it() {
    let results = with_levels(&[([900; 3], 0), ([9, 300, 300], 0), ([400; 3], 0), ([500; 3], 0)]);
    let found = shown(50, &results);
    assert_eq!(units(&found), [Some(2_700), None, None, Some(1_500)]);
    for row in &found.tag_tables[0].levels[1].effects {
        assert_eq!((row.estimate, row.p_value, row.n_control, row.mean_control), (None, None, None, None));
        assert_eq!(row.not_estimable.as_deref(), Some("withheld: fewer than 50 units, or it would tell of so few"));
    }
    assert_eq!(found.tag_tables[0].levels[0], results.tag_tables[0].levels[0]);
    assert!(found.withheld.unwrap().sentence().contains("2 levels of tags"));
}

#[test]
fn small_levels_that_are_few_together_take_more_with_them() {
    let results = with_levels(&[([900; 3], 0), ([3; 3], 0), ([4; 3], 0), ([600; 3], 0)]);
    assert_eq!(units(&shown(50, &results)), [Some(2_700), None, None, None]);
}

#[test]
fn where_few_have_no_value_numbers_go_and_estimates_stay() {
    let results = with_levels(&[([900; 3], 7), ([800; 3], 0)]);
    let found = shown(50, &results);
    for level in &found.tag_tables[0].levels {
        assert!(level.effects.iter().all(|row| row.n_control.is_none() && row.n_variant.is_none()));
        assert!(level.units.is_some() && level.effects.iter().all(|row| row.estimate.is_some()));
    }
}

#[test]
fn a_cohort_that_is_withheld_has_no_shrunken_effect() {
    let mut results = fixture::hillstrom();
    for cohort in &mut results.partition.as_mut().unwrap().cohorts {
        let few = ["3", "4"].contains(&cohort.name.as_str());
        cohort.sizes.iter_mut().filter(|_| few).for_each(|size| size.units = Some(7));
    }
    let found = shown(50, &results);
    for shrunken in found.shrunken_effects.iter().flat_map(|shrunken| &shrunken.cohorts) {
        let hidden = ["3", "4"].contains(&shrunken.cohort.as_str());
        assert_eq!((shrunken.estimate.is_none(), shrunken.best.is_none()), (hidden, hidden), "{shrunken:?}");
    }
    assert_eq!(found.cohort_scatter, results.cohort_scatter, "what is said of all together stays");
}

fn level() -> impl Strategy<Value = ([u64; 3], u64)> {
    let count = || prop_oneof![0_u64..30, 0_u64..400];
    (prop::array::uniform3(count()), prop_oneof![Just(0), 0_u64..20])
}

proptest! {
    #[test]
    fn no_number_of_a_level_and_no_difference_from_everybody_is_about_too_few(
        levels in prop::collection::vec(level(), 1..7), smallest in 2_u64..60,
    ) {
        let cell = SmallestCell::new(smallest).unwrap();
        let results = with_levels(&levels);
        let found = shown(smallest, &results);
        let table = &found.tag_tables[0];
        let is_shown = |place: &usize| table.levels[*place].units.is_some();
        let hidden: Vec<usize> = (0..levels.len()).filter(|place| !is_shown(place)).collect();
        prop_assert!(hidden.len() != 1 || levels.len() == 1);
        for arm in 0..3 {
            // Numbers of units are told of those that have a value of the metric.
            let told = |(arms, missing): ([u64; 3], u64)| arms[arm].saturating_sub(if arm == 0 { missing } else { 0 });
            let rest: u64 = hidden.iter().map(|place| told(levels[*place])).sum();
            prop_assert!(hidden.len() == levels.len() || !cell.hides(rest));
        }
        for (place, level) in table.levels.iter().enumerate() {
            let (arms, missing) = levels[place];
            prop_assert!(level.units.is_none_or(|units| !cell.hides(units) && units == arms.iter().sum::<u64>()));
            for row in &level.effects {
                prop_assert!(numbers(row).all(|n| !cell.hides(n)));
                let told = row.n_control.is_some() && level.units.is_some();
                prop_assert!(!told || !cell.hides(missing.min(arms[0])), "{} lack the metric", missing);
            }
        }
        prop_assert_eq!(shown(smallest, &found).tag_tables, found.tag_tables, "nothing is left to withhold");
    }

    #[test]
    fn large_tables_stay_as_they_are(levels in prop::collection::vec(prop::array::uniform3(60_u64..900), 1..6)) {
        let levels: Vec<_> = levels.into_iter().map(|arms| (arms, 0)).collect();
        let results = with_levels(&levels);
        prop_assert_eq!(shown(60, &results).tag_tables, results.tag_tables);
    }
}
