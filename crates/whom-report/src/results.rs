//! The results of a run: what the pipeline fills and every output shows.

use serde::{Deserialize, Serialize};
use whom_stats::Check;

use crate::cap::CapView;
use crate::cohort::CohortView;
use crate::effect::{EVERYBODY, EffectRow, Estimand, Role};
use crate::folds::GivenFolds;
use crate::heterogeneity::{ConfirmingTest, DetectableDifference, GlobalTestRow, ImportanceRow};
use crate::model::ModelView;
use crate::quantile::QuantileView;
use crate::ranking::TagRanking;
use crate::replication::ReplicationView;
use crate::scatter::CohortScatter;
use crate::seal::Seal;
use crate::shrunken::ShrunkenEffects;
use crate::sliced::SlicedEffect;
use crate::stability::Stability;
use crate::tag_table::TagTable;
use crate::tree::TreeView;
use crate::waterfall::WaterfallStep;
use crate::withhold::Withheld;
use crate::word::words;

words! {
    /// The direction in which a metric should move.
    pub enum Direction {
        /// More is better.
        Increase = "increase",
        /// Less is better.
        Decrease = "decrease",
    }
}

/// Everything that a run found, without anything about where, when or how it ran.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Results {
    /// The experiment's name.
    pub experiment: String,
    /// The analysis identity.
    pub analysis: String,
    /// The last day whose rows count, as `YYYY-MM-DD`.
    pub through: String,
    /// The first day of exposure, as `YYYY-MM-DD`; `None` in what older programs wrote.
    #[serde(default)]
    pub start: Option<String>,
    /// The level of intervals, such as 0.95.
    pub level: f64,
    /// How the run stands to the registered plans of the experiment; `None` if none were registered.
    pub seal: Option<Seal>,
    /// The folds that the data gave; `None` where they are drawn, and where nothing is searched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folds: Option<GivenFolds>,
    /// What is withheld because it is about too few units; `None` if everything is shown.
    pub withheld: Option<Withheld>,
    /// The variants, control first.
    pub variants: Vec<VariantView>,
    /// The metrics in the order of the pipeline file.
    pub metrics: Vec<MetricView>,
    /// From rows read to units analysed.
    pub waterfall: Vec<WaterfallStep>,
    /// The checks in the order they were made.
    pub checks: Vec<Check>,
    /// All effects: averages, cohorts, contrasts.
    pub effects: Vec<EffectRow>,
    /// Effects by week of first exposure and by declared slices; empty where there is one week and no slice.
    #[serde(default)]
    pub slices: Vec<SlicedEffect>,
    /// The one-tag tables, by name of tag.
    pub tag_tables: Vec<TagTable>,
    /// The tags by how much they change each effect, by treatment and primary metric.
    pub tag_rankings: Vec<TagRanking>,
    /// The linear models in the order of the pipeline file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelView>,
    /// The declared partition; `None` if discovery was not asked for.
    pub partition: Option<Partition>,
    /// The pre-registered cohorts in the order of the pipeline file.
    pub registered: Vec<CohortView>,
    /// All trees, the one of the declared partition included.
    pub trees: Vec<TreeView>,
    /// The global tests of heterogeneity.
    pub global_tests: Vec<GlobalTestRow>,
    /// How much effects differ between the cohorts of the declared partition, by treatment and primary metric.
    pub cohort_scatter: Vec<CohortScatter>,
    /// The effects in these cohorts drawn to each other, by treatment and primary metric.
    pub shrunken_effects: Vec<ShrunkenEffects>,
    /// Importance of tags by tree, the largest share first.
    pub importance: Vec<ImportanceRow>,
    /// What difference of a cohort could have been detected.
    pub detectable_differences: Vec<DetectableDifference>,
    /// The experiments that would confirm the held-out cohorts.
    pub confirming_tests: Vec<ConfirmingTest>,
    /// What an earlier run found, measured again; `None` unless this run was asked to. Such a run searches nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication: Option<ReplicationView>,
    /// How stable the search is; described, never selected on.
    pub stability: Stability,
}

/// A variant and its units.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantView {
    /// The variant's name.
    pub name: String,
    /// Units analysed.
    pub units: u64,
}

