mod predictions;

use whom_report::{ModelCoefficient, ModelTerm};

use super::*;
use crate::fixture::{Experiment, LETTER, Person, SMALL_TREES};

/// The models of people, as a pipeline file would ask for them.
async fn of(asked: &str, change: impl Fn(Person) -> Person) -> (Experiment, Vec<ModelView>) {
    let experiment = Experiment::with(&format!("{SMALL_TREES}\nmodels:\n{asked}"), change);
    let models = models(&experiment.study()).await.unwrap();
    (experiment, models.views)
}

/// The only model of people.
async fn one(asked: &str, change: impl Fn(Person) -> Person) -> (Experiment, ModelView) {
    let (experiment, mut models) = of(&format!("  m: {{ metric: buys, {asked} }}"), change).await;
    assert_eq!(models.len(), 1);
    (experiment, models.remove(0))
}

fn coefficient<'a>(model: &'a ModelView, variant: Option<&str>, tag: Option<&str>) -> &'a ModelCoefficient {
    let is_it = |row: &&ModelCoefficient| {
        row.variant.as_deref() == variant && (row.level.as_deref() == tag || row.tag.as_deref() == tag)
    };
    model.coefficients.iter().find(is_it).unwrap()
}

fn assert_near(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() < 1e-10 * (1.0 + expected.abs()), "{found} is not {expected}");
}

#[tokio::test]
async fn coefficients_of_levels_are_differences_of_means() {
    let (experiment, model) = one("tags: [city]", |person| person).await;
    let mean = |arm: u8, city: &str| {
        let bought = experiment.people.iter().filter(|person| person.arm == arm && person.city == city);
        let bought: Vec<f64> = bought.map(|person| person.buys as f64).collect();
        bought.iter().sum::<f64>() / bought.len() as f64
    };
    let effect = |city| mean(LETTER, city) - mean(0, city);
    assert_near(coefficient(&model, None, None).estimate, mean(0, "north"));
    assert_near(coefficient(&model, Some("letter"), None).estimate, effect("north"));
    assert_near(coefficient(&model, None, Some("south")).estimate, mean(0, "south") - mean(0, "north"));
    assert_near(coefficient(&model, Some("letter"), Some("west")).estimate, effect("west") - effect("north"));
    assert_eq!((model.units, model.left_out, model.coefficients.len()), (Some(6_000), Some(0), 9));
    let west = coefficient(&model, Some("letter"), Some("west"));
    assert_eq!((west.term, west.base.as_deref()), (ModelTerm::Interaction, Some("north")));
    let cells = |arm: u8, city: &str| experiment.people.iter().filter(|p| p.arm == arm && p.city == city).count();
    let fewest = (0..3).flat_map(|arm| ["north", "south", "west"].map(|city| cells(arm, city))).min();
    assert_eq!(model.fewest_units, fewest.map(|units| units as u64));
}

#[tokio::test]
async fn another_base_is_another_zero_and_the_same_model() {
    let (_, first) = one("tags: [city]", |person| person).await;
    let (_, other) = one("tags: [city], base: { city: west }", |person| person).await;
    let west = |model: &ModelView, level| coefficient(model, Some("call"), Some(level)).estimate.unwrap();
    assert_near(Some(west(&other, "north")), -west(&first, "west"));
    assert_eq!(coefficient(&other, None, Some("south")).base.as_deref(), Some("west"));
    assert_near(other.r_squared, first.r_squared.unwrap());
}

/// Rows of 1, arms, the standardised age and its products with the arms, and what was bought: a model as textbooks write it.
fn textbook(people: &[Person]) -> (Vec<Vec<f64>>, Vec<f64>) {
    let known: Vec<(&Person, f64)> = people.iter().filter_map(|person| Some((person, person.age?))).collect();
    let n = known.len() as f64;
    let mean = known.iter().map(|(_, age)| age).sum::<f64>() / n;
    let deviation = (known.iter().map(|(_, age)| (age - mean).powi(2)).sum::<f64>() / n).sqrt();
    let row = |(person, age): &(&Person, f64)| {
        let [call, letter] = [1, LETTER].map(|arm| f64::from(u8::from(person.arm == arm)));
        let z = (age - mean) / deviation;
        vec![1.0, call, letter, z, call * z, letter * z]
    };
    (known.iter().map(row).collect(), known.iter().map(|(person, _)| person.buys as f64).collect())
}

