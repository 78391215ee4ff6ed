use whom_report::SlicedBy;
use whom_stats::Fold as StudyFold;

use super::*;
use crate::discovery::{declared_tree, discover};
use crate::event::Silent;
use crate::fixture::{Experiment, LETTER, Person, SMALL_TREES};

/// Rows over a split of four weeks.
async fn rows(sections: &str, change: impl Fn(Person) -> Person) -> (Experiment, Vec<SlicedEffect>) {
    let experiment = Experiment::with(&format!("{SMALL_TREES}{sections}"), change);
    let study = experiment.study();
    let questions = study.targets();
    let discovered = discover(&study, &questions, &Silent).await.unwrap();
    let (_, tree) = declared_tree(&study, &questions, &discovered).unwrap();
    let uncorrected = sliced_effects(&study, &tree.routing, &tree.cohorts()).await.unwrap();
    let p_values = uncorrected.p_values();
    let rows = uncorrected.corrected(whom_stats::Correction::BenjaminiYekutieli.adjust(&p_values));
    (experiment, rows)
}

/// People who come over four weeks, whatever else is true of them.
fn over_four_weeks(person: Person) -> Person {
    let day = i32::from(person.bucket) * 7 % 28 + i32::from(person.bucket) / 4 % 7;
    Person { day: day % 28, ..person }
}

fn of<'r>(rows: &'r [SlicedEffect], metric: &str, variant: &str, cohort: &str) -> &'r SlicedEffect {
    let is_meant = |row: &&SlicedEffect| {
        (row.metric.as_str(), row.variant.as_str(), row.cohort.as_str()) == (metric, variant, cohort)
    };
    rows.iter().find(is_meant).unwrap()
}

#[tokio::test]
async fn each_week_of_each_cohort_is_what_its_people_did() {
    let (experiment, rows) = rows("", over_four_weeks).await;
    let cohorts = ["all", "grown_up", "c1", "c2"];
    for (cohort, week) in cohorts.into_iter().flat_map(|cohort| (0..4).map(move |week| (cohort, week))) {
        let grown_up = |person: &Person| person.age.is_some_and(|age| age >= 2.0);
        let meets = |person: &Person| {
            let belongs = match cohort {
                "all" => true,
                "c2" => !grown_up(person),
                _ => grown_up(person),
            };
            belongs && person.day / 7 == week
        };
        let of_arm = |arm: u8| {
            let folds: &[StudyFold] = if cohort.starts_with('c') {
                &[StudyFold::Measure]
            } else {
                &[StudyFold::Discover, StudyFold::Measure]
            };
            let parts: Vec<(u64, f64)> = folds.iter().map(|fold| experiment.buyers(*fold, arm, meets)).collect();
            let units: u64 = parts.iter().map(|part| part.0).sum();
            (units, parts.iter().map(|(units, share)| *units as f64 * share).sum::<f64>() / units as f64)
        };
        let slice = &of(&rows, "buys", "letter", cohort).slices[week as usize];
        let ((control, of_control), (treated, of_treated)) = (of_arm(0), of_arm(LETTER));
        assert_eq!((slice.n_control, slice.n_variant), (Some(control), Some(treated)), "{cohort}, week {week}");
        assert!((slice.estimate.unwrap() - (of_treated - of_control)).abs() < 1e-12, "{cohort}, week {week}");
    }
    assert_eq!(of(&rows, "buys", "letter", "all").slices[3].slice, "2026-10-22 to 2026-10-28");
}

#[tokio::test]
async fn a_steady_effect_is_steady() {
    let (_, rows) = rows("", over_four_weeks).await;
    assert_eq!(of(&rows, "buys", "letter", "all").found, Found::NoChangeFound);
    assert!(rows.iter().all(|row| !row.is_unstable() && row.evidence == Evidence::Exploratory));
}

#[tokio::test]
async fn a_novelty_that_fades_is_a_trend() {
    let (_, rows) = rows("", |person| {
        let person = over_four_weeks(person);
        let tempted = person.arm == LETTER && person.day < 14 && !person.bucket.is_multiple_of(3);
        Person { buys: if tempted { 1 } else { person.buys }, ..person }
    })
    .await;
    let row = of(&rows, "buys", "letter", "all");
    assert_eq!(row.found, Found::Trend);
    assert!(row.trend.unwrap() < -0.1 && row.p_value_adjusted.unwrap() < 1e-6, "{row:?}");
    assert_eq!(of(&rows, "buys", "call", "all").found, Found::NoChangeFound);
}

#[tokio::test]
async fn an_effect_that_is_of_one_city_varies_between_cities() {
    let (_, rows) = rows("\nslices: [city, age]", |person| {
        let tempted = person.arm == LETTER && person.city == "north" && !person.bucket.is_multiple_of(3);
        Person { buys: if tempted { 1 } else { person.buys }, ..person }
    })
    .await;
    let of_city: Vec<SlicedEffect> =
        rows.iter().filter(|row| row.sliced_by == SlicedBy::Tag("city".into())).cloned().collect();
    let row = of(&of_city, "buys", "letter", "all");
    let names: Vec<&str> = row.slices.iter().map(|slice| slice.slice.as_str()).collect();
    assert_eq!(names, ["city is north", "city is south", "city is west"]);
    assert_eq!((row.found, row.trend), (Found::Varies, None));
    let ages = rows.iter().find(|row| row.sliced_by == SlicedBy::Tag("age".into())).unwrap();
    assert_eq!(ages.slices.last().map(|slice| slice.slice.as_str()), Some("age is unknown"));
}

#[tokio::test]
async fn one_week_and_no_slice_leave_nothing_to_compare() {
    let (_, rows) = rows("", |person| person).await;
    assert_eq!(rows, []);
}

#[tokio::test]
async fn a_week_without_enough_people_is_named_and_takes_no_part() {
    let (_, rows) = rows("", |person| {
        let alone = person.arm == LETTER && person.bucket == 17 && person.age == Some(3.0);
        Person {
            day: if alone {
                10
            } else if person.arm == 0 {
                i32::from(person.bucket % 2) * 20
            } else {
                0
            },
            ..person
        }
    })
    .await;
    let row = of(&rows, "buys", "letter", "all");
    let reasons: Vec<Option<&str>> = row.slices.iter().map(|slice| slice.not_estimable.as_deref()).collect();
    let empty = Some("an arm has no unit with a value");
    assert_eq!(reasons, [None, empty, empty], "weeks after the last in which somebody came are not there");
    assert_eq!((row.found, row.p_value, row.trend), (Found::NotTested, None, None));
    assert_eq!(row.not_tested.as_deref(), Some("fewer than two groups hold enough units"));
    let figures = rows.iter().flat_map(|row| &row.slices).filter_map(|slice| slice.estimate.zip(slice.std_err));
    assert!(figures.flat_map(|(estimate, error)| [estimate, error]).all(f64::is_finite));
}

#[tokio::test]
async fn a_trend_is_named_only_where_it_is_what_is_proven() {
    let (_, rows) = rows("", over_four_weeks).await;
    let found = |p_trend: f64, p_differences: f64| {
        let row = SlicedEffect {
            found: Found::Trend,
            p_trend: Some(p_trend),
            p_differences: Some(p_differences),
            p_value: Some(2.0 * p_trend.min(p_differences)),
            ..of(&rows, "buys", "letter", "all").clone()
        };
        Uncorrected(vec![row]).corrected(vec![0.001]).pop().unwrap().found
    };
    assert_eq!(found(1e-6, 0.04), Found::Trend);
    assert_eq!(found(0.04, 1e-6), Found::Varies);
}
