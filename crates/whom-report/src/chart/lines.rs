//! A line through points in their order, with a band around it.

use super::axis::Axis;
use super::label::Label;
use super::svg::{Anchor, Place, Svg, line_height};
use super::{Width, text};

/// Values in an order, such as that of time.
#[derive(Clone, Debug)]
pub(crate) struct Lines {
    /// What it shows, for those who do not see it.
    pub(crate) title: String,
    /// What the height is.
    pub(crate) axis: String,
    /// A value that all points are compared with, and its name.
    pub(crate) reference: Option<(f64, String)>,
    /// From left to right, equally far apart.
    pub(crate) points: Vec<LinePoint>,
}

/// A point.
#[derive(Clone, Debug)]
pub(crate) struct LinePoint {
    /// What it is the value of.
    pub(crate) label: Label,
    /// Its height; the line has a gap where there is none.
    pub(crate) value: Option<f64>,
    /// From where to where the band reaches.
    pub(crate) band: Option<(f64, f64)>,
    /// Whether it is not to be relied on.
    pub(crate) faint: bool,
}

const SMALL: f64 = 12.0;
const HEIGHT: f64 = 170.0;
const TICKS: usize = 5;
const TICK_ROOM: f64 = 66.0;
const GAP: f64 = 10.0;
const NARROWEST_LABEL: f64 = 84.0;

/// Points that are neighbours, as places on the picture: across, value, and band.
type Run = Vec<(f64, f64, Option<(f64, f64)>)>;

impl Lines {
    /// The picture; nothing with fewer than two values, which make no line.
    pub(crate) fn draw(&self, width: Width) -> Option<String> {
        if self.points.iter().filter(|point| point.finite_value().is_some()).count() < 2 {
            return None;
        }
        let mut svg = Svg::new(width);
        let place = Place { x: 0.0, y: 14.0, anchor: Anchor::Start, size: SMALL };
        let lines = svg.paragraph(place, width.pixels(), &Label::new(self.axis.clone()), ("faint", 2));
        let top = 14.0 + lines as f64 * line_height(SMALL);
        let frame = Frame {
            width: width.pixels(),
            across: (TICK_ROOM, width.pixels() - 2.0 * GAP - self.reference_room()),
            axis: Axis::new(self.domain(), (top + HEIGHT, top)),
            bottom: top + HEIGHT,
        };
        self.ground(&mut svg, &frame);
        for run in self.runs(&frame) {
            draw_run(&mut svg, &run);
        }
        for (index, point) in self.points.iter().enumerate() {
            let Some(value) = point.finite_value() else { continue };
            let class = if point.faint { "estimate faint" } else { "estimate plain" };
            svg.dot((self.place(index, &frame), frame.axis.place(value)), 4.5, class);
        }
        self.labels(&mut svg, &frame);
        Some(svg.finish(frame.bottom + 30.0, &self.title, "chart"))
    }

    /// What the height spans: zero, the reference, all values and bands.
    fn domain(&self) -> (f64, f64) {
        let values = self.points.iter().filter_map(LinePoint::finite_value);
        let bands = self.points.iter().filter_map(LinePoint::finite_band).flat_map(|(lower, upper)| [lower, upper]);
        let reference = self.finite_reference().map(|(value, _)| *value);
        Axis::domain(values.chain(bands).chain(reference).chain([0.0]))
    }

    fn finite_reference(&self) -> Option<&(f64, String)> {
        self.reference.as_ref().filter(|(value, _)| value.is_finite())
    }

    fn reference_room(&self) -> f64 {
        self.finite_reference().map_or(0.0, |(_, name)| text::width(name, SMALL).min(TICK_ROOM))
    }

    fn place(&self, index: usize, frame: &Frame) -> f64 {
        let (from, to) = frame.across;
        let step = (to - from) / self.points.len().max(1) as f64;
        from + (index as f64 + 0.5) * step
    }