/// The inverse of a small matrix, by Gauss and Jordan.
fn inverse(mut matrix: Vec<Vec<f64>>) -> Vec<Vec<f64>> {
    let size = matrix.len();
    for (place, row) in matrix.iter_mut().enumerate() {
        row.extend((0..size).map(|column| f64::from(u8::from(column == place))));
    }
    for pivot in 0..size {
        let scale = matrix[pivot][pivot];
        matrix[pivot].iter_mut().for_each(|entry| *entry /= scale);
        let of_pivot = matrix[pivot].clone();
        for row in (0..size).filter(|row| *row != pivot) {
            let factor = matrix[row][pivot];
            matrix[row].iter_mut().zip(&of_pivot).for_each(|(entry, of_pivot)| *entry -= factor * of_pivot);
        }
    }
    matrix.into_iter().map(|row| row[size..].to_vec()).collect()
}

fn product(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

#[tokio::test]
async fn a_standardised_number_meets_the_textbook_with_hc3() {
    let (experiment, model) = one("tags: [age], standardise: true, errors: HC3", |person| person).await;
    let (rows, bought) = textbook(&experiment.people);
    let size = rows[0].len();
    let cross = |one: usize, other: usize| rows.iter().map(|row| row[one] * row[other]).sum::<f64>();
    let bread = inverse((0..size).map(|one| (0..size).map(|other| cross(one, other)).collect()).collect());
    let with_outcome: Vec<f64> =
        (0..size).map(|column| rows.iter().zip(&bought).map(|(row, bought)| row[column] * bought).sum()).collect();
    let expected: Vec<f64> = bread.iter().map(|row| product(row, &with_outcome)).collect();
    assert_eq!(model.coefficients.len(), size);
    for (place, found) in model.coefficients.iter().enumerate() {
        assert_near(found.estimate, expected[place]);
        let variance: f64 = rows
            .iter()
            .zip(&bought)
            .map(|(row, bought)| {
                let leverage = product(row, &bread.iter().map(|of| product(of, row)).collect::<Vec<_>>());
                let residual = bought - product(row, &expected);
                (product(&bread[place], row) * residual / (1.0 - leverage)).powi(2)
            })
            .sum();
        assert!((found.std_err.unwrap() / variance.sqrt() - 1.0).abs() < 1e-8, "{found:?}");
        assert_eq!(found.degrees_of_freedom, Some((rows.len() - size) as f64));
    }
    let lacking = experiment.people.iter().filter(|person| person.age.is_none()).count() as u64;
    assert_eq!((model.units, model.left_out), (Some(6_000 - lacking), Some(lacking)));
    assert!(lacking > 100 && coefficient(&model, None, Some("age")).mean.is_some());
}

#[tokio::test]
async fn a_number_as_it_is_says_the_same_per_unit() {
    let (_, z) = one("tags: [age], standardise: true", |person| person).await;
    let (_, raw) = one("tags: [age]", |person| person).await;
    let slope = |model: &ModelView| coefficient(model, Some("letter"), Some("age")).clone();
    let (z, raw) = (slope(&z), slope(&raw));
    assert_near(raw.estimate, z.estimate.unwrap() / z.deviation.unwrap());
    assert!((raw.statistic.unwrap() / z.statistic.unwrap() - 1.0).abs() < 1e-9);
    assert_eq!((raw.mean, raw.deviation), (None, None));
}

#[tokio::test]
async fn a_model_of_some_units_is_that_of_an_experiment_of_them() {
    let (_, south) = one("tags: [age], units: { city: [south, west] }", |person| person).await;
    let (_, others) = one("tags: [age], units: { city: south }", |person| Person {
        city: if person.city == "west" { "south" } else { person.city },
        ..person
    })
    .await;
    assert_eq!(south.coefficients, others.coefficients);
    assert_eq!((south.units, south.of_units_in_words()), (others.units, "city is south or west".to_owned()));
}

#[tokio::test]
async fn a_correction_is_over_the_interactions_of_the_model() {
    let (_, none) = one("tags: [city], correction: none", |person| person).await;
    let (_, all) = one("tags: [city], correction: bonferroni", |person| person).await;
    assert!(none.coefficients.iter().all(|row| row.p_value_adjusted.is_none()));
    for (none, all) in none.coefficients.iter().zip(&all.coefficients) {
        let expected = none.p_value.map(|p| (4.0 * p).min(1.0)).filter(|_| none.term == ModelTerm::Interaction);
        assert_eq!(all.p_value_adjusted, expected);
    }
}

#[tokio::test]
async fn several_models_are_those_of_each_alone() {
    let asked =
        ["tags: [city]", "tags: [age], standardise: true, errors: HC3", "units: { city: moon }", "cluster: city"];
    let lines: Vec<String> =
        asked.iter().enumerate().map(|(place, asked)| format!("  m{place}: {{ metric: buys, {asked} }}")).collect();
    let (_, together) = of(&lines.join("\n"), |person| person).await;
    for (asked, together) in asked.iter().zip(together) {
        let (_, alone) = one(asked, |person| person).await;
        assert_eq!(ModelView { name: "m".to_owned(), ..together }, alone);
    }
}

/// Asserts that a model could not be estimated, for a reason.
fn assert_not_estimable(model: &ModelView, reason: &str) {
    assert!(model.not_estimable.as_ref().is_some_and(|found| found.contains(reason)), "{model:?}");
    let says_why = |row: &ModelCoefficient| row.estimate.is_none() && row.not_estimable == model.not_estimable;
    assert!(model.coefficients.len() >= 3 && model.coefficients.iter().all(says_why));
}

#[tokio::test]
async fn what_cannot_be_estimated_says_why() {
    let (_, nobody) = one("tags: [city], units: { city: moon }", |person| person).await;
    assert_not_estimable(&nobody, "there are no units");
    assert_eq!((nobody.units, nobody.fewest_units), (Some(0), None));
    let (_, base) = one("tags: [city], base: { city: moon }", |person| person).await;
    assert_not_estimable(&base, "no unit of the model has `moon`, the base level of `city`");
    let (_, constant) = one("tags: [city]", |person| Person { buys: 1, ..person }).await;
    assert_not_estimable(&constant, "the values do not vary");
    let (_, no_control) = one("tags: [city]", |person| Person { arm: person.arm.max(1), ..person }).await;
    assert_not_estimable(&no_control, "an arm has no unit");
    let (_, clusters) = one("cluster: city, units: { city: west }", |person| person).await;
    assert_not_estimable(&clusters, "all units are in one cluster");
}

#[tokio::test]
async fn a_handful_of_units_gives_no_errors() {
    let mut reasons = Vec::new();
    for bucket in 0..8 {
        let in_bucket =
            |person: Person| Person { city: if person.bucket == bucket { "moon" } else { "north" }, ..person };
        let (_, few) = one("tags: [age], units: { city: moon }", in_bucket).await;
        assert!(few.units.is_some_and(|units| 0 < units && units < 20));
        reasons.extend(few.not_estimable);
    }
    assert!(reasons.contains(&"there are no more units than coefficients".to_owned()), "{reasons:?}");
}

#[tokio::test]
async fn a_tag_that_does_not_vary_tells_nothing_and_a_missing_arm_leaves_the_others() {
    let (_, one_level) = one("tags: [city]", |person| Person { city: "north", ..person }).await;
    assert_eq!((one_level.coefficients.len(), one_level.not_estimable), (3, None));
    for standardise in [false, true] {
        let asked = format!("tags: [age], standardise: {standardise}");
        let (_, constant) = one(&asked, |person| Person { age: Some(2.0), ..person }).await;
        let age = coefficient(&constant, Some("letter"), Some("age"));
        assert!(age.not_estimable.as_ref().is_some_and(|reason| reason.contains("linear combination")), "{age:?}");
    }
    let (_, no_call) = one("tags: [city]", |person| Person { arm: person.arm / 2 * 2, ..person }).await;
    let [call, letter] = ["call", "letter"].map(|variant| coefficient(&no_call, Some(variant), Some("south")));
    assert!(call.not_estimable.is_some() && letter.estimate.is_some());
}

#[tokio::test]
async fn too_many_levels_are_refused_in_words() {
    let names: Vec<&'static str> = (0..60).map(|number| &*format!("city {number}").leak()).collect();
    let (_, many) =
        one("tags: [city]", |person| Person { city: names[usize::from(person.bucket) % 60], ..person }).await;
    assert_not_estimable(&many, "coefficients, and may have 128");
}

/// The effects of the letter as a model by city and age predicts them for people of the west, with who they are.
fn predicted<'a>(experiment: &'a Experiment, model: &ModelView) -> Vec<(f64, &'a Person)> {
    let of = |tag| coefficient(model, Some("letter"), tag);
    let (effect, age) = (of(None).estimate.unwrap(), of(Some("age")));
    let people = experiment.people.iter().filter(|person| person.city == "west" && [0, LETTER].contains(&person.arm));
    let by_age = |person: &'a Person| {
        let z = (person.age? - age.mean.unwrap()) / age.deviation.unwrap();
        Some((effect + age.estimate.unwrap() * z, person))
    };
    people.filter_map(by_age).collect()
}

