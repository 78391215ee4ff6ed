//! How often each value occurs, where most values occur many times.

use crate::ruler::Ruler;
use crate::scale::{BLOCK, Number};

/// The most different values that are looked for.
const KNOWN: usize = 2048;
/// Twice as many, so that any rank has a place.
const ROOM: usize = 2 * KNOWN;

/// Some values by how often they occur.
pub(crate) struct Tally<V> {
    /// Different values, ascending, each with how often it occurs.
    counts: Vec<(V, usize)>,
}

impl<V: Number> Tally<V> {
    /// Counts all values, most of which ought to be among those of a sorted sample: the others are sorted. `None` if those of the
    /// sample are too many.
    pub(crate) fn of(values: &[V], sample: &[V]) -> Option<Self> {
        let known: Vec<V> = sample.chunk_by(|one, next| one == next).map(|equal| equal[0]).take(KNOWN + 1).collect();
        let ruler = Ruler::<V, ROOM, ROOM>::new(&known)?;
        // Two counts of each, for neighbours: to count one value twice in a row would wait for the memory.
        let mut known_counts = [vec![0_usize; ROOM], vec![0_usize; ROOM]];
        let (mut others, mut other_count) = (Vec::new(), 0);
        let mut ranks = [0_u16; BLOCK];
        for values in values.chunks(BLOCK) {
            let ranks = &mut ranks[..values.len()];
            ruler.measure(values, ranks, |rank| rank as u16);
            // Written whether known or not, so that no branch depends on the value.
            others.resize(other_count + BLOCK, V::default());
            let [even, odd] = &mut known_counts;
            let (mut counts, mut next) = (even, odd);
            for (value, rank) in values.iter().zip(&*ranks) {
                let rank = usize::from(*rank) % ROOM;
                let is_known = ruler.mark(rank) == *value;
                counts[rank] += usize::from(is_known);
                others[other_count] = *value;
                other_count += usize::from(!is_known);
                std::mem::swap(&mut counts, &mut next);
            }
        }
        others.truncate(other_count);
        let others = sorted(others);
        let [even, odd] = known_counts;
        let known = known.into_iter().zip(even.iter().zip(&odd)).map(|(value, (even, odd))| (value, even + odd));
        let others = others.chunk_by(|one, next| one == next).map(|equal| (equal[0], equal.len()));
        let mut counts: Vec<(V, usize)> = known.chain(others).collect();
        counts.sort_unstable_by(|(one, _), (other, _)| one.order(other));
        Some(Self { counts })
    }

    /// The different values, ascending.
    pub(crate) fn different(&self) -> impl ExactSizeIterator<Item = V> {
        self.counts.iter().map(|(value, _)| *value)
    }

    /// The values at ascending ranks below the number of values.
    pub(crate) fn at_ranks(&self, ranks: &[usize]) -> Vec<V> {
        let mut ranks = ranks.iter().copied().peekable();
        let (mut before, mut found) = (0, Vec::with_capacity(ranks.len()));
        for (value, count) in &self.counts {
            before += count;
            while ranks.next_if(|rank| *rank < before).is_some() {
                found.push(*value);
            }
        }
        found
    }
}

/// Values in ascending order, with one sign for zero.
pub(crate) fn sorted<V: Number>(mut values: Vec<V>) -> Vec<V> {
    for value in &mut values {
        *value = *value + V::default();
    }
    values.sort_unstable_by(V::order);
    values
}
