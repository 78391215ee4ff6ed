//! Section 8: how the numbers are made, in plain words with formulas and sources, and what it takes to make them again.

use std::collections::BTreeSet;

use serde::Serialize;

use super::index::Indexed;
use super::words::correction_words;
use crate::cohort::CohortView;
use crate::cohorts_sql::cohorts_sql;
use crate::label;
use crate::number;

/// How the numbers are made.
#[derive(Serialize)]
pub(super) struct MethodsSection {
    methods: Vec<Method>,
    /// The corrections that rows name, in words.
    corrections: Vec<&'static str>,
    level: String,
    /// The reference distributions that rows name.
    references: Vec<&'static str>,
    experiment: String,
    analysis: String,
    through: String,
    /// The rules of the discovered cohorts as a CASE expression; nothing if nobody would read it here.
    cohorts_sql: Option<String>,
}

/// A method in plain words, its formula, and where it comes from.
#[derive(Clone, Copy, Serialize)]
struct Method {
    name: &'static str,
    words: &'static str,
    formula: &'static str,
    source: &'static str,
}

/// The methods that rows may name, by that name.
const KNOWN: [(&str, Method); 13] = [
    (
        "welch",
        Method {
            name: "Difference in means",
            words: "The mean of the treated units minus the mean of the control units; each arm has its own variance. \
                    Sums are exact integers, so neither the order of rows nor the machine changes a digit.",
            formula: "τ = ȳ₁ − ȳ₀,  s.e.² = s₁²/n₁ + s₀²/n₀,  degrees of freedom by Welch and Satterthwaite",
            source: "Welch, The generalization of “Student’s” problem, Biometrika 34 (1947)",
        },
    ),
    (
        "ratio_delta",
        Method {
            name: "Difference in ratios",
            words: "The ratio of two sums over the treated units minus that over the control units. Units are what varies, \
                    not the rows that are summed, so its error is by the delta method over units.",
            formula: "τ = R₁ − R₀,  R = n̄/d̄,  s.e.² = Σ s²(n − R·d) / (N·d̄²) over arms",
            source: "Deng, Knoblich and Lu, Applying the delta method in metric analytics, KDD 2018",
        },
    ),
    (
        "cuped",
        Method {
            name: "Difference in means, adjusted by covariates (CUPED)",
            words: "What was known of each unit before its exposure takes variance off its metric: in each arm the metric is \
                    regressed on the covariates, and the arms are compared at the mean of both. The difference without \
                    the adjustment stands beside it. Adjusted effects of cohorts need not add up to the adjusted average.",
            formula: "mₐ = ȳₐ − bₐ′(x̄ₐ − x̄),  τ = m₁ − m₀,  with the variance of x̄",
            source: "Lin, Agnostic notes on regression adjustments, Annals of Applied Statistics 7 (2013); Deng, Xu, Kohavi and Walker, WSDM 2013",
        },
    ),
    (
        "ratio_cuped",
        Method {
            name: "Difference in ratios, adjusted by covariates",
            words: "The same for a ratio, whose units are linearised first.",
            formula: "y = (n − R·d)/d̄, adjusted as above",
            source: "Deng, Xu, Kohavi and Walker, WSDM 2013",
        },
    ),
    (
        "clustered",
        Method {
            name: "Difference in means, units assigned by cluster",
            words: "The mean of the treated units minus that of the control units. Units of a cluster were assigned together and resemble \
                    each other, so the clusters are what varies: the error is of type CR2, with degrees of freedom that fall with \
                    the number of clusters and where a few are large. Of more than 4,096 clusters the parts are 1,024 groups of whole \
                    clusters. A cohort and the rest share clusters, and their contrast knows it. Beside the error stands that of type CR1, \
                    which is too small where clusters are few, and how many equal clusters would say as much.",
            formula: "s.e.² = Σ Eᵍ² / (1 − nᵍ/N) / N² over clusters g of each arm,  Eᵍ the sum of the cluster’s residuals",
            source: "Bell and McCaffrey, Bias reduction in standard errors for linear regression with multi-stage samples, Survey Methodology 28 (2002)",
        },
    ),
    (
        "clustered_cuped",
        Method {
            name: "Difference in means, adjusted by covariates, units assigned by cluster",
            words: "What was known of each unit before its exposure takes variance off its metric, by regressions of the units of each arm; \
                    the error is by cluster, of the adjusted sums of each. What is fitted to the units fits their clusters as well: the error is \
                    widened, and takes degrees of freedom, as if each covariate were the same within a cluster. The difference without the \
                    adjustment stands beside it.",
            formula: "mₐ = ȳₐ − bₐ′(x̄ₐ − x̄),  s.e.² = d/(d − k) · Σ Eᵍ² / (1 − nᵍ/N) / N² over clusters,  Eᵍ the cluster’s sum of adjusted residuals",
            source: "Lin, Agnostic notes on regression adjustments, Annals of Applied Statistics 7 (2013); Bell and McCaffrey, Survey Methodology 28 (2002)",
        },
    ),
    (
        "clustered_ratio",
        Method {
            name: "Difference in ratios, units assigned by cluster",
            words: "The ratio of two sums over the treated units minus that over the control units, with the delta method’s error over \
                    clusters.",
            formula: "s.e.² = G/(G − 1) · Σ (nᵍ − R·dᵍ)² / (Σ dᵍ)² over the G clusters of each arm",
            source: "Deng, Knoblich and Lu, Applying the delta method in metric analytics, KDD 2018",
        },
    ),
    (
        "clustered_ratio_cuped",
        Method {
            name: "Difference in ratios, adjusted by covariates, units assigned by cluster",
            words: "The ratio of two sums over the units of each arm, less what was known of the units before their exposure explains: units are \
                    linearised, and regressions of the units of each arm adjust them. The error is by cluster, of the adjusted sums of \
                    each; what is fitted to the units widens it, and takes degrees of freedom. The difference without the adjustment stands beside it.",
            formula: "y = R + (n − R·d)/d̄,  mₐ = ȳₐ − bₐ′(x̄ₐ − x̄),  s.e.² = d/(d − k) · Σ Eᵍ² / (1 − nᵍ/N) / N² over clusters,  Eᵍ the cluster’s sum of adjusted residuals",
            source: "Deng, Xu, Kohavi and Walker, WSDM 2013; Bell and McCaffrey, Survey Methodology 28 (2002)",
        },
    ),
    (
        "quantile",
        Method {
            name: "Difference in quantiles",
            words: "The quantile of the treated units minus that of the control units: the smallest value that so large a share of \
                    the units, or of their events, does not exceed, found exactly, ties included. Its error comes from the values at the \
                    ends of the share’s own interval, so no density is guessed; of events the share varies over units, because those of \
                    a unit resemble each other. Where more units share the value at the \
                    quantile than that interval spans, the estimate is marked unreliable.",
            formula: "τ = q₁ − q₀,  s.e. of q = (F⁻¹(p + 1.96 s) − F⁻¹(p − 1.96 s)) / 3.92,  s² = p(1 − p)/n over units",
            source: "Woodruff, Confidence intervals for medians and other position measures, JASA 47 (1952)",
        },
    ),
    (
        "clustered_quantile",
        Method {
            name: "Difference in quantiles, units assigned by cluster",
            words: "The quantile of the treated units minus that of the control units: the smallest value that so large a share of the \
                    units, or of their events, does not exceed, found exactly, ties included. Its error comes from the values at the ends of the \
                    share’s own interval; the share varies over clusters, because units of one were assigned together and resemble each other. A cohort \
                    and the rest share clusters, and their contrast knows it. Where more units share the value at the quantile than that \
                    interval spans, the estimate is marked unreliable.",
            formula: "τ = q₁ − q₀,  s.e. of q = (F⁻¹(p + 1.96 s) − F⁻¹(p − 1.96 s)) / 3.92,  s² = G/(G − 1) · Σ (bᵍ − F·nᵍ)² / (Σ nᵍ)² over the G clusters of each arm,  bᵍ of the nᵍ values of a cluster at or below q",
            source: "Woodruff, Confidence intervals for medians and other position measures, JASA 47 (1952)",
        },
    ),
    (
        "fieller",
        Method {
            name: "Lift near a baseline of zero",
            words: "An interval of a ratio that stays right where control’s mean is not far from zero; it may be unbounded, and is then left out.",
            formula: "all l for which ȳ₁ − (1+l)·ȳ₀ is not told from zero",
            source: "Fieller, Some problems in interval estimation, JRSS B 16 (1954)",
        },
    ),
    (
        "non_inferiority",
        Method {
            name: "Guardrails",
            words: "A guardrail holds if its metric is shown to be better than its limit, by a one-sided test: a harm that is not \
                    detected is not a harm that is excluded.",
            formula: "H₀: the effect is at least as bad as the limit",
            source: "Schuirmann, J. Pharmacokinetics and Biopharmaceutics 15 (1987)",
        },
    ),
    (
        "delta",
        Method {
            name: "Lift",
            words: "The effect relative to the mean of control, with its error by the delta method.",
            formula: "l = ȳ₁/ȳ₀ − 1,  s.e.² = (s₁²/n₁ + (1+l)²·s₀²/n₀) / ȳ₀²",
            source: "Deng, Knoblich and Lu, Applying the delta method in metric analytics, KDD 2018",
        },
    ),
];

