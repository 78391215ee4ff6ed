//! A heat map: a cell for each row and column, coloured by its value in nine steps.

use super::label::Label;
use super::svg::{Anchor, Place, Rectangle, Svg, line_height};
use super::{Width, text};

/// A heat map.
#[derive(Clone, Debug)]
pub(crate) struct HeatMap {
    /// What it shows, for those who do not see it.
    pub(crate) title: String,
    pub(crate) columns: Vec<Label>,
    pub(crate) rows: Vec<HeatRow>,
}

/// A row.
#[derive(Clone, Debug)]
pub(crate) struct HeatRow {
    pub(crate) label: Label,
    /// A cell for each column.
    pub(crate) cells: Vec<HeatCell>,
}

/// A cell.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeatCell {
    /// What the colour shows: steps of one, up to four on each side of zero; none is no colour.
    pub(crate) value: Option<f64>,
    /// What is written in it.
    pub(crate) label: Label,
    /// What is told when it is pointed at.
    pub(crate) hover: String,
    /// Whether it is framed as less than the others.
    pub(crate) faint: bool,
}

const SIZE: f64 = 13.0;
const SMALL: f64 = 12.0;
const ROW: f64 = 30.0;
const GAP: f64 = 12.0;
const UPRIGHT_ROOM: f64 = 110.0;
const WIDEST: f64 = 150.0;
/// Columns narrower than this have headings that read upwards.
const WIDE_ENOUGH: f64 = 88.0;
const NARROWEST: f64 = 46.0;
const MOST_ON_A_PHONE: usize = 300;

impl HeatMap {
    /// The picture; nothing without a row or column, and nothing on a phone where nobody would scroll through it. Columns
    /// that have no room beside each other continue below.
    pub(crate) fn draw(&self, width: Width) -> Option<String> {
        let cells = self.columns.len() * self.rows.len();
        if cells == 0 || width == Width::Narrow && cells > MOST_ON_A_PHONE {
            return None;
        }
        let pixels = width.pixels();
        let room = if width == Width::Wide { 260.0 } else { 96.0 };
        let most = ((pixels - room - GAP) / NARROWEST).floor().max(1.0) as usize;
        let panels = self.columns.len().div_ceil(most);
        let columns = self.columns.len().div_ceil(panels);
        let cell = ((pixels - room - GAP) / columns as f64).min(WIDEST);
        let mut svg = Svg::new(width);
        let mut y = 0.0;
        for panel in 0..panels {
            let shown = panel * columns..((panel + 1) * columns).min(self.columns.len());
            y = self.panel(&mut svg, Panel { shown, cell, room, y });
            y += 18.0;
        }
        Some(svg.finish(y - 14.0, &self.title, "chart"))
    }

    fn panel(&self, svg: &mut Svg, panel: Panel) -> f64 {
        let Panel { shown, cell, room, y } = panel;
        let left = room + GAP;
        let headings = self.columns.get(shown.clone()).unwrap_or_default();
        let top = y + headings_height(headings, cell);
        for (index, heading) in headings.iter().enumerate() {
            let x = left + index as f64 * cell;
            if cell >= WIDE_ENOUGH {
                let lines = text::wrapped(&heading.text, cell - 8.0, SMALL, 2).len();
                let y = top - 6.0 - (lines - 1) as f64 * line_height(SMALL);
                let place = Place { x: x + cell / 2.0, y, anchor: Anchor::Middle, size: SMALL };
                svg.paragraph(place, cell - 8.0, heading, ("faint", 2));
            } else {
                let place = Place { x: x + cell / 2.0 + 4.0, y: top - 6.0, anchor: Anchor::Up, size: SMALL };
                svg.label(place, UPRIGHT_ROOM - 8.0, heading, "faint");
            }
        }
        for (index, row) in self.rows.iter().enumerate() {
            let y = top + index as f64 * ROW;
            let place = Place { x: 0.0, y: y + ROW / 2.0 + SIZE * 0.35, anchor: Anchor::Start, size: SIZE };
            svg.label(place, room, &row.label, "plain");
            svg.begin_cells(SMALL);
            for (index, entry) in row.cells.get(shown.clone()).unwrap_or_default().iter().enumerate() {
                let x = left + index as f64 * cell;
                let rectangle = Rectangle { x: x + 1.0, y: y + 1.0, width: cell - 2.0, height: ROW - 2.0 };
                draw_cell(svg, entry, rectangle);
            }
            svg.end();
        }
        top + self.rows.len() as f64 * ROW
    }
}

/// The columns that stand beside each other.
struct Panel {
    shown: std::ops::Range<usize>,
    /// The width of a column.
    cell: f64,
    /// The width of the rows' labels.
    room: f64,
    y: f64,
}

fn headings_height(headings: &[Label], cell: f64) -> f64 {
    if cell >= WIDE_ENOUGH {
        let lines = headings.iter().map(|heading| text::wrapped(&heading.text, cell - 8.0, SMALL, 2).len());
        return 10.0 + lines.max().unwrap_or(1) as f64 * line_height(SMALL);
    }
    let widest = headings.iter().map(|heading| text::width(&heading.text, SMALL)).fold(0.0, f64::max);
    widest.min(UPRIGHT_ROOM - 8.0) + 12.0
}

fn draw_cell(svg: &mut Svg, cell: &HeatCell, rectangle: Rectangle) {
    let class = format!("{}{}", step_class(cell.value), if cell.faint { " hint" } else { "" });
    svg.begin_box(rectangle, &class, &cell.hover);
    let middle = (rectangle.x + rectangle.width / 2.0, rectangle.y + rectangle.height / 2.0 + SMALL * 0.35);
    svg.cell_label(middle, (rectangle.width - 2.0, SMALL), &cell.label);
    svg.end();
}

fn step_class(value: Option<f64>) -> &'static str {
    match value.filter(|value| value.is_finite()) {
        None => "none",
        Some(value) if value >= 4.0 => "plus-4",
        Some(value) if value >= 3.0 => "plus-3",
        Some(value) if value >= 2.0 => "plus-2",
        Some(value) if value >= 1.0 => "plus-1",
        Some(value) if value > -1.0 => "zero-0",
        Some(value) if value > -2.0 => "minus-1",
        Some(value) if value > -3.0 => "minus-2",
        Some(value) if value > -4.0 => "minus-3",
        Some(_) => "minus-4",
    }
}