    /// Ticks, the line of zero and that of the reference.
    fn ground(&self, svg: &mut Svg, frame: &Frame) {
        let (from, to) = frame.across;
        for tick in frame.axis.ticks(TICKS) {
            let place = Place { x: from - GAP, y: tick.place + SMALL * 0.35, anchor: Anchor::End, size: SMALL };
            svg.label(place, TICK_ROOM - GAP, &Label::new(tick.text), "faint");
            svg.line((from - 4.0, tick.place), (from, tick.place), "axis");
        }
        svg.line((from, frame.axis.place(0.0)), (to, frame.axis.place(0.0)), "zero");
        if let Some((value, name)) = self.finite_reference() {
            let y = frame.axis.place(*value);
            svg.line((from, y), (to, y), "reference");
            let place = Place { x: to + GAP, y: y + SMALL * 0.35, anchor: Anchor::Start, size: SMALL };
            svg.label(place, self.reference_room() + 1.0, &Label::new(name.clone()), "reference-name");
        }
    }

    /// The points between gaps.
    fn runs(&self, frame: &Frame) -> Vec<Run> {
        let mut runs: Vec<Run> = vec![Run::new()];
        for (index, point) in self.points.iter().enumerate() {
            match (point.finite_value(), runs.last_mut()) {
                (Some(value), Some(run)) => {
                    let band =
                        point.finite_band().map(|(lower, upper)| (frame.axis.place(lower), frame.axis.place(upper)));
                    run.push((self.place(index, frame), frame.axis.place(value), band));
                }
                _ => runs.push(Run::new()),
            }
        }
        runs
    }

    /// The names of as many points as there is room for.
    fn labels(&self, svg: &mut Svg, frame: &Frame) {
        let step = (frame.across.1 - frame.across.0) / self.points.len().max(1) as f64;
        let stride = (NARROWEST_LABEL / step).ceil().max(1.0) as usize;
        let room = (stride as f64 * step - GAP).max(1.0);
        for (index, point) in self.points.iter().enumerate().step_by(stride) {
            let half = text::width(&point.label.text, SMALL).min(room) / 2.0;
            let x = self.place(index, frame);
            if x - half >= 0.0 && x + half <= frame.width {
                let place = Place { x, y: frame.bottom + 20.0, anchor: Anchor::Middle, size: SMALL };
                svg.label(place, room, &point.label, "faint");
            }
        }
    }
}

impl LinePoint {
    fn finite_value(&self) -> Option<f64> {
        self.value.filter(|value| value.is_finite())
    }

    fn finite_band(&self) -> Option<(f64, f64)> {
        self.band.filter(|(lower, upper)| lower.is_finite() && upper.is_finite())
    }
}

/// Where a picture's points lie.
struct Frame {
    /// Where the plot begins and ends.
    across: (f64, f64),
    /// The width of the picture.
    width: f64,
    /// Upwards.
    axis: Axis,
    bottom: f64,
}

/// Neighbours: the band where all have one, else the interval of each; and the line.
fn draw_run(svg: &mut Svg, run: &Run) {
    let bands: Option<Vec<(f64, f64, f64)>> =
        run.iter().map(|(x, _, band)| band.map(|(lower, upper)| (*x, lower, upper))).collect();
    match bands {
        Some(bands) if bands.len() > 1 => {
            let upper = bands.iter().map(|(x, _, upper)| (*x, *upper));
            let lower = bands.iter().rev().map(|(x, lower, _)| (*x, *lower));
            svg.area(&upper.chain(lower).collect::<Vec<_>>(), "area");
        }
        _ => {
            for (x, _, band) in run {
                let Some((lower, upper)) = band else { continue };
                svg.line((*x, *lower), (*x, *upper), "interval");
            }
        }
    }
    let line: Vec<(f64, f64)> = run.iter().map(|(x, y, _)| (*x, *y)).collect();
    if line.len() > 1 {
        svg.outline(&line, "line");
    }
}