/// The longest expression that is shown; `cohorts.sql` has it whatever its length.
const LONGEST_SQL: usize = 12_000;

const HONEST_TREE: Method = Method {
    name: "Cohorts",
    words: "A tree is grown and pruned on one half of the units, the discovery fold. Its leaves are the cohorts, and their \
            effects come from the other half, the measuring fold, which did not choose them. They are named and ordered by \
            what chose them, never by how they turned out.",
    formula: "a unit’s fold follows from a hash of its identifier; no seed can be tried twice",
    source: "Athey and Imbens, Recursive partitioning for heterogeneous causal effects, PNAS 113 (2016)",
};

/// The same, where folds hold whole clusters.
const HONEST_TREE_OF_CLUSTERS: Method = Method {
    formula: "a unit’s fold follows from a hash of its cluster’s name; no seed can be tried twice",
    ..HONEST_TREE
};

/// The same, where the data gave the folds.
const GIVEN_TREE: Method = Method {
    words: "A tree is grown and pruned on the units that the data gave to the discovery fold. Its leaves are the cohorts, and \
            their effects come from the units given to the measuring fold, which did not choose them. They are named and \
            ordered by what chose them, never by how they turned out.",
    formula: "a unit’s fold is the level of a tag; held out is what it measures if nobody chose the folds knowing outcomes",
    ..HONEST_TREE
};

