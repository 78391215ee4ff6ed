//! A forest plot: rows with an estimate and its interval, and figures beside.

use super::axis::Axis;
use super::label::Label;
use super::svg::{Anchor, Place, Rectangle, Svg, line_height};
use super::{Tone, Width, text};

/// A forest plot.
#[derive(Clone, Debug)]
pub(crate) struct Forest {
    /// What it shows, for those who do not see it.
    pub(crate) title: String,
    /// What the axis measures.
    pub(crate) axis: String,
    /// A value that all rows are compared with, and its name.
    pub(crate) reference: Option<(f64, String)>,
    /// The headings of the figures beside.
    pub(crate) columns: Vec<String>,
    /// Rows, in groups.
    pub(crate) groups: Vec<ForestGroup>,
}

/// Rows under a heading.
#[derive(Clone, Debug)]
pub(crate) struct ForestGroup {
    pub(crate) heading: String,
    pub(crate) rows: Vec<ForestRow>,
}

/// A row.
#[derive(Clone, Debug)]
pub(crate) struct ForestRow {
    /// Its name.
    pub(crate) label: Label,
    /// What it is, in smaller letters.
    pub(crate) detail: Label,
    /// What is drawn; `None` where there is nothing to draw.
    pub(crate) mark: Option<Mark>,
    /// A figure for each column.
    pub(crate) cells: Vec<Label>,
    pub(crate) tone: Tone,
}

/// An estimate with up to two intervals, all on the scale of the axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Mark {
    pub(crate) estimate: f64,
    /// The wide interval: a line with ends.
    pub(crate) outer: Option<(f64, f64)>,
    /// The narrow interval: a bar on the line.
    pub(crate) inner: Option<(f64, f64)>,
}

const SIZE: f64 = 14.0;
const SMALL: f64 = 12.0;
const GAP: f64 = 18.0;
const LABEL_ROOM: f64 = 300.0;
const NARROWEST_LABEL: f64 = 150.0;
const DETAIL_LINES: usize = 3;
const HEADING_LINES: usize = 2;
const NARROWEST_PLOT: f64 = 180.0;
const TICKS: usize = 6;

/// Intervals longer than so many typical ones are cut with an arrow, or nobody could read the others.
const LONGEST: f64 = 3.0;

impl Forest {
    /// The picture; nothing without a row.
    pub(crate) fn draw(&self, width: Width) -> Option<String> {
        if self.groups.iter().all(|group| group.rows.is_empty()) {
            return None;
        }
        let mut drawing = Drawing::new(self, width);
        match width {
            Width::Wide => drawing.wide(),
            Width::Narrow => drawing.narrow(),
        }
        Some(drawing.finish())
    }

    fn rows(&self) -> impl Iterator<Item = &ForestRow> {
        self.groups.iter().flat_map(|group| &group.rows)
    }

    /// The reference, if it is a number.
    fn finite_reference(&self) -> Option<&(f64, String)> {
        self.reference.as_ref().filter(|(value, _)| value.is_finite())
    }

    /// What the axis spans: zero, the reference, and every interval that is to be relied on and not out of all proportion.
    fn domain(&self) -> (f64, f64) {
        let any_sound = self.rows().any(|row| row.tone != Tone::Faint && row.mark.is_some());
        let marks = || {
            let counting = self.rows().filter(|row| row.tone != Tone::Faint || !any_sound);
            counting.filter_map(|row| row.mark).filter(|mark| mark.estimate.is_finite())
        };
        let mut halves: Vec<f64> = marks()
            .filter_map(|mark| mark.outer)
            .map(|(lower, upper)| (upper - lower) / 2.0)
            .filter(|half| half.is_finite())
            .collect();
        halves.sort_by(f64::total_cmp);
        let typical = halves.get(halves.len() / 2).copied().unwrap_or(0.0);
        let ends = marks().flat_map(|mark| {
            let (lower, upper) = mark.outer.unwrap_or((mark.estimate, mark.estimate));
            let reach = LONGEST * typical;
            [mark.estimate, lower.max(mark.estimate - reach), upper.min(mark.estimate + reach)]
        });
        let reference = self.finite_reference().map(|(value, _)| *value);
        Axis::domain(ends.chain(reference).chain([0.0]))
    }
}

struct Drawing<'a> {
    forest: &'a Forest,
    svg: Svg,
    width: f64,
    /// The height that is used so far.
    y: f64,
    axis: Axis,
    /// Where the plot begins and ends.
    span: (f64, f64),
    /// Where each figure ends, for the wide picture.
    ends: Vec<f64>,
    /// Where the lines of the plot begin.
    top: f64,
    /// Whether figures stand in the room of the plot, so that its lines may not run through.
    is_narrow: bool,
    /// What is drawn over the vertical lines, once their length is known.
    rows: Vec<(f64, Mark, Tone)>,
}

