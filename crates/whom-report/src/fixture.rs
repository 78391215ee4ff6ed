//! Results for the tests: the e-mail challenge as a run would report it, and extremes of it.

use arrow::array::{AsArray, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::check::{Check, CheckRow, CheckVerdict, WaterfallStep};
use crate::cohort::{CohortDefinition, CohortSize, CohortView, Fold, TagDifference, TagStatistic};
use crate::effect::{Correction, EVERYBODY, EffectRow, Estimand, Evidence, Family, Interval, Reference, Role};
use crate::heterogeneity::{ConfirmingTest, DetectableDifference, GlobalTestRow, ImportanceRow};
use crate::results::{Direction, MetricView, Partition, Results, Threshold, VariantView};
use crate::rule::{CohortRule, Range, RuleCondition};
use crate::tree::{NodeEffect, NodeView, Side, SplitView, TreeView};

pub(crate) const MENS: &str = "Mens E-Mail";
pub(crate) const WOMENS: &str = "Womens E-Mail";

/// The half-width of an average's interval, in standard errors: Bonferroni over two.
const BONFERRONI: f64 = 2.241_4;

/// The same for the cohorts: max-t over eight.
const MAX_T: f64 = 2.72;

/// The e-mail challenge: one primary metric, two campaigns, four cohorts; only the women's campaign is heterogeneous.
pub(crate) fn hillstrom() -> Results {
    Results {
        experiment: "hillstrom".to_owned(),
        analysis: "3f9c1a7be0d24458".to_owned(),
        through: "2026-10-26".to_owned(),
        level: 0.95,
        variants: [("No E-Mail", 21_306), (MENS, 21_307), (WOMENS, 21_387)]
            .map(|(name, units)| VariantView { name: name.to_owned(), units })
            .to_vec(),
        metrics: vec![metric("visit", Role::Primary), metric("conversion", Role::Secondary), spend()],
        waterfall: waterfall(),
        checks: checks(),
        effects: averages().into_iter().chain(cohort_effects()).collect(),
        partition: Some(Partition { tree: "joint".to_owned(), cohorts: cohorts() }),
        registered: vec![],
        trees: vec![tree()],
        global_tests: vec![global_test(MENS, 0.312), global_test(WOMENS, 3.1e-17)],
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
    }
}

/// A run with a pre-registered cohort beside the discovered ones.
pub(crate) fn registered() -> Results {
    let mut results = hillstrom();
    let size = CohortSize { fold: Fold::All, variant: WOMENS.to_owned(), units: 10_763, share: Some(0.503) };
    results.registered = vec![CohortView {
        name: "newcomers".to_owned(),
        definition: CohortDefinition::Registered("newbie = 1".to_owned()),
        sizes: vec![size],
        profile: vec![],
    }];
    let row = average("visit", WOMENS, (0.078_8, 0.129_2), 0.004_152);
    results.effects.push(EffectRow { cohort: "newcomers".to_owned(), ..row });
    results
}

/// A run that was not asked to discover anything.
pub(crate) fn no_discovery() -> Results {
    let mut results = hillstrom();
    results.effects.retain(|row| row.cohort == EVERYBODY);
    results.partition = None;
    results.trees.clear();
    results.global_tests.clear();
    results.importance.clear();
    results.detectable_differences.clear();
    results.confirming_tests.clear();
    results
}

/// A run in which no split was admissible.
pub(crate) fn no_partition() -> Results {
    let mut results = no_discovery();
    let leaf = NodeView { split: None, cohort: None, discovery: vec![], measuring: vec![] };
    results.trees = vec![TreeView { nodes: vec![leaf], ..tree() }];
    results.partition = Some(Partition { tree: "joint".to_owned(), cohorts: vec![] });
    results.global_tests = [MENS, WOMENS].map(no_candidate).to_vec();
    results.detectable_differences = vec![detectable(MENS, (0.25, 0.021_4)), detectable(WOMENS, (0.25, 0.021_4))];
    results
}

/// The women's campaign with every effect moved so that the last cohort loses.
pub(crate) fn opposite() -> Results {
    let mut results = hillstrom();
    for row in &mut results.effects {
        if row.variant == WOMENS && row.cohort == "4" {
            *row = with_estimate(row.clone(), -0.071, 0.012, MAX_T);
            row.p_value_adjusted = Some(3e-7);
        }
    }
    results
}

/// Averages that say nothing: few units, wide intervals, one without an estimate and one outside its method's range.
pub(crate) fn underpowered() -> Results {
    let mut results = no_discovery();
    results.variants.iter_mut().for_each(|variant| variant.units = 310);
    for row in &mut results.effects {
        let estimate = row.estimate.unwrap_or(0.0);
        *row = with_estimate(row.clone(), estimate / 4.0, estimate.abs() / 2.0, BONFERRONI);
        (row.p_value, row.p_value_adjusted) = (Some(0.617), Some(1.0));
        if row.metric == "spend" {
            row.unreliable = Some("9 events per arm, the method needs 50".to_owned());
        }
        if row.metric == "conversion" && row.variant == MENS {
            *row = EffectRow { estimand: row.estimand, ..not_estimable() };
        }
    }
    results
}

/// Names that try to break out of every format.
pub(crate) fn hostile() -> Results {
    let mut results = hillstrom();
    let nasty = "E-Mail\"; DROP TABLE units; -- <script>alert('1')</script> | \u{202e}gnp.exe\u{1b}[31m\nרשימה";
    let long = "a metric whose name is far too long for any table that has to fit a terminal of eighty columns";
    results.experiment = format!("{nasty} {long}");
    for name in [
        &mut results.variants.iter_mut().map(|variant| &mut variant.name).collect::<Vec<_>>(),
        &mut results.effects.iter_mut().map(|row| &mut row.variant).collect::<Vec<_>>(),
        &mut results.global_tests.iter_mut().map(|row| &mut row.variant).collect::<Vec<_>>(),
        &mut results.confirming_tests.iter_mut().map(|row| &mut row.variant).collect::<Vec<_>>(),
    ]
    .into_iter()
    .flatten()
    {
        if name.as_str() == WOMENS {
            nasty.clone_into(name);
        }
    }
    results.metrics.retain(|metric| metric.role == Role::Primary);
    results.effects.retain(|row| row.role == Role::Primary);
    results.metrics.iter_mut().for_each(|metric| long.clone_into(&mut metric.name));
    results.effects.iter_mut().for_each(|row| long.clone_into(&mut row.metric));
    results.global_tests.iter_mut().for_each(|row| long.clone_into(&mut row.metric));
    results
}

/// The same partition cut into forty cohorts.
pub(crate) fn forty_cohorts() -> Results {
    let mut results = hillstrom();
    let template = cohorts().remove(0);
    let rows: Vec<EffectRow> = results.effects.iter().filter(|row| row.cohort == "1").cloned().collect();
    results.effects.retain(|row| row.cohort == EVERYBODY);
    let names: Vec<String> = (1..=40).map(|number| number.to_string()).collect();
    for name in &names {
        results.effects.extend(rows.iter().map(|row| EffectRow { cohort: name.clone(), ..row.clone() }));
    }
    let cohorts = names.iter().map(|name| CohortView { name: name.clone(), ..template.clone() }).collect();
    results.partition = Some(Partition { tree: "joint".to_owned(), cohorts });
    results
}

/// A row without an estimate.
pub(crate) fn not_estimable() -> EffectRow {
    EffectRow {
        estimate: None,
        std_err: None,
        interval: None,
        individual_interval: None,
        p_value: None,
        p_value_adjusted: None,
        not_estimable: Some("all values of control are equal".to_owned()),
        n_variant: 0,
        mean_variant: None,
        ..average("conversion", MENS, (0.005_726, 0.012_531), 0.000_921)
    }
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
    }
}