const STRATIFIED: Method = Method {
    name: "Within strata",
    words: "Variants were assigned within strata: periods of constant weights, or groups of units that the file names. Where \
            their shares differ, units of different strata are not comparable. Arms are compared within each stratum and the \
            differences are averaged, each stratum weighted by its share of the units.",
    formula: "mₐ = Σ wₛ mₐₛ over strata s,  wₛ the share of the units,  s.e.² from within the strata and from wₛ",
    source: "Miratrix, Sekhon and Yu, Adjusting treatment effect estimates by post-stratification, JRSS B 75 (2013)",
};

const STRATIFIED_TREE: Method = Method {
    name: "Searched within strata",
    words: "In every node of a tree a unit counts by the inverse of the share that its variant had in its stratum among the units \
            that discover, and what a stratum has in common is taken off first, so that a tag which goes with the strata is no \
            reason to split. The effects of the nodes and cohorts that are shown are compared within strata.",
    formula: "τ = Σ w(y − ȳₛ)/Σ w in the treatment less the same in control,  w = Nₛ/nₛₐ",
    source: "Horvitz and Thompson, JASA 47 (1952); Hájek, Comment on an essay by Basu (1971)",
};

const CLUSTERED_TREE: Method = Method {
    name: "Searched where units were assigned by cluster",
    words: "A fold, and every part of it that is drawn again, holds whole clusters. Within the discovery fold splits are scored unit by \
            unit, which only decides where is looked; what is said of cohorts, nodes and contrasts has its error by cluster, and \
            p-values are Holm’s. On fewer than 50 equal clusters in a variant nobody is told from the rest. Effects are not drawn to each \
            other where cohorts share clusters.",
    formula: "var b = G/(G − 1) Σ ψ² over the G buckets of whole clusters, ψ what a bucket moves the slope b by",
    source: "Bell and McCaffrey, Survey Methodology 28 (2002); Athey and Imbens, PNAS 113 (2016)",
};

