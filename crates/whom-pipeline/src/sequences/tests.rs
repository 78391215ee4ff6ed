use whom_report::EVERYBODY;
use whom_stats::{Estimate, Reference};

use super::*;
use crate::averages::{AverageCells, average_rows};
use crate::fixture::Experiment;

#[tokio::test]
async fn a_sequence_is_wider_than_the_interval_of_its_family_and_only_of_confirmatory_effects() {
    let experiment = Experiment::new();
    let mut study = experiment.study();
    let cells = AverageCells::count(&study).await.unwrap();
    assert!(average_rows(&study, &cells).done.iter().all(|row| row.sequence.is_none()));

    let mut plan = study.plan.clone();
    plan.validate.sequence_units = Some(3_000);
    study.plan = &plan;
    let rows = average_rows(&study, &cells).done;
    let looks: Vec<_> = rows.iter().filter_map(|row| Some((row, row.sequence?))).collect();
    assert_eq!(looks.len(), 4, "two treatments, for everybody and in one cohort");
    for (row, look) in looks {
        assert_eq!((row.metric.as_str(), row.estimand), ("buys", Estimand::Effect));
        assert!(row.cohort == EVERYBODY || row.cohort == "grown_up");
        let own =
            Estimate { value: row.estimate.unwrap(), std_err: row.std_err.unwrap(), degrees_of_freedom: f64::INFINITY };
        let fixed = own.interval(1.0 - 0.05 / 4.0, Reference::Normal);
        assert!(look.interval.lower < fixed.lower && fixed.upper < look.interval.upper);
        assert!(look.p_value >= own.p_value(Reference::Normal));
    }
}
