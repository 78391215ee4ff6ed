//! Strata: groups of units within which the variants were assigned.

use schemars::JsonSchema;
use serde::Serialize;

use super::Split;
use crate::spanned::Spanned;

/// Columns of the split within whose values arms are compared, as they stand in the row of a unit's first exposure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Strata {
    /// The columns, in the order of the file; at least one.
    pub columns: Vec<Spanned<String>>,
    /// What shares the arms have within a stratum.
    pub shares: StrataShares,
    /// The strata whose weights differ from those of the variants, by their value of the only column.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<StratumWeights>,
}

/// The weights of one stratum.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StratumWeights {
    /// The value of the column, as text.
    pub value: Spanned<String>,
    /// The weight of each variant, in the order of the variants.
    pub weights: Vec<f64>,
}

impl Strata {
    /// The weights of the stratum of a value, if they differ from those of the variants.
    pub fn weights_of(&self, value: &str) -> Option<&[f64]> {
        let of_value = self.weights.iter().find(|stratum| *stratum.value == *value);
        of_value.map(|stratum| stratum.weights.as_slice())
    }

    /// Whether the arms may have other shares in some strata than in others.
    fn is_unequal(&self) -> bool {
        self.shares == StrataShares::Realised || !self.weights.is_empty()
    }
}

/// The shares of the arms within a stratum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StrataShares {
    /// Those of the weights, in every stratum: the sample ratio is tested in each (the default).
    Declared,
    /// Whatever they turned out to be, by stratum: blocks of several sizes, countries with weights of their own.
    Realised,
}

impl Split {
    /// Whether arms are compared within strata: periods of constant weights, values of columns, or both.
    pub fn is_stratified(&self) -> bool {
        self.is_ramped() || self.strata.is_some()
    }

    /// Whether the arms have other shares in some strata than in others, so that all units together mislead.
    pub fn has_unequal_strata(&self) -> bool {
        self.is_ramped() || self.strata.as_ref().is_some_and(Strata::is_unequal)
    }
}
