//! One estimate with its interval, small enough for a row of a table.

use super::Tone;
use super::axis::Axis;
use super::forest::{Mark, draw_mark};
use super::svg::{Rectangle, Svg};

const WIDTH: f64 = 180.0;
const HEIGHT: f64 = 26.0;
const MARGIN: f64 = 7.0;

/// What pictures have in common that are to be compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window {
    domain: (f64, f64),
    /// Values between minus and plus this are as good as zero.
    pub(crate) negligible: Option<f64>,
    /// A value that should not be crossed.
    pub(crate) limit: Option<f64>,
}

/// An estimate with its interval on a line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct IntervalPicture {
    pub(crate) mark: Mark,
    pub(crate) tone: Tone,
}

impl Window {
    /// The window that holds zero, the bounds and all pictures.
    pub(crate) fn over(marks: &[Mark], negligible: Option<f64>, limit: Option<f64>) -> Self {
        let ends = marks.iter().flat_map(|mark| {
            let (lower, upper) = mark.outer.unwrap_or((mark.estimate, mark.estimate));
            [lower, upper]
        });
        let finite = |value: &f64| value.is_finite();
        let (negligible, limit) = (negligible.filter(finite), limit.filter(finite));
        let bounds = negligible.into_iter().flat_map(|bound| [-bound, bound]).chain(limit);
        Self { domain: Axis::domain(ends.chain(bounds).chain([0.0])), negligible, limit }
    }
}

impl IntervalPicture {
    /// The picture. It says nothing that is not written beside it, and so has no words of its own.
    pub(crate) fn draw(&self, window: &Window) -> String {
        let axis = Axis::new(window.domain, (MARGIN, WIDTH - MARGIN));
        let mut svg = Svg::small(WIDTH);
        let middle = HEIGHT / 2.0;
        if let Some(bound) = window.negligible {
            let (from, to) = (axis.place(-bound), axis.place(bound));
            svg.rectangle(Rectangle { x: from, y: 0.0, width: to - from, height: HEIGHT }, "negligible");
        }
        svg.line((axis.place(0.0), 0.0), (axis.place(0.0), HEIGHT), "zero");
        if let Some(limit) = window.limit {
            svg.line((axis.place(limit), 0.0), (axis.place(limit), HEIGHT), "limit");
        }
        draw_mark(&mut svg, &axis, (middle, self.mark), self.tone);
        svg.finish(HEIGHT, "interval", "interval-picture")
    }
}
