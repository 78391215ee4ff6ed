use whom_stats::{Alternative, Interval};

use super::*;
use crate::effect::{EffectRow, Estimand, Evidence, Family};
use crate::fixture::{self, MENS, WOMENS};
use crate::results::{Direction, Threshold};
use crate::scatter::DifferingScale;

/// The verdict on the average of the men's campaign, after a change to its row and its metric.
fn average(change: impl FnOnce(&mut EffectRow, &mut MetricView)) -> AverageVerdict {
    let mut results = fixture::no_discovery();
    let Results { effects, metrics, .. } = &mut results;
    change(&mut effects[0], &mut metrics[0]);
    Verdict::of(&results).averages.remove(0)
}

fn interval(row: &mut EffectRow, lower: f64, upper: f64, p_value: f64) {
    row.estimate = Some(f64::midpoint(lower, upper));
    row.interval = Some(Interval { lower, upper });
    row.p_value_adjusted = Some(p_value);
}

#[test]
fn an_average_is_judged_by_its_interval_its_test_and_what_matters() {
    let absolute = Some(Threshold::Absolute(0.01));
    let table = [
        ((0.02, 0.04), 1e-6, absolute, AverageOutcome::Increase),
        ((0.005, 0.04), 1e-6, absolute, AverageOutcome::Increase),
        ((-0.04, -0.02), 1e-6, absolute, AverageOutcome::Decrease),
        ((-0.003, 0.004), 0.7, absolute, AverageOutcome::NoEffectThatMatters),
        ((0.001, 0.004), 0.001, absolute, AverageOutcome::NoEffectThatMatters),
        ((-0.003, 0.012), 0.4, absolute, AverageOutcome::Underpowered),
        ((-0.04, 0.04), 1.0, absolute, AverageOutcome::Underpowered),
        ((-0.003, 0.012), 0.4, None, AverageOutcome::Inconclusive),
        ((0.005, 0.04), 1e-6, None, AverageOutcome::Increase),
    ];
    let mut sentences = Vec::new();
    for ((lower, upper), p_value, matters, outcome) in table {
        let verdict = average(|row, metric| {
            interval(row, lower, upper, p_value);
            metric.matters = matters;
        });
        assert_eq!(verdict.outcome, outcome, "{lower} to {upper}, {matters:?}");
        sentences.push(verdict.sentence);
    }
    insta::assert_snapshot!(sentences.join("\n"), @"
    Mens E-Mail increases visit by 3.0 pp (95% interval +2.0 to +4.0 pp, adjusted p <0.0001).
    Mens E-Mail increases visit by 2.2 pp (95% interval +0.5 to +4.0 pp, adjusted p <0.0001); whether by as much as matters (±1 pp) is open.
    Mens E-Mail decreases visit by 3.0 pp (95% interval −4.0 to −2.0 pp, adjusted p <0.0001), the unwanted direction.
    Mens E-Mail has no effect on visit that matters: the 95% interval is −0.30 to +0.40 pp, what matters is ±1 pp.
    Mens E-Mail has no effect on visit that matters, though it differs from zero: the 95% interval is +0.10 to +0.40 pp, what matters is ±1 pp.
    Mens E-Mail on visit is underpowered: the 95% interval is −0.30 to +1.20 pp, what matters is ±1 pp, so both no effect and one that matters are possible.
    Mens E-Mail on visit is underpowered: the 95% interval is −4.0 to +4.0 pp, what matters is ±1 pp, so both no effect and one that matters are possible.
    Mens E-Mail has no detected effect on visit: 95% interval −0.30 to +1.20 pp, adjusted p 0.400; `matters` is not declared, so whether an effect worth having is excluded cannot be said.
    Mens E-Mail increases visit by 2.2 pp (95% interval +0.5 to +4.0 pp, adjusted p <0.0001); `matters` is not declared, so its size is not judged.
    ");
}

#[test]
fn a_relative_threshold_is_held_against_the_lift() {
    let verdict = average(|row, metric| {
        interval(row, -0.003, 0.004, 0.7);
        metric.matters = Some(Threshold::Relative(0.9));
    });
    assert_eq!(verdict.outcome, AverageOutcome::NoEffectThatMatters);
    insta::assert_snapshot!(verdict.sentence, @"Mens E-Mail has no effect on visit that matters: the 95% interval is +64.3 to +80.0%, what matters is ±90%.");
}

#[test]
fn an_effect_in_the_unwanted_direction_is_said_to_be_one() {
    let verdict = average(|_, metric| metric.desired = Direction::Decrease);
    assert_eq!(verdict.wanted, Some(false));
    insta::assert_snapshot!(verdict.sentence, @"Mens E-Mail increases visit by 7.66 pp (95% interval +6.90 to +8.42 pp, adjusted p <0.0001), the unwanted direction.");
}

#[test]
fn what_cannot_be_estimated_says_why_and_what_is_unreliable_too() {
    let missing = average(|row, _| {
        *row = EffectRow { metric: "visit".to_owned(), estimand: Estimand::Effect, ..fixture::not_estimable() };
    });
    assert_eq!(missing.outcome, AverageOutcome::NotEstimable);
    let doubtful = average(|row, _| row.unreliable = Some("31 events per arm, the method needs 50".to_owned()));
    insta::assert_snapshot!(format!("{}\n{}", missing.sentence, doubtful.sentence), @"
    The effect of Mens E-Mail on visit is not estimable: all values of control are equal.
    Mens E-Mail increases visit by 7.66 pp (95% interval +6.90 to +8.42 pp, adjusted p <0.0001). Unreliable: 31 events per arm, the method needs 50.
    ");
}

/// The standing of the women's campaign in a cohort, after a change to its rows.
fn standing(cohort: &str, change: impl FnOnce(&mut Results)) -> Standing {
    let mut results = fixture::hillstrom();
    change(&mut results);
    let verdict = Verdict::of(&results);
    let found = verdict.cohorts.iter().find(|verdict| verdict.cohort == cohort && verdict.variant == WOMENS);
    found.expect("a verdict").standing
}

fn rows_of<'a>(results: &'a mut Results, cohort: &str, estimand: Estimand) -> impl Iterator<Item = &'a mut EffectRow> {
    let cohort = cohort.to_owned();
    results
        .effects
        .iter_mut()
        .filter(move |row| row.cohort == cohort && row.estimand == estimand && row.variant == WOMENS)
}