impl<'a> Drawing<'a> {
    fn new(forest: &'a Forest, width: Width) -> Self {
        let pixels = width.pixels();
        let columns = column_widths(forest);
        let figures: f64 = columns.iter().map(|column| column + GAP).sum();
        let span = match width {
            Width::Wide => ((label_room(forest) + GAP).min(pixels - figures - NARROWEST_PLOT), pixels - figures),
            Width::Narrow => (6.0, pixels - 6.0),
        };
        let ends = (1..=columns.len()).map(|count| {
            let right: f64 = columns.iter().skip(count).map(|column| column + GAP).sum();
            pixels - right
        });
        let axis = Axis::new(forest.domain(), span);
        let ends = ends.collect();
        let (svg, is_narrow) = (Svg::new(width), width == Width::Narrow);
        Self { forest, svg, width: pixels, y: 0.0, axis, span, ends, top: 0.0, is_narrow, rows: Vec::new() }
    }

    fn wide(&mut self) {
        let (from, to) = self.span;
        self.y = 16.0;
        let columns = self.forest.columns.iter().zip(self.ends.clone());
        for (heading, end) in columns {
            let place = Place { x: end, y: self.y, anchor: Anchor::End, size: SMALL };
            self.svg.label(place, to - from, &Label::new(heading.clone()), "faint");
        }
        let axis = Place { x: f64::midpoint(from, to), y: self.y, anchor: Anchor::Middle, size: SMALL };
        self.svg.label(axis, to - from, &Label::new(self.forest.axis.clone()), "faint");
        self.body(Self::wide_row);
    }

    /// All rows below their headings, and the name of the reference above them.
    fn body(&mut self, draw: fn(&mut Self, &ForestRow)) {
        self.reference_name();
        self.y += 8.0;
        self.top = self.y;
        for group in &self.forest.groups {
            self.heading(group);
            for row in &group.rows {
                draw(self, row);
            }
        }
    }

    fn wide_row(&mut self, row: &ForestRow) {
        let (top, room) = (self.y + 20.0, self.span.0 - GAP);
        let place = Place { x: 0.0, y: top, anchor: Anchor::Start, size: SIZE };
        self.svg.label(place, room, &row.label, "strong");
        let detail = Place { y: top + line_height(SIZE), size: SMALL, ..place };
        let lines = self.svg.paragraph(detail, room, &row.detail, ("faint", DETAIL_LINES));
        let height = 30.0 + lines as f64 * line_height(SMALL);
        let middle = self.y + height / 2.0;
        for (cell, end) in row.cells.iter().zip(self.ends.clone()) {
            let place = Place { x: end, y: middle + SIZE * 0.35, anchor: Anchor::End, size: SIZE };
            self.svg.label(place, self.width, cell, row.tone.class());
        }
        self.mark(row, middle);
        self.y += height;
    }

    fn narrow(&mut self) {
        self.y = 16.0;
        let place = Place { x: self.width / 2.0, y: self.y, anchor: Anchor::Middle, size: SMALL };
        self.svg.label(place, self.width, &Label::new(self.forest.axis.clone()), "faint");
        self.body(Self::narrow_row);
    }

    fn narrow_row(&mut self, row: &ForestRow) {
        let mut place = Place { x: 0.0, y: self.y + 20.0, anchor: Anchor::Start, size: SIZE };
        self.svg.label(place, self.width, &row.label, "strong");
        place = Place { y: place.y + line_height(SIZE), size: SMALL, ..place };
        let lines = self.svg.paragraph(place, self.width, &row.detail, ("faint", DETAIL_LINES));
        place.y += lines as f64 * line_height(SMALL);
        for (cell, heading) in row.cells.iter().zip(&self.forest.columns) {
            place = self.svg.named(place, self.width, (heading, cell), row.tone.class());
        }
        self.y = place.y + 8.0;
        self.mark(row, self.y + 10.0);
        self.y += 26.0;
    }

    fn heading(&mut self, group: &ForestGroup) {
        if group.heading.is_empty() || group.rows.is_empty() {
            return;
        }
        let room = self.width - 12.0;
        let lines = text::wrapped(&group.heading, room, SMALL, HEADING_LINES).len() as f64;
        let height = 5.0 + lines * line_height(SMALL);
        self.svg.rectangle(Rectangle { x: 0.0, y: self.y + 11.0, width: self.width, height }, "band");
        let place = Place { x: 6.0, y: self.y + 26.0, anchor: Anchor::Start, size: SMALL };
        self.svg.paragraph(place, room, &Label::new(group.heading.clone()), ("heading", HEADING_LINES));
        self.y += 13.0 + height;
    }

