//! Which tags change the effect, and which only predict the metric: a ranking from one-tag tables.
//!
//! A one-tag table holds the effect in each level of a tag (numeric tags by quantile). Two questions are asked of it:
//!
//! * **Effect-modifying**: do the effects of the levels differ? By [Welch's test](crate::heterogeneity), on differences and on
//!   ratios, corrected over the tags that could be tested, each scale a family of its own. The size is the standard deviation
//!   of the effects between levels.
//! * **Prognostic**: do the control's means differ? Welch's analysis of variance, and the standard deviation of the means.
//!
//! A tag may be either without the other: a strong predictor of the metric tells nothing about whom a treatment helps.
//!
//! **Noise is taken out.** With shares q_l of the units, values x_l (control means, or effects) of variance v_l and
//! x = sum of q_l x_l, the levels scatter by sum of q_l (x_l - x)², of which noise alone makes sum of q_l (1 - q_l) v_l on average
//! (as var x = sum of q_l² v_l). The difference is an unbiased estimate of the variance between levels, and zero where it is
//! negative. For control means it divides the control's variance as epsilon squared does (Kelley 1935): the share of variance
//! explained is between / (between + within), within = sum of q_l s_l².
//!
//! Both standard deviations are stated in the metric's unit and over the same control's standard deviation, so that they can be
//! compared across tags and with each other. Where levels share clusters, x has the variance of such a combination
//! ([`Ranking::rank_by_cluster`]). Levels of a tag share no unit; tags do, which no correction here minds: Bonferroni,
//! Holm and Benjamini-Yekutieli hold under any dependence.

mod by_cluster;

use serde::{Deserialize, Serialize};

use crate::estimate::{Estimate, NotEstimable};
use crate::heterogeneity::{BothScales, DifferingScale, EqualEffects, Groups, Scattered};

use crate::multiplicity::Correction;
pub use by_cluster::{ClusteredLevel, ClusteredTagTable};

/// The one-tag table of a tag.
#[derive(Clone, Copy, Debug)]
pub struct TagTable<'a> {
    /// The tag.
    pub tag: &'a str,
    /// The effect in each of its levels.
    pub levels: &'a [Result<LevelEffect, NotEstimable>],
}

/// What a level tells of a tag, whichever method estimated it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LevelEffect {
    /// Treatment less control.
    pub difference: Estimate,
    /// The logarithm of treatment over control.
    pub log_ratio: Result<Estimate, NotEstimable>,
    /// Control's value.
    pub control: Estimate,
    /// The variance that a unit of control gives to it: its squared standard error times the units.
    pub control_variance: f64,
    /// Units of both arms.
    pub units: u64,
}

/// How the tables of several tags are judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ranking {
    /// The correction over the tags.
    pub correction: Correction,
    /// One less the error rate of each family, and the level of intervals.
    pub level: f64,
}

/// What a tag does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagRole {
    /// Neither is shown.
    Neither,
    /// It predicts the metric; that it changes the effect is not shown.
    Prognostic,
    /// It changes the effect; that it predicts the metric is not shown.
    EffectModifying,
    /// Both are shown.
    Both,
}

/// Variation between levels, without the noise.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Strength {
    /// The standard deviation between levels, in the metric's unit; zero if noise explains all.
    pub std_dev: f64,
    /// The same over the control's standard deviation; its square is a share of the control's variance if means vary.
    pub over_control: f64,
}

/// What is known of a tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Modifier {
    /// The tag.
    pub tag: String,
    /// How much its levels' effects differ, on both scales.
    pub heterogeneity: BothScales,
    /// The corrected p-value of differences; `None` if not tested.
    pub p_absolute: Option<f64>,
    /// The corrected p-value of ratios; `None` if not tested.
    pub p_relative: Option<f64>,
    /// Welch's analysis of variance of the control's means.
    pub prognosis: Result<EqualEffects, NotEstimable>,
    /// Its p-value, corrected over the tags.
    pub p_prognosis: Option<f64>,
    /// How much the effects vary between levels.
    pub modifying: Result<Strength, NotEstimable>,
    /// How much the control's means vary between levels.
    pub prognostic: Result<Strength, NotEstimable>,
    /// On which scale effects differ.
    pub differing: DifferingScale,
    /// What the tag does, effects on the absolute scale.
    pub role: TagRole,
}

impl Ranking {
    /// The tags, the clearest effect modifier first: by the corrected p-value of differences, then the raw one, then by name;
    /// tags that could not be tested come last.
    pub fn rank(&self, tables: &[TagTable<'_>]) -> Vec<Modifier> {
        let figures = |table: &TagTable<'_>| Figures {
            tag: table.tag.to_owned(),
            heterogeneity: on_both_scales(table.levels, self.level),
            prognosis: prognosis(table.levels),
            modifying: strength(table.levels, |level| level.difference),
            prognostic: strength(table.levels, |level| level.control),
        };
        self.ranked(tables.iter().map(figures).collect())
    }

