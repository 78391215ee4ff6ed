//! The tags of the standard warehouse.

use crate::distribution::{Distribution, Shape};
use crate::tag::{Change, Follow, Level, Tag, Values};

/// So many numeric and categorical tags. The first of each kind have names and meanings, `tenure_days`, `age`, `device` and
/// `country` foremost; they are independent, change on exposure and are never missing, so that they can steer outcomes. All
/// others are noise or follow one of these.
pub fn standard_tags(numbers: usize, words: usize) -> Vec<Tag> {
    let numbers = (0..numbers).map(|place| match NUMBERS.get(place) {
        Some(number) => number.tag(),
        None => Number { shape: Shape::Exponential { mean: 10.0 }, decimals: 1, ..NUMBERS[0] }
            .tag()
            .renamed(format!("number_{}", place + 1)),
    });
    let words = (0..words).map(|place| match WORDS.get(place) {
        Some(word) => word.tag(),
        None => Word { levels: 5 + place, ..WORDS[1] }.tag().renamed(format!("word_{}", place + 1)),
    });
    numbers.chain(words).collect()
}

impl Tag {
    fn renamed(self, name: String) -> Self {
        Self { name, ..self }
    }
}

/// A numeric tag, in short.
#[derive(Clone, Copy)]
struct Number {
    name: &'static str,
    shape: Shape,
    decimals: u8,
    fine: bool,
    change: Change,
    follows: Option<(&'static str, f64)>,
    missing: f64,
}

/// A categorical tag, in short: levels are called after the tag, the first ones as given, and become rarer.
#[derive(Clone, Copy)]
struct Word {
    name: &'static str,
    known: &'static [&'static str],
    levels: usize,
    change: Change,
    follows: Option<(&'static str, f64)>,
    missing: f64,
}

impl Number {
    const fn new(name: &'static str, shape: Shape, decimals: u8, change: Change) -> Self {
        Self { name, shape, decimals, fine: false, change, follows: None, missing: 0.0 }
    }

    const fn following(self, tag: &'static str, share: f64) -> Self {
        Self { follows: Some((tag, share)), ..self }
    }

    fn tag(self) -> Tag {
        let distribution = Distribution { shape: self.shape, decimals: self.decimals };
        Tag {
            name: self.name.to_owned(),
            values: Values::Numbers { distribution, fine: self.fine },
            change: self.change,
            follows: self.follows.map(follow),
            missing: self.missing,
        }
    }
}

impl Word {
    const fn new(name: &'static str, levels: usize, change: Change) -> Self {
        Self { name, known: &[], levels, change, follows: None, missing: 0.0 }
    }

    const fn following(self, tag: &'static str, share: f64) -> Self {
        Self { follows: Some((tag, share)), ..self }
    }

    fn tag(self) -> Tag {
        let level = |place: usize| Level {
            name: self.known.get(place).map_or_else(|| format!("{}_{place}", self.name), |known| (*known).to_owned()),
            share: 1.0 / (place as f64 + 2.0),
        };
        Tag {
            name: self.name.to_owned(),
            values: Values::Levels((0..self.levels).map(level).collect()),
            change: self.change,
            follows: self.follows.map(follow),
            missing: self.missing,
        }
    }
}

fn follow((tag, share): (&str, f64)) -> Follow {
    Follow { tag: tag.to_owned(), share }
}

const NUMBERS: [Number; 10] = [
    Number::new("tenure_days", Shape::Exponential { mean: 400.0 }, 0, Change::OnExposure),
    Number::new("age", Shape::Uniform { low: 18.0, high: 80.0 }, 0, Change::OnExposure),
    Number {
        fine: true,
        ..Number::new("spend_90d", Shape::LogLogistic { median: 40.0, spread: 0.5 }, 2, Change::Daily)
            .following("age", 0.4)
    },
    Number::new("sessions_30d", Shape::Exponential { mean: 12.0 }, 0, Change::Daily),
    Number { missing: 0.1, ..Number::new("days_since_order", Shape::Exponential { mean: 20.0 }, 0, Change::Daily) },
    Number::new("basket", Shape::LogLogistic { median: 25.0, spread: 0.4 }, 2, Change::OnExposure),
    Number::new("account_value", Shape::LogLogistic { median: 90.0, spread: 0.3 }, 0, Change::OnExposure)
        .following("tenure_days", 0.7),
    Number::new("discount_share", Shape::Uniform { low: 0.0, high: 1.0 }, 2, Change::Daily),
    Number::new("tickets", Shape::Exponential { mean: 1.5 }, 0, Change::OnExposure),
    Number { fine: true, ..Number::new("score", Shape::Uniform { low: 0.0, high: 1.0 }, 4, Change::Daily) },
];

const WORDS: [Word; 10] = [
    Word { known: &["phone", "desktop", "tablet"], ..Word::new("device", 3, Change::OnExposure) },
    Word::new("country", 30, Change::OnExposure),
    Word::new("channel", 8, Change::Daily),
    Word::new("plan", 4, Change::OnExposure).following("device", 0.5),
    Word::new("language", 20, Change::OnExposure).following("country", 0.7),
    Word::new("browser", 12, Change::Daily),
    Word::new("os", 6, Change::OnExposure).following("device", 0.7),
    Word::new("city", 300, Change::OnExposure),
    Word::new("segment", 10, Change::Daily),
    Word { missing: 0.15, ..Word::new("referrer", 40, Change::Daily) },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn there_are_as_many_tags_as_asked_for_each_with_a_name_of_its_own() {
        for (numbers, words) in [(0, 0), (2, 2), (10, 10), (25, 25)] {
            let tags = standard_tags(numbers, words);
            let is_number = |tag: &&Tag| matches!(tag.values, Values::Numbers { .. });
            assert_eq!(tags.iter().filter(is_number).count(), numbers);
            let names: BTreeSet<&str> = tags.iter().map(|tag| &*tag.name).collect();
            assert_eq!(names.len(), numbers + words);
        }
    }
}
