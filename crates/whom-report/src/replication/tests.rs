use super::*;
use crate::fixture::{WOMENS, replicated};
use crate::withhold::SmallestCell;
use crate::{Colour, report_json, results_of, summary_md, terminal_summary};

fn replication(results: &Results) -> &ReplicationView {
    results.replication.as_ref().expect("a replication")
}

#[test]
fn every_verdict_has_its_sentence() {
    let results = replicated();
    insta::assert_snapshot!(replication(&results).sentences(&results).join("\n"));
}

#[test]
fn units_that_are_not_fresh_get_one_sentence_and_its_reason_once() {
    let mut results = replicated();
    let reason = "they were looked at before";
    let view = results.replication.as_mut().expect("a replication");
    view.not_fresh = Some(reason.to_owned());
    for part in view.findings.iter_mut().flat_map(|finding| &mut finding.parts) {
        (part.judged, part.not_judged) = (None, Some(reason.to_owned()));
    }
    let text = terminal_summary(&results, Colour::Never);
    assert_eq!(text.matches(reason).count(), 1, "{text}");
    assert!(text.contains("not judged"), "{text}");
}

#[test]
fn only_a_finding_that_holds_may_be_acted_on() {
    let results = replicated();
    let allowed: Vec<bool> =
        results.registered.iter().map(|cohort| replication(&results).allows((&cohort.name, WOMENS, "visit"))).collect();
    assert_eq!(allowed, [true, false, false, false]);
    assert!(replication(&results).allows(("newcomers", WOMENS, "visit")), "it is nobody's finding");
}

#[test]
fn tables_show_each_figure_then_and_now() {
    let results = replicated();
    let text = terminal_summary(&results, Colour::Never);
    let (_, section) = text.split_once("REPLICATION").expect("a section");
    let (section, _) = section.split_once("\n\n").expect("its end");
    insta::assert_snapshot!(format!("REPLICATION{section}"));
    assert_eq!(summary_md(&results).matches("against the rest |").count(), 4);
}

#[test]
fn of_frozen_cohorts_one_is_never_withheld_alone() {
    let mut results = replicated();
    let smallest = &mut results.registered[1];
    smallest.sizes.iter_mut().for_each(|size| size.units = Some(3));
    let shown = SmallestCell::new(20).expect("a bound").apply(results).expect("results");
    let hidden: Vec<usize> = (0..4).filter(|place| shown.registered[*place].sizes[0].units.is_none()).collect();
    assert_eq!(hidden.len(), 2, "{hidden:?}");
    for (place, finding) in replication(&shown).findings.iter().enumerate() {
        assert_eq!(finding.parts.is_empty(), hidden.contains(&place), "{}", finding.cohort);
        assert_eq!(finding.not_measured.is_some(), hidden.contains(&place));
    }
}

#[test]
fn what_is_shown_of_a_finding_counts_nobody_below_the_bound() {
    let mut results = replicated();
    let few = || Some("an arm has 9 events where 50 are needed".to_owned());
    let part = &mut results.replication.as_mut().expect("a replication").findings[0].parts[0];
    (part.unreliable, part.not_judged) = (few(), few());
    let bound = SmallestCell::new(20).expect("a bound");
    let shown = bound.apply(results).expect("results");
    let part = &replication(&shown).findings[0].parts[0];
    let reasons = [part.unreliable.as_deref(), part.not_judged.as_deref()].map(|reason| reason.expect("a reason"));
    assert!(part.judged.is_some() && reasons.iter().all(|reason| !reason.contains("9 events")), "{reasons:?}");
}

#[test]
fn a_replication_is_read_back_as_it_was_written() {
    let results = replicated();
    let again = results_of(&report_json(&results).expect("a document")).expect("results");
    assert_eq!(replication(&again).findings.len(), replication(&results).findings.len());
    assert_eq!(again.registered[0].definition, results.registered[0].definition);
}