const SHARED_CLUSTERS: Method = Method {
    name: "Groups that share clusters",
    words: "Weeks, slices, cohorts and the levels of a tag may have units of the same clusters, and then their effects go together. What each \
            cluster adds to two effects tells by how much. Whether all effects are the same, and whether there is a trend, is tested with that, and \
            with the smallest degrees of freedom of an effect.",
    formula: "F = (d − q + 1)/(d q) · z′V⁻¹z,  z the q differences from the first effect, V = Σ s s′ over clusters",
    source: "Hotelling, Annals of Mathematical Statistics 2 (1931); Tipton and Pustejovsky, JEBS 40 (2015)",
};

const GLOBAL_TEST: Method = Method {
    name: "Do effects differ at all?",
    words: "Before any cohort is compared, one test asks whether what the discovery fold predicts for the leaves of the \
            unpruned tree agrees with what the measuring fold finds. Only where it does are cohorts compared with the rest.",
    formula: "b = Σ sₗ (pₗ − p̄) τₗ over leaves l, one-sided, with its variance over buckets of units",
    source: "Chernozhukov, Demirer, Duflo and Fernández-Val, Generic machine learning inference, Econometrica 93 (2025)",
};

const CONTRAST: Method = Method {
    name: "A cohort against the rest",
    words: "A cohort is different if its effect differs from the effect in the rest of the units. It gains or loses if, \
            besides, the interval that holds for all cohorts at once excludes zero.",
    formula: "δ = τ(cohort) − τ(rest)",
    source: "Romano and Wolf, Stepwise multiple testing as formalized data snooping, Econometrica 73 (2005)",
};

pub(super) fn section(indexed: &Indexed<'_>) -> MethodsSection {
    let results = indexed.results;
    let used: BTreeSet<&str> = results.effects.iter().map(|row| row.method.as_str()).collect();
    let within: BTreeSet<&str> = used.iter().filter_map(|name| name.strip_prefix("stratified_")).collect();
    let is_used = |name: &str| used.contains(name) || within.contains(name);
    let mut methods: Vec<Method> = KNOWN.iter().filter(|(name, _)| is_used(name)).map(|(_, method)| *method).collect();
    if !within.is_empty() {
        methods.push(STRATIFIED);
    }
    let by_cluster = used.iter().any(|name| name.starts_with("clustered"));
    if by_cluster {
        methods.push(SHARED_CLUSTERS);
    }
    if results.partition.is_some() {
        methods.push(match (&results.folds, by_cluster) {
            (Some(_), _) => GIVEN_TREE,
            (None, true) => HONEST_TREE_OF_CLUSTERS,
            (None, false) => HONEST_TREE,
        });
        if !within.is_empty() {
            methods.push(STRATIFIED_TREE);
        }
        if by_cluster {
            methods.push(CLUSTERED_TREE);
        }
        methods.extend([GLOBAL_TEST, CONTRAST]);
    }
    let corrections: BTreeSet<_> = results.effects.iter().map(|row| row.correction).collect();
    let references: BTreeSet<_> = results.effects.iter().map(|row| row.reference).collect();
    let rules: Vec<_> = results.discovered().iter().filter_map(CohortView::rule).cloned().collect();
    MethodsSection {
        methods,
        corrections: corrections.into_iter().map(correction_words).collect(),
        level: number::share(results.level),
        references: references.into_iter().map(crate::effect::Reference::as_str).collect(),
        experiment: label::plain(&results.experiment),
        analysis: label::plain(&results.analysis),
        through: label::plain(&results.through),
        cohorts_sql: (!rules.is_empty()).then(|| cohorts_sql(&rules)).filter(|sql| sql.len() <= LONGEST_SQL),
    }
}
