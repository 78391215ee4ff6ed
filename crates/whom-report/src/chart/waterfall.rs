//! A waterfall: what each step kept, and what it took away.

use super::Width;
use super::axis::Axis;
use super::label::Label;
use super::svg::{Anchor, Place, Rectangle, Svg, line_height};

/// Steps from the first to the last.
#[derive(Clone, Debug)]
pub(crate) struct Waterfall {
    /// What it shows, for those who do not see it.
    pub(crate) title: String,
    pub(crate) falls: Vec<Fall>,
}

/// A step.
#[derive(Clone, Debug)]
pub(crate) struct Fall {
    pub(crate) label: Label,
    /// What it kept, and what it took away, both at least zero.
    pub(crate) kept: f64,
    pub(crate) dropped: f64,
    /// Both in words.
    pub(crate) figures: Label,
}

const SIZE: f64 = 13.0;
const LABEL_ROOM: f64 = 300.0;
const FIGURES_ROOM: f64 = 290.0;
const GAP: f64 = 16.0;

impl Waterfall {
    /// The picture; nothing without a step.
    pub(crate) fn draw(&self, width: Width) -> Option<String> {
        if self.falls.is_empty() {
            return None;
        }
        let pixels = width.pixels();
        let largest = self.falls.iter().map(|fall| fall.kept + fall.dropped).fold(1.0, f64::max);
        let span = match width {
            Width::Wide => (LABEL_ROOM + GAP, pixels - FIGURES_ROOM - GAP),
            Width::Narrow => (0.0, pixels),
        };
        let axis = Axis::new((0.0, largest), span);
        let mut svg = Svg::new(width);
        let mut y = 0.0;
        for fall in &self.falls {
            y = match width {
                Width::Wide => wide(&mut svg, fall, &axis, (y, pixels)),
                Width::Narrow => narrow(&mut svg, fall, &axis, (y, pixels)),
            };
        }
        Some(svg.finish(y + 2.0, &self.title, "chart"))
    }
}

fn wide(svg: &mut Svg, fall: &Fall, axis: &Axis, (y, width): (f64, f64)) -> f64 {
    let place = Place { x: 0.0, y: y + 18.0, anchor: Anchor::Start, size: SIZE };
    let label_lines = svg.paragraph(place, LABEL_ROOM, &fall.label, ("plain", 2));
    let figures = Place { x: width - FIGURES_ROOM, ..place };
    let lines = svg.paragraph(figures, FIGURES_ROOM, &fall.figures, ("plain", 3)).max(label_lines);
    strip(svg, fall, axis, y + 7.0);
    y + 12.0 + lines as f64 * line_height(SIZE)
}

fn narrow(svg: &mut Svg, fall: &Fall, axis: &Axis, (y, width): (f64, f64)) -> f64 {
    let place = Place { x: 0.0, y: y + 18.0, anchor: Anchor::Start, size: SIZE };
    let mut lines = svg.paragraph(place, width, &fall.label, ("strong", 2));
    let below = Place { y: place.y + lines as f64 * line_height(SIZE), ..place };
    lines += svg.paragraph(below, width, &fall.figures, ("faint", 3));
    let y = y + 8.0 + lines as f64 * line_height(SIZE);
    strip(svg, fall, axis, y);
    y + 22.0
}

fn strip(svg: &mut Svg, fall: &Fall, axis: &Axis, y: f64) {
    let [zero, kept, all] = [0.0, fall.kept, fall.kept + fall.dropped].map(|value| axis.place(value));
    svg.rectangle(Rectangle { x: zero, y, width: kept - zero, height: 14.0 }, "bar");
    if fall.dropped > 0.0 {
        let width = (all - kept).max(1.0).min(axis.place(f64::MAX) - kept + 1.0);
        svg.rectangle(Rectangle { x: kept, y, width, height: 14.0 }, "dropped");
    }
}