    fn ranked(&self, tables: Vec<Figures>) -> Vec<Modifier> {
        let p_value = |test: Result<EqualEffects, NotEstimable>| test.ok().map(|test| test.p_value);
        let adjust = |raw: Vec<Option<f64>>| self.correction.adjust_tested(&raw);
        let absolute =
            adjust(tables.iter().map(|of| p_value(of.heterogeneity.absolute.map(|h| h.equal_effects))).collect());
        let relative =
            adjust(tables.iter().map(|of| p_value(of.heterogeneity.relative.map(|h| h.equal_effects))).collect());
        let prognostic = adjust(tables.iter().map(|of| p_value(of.prognosis)).collect());
        let mut modifiers: Vec<Modifier> = tables
            .into_iter()
            .enumerate()
            .map(|(place, Figures { tag, heterogeneity, prognosis, modifying, prognostic: explaining })| Modifier {
                tag,
                heterogeneity,
                p_absolute: absolute[place],
                p_relative: relative[place],
                prognosis,
                p_prognosis: prognostic[place],
                modifying,
                prognostic: explaining,
                differing: BothScales::differing(absolute[place], relative[place], self.level),
                role: self.role(prognostic[place], absolute[place]),
            })
            .collect();
        modifiers.sort_by(|left, right| {
            let key = |modifier: &Modifier| (modifier.p_absolute.unwrap_or(2.0), modifier.raw_p_value().unwrap_or(2.0));
            let ((left_p, left_raw), (right_p, right_raw)) = (key(left), key(right));
            left_p.total_cmp(&right_p).then(left_raw.total_cmp(&right_raw)).then(left.tag.cmp(&right.tag))
        });
        modifiers
    }

    fn role(&self, prognostic: Option<f64>, modifying: Option<f64>) -> TagRole {
        let proven = |p_value: Option<f64>| p_value.is_some_and(|p_value| p_value < 1.0 - self.level);
        match (proven(prognostic), proven(modifying)) {
            (false, false) => TagRole::Neither,
            (true, false) => TagRole::Prognostic,
            (false, true) => TagRole::EffectModifying,
            (true, true) => TagRole::Both,
        }
    }
}

/// What is computed of a tag by itself.
struct Figures {
    tag: String,
    heterogeneity: BothScales,
    prognosis: Result<EqualEffects, NotEstimable>,
    modifying: Result<Strength, NotEstimable>,
    prognostic: Result<Strength, NotEstimable>,
}

impl Modifier {
    fn raw_p_value(&self) -> Option<f64> {
        self.heterogeneity.absolute.ok().map(|found| found.equal_effects.p_value)
    }
}

fn on_both_scales(levels: &[Result<LevelEffect, NotEstimable>], level: f64) -> BothScales {
    let absolute: Vec<_> = levels.iter().map(|found| found.map(|found| found.difference)).collect();
    let relative: Vec<_> = levels.iter().map(|found| found.and_then(|found| found.log_ratio)).collect();
    BothScales::of(&absolute, &relative, level)
}

fn prognosis(levels: &[Result<LevelEffect, NotEstimable>]) -> Result<EqualEffects, NotEstimable> {
    let means: Vec<Estimate> = levels.iter().flatten().map(|level| level.control).collect();
    let groups = Groups::new(means.iter());
    if groups.0.len() < 2 {
        return Err(NotEstimable::OneGroup);
    }
    Ok(groups.equal_effects(&groups.cochran()))
}

/// The variation of a value between levels, each weighted by its units in both arms.
fn strength(
    levels: &[Result<LevelEffect, NotEstimable>],
    value: impl Fn(&LevelEffect) -> Estimate,
) -> Result<Strength, NotEstimable> {
    let levels: Vec<&LevelEffect> = levels.iter().flatten().collect();
    if levels.len() < 2 {
        return Err(NotEstimable::OneGroup);
    }
    let shares = shares(levels.iter().map(|level| level.units));
    let between = |value: &dyn Fn(&LevelEffect) -> Estimate| {
        variance_between(&shares, &levels.iter().map(|level| value(level)).collect::<Vec<_>>())
    };
    let within: f64 = levels.iter().zip(&shares).map(|(level, share)| share * level.control_variance).sum();
    Strength::of(between(&value), within + between(&|level: &LevelEffect| level.control))
}

/// The shares of the units of all levels.
fn shares(units: impl Iterator<Item = u64> + Clone) -> Vec<f64> {
    let total: f64 = units.clone().map(|units| units as f64).sum();
    units.map(|units| units as f64 / total).collect()
}

impl Strength {
    /// Of a variance between levels, and that of control.
    fn of(between: f64, control: f64) -> Result<Self, NotEstimable> {
        if control == 0.0 {
            return Err(NotEstimable::NoVariance);
        }
        Ok(Self { std_dev: between.sqrt(), over_control: (between / control).sqrt() })
    }
}

/// sum of q (x - mean x)² less what noise makes of it; at least zero.
fn variance_between(shares: &[f64], values: &[Estimate]) -> f64 {
    let mean: f64 = shares.iter().zip(values).map(|(share, estimate)| share * estimate.value).sum();
    let excess = |(share, estimate): (&f64, &Estimate)| {
        let deviation = estimate.value - mean;
        share * (deviation * deviation - (1.0 - share) * estimate.std_err * estimate.std_err)
    };
    shares.iter().zip(values).map(excess).sum::<f64>().max(0.0)
}

#[cfg(test)]
mod tests;
