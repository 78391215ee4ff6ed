//! Section 5: who the cohorts are, by the tags that set them apart from everybody.

use serde::Serialize;

use super::figure::{Figure, Place};
use super::for_whom::{measured_on, share};
use super::index::Indexed;
use super::picture::Picture;
use super::table::{Cell, Table};
use crate::chart::{Bar, Bars, Label};
use crate::cohort::{CohortView, TagDifference, TagStatistic};
use crate::label;
use crate::number::{self, NO_NUMBER};
use crate::verdict::cohort_label;

/// Differences that are drawn of a cohort, and those that its table lists; `cohorts.parquet` has all.
const DRAWN: usize = 6;
const LISTED: usize = 12;

/// Cohorts that are drawn on a phone, if there are no more.
const MOST_ON_A_PHONE: usize = 16;

/// Differences that are told in words.
const TOLD: usize = 3;

/// The profiles of all cohorts.
#[derive(Serialize)]
pub(super) struct ProfilesSection {
    cohorts: Vec<ProfileView>,
}

#[derive(Serialize)]
struct ProfileView {
    name: String,
    rule: String,
    size: String,
    words: String,
    picture: Option<Picture>,
    table: Table,
}

pub(super) fn section(indexed: &Indexed<'_>) -> Option<ProfilesSection> {
    let results = indexed.results;
    let cohorts: Vec<(usize, &CohortView)> =
        results.discovered().iter().chain(&results.registered).enumerate().collect();
    let sizes = || cohorts.iter().flat_map(|(_, cohort)| &cohort.profile).filter_map(|tag| tag.standardised);
    let reach = sizes().filter(|size| size.is_finite()).map(f64::abs).fold(0.0, f64::max);
    let described = cohorts.iter().filter(|(_, cohort)| !cohort.profile.is_empty());
    let cohorts: Vec<ProfileView> = described.map(|(place, cohort)| view(indexed, *place, cohort, reach)).collect();
    (!cohorts.is_empty()).then_some(ProfilesSection { cohorts })
}

fn view(indexed: &Indexed<'_>, place: usize, cohort: &CohortView, reach: f64) -> ProfileView {
    let tags = || cohort.profile.iter().enumerate();
    let bars =
        tags().filter(|(_, tag)| tag.standardised.is_some()).take(DRAWN).map(|(index, tag)| bar(place, index, tag));
    let name = cohort_label(&cohort.name);
    let bars = Bars {
        title: format!("How {name} differs from everybody"),
        axis: "difference from everybody, in standard deviations of everybody".to_owned(),
        columns: vec!["cohort".to_owned(), "everybody".to_owned()],
        rows: bars.collect(),
        reach,
    };
    let columns =
        [("tag", false), ("statistic", false), ("in the cohort", true), ("everybody", true), ("standardised", true)];
    let mut table = Table::new(format!("{name}: where it differs most"), &columns);
    for (index, tag) in tags().take(LISTED) {
        let at = |column: &str| Place::of_cohort(place, &format!("profile[{index}].{column}"));
        let standardised = tag.standardised.map_or(NO_NUMBER.to_owned(), |size| number::signed(size, 2));
        table.row([
            Cell::name(&tag.tag),
            Cell::text(statistic(&tag.statistic)),
            Cell::figure((at("in_cohort"), value(tag, tag.cohort))),
            Cell::figure((at("everybody"), value(tag, tag.everybody))),
            Cell::figure((at("standardised"), standardised)),
        ]);
    }
    let is_one_of_many = indexed.results.discovered().len() > MOST_ON_A_PHONE;
    let units = number::count_or_none(cohort.units(measured_on(cohort)));
    ProfileView {
        rule: cohort.definition.in_words(),
        size: format!("{units} units, {}", share(indexed, cohort)),
        words: words(cohort),
        picture: if is_one_of_many { bars.picture().map(Picture::for_laptops) } else { bars.picture() },
        name,
        table,
    }
}

fn bar(place: usize, index: usize, tag: &TagDifference) -> Bar {
    let at = |column: &str| Place::of_cohort(place, &format!("profile[{index}].{column}"));
    Bar {
        label: Label::new(format!("{}, {}", label::isolated(&tag.tag), statistic(&tag.statistic))),
        value: tag.standardised.unwrap_or(0.0),
        figures: vec![
            Figure::label(&at("in_cohort"), value(tag, tag.cohort)),
            Figure::label(&at("everybody"), value(tag, tag.everybody)),
        ],
        faint: false,
    }
}

fn statistic(statistic: &TagStatistic) -> String {
    match statistic {
        TagStatistic::Mean => "mean".to_owned(),
        TagStatistic::Share(level) => format!("share of {}", label::name(level)),
        TagStatistic::Missing => "share unknown".to_owned(),
    }
}

/// A figure of a tag: a mean with the digits that everybody's justifies, a share in percent.
fn value(tag: &TagDifference, value: Option<f64>) -> String {
    let Some(value) = value else { return NO_NUMBER.to_owned() };
    match tag.statistic {
        TagStatistic::Mean => number::fixed(value, number::decimals(tag.everybody.unwrap_or(value).abs()).min(4)),
        TagStatistic::Share(_) | TagStatistic::Missing => number::share(value),
    }
}

/// The largest differences in words: `recency is lower on average (3.1; everybody 5.8)`. One that the digits do not show is none.
fn words(cohort: &CohortView) -> String {
    let told = cohort.profile.iter().filter_map(|tag| {
        let is_more = tag.standardised? >= 0.0;
        let name = label::isolated(&tag.tag);
        let difference = match (&tag.statistic, is_more) {
            (TagStatistic::Mean, true) => format!("{name} is higher on average"),
            (TagStatistic::Mean, false) => format!("{name} is lower on average"),
            (TagStatistic::Share(level), true) => format!("{name} is more often {}", label::name(level)),
            (TagStatistic::Share(level), false) => format!("{name} is less often {}", label::name(level)),
            (TagStatistic::Missing, true) => format!("{name} is more often unknown"),
            (TagStatistic::Missing, false) => format!("{name} is less often unknown"),
        };
        let [in_cohort, everybody] = [tag.cohort, tag.everybody].map(|of| value(tag, of));
        (in_cohort != everybody).then(|| format!("{difference} ({in_cohort}; everybody {everybody})"))
    });
    let told: Vec<String> = told.take(TOLD).collect();
    if told.is_empty() { String::new() } else { told.join(", ") + "." }
}
