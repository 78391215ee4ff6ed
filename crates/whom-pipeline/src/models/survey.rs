//! The first look: who the units of a model are.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use whom_query::{AnalysedUnits, ModelColumns, ModelUnit, QueryError};
use whom_stats::CrossProducts;

use super::Asked;
use super::look::{Gathers, gathered};

/// The most clusters of a model; beyond, it has no errors by cluster.
pub(super) const MOST_CLUSTERS: usize = 100_000;

/// The units of a model, counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Survey {
    /// Units with everything, by arm.
    pub(super) arms: Vec<u64>,
    /// Units that lack something.
    pub(super) incomplete: u64,
    pub(super) tags: Vec<SurveyedTag>,
    /// The clusters; one more than [`MOST_CLUSTERS`] where there are more.
    pub(super) clusters: BTreeSet<String>,
}

/// A tag of a model.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum SurveyedTag {
    /// Of a number.
    Number(Numbers),
    /// By code, the units in each arm.
    Levels(BTreeMap<i64, Vec<u64>>),
}

/// The grid values of a numeric tag.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Numbers {
    /// Count, sum and sum of squares.
    pub(super) sums: CrossProducts,
    /// The least and the largest; `None` of no unit.
    pub(super) range: Option<(i64, i64)>,
}

impl Numbers {
    fn none() -> Self {
        Self { sums: CrossProducts::new(1), range: None }
    }

    fn push(&mut self, value: i64) {
        self.sums.push(&[value]);
        self.reach((value, value));
    }

    fn add(&mut self, other: &Self) {
        self.sums += &other.sums;
        if let Some(range) = other.range {
            self.reach(range);
        }
    }

    fn reach(&mut self, (least, most): (i64, i64)) {
        let (own_least, own_most) = self.range.unwrap_or((least, most));
        self.range = Some((own_least.min(least), own_most.max(most)));
    }
}

/// What units of a model are counted by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Counting {
    arms: usize,
    /// By tag, whether it is a number.
    numbers: Vec<bool>,
    is_clustered: bool,
}

impl Gathers for Counting {
    const NAME: &'static str = "units of models";
    type Gathered = Survey;

    fn nothing(&self) -> Survey {
        let tag = |is_number: &bool| {
            if *is_number { SurveyedTag::Number(Numbers::none()) } else { SurveyedTag::Levels(BTreeMap::new()) }
        };
        Survey {
            arms: vec![0; self.arms],
            incomplete: 0,
            tags: self.numbers.iter().map(tag).collect(),
            clusters: BTreeSet::new(),
        }
    }

    fn add(&self, survey: &mut Survey, unit: ModelUnit<'_>) {
        let ModelUnit::Complete { arm, tags, cluster, .. } = unit else {
            survey.incomplete += 1;
            return;
        };
        survey.arms[arm] += 1;
        for (tag, value) in survey.tags.iter_mut().zip(tags) {
            match tag {
                SurveyedTag::Number(numbers) => numbers.push(*value),
                SurveyedTag::Levels(levels) => {
                    levels.entry(*value).or_insert_with(|| vec![0; self.arms])[arm] += 1;
                }
            }
        }
        if self.is_clustered && survey.clusters.len() <= MOST_CLUSTERS && !survey.clusters.contains(cluster) {
            survey.clusters.insert(cluster.to_owned());
        }
    }

    fn merge(survey: &mut Survey, other: &Survey) {
        survey.arms.iter_mut().zip(&other.arms).for_each(|(arm, other)| *arm += other);
        survey.incomplete += other.incomplete;
        for (tag, other) in survey.tags.iter_mut().zip(&other.tags) {
            match (tag, other) {
                (SurveyedTag::Number(numbers), SurveyedTag::Number(other)) => numbers.add(other),
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
            if survey.clusters.len() > MOST_CLUSTERS {
                break;
            }
            survey.clusters.insert(cluster.clone());
        }
    }
}

impl Survey {
    /// Counts the units of all models.
    pub(super) fn take(units: &AnalysedUnits, asked: &[Asked]) -> Result<Vec<Self>, QueryError> {
        let columns: Vec<ModelColumns> = asked.iter().map(|asked| asked.columns.clone()).collect();
        let is_number = |column: &usize| units.bins.get(*column).is_some_and(|bins| bins.shape().ordered);
        let counting = |asked: &Asked| Counting {
            arms: asked.variants.len(),
            numbers: asked.columns.tags.iter().map(is_number).collect(),
            is_clustered: asked.columns.cluster.is_some(),
        };
        let surveyed = gathered(units, columns, asked.iter().map(counting).collect())?;
        Ok(surveyed.into_iter().map(|(_, survey)| survey).collect())
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
