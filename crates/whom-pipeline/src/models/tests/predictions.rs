use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::Float64Type;
use whom_report::ModelPrediction;

use super::*;
use crate::published_units::PublishedUnits;

fn prediction<'a>(model: &'a ModelView, variant: &str, profile: &str) -> &'a ModelPrediction {
    let is_it = |row: &&ModelPrediction| row.variant == variant && row.profile == profile;
    model.predictions.iter().find(is_it).unwrap_or_else(|| panic!("no {variant} at {profile}"))
}

/// Mean and squared standard error of what an arm buys in a city.
fn bought(people: &[Person], arm: u8, city: &str) -> [f64; 2] {
    let bought = people.iter().filter(|person| person.arm == arm && person.city == city);
    let bought: Vec<f64> = bought.map(|person| person.buys as f64).collect();
    let n = bought.len() as f64;
    let mean = bought.iter().sum::<f64>() / n;
    [mean, bought.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0) / n]
}

#[tokio::test]
async fn at_a_level_of_a_saturated_model_it_is_the_effect_there_with_welch_s_error() {
    let asked = "tags: [city], predict: { there: { city: west }, anywhere: {}, here: { city: north } }";
    let (experiment, model) = one(asked, |person| person).await;
    let profiles: Vec<_> = model.predictions.iter().map(|row| (row.profile.as_str(), row.variant.as_str())).collect();
    let both = |profile| [(profile, "call"), (profile, "letter")];
    assert_eq!(profiles, [both("there"), both("anywhere"), both("here")].concat());
    let cities = ["north", "south", "west"];
    let effect = |city: &str| {
        let [treated, control] = [LETTER, 0].map(|arm| bought(&experiment.people, arm, city));
        [treated[0] - control[0], treated[1] + control[1]]
    };
    for (profile, city) in [("there", "west"), ("here", "north")] {
        let (found, [value, variance]) = (prediction(&model, "letter", profile), effect(city));
        assert_near(found.estimate, value);
        assert_near(found.std_err, variance.sqrt());
        assert_eq!(found.at_in_words(), format!("city is {city}"));
    }
    // The average unit is in each city as much as people are.
    let share = |city: &str| experiment.people.iter().filter(|person| person.city == city).count() as f64 / 6_000.0;
    let sum = |of: &dyn Fn(&str) -> f64| cities.iter().map(|city| of(city)).sum::<f64>();
    let average = prediction(&model, "letter", "anywhere");
    assert_near(average.estimate, sum(&|city| share(city) * effect(city)[0]));
    assert_near(average.std_err, sum(&|city| share(city).powi(2) * effect(city)[1]).sqrt());
    assert_eq!((average.at_in_words().as_str(), average.degrees_of_freedom), ("", Some(5_991.0)));
}

#[tokio::test]
async fn at_the_mean_it_is_the_coefficient_of_the_standardised_model() {
    for errors in ["classical", "HC0", "HC3"] {
        let asked = |standardise: bool| {
            format!(
                "tags: [age], errors: {errors}, standardise: {standardise}, predict: {{ average: {{}}, old: {{ age: 3 }} }}"
            )
        };
        let (_, scaled) = one(&asked(true), |person| person).await;
        let (_, raw) = one(&asked(false), |person| person).await;
        let expected = coefficient(&scaled, Some("letter"), None);
        for model in [&scaled, &raw] {
            let found = prediction(model, "letter", "average");
            assert_near(found.estimate, expected.estimate.unwrap());
            assert!((found.std_err.unwrap() / expected.std_err.unwrap() - 1.0).abs() < 1e-9, "{errors}");
            assert_eq!((found.degrees_of_freedom, &found.unreliable), (expected.degrees_of_freedom, &None));
        }
        let old = |model: &ModelView| prediction(model, "letter", "old").clone();
        assert_near(old(&scaled).estimate, old(&raw).estimate.unwrap());
        assert_near(old(&scaled).std_err, old(&raw).std_err.unwrap());
    }
}

#[tokio::test]
async fn what_no_unit_has_is_said() {
    let asked = "tags: [age, city], predict: { moon: { city: moon, age: 1 }, older: { age: 3.5 }, oldest: { age: 3 } }";
    let (_, model) = one(asked, |person| person).await;
    let moon = prediction(&model, "letter", "moon");
    assert_eq!(moon.not_estimable.as_deref(), Some("no unit of the model has `moon` of `city`"));
    assert_eq!((moon.estimate, moon.std_err, moon.interval, moon.p_value), (None, None, None, None));
    let older = prediction(&model, "letter", "older");
    assert_eq!(older.unreliable.as_deref(), Some("no unit of the model reaches 3.5 of `age`"));
    assert!(older.estimate.is_some() && prediction(&model, "letter", "oldest").unreliable.is_none());
    let (_, only) = one("tags: [city], predict: { moon: { city: moon }, here: { city: north } }", |person| Person {
        city: "north",
        ..person
    })
    .await;
    assert!(prediction(&only, "call", "moon").not_estimable.is_some());
    let (here, effect) = (prediction(&only, "call", "here"), coefficient(&only, Some("call"), None));
    assert_eq!((here.estimate, here.std_err), (effect.estimate, effect.std_err), "a tag of one level adds nothing");
    let (_, nobody) = one("tags: [city], units: { city: mars }, predict: { average: {} }", |person| person).await;
    assert_eq!(nobody.predictions.len(), 2);
    assert!(nobody.predictions.iter().all(|row| row.not_estimable == nobody.not_estimable && row.estimate.is_none()));
}

