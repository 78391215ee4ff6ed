//! The columns of a model: numbers as they are, and levels as columns of 0 and 1.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use whom_query::{AnalysedUnits, BinKind, TagBins};
use whom_spec::plan::StandardErrors;
use whom_stats::linear::{Covariate, Interaction, Scaling};
use whom_stats::{CrossProducts, Grid};

use super::Asked;
use super::profile::{Profile, Profiles};
use super::survey::{MOST_CLUSTERS, Survey, SurveyedTag};

/// The most coefficients of a model: each unit adds half the square of their number of products.
const MOST_COEFFICIENTS: usize = 128;
/// The most bytes of sums by cluster.
const CLUSTER_BYTES: usize = 64 << 20;

/// The columns of a model, once it is known which levels there are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Design {
    pub(super) interaction: Interaction,
    pub(super) columns: Vec<DesignColumn>,
    /// By tag, the codes of the levels that units have; of numbers none.
    levels: Vec<Option<BTreeSet<i64>>>,
    pub(super) errors: StandardErrors,
    /// The clusters by number, in alphabetical order.
    pub(super) clusters: BTreeMap<String, u64>,
    /// The profiles whose effects are predicted, or why they are not.
    pub(super) profiles: Vec<Result<Profile, String>>,
}

/// A column that a tag makes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct DesignColumn {
    /// The tag's place among those of the model.
    pub(super) tag: usize,
    pub(super) of: ColumnOf,
}

/// What a column holds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum ColumnOf {
    /// The tag's numbers.
    Number,
    /// 1 for a level, else 0.
    Level { code: i64, level: String, base: String },
}

impl Design {
    /// The columns of a model, or why there are none.
    pub(super) fn of(units: &AnalysedUnits, asked: &Asked, survey: &Survey) -> Result<Self, String> {
        let (mut columns, mut covariates) = (Vec::new(), Vec::new());
        for (tag, (column, surveyed)) in asked.columns.tags.iter().zip(&survey.tags).enumerate() {
            let name = asked.model.tags.get(tag).map_or("", |name| name.as_str());
            match surveyed {
                SurveyedTag::Number(numbers) => {
                    let grid = units.tag_grid(*column);
                    let scaling = if asked.model.standardise { scaling(&numbers.sums, grid) } else { Scaling::Raw };
                    covariates.push(Covariate { name: name.to_owned(), grid, scaling });
                    columns.push(DesignColumn { tag, of: ColumnOf::Number });
                }
                SurveyedTag::Levels(seen) => {
                    for of in levels(asked, name, &units.bins[*column], seen)? {
                        covariates.push(Covariate {
                            name: name.to_owned(),
                            grid: Grid::INTEGER,
                            scaling: Scaling::Raw,
                        });
                        columns.push(DesignColumn { tag, of });
                    }
                }
            }
        }
        let outcome = units.outcomes().get(asked.columns.metric).map(|outcome| outcome.value);
        let grid = outcome.and_then(|value| units.grids().get(value).copied()).unwrap_or(Grid::INTEGER);
        let treatments = asked.variants.iter().skip(1).cloned().collect();
        let interaction = Interaction { treatments, covariates, outcome: grid };
        let errors = asked.model.errors;
        let clusters = survey.clusters.iter().cloned().zip(0..).collect();
        let seen = |tag: &SurveyedTag| match tag {
            SurveyedTag::Number(_) => None,
            SurveyedTag::Levels(levels) => Some(levels.keys().copied().collect()),
        };
        let levels = survey.tags.iter().map(seen).collect();
        let profiles = Profiles { units, asked, survey, columns: &columns }.all();
        let design = Self { interaction, columns, levels, errors, clusters, profiles };
        design.check_size(survey.units()).map(|()| design)
    }

