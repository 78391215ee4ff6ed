//! What is looked at beside averages: a cohort and its contrast with the rest, whose sequences share the level, and guardrails, whose sequences
//! look one way.

use whom_stats::{
    Comparison, ConfidenceSequence, Desired, Estimate, Grid, Limit, Moments, NonInferiority, NotEstimable,
    OneSidedSequence, Reference,
};

use super::NIGHTS;
use super::counts::{Counts, Seen};
use crate::simulation::draws::Draws;
use crate::simulation::spend::spend;
use crate::simulation::trial::LEVEL;

/// What a night's units are asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The average, the effect in a cohort of one unit in so many, and its contrast with the rest: no effect in either.
    Cohort { one_in: usize },
    /// Whether a guardrail that is exactly at its limit is said to hold.
    Kept,
    /// Whether it is said to be broken.
    Broken,
}

/// Experiments of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) asked: Asked,
    /// Spend in place of a normal metric.
    pub(super) is_spend: bool,
    /// Units that a night brings.
    pub(super) nightly: u64,
    /// One unit in so many is treated.
    pub(super) one_in: usize,
}

pub(super) const PARTS: [Part; 6] = [
    Part { asked: Asked::Cohort { one_in: 4 }, is_spend: false, nightly: 200, one_in: 2 },
    Part { asked: Asked::Cohort { one_in: 10 }, is_spend: false, nightly: 1_000, one_in: 10 },
    Part { asked: Asked::Kept, is_spend: false, nightly: 200, one_in: 2 },
    Part { asked: Asked::Kept, is_spend: true, nightly: 2_000, one_in: 2 },
    Part { asked: Asked::Broken, is_spend: false, nightly: 1_000, one_in: 10 },
    Part { asked: Asked::Broken, is_spend: true, nightly: 2_000, one_in: 2 },
];

/// Of the normal metric, whose mean is 1 in control, how much less the treated have: the limit.
const LIMIT: f64 = -0.1;

/// Moments by side, the rest and the cohort, and arm.
type Sides = [[Moments; 2]; 2];

impl Part {
    pub(super) fn words(self) -> String {
        let metric = if self.is_spend { "mean, Hillstrom's spend" } else { "mean, normal" };
        let asked = match self.asked {
            Asked::Cohort { one_in } => format!("{metric}: average, cohort of 1 in {one_in}, contrast"),
            Asked::Kept => format!("{metric}: a guardrail at its limit said to hold"),
            Asked::Broken => format!("{metric}: a guardrail at its limit said to be broken"),
        };
        format!("{asked} | {} | 1 in {} | {}", self.nightly, self.one_in, self.sequences())
    }

    /// How many sequences share the level.
    pub(super) fn sequences(self) -> usize {
        if matches!(self.asked, Asked::Cohort { .. }) { 3 } else { 1 }
    }

    /// As [`Kind::tried`](super::Kind::tried).
    pub(super) fn tried(self, repetition: u64) -> Vec<i64> {
        let mut draws = Draws::new(&format!("looks {self:?} {repetition}"));
        let mut sides: Sides = [[Moments::default(); 2]; 2];
        let mut counts = vec![Counts::default(); self.sequences()];
        for night in 1..=NIGHTS {
            for _ in 0..self.nightly {
                let (side, arm) = (self.side(&mut draws), usize::from(draws.below(self.one_in) == 0));
                let value = self.value(&mut draws, arm == 1);
                sides[side][arm].push(value);
            }
            for (counts, seen) in counts.iter_mut().zip(self.seen(&sides, night * self.nightly)) {
                if let Some(seen) = seen {
                    counts.add(seen);
                }
            }
        }
        Counts::of_all(&counts)
    }

    fn side(self, draws: &mut Draws) -> usize {
        if let Asked::Cohort { one_in } = self.asked { usize::from(draws.below(one_in) == 0) } else { 0 }
    }

    fn grid(self) -> Grid {
        if self.is_spend { Grid::decimal(2).expect("a grid") } else { Grid::FLOAT }
    }

    fn value(self, draws: &mut Draws, is_treated: bool) -> i64 {
        if self.is_spend {
            return spend(draws);
        }
        let is_moved = is_treated && !matches!(self.asked, Asked::Cohort { .. });
        let mean = if is_moved { 1.0 + LIMIT } else { 1.0 };
        Grid::FLOAT.to_grid(mean + draws.normal()).expect("a value in range")
    }

    /// What is seen of each at a look; nothing outside the range of its method.
    fn seen(self, sides: &Sides, units: u64) -> Vec<Option<Seen>> {
        let of = |side: usize| self.comparison(&sides[side]);
        let all = [0, 1].map(|arm| sides[0][arm] + sides[1][arm]);
        if !matches!(self.asked, Asked::Cohort { .. }) {
            return vec![self.guardrail(&all, units)];
        }
        let planned = NIGHTS / 2 * self.nightly;
        let sequence = ConfidenceSequence::of_family(LEVEL, self.sequences(), planned).expect("a level");
        let effect = |found: Option<Comparison>| found.and_then(|found| found.difference().ok());
        let (average, cohort, rest) = (effect(self.comparison(&all)), effect(of(1)), effect(of(0)));
        let contrast = cohort.zip(rest).map(|(cohort, rest)| cohort.minus(&rest));
        let seen = |estimate: Option<Estimate>| Some(Seen::of(&sequence, &estimate?, units));
        vec![seen(average), seen(cohort), seen(contrast)]
    }

    /// The arms, if the method holds for them.
    fn comparison(self, arms: &[Moments; 2]) -> Option<Comparison> {
        let found = Comparison::of_moments(&arms[1], &arms[0], self.grid()).ok()?;
        found.unreliable.is_none().then_some(found)
    }

    fn guardrail(self, arms: &[Moments; 2], units: u64) -> Option<Seen> {
        let sequence = OneSidedSequence::new(LEVEL, NIGHTS / 2 * self.nightly).expect("a level");
        let found: Result<NonInferiority, NotEstimable> =
            self.comparison(arms)?.non_inferiority(self.limit(), Desired::Increase, Reference::T);
        let found = found.ok().filter(|found| found.unreliable.is_none())?;
        let interval = sequence.look(&found.margin, units).expect("a look").interval;
        let error_rate = 1.0 - LEVEL;
        Some(match self.asked {
            Asked::Broken => Seen { sequence: interval.upper < 0.0, fixed: found.p_value > 1.0 - error_rate },
            _ => Seen { sequence: interval.lower > 0.0, fixed: found.p_value < error_rate },
        })
    }

    /// Where the guardrail lies.
    fn limit(self) -> Limit {
        if self.is_spend { Limit::Absolute(0.0) } else { Limit::Relative(LIMIT) }
    }
}