#[tokio::test]
async fn few_units_behind_a_prediction_are_told_and_others_are_not() {
    let asked = "tags: [city], errors: HC3, predict: { rare: { city: east }, north: { city: north } }";
    let (_, model) =
        one(asked, |person| Person { city: if person.bucket < 10 { "east" } else { "north" }, ..person }).await;
    let reason = prediction(&model, "letter", "rare").unreliable.clone().unwrap();
    assert!(reason.contains("where 50 are needed"), "{reason}");
    assert_eq!(prediction(&model, "letter", "north").unreliable, None);
}

#[tokio::test]
async fn p_values_are_corrected_over_the_predictions_of_a_model() {
    let asked = |correction| {
        format!(
            "tags: [city], correction: {correction}, predict: {{ moon: {{ city: moon }}, here: {{ city: north }}, all: {{}} }}"
        )
    };
    let (_, none) = one(&asked("none"), |person| person).await;
    let (_, all) = one(&asked("bonferroni"), |person| person).await;
    assert!(none.predictions.iter().all(|row| row.p_value_adjusted.is_none()));
    for (none, all) in none.predictions.iter().zip(&all.predictions) {
        assert_eq!(all.p_value_adjusted, none.p_value.map(|p| (4.0 * p).min(1.0)), "two profiles that are there");
    }
    assert_eq!(none.predictions[0].p_value, None);
}

#[tokio::test]
async fn a_prediction_by_cluster_has_the_degrees_of_its_combination() {
    let cities: Vec<&'static str> = (0..40).map(|number| &*format!("city {number:02}").leak()).collect();
    let in_city = |person: Person| Person { city: cities[usize::from(person.bucket) % 40], ..person };
    let (_, model) = one("tags: [age], cluster: city, predict: { young: { age: 0 }, old: { age: 3 } }", in_city).await;
    let degrees = |profile| prediction(&model, "letter", profile).degrees_of_freedom.unwrap();
    assert_eq!(Some(degrees("young")), coefficient(&model, Some("letter"), None).degrees_of_freedom);
    assert!(degrees("old") < 39.0 && degrees("old") != degrees("young"), "{} {}", degrees("old"), degrees("young"));
}

#[tokio::test]
async fn a_unit_has_the_prediction_of_the_profile_that_it_is() {
    let asked = "tags: [age, city], errors: HC3, units: { city: [north, south] }, PREDICT";
    let profiles = "predict: { north_0: { city: north, age: 0 }, south_3: { city: south, age: 3 } }";
    let models_of = format!(
        "  m: {{ metric: buys, {} }}\n  none: {{ metric: buys, units: {{ city: moon }} }}",
        asked.replace("PREDICT", profiles)
    );
    let experiment = Experiment::with(&format!("{SMALL_TREES}\nmodels:\n{models_of}"), |person| person);
    let study = experiment.study();
    let found = models(&study).await.unwrap();
    let published = PublishedUnits::new(&study, "an analysis").unwrap().with_predictions(&study, found.of_units);
    let mut seen = std::collections::BTreeMap::<String, u64>::new();
    for rows in study.units.table.read() {
        let rows = study.units.schema.analysed(rows.unwrap()).unwrap();
        let columns = published.columns(&rows).unwrap();
        let numbers =
            |name: &str| columns.column_by_name(name).unwrap_or_else(|| panic!("no {name} in {:?}", columns.schema()));
        let [value, std_err, nothing] = ["predicted m: letter", "predicted_std_err m: letter", "predicted none: call"]
            .map(|name| numbers(name).as_primitive::<Float64Type>().clone());
        let ages = numbers("age").as_primitive::<Float64Type>().clone();
        let cities = numbers("city").as_string::<i32>().clone();
        assert_eq!(nothing.null_count(), rows.len());
        for row in 0..rows.len() {
            let (age, city) = ((!ages.is_null(row)).then(|| ages.value(row)), cities.value(row));
            let told = value.is_valid(row).then(|| (Some(value.value(row)), Some(std_err.value(row))));
            let (profile, expected) = match (city, age) {
                ("west", _) | (_, None) => ("nothing".to_owned(), None),
                (city, Some(age)) => {
                    let name = format!("{city}_{age}");
                    let profile =
                        found.views[0].predictions.iter().find(|row| row.profile == name && row.variant == "letter");
                    let Some(profile) = profile else { continue };
                    (name, Some((profile.estimate, profile.std_err)))
                }
            };
            assert_eq!(told, expected, "{city} {age:?}");
            *seen.entry(profile).or_default() += 1;
        }
    }
    assert!(seen.len() == 3 && seen.values().all(|units| *units > 100), "{seen:?}");
}
