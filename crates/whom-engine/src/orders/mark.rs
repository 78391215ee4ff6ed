//! What an order is about, so that whoever does it knows how to read it: the last byte of what its parts have in common.

use bytes::Bytes;

/// What an order is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Mark {
    /// What it is about lies in a folder, where it was [written once](crate::WrittenOnce).
    Written = b'w',
    /// Scans and statements of a unit table.
    Table = b't',
    /// A question about encoded units.
    Question = b'q',
    /// Searches among encoded units that are grown whole.
    Searches = b's',
}

impl Mark {
    const ALL: [Self; 4] = [Self::Written, Self::Table, Self::Question, Self::Searches];

    /// What the parts of an order of this kind have in common, with the mark.
    #[must_use]
    pub fn put_on(self, mut common: Vec<u8>) -> Bytes {
        common.push(self as u8);
        common.into()
    }

    /// The mark, and what it was put on; `None` for bytes without one.
    #[must_use]
    pub fn read(marked: &[u8]) -> Option<(Self, &[u8])> {
        let (last, common) = marked.split_last()?;
        let mark = Self::ALL.into_iter().find(|mark| *mark as u8 == *last)?;
        Some((mark, common))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_read_as_it_was_put_on_and_no_other_byte_is_one() {
        for mark in Mark::ALL {
            assert_eq!(Mark::read(&mark.put_on(b"common".to_vec())), Some((mark, b"common".as_slice())));
        }
        assert_eq!((Mark::read(b""), Mark::read(b"common")), (None, None));
    }
}
