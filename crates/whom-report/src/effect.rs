//! Effects: one row per metric, treatment, cohort and estimand, and the words that qualify it.

use serde::{Deserialize, Serialize};
use whom_stats::{Alternative, Interval, Look};

use crate::number;
use crate::word::words;

/// Clusters of an arm from which on kinds of errors are not told apart.
const MANY_CLUSTERS: u64 = 50;

/// The cohort of an average: everybody.
pub const EVERYBODY: &str = "all";

words! {
    /// What a metric is for.
    pub enum Role {
        /// An objective: the verdict is about it.
        Primary = "primary",
        /// A constraint: it must not get worse than its limit.
        Guardrail = "guardrail",
        /// Reported, never decisive.
        Secondary = "secondary",
    }

    /// What a row is evidence of.
    pub enum Evidence {
        /// The plan was registered before the first exposure.
        Sealed = "sealed",
        /// Pre-registered in the pipeline file, but not sealed.
        Declared = "declared",
        /// Discovered, and measured on units that did not discover it.
        HeldOut = "held_out",
        /// Found by an earlier run and measured on fresh units.
        Replicated = "replicated",
        /// A hint for the next experiment.
        Exploratory = "exploratory",
    }

    /// The family of tests that a row belongs to; each keeps its own level.
    pub enum Family {
        /// Confirmatory: primary metrics, treatments, averages and pre-registered cohorts.
        Confirmatory = "F1",
        /// Discovered cohorts of the declared partition on the measuring fold.
        Discovered = "F2",
        /// Guardrails: non-inferiority against their limit, uncorrected.
        Guardrail = "guardrail",
        /// Everything else; never feeds the verdict.
        Exploratory = "F3",
    }

    /// What is estimated.
    pub enum Estimand {
        /// Treatment minus control, in the metric's unit.
        Effect = "effect",
        /// The same over all exposed units by the first variant they saw, those in several variants and those who did not pass an exposure
        /// filter included: the intention to treat.
        EffectByFirstExposure = "effect_by_first_exposure",
        /// The effect before its adjustment by covariates.
        UnadjustedEffect = "unadjusted_effect",
        /// The effect on the values before their cap.
        UncappedEffect = "uncapped_effect",
        /// How far a guardrail is on the good side of its limit, in the metric's unit; its p-value is one-sided.
        Margin = "margin",
        /// Treatment minus control, relative to control.
        Lift = "lift",
        /// The cohort's effect minus the effect in the rest of the units.
        Contrast = "contrast",
    }

    /// The distribution that turns a statistic into a p-value and an interval.
    pub enum Reference {
        /// Student's t.
        T = "t",
        /// The standard normal.
        Normal = "normal",
    }

    /// Which interval of a row holds at this look.
    #[derive(Default)]
    pub enum Holds {
        /// Those of one look: the plan asks for no sequences; all of its units have counted, and nobody would have stopped before; or the row is
        /// about what was searched, at a declared look, or is exploratory.
        #[default]
        FixedHorizon = "fixed_horizon",
        /// The confidence sequence alone: more looks are planned.
        Sequence = "sequence",
        /// None: more looks are planned, and the row has no sequence, or not yet.
        Neither = "neither",
    }

    /// What the adjusted p-value and the simultaneous interval are corrected by.
    pub enum Correction {
        /// Nothing.
        None = "none",
        /// Holm's step-down p-values, Bonferroni intervals.
        Holm = "holm",
        /// Bonferroni's p-values and intervals.
        Bonferroni = "bonferroni",
        /// Single-step maximum of the studentised statistics.
        MaxT = "max_t",
        /// Step-down p-values of that maximum (Romano and Wolf), its single-step intervals.
        RomanoWolf = "romano_wolf",
        /// Benjamini and Yekutieli's false discovery rate under any dependence.
        BenjaminiYekutieli = "benjamini_yekutieli",
    }
}

impl Evidence {
    /// Whether shipping may rest on it.
    pub fn may_ship(self) -> bool {
        matches!(self, Self::Sealed | Self::Replicated)
    }
}

