//! Confidence sequences: the chance of ever missing over all looks stays at the level, whatever the metric and the shares, and whether
//! they are of averages, cohorts and contrasts, of guardrails, or by cluster.
//!
//! Four weeks of nights. Sequences are tightest at the units that half of them bring. A night is looked at once its estimate is within the
//! range of its method, and fixed-horizon intervals are looked at on the same nights.

mod clustered;
mod counts;
mod parts;

use std::fmt::Write as _;

use whom_stats::{
    Comparison, ConfidenceSequence, CrossProducts, Estimate, Grid, Moments, RatioColumn, RegressionAdjustment, Sample,
    centres,
};

use clustered::CLUSTERED;
use counts::{Counts, Seen};
use parts::PARTS;

use super::draws::Draws;
use super::repeated::{asked, resumed, sum};
use super::results::{bound, share, write};
use super::spend::spend;
use super::trial::LEVEL;

const NIGHTS: u64 = 28;

/// What is measured every night.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Metric {
    Normal,
    Spend,
    Ratio,
    Adjusted,
}

/// Experiments of one kind; the treatment does nothing.
#[derive(Clone, Copy, Debug)]
struct Kind {
    metric: Metric,
    /// Units that a night brings.
    nightly: u64,
    /// One unit in so many is treated.
    one_in: usize,
    /// Metrics that are looked at together; their sequences share the level.
    sequences: usize,
}

impl Kind {
    fn words(self) -> String {
        let metric = match self.metric {
            Metric::Normal => "mean, normal",
            Metric::Spend => "mean, Hillstrom's spend",
            Metric::Ratio => "ratio",
            Metric::Adjusted => "CUPED",
        };
        format!("{metric} | {} | 1 in {} | {}", self.nightly, self.one_in, self.sequences)
    }

    /// What [`Counts::of_all`] tells of an experiment.
    fn tried(self, repetition: u64) -> Vec<i64> {
        let sequence =
            ConfidenceSequence::of_family(LEVEL, self.sequences, NIGHTS / 2 * self.nightly).expect("a level");
        let of_metric = |metric: usize| {
            let mut counts = Counts::default();
            for (estimate, units) in self.looks(&mut Draws::new(&format!("looks {self:?} {metric} {repetition}"))) {
                counts.add(Seen::of(&sequence, &estimate, units));
            }
            counts
        };
        Counts::of_all(&(0..self.sequences).map(of_metric).collect::<Vec<_>>())
    }

    /// The estimates of the nights whose method holds, with the units so far.
    fn looks(self, draws: &mut Draws) -> Vec<(Estimate, u64)> {
        let mut arms = [CrossProducts::new(2), CrossProducts::new(2)];
        let mut metric = [Moments::default(); 2];
        let night = |night: u64| {
            for _ in 0..self.nightly {
                let arm = usize::from(draws.below(self.one_in) == 0);
                let row = self.row(draws);
                metric[arm].push(row[0]);
                arms[arm].push(&row);
            }
            let comparison = self.compare(&arms)?.judged(&metric[1], &metric[0]);
            let estimate = comparison.difference().ok().filter(|_| comparison.unreliable.is_none())?;
            Some((estimate, (night + 1) * self.nightly))
        };
        (0..NIGHTS).filter_map(night).collect()
    }

    fn grids(self) -> [Grid; 2] {
        let grid = match self.metric {
            Metric::Normal | Metric::Adjusted => Grid::FLOAT,
            Metric::Spend => Grid::decimal(2).expect("a grid"),
            Metric::Ratio => Grid::INTEGER,
        };
        [grid; 2]
    }

    /// A unit's columns, on the grid.
    fn row(self, draws: &mut Draws) -> [i64; 2] {
        let on_grid = |value: f64| Grid::FLOAT.to_grid(value).expect("a value in range");
        match self.metric {
            Metric::Normal => [on_grid(draws.normal()), 0],
            Metric::Spend => [spend(draws), 0],
            Metric::Ratio => {
                let (rate, views) = (0.1 + 0.4 * draws.uniform(), 1 + draws.below(8));
                let clicks = (0..views).filter(|_| draws.uniform() < rate).count();
                [clicks as i64, views as i64]
            }
            Metric::Adjusted => {
                let before = -libm::log(draws.uniform());
                [on_grid(before + draws.normal()), on_grid(before)]
            }
        }
    }

    fn compare(self, arms: &[CrossProducts; 2]) -> Option<Comparison> {
        let (centres, grids) = (centres(arms), self.grids());
        let samples: Vec<Option<Sample>> = arms.iter().map(|arm| Sample::exact(arm, &centres, &grids).ok()).collect();
        if self.metric == Metric::Adjusted {
            let adjustment = RegressionAdjustment { outcome: 0, covariates: &[1], treatment: 1, parent: None };
            return adjustment.compare(&samples).ok().map(|adjusted| adjusted.comparison);
        }
        let rate = RatioColumn { numerator: 0, denominator: Some(1), centre: 0.0 };
        let arm = |arm: usize| {
            let sample = samples[arm].as_ref()?;
            if self.metric == Metric::Ratio { sample.ratios(&[rate]).ok() } else { Some(sample.clone()) }
        };
        Comparison::of_means(&arm(1)?, &arm(0)?, 0).ok()
    }
}

const KINDS: [Kind; 6] = [
    Kind { metric: Metric::Normal, nightly: 200, one_in: 2, sequences: 1 },
    Kind { metric: Metric::Normal, nightly: 1_000, one_in: 10, sequences: 1 },
    Kind { metric: Metric::Spend, nightly: 2_000, one_in: 2, sequences: 1 },
    Kind { metric: Metric::Ratio, nightly: 200, one_in: 2, sequences: 1 },
    Kind { metric: Metric::Adjusted, nightly: 200, one_in: 2, sequences: 1 },
    Kind { metric: Metric::Normal, nightly: 200, one_in: 2, sequences: 4 },
];