    /// Whether everything that is summed fits.
    fn check_size(&self, units: u64) -> Result<(), String> {
        let coefficients = self.interaction.columns();
        if coefficients > MOST_COEFFICIENTS {
            return Err(format!(
                "the model would have {coefficients} coefficients, and may have {MOST_COEFFICIENTS}: give it fewer tags, or \
                 its tags fewer levels"
            ));
        }
        let (clusters, products) = (self.clusters.len(), coefficients * (coefficients + 1) / 2);
        let of_cluster = if self.errors == StandardErrors::Cr2 { products + coefficients } else { coefficients };
        if clusters > MOST_CLUSTERS || clusters * of_cluster * size_of::<i128>() > CLUSTER_BYTES {
            return Err(format!(
                "{} clusters of {coefficients} coefficients are too many for `{}`: cluster by something coarser",
                if clusters > MOST_CLUSTERS { format!("over {MOST_CLUSTERS}") } else { clusters.to_string() },
                if self.errors == StandardErrors::Cr2 { "CR2" } else { "errors by cluster" },
            ));
        }
        if units == 0 { Err("there are no units".to_owned()) } else { Ok(()) }
    }

    /// The same, where nobody asks for clusters or profiles.
    pub(super) fn of_units(&self) -> Self {
        Self { clusters: BTreeMap::new(), profiles: Vec::new(), ..self.clone() }
    }

    /// Whether the model saw every level of a unit.
    pub(super) fn knows(&self, tags: &[i64]) -> bool {
        tags.iter().zip(&self.levels).all(|(tag, levels)| levels.as_ref().is_none_or(|levels| levels.contains(tag)))
    }

    /// Writes the row of a unit.
    pub(super) fn row(&self, unit: (usize, i64), tags: &[i64], scratch: &mut Scratch) {
        let (arm, outcome) = unit;
        scratch.covariates.clear();
        scratch.covariates.extend(self.columns.iter().map(|column| match (&column.of, tags[column.tag]) {
            (ColumnOf::Number, value) => value,
            (ColumnOf::Level { code, .. }, value) => i64::from(*code == value),
        }));
        self.interaction.row(arm, &scratch.covariates, outcome, &mut scratch.row);
    }
}

/// Room for one row after the other.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    covariates: Vec<i64>,
    pub(super) row: Vec<i64>,
}

/// By the mean and the standard deviation (divisor n) of all units; as it is, if it does not vary.
fn scaling(sums: &CrossProducts, grid: Grid) -> Scaling {
    let n = sums.n() as f64;
    let variance = sums.covariance(0, 0, &[grid]).map(|variance| variance * (n - 1.0) / n);
    match (sums.mean(0, grid), variance) {
        (Some(mean), Some(variance)) if variance > 0.0 => Scaling::Standardised { mean, deviation: variance.sqrt() },
        _ => Scaling::Raw,
    }
}

/// The levels of a tag that units have, but for its base.
fn levels(asked: &Asked, tag: &str, bins: &TagBins, seen: &BTreeMap<i64, Vec<u64>>) -> Result<Vec<ColumnOf>, String> {
    let names: Vec<(i64, String)> = seen.keys().map(|code| (*code, level_name(bins, *code))).collect();
    let declared = asked.model.base.iter().find(|base| *base.tag == tag).map(|base| base.level.as_str());
    let base = match declared {
        None => names.first().map(|(_, name)| name.clone()),
        Some(level) => names.iter().map(|(_, name)| name).find(|name| *name == level).cloned(),
    };
    match (base, declared) {
        (None, Some(level)) if !names.is_empty() => {
            Err(format!("no unit of the model has `{level}`, the base level of `{tag}`"))
        }
        (None, _) => Ok(Vec::new()),
        (Some(base), _) => Ok(names
            .into_iter()
            .filter(|(_, level)| *level != base)
            .map(|(code, level)| ColumnOf::Level { code, level, base: base.clone() })
            .collect()),
    }
}

/// The name of a level's code: codes are in alphabetical order, and what has no code of its own follows them.
pub(super) fn level_name(bins: &TagBins, code: i64) -> String {
    let named = match &bins.kind {
        BinKind::Categorical { levels, .. } => usize::try_from(code).ok().and_then(|code| levels.get(code)),
        BinKind::Numeric { .. } => None,
    };
    named.cloned().unwrap_or_else(|| "any other".to_owned())
}