/// One row of `effects.parquet`.
///
/// A proportion is a fraction, never a percentage. What cannot be estimated is `None` in every figure of the estimate and
/// says why in [`not_estimable`](Self::not_estimable); units and means of the arms stand there all the same. No number is
/// ever infinite or not a number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectRow {
    /// The metric's name.
    pub metric: String,
    /// The metric's role.
    pub role: Role,
    /// The treatment that is compared with control.
    pub variant: String,
    /// The cohort, or [`EVERYBODY`]; in a one-tag table, the level's name.
    pub cohort: String,
    /// What the row is evidence of.
    pub evidence: Evidence,
    /// The family whose level the row shares.
    pub family: Family,
    /// What is estimated.
    pub estimand: Estimand,
    /// How the estimate and its standard error are made: `welch`, `ratio_delta`, `cuped`, `ratio_cuped`, after `stratified_`
    /// where arms are compared within strata, which may be periods, and `clustered`, `clustered_cuped`,
    /// `clustered_ratio` or `clustered_ratio_cuped` where errors are by cluster; of a lift `delta` or
    /// `fieller`; of a margin `non_inferiority`.
    pub method: String,
    /// The reference distribution.
    pub reference: Reference,
    /// The estimate.
    pub estimate: Option<f64>,
    /// Its standard error.
    pub std_err: Option<f64>,
    /// The interval that holds simultaneously over the family, by the procedure that gave `p_value_adjusted`. Exploratory
    /// rows and guardrails have no simultaneous one; theirs is the individual interval.
    pub interval: Option<Interval>,
    /// The interval of this row by itself.
    pub individual_interval: Option<Interval>,
    /// The level of both intervals, such as 0.95. Beside the one-sided test of an effect at 95 % it is 0.9: each of their ends holds at
    /// 95 %, and the one that the test looks for excludes zero where it rejects. A margin has a one-sided p-value and keeps the
    /// level, so that its interval is the stricter of the two.
    pub level: f64,
    /// What the test is against.
    #[serde(default)]
    pub alternative: Alternative,
    /// The p-value of this row by itself.
    pub p_value: Option<f64>,
    /// The p-value corrected over the family.
    pub p_value_adjusted: Option<f64>,
    /// By what the family is corrected.
    pub correction: Correction,
    /// Why the method is outside its range of validity here; `None` for a reliable row.
    pub unreliable: Option<String>,
    /// Why there is no estimate; `None` where there is one.
    pub not_estimable: Option<String>,
    /// Units of control with a value; `None` if their number is withheld.
    pub n_control: Option<u64>,
    /// Units of the treatment with a value; `None` if their number is withheld.
    pub n_variant: Option<u64>,
    /// Mean of control, or its ratio, or either as it was adjusted; `None` without a unit.
    pub mean_control: Option<f64>,
    /// Mean of the treatment; `None` without a unit.
    pub mean_variant: Option<f64>,
    /// The part of the effect's variance that an adjustment by covariates took off; `None` for what is not adjusted.
    pub variance_reduction: Option<f64>,
    /// The clusters that hold the units of control, where errors are by cluster; of more than 4,096 clusters in all, the groups of whole
    /// clusters that do. `None` where units were assigned by themselves, or if the number is withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters_control: Option<u64>,
    /// The same of the treatment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters_variant: Option<u64>,
    /// What is told beside an error by cluster; `None` elsewhere, and where the numbers of clusters are withheld.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster_errors: Option<ClusterErrors>,
    /// The confidence sequence at this look: of a confirmatory effect or contrast it holds at all looks and over all of them together, of a
    /// margin at all looks, either end by itself. `None` where none is declared, and where the row is outside its method's range.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<Look>,
    /// Which of the intervals holds, until all planned units have counted. Afterwards a sequence holds as well.
    #[serde(default)]
    pub holds: Holds,
}

/// What is told beside an error by cluster.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClusterErrors {
    /// The standard error of type CR1, of the regression of units on the arms (on the sides of the arms, for a contrast): too small where
    /// clusters are few. Of a ratio that of the row.
    pub std_err_cr1: f64,
    /// The degrees of freedom of the row's own error, Bell and McCaffrey's of means.
    pub degrees_of_freedom: f64,
    /// Of both arms together, how many equal clusters would tell as much about the estimate (Carter, Schnepel and Steigerwald 2017).
    pub effective_clusters: f64,
}

impl EffectRow {
    /// Whether the method is inside its range of validity.
    pub fn is_reliable(&self) -> bool {
        self.unreliable.is_none() && self.not_estimable.is_none()
    }

    /// Whether errors are by cluster and an arm has few of them, so that the kinds of errors differ.
    pub(crate) fn has_few_clusters(&self) -> bool {
        let fewest = self.clusters_control.into_iter().chain(self.clusters_variant).min();
        fewest.is_some_and(|clusters| clusters < MANY_CLUSTERS)
    }

    /// That the test looks one way, and at which level its intervals are; `None` of a two-sided test.
    pub(crate) fn sides_words(&self) -> Option<String> {
        self.alternative.is_one_sided().then(|| format!("one-sided test, {} intervals", number::share(self.level)))
    }

    /// Whether the corrected test rejects at the level of its family.
    pub fn is_significant(&self) -> bool {
        self.p_value_adjusted.is_some_and(|p| p < self.alternative.error_rate(self.level))
    }
}
