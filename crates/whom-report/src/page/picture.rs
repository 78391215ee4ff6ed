//! A picture in both widths; the style sheet shows one of them.

use serde::Serialize;

use crate::chart::{Bars, Forest, HeatMap, Lines, Tree, Waterfall, Width};

/// A picture, drawn for a laptop and for a phone.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Picture {
    pub(super) wide: String,
    /// Nothing if it would be too large for a phone.
    pub(super) narrow: Option<String>,
}

impl Picture {
    /// The same without the drawing for a phone, where there are too many of them to scroll through.
    pub(super) fn for_laptops(self) -> Self {
        Self { narrow: None, ..self }
    }

    fn of(draw: impl Fn(Width) -> Option<String>) -> Option<Self> {
        let [wide, narrow] = Width::BOTH.map(draw);
        Some(Self { wide: wide?, narrow })
    }
}

/// What can be drawn; nothing where there is nothing to draw.
macro_rules! pictures {
    ($($name:ty),+) => {$(
        impl $name {
            pub(super) fn picture(&self) -> Option<Picture> {
                Picture::of(|width| self.draw(width))
            }
        }
    )+};
}

pictures!(Bars, Forest, HeatMap, Lines, Tree, Waterfall);
