//! Results for the tests: the e-mail challenge as a run would report it, and extremes of it.

mod extremes;
mod far_too_much;
mod first_look;
mod models;
mod partition;
mod replicated;
mod slices;
mod stability;

use arrow::array::{AsArray, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::cap::{CapAt, CapView};
use crate::effect::{
    ClusterErrors, Correction, EVERYBODY, EffectRow, Estimand, Evidence, Family, Holds, Reference, Role,
};
use crate::heterogeneity::{ConfirmingTest, DetectableDifference, GlobalTestRow, ImportanceRow};
use crate::planning::PrePeriodView;
use crate::quantile::{QuantileOf, QuantileView};
use crate::results::{Direction, MetricView, Partition, Results, Threshold, VariantView};
use crate::waterfall::WaterfallStep;
use partition::{cohorts, tree};
use whom_stats::{Alternative, Check, CheckVerdict, Interval};

pub(crate) use extremes::{
    forty_cohorts, hostile, no_discovery, no_partition, not_estimable, opposite, refusing_checks, registered,
    underpowered,
};

pub(crate) use far_too_much::far_too_much;
pub(crate) use models::modelled;
pub(crate) use replicated::replicated;
pub(crate) use slices::sliced;

pub(crate) const MENS: &str = "Mens E-Mail";
pub(crate) const WOMENS: &str = "Womens E-Mail";

/// The half-width of an average's interval, in standard errors: Bonferroni over two.
const BONFERRONI: f64 = 2.241_4;

/// The same for the cohorts: max-t over eight.
const MAX_T: f64 = 2.72;

/// Days before the e-mails were sent.
pub(crate) fn pre_period() -> PrePeriodView {
    PrePeriodView {
        units_of: "visits".to_owned(),
        first: "2008-02-25".to_owned(),
        last: "2008-03-09".to_owned(),
        days: 14,
        remarks: vec!["the row of `visits` that brings a unit lies in its window, and counts for `visit`".to_owned()],
    }
}

/// The e-mail challenge: one primary metric, two campaigns, four cohorts; only the women's campaign is heterogeneous.
pub(crate) fn hillstrom() -> Results {
    Results {
        experiment: "hillstrom".to_owned(),
        analysis: "3f9c1a7be0d24458".to_owned(),
        through: "2026-10-26".to_owned(),
        start: Some("2026-10-01".to_owned()),
        level: 0.95,
        seal: None,
        folds: None,
        withheld: None,
        replication: None,
        variants: [("No E-Mail", 21_306), (MENS, 21_307), (WOMENS, 21_387)]
            .map(|(name, units)| VariantView { name: name.to_owned(), units })
            .to_vec(),
        metrics: vec![metric("visit", Role::Primary), metric("conversion", Role::Secondary), spend()],
        waterfall: waterfall(),
        checks: checks(),
        effects: averages().into_iter().chain(cohort_effects()).collect(),
        slices: vec![],
        tag_tables: first_look::tag_tables(),
        tag_rankings: first_look::tag_rankings(),
        models: vec![],
        partition: Some(Partition { tree: "joint".to_owned(), cohorts: cohorts() }),
        registered: vec![],
        trees: vec![tree()],
        global_tests: vec![global_test(MENS, 0.312), global_test(WOMENS, 3.1e-17)],
        cohort_scatter: first_look::cohort_scatter(),
        shrunken_effects: first_look::shrunken_effects(),
        importance: [("womens", 0.71), ("recency", 0.18), ("channel", 0.11)]
            .map(|(tag, share)| ImportanceRow { tree: "joint".to_owned(), tag: tag.to_owned(), share })
            .to_vec(),
        detectable_differences: [MENS, WOMENS]
            .iter()
            .flat_map(|variant| [(0.1, 0.031_2), (0.25, 0.021_4), (0.5, 0.018_5)].map(|row| detectable(variant, row)))
            .collect(),
        confirming_tests: vec![ConfirmingTest {
            cohort: "1".to_owned(),
            variant: WOMENS.to_owned(),
            metric: "visit".to_owned(),
            detects: 0.055,
            power: 0.8,
            units_per_arm: 1_240,
        }],
        stability: stability::stability(),
    }
}

/// The e-mail challenge with a cap on what is spent.
pub(crate) fn capped() -> Results {
    let mut results = hillstrom();
    let at = |threshold, units, all| CapAt {
        threshold: Some(threshold),
        units: Some(units),
        share: Some(units as f64 / all),
    };
    let cap = CapView { declared: false, reporting: at(312.5, 121, 64_000.0), discovery: at(308.25, 62, 32_076.0) };
    results.metrics.iter_mut().filter(|metric| metric.name == "spend").for_each(|spend| spend.cap = Some(cap.clone()));
    results
}

/// The e-mail challenge with the 90 % quantile of what is spent in place of its mean.
pub(crate) fn by_quantile() -> Results {
    let mut results = hillstrom();
    let quantile = Some(QuantileView { percentile: 0.9, of: QuantileOf::Units });
    results.metrics.iter_mut().filter(|metric| metric.name == "spend").for_each(|spend| spend.quantile = quantile);
    let of_spend = |row: &&mut EffectRow| row.metric == "spend" && row.estimand == Estimand::Effect;
    results.effects.iter_mut().filter(of_spend).for_each(|row| row.method = "quantile".to_owned());
    results
}

/// A column of words that are not null.
pub(crate) fn words<'a>(batch: &'a RecordBatch, name: &str) -> Vec<&'a str> {
    batch.column_by_name(name).expect("a column").as_string::<i32>().iter().flatten().collect()
}

