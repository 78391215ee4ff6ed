//! The one place that writes SVG.

use std::fmt::Write;

use super::label::Label;
use super::{Width, text};

/// A picture while it is drawn, in a coordinate system of CSS pixels whose origin is at the top left.
pub(super) struct Svg {
    width: f64,
    /// Whether there is something to point with at what is cut.
    has_pointer: bool,
    /// What lies below everything else.
    ground: String,
    body: String,
}

/// Where a text stands: its anchor on the base line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) anchor: Anchor,
    /// The font size.
    pub(super) size: f64,
}

/// Which part of a text its place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
    /// The start of a text that reads upwards.
    Up,
}

/// A rectangle.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rectangle {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Rectangle {
    fn attributes(self) -> String {
        let Self { x, y, width, height } = self;
        let size = |value: f64| coordinate(value.max(0.0));
        format!("x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", coordinate(x), coordinate(y), size(width), size(height))
    }
}

impl Svg {
    /// A picture for a width.
    pub(super) fn new(width: Width) -> Self {
        Self { has_pointer: width == Width::Wide, ..Self::small(width.pixels()) }
    }

    /// A picture of so many pixels beside words.
    pub(super) fn small(width: f64) -> Self {
        Self { width, has_pointer: false, ground: String::new(), body: String::new() }
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let [x1, y1, x2, y2] = [from.0, from.1, to.0, to.1].map(coordinate);
        self.push(format_args!("<path class=\"{class}\" d=\"M{x1} {y1}L{x2} {y2}\"/>"));
    }

    /// A line that lies below everything else, whenever it is drawn.
    pub(super) fn line_below(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let drawn = std::mem::take(&mut self.body);
        self.line(from, to, class);
        let line = std::mem::replace(&mut self.body, drawn);
        self.ground.push_str(&line);
    }

    /// An area between points.
    pub(super) fn area(&mut self, points: &[(f64, f64)], class: &str) {
        self.push(format_args!("<path class=\"{class}\" d=\"M{}Z\"/>", through(points)));
    }

    /// An open line through points.
    pub(super) fn outline(&mut self, points: &[(f64, f64)], class: &str) {
        self.push(format_args!("<path class=\"{class}\" d=\"M{}\"/>", through(points)));
    }

    pub(super) fn rectangle(&mut self, rectangle: Rectangle, class: &str) {
        self.push(format_args!("<rect class=\"{class}\" {}/>", rectangle.attributes()));
    }

