//! Bars to the left and right of zero, with words beside.

use super::axis::Axis;
use super::label::Label;
use super::svg::{Anchor, Place, Rectangle, Svg, line_height};
use super::{Width, text};

/// A bar chart with one bar a row.
#[derive(Clone, Debug)]
pub(crate) struct Bars {
    /// What it shows, for those who do not see it.
    pub(crate) title: String,
    /// What the length of a bar is.
    pub(crate) axis: String,
    pub(crate) bars: Vec<Bar>,
    /// The largest length that the axis has to hold; several charts are comparable if they share it.
    pub(crate) reach: f64,
}

/// A bar.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    pub(crate) label: Label,
    /// Its length; to the left if negative, nothing if not finite.
    pub(crate) value: f64,
    /// Words behind it.
    pub(crate) figures: Vec<Label>,
}

const SIZE: f64 = 13.0;
const ROW: f64 = 28.0;
const GAP: f64 = 14.0;
const LABEL_ROOM: f64 = 290.0;

impl Bars {
    /// The picture; nothing without a bar.
    pub(crate) fn draw(&self, width: Width) -> Option<String> {
        if self.bars.is_empty() {
            return None;
        }
        let pixels = width.pixels();
        let mut svg = Svg::new(pixels);
        let figures = self.figures_width();
        let (from, to) = match width {
            Width::Wide => (LABEL_ROOM + GAP, (pixels - figures - GAP).max(LABEL_ROOM + 120.0)),
            Width::Narrow => (0.0, pixels),
        };
        let is_one_sided = self.bars.iter().all(|bar| !bar.value.is_finite() || bar.value >= 0.0);
        let reach = if self.reach > 0.0 && self.reach.is_finite() { self.reach } else { 1.0 };
        let axis = Axis::new((if is_one_sided { 0.0 } else { -reach }, reach), (from, to));
        let place = Place { x: from, y: 14.0, anchor: Anchor::Start, size: 12.0 };
        svg.label(place, pixels - from, &Label::new(self.axis.clone()), "faint");
        let mut y = 22.0;
        for bar in &self.bars {
            y = match width {
                Width::Wide => wide(&mut svg, bar, &axis, (y, to + GAP)),
                Width::Narrow => narrow(&mut svg, bar, &axis, (y, pixels)),
            };
        }
        svg.line((axis.place(0.0), 22.0), (axis.place(0.0), y), "zero");
        Some(svg.finish(y + 4.0, &self.title, "chart"))
    }

    fn figures_width(&self) -> f64 {
        let widths = self.bars.iter().map(|bar| {
            let words: f64 = bar.figures.iter().map(|label| text::width(&label.text, SIZE) + 6.0).sum();
            words
        });
        widths.fold(0.0, f64::max)
    }
}

fn wide(svg: &mut Svg, bar: &Bar, axis: &Axis, (y, right): (f64, f64)) -> f64 {
    let middle = y + ROW / 2.0;
    let base = middle + SIZE * 0.35;
    svg.label(Place { x: 0.0, y: base, anchor: Anchor::Start, size: SIZE }, LABEL_ROOM, &bar.label, "plain");
    strip(svg, bar, axis, (middle - 7.0, 14.0));
    let mut x = right;
    for figure in &bar.figures {
        svg.label(Place { x, y: base, anchor: Anchor::Start, size: SIZE }, 400.0, figure, "plain");
        x += text::width(&figure.text, SIZE) + 6.0;
    }
    y + ROW
}

fn narrow(svg: &mut Svg, bar: &Bar, axis: &Axis, (y, width): (f64, f64)) -> f64 {
    let mut place = Place { x: 0.0, y: y + 18.0, anchor: Anchor::Start, size: SIZE };
    let lines = svg.paragraph(place, width, &bar.label, ("plain", 2));
    place.y += lines as f64 * line_height(SIZE);
    for figure in &bar.figures {
        let needed = text::width(&figure.text, SIZE);
        if place.x > 0.0 && place.x + needed > width {
            place = Place { x: 0.0, y: place.y + line_height(SIZE), ..place };
        }
        svg.label(place, width, figure, "faint");
        place.x += needed + 6.0;
    }
    strip(svg, bar, axis, (place.y + 7.0, 12.0));
    place.y + 28.0
}

fn strip(svg: &mut Svg, bar: &Bar, axis: &Axis, (y, height): (f64, f64)) {
    if !bar.value.is_finite() {
        return;
    }
    let (zero, end) = (axis.place(0.0), axis.place(bar.value));
    let rectangle = Rectangle { x: zero.min(end), y, width: (end - zero).abs(), height };
    svg.rectangle(rectangle, if bar.value < 0.0 { "bar below" } else { "bar" });
}