/// The batches of a Parquet file and, a line each, the metadata in its footer.
pub(crate) fn read_parquet(bytes: Vec<u8>) -> (Vec<RecordBatch>, String) {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).expect("a Parquet file");
    let file = reader.metadata().file_metadata();
    let mut lines = vec![format!("created_by = {}", file.created_by().unwrap_or_default())];
    lines.extend(
        file.key_value_metadata()
            .into_iter()
            .flatten()
            .map(|pair| format!("{} = {}", pair.key, pair.value.as_deref().unwrap_or_default())),
    );
    (reader.build().expect("a reader").map(|batch| batch.expect("a batch")).collect(), lines.join("\n"))
}

fn metric(name: &str, role: Role) -> MetricView {
    MetricView {
        name: name.to_owned(),
        role,
        unit_of_measure: None,
        proportion: true,
        desired: Direction::Increase,
        matters: (role == Role::Primary).then_some(Threshold::Absolute(0.01)),
        limit: None,
        cap: None,
        quantile: None,
    }
}

fn spend() -> MetricView {
    MetricView { unit_of_measure: Some("USD".to_owned()), proportion: false, ..metric("spend", Role::Secondary) }
}

/// What is told beside an error by few clusters.
pub(crate) const CLUSTER_ERRORS: ClusterErrors =
    ClusterErrors { std_err_cr1: 0.004_2, degrees_of_freedom: 11.3, effective_clusters: 21.4 };

fn averages() -> Vec<EffectRow> {
    let figures = [
        ("visit", MENS, (0.106_167, 0.182_757), 0.003_386),
        ("visit", WOMENS, (0.106_167, 0.151_400), 0.003_234),
        ("conversion", MENS, (0.005_726, 0.012_531), 0.000_921),
        ("conversion", WOMENS, (0.005_726, 0.008_837), 0.000_823),
        ("spend", MENS, (0.652_789, 1.422_617), 0.145_247),
        ("spend", WOMENS, (0.652_789, 1.077_202), 0.130_333),
    ];
    figures
        .into_iter()
        .flat_map(|(metric, variant, means, std_err)| {
            let row = average(metric, variant, means, std_err);
            let lift = EffectRow { estimand: Estimand::Lift, method: "delta".to_owned(), ..row.clone() };
            let lift = with_estimate(lift, means.1 / means.0 - 1.0, std_err / means.0 * 1.1, BONFERRONI);
            [row, lift]
        })
        .collect()
}

fn average(metric: &str, variant: &str, means: (f64, f64), std_err: f64) -> EffectRow {
    let primary = metric == "visit";
    let row = EffectRow {
        metric: metric.to_owned(),
        role: if primary { Role::Primary } else { Role::Secondary },
        variant: variant.to_owned(),
        cohort: EVERYBODY.to_owned(),
        evidence: if primary { Evidence::Declared } else { Evidence::Exploratory },
        family: if primary { Family::Confirmatory } else { Family::Exploratory },
        estimand: Estimand::Effect,
        method: "welch".to_owned(),
        reference: Reference::T,
        estimate: None,
        std_err: None,
        interval: None,
        individual_interval: None,
        level: 0.95,
        alternative: Alternative::TwoSided,
        p_value: Some(1e-9),
        p_value_adjusted: Some(2e-9),
        correction: if primary { Correction::Holm } else { Correction::BenjaminiYekutieli },
        unreliable: None,
        not_estimable: None,
        n_control: Some(21_306),
        n_variant: Some(if variant == MENS { 21_307 } else { 21_387 }),
        mean_control: Some(means.0),
        mean_variant: Some(means.1),
        variance_reduction: None,
        clusters_control: None,
        clusters_variant: None,
        cluster_errors: None,
        sequence: None,
        holds: Holds::FixedHorizon,
    };
    with_estimate(row, means.1 - means.0, std_err, BONFERRONI)
}

