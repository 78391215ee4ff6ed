//! Tags: what is known of a unit on a day.

use crate::distribution::{Distribution, STEP_BITS, STEPS};
use crate::draw::{Chance, Draw, Stream};

/// A column of the snapshots.
#[derive(Clone, Debug, PartialEq)]
pub struct Tag {
    /// Its name.
    pub name: String,
    /// What it can be.
    pub values: Values,
    /// When it changes.
    pub change: Change,
    /// The tag that it is correlated with, if any.
    pub follows: Option<Follow>,
    /// The share of values that are missing.
    pub missing: f64,
}

/// What a tag can be.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// A number.
    Numbers {
        /// Its distribution.
        distribution: Distribution,
        /// Whether values lie between those of the distribution's table as well, so that few units share one.
        fine: bool,
    },
    /// One of the named levels, with their shares relative to each other.
    Levels(Vec<Level>),
}

/// A level of a categorical tag.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// Its share, relative to the others.
    pub share: f64,
}

/// When a tag changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Once: snapshots of the day of first exposure and later show a new value, as if the experiment had changed it. Whoever
    /// looks there finds no effect modification.
    OnExposure,
    /// Every day.
    Daily,
}

/// A tag that is, for a share of the units, at the same quantile as another, and otherwise independent of it. The rank
/// correlation is that share.
#[derive(Clone, Debug, PartialEq)]
pub struct Follow {
    /// The other tag, which stands before and follows none itself.
    pub tag: String,
    /// The share.
    pub share: f64,
}

/// A tag, ready to be drawn.
#[derive(Clone, Debug)]
pub(crate) struct TagColumn {
    pub(crate) name: String,
    pub(crate) table: Table,
    pub(crate) change: Change,
    pub(crate) missing: Chance,
    /// The column that is followed, and how often.
    pub(crate) follows: Option<(usize, Chance)>,
    pub(crate) stream: Stream,
}

/// The value of each step.
#[derive(Clone, Debug)]
pub(crate) enum Table {
    Numbers {
        values: Vec<f64>,
        fine: bool,
    },
    /// Each step's level, and the levels' names.
    Levels {
        steps: Vec<u16>,
        names: Vec<String>,
    },
}

/// What is drawn for a unit and a day.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pick {
    pub(crate) step: usize,
    /// Random bits that tell nothing about the step.
    pub(crate) rest: Draw,
}

/// Bits that choose whether a tag follows another.
const FOLLOW_BITS: u32 = 32;
/// Bits of the rest that choose whether a value is missing.
const MISSING_BITS: u32 = 12;

impl TagColumn {
    /// The draw for a unit on a day, told whether the unit has been exposed by then.
    #[inline]
    fn draw(&self, unit: u64, day: i64, is_exposed: bool) -> Draw {
        let number = match self.change {
            Change::OnExposure => i64::from(is_exposed),
            Change::Daily => day,
        };
        self.stream.draw(unit, number as u64)
    }

    /// The step for a unit on a day, and random bits beside it. `columns` are all columns.
    #[inline]
    pub(crate) fn pick(&self, columns: &[Self], unit: u64, day: i64, is_exposed: bool) -> Pick {
        let draw = self.draw(unit, day, is_exposed);
        let follows = draw.after(STEP_BITS);
        let chosen = match self.follows {
            Some((leader, chance)) if chance.hits(follows) => columns[leader].draw(unit, day, is_exposed),
            _ => draw,
        };
        Pick { step: chosen.below(STEPS as u64) as usize, rest: follows.after(FOLLOW_BITS) }
    }
}

impl Table {
    pub(crate) fn of(values: &Values) -> Self {
        match values {
            Values::Numbers { distribution, fine } => Self::Numbers { values: distribution.values(), fine: *fine },
            Values::Levels(levels) => Self::Levels {
                steps: level_of_each_step(levels),
                names: levels.iter().map(|level| level.name.clone()).collect(),
            },
        }
    }
}

/// The levels in their order, each on its share of the steps, to the nearest step.
fn level_of_each_step(levels: &[Level]) -> Vec<u16> {
    let all: f64 = levels.iter().map(|level| level.share).sum();
    let mut steps = Vec::with_capacity(STEPS);
    let mut reached = 0.0;
    for (number, level) in levels.iter().enumerate() {
        reached += level.share;
        let end = (reached / all * STEPS as f64).round() as usize;
        steps.resize(end.clamp(steps.len(), STEPS), number as u16);
    }
    steps
}

/// A number between those of a step and the next, on a grid of 256 between them.
#[inline]
pub(crate) fn between(values: &[f64], pick: Pick) -> f64 {
    let here = values[pick.step];
    let next = values.get(pick.step + 1).copied().unwrap_or(here);
    here + (next - here) * (pick.rest.after(MISSING_BITS).below(256) as f64 / 256.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn levels_share_all_steps_in_their_order(shares in prop::collection::vec(1e-6..1e6_f64, 1..50)) {
            let levels: Vec<Level> = shares.iter().map(|share| level("any", *share)).collect();
            let steps = level_of_each_step(&levels);
            prop_assert_eq!(steps.len(), STEPS);
            prop_assert!(steps.is_sorted());
            let all: f64 = shares.iter().sum();
            for (number, share) in shares.iter().enumerate() {
                let count = steps.iter().filter(|step| usize::from(**step) == number).count();
                prop_assert!((count as f64 - share / all * STEPS as f64).abs() <= 1.0 + 1e-6);
            }
        }
    }

    fn level(name: &str, share: f64) -> Level {
        Level { name: name.to_owned(), share }
    }

    #[test]
    fn levels_have_their_shares_of_the_steps() {
        let steps = level_of_each_step(&[level("a", 1.0), level("b", 2.0), level("c", 1.0)]);
        let count = |wanted| steps.iter().filter(|found| **found == wanted).count();
        assert_eq!((count(0), count(1), count(2)), (1_024, 2_048, 1_024));
    }

    #[test]
    fn a_number_between_two_steps_lies_between_their_values() {
        let values = [1.0, 3.0];
        let rest = Stream::new(1, "rest").draw(1, 1);
        assert!((1.0..3.0).contains(&between(&values, Pick { step: 0, rest })));
        assert_eq!(between(&values, Pick { step: 1, rest }), 3.0);
    }
}
