use whom_report::{Estimand, RankedTag, TagRole};

use super::*;
use crate::fixture::{Experiment, LETTER, Person, SMALL_TREES};
use crate::rows::exploratory;

/// The tables and rankings of an experiment.
async fn look(experiment: &Experiment) -> (Vec<TagTable>, Vec<TagRanking>) {
    let study = experiment.study();
    let look = FirstLook::count(&study).await.unwrap();
    (look.tables(&study, exploratory(look.drafts(&study), &[]).0), look.rankings(&study))
}

async fn tables(change: impl Fn(Person) -> Person) -> Vec<TagTable> {
    look(&Experiment::with(SMALL_TREES, change)).await.0
}

async fn rankings(change: impl Fn(Person) -> Person) -> Vec<TagRanking> {
    look(&Experiment::with(SMALL_TREES, change)).await.1
}

fn rows(tables: &[TagTable], estimand: Estimand) -> Vec<&EffectRow> {
    let levels = tables.iter().flat_map(|table| &table.levels);
    levels.flat_map(|level| &level.effects).filter(|row| row.estimand == estimand && row.variant == "letter").collect()
}

/// The tag of the letter's ranking.
fn ranked<'a>(rankings: &'a [TagRanking], tag: &str) -> &'a RankedTag {
    let letter = rankings.iter().find(|ranking| ranking.variant == "letter").unwrap();
    letter.tags.iter().find(|ranked| ranked.tag == tag).unwrap()
}

