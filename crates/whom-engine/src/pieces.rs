//! Pieces: contiguous ranges of pairs of buckets that are worked on their own.

use std::num::NonZeroUsize;

use whom_stats::bucket::BUCKETS;

/// The pairs of neighbouring buckets.
const PAIRS: usize = BUCKETS / 2;

/// The number of pieces that rows are put into. A piece is a contiguous range of buckets, so the pieces in their order hold
/// the units in theirs; the number follows from threads and memory, and changes no result. A bucket of an even number lies in
/// one piece with the next: where folds are given, a unit may move from one to the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pieces(NonZeroUsize);

impl Pieces {
    /// This many pieces, at most one for each pair of buckets.
    pub fn new(count: NonZeroUsize) -> Self {
        Self(count.min(NonZeroUsize::new(PAIRS).unwrap_or(NonZeroUsize::MIN)))
    }

    /// The number of pieces.
    pub fn count(self) -> usize {
        self.0.get()
    }

    /// The piece of a bucket.
    pub fn of_bucket(self, bucket: u16) -> usize {
        (usize::from(bucket / 2) * self.count() / PAIRS).min(self.count() - 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pieces_are_contiguous_ranges_of_about_equal_size(count in 1_usize..3000) {
            let pieces = Pieces::new(NonZeroUsize::new(count).unwrap());
            prop_assert_eq!(pieces.count(), count.min(PAIRS));
            let mut sizes = vec![0; pieces.count()];
            let mut last = 0;
            for bucket in 0..BUCKETS as u16 {
                let piece = pieces.of_bucket(bucket);
                prop_assert!(piece == last || (piece == last + 1 && bucket % 2 == 0));
                last = piece;
                sizes[piece] += 1;
            }
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(*least >= 2 && most - least <= 2, "{:?}", sizes);
        }
    }
}