/// A metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricView {
    /// The metric's name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The unit of a value, such as `USD`.
    pub unit_of_measure: Option<String>,
    /// Whether each value is 0 or 1, so that the mean is a share.
    pub proportion: bool,
    /// The direction that is wanted.
    pub desired: Direction,
    /// The smallest effect that anyone would act on.
    pub matters: Option<Threshold>,
    /// For a guardrail: the change in the unwanted direction that is still acceptable, as a positive number.
    pub limit: Option<Threshold>,
    /// From where on larger values count as a threshold; `None` without a cap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<CapView>,
    /// What arms are compared by in place of the mean; `None` for the mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantile: Option<QuantileView>,
}

/// A size of effect, as the pipeline file gives it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// In the metric's unit; of a proportion, a fraction.
    Absolute(f64),
    /// Relative to control: 0.01 is one percent.
    Relative(f64),
}

impl Threshold {
    /// The size, whatever its scale.
    pub fn size(self) -> f64 {
        match self {
            Self::Absolute(size) | Self::Relative(size) => size,
        }
    }
}

/// The declared partition of the units into cohorts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Partition {
    /// The name of its tree.
    pub tree: String,
    /// Its cohorts, ordered by the discovery fold's estimate; fewer than two if no split was admissible or kept.
    pub cohorts: Vec<CohortView>,
}

impl Results {
    /// The treatments in order.
    pub fn treatments(&self) -> impl Iterator<Item = &VariantView> + Clone {
        self.variants.iter().skip(1)
    }

    /// Units analysed over all variants.
    pub fn units(&self) -> u64 {
        self.variants.iter().map(|variant| variant.units).sum()
    }

    /// The metrics of one role.
    pub fn metrics_of(&self, role: Role) -> impl Iterator<Item = &MetricView> {
        self.metrics.iter().filter(move |metric| metric.role == role)
    }

    /// The metric of a name.
    pub fn metric(&self, name: &str) -> Option<&MetricView> {
        self.metrics.iter().find(|metric| metric.name == name)
    }

    /// The cohorts of the declared partition; empty if there is none.
    pub fn discovered(&self) -> &[CohortView] {
        self.partition.as_ref().map_or(&[], |partition| &partition.cohorts)
    }

    /// The tree of the declared partition.
    pub fn partition_tree(&self) -> Option<&TreeView> {
        let partition = self.partition.as_ref()?;
        self.trees.iter().find(|tree| tree.name == partition.tree)
    }

    /// The row of a metric, treatment, cohort and estimand; of several, the one of the strictest family.
    pub fn effect(&self, key: EffectKey<'_>) -> Option<&EffectRow> {
        self.effects.iter().filter(|row| key.selects(row)).min_by_key(|row| row.family)
    }

    /// The row of an average over everybody.
    pub fn average(&self, metric: &str, variant: &str, estimand: Estimand) -> Option<&EffectRow> {
        self.effect(EffectKey { metric, variant, cohort: EVERYBODY, estimand })
    }

    /// The heterogeneity of a treatment and metric between the cohorts of the declared partition.
    pub fn cohort_scatter(&self, metric: &str, variant: &str) -> Option<&CohortScatter> {
        self.cohort_scatter.iter().find(|scatter| scatter.metric == metric && scatter.variant == variant)
    }

    /// The shrunken effects of a treatment and metric.
    pub fn shrunken_effects(&self, metric: &str, variant: &str) -> Option<&ShrunkenEffects> {
        self.shrunken_effects.iter().find(|shrunken| shrunken.metric == metric && shrunken.variant == variant)
    }

    /// The global test of a treatment and metric.
    pub fn global_test(&self, metric: &str, variant: &str) -> Option<&GlobalTestRow> {
        self.global_tests.iter().find(|test| test.metric == metric && test.variant == variant)
    }
}

/// What identifies an effect among all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EffectKey<'a> {
    /// The metric's name.
    pub metric: &'a str,
    /// The treatment.
    pub variant: &'a str,
    /// The cohort, or [`EVERYBODY`].
    pub cohort: &'a str,
    /// What is estimated.
    pub estimand: Estimand,
}

impl EffectKey<'_> {
    fn selects(&self, row: &EffectRow) -> bool {
        row.metric == self.metric
            && row.variant == self.variant
            && row.cohort == self.cohort
            && row.estimand == self.estimand
    }
}