/// Of 40 experiments of each kind: those in which a sequence ever misses, a fixed-horizon interval ever does, and does on the last
/// night; and looks.
const EXPECTED: [[i64; 4]; 6] =
    [[0, 10, 0, 1_120], [2, 12, 5, 1_080], [0, 8, 3, 1_045], [0, 12, 0, 1_120], [0, 9, 1, 1_120], [0, 28, 7, 4_480]];

/// The same of 40 experiments with a cohort, or a guardrail at its limit.
const EXPECTED_OF_PARTS: [[i64; 4]; 6] =
    [[0, 25, 4, 3_218], [0, 16, 5, 2_200], [0, 9, 2, 1_114], [1, 9, 4, 1_037], [0, 13, 1, 1_080], [0, 10, 3, 1_042]];

#[test]
fn sequences_hardly_ever_miss() {
    let counts = KINDS.map(|kind| sum(0..40, |repetition| kind.tried(repetition)));
    assert_eq!(counts, EXPECTED);
    assert!(counts.iter().all(|counts| counts[0] <= 6), "of 40 at most 2 and 3.1 standard errors");
}

#[test]
fn neither_do_those_of_cohorts_contrasts_and_guardrails() {
    let counts = PARTS.map(|part| sum(0..40, |repetition| part.tried(repetition)));
    assert_eq!(counts, EXPECTED_OF_PARTS);
    assert!(counts.iter().all(|counts| counts[0] <= 6), "of 40 at most 2 and 3.1 standard errors");
}

/// The same of 40 experiments by cluster.
const EXPECTED_BY_CLUSTER: [[i64; 4]; 2] = [[0, 2, 0, 1_080], [1, 10, 2, 1_120]];

#[test]
fn neither_do_those_of_clusters_whose_units_come_on_different_nights() {
    let counts = CLUSTERED.map(|kind| sum(0..40, |repetition| kind.tried(repetition)));
    assert_eq!(counts, EXPECTED_BY_CLUSTER);
    assert!(counts.iter().all(|counts| counts[0] <= 6), "of 40 at most 2 and 3.1 standard errors");
}

/// Experiments of a kind, as the long simulation repeats them.
struct Long {
    words: String,
    /// What names them among the repetitions that are kept.
    name: String,
    repetitions: u64,
    sequences: usize,
    tried: Box<dyn Fn(u64) -> Vec<i64> + Sync>,
}

/// Of all kinds.
fn long() -> Vec<Long> {
    let kinds = KINDS.into_iter().map(|kind| Long {
        words: kind.words(),
        name: format!("looks {kind:?}"),
        repetitions: asked(if kind.metric == Metric::Spend { 4_000 } else { 10_000 }),
        sequences: kind.sequences,
        tried: Box::new(move |repetition| kind.tried(repetition)),
    });
    let parts = PARTS.into_iter().map(|part| Long {
        words: part.words(),
        name: format!("looks {part:?}"),
        repetitions: asked(if part.is_spend { 4_000 } else { 10_000 }),
        sequences: part.sequences(),
        tried: Box::new(move |repetition| part.tried(repetition)),
    });
    let clustered = CLUSTERED.into_iter().map(|kind| Long {
        words: kind.words(),
        name: format!("looks {kind:?}"),
        repetitions: asked(10_000),
        sequences: 1,
        tried: Box::new(move |repetition| kind.tried(repetition)),
    });
    kinds.chain(parts).chain(clustered).collect()
}

#[test]
#[ignore = "up to 10,000 experiments of each of 14 kinds"]
fn sequences_hardly_ever_miss_in_10_000_experiments() {
    let mut table = String::from(HEAD);
    let mut faults = Vec::new();
    for kind in long() {
        let repetitions = kind.repetitions;
        let counts = resumed(&kind.name, repetitions, &kind.tried);
        let [ever, fixed_ever, fixed_last, looked] = counts.as_slice() else { panic!("{counts:?}") };
        let most = bound(repetitions as usize) as i64;
        let shown = |count: &i64| share(*count as f64 / repetitions as f64);
        let looks = *looked as f64 / (repetitions * kind.sequences as u64) as f64;
        writeln!(
            table,
            "| {} | {repetitions} | {looks:.1} | {} | {} | {} | {} |",
            kind.words,
            shown(ever),
            shown(&most),
            shown(fixed_ever),
            shown(fixed_last)
        )
        .expect("a string");
        faults.extend((*ever > most).then_some(kind.words));
    }
    write("looks", ABOUT, &table);
    assert!(faults.is_empty(), "{faults:?}\n{table}");
}

const HEAD: &str = "\
| metric | units a night | treated | sequences | experiments | looks | a sequence ever misses | at most | a fixed-horizon interval ever misses | on the last night |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|
";

const ABOUT: &str = "\
# Confidence sequences over all looks

28 nights, each with as many new units; a metric is looked at on every night on which its estimate is within the range of its method. The
sequence is tightest at 14 nights' units. *Ever misses*: experiments in which the interval of any look leaves out the effect, which is
none; of several sequences that share the level any of them. Those of a cohort are its effect, its contrast with the rest, and the average; a
guardrail has a one-sided sequence, and lies exactly at its limit, a relative one of the normal metric. Clusters have a
third of the variance in common, and their units come on any night. *At most* is 5 % and 3.1 binomial standard errors. The fixed-horizon
intervals are at 95 % each, at the same looks; of a guardrail they are the one-sided test at 5 %.";