fn spend() -> MetricView {
    MetricView { unit_of_measure: Some("USD".to_owned()), proportion: false, ..metric("spend", Role::Secondary) }
}

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
        p_value: Some(1e-9),
        p_value_adjusted: Some(2e-9),
        correction: if primary { Correction::Holm } else { Correction::BenjaminiYekutieli },
        unreliable: None,
        not_estimable: None,
        n_control: 21_306,
        n_variant: if variant == MENS { 21_307 } else { 21_387 },
        mean_control: Some(means.0),
        mean_variant: Some(means.1),
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
                method: "bucket_bootstrap".to_owned(),
                reference: Reference::Bootstrap,
                correction: Correction::MaxT,
                n_control: 2_700,
                n_variant: 2_650,
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

fn womens(is: u8) -> RuleCondition {
    let range = if is == 0 { (None, Some(0.0)) } else { (Some(0.0), None) };
    let ranges = vec![Range { lower: range.0, upper: range.1 }];
    RuleCondition::Numeric { tag: "womens".to_owned(), ranges, missing: false, values: vec![0.0, 1.0] }
}

fn recency(recent: bool) -> RuleCondition {
    let range = if recent { (None, Some(6.0)) } else { (Some(6.0), None) };
    let ranges = vec![Range { lower: range.0, upper: range.1 }];
    RuleCondition::Numeric { tag: "recency".to_owned(), ranges, missing: false, values: vec![] }
}

fn channel(several: bool) -> RuleCondition {
    let levels = if several { vec!["Multichannel"] } else { vec!["Phone", "Web"] };
    let levels = levels.into_iter().map(str::to_owned).collect();
    RuleCondition::Categorical { tag: "channel".to_owned(), levels, other: None, missing: !several }
}