fn with_estimate(row: EffectRow, estimate: f64, std_err: f64, critical: f64) -> EffectRow {
    let interval =
        |critical: f64| Some(Interval { lower: estimate - critical * std_err, upper: estimate + critical * std_err });
    EffectRow {
        estimate: Some(estimate),
        std_err: Some(std_err),
        interval: interval(critical),
        individual_interval: interval(1.96),
        ..row
    }
}

/// Effects and contrasts of the four cohorts on the measuring fold.
fn cohort_effects() -> Vec<EffectRow> {
    let figures = [
        ("1", MENS, 0.081, 0.009, 0.009, 0.93),
        ("2", MENS, 0.074, 0.008, 0.001, 1.0),
        ("3", MENS, 0.070, 0.008, -0.004, 0.998),
        ("4", MENS, 0.079, 0.014, 0.005, 0.999),
        ("1", WOMENS, 0.084, 0.009, 0.052, 4.2e-8),
        ("2", WOMENS, 0.063, 0.008, 0.027, 0.012_4),
        ("3", WOMENS, 0.012, 0.007, -0.049, 6.0e-8),
        ("4", WOMENS, 0.021, 0.013, -0.027, 0.21),
    ];
    figures
        .into_iter()
        .flat_map(|(cohort, variant, estimate, std_err, contrast, p_value)| {
            let base = EffectRow {
                cohort: cohort.to_owned(),
                evidence: Evidence::HeldOut,
                family: Family::Discovered,
                correction: Correction::MaxT,
                n_control: Some(2_700),
                n_variant: Some(2_650),
                ..average("visit", variant, (0.1, 0.1 + estimate), std_err)
            };
            let effect = with_estimate(base.clone(), estimate, std_err, MAX_T);
            let contrast = EffectRow {
                estimand: Estimand::Contrast,
                p_value: Some(p_value / 8.0),
                p_value_adjusted: Some(p_value),
                ..with_estimate(base, contrast, std_err * 1.2, MAX_T)
            };
            [effect, contrast]
        })
        .collect()
}

fn global_test(variant: &str, p_value: f64) -> GlobalTestRow {
    GlobalTestRow {
        variant: variant.to_owned(),
        metric: "visit".to_owned(),
        evidence: Evidence::HeldOut,
        leaves: 8,
        slope: Some(0.000_61),
        std_err: Some(0.000_07),
        degrees_of_freedom: Some(511.0),
        p_value: p_value / 2.0,
        p_value_adjusted: p_value,
        open: p_value < 0.05,
        cochran_q: Some(81.3),
        cochran_p_value: Some(7.2e-15),
    }
}

fn no_candidate(variant: &str) -> GlobalTestRow {
    GlobalTestRow {
        leaves: 1,
        slope: None,
        std_err: None,
        degrees_of_freedom: None,
        p_value: 1.0,
        cochran_q: None,
        cochran_p_value: None,
        ..global_test(variant, 1.0)
    }
}

fn detectable(variant: &str, (share, difference): (f64, f64)) -> DetectableDifference {
    DetectableDifference {
        variant: variant.to_owned(),
        metric: "visit".to_owned(),
        share,
        power: 0.8,
        difference: Some(difference),
    }
}

fn waterfall() -> Vec<WaterfallStep> {
    let step = |step: &str, table: Option<&str>, (kept, dropped): (u64, u64), reason: &str| WaterfallStep {
        step: step.to_owned(),
        table: table.map(str::to_owned),
        kept: Some(kept),
        dropped: Some(dropped),
        reason: reason.to_owned(),
    };
    vec![
        step("exposure rows read", Some("split"), (101_376, 0), ""),
        step("first exposure of each unit and variant", Some("split"), (64_012, 37_364), "repeated exposures"),
        step("units in one variant", None, (64_000, 12), "seen in several variants"),
        step("units whose window is complete", None, (64_000, 0), ""),
    ]
}

/// A check that passed.
fn passed(name: &str, p_value: f64) -> Check {
    Check {
        name: name.to_owned(),
        verdict: CheckVerdict::Passed,
        blocking: true,
        statistic: Some(0.2),
        p_value: Some(p_value),
        threshold: Some(0.001),
        detail: "as expected".to_owned(),
        fix: None,
        parts: vec![],
    }
}

fn checks() -> Vec<Check> {
    let warning = Check {
        verdict: CheckVerdict::Warning,
        blocking: false,
        statistic: None,
        p_value: None,
        threshold: Some(0.005),
        detail: "12 of 64,012 units saw several variants and are excluded".to_owned(),
        ..passed("units in several variants", 1.0)
    };
    vec![
        passed("sample ratio as exposed", 0.872),
        passed("arm against bucket", 0.431),
        passed("balance of tags", 0.664),
        warning,
        Check { verdict: CheckVerdict::NotApplicable, ..passed("missing tags by variant", 1.0) },
    ]
}
