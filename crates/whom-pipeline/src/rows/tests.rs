use whom_report::{Holds, Reference as ReportReference, Role};
use whom_stats::NotEstimable;

use super::*;

fn draft(estimand: Estimand, estimate: Option<f64>) -> Draft {
    let estimate = estimate.map(|value| Estimate { value, std_err: 1.0, degrees_of_freedom: f64::INFINITY });
    let row = EffectRow {
        metric: "visit".into(),
        role: Role::Primary,
        variant: "new".into(),
        cohort: "all".into(),
        evidence: Evidence::Declared,
        family: Family::Confirmatory,
        estimand,
        method: "welch".into(),
        reference: ReportReference::Normal,
        estimate: estimate.map(|estimate| estimate.value),
        std_err: estimate.map(|estimate| estimate.std_err),
        interval: None,
        individual_interval: None,
        level: 0.95,
        alternative: Alternative::TwoSided,
        p_value: estimate.map(|estimate| estimate.p_value(Reference::Normal)),
        p_value_adjusted: None,
        correction: Correction::None,
        unreliable: None,
        not_estimable: None,
        n_control: Some(10),
        n_variant: Some(10),
        mean_control: None,
        mean_variant: None,
        variance_reduction: None,
        clusters_control: None,
        clusters_variant: None,
        cluster_errors: None,
        sequence: None,
        holds: Holds::FixedHorizon,
    };
    Draft { row, estimate, fieller: None }
}

/// A draft about another cohort.
fn in_cohort(cohort: &str, draft: Draft) -> Draft {
    Draft { row: EffectRow { cohort: cohort.to_owned(), ..draft.row }, ..draft }
}

/// The p-value of a statistic.
fn p(statistic: f64) -> f64 {
    Estimate { value: statistic, std_err: 1.0, degrees_of_freedom: f64::INFINITY }.p_value(Reference::Normal)
}

fn adjusted_of(rows: &[EffectRow]) -> Vec<Option<f64>> {
    rows.iter().map(|row| row.p_value_adjusted).collect()
}

#[test]
fn holm_counts_hypotheses_and_a_lift_is_none_of_its_own() {
    let effects = [("c1", 3.0), ("c2", 1.0), ("c3", 2.0)];
    let drafts: Vec<Draft> = effects
        .iter()
        .flat_map(|(cohort, value)| {
            [Estimand::Effect, Estimand::Lift].map(|estimand| in_cohort(cohort, draft(estimand, Some(*value))))
        })
        .collect();
    let rows = holm(drafts, Reference::Normal);
    let expected = [3.0 * p(3.0), p(1.0), 2.0 * p(2.0)];
    for ((effect, lift), expected) in rows.iter().step_by(2).zip(rows.iter().skip(1).step_by(2)).zip(expected) {
        assert!((effect.p_value_adjusted.unwrap() - expected).abs() < 1e-15);
        assert_eq!(lift.p_value_adjusted, effect.p_value_adjusted);
    }
    assert!(rows.iter().all(|row| row.correction == Correction::Holm));
}

/// Two arms whose values are 0 or 1, so many of them 1.
fn counted(treatment: (u64, u64), control: (u64, u64)) -> whom_stats::Comparison {
    let moments = |(ones, all): (u64, u64)| {
        let mut moments = whom_stats::Moments::default();
        (0..all).for_each(|unit| moments.push(i64::from(unit < ones)));
        moments
    };
    let arms = (moments(treatment), moments(control));
    whom_stats::Comparison::of_moments(&arms.0, &arms.1, whom_stats::Grid::INTEGER).unwrap()
}

#[test]
fn a_lift_by_fieller_keeps_its_interval_and_says_so_where_it_has_no_end() {
    let rows = |values: whom_stats::Comparison| {
        let lift = Draft { estimate: None, fieller: Some(values), ..draft(Estimand::Lift, Some(0.3)) };
        holm(
            vec![draft(Estimand::Effect, Some(3.0)), in_cohort("c1", draft(Estimand::Effect, Some(1.0))), lift],
            Reference::Normal,
        )
    };
    let values = counted((60, 400), (40, 400));
    let level = whom_stats::simultaneous_level(0.95, 2);
    let expected = values.fieller(level, Reference::Normal).ok().and_then(bounded);
    let found = rows(values.clone()).pop().unwrap();
    assert!(expected.is_some() && found.interval == expected, "{found:?}");
    assert_ne!(found.interval, values.fieller(0.95, Reference::Normal).ok().and_then(bounded), "it is simultaneous");
    let without_end = rows(counted((9, 400), (3, 400))).pop().unwrap();
    assert_eq!((without_end.interval, without_end.unreliable.as_deref()), (None, Some(UNBOUNDED)));
}

#[test]
fn intervals_beside_holm_are_those_of_bonferroni() {
    let drafts = vec![draft(Estimand::Effect, Some(0.0)), draft(Estimand::Effect, Some(5.0))];
    let rows = holm(drafts, Reference::Normal);
    // 1 - 0.05 / 2 two-sided: 2.2414027.
    for (row, centre) in rows.iter().zip([0.0, 5.0]) {
        let interval = row.interval.unwrap();
        assert!(
            (interval.upper - centre - 2.241_402_7).abs() < 1e-6
                && (centre - interval.lower - 2.241_402_7).abs() < 1e-6
        );
    }
}

/// A draft whose test is one-sided at 95 %.
fn one_sided(alternative: Alternative, value: f64) -> Draft {
    let mut draft = draft(Estimand::Effect, Some(value));
    (draft.row.alternative, draft.row.level) = (alternative, alternative.interval_level(0.95));
    draft.row.p_value = draft.estimate.map(|estimate| estimate.p_value_of(alternative, Reference::Normal));
    draft
}

