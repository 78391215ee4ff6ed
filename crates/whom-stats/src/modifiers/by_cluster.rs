//! Tags whose levels may share clusters.

use super::{Figures, Modifier, Ranking, Strength, shares};
use crate::clusters::ClusterEffect;
use crate::estimate::NotEstimable;
use crate::heterogeneity::{BothScales, Correlated, EqualEffects, Scattered, variance_of};

/// The one-tag table of a tag whose levels may share clusters.
#[derive(Clone, Copy, Debug)]
pub struct ClusteredTagTable<'a> {
    /// The tag.
    pub tag: &'a str,
    /// The effect in each of its levels.
    pub levels: &'a [ClusteredLevel],
}

/// What a level tells of a tag, with what each cluster adds to it.
#[derive(Clone, Debug, PartialEq)]
pub struct ClusteredLevel {
    /// Treatment less control.
    pub difference: Result<ClusterEffect, NotEstimable>,
    /// The logarithm of treatment over control.
    pub log_ratio: Result<ClusterEffect, NotEstimable>,
    /// Control's value.
    pub control: Result<ClusterEffect, NotEstimable>,
    /// The variance that a unit of control gives to it, as if units were independent.
    pub control_variance: f64,
    /// Units of both arms.
    pub units: u64,
}

impl Ranking {
    /// As [`Self::rank`], of tags whose levels may share clusters.
    pub fn rank_by_cluster(&self, tables: &[ClusteredTagTable<'_>]) -> Vec<Modifier> {
        let figures = |table: &ClusteredTagTable<'_>| {
            let of = |value: fn(&ClusteredLevel) -> &Result<ClusterEffect, NotEstimable>| -> Vec<_> {
                table.levels.iter().map(|level| value(level).clone()).collect()
            };
            Figures {
                tag: table.tag.to_owned(),
                heterogeneity: BothScales::by_cluster(
                    &of(|level| &level.difference),
                    &of(|level| &level.log_ratio),
                    self.level,
                ),
                prognosis: prognosis_by_cluster(table.levels),
                modifying: strength_by_cluster(table.levels, |level| &level.difference),
                prognostic: strength_by_cluster(table.levels, |level| &level.control),
            }
        };
        self.ranked(tables.iter().map(figures).collect())
    }
}

fn prognosis_by_cluster(levels: &[ClusteredLevel]) -> Result<EqualEffects, NotEstimable> {
    let controls = levels.iter().filter_map(|level| level.control.as_ref().ok());
    let groups = Correlated::new(controls.filter(|control| control.estimate.std_err > 0.0).collect())?;
    Ok(groups.equal_effects(&groups.cochran()))
}

/// The same of levels that may share clusters; those without a value take no part.
fn strength_by_cluster(
    levels: &[ClusteredLevel],
    value: impl Fn(&ClusteredLevel) -> &Result<ClusterEffect, NotEstimable>,
) -> Result<Strength, NotEstimable> {
    let levels: Vec<&ClusteredLevel> =
        levels.iter().filter(|level| value(level).is_ok() && level.control.is_ok()).collect();
    if levels.len() < 2 {
        return Err(NotEstimable::OneGroup);
    }
    let shares = shares(levels.iter().map(|level| level.units));
    let between = |value: &dyn Fn(&ClusteredLevel) -> &Result<ClusterEffect, NotEstimable>| {
        let values: Vec<(&ClusterEffect, f64)> =
            levels.iter().filter_map(|level| value(level).as_ref().ok()).zip(shares.iter().copied()).collect();
        let mean: f64 = values.iter().map(|(effect, share)| share * effect.estimate.value).sum();
        let scatter = |(effect, share): &(&ClusterEffect, f64)| {
            let (deviation, error) = (effect.estimate.value - mean, effect.estimate.std_err);
            share * (deviation * deviation - error * error)
        };
        (values.iter().map(scatter).sum::<f64>() + variance_of(&values)).max(0.0)
    };
    let within: f64 = levels.iter().zip(&shares).map(|(level, share)| share * level.control_variance).sum();
    Strength::of(between(&value), within + between(&|level: &ClusteredLevel| &level.control))
}