    pub(super) fn dot(&mut self, centre: (f64, f64), radius: f64, class: &str) {
        let [x, y, radius] = [centre.0, centre.1, radius].map(coordinate);
        self.push(format_args!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"/>"));
    }

    /// Begins a group whose labels are in the middle and of one size, so that none of them says so; it ends with
    /// [`end`](Self::end).
    pub(super) fn begin_cells(&mut self, size: f64) {
        let size = coordinate(size);
        self.push(format_args!("<g class=\"cells\" font-size=\"{size}\" text-anchor=\"middle\">"));
    }

    /// A label in a group of cells; cut if it has no room.
    pub(super) fn cell_label(&mut self, (x, y): (f64, f64), (room, size): (f64, f64), label: &Label) {
        if label.text.is_empty() {
            return;
        }
        let shown = text::cut(&label.text, room, size);
        let data = attributes(&label.data);
        let (x, y, shown) = (coordinate(x), coordinate(y), escaped(&shown));
        self.push(format_args!("<text x=\"{x}\" y=\"{y}\"{data}>{shown}</text>"));
    }

    /// A box and what is drawn in it: everything up to [`end`](Self::end) stays inside.
    pub(super) fn begin_box(&mut self, rectangle: Rectangle, class: &str, hover: &str) {
        let hover = if hover.is_empty() || !self.has_pointer {
            String::new()
        } else {
            format!("<title>{}</title>", escaped(hover))
        };
        self.push(format_args!("<g class=\"box\">{hover}<rect class=\"{class}\" {}/>", rectangle.attributes()));
    }

    pub(super) fn end(&mut self) {
        self.body.push_str("</g>");
    }

    /// A label on one line; cut, with the whole in its title, if it has no room.
    pub(super) fn label(&mut self, place: Place, room: f64, label: &Label, class: &str) {
        let shown = text::cut(&label.text, room, place.size);
        let whole = if shown == label.text { None } else { Some(label.text.as_str()) };
        self.text(place, &shown, whole, Style { class, data: &label.data });
    }

    /// A label on several lines from the place downwards; the number of lines that it took, none if it is empty.
    pub(super) fn paragraph(&mut self, place: Place, room: f64, label: &Label, style: (&str, usize)) -> usize {
        if label.text.is_empty() {
            return 0;
        }
        let (class, most) = style;
        let lines = text::wrapped(&label.text, room, place.size, most);
        let is_cut = lines.join(" ") != label.text;
        for (index, line) in lines.iter().enumerate() {
            let place = Place { y: place.y + index as f64 * line_height(place.size), ..place };
            let whole = (is_cut && index + 1 == lines.len()).then_some(label.text.as_str());
            self.text(place, line, whole, Style { class, data: &label.data });
        }
        lines.len()
    }

    /// A figure behind its name, on the line of the place or, where that has no room, at the start of the next one; the place
    /// of what follows.
    pub(super) fn named(&mut self, place: Place, room: f64, (name, figure): (&str, &Label), class: &str) -> Place {
        let name_width = text::width(name, place.size).min(room / 2.0) + SPACE;
        let figure_width = text::width(&figure.text, place.size).min(room - name_width);
        let has_room = place.x + name_width + figure_width <= room;
        let next = Place { x: 0.0, y: place.y + line_height(place.size), ..place };
        let place = if has_room || place.x == 0.0 { place } else { next };
        self.label(place, name_width, &Label::new(name), "faint");
        self.label(Place { x: place.x + name_width, ..place }, figure_width, figure, class);
        Place { x: place.x + name_width + figure_width + 3.0 * SPACE, ..place }
    }

    fn text(&mut self, place: Place, shown: &str, whole: Option<&str>, style: Style<'_>) {
        if shown.is_empty() {
            return;
        }
        let (x, y) = (coordinate(place.x), coordinate(place.y));
        let anchor = match place.anchor {
            Anchor::Start => String::new(),
            Anchor::Middle => " text-anchor=\"middle\"".to_owned(),
            Anchor::End => " text-anchor=\"end\"".to_owned(),
            Anchor::Up => format!(" transform=\"rotate(-90 {x} {y})\""),
        };
        let data = attributes(style.data);
        let whole = whole.filter(|_| self.has_pointer);
        let title = whole.map(|whole| format!("<title>{}</title>", escaped(whole))).unwrap_or_default();
        let (class, size) = (style.class, coordinate(place.size));
        self.push(format_args!(
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{anchor}{data}>{title}{}</text>",
            escaped(shown)
        ));
    }

    /// The picture, with a title for those who do not see it.
    pub(super) fn finish(self, height: f64, title: &str, class: &str) -> String {
        let (width, height) = (coordinate(self.width), coordinate(height));
        format!(
            "<svg class=\"{class}\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" \
             aria-label=\"{}\">{}{}</svg>",
            escaped(title),
            self.ground,
            self.body
        )
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing into a string cannot fail.
        let _ = self.body.write_fmt(element);
    }
}

/// The room between words that are drawn apart.
const SPACE: f64 = 4.0;

/// How a text looks and where it comes from.
#[derive(Clone, Copy)]
struct Style<'a> {
    class: &'a str,
    data: &'a [(&'static str, String)],
}

/// Points as the lines of a path between them.
fn through(points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{} {}", coordinate(*x), coordinate(*y))).collect();
    points.join("L")
}

fn attributes(data: &[(&'static str, String)]) -> String {
    data.iter().fold(String::new(), |text, (name, value)| text + &format!(" data-{name}=\"{}\"", escaped(value)))
}

/// The distance between the base lines of a paragraph.
pub(super) fn line_height(size: f64) -> f64 {
    (size * 1.35).round()
}

/// A coordinate with at most one decimal; zero for what is not finite, which nothing that is drawn should be.
pub(super) fn coordinate(value: f64) -> String {
    if !value.is_finite() {
        return "0".to_owned();
    }
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

/// Text that is text in XML: no markup, no entity, no character that XML does not know.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character if character.is_control() => escaped.push('\u{fffd}'),
            character => escaped.push(character),
        }
    }
    escaped
}