    /// The name of the reference, beside its line, on a line of its own.
    fn reference_name(&mut self) {
        let Some((value, name)) = self.forest.finite_reference() else { return };
        self.y += line_height(SMALL);
        let (from, to) = self.span;
        let width = text::width(name, SMALL).min(to - from);
        let x = (self.axis.place(*value) - width / 2.0).clamp(from, to - width);
        let place = Place { x, y: self.y, anchor: Anchor::Start, size: SMALL };
        self.svg.label(place, to - from, &Label::new(name.clone()), "reference-name");
    }

    fn mark(&mut self, row: &ForestRow, y: f64) {
        if let Some(mark) = row.mark.filter(|mark| mark.estimate.is_finite()) {
            self.rows.push((y, mark, row.tone));
        }
    }

    fn finish(mut self) -> String {
        let bottom = self.y + 6.0;
        let rows = std::mem::take(&mut self.rows);
        let spans: Vec<(f64, f64)> = if self.is_narrow {
            rows.iter().map(|(y, ..)| (y - 9.0, y + 9.0)).collect()
        } else {
            vec![(self.top, bottom)]
        };
        for (from, to) in spans {
            self.svg.line_below((self.axis.place(0.0), from), (self.axis.place(0.0), to), "zero");
            if let Some((value, _)) = self.forest.finite_reference() {
                let x = self.axis.place(*value);
                self.svg.line_below((x, from), (x, to), "reference");
            }
        }
        for (y, mark, tone) in rows {
            draw_mark(&mut self.svg, &self.axis, (y, mark), tone);
        }
        let (from, to) = self.span;
        self.svg.line((from, bottom), (to, bottom), "axis");
        let mut free = f64::NEG_INFINITY;
        for tick in self.axis.ticks(TICKS) {
            let half = text::width(&tick.text, SMALL) / 2.0;
            self.svg.line((tick.place, bottom), (tick.place, bottom + 4.0), "axis");
            if tick.place - half < free || tick.place + half > self.width {
                continue;
            }
            free = tick.place + half + 6.0;
            let x = tick.place.max(half);
            let place = Place { x, y: bottom + 18.0, anchor: Anchor::Middle, size: SMALL };
            self.svg.label(place, 2.0 * half + 1.0, &Label::new(tick.text), "faint");
        }
        self.svg.finish(bottom + 26.0, &self.forest.title, "chart")
    }
}

/// An estimate with its intervals; an interval that leaves the axis ends in an arrow.
pub(super) fn draw_mark(svg: &mut Svg, axis: &Axis, (y, mark): (f64, Mark), tone: Tone) {
    let class = tone.class();
    let is_sound = |(lower, upper): &(f64, f64)| lower.is_finite() && upper.is_finite();
    if let Some((lower, upper)) = mark.outer.filter(is_sound) {
        svg.line((axis.place(lower), y), (axis.place(upper), y), &format!("interval {class}"));
        for (end, outwards) in [(lower, -1.0), (upper, 1.0)] {
            let x = axis.place(end);
            let back = if axis.holds(end) { 0.0 } else { 6.0 * outwards };
            svg.outline(&[(x - back, y - 5.0), (x, y), (x - back, y + 5.0)], &format!("interval {class}"));
        }
    }
    if let Some((lower, upper)) = mark.inner.filter(is_sound) {
        let (from, to) = (axis.place(lower), axis.place(upper));
        svg.rectangle(Rectangle { x: from, y: y - 3.0, width: to - from, height: 6.0 }, &format!("individual {class}"));
    }
    if axis.holds(mark.estimate) {
        svg.dot((axis.place(mark.estimate), y), 4.5, &format!("estimate {class}"));
    }
}

/// The room for names: as much as they need, but not more than would be missed elsewhere.
fn label_room(forest: &Forest) -> f64 {
    let needed = forest.rows().map(|row| text::width(&row.label.text, SIZE).max(text::width(&row.detail.text, SMALL)));
    needed.fold(0.0, f64::max).clamp(NARROWEST_LABEL, LABEL_ROOM)
}

fn column_widths(forest: &Forest) -> Vec<f64> {
    let columns = forest.columns.iter().enumerate();
    columns
        .map(|(index, heading)| {
            let cells = forest.rows().filter_map(|row| row.cells.get(index));
            let widest = cells.map(|cell| text::width(&cell.text, SIZE)).fold(0.0, f64::max);
            widest.max(text::width(heading, SMALL))
        })
        .collect()
}
