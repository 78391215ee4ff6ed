use super::*;
use crate::fixture::Experiment;
use crate::rows::exploratory;

/// All rows of the made-up experiment about the letter, corrected.
async fn rows() -> Vec<EffectRow> {
    let experiment = Experiment::new();
    let study = experiment.study();
    let cells = AverageCells::count(&study).await.unwrap();
    let Rows { mut done, exploratory: drafts } = average_rows(&study, &cells);
    done.extend(exploratory(drafts, &[]).0);
    done.retain(|row| row.variant == "letter");
    done
}

/// Metric, cohort and estimand of the rows of a family, with what they are evidence of.
fn in_family(rows: &[EffectRow], family: Family) -> Vec<String> {
    let told = |row: &EffectRow| format!("{} {} {} {}", row.metric, row.cohort, row.estimand, row.evidence);
    rows.iter().filter(|row| row.family == family).map(told).collect()
}

#[tokio::test]
async fn each_row_stands_in_the_family_of_its_metric() {
    let rows = rows().await;
    assert_eq!(
        in_family(&rows, Family::Confirmatory),
        [
            "buys all effect declared",
            "buys all lift declared",
            "buys grown_up effect declared",
            "buys grown_up lift declared",
            "buys grown_up contrast declared",
        ]
    );
    assert_eq!(
        in_family(&rows, Family::Guardrail),
        [
            "returns all effect declared",
            "returns all lift declared",
            "returns all margin declared",
            "returns grown_up effect declared",
            "returns grown_up lift declared",
        ]
    );
    assert_eq!(
        in_family(&rows, Family::Exploratory),
        [
            "returns grown_up contrast exploratory",
            "spend all effect exploratory",
            "spend all lift exploratory",
            "spend grown_up effect exploratory",
            "spend grown_up lift exploratory",
            "spend grown_up contrast exploratory",
        ]
    );
}

#[tokio::test]
async fn a_metric_that_does_not_vary_has_units_and_means_and_a_reason() {
    let rows = rows().await;
    let returns = rows.iter().find(|row| row.metric == "returns" && row.estimand == Estimand::Effect).unwrap();
    assert_eq!((returns.n_control, returns.n_variant), (Some(2_000), Some(2_000)));
    assert_eq!((returns.mean_control, returns.mean_variant), (Some(0.0), Some(0.0)));
    assert_eq!((returns.estimate, returns.not_estimable.as_deref()), (None, Some("the values do not vary")));
}

#[tokio::test]
async fn a_registered_cohort_is_compared_with_the_rest() {
    let rows = rows().await;
    let of = |estimand| rows.iter().find(|row| row.cohort == "grown_up" && row.estimand == estimand).unwrap();
    let (effect, contrast) = (of(Estimand::Effect), of(Estimand::Contrast));
    assert!(effect.interval.unwrap().lower > 0.2 && contrast.p_value_adjusted.unwrap() < 1e-9, "{effect:?}");
    assert!((effect.estimate.unwrap() - contrast.estimate.unwrap()).abs() < 0.05, "the rest gains nothing");
}
