//! Pictures as inline SVG. A picture knows nothing of experiments: it is made of labels and numbers that are already in the
//! unit in which they are shown.
//!
//! Every picture is drawn for a [`Width`] of its own, with text of a fixed size, instead of being scaled until nobody can
//! read it. Colours and fonts are those of the classes in the page's style sheet, so that one picture serves light, dark and
//! paper. Coordinates have one decimal, so the same input gives the same bytes; what is not finite is not drawn. A label is
//! measured with the widths of a wide font, wrapped or cut where it has no room, and then holds the whole in a `<title>`.

mod axis;
mod bars;
mod forest;
mod heat_map;
mod interval;
mod label;
mod lines;
mod svg;
mod text;
mod tree;
mod waterfall;

pub(crate) use bars::{Bar, Bars};
pub(crate) use forest::{Forest, ForestGroup, ForestRow, Mark};
pub(crate) use heat_map::{HeatCell, HeatMap, HeatRow};
pub(crate) use interval::{IntervalPicture, Window};
pub(crate) use label::Label;
pub(crate) use lines::{LinePoint, Lines};
pub(crate) use tree::{Tree, TreeNode};
pub(crate) use waterfall::{Fall, Waterfall};

/// The room that a picture is drawn for, in CSS pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Width {
    /// A laptop, or paper.
    Wide,
    /// A phone.
    Narrow,
}

impl Width {
    pub(crate) const BOTH: [Self; 2] = [Self::Wide, Self::Narrow];

    fn pixels(self) -> f64 {
        match self {
            Self::Wide => 960.0,
            Self::Narrow => 328.0,
        }
    }
}

/// How a mark or cell is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Good.
    Plus,
    /// Bad.
    Minus,
    /// Neither.
    Plain,
    /// Not to be relied on.
    Faint,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Self::Plus => "plus",
            Self::Minus => "minus",
            Self::Plain => "plain",
            Self::Faint => "faint",
        }
    }
}

#[cfg(test)]
mod tests;