#[tokio::test]
async fn tenths_hold_the_people_of_their_predictions_with_ties_together() {
    // Ages are 0 to 3, so that there are four predictions and no more than four tenths.
    let asked = "tags: [age], standardise: true, units: { city: [north, south] }, calibrate: { city: west }";
    let (experiment, model) = one(asked, |person| person).await;
    let mut all = predicted(&experiment, &model);
    all.sort_by(|one, other| one.0.total_cmp(&other.0));
    let tenth = |prediction: f64| {
        let last = all.iter().rposition(|(other, _)| *other <= prediction).unwrap();
        1 + (10 * last / all.len()) as u64
    };
    let rows: Vec<_> = model.calibration.iter().filter(|row| row.variant == "letter").collect();
    let tenths: std::collections::BTreeSet<u64> = all.iter().map(|(prediction, _)| tenth(*prediction)).collect();
    assert_eq!(rows.iter().map(|row| row.tenth).collect::<Vec<_>>(), tenths.into_iter().collect::<Vec<_>>());
    assert_eq!((rows.len(), model.calibrated_on_in_words()), (4, "city is west".to_owned()));
    for row in rows {
        let inside = || all.iter().filter(|(prediction, _)| tenth(*prediction) == row.tenth);
        let of_arm = |arm: u8| {
            inside().filter(|(_, person)| person.arm == arm).map(|(_, person)| person.buys as f64).collect::<Vec<_>>()
        };
        let (control, treated) = (of_arm(0), of_arm(LETTER));
        assert_eq!((row.n_control, row.n_variant), (control.len() as u64, treated.len() as u64));
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        assert_near(row.estimate, mean(&treated) - mean(&control));
        let predicted: Vec<f64> = inside().map(|(prediction, _)| *prediction).collect();
        assert!((row.predicted - mean(&predicted)).abs() < 1e-7, "{row:?}");
    }
}

#[tokio::test]
async fn a_level_that_the_model_never_saw_is_not_predicted() {
    let asked = "tags: [city], units: { city: [north, south] }, calibrate: { city: [south, west] }";
    let (experiment, model) = one(asked, |person| person).await;
    let letters = model.calibration.iter().filter(|row| row.variant == "letter").map(|row| row.n_variant).sum::<u64>();
    let in_south = experiment.people.iter().filter(|person| person.city == "south" && person.arm == LETTER).count();
    assert_eq!(letters, in_south as u64);
    let (_, nobody) = one("tags: [age], calibrate: { city: moon }", |person| person).await;
    assert!(nobody.calibration.is_empty() && nobody.not_estimable.is_none());
}
