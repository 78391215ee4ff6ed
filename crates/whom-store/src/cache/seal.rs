//! Hashes of an object's blocks, so that any range of it can be checked.

use std::ops::Range;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

/// The length of a block; the last one of an object may be shorter. A range is read in whole blocks.
pub(crate) const BLOCK: u64 = 1 << 18;

/// The hashes of the blocks of an object, in order: 64 bits of xxh3 each, in hexadecimal digits.
///
/// They find what happened to an object by accident: a torn write, a bad disk, another file under its name. They prove
/// nothing against somebody who may write to the folder, who could seal anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seal(Vec<String>);

impl Seal {
    /// Whether bytes are those of the blocks from `first` on.
    pub(crate) fn holds(&self, first: u64, bytes: &[u8]) -> bool {
        let from = usize::try_from(first).unwrap_or(usize::MAX);
        let blocks = bytes.chunks(BLOCK as usize);
        blocks.enumerate().all(|(place, block)| {
            let sealed = from.checked_add(place).and_then(|place| self.0.get(place));
            sealed.is_some_and(|sealed| *sealed == written(xxh3_64(block)))
        })
    }

    /// The blocks that a range of an object of `bytes` bytes touches, as a range of it.
    pub(crate) fn around(range: &Range<u64>, bytes: u64) -> Range<u64> {
        range.start / BLOCK * BLOCK..range.end.div_ceil(BLOCK).saturating_mul(BLOCK).min(bytes)
    }

    /// One hash of all, as an ETag.
    pub(crate) fn etag(&self) -> String {
        written(xxh3_64(self.0.concat().as_bytes()))
    }
}

/// Seals bytes as they come.
#[derive(Clone, Default)]
pub(crate) struct Sealer {
    seal: Seal,
    block: Xxh3,
    bytes: u64,
}

impl Sealer {
    pub(crate) fn add(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let room = BLOCK - self.bytes % BLOCK;
            let (now, later) = bytes.split_at(usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len()));
            self.block.update(now);
            self.bytes += now.len() as u64;
            if self.bytes.is_multiple_of(BLOCK) {
                self.close();
            }
            bytes = later;
        }
    }

    /// The seal, and the length of what it seals.
    pub(crate) fn finish(mut self) -> (Seal, u64) {
        if !self.bytes.is_multiple_of(BLOCK) {
            self.close();
        }
        (self.seal, self.bytes)
    }

    fn close(&mut self) {
        self.seal.0.push(written(self.block.digest()));
        self.block.reset();
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sealer").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

fn written(hash: u64) -> String {
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealed(bytes: &[u8], piece: usize) -> Seal {
        let mut sealer = Sealer::default();
        bytes.chunks(piece.max(1)).for_each(|piece| sealer.add(piece));
        let (seal, length) = sealer.finish();
        assert_eq!(length, bytes.len() as u64);
        seal
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn any_flipped_bit_is_seen_and_pieces_are_not(length in 1..3 * BLOCK as usize, piece in 1..2 * BLOCK as usize, place: prop::sample::Index, bit in 0..8_u8) {
            let bytes: Vec<u8> = (0..length).map(|place| (place * 31 % 251) as u8).collect();
            let seal = sealed(&bytes, piece);
            prop_assert_eq!(&seal, &sealed(&bytes, length));
            prop_assert!(seal.holds(0, &bytes));
            let mut flipped = bytes.clone();
            flipped[place.index(length)] ^= 1 << bit;
            prop_assert!(!seal.holds(0, &flipped));
            let range = Seal::around(&(place.index(length) as u64..length as u64), length as u64);
            prop_assert!(seal.holds(range.start / BLOCK, &bytes[range.start as usize..range.end as usize]));
            prop_assert!(!seal.holds(range.start / BLOCK, &flipped[range.start as usize..range.end as usize]));
        }
    }

    #[test]
    fn what_is_longer_or_empty_is_known() {
        let bytes = vec![7; BLOCK as usize];
        let seal = sealed(&bytes, 1000);
        assert!(!seal.holds(0, &[bytes.as_slice(), &[7]].concat()));
        assert_eq!(sealed(&[], 1), Seal::default());
        assert_eq!(Seal::around(&(BLOCK - 1..BLOCK + 1), 2 * BLOCK), 0..2 * BLOCK);
        assert_eq!(Seal::around(&(5..6), 10), 0..10);
    }
}
