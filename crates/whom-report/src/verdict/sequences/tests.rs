use whom_stats::Interval;

use super::*;
use crate::effect::{EVERYBODY, Family};
use crate::fixture;
use crate::verdict::Verdict;
use crate::verdict::tests::guard_spend;

fn look(lower: f64, upper: f64) -> Look {
    Look { interval: Interval { lower, upper }, p_value: 0.02, critical_value: 3.0 }
}

/// What the verdict warns of beside what it warns of without any sequence, once rows of this kind have one.
fn told(mut results: Results, has: impl Fn(&EffectRow) -> bool, look: Look, holds: Holds) -> String {
    let plain = Verdict::of(&results).warnings;
    for row in results.effects.iter_mut().filter(|row| has(row)) {
        (row.sequence, row.holds) = (Some(look), holds);
    }
    let added = Verdict::of(&results).warnings.into_iter().filter(|told| !plain.contains(told));
    added.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_sequence_is_a_reason_to_stop_only_if_it_excludes_zero() {
    let is_average = |row: &EffectRow| {
        row.cohort == EVERYBODY && row.estimand == Estimand::Effect && row.family == Family::Confirmatory
    };
    let of_average = |look, holds| told(fixture::hillstrom(), is_average, look, holds);
    insta::assert_snapshot!(of_average(look(0.01, 0.05), Holds::Sequence), @"
    Until the last planned unit has counted, no other interval is a reason to stop: the confidence sequence of Mens E-Mail on visit, +1.0 to +5.0 pp, p 0.0200, excludes zero at every look.
    Until the last planned unit has counted, no other interval is a reason to stop: the confidence sequence of Womens E-Mail on visit, +1.0 to +5.0 pp, p 0.0200, excludes zero at every look.
    ");
    insta::assert_snapshot!(of_average(look(-0.01, 0.05), Holds::Sequence), @"
    Until the last planned unit has counted, no other interval is a reason to stop: the confidence sequence of Mens E-Mail on visit, −1.0 to +5.0 pp, p 0.0200, holds zero: no reason to stop.
    Until the last planned unit has counted, no other interval is a reason to stop: the confidence sequence of Womens E-Mail on visit, −1.0 to +5.0 pp, p 0.0200, holds zero: no reason to stop.
    ");
    insta::assert_snapshot!(of_average(look(0.01, 0.05), Holds::FixedHorizon), @"
    All planned units have counted, so that the other intervals hold if nobody would have stopped for them before: the confidence sequence of Mens E-Mail on visit, +1.0 to +5.0 pp, p 0.0200, excludes zero at every look.
    All planned units have counted, so that the other intervals hold if nobody would have stopped for them before: the confidence sequence of Womens E-Mail on visit, +1.0 to +5.0 pp, p 0.0200, excludes zero at every look.
    ");
}

#[test]
fn cohorts_are_told_that_differ_at_every_look() {
    let mut results = fixture::registered();
    let of_newcomers = results.effects.iter().filter(|row| row.cohort == "newcomers");
    let contrasts: Vec<_> = of_newcomers.map(|row| EffectRow { estimand: Estimand::Contrast, ..row.clone() }).collect();
    results.effects.extend(contrasts);
    let is_contrast = |row: &EffectRow| row.cohort == "newcomers" && row.estimand == Estimand::Contrast;
    let of_contrasts = |look, holds| told(results.clone(), is_contrast, look, holds);
    insta::assert_snapshot!(of_contrasts(look(0.01, 0.05), Holds::Sequence), @"By confidence sequences different from the rest at every look, Womens E-Mail on visit: cohort newcomers, +1.0 to +5.0 pp, p 0.0200; nothing else that is said of declared cohorts is to be acted on yet.");
    insta::assert_snapshot!(of_contrasts(look(-0.01, 0.05), Holds::Sequence), @"By confidence sequences different from the rest at every look, Womens E-Mail on visit: none of the declared cohorts; nothing else that is said of declared cohorts is to be acted on yet.");
    insta::assert_snapshot!(of_contrasts(look(-0.01, 0.05), Holds::FixedHorizon), @"By confidence sequences different from the rest at every look, Womens E-Mail on visit: none of the declared cohorts.");
}

#[test]
fn a_guardrail_is_told_to_hold_or_to_be_broken_at_every_look() {
    let is_margin = |row: &EffectRow| row.estimand == Estimand::Margin;
    let mut results = fixture::hillstrom();
    guard_spend(&mut results, 1.0);
    let of_margins = |look| told(results.clone(), is_margin, look, Holds::Sequence);
    let all = [look(0.001, 0.004), look(-0.004, -0.001), look(-0.001, 0.004)].map(of_margins).join("\n");
    insta::assert_snapshot!(all, @"
    By the confidence sequence of its margin, +0.0010 to +0.0040 USD, p 0.0200, guardrail spend holds at every look under Mens E-Mail.
    By the confidence sequence of its margin, +0.0010 to +0.0040 USD, p 0.0200, guardrail spend holds at every look under Womens E-Mail.
    By the confidence sequence of its margin, −0.0040 to −0.0010 USD, p 0.0200, guardrail spend is broken at every look, a reason to stop, under Mens E-Mail.
    By the confidence sequence of its margin, −0.0040 to −0.0010 USD, p 0.0200, guardrail spend is broken at every look, a reason to stop, under Womens E-Mail.
    By the confidence sequence of its margin, −0.0010 to +0.0040 USD, p 0.0200, guardrail spend is neither shown to hold nor to be broken under Mens E-Mail.
    By the confidence sequence of its margin, −0.0010 to +0.0040 USD, p 0.0200, guardrail spend is neither shown to hold nor to be broken under Womens E-Mail.
    ");
}
