mod browser;
mod numbers;

use std::fs;
use std::time::Duration;

use super::*;
use crate::fixture;
use crate::report_json::report_json;
use crate::withhold::SmallestCell;

/// The page of results.
fn rendered(results: &Results) -> String {
    let document = report_json(results).expect("a document");
    report_html(&document, &Templates::default()).expect("a page")
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let document = report_json(&fixture::hillstrom()).expect("a document");
    let page = || report_html(&document, &Templates::default()).expect("a page");
    assert_eq!(page(), page());
}

#[test]
fn far_too_much_is_drawn_within_a_second_and_two_megabytes() {
    let document = report_json(&fixture::far_too_much()).expect("a document");
    let before = worked();
    let page = report_html(&document, &Templates::default()).expect("a page");
    let taken = worked().saturating_sub(before);
    assert!(taken > Duration::ZERO, "the system tells no time at work");
    assert!(taken < Duration::from_secs(1), "{taken:?}");
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
}

/// The time that this thread was at work, whatever else the machine does; nothing where the system does not tell.
fn worked() -> Duration {
    let told = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = told.split(' ').next().and_then(|first| first.parse().ok());
    Duration::from_nanos(nanoseconds.unwrap_or_default())
}

#[test]
fn a_section_without_data_has_no_heading() {
    let mut results = fixture::no_discovery();
    results.tag_rankings.clear();
    results.tag_tables.clear();
    let page = rendered(&results);
    let headings: Vec<&str> = page.split("<h2>").skip(1).filter_map(|rest| rest.split("</h2>").next()).collect();
    assert_eq!(headings, ["On average", "Can it be trusted?", "Data quality", "Methods"]);
}

#[test]
fn the_sections_stand_in_the_order_in_which_they_are_asked() {
    let page = rendered(&fixture::registered());
    let places = ["verdict", "averages", "for-whom", "tags", "metrics", "profiles", "trust", "quality", "methods"]
        .map(|id| page.find(&format!(" id=\"{id}\"")).expect("a section"));
    assert!(places.is_sorted());
}

#[test]
fn what_is_exploratory_is_marked_where_it_stands() {
    let mut results = fixture::opposite();
    results.effects.iter_mut().for_each(|row| row.evidence = crate::effect::Evidence::Exploratory);
    let page = rendered(&results);
    assert_eq!(page.matches("<span class=\"mark open\">exploratory</span></h3>").count(), 2);
    assert!(page.contains(">gains, exploratory</text>") && !page.contains(">gains</text>"));
}

#[test]
fn a_template_takes_the_place_of_one_and_an_unknown_one_is_refused() {
    let document = report_json(&fixture::no_discovery()).expect("a document");
    let own = Templates::default().with("methods.html", "<p>as always</p>".to_owned()).expect("templates");
    let page = report_html(&document, &own).expect("a page");
    assert!(page.contains("<p>as always</p>") && !page.contains("Formula and source"));
    let refusal = Templates::default().with("metods.html", String::new()).expect_err("a refusal").to_string();
    assert!(refusal.starts_with("unknown template `metods.html`; the page has `page.html`, "), "{refusal}");
    let broken = Templates::default().with("methods.html", "{{ page.nothing.at_all }}".to_owned()).expect("templates");
    assert!(matches!(report_html(&document, &broken), Err(ReportError::Template(_))));
}

#[test]
fn a_cap_is_told_with_the_averages() {
    let page = rendered(&fixture::capped());
    assert!(page.contains("<li>spend is capped at 312.5 USD, which 0.2% of units exceed; trees"));
}

#[test]
fn a_quantile_is_told_with_the_averages_the_cohorts_and_the_methods() {
    let page = rendered(&fixture::by_quantile());
    for told in [
        "spend in USD · secondary, exploratory (F3), 90% quantile over units",
        "spend, 90% quantile over units",
        "Difference in quantiles",
    ] {
        assert!(page.contains(told), "{told}");
    }
    assert!(!rendered(&fixture::hillstrom()).contains("quantile over"));
}

#[test]
fn effects_over_weeks_and_slices_are_told_where_trust_is_asked_for() {
    let page = rendered(&fixture::sliced());
    for told in ["Average effects on primary metrics by week", "2026-10-08 to 2026-10-14", "falls with the week"] {
        assert!(page.contains(told), "{told}");
    }
    assert_eq!(page.matches("class=\"area\"").count(), 4, "a band for each treatment, wide and narrow");
    assert!(!rendered(&fixture::hillstrom()).contains("by week of first exposure"));
}

#[test]
fn what_an_earlier_run_found_stands_beside_what_is_measured_now() {
    let page = rendered(&fixture::replicated());
    for told in ["Did it hold again?", "Findings on visit, measured again", "not replicated", "href=\"#replication\""] {
        assert!(page.contains(told), "{told}");
    }
    assert!(!rendered(&fixture::hillstrom()).contains("Did it hold again?"));
}

#[test]
fn what_is_withheld_stands_nowhere_on_the_page() {
    let results = fixture::hillstrom();
    assert!(rendered(&results).contains(">1,740<"), "the smallest cohort is told");
    let smallest = SmallestCell::new(1_000).expect("a bound");
    let page = rendered(&smallest.apply(results).expect("results"));
    assert!(page.contains("withheld"));
    for small in ["1,740", ">580<", "5.4%"] {
        assert!(!page.contains(small), "{small}");
    }
}