#[tokio::test]
async fn a_level_holds_the_people_that_its_rule_names() {
    let experiment = Experiment::new();
    let (tables, _) = look(&experiment).await;
    let [age, city] = tables.as_slice() else { panic!("{tables:?}") };
    assert_eq!((age.tag.as_str(), city.tag.as_str(), age.protected), ("age", "city", false));
    let ages = [Some(0.0), Some(1.0), Some(2.0), Some(3.0), None];
    assert_eq!((age.levels.len(), city.levels.len()), (ages.len(), 3));
    for (level, age) in age.levels.iter().zip(ages) {
        let of_arm = |arm| experiment.people.iter().filter(move |person| person.arm == arm && person.age == age);
        let mean = |arm| of_arm(arm).map(|person| person.buys).sum::<i64>() as f64 / of_arm(arm).count() as f64;
        let row = level.effects.iter().find(|row| row.variant == "letter").unwrap();
        let units = [row.n_control, row.n_variant].map(|units| units.unwrap() as usize);
        assert_eq!(units, [of_arm(0).count(), of_arm(LETTER).count()]);
        assert_eq!((row.mean_control, row.mean_variant), (Some(mean(0)), Some(mean(LETTER))));
        let is_estimated = row.estimate.is_some_and(|estimate| (estimate - (mean(LETTER) - mean(0))).abs() < 1e-12);
        assert!(is_estimated || age.is_none() && row.not_estimable.is_some(), "{level:?}");
        assert_eq!(level.units.unwrap() as usize, experiment.people.iter().filter(|person| person.age == age).count());
    }
    for table in &tables {
        assert_eq!(table.levels.iter().filter_map(|level| level.units).sum::<u64>(), experiment.people.len() as u64);
        assert!((table.levels.iter().filter_map(|level| level.share).sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[tokio::test]
async fn a_protected_tag_is_looked_at_like_any_other_and_says_so() {
    let (open, _) = look(&Experiment::new()).await;
    let (protected, rankings) = look(&Experiment::with_protected_city()).await;
    assert_eq!(protected.iter().map(|table| table.protected).collect::<Vec<_>>(), [false, true]);
    assert_eq!(protected[1].levels, open[1].levels);
    assert_eq!(ranked(&rankings, "city").absolute.groups, 3);
}

#[tokio::test]
async fn rows_are_exploratory_and_about_primary_metrics() {
    let tables = tables(|person| person).await;
    for level in tables.iter().flat_map(|table| &table.levels) {
        let told: Vec<String> =
            level.effects.iter().map(|row| format!("{} {} {}", row.metric, row.variant, row.estimand)).collect();
        assert_eq!(told, ["buys call effect", "buys call lift", "buys letter effect", "buys letter lift"]);
        assert!(level.effects.iter().all(|row| row.cohort == level.name));
        assert!(level.effects.iter().all(|row| row.evidence == Evidence::Exploratory));
        assert!(level.effects.iter().all(|row| row.family == Family::Exploratory));
        let mut lifts = level.effects.iter().zip(level.effects.iter().skip(1)).step_by(2);
        assert!(lifts.all(|(effect, lift)| effect.p_value_adjusted == lift.p_value_adjusted));
    }
}

#[tokio::test]
async fn a_shift_of_the_metric_changes_no_effect() {
    let (before, after) =
        (tables(|person| person).await, tables(|person| Person { buys: person.buys + 40, ..person }).await);
    let effects =
        |tables: &[TagTable]| rows(tables, Estimand::Effect).iter().map(|row| row.estimate).collect::<Vec<_>>();
    let errors = |tables: &[TagTable]| rows(tables, Estimand::Effect).iter().map(|row| row.std_err).collect::<Vec<_>>();
    assert_eq!((effects(&before), errors(&before)), (effects(&after), errors(&after)));
}

#[tokio::test]
async fn swapping_the_arms_flips_the_sign() {
    let swapped = |person: Person| Person { arm: LETTER - person.arm, ..person };
    let (before, after) = (tables(|person| person).await, tables(swapped).await);
    for (before, after) in rows(&before, Estimand::Effect).into_iter().zip(rows(&after, Estimand::Effect)) {
        assert_eq!((after.estimate, after.std_err), (before.estimate.map(|value| -value), before.std_err));
        assert_eq!((after.n_control, after.n_variant), (before.n_variant, before.n_control));
    }
    let (before, after) = (rankings(|person| person).await, rankings(swapped).await);
    let (before, after) = (ranked(&before, "age"), ranked(&after, "age"));
    assert_eq!(before.modifying, after.modifying);
    let close = |one: Option<f64>, other: Option<f64>| (one.unwrap() / other.unwrap() - 1.0).abs() < 1e-9;
    assert!(close(before.absolute.cochran_q, after.absolute.cochran_q), "{before:?}, {after:?}");
    assert!(close(before.relative.cochran_q, after.relative.cochran_q), "{before:?}, {after:?}");
}

#[tokio::test]
async fn no_outcome_moves_a_level() {
    let of = |tables: Vec<TagTable>| {
        let levels = tables.into_iter().flat_map(|table| table.levels);
        levels.map(|level| (level.name, level.condition, level.units)).collect::<Vec<_>>()
    };
    let moved = |person: Person| Person { buys: i64::from(person.age == Some(3.0)) * 9, ..person };
    assert_eq!(of(tables(|person| person).await), of(tables(moved).await));
}

#[tokio::test]
async fn units_on_disk_give_the_same_tables() {
    let (memory, disk) = (Experiment::new(), Experiment::on_disk());
    assert!(!memory.study().units.source.is_streamed() && disk.study().units.source.is_streamed());
    assert_eq!(look(&memory).await, look(&disk).await);
}

#[tokio::test]
async fn the_tag_that_changes_the_effect_leads() {
    let rankings = rankings(|person| person).await;
    let letter = rankings.iter().find(|ranking| ranking.variant == "letter").unwrap();
    assert_eq!(letter.tags.iter().map(|tag| tag.tag.as_str()).collect::<Vec<_>>(), ["age", "city"]);
    let age = ranked(&rankings, "age");
    assert_eq!(age.role, TagRole::EffectModifying, "nobody buys more by age without a letter: {age:?}");
    assert!((age.modifying.unwrap() - 0.15).abs() < 0.03, "half of .3 between ages below and from 2: {age:?}");
    assert_eq!(ranked(&rankings, "city").role, TagRole::Neither);
    let call = rankings.iter().find(|ranking| ranking.variant == "call").unwrap();
    assert!(call.tags.iter().all(|tag| tag.role == TagRole::Neither), "{call:?}");
}

#[tokio::test]
async fn a_tag_of_one_level_is_not_tested_and_comes_last() {
    let rankings = rankings(|person| Person { city: "north", ..person }).await;
    let city = ranked(&rankings, "city");
    assert_eq!(
        (city.absolute.groups, city.absolute.left_out, city.absolute.p_value, city.modifying),
        (0, 1, None, None)
    );
    assert_eq!(city.absolute.not_estimable.as_deref(), Some("fewer than two groups hold enough units"));
    assert!(rankings.iter().all(|ranking| ranking.tags.last().is_some_and(|tag| tag.tag == "city")));
    let age = ranked(&rankings, "age");
    assert_eq!(age.absolute.p_value_adjusted, age.absolute.p_value, "one tag was tested, and corrected for itself");
}

#[tokio::test]
async fn a_level_without_an_arm_says_so_and_takes_no_part() {
    let change = |person: Person| Person { city: if person.arm == 0 { person.city } else { "north" }, ..person };
    let (tables, rankings) = look(&Experiment::with(SMALL_TREES, change)).await;
    let south = &tables[1].levels[1];
    assert_eq!((south.name.as_str(), south.effects[0].n_variant), ("city.2", Some(0)));
    assert_eq!(south.effects[0].not_estimable.as_deref(), Some("an arm has no unit with a value"));
    assert_eq!((south.effects[0].estimate, south.effects[0].p_value_adjusted), (None, None));
    let city = ranked(&rankings, "city");
    assert_eq!((city.absolute.groups, city.absolute.left_out), (0, 3), "north alone has both arms");
}

#[tokio::test]
async fn a_level_of_few_units_is_unreliable_and_weighs_nothing() {
    let few = |person: Person| Person { city: if person.bucket < 8 { "east" } else { person.city }, ..person };
    let (tables, rankings) = look(&Experiment::with(SMALL_TREES, few)).await;
    let east = &tables[1].levels[0].effects[0];
    assert!(east.unreliable.is_some() && east.estimate.is_some(), "{east:?}");
    let city = ranked(&rankings, "city");
    assert_eq!((city.absolute.groups, city.absolute.left_out), (3, 1));
}

#[tokio::test]
async fn a_metric_that_does_not_vary_has_a_reason_everywhere() {
    let (tables, rankings) = look(&Experiment::with(SMALL_TREES, |person| Person { buys: 0, ..person })).await;
    for row in tables.iter().flat_map(|table| &table.levels).flat_map(|level| &level.effects) {
        assert_eq!((row.estimate, row.not_estimable.as_deref()), (None, Some("the values do not vary")));
    }
    for tag in rankings.iter().flat_map(|ranking| &ranking.tags) {
        assert_eq!((tag.modifying, tag.prognostic, tag.absolute.p_value), (None, None, None));
        assert!(tag.absolute.not_estimable.is_some() && tag.relative.not_estimable.is_some());
    }
}
