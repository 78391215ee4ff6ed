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
    /// The headings of the figures behind the bars.
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Bar>,
    /// The largest length that the axis has to hold; several charts are comparable if they share it.
    pub(crate) reach: f64,
}

/// A bar.
#[derive(Clone, Debug)]
pub(crate) struct Bar {
    pub(crate) label: Label,
    /// Its length; to the left if negative, nothing if not finite.
    pub(crate) value: f64,
    /// A figure for each column.
    pub(crate) figures: Vec<Label>,
    /// Whether it is less than it looks like.
    pub(crate) faint: bool,
}

const SIZE: f64 = 13.0;
const SMALL: f64 = 12.0;
const ROW: f64 = 28.0;
const WIDEST_FIGURE: f64 = 150.0;
const GAP: f64 = 14.0;
const LABEL_ROOM: f64 = 290.0;

impl Bars {
    /// The picture; nothing without a bar.
    pub(crate) fn draw(&self, width: Width) -> Option<String> {
        if self.rows.is_empty() {
            return None;
        }
        let pixels = width.pixels();
        let mut svg = Svg::new(width);
        let columns = self.column_widths();
        let (from, to) = match width {
            Width::Wide => (LABEL_ROOM + GAP, pixels - columns.iter().map(|column| column + GAP).sum::<f64>()),
            Width::Narrow => (0.0, pixels),
        };
        let is_one_sided = self.rows.iter().all(|bar| !bar.value.is_finite() || bar.value >= 0.0);
        let reach = if self.reach > 0.0 && self.reach.is_finite() { self.reach } else { 1.0 };
        let axis = Axis::new((if is_one_sided { 0.0 } else { -reach }, reach), (from, to.max(from + 80.0)));
        let mut y = 22.0;
        if width == Width::Wide {
            for (heading, end) in self.columns.iter().zip(ends(&columns, pixels)) {
                let place = Place { x: end, y: 14.0, anchor: Anchor::End, size: SMALL };
                svg.label(place, LABEL_ROOM, &Label::new(heading.clone()), "faint");
            }
        }
        let axis_room = if width == Width::Wide { to - from } else { pixels };
        let place = Place { x: from, y: 14.0, anchor: Anchor::Start, size: SMALL };
        y += svg.paragraph(place, axis_room, &Label::new(self.axis.clone()), ("faint", 2)).saturating_sub(1) as f64
            * line_height(SMALL);
        let top = y;
        for bar in &self.rows {
            y = match width {
                Width::Wide => wide(&mut svg, bar, &axis, (y, &ends(&columns, pixels))),
                Width::Narrow => narrow(&mut svg, bar, &axis, (y, &self.columns)),
            };
        }
        svg.line((axis.place(0.0), top), (axis.place(0.0), y), "zero");
        Some(svg.finish(y + 4.0, &self.title, "chart"))
    }

    fn column_widths(&self) -> Vec<f64> {
        let columns = self.columns.iter().enumerate();
        columns
            .map(|(index, heading)| {
                let figures = self.rows.iter().filter_map(|bar| bar.figures.get(index));
                let widest = figures.map(|figure| text::width(&figure.text, SIZE)).fold(0.0, f64::max);
                widest.max(text::width(heading, SMALL)).min(WIDEST_FIGURE)
            })
            .collect()
    }
}

/// Where each column ends.
fn ends(columns: &[f64], pixels: f64) -> Vec<f64> {
    let right = |count: usize| columns.iter().skip(count).map(|column| column + GAP).sum::<f64>();
    (1..=columns.len()).map(|count| pixels - right(count)).collect()
}

fn wide(svg: &mut Svg, bar: &Bar, axis: &Axis, (y, ends): (f64, &[f64])) -> f64 {
    let middle = y + ROW / 2.0;
    let base = middle + SIZE * 0.35;
    svg.label(Place { x: 0.0, y: base, anchor: Anchor::Start, size: SIZE }, LABEL_ROOM, &bar.label, "plain");
    strip(svg, bar, axis, (middle - 7.0, 14.0));
    for (figure, end) in bar.figures.iter().zip(ends) {
        svg.label(Place { x: *end, y: base, anchor: Anchor::End, size: SIZE }, WIDEST_FIGURE, figure, "plain");
    }
    y + ROW
}

fn narrow(svg: &mut Svg, bar: &Bar, axis: &Axis, (y, columns): (f64, &[String])) -> f64 {
    let width = Width::Narrow.pixels();
    let mut place = Place { x: 0.0, y: y + 18.0, anchor: Anchor::Start, size: SIZE };
    let lines = svg.paragraph(place, width, &bar.label, ("plain", 2));
    place.y += lines as f64 * line_height(SIZE);
    for (figure, heading) in bar.figures.iter().zip(columns) {
        place = Place { size: SIZE, ..svg.named(Place { size: SMALL, ..place }, width, (heading, figure), "plain") };
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
    svg.rectangle(rectangle, if bar.value < 0.0 || bar.faint { "bar below" } else { "bar" });
}