#[test]
fn a_one_sided_interval_lies_on_its_side_where_bonferroni_rejects() {
    for value in [-9.0, -2.3, -2.2, 0.0, 2.2, 2.3, 9.0] {
        for alternative in [Alternative::Greater, Alternative::Less] {
            let drafts = vec![one_sided(alternative, value), in_cohort("b", draft(Estimand::Effect, Some(0.4)))];
            let drafts = drafts.into_iter().chain([in_cohort("c", draft(Estimand::Contrast, Some(-0.3)))]).collect();
            let row = &bonferroni(drafts, Reference::Normal)[0];
            let interval = row.interval.unwrap();
            let is_beyond =
                if alternative == Alternative::Greater { interval.lower > 0.0 } else { interval.upper < 0.0 };
            assert_eq!(is_beyond, row.is_significant(), "{value} against {alternative}: {row:?}");
        }
    }
}

#[test]
fn what_is_not_estimable_is_no_hypothesis() {
    let drafts = vec![
        in_cohort("c1", draft(Estimand::Effect, None)),
        in_cohort("c1", draft(Estimand::Lift, None)),
        draft(Estimand::Effect, Some(2.0)),
        draft(Estimand::Lift, None), // a control that is zero on average: no lift, but an effect
        draft(Estimand::Contrast, Some(1.0)),
    ];
    let rows = holm(drafts, Reference::Normal);
    assert_eq!(adjusted_of(&rows), [None, None, Some(2.0 * p(2.0)), None, Some(p(1.0))]);
    assert_eq!(rows[0].interval, None);
}

#[test]
fn a_lift_whose_effect_stands_in_another_family_takes_no_other_rows_p_value() {
    let (effect, lift) = (draft(Estimand::Effect, Some(3.0)), draft(Estimand::Lift, Some(3.0)));
    let alone = in_cohort("c1", lift.clone());
    for drafts in [
        vec![effect.clone(), alone.clone()],
        vec![draft(Estimand::Contrast, Some(3.0)), lift.clone()],
        vec![draft(Estimand::EffectByFirstExposure, Some(3.0)), lift.clone()],
        vec![draft(Estimand::Effect, None), lift.clone()],
        vec![alone.clone()],
    ] {
        for rows in [holm(drafts.clone(), Reference::Normal), exploratory(drafts, &[]).0] {
            assert_eq!(rows.last().map(|row| row.p_value_adjusted), Some(None));
        }
    }
    let other_metric = |mut draft: Draft| {
        draft.row.metric = "spend".into();
        draft
    };
    let other_variant = |mut draft: Draft| {
        draft.row.variant = "old".into();
        draft
    };
    for stranger in [other_metric(lift.clone()), other_variant(lift.clone())] {
        assert_eq!(adjusted_of(&exploratory(vec![effect.clone(), stranger], &[]).0)[1], None);
    }
}

#[test]
fn a_lift_finds_its_effect_wherever_it_stands_in_the_family() {
    let effect = |value| in_cohort("c1", draft(Estimand::Effect, Some(value)));
    let drafts = vec![
        in_cohort("c1", draft(Estimand::Lift, Some(2.0))),
        draft(Estimand::Effect, Some(1.0)),
        effect(2.0),
        draft(Estimand::Lift, Some(1.0)),
    ];
    let adjusted = adjusted_of(&holm(drafts, Reference::Normal));
    assert_eq!((adjusted[0], adjusted[3]), (adjusted[2], adjusted[1]));
    assert_eq!(adjusted[2], Some(2.0 * p(2.0)));
}

#[test]
fn an_empty_family_has_no_rows() {
    assert!(holm(Vec::new(), Reference::T).is_empty() && exploratory(Vec::new(), &[]).0.is_empty());
}

#[test]
fn exploratory_rows_are_corrected_by_benjamini_and_yekutieli() {
    let drafts = vec![
        draft(Estimand::Effect, Some(1.0)),
        draft(Estimand::Lift, Some(1.0)),
        in_cohort("c1", draft(Estimand::Effect, Some(3.0))),
    ];
    let rows = exploratory(drafts, &[]).0;
    // Over two hypotheses the harmonic factor is 1 + 1/2.
    let expected = [(1.5 * p(1.0)).min(1.0), (1.5 * p(1.0)).min(1.0), 2.0 * 1.5 * p(3.0)];
    for (row, expected) in rows.iter().zip(expected) {
        assert!((row.p_value_adjusted.unwrap() - expected).abs() < 1e-15, "{row:?}");
        assert_eq!((row.correction, row.interval), (Correction::BenjaminiYekutieli, None));
    }
}

#[test]
fn a_bootstrap_without_an_answer_leaves_a_reason_and_no_figure() {
    let row = simultaneous(draft(Estimand::Effect, Some(1.0)), &Err(NotEstimable::UndefinedReplicates), Step::Single);
    assert_eq!((row.estimate, row.std_err, row.p_value), (None, None, None));
    assert_eq!((row.interval, row.individual_interval, row.p_value_adjusted), (None, None, None));
    assert_eq!((row.correction, row.n_control), (Correction::MaxT, Some(10)));
    assert_eq!(row.not_estimable.as_deref(), Some("more than 1 % of the bootstrap's replicates have no value"));
}

#[test]
fn what_could_not_be_estimated_at_all_keeps_its_own_reason() {
    let mut without = draft(Estimand::Effect, None);
    without.row.not_estimable = Some("the values do not vary".into());
    let row = simultaneous(without, &Err(NotEstimable::NoVariance), Step::Down);
    assert_eq!(row.not_estimable.as_deref(), Some("the values do not vary"));
}
