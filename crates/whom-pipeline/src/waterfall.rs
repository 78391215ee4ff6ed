//! The way from rows read to units analysed.

use whom_query::Status;
use whom_report::WaterfallStep;

use crate::names;
use crate::study::Study;

/// Every step: rows of the tables, then units that are left out and why.
pub(crate) fn waterfall(study: &Study<'_>) -> Vec<WaterfallStep> {
    let (table, tally) = (&study.units.table, &study.units.tally);
    let mut steps: Vec<WaterfallStep> = table.flow.steps().into_iter().map(names::step).collect();
    let (kept, in_one) = (tally.units(), tally.in_one_variant(&study.plan.split).iter().sum::<u64>());
    if study.units.clusters.is_some() {
        let reason = match study.compiled.reached {
            Some(_) => "of clusters in several variants, or did not pass the exposure filter",
            None => "of clusters in several variants",
        };
        steps.push(step("units analysed", kept, table.units() - kept, reason));
    } else if study.compiled.reached.is_some() {
        steps.push(step("units in one variant", in_one, table.units() - in_one, "in several variants"));
        steps.push(step("units analysed", kept, in_one - kept, "did not pass the exposure filter"));
    } else {
        steps.push(step("units analysed", kept, table.units() - kept, "in several variants"));
    }
    let after = study.compiled.measures.iter().enumerate().filter(|(_, measure)| !measure.part.is_before());
    for (place, metric) in after {
        let count = |counts: &dyn Fn(Status) -> bool| tally.with_status(place, counts).into_iter().sum::<u64>();
        let reasons: Vec<String> = [
            (Status::IncompleteWindow, "window not closed"),
            (Status::Missing, "no value"),
            (Status::NotFinite, "not finite"),
        ]
        .into_iter()
        .map(|(status, reason)| (count(&|found| found == status), reason))
        .filter(|(units, _)| *units > 0)
        .map(|(units, reason)| format!("{units} {reason}"))
        .collect();
        let with_value = count(&Status::has_value);
        steps.push(step(&format!("units with `{}`", metric.name), with_value, kept - with_value, &reasons.join(", ")));
    }
    steps
}

fn step(name: &str, kept: u64, dropped: u64, reason: &str) -> WaterfallStep {
    let reason = if dropped > 0 { reason.to_owned() } else { String::new() };
    WaterfallStep { step: name.to_owned(), table: None, kept: Some(kept), dropped: Some(dropped), reason }
}
