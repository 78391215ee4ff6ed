//! Linear models of a metric on the variants and on tags.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Reference;
use crate::spanned::Spanned;

/// y = a + Σ b w + Σ c x + Σ d w x: the variants, tags, and what a tag changes in the effect of each variant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Model {
    /// Its name.
    pub name: Spanned<String>,
    /// The metric; it exists and is a number per unit.
    pub metric: Spanned<String>,
    /// The tags, which exist; empty for the variants alone.
    pub tags: Vec<Spanned<String>>,
    /// Of categorical tags the level that the others are compared with, where it is not the first.
    pub base: Vec<BaseLevel>,
    /// Whether numeric tags count in standard deviations from their mean over the model's units.
    pub standardise: bool,
    /// The units that the model is of: those with one of the levels of every tag here.
    pub units: Vec<TagLevels>,
    /// The units on which predicted effects are held against measured ones, told as `units` are; empty for no calibration.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calibrate: Vec<TagLevels>,
    /// The profiles for which effects are predicted; none of a model without tags.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub predict: Vec<Profile>,
    /// The kind of standard error.
    pub errors: StandardErrors,
    /// The categorical tag whose levels are the clusters; there if errors are by cluster, and only then.
    pub cluster: Option<Spanned<String>>,
    /// The distribution that statistics refer to.
    pub reference: Reference,
    /// What the interactions of the model are corrected by.
    pub correction: ModelCorrection,
}

/// The level of a categorical tag that others are compared with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BaseLevel {
    /// The tag, one of the model's.
    pub tag: Spanned<String>,
    /// Its level; whether units have it is for the data to say.
    pub level: Spanned<String>,
}

/// Levels of a categorical tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagLevels {
    /// The tag.
    pub tag: Spanned<String>,
    /// The levels, at least one.
    pub levels: Vec<Spanned<String>>,
}

/// A unit whose effects are predicted: what it has of some tags, and the average of the model's units of the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Profile {
    /// Its name.
    pub name: Spanned<String>,
    /// What it has, each of another tag of the model; empty for the average unit.
    pub at: Vec<ProfileTag>,
}

/// What a profile has of a tag.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProfileTag {
    /// The tag, one of the model's.
    pub tag: Spanned<String>,
    /// Its number or level, by the kind of the tag.
    pub value: ProfileValue,
}

/// The value of a tag.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProfileValue {
    /// Of a numeric tag, a finite number; it need not be one that a unit has.
    Number(f64),
    /// Of a categorical tag, a level; whether units have it is for the data to say.
    Level(String),
}

/// A kind of standard error of least squares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum StandardErrors {
    /// One variance of all units, as textbooks assume; for published tables.
    #[serde(rename = "classical")]
    Classical,
    /// Squared residuals (White 1980).
    #[serde(rename = "HC0")]
    Hc0,
    /// The same for the degrees of freedom that are left.
    #[serde(rename = "HC1")]
    Hc1,
    /// Unbiased if all variances are equal (the default without a cluster).
    #[serde(rename = "HC2")]
    Hc2,
    /// Nearly the jackknife.
    #[serde(rename = "HC3")]
    Hc3,
    /// By cluster, as they are (Liang and Zeger 1986).
    #[serde(rename = "CR0")]
    Cr0,
    /// By cluster, as Stata and statsmodels do.
    #[serde(rename = "CR1")]
    Cr1,
    /// By cluster, unbiased if errors are independent, with Bell and McCaffrey's degrees of freedom (the default with a
    /// cluster).
    #[serde(rename = "CR2")]
    Cr2,
}

/// What the interactions of a model are corrected by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ModelCorrection {
    /// Nothing.
    None,
    /// Holm's step-down.
    Holm,
    /// Bonferroni.
    Bonferroni,
    /// Benjamini and Yekutieli's false discovery rate under any dependence (the default).
    BenjaminiYekutieli,
}

impl StandardErrors {
    /// Whether they are summed by cluster.
    pub fn are_clustered(self) -> bool {
        matches!(self, Self::Cr0 | Self::Cr1 | Self::Cr2)
    }
}