#[test]
fn a_cohort_needs_the_gate_the_contrast_and_its_own_interval() {
    assert_eq!(standing("1", |_| {}), Standing::Gains);
    assert_eq!(standing("3", |_| {}), Standing::Different, "its interval holds zero");
    assert_eq!(standing("4", |_| {}), Standing::NotDifferent, "its contrast does not pass");
    assert_eq!(standing("1", |results| results.global_tests[1].open = false), Standing::GateClosed);
    assert_eq!(standing("1", |results| results.global_tests.clear()), Standing::GateClosed);
    assert_eq!(standing("1", |results| results.metrics[0].desired = Direction::Decrease), Standing::Loses);
    let no_contrast = |results: &mut Results| results.effects.retain(|row| row.estimand != Estimand::Contrast);
    assert_eq!(standing("1", no_contrast), Standing::NotCompared);
    let no_estimate =
        |results: &mut Results| rows_of(results, "1", Estimand::Effect).for_each(|row| row.interval = None);
    assert_eq!(standing("1", no_estimate), Standing::NotEstimable);
}

#[test]
fn a_one_sided_test_of_a_cohort_says_that_it_gains_and_never_that_it_loses() {
    let of = |change: fn(&mut EffectRow)| standing("1", |all| rows_of(all, "1", Estimand::Effect).for_each(change));
    assert_eq!((of(|_| {}), of(one_sided)), (Standing::Gains, Standing::Gains));
    let loses = of(|row| interval(row, -0.09, -0.04, 1.0));
    let one_sided_loses = of(|row| {
        interval(row, -0.09, -0.04, 1.0);
        one_sided(row);
    });
    assert_eq!((loses, one_sided_loses), (Standing::Loses, Standing::Different));
}

#[test]
fn an_exploratory_contrast_never_makes_a_claim() {
    let exploratory = |results: &mut Results| {
        rows_of(results, "1", Estimand::Contrast).for_each(|row| row.family = Family::Exploratory);
    };
    assert_eq!(standing("1", exploratory), Standing::NotDifferent);
}

