//! Texts by number: a hash table that costs a few nanoseconds a look, because every unit is looked up for every tag.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Different texts, numbered as they came, each with how often it came.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Levels {
    /// All texts, one after the other.
    text: String,
    /// Where each text ends.
    ends: Vec<usize>,
    counts: Vec<u64>,
    /// The number of the text whose hash leads here, plus one; 0 where there is none. Twice as many as texts, or more.
    slots: Vec<u32>,
}

/// Slots of an empty table.
const FEWEST_SLOTS: usize = 64;

impl Default for Levels {
    fn default() -> Self {
        Self { text: String::new(), ends: Vec::new(), counts: Vec::new(), slots: vec![0; FEWEST_SLOTS] }
    }
}

impl Levels {
    /// The number of different texts.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Counts a text so many times.
    pub(crate) fn add(&mut self, level: &str, times: u64) {
        let slot = self.slot(level);
        match self.slots[slot] {
            0 => {
                self.text.push_str(level);
                self.ends.push(self.text.len());
                self.counts.push(times);
                self.slots[slot] = self.ends.len() as u32;
                if 2 * self.ends.len() > self.slots.len() {
                    self.grow();
                }
            }
            number => self.counts[number as usize - 1] += times,
        }
    }

    /// Counts what another table counted.
    pub(crate) fn add_all(&mut self, other: &Self) {
        other.iter().for_each(|(level, times)| self.add(level, times));
    }

    /// The number of a text.
    pub(crate) fn number(&self, level: &str) -> Option<usize> {
        (self.slots[self.slot(level)] as usize).checked_sub(1)
    }

    /// Every text with how often it came, in the order in which they came first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        (0..self.len()).map(|number| (self.level(number), self.counts[number]))
    }

    fn level(&self, number: usize) -> &str {
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[number]]
    }

    /// The slot that holds a text, or the free one where it belongs.
    fn slot(&self, level: &str) -> usize {
        let mut slot = xxh3_64(level.as_bytes()) as usize & (self.slots.len() - 1);
        while let Some(number) = (self.slots[slot] as usize).checked_sub(1) {
            if self.level(number) == level {
                break;
            }
            slot = (slot + 1) & (self.slots.len() - 1);
        }
        slot
    }

    fn grow(&mut self) {
        self.slots = vec![0; 2 * self.slots.len()];
        for number in 0..self.len() {
            let slot = self.slot(self.level(number));
            self.slots[slot] = number as u32 + 1;
        }
    }
}

impl<'a> FromIterator<&'a str> for Levels {
    fn from_iter<I: IntoIterator<Item = &'a str>>(texts: I) -> Self {
        let mut levels = Self::default();
        texts.into_iter().for_each(|level| levels.add(level, 1));
        levels
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_are_counted_as_a_map_counts_them(texts in prop::collection::vec("[ab]{0,3}|[a-z]{2}", 0..300)) {
            let mut expected: BTreeMap<&str, u64> = BTreeMap::new();
            for text in &texts {
                *expected.entry(text).or_default() += 1;
            }
            let (one, other) = texts.split_at(texts.len() / 2);
            let mut levels: Levels = one.iter().map(String::as_str).collect();
            levels.add_all(&other.iter().map(String::as_str).collect());
            prop_assert_eq!(levels.iter().collect::<BTreeMap<_, _>>(), expected);
            for (number, (level, _)) in levels.iter().enumerate() {
                prop_assert_eq!(levels.number(level), Some(number));
            }
            prop_assert_eq!(levels.number("zzz"), None);
        }
    }
}