fn cohorts() -> Vec<CohortView> {
    let rules = [
        vec![womens(1), recency(true)],
        vec![womens(1), recency(false)],
        vec![womens(0), channel(false)],
        vec![womens(0), channel(true)],
    ];
    let units = [8_950, 8_620, 12_690, 1_740];
    let shares = [0.279_7, 0.269_4, 0.396_6, 0.054_3];
    let cohort = |(index, conditions): (usize, Vec<RuleCondition>)| {
        let name = (index + 1).to_string();
        CohortView {
            definition: CohortDefinition::Discovered(CohortRule { name: name.clone(), conditions }),
            name,
            sizes: sizes(units[index], shares[index]),
            profile: profile(),
        }
    };
    rules.into_iter().enumerate().map(cohort).collect()
}

fn sizes(units: u64, share: f64) -> Vec<CohortSize> {
    let folds = [Fold::Discover, Fold::Measure];
    let size = |fold: Fold, variant: &str| CohortSize {
        fold,
        variant: variant.to_owned(),
        units: units / 3,
        share: Some(share),
    };
    folds.iter().flat_map(|fold| ["No E-Mail", MENS, WOMENS].map(|variant| size(*fold, variant))).collect()
}

fn profile() -> Vec<TagDifference> {
    let difference = |tag: &str, statistic, cohort, everybody, standardised| TagDifference {
        tag: tag.to_owned(),
        statistic,
        cohort: Some(cohort),
        everybody: Some(everybody),
        standardised: Some(standardised),
    };
    vec![
        difference("recency", TagStatistic::Mean, 3.1, 5.763_4, -0.76),
        difference("channel", TagStatistic::Share("Multichannel".to_owned()), 0.153, 0.121_2, 0.1),
        difference("history", TagStatistic::Missing, 0.0, 0.001, -0.03),
    ]
}

fn tree() -> TreeView {
    let leaf = |cohort: &str| NodeView {
        split: None,
        cohort: Some(cohort.to_owned()),
        discovery: vec![node_effect(0.079)],
        measuring: vec![node_effect(0.063)],
    };
    let inner = |split: SplitView| NodeView { split: Some(split), ..leaf("") }.without_cohort();
    let split = |left_condition: RuleCondition, right_condition: RuleCondition, left: usize| SplitView {
        tag: left_condition.tag().to_owned(),
        edge: (left_condition.tag() != "channel").then_some(6.0),
        missing: (left_condition.tag() == "channel").then_some(Side::Left),
        left_condition,
        right_condition,
        left_codes: vec![0, 1, 2],
        gain: 12.5,
        left,
        right: left + 1,
    };
    let nodes = vec![
        inner(split(womens(0), womens(1), 1)),
        inner(split(channel(false), channel(true), 3)),
        inner(split(recency(true), recency(false), 5)),
        leaf("3"),
        leaf("4"),
        leaf("1"),
        leaf("2"),
    ];
    let variants = vec![MENS.to_owned(), WOMENS.to_owned()];
    TreeView { name: "joint".to_owned(), variants, metrics: vec!["visit".to_owned()], nodes }
}

impl NodeView {
    fn without_cohort(self) -> Self {
        Self { cohort: None, ..self }
    }
}

fn node_effect(estimate: f64) -> NodeEffect {
    NodeEffect {
        variant: WOMENS.to_owned(),
        metric: "visit".to_owned(),
        n_control: 2_700,
        n_variant: 2_650,
        estimate: Some(estimate),
        std_err: Some(0.008),
    }
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
        kept,
        dropped,
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
        rows: vec![],
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

/// Checks of which one ends the run.
pub(crate) fn refusing_checks() -> Vec<Check> {
    let row = |subject: &str, verdict, detail: &str| CheckRow {
        subject: subject.to_owned(),
        verdict,
        statistic: None,
        p_value: None,
        detail: detail.to_owned(),
    };
    let failed = Check {
        verdict: CheckVerdict::Failed,
        statistic: Some(412.7),
        p_value: Some(1e-80),
        detail: "the variants' shares of the units are not the declared ones".to_owned(),
        fix: Some(
            "find out which units are lost before they are logged, or declare the `weight` of each variant as it was"
                .to_owned(),
        ),
        rows: vec![
            row("No E-Mail", CheckVerdict::Failed, "20,113 units, 21,333 expected"),
            row(MENS, CheckVerdict::Passed, "21,307 units, 21,333 expected"),
            row(WOMENS, CheckVerdict::Failed, "22,580 units, 21,333 expected"),
        ],
        ..passed("sample ratio after excluding units in several variants", 1.0)
    };
    checks().into_iter().chain([failed]).collect()
}
