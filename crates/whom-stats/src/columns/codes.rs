//! A tag's codes, one per unit.

use rayon::prelude::*;

use crate::routing::Code;

/// The codes of one tag, one per unit, in the narrowest width that holds them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CodeColumn {
    /// Up to 256 codes.
    U8(Vec<u8>),
    /// Up to 65,536 codes.
    U16(Vec<u16>),
}

impl CodeColumn {
    /// The number of units.
    pub fn len(&self) -> usize {
        match self {
            Self::U8(codes) => codes.len(),
            Self::U16(codes) => codes.len(),
        }
    }

    /// Whether there is no unit.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The code of a row below [`CodeColumn::len`].
    #[inline]
    pub fn code(&self, row: usize) -> Code {
        match self {
            Self::U8(codes) => Code::from(codes[row]),
            Self::U16(codes) => codes[row],
        }
    }

    pub(super) fn largest(&self) -> Option<Code> {
        match self {
            Self::U8(codes) => codes.par_iter().copied().max().map(Code::from),
            Self::U16(codes) => codes.par_iter().copied().max(),
        }
    }
}
