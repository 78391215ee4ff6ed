//! The first look: who the units of a model are.

use std::collections::{BTreeMap, BTreeSet};

use whom_query::{AnalysedUnits, ModelColumns, ModelUnit, QueryError};
use whom_stats::CrossProducts;

use super::Asked;

/// The most clusters of a model; beyond, it has no errors by cluster.
pub(super) const MOST_CLUSTERS: usize = 100_000;

/// The units of a model, counted.
pub(super) struct Survey {
    /// Units with everything, by arm.
    pub(super) arms: Vec<u64>,
    /// Units that lack something.
    pub(super) incomplete: u64,
    pub(super) tags: Vec<SurveyedTag>,
    /// The clusters; one more than [`MOST_CLUSTERS`] where there are more.
    pub(super) clusters: BTreeSet<String>,
    is_clustered: bool,
}

/// A tag of a model.
pub(super) enum SurveyedTag {
    /// Count, sum and sum of squares of its grid values.
    Number(CrossProducts),
    /// By code, the units in each arm.
    Levels(BTreeMap<i64, Vec<u64>>),
}

impl Survey {
    /// Counts the units of all models.
    pub(super) fn take(units: &AnalysedUnits, asked: &[Asked]) -> Result<Vec<Self>, QueryError> {
        let columns: Vec<ModelColumns> = asked.iter().map(|asked| asked.columns.clone()).collect();
        let empty = || asked.iter().map(|asked| Self::empty(units, asked)).collect();
        units.look_for_models(&columns, empty, Self::add, Self::merge)
    }

    fn empty(units: &AnalysedUnits, asked: &Asked) -> Self {
        let tag = |column: &usize| match units.bins.get(*column) {
            Some(bins) if bins.shape().ordered => SurveyedTag::Number(CrossProducts::new(1)),
            _ => SurveyedTag::Levels(BTreeMap::new()),
        };
        Self {
            arms: vec![0; asked.variants.len()],
            incomplete: 0,
            tags: asked.columns.tags.iter().map(tag).collect(),
            clusters: BTreeSet::new(),
            is_clustered: asked.columns.cluster.is_some(),
        }
    }

    fn add(&mut self, unit: ModelUnit<'_>) {
        let ModelUnit::Complete { arm, tags, cluster, .. } = unit else {
            self.incomplete += 1;
            return;
        };
        self.arms[arm] += 1;
        for (tag, value) in self.tags.iter_mut().zip(tags) {
            match tag {
                SurveyedTag::Number(sums) => sums.push(&[*value]),
                SurveyedTag::Levels(levels) => {
                    levels.entry(*value).or_insert_with(|| vec![0; self.arms.len()])[arm] += 1;
                }
            }
        }
        if self.is_clustered && self.clusters.len() <= MOST_CLUSTERS && !self.clusters.contains(cluster) {
            self.clusters.insert(cluster.to_owned());
        }
    }

    fn merge(&mut self, other: &Self) {
        self.arms.iter_mut().zip(&other.arms).for_each(|(arm, other)| *arm += other);
        self.incomplete += other.incomplete;
        for (tag, other) in self.tags.iter_mut().zip(&other.tags) {
            match (tag, other) {
                (SurveyedTag::Number(sums), SurveyedTag::Number(other)) => *sums += other,
                (SurveyedTag::Levels(levels), SurveyedTag::Levels(other)) => {
                    for (level, arms) in other {
                        let sums = levels.entry(*level).or_insert_with(|| vec![0; arms.len()]);
                        sums.iter_mut().zip(arms).for_each(|(sum, arm)| *sum += arm);
                    }
                }
                _ => {}
            }
        }
        for cluster in &other.clusters {
            if self.clusters.len() > MOST_CLUSTERS {
                break;
            }
            self.clusters.insert(cluster.clone());
        }
    }

    /// The units that the model is fitted to.
    pub(super) fn units(&self) -> u64 {
        self.arms.iter().sum()
    }

    /// The fewest units in an arm, or in an arm and a level, where there are some.
    pub(super) fn fewest(&self) -> Option<u64> {
        let of_levels = self.tags.iter().flat_map(|tag| match tag {
            SurveyedTag::Number(_) => Vec::new(),
            SurveyedTag::Levels(levels) => levels.values().flatten().copied().collect(),
        });
        self.arms.iter().copied().chain(of_levels).filter(|units| *units > 0).min()
    }
}
