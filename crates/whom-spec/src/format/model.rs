//! Linear models of a metric.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::Shape;
use super::leaf::{Number, Truth};
use crate::plan;

/// A linear model of a metric on the variants, tags, and what each tag changes in the effect of each variant, by least
/// squares. Exploratory. Units that lack the metric, a tag or the cluster are left out and counted.
#[derive(JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    /// The metric.
    metric: String,
    /// The tags: a number as it is, a category as a column of 0 and 1 for each level but the base. Default: none.
    tags: Option<Vec<String>>,
    /// By categorical tag, the level that others are compared with. Default: the first in alphabetical order.
    base: Option<BTreeMap<String, String>>,
    /// Whether numeric tags count in standard deviations (of the population, divisor n) from their mean over the model's
    /// units. Default: `false`.
    standardise: Option<Truth>,
    /// By categorical tag, the level or levels of the units that the model is of. Default: all units.
    units: Option<BTreeMap<String, Levels>>,
    /// By categorical tag, the level or levels of the units on which the effects that the model predicts are held against measured
    /// ones, by tenth of the prediction: best of units that the model is not of. Default: none.
    calibrate: Option<BTreeMap<String, Levels>>,
    /// By name of a profile, what units of it have: of numeric tags of the model a number, of categorical ones a level; tags that it does
    /// not name are at their average over the model's units. The effect of each variant on such a unit is predicted, with its standard
    /// error. Default: none.
    predict: Option<BTreeMap<String, BTreeMap<String, TagValue>>>,
    /// The kind of standard error. Default: `HC2`; `CR2` with a `cluster`.
    errors: Option<plan::StandardErrors>,
    /// The categorical tag whose levels are the clusters, for `CR0`, `CR1` and `CR2`.
    cluster: Option<String>,
    /// The distribution that statistics refer to. Default: that of `validate`.
    reference: Option<plan::Reference>,
    /// What the p-values of the model's interactions are corrected by. Default: `benjamini_yekutieli`.
    correction: Option<plan::ModelCorrection>,
}

impl Shape for Model {
    const KEYS: &'static [&'static str] = &[
        "metric",
        "tags",
        "base",
        "standardise",
        "units",
        "calibrate",
        "predict",
        "errors",
        "cluster",
        "reference",
        "correction",
    ];
}

/// One level or several.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum Levels {
    One(String),
    Several(Vec<String>),
}

/// The number or the level of a tag.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub(crate) enum TagValue {
    Number(Number),
    Level(String),
}
