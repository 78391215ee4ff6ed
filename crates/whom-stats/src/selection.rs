//! Values at some ranks, without sorting all of them.
//!
//! A small sample tells what the values are like. Where most occur many times, they are counted. Else they are put into the
//! sections of a [`Scale`], after which it is known in which section every wanted rank lies, and only these are gone into.
//! The sample decides what is sorted, never what comes of it.

use crate::scale::{Number, Scale};
use crate::tally::{Tally, sorted};

/// Sections; several times more than the ranks of a usual tag, so that most hold none.
const SECTIONS: usize = 4096;
/// Values that are looked at beforehand.
const SAMPLE: usize = 8192;
/// Fewer values than this are sorted.
const FEW: usize = 4 * SAMPLE;
/// Among fewer values of a sample that occur in it once, few of all values are missing in it: as many of them as of it
/// (Good, I. J. 1953, The population frequencies of species).
const FEW_SINGLE: usize = SAMPLE / 16;
/// Parts of a sample that may lie beyond either end of the sections.
const BEYOND: [usize; 3] = [SAMPLE, 256, 16];

/// All values, as far as they are in order.
pub(crate) enum Selection<'a, V> {
    Sorted(Vec<V>),
    Tally(Tally<V>),
    /// At least [`Selection::MANY`] different values, with a sorted sample of them.
    Many(&'a [V], Vec<V>),
}

impl<'a, V: Number> Selection<'a, V> {
    /// So many different values there are at least, where they are neither sorted nor counted.
    pub(crate) const MANY: usize = FEW_SINGLE;

    /// Finite values, in any order.
    pub(crate) fn of(values: &'a [V]) -> Self {
        if values.len() < FEW {
            return Self::sorted(values);
        }
        let sample = sorted(values.iter().copied().step_by(values.len() / SAMPLE).collect());
        let single = sample.chunk_by(|one, next| one == next).filter(|equal| equal.len() == 1).count();
        let tally = if single < FEW_SINGLE { Tally::of(values, &sample) } else { None };
        tally.map_or_else(|| Self::Many(values, sample), Self::Tally)
    }

    /// The same, all of them sorted.
    pub(crate) fn sorted(values: &[V]) -> Self {
        Self::Sorted(sorted(values.to_vec()))
    }

    /// The different values, ascending, if they are not more than `most`, which is at most [`Self::MANY`] unless they are sorted
    /// or counted.
    pub(crate) fn distinct(&self, most: usize) -> Option<Vec<V>> {
        let distinct: Vec<V> = match self {
            Self::Sorted(values) => {
                values.chunk_by(|one, next| one == next).take(most + 1).map(|equal| equal[0]).collect()
            }
            Self::Tally(tally) => tally.different().take(most + 1).collect(),
            Self::Many(..) => return None,
        };
        (distinct.len() <= most).then_some(distinct)
    }

    /// The values at ascending ranks below the number of values. Zero has one sign.
    pub(crate) fn at_ranks(&self, ranks: &[usize]) -> Vec<V> {
        match self {
            Self::Sorted(values) => ranks.iter().map(|rank| values[*rank]).collect(),
            Self::Tally(tally) => tally.at_ranks(ranks),
            Self::Many(values, sample) => within_sections(values, sample, ranks),
        }
    }
}

/// The values at ascending ranks, of which each section holds some.
fn within_sections<V: Number>(values: &[V], sample: &[V], ranks: &[usize]) -> Vec<V> {
    let scale = scale_of(sample);
    let mut sizes = vec![0_usize; SECTIONS];
    scale.in_blocks(values, |_, sections| {
        for section in sections {
            sizes[*section as usize % SECTIONS] += 1;
        }
    });
    let wanted = wanted(&sizes, ranks);
    let mut gathered = gathered(values, &scale, &wanted);
    let mut found = Vec::with_capacity(ranks.len());
    let mut rest = gathered.as_mut_slice();
    for Wanted { before, size, ranks, .. } in wanted {
        let (own, later) = rest.split_at_mut(size);
        let ranks: Vec<usize> = ranks.iter().map(|rank| rank - before).collect();
        found.extend(in_section(own, &ranks, values.len()));
        rest = later;
    }
    found
}

/// The values at some ranks of a section; there are so many values in all sections.
fn in_section<V: Number>(own: &mut [V], ranks: &[usize], all: usize) -> Vec<V> {
    // Many values of a section are selected from as all of them were, unless sections have not helped.
    if own.len() >= FEW && own.len() < all / 4 * 3 {
        return Selection::of(own).at_ranks(ranks);
    }
    for value in &mut *own {
        *value = *value + V::default();
    }
    if let [rank] = ranks {
        return vec![*own.select_nth_unstable_by(*rank, V::order).1];
    }
    own.sort_unstable_by(V::order);
    ranks.iter().map(|rank| own[*rank]).collect()
}

/// Sections that hold about equally many values of a sorted sample, as far as lengths or ratios can.
fn scale_of<V: Number>(sample: &[V]) -> Scale<V, SECTIONS> {
    let between = |ratios: bool, part: usize| {
        let beyond = sample.len() / part;
        let at = |place: usize| sample.get(place).copied().unwrap_or_default();
        Scale::between(at(beyond), at((sample.len() - 1).saturating_sub(beyond)), ratios)
    };
    // A section costs its values times the chance that a rank is among them.
    let cost = |scale: &Scale<V, SECTIONS>| -> usize {
        let sections: Vec<usize> = sample.iter().map(|value| scale.section(*value)).collect();
        sections.chunk_by(|one, next| one == next).map(|own| own.len() * own.len()).sum()
    };
    let scales = [false, true].into_iter().flat_map(|ratios| BEYOND.map(|part| between(ratios, part)));
    let first = between(false, SAMPLE);
    scales.min_by_key(cost).unwrap_or(first)
}

/// A section that holds wanted ranks.
struct Wanted<'a> {
    section: usize,
    /// The values in all sections before.
    before: usize,
    size: usize,
    ranks: &'a [usize],
}

/// The sections that hold some of ascending ranks.
fn wanted<'a>(sizes: &[usize], mut ranks: &'a [usize]) -> Vec<Wanted<'a>> {
    let mut before = 0;
    let mut wanted = Vec::new();
    for (section, size) in sizes.iter().copied().enumerate() {
        let own = ranks.iter().take_while(|rank| **rank < before + size).count();
        let (own, later) = ranks.split_at(own);
        if !own.is_empty() {
            wanted.push(Wanted { section, before, size, ranks: own });
        }
        (before, ranks) = (before + size, later);
    }
    wanted
}

/// Where the next value of a section goes; for sections that are not wanted always to the same place.
#[derive(Clone, Copy)]
struct Next {
    place: usize,
    step: usize,
}

/// The values of wanted sections, one section after the other.
fn gathered<V: Number>(values: &[V], scale: &Scale<V, SECTIONS>, wanted: &[Wanted<'_>]) -> Vec<V> {
    let total: usize = wanted.iter().map(|wanted| wanted.size).sum();
    let mut next = vec![Next { place: total, step: 0 }; SECTIONS];
    let mut place = 0;
    for Wanted { section, size, .. } in wanted {
        next[*section] = Next { place, step: 1 };
        place += size;
    }
    let mut gathered = vec![V::default(); total + 1];
    scale.in_blocks(values, |values, sections| {
        for (value, section) in values.iter().zip(sections) {
            // Written whether wanted or not, so that no branch depends on the section.
            let next = &mut next[*section as usize % SECTIONS];
            gathered[next.place] = *value;
            next.place += next.step;
        }
    });
    gathered.truncate(total);
    gathered
}
