//! Words of the result files as the page writes them.

use super::table::Cell;
use crate::effect::{Correction, Estimand, Evidence, Family};
use crate::label;

/// Evidence as a mark; what proves nothing by itself looks like it.
pub(super) fn evidence_mark(evidence: Evidence) -> Cell {
    match evidence {
        Evidence::Sealed => Cell::mark("sealed", "good"),
        Evidence::Replicated => Cell::mark("replicated", "good"),
        Evidence::Declared => Cell::mark("declared", "calm"),
        Evidence::HeldOut => Cell::mark("held-out", "calm"),
        Evidence::Exploratory => Cell::mark("exploratory", "open"),
    }
}

pub(super) fn family_words(family: Family) -> &'static str {
    match family {
        Family::Confirmatory => "confirmatory (F1)",
        Family::Discovered => "discovered (F2)",
        Family::Exploratory => "exploratory (F3)",
        Family::Guardrail => "guardrail",
    }
}

/// How an estimate is made, where it is not the plain difference in means.
pub(super) fn method_words(method: &str) -> Option<String> {
    match method {
        "welch" => None,
        "cuped" => Some("adjusted by covariates".to_owned()),
        "ratio_delta" => Some("a ratio".to_owned()),
        "ratio_cuped" => Some("a ratio, adjusted by covariates".to_owned()),
        "clustered" => Some("errors by cluster".to_owned()),
        "clustered_cuped" => Some("errors by cluster, adjusted by covariates".to_owned()),
        "clustered_quantile" => Some("quantile, errors by cluster".to_owned()),
        "clustered_ratio" => Some("a ratio, errors by cluster".to_owned()),
        "clustered_ratio_cuped" => Some("a ratio, errors by cluster, adjusted by covariates".to_owned()),
        "stratified_welch" => Some("within strata".to_owned()),
        "stratified_cuped" => Some("within strata, adjusted by covariates".to_owned()),
        "stratified_ratio_delta" => Some("a ratio, within strata".to_owned()),
        "stratified_ratio_cuped" => Some("a ratio, within strata, adjusted by covariates".to_owned()),
        other => Some(label::plain(other)),
    }
}

pub(super) fn estimand_words(estimand: Estimand) -> String {
    match estimand {
        Estimand::Contrast => "contrast with the rest".to_owned(),
        other => other.as_str().replace('_', " "),
    }
}

pub(super) fn correction_words(correction: Correction) -> &'static str {
    match correction {
        Correction::None => "not corrected",
        Correction::Holm => "Holm’s step-down p-values with Bonferroni intervals",
        Correction::Bonferroni => "Bonferroni’s p-values and intervals",
        Correction::MaxT => "the maximum of the studentised statistics over bootstrap replicates (max-t)",
        Correction::RomanoWolf => "the step-down maximum of the studentised statistics (Romano and Wolf)",
        Correction::BenjaminiYekutieli => "Benjamini and Yekutieli’s false discovery rate",
    }
}
