//! What the values of a categorical tag are like: frequencies from a sample, whether there are few levels from all values.

use datafusion::arrow::array::{Array, StringArray};
use serde::{Deserialize, Serialize};

use super::BinKind;
use super::levels::Levels;
use crate::tag_values::Words;

/// Texts, counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Texts {
    most: usize,
    /// The levels outside the sample as well, until there are too many to keep; empty where the sample is everybody.
    seen: Levels,
    sample: Levels,
}

impl Texts {
    /// No text, of which at most so many levels are kept.
    pub(super) fn up_to(most: usize) -> Self {
        Self { most, seen: Levels::default(), sample: Levels::default() }
    }

    pub(super) fn add(&mut self, texts: &StringArray, chosen: Option<&[usize]>) {
        let Some(chosen) = chosen else {
            return texts.iter().flatten().for_each(|level| self.sample.add(level, 1));
        };
        texts.iter().flatten().for_each(|level| self.see(level));
        let known = chosen.iter().filter(|row| texts.is_valid(**row));
        known.for_each(|row| self.sample.add(texts.value(*row), 1));
    }

    pub(super) fn add_words(&mut self, words: &Words<'_>, chosen: Option<&[usize]>) {
        let mut counts = words.of_each_word(|level| (level, 0_u64, false));
        for (row, place) in words.places().enumerate() {
            if let Some(place) = place {
                counts[place].1 += u64::from(chosen.is_none());
                counts[place].2 = true;
                if chosen.is_some_and(|chosen| chosen.binary_search(&row).is_ok()) {
                    counts[place].1 += 1;
                }
            }
        }
        for (level, times, occurs) in counts {
            if chosen.is_some() && occurs {
                self.see(level);
            }
            if times > 0 {
                self.sample.add(level, times);
            }
        }
    }

    fn see(&mut self, level: &str) {
        if self.seen.len() <= self.most {
            self.seen.add(level, 1);
        }
    }

    pub(super) fn merged(mut self, other: &Self) -> Self {
        self.seen.add_all(&other.seen);
        self.sample.add_all(&other.sample);
        self
    }

    /// All levels if they are few, and the most frequent ones of the sample otherwise; of equally frequent ones the first in
    /// the alphabet.
    pub(super) fn fit(self) -> BinKind {
        let all = if self.seen.len() > 0 { &self.seen } else { &self.sample };
        let other = all.len() > self.most;
        let mut by_frequency: Vec<(&str, u64)> =
            if other { self.sample.iter().collect() } else { all.iter().collect() };
        by_frequency.sort_by(|(one, many), (other, more)| more.cmp(many).then(one.cmp(other)));
        let mut levels: Vec<String> =
            by_frequency.into_iter().take(self.most).map(|(level, _)| level.to_owned()).collect();
        levels.sort_unstable();
        BinKind::Categorical { levels, other }
    }
}