#[test]
fn a_confirmatory_contrast_needs_no_gate() {
    let confirmatory = |results: &mut Results| {
        results.global_tests.clear();
        for estimand in [Estimand::Effect, Estimand::Contrast] {
            rows_of(results, "1", estimand).for_each(|row| row.family = Family::Confirmatory);
        }
    };
    assert_eq!(standing("1", confirmatory), Standing::Gains);
}

#[test]
fn the_showcase_needs_one_that_gains_and_one_that_loses() {
    let harms =
        |results: &Results| Verdict::of(results).for_whom.iter().any(|sentence| sentence.contains("harms others"));
    assert!(harms(&fixture::opposite()));
    assert!(!harms(&fixture::hillstrom()));
    let sentences: Vec<String> = Verdict::of(&fixture::opposite()).for_whom;
    insta::assert_snapshot!(sentences.join("\n"), @"
    Womens E-Mail on visit works for some and harms others.
    Womens E-Mail on visit, who gains: cohort 1 (womens is 1 and recency up to 6), +8.4 pp (+6.0 to +10.8); cohort 2 (womens is 1 and recency above 6), +6.3 pp (+4.1 to +8.5).
    Womens E-Mail on visit, who loses: cohort 4 (womens is 0 and channel is Multichannel), −7.1 pp (−10.4 to −3.8).
    Womens E-Mail on visit, different from the rest, their own effect not told from zero: cohort 3 (womens is 0 and channel is Phone or Web (or unknown)), +1.2 pp (−0.7 to +3.1).
    ");
}

#[test]
fn only_sealed_or_replicated_evidence_ships() {
    let ships = |evidence: Evidence| {
        let mut results = fixture::hillstrom();
        results.effects.iter_mut().for_each(|row| row.evidence = evidence);
        Verdict::of(&results).advice.iter().any(|sentence| sentence.starts_with("Ship"))
    };
    assert!(ships(Evidence::Sealed) && ships(Evidence::Replicated));
    assert!(!ships(Evidence::Declared) && !ships(Evidence::HeldOut) && !ships(Evidence::Exploratory));
}

#[test]
fn a_held_out_cohort_earns_the_test_that_would_confirm_it() {
    insta::assert_snapshot!(Verdict::of(&fixture::hillstrom()).advice.join("\n"), @"
    Before acting, confirm Womens E-Mail on visit in cohort 1: 1,240 units of it per arm detect an effect of 5.5 pp with 80% power.
    Before acting, confirm Womens E-Mail on visit in cohort 2 on fresh units.
    ");
}

/// Makes spend a guardrail that may grow by so much, with its margins.
pub(super) fn guard_spend(results: &mut Results, limit: f64) {
    let metric = &mut results.metrics[2];
    (metric.role, metric.limit, metric.desired) =
        (Role::Guardrail, Some(Threshold::Absolute(limit)), Direction::Decrease);
    let effects = results.effects.iter().filter(|row| row.metric == "spend" && row.estimand == Estimand::Effect);
    let margin = |row: &EffectRow| EffectRow {
        estimand: Estimand::Margin,
        estimate: row.estimate.map(|estimate| limit - estimate),
        individual_interval: row
            .individual_interval
            .map(|interval| Interval { lower: limit - interval.upper, upper: limit - interval.lower }),
        ..row.clone()
    };
    let margins: Vec<EffectRow> = effects.map(margin).collect();
    results.effects.extend(margins);
}

#[test]
fn a_broken_guardrail_stops_shipping() {
    let advice = |limit: f64| {
        let mut results = fixture::hillstrom();
        results.effects.iter_mut().for_each(|row| row.evidence = Evidence::Sealed);
        guard_spend(&mut results, limit);
        let verdict = Verdict::of(&results);
        let mens = verdict.guardrails.iter().find(|verdict| verdict.variant == MENS).expect("a guardrail").clone();
        let ships = verdict.advice.iter().any(|sentence| sentence.starts_with("Ship Mens"));
        (mens.outcome, ships, mens.sentence)
    };
    let [holds, not_shown, broken] = [2.0, 0.8, 0.1].map(advice);
    assert_eq!((holds.0, holds.1), (GuardrailOutcome::Holds, true));
    assert_eq!((not_shown.0, not_shown.1), (GuardrailOutcome::NotShown, false));
    assert_eq!((broken.0, broken.1), (GuardrailOutcome::Broken, false));
    insta::assert_snapshot!([holds.2, not_shown.2, broken.2].join("\n"), @"
    Guardrail spend holds under Mens E-Mail: the interval is +0.49 to +1.05 USD, the limit 2 USD.
    Guardrail spend is not shown to hold under Mens E-Mail: the interval is +0.49 to +1.05 USD, the limit 0.8 USD.
    Guardrail spend is broken under Mens E-Mail: the interval is +0.49 to +1.05 USD, the limit 0.1 USD.
    ");
}

#[test]
fn a_guardrail_that_is_a_quantile_says_so() {
    let mut results = fixture::by_quantile();
    guard_spend(&mut results, 2.0);
    insta::assert_snapshot!(Verdict::of(&results).guardrails[0].sentence, @"Guardrail spend (90% quantile over units) holds under Mens E-Mail: the interval is +0.49 to +1.05 USD, the limit 2 USD.");
}

#[test]
fn a_guardrail_outside_the_range_of_its_method_ships_nothing() {
    let mut results = fixture::hillstrom();
    results.effects.iter_mut().for_each(|row| row.evidence = Evidence::Sealed);
    guard_spend(&mut results, 2.0);
    let ships =
        |results: &Results| Verdict::of(results).advice.iter().any(|sentence| sentence.starts_with("Ship Mens"));
    assert!(ships(&results));
    for row in results.effects.iter_mut().filter(|row| row.metric == "spend") {
        row.unreliable = Some("9 events per arm, the method needs 50".to_owned());
    }
    assert!(!ships(&results));
    insta::assert_snapshot!(Verdict::of(&results).guardrails[0].sentence, @"Guardrail spend holds under Mens E-Mail: the interval is +0.49 to +1.05 USD, the limit 2 USD. Unreliable: 9 events per arm, the method needs 50.");
}

#[test]
fn a_lift_outside_the_range_of_its_method_is_said_to_be_what_matters_is_held_against() {
    let mut results = fixture::no_discovery();
    results.metrics[0].matters = Some(Threshold::Relative(0.9));
    results.effects[1].unreliable = Some("the control's mean is near zero".to_owned());
    assert!(Verdict::of(&results).averages[0].sentence.ends_with("Unreliable: the control's mean is near zero."));
}

/// A row of the table of cases: what is changed in the e-mail challenge, and what follows for the women's campaign.
type Case = (&'static str, fn() -> Results, Action);

/// The rows of the table, in the order in which a reader would ask.
const CASES: [Case; 16] = [
    ("one gains, one loses, held out", fixture::opposite, Action::Confirm),
    ("one gains, one loses, the average null", opposite_and_null, Action::Confirm),
    ("one gains, one loses, sealed", || sealed(opposite_and_null()), Action::ShipToSome),
    ("no effect that matters, and nobody gains", nothing_that_matters, Action::Leave),
    ("underpowered", underpowered, Action::Extend),
    ("heterogeneity that only follows the baseline", follows_the_baseline, Action::Confirm),
    ("gate closed, a cohort's p small", gate_closed, Action::Confirm),
    ("average only, declared", fixture::no_discovery, Action::Confirm),
    ("average only, sealed", || sealed(fixture::no_discovery()), Action::Ship),
    ("average only, exploratory", || with_evidence(fixture::no_discovery(), Evidence::Exploratory), Action::Confirm),
    ("the unwanted direction", unwanted, Action::DoNotShip),
    ("the unwanted direction, which a one-sided test does not ask for", not_improved, Action::DoNotShip),
    ("failed sample ratio", failed_sample_ratio, Action::MendData),
    ("a guardrail is broken", broken_guardrail, Action::Hold),
    ("everything looked at before", || with_evidence(opposite_and_null(), Evidence::Exploratory), Action::Extend),
    ("everything missing", everything_missing, Action::Undecided),
];

#[test]
fn what_follows_is_a_table_of_cases() {
    let mut told = Vec::new();
    for (name, results, action) in CASES {
        let verdict = Verdict::of(&results());
        let headline = verdict.headlines.iter().find(|headline| headline.variant == WOMENS).expect("a headline");
        assert_eq!(headline.action, action, "{name}: {headline:?}");
        told.push(format!("{name}\n  {}\n  {}: {}", headline.sentence, action.in_words(), headline.reason));
    }
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn nothing_ships_on_anything_but_sealed_or_replicated_evidence() {
    for (name, results, _) in CASES {
        for evidence in [Evidence::Declared, Evidence::HeldOut, Evidence::Exploratory] {
            for headline in Verdict::of(&with_evidence(results(), evidence)).headlines {
                assert!(!matches!(headline.action, Action::Ship | Action::ShipToSome), "{name}, {evidence}");
            }
        }
    }
}

#[test]
fn a_cohort_that_loses_stops_shipping_to_everybody() {
    let ships = |results: &Results| {
        Verdict::of(results).advice.iter().any(|sentence| sentence.starts_with("Ship Womens E-Mail: "))
    };
    assert!(ships(&sealed(fixture::hillstrom())));
    assert!(!ships(&sealed(fixture::opposite())));
}

#[test]
fn harm_is_avoided_before_it_is_certain() {
    let mut results = sealed(fixture::opposite());
    results.effects.iter_mut().filter(|row| row.cohort != "all").for_each(|row| {
        row.unreliable = Some("9 events per arm, the method needs 50".to_owned());
    });
    let verdict = Verdict::of(&results);
    let headline = verdict.headlines.iter().find(|headline| headline.variant == WOMENS).expect("a headline");
    assert_eq!(headline.action, Action::Confirm, "{headline:?}");
    assert!(!verdict.advice.iter().any(|sentence| sentence.starts_with("Ship Womens E-Mail: ")));
}

fn with_evidence(mut results: Results, evidence: Evidence) -> Results {
    results.effects.iter_mut().for_each(|row| row.evidence = evidence);
    results
}

fn sealed(results: Results) -> Results {
    with_evidence(results, Evidence::Sealed)
}

/// Moves the average of the women's campaign on visits.
fn with_average(mut results: Results, (lower, upper): (f64, f64), p_value: f64) -> Results {
    let of_average = |row: &&mut EffectRow| {
        row.variant == WOMENS && row.metric == "visit" && row.cohort == "all" && row.estimand == Estimand::Effect
    };
    results.effects.iter_mut().filter(of_average).for_each(|row| interval(row, lower, upper, p_value));
    results
}

fn opposite_and_null() -> Results {
    with_average(fixture::opposite(), (-0.013, 0.012), 0.94)
}

fn nothing_that_matters() -> Results {
    with_average(fixture::no_partition(), (-0.004, 0.005), 0.81)
}

fn underpowered() -> Results {
    with_average(fixture::no_discovery(), (-0.02, 0.03), 0.62)
}

fn gate_closed() -> Results {
    let mut results = fixture::hillstrom();
    results.global_tests.iter_mut().for_each(|test| (test.open, test.p_value_adjusted) = (false, 0.21));
    results
}

fn follows_the_baseline() -> Results {
    let mut results = fixture::hillstrom();
    results.cohort_scatter.iter_mut().for_each(|scatter| scatter.differing = DifferingScale::FollowsBaseline);
    results
}

fn unwanted() -> Results {
    with_average(fixture::no_partition(), (-0.05, -0.02), 1e-9)
}

fn not_improved() -> Results {
    let mut results = with_average(fixture::no_partition(), (-0.05, -0.02), 1.0);
    results.effects.iter_mut().for_each(one_sided);
    results
}

/// Makes the test of an effect one-sided, its interval as it is.
fn one_sided(row: &mut EffectRow) {
    if row.estimand == Estimand::Effect {
        (row.alternative, row.level) = (Alternative::Greater, 0.9);
    }
}

fn failed_sample_ratio() -> Results {
    let mut results = sealed(fixture::hillstrom());
    results.checks = fixture::refusing_checks();
    results
}

fn broken_guardrail() -> Results {
    let mut results = sealed(fixture::hillstrom());
    guard_spend(&mut results, 0.01);
    results
}

fn everything_missing() -> Results {
    let mut results = fixture::no_discovery();
    for row in &mut results.effects {
        let (metric, variant, estimand) = (row.metric.clone(), row.variant.clone(), row.estimand);
        *row = EffectRow { metric, variant, estimand, ..fixture::not_estimable() };
    }
    results
}
