use proptest::prelude::*;

use super::*;

/// Values as charts may meet them: mostly sound, now and then without sense.
fn value() -> impl Strategy<Value = f64> {
    prop_oneof![8 => -50.0f64..50.0, 1 => Just(0.0), 1 => Just(f64::NAN), 1 => Just(f64::INFINITY), 1 => Just(1e300)]
}

fn words() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), "\\PC{1,60}", Just("<script>alert('1')</script> & \"x\"".to_owned())]
}

fn label() -> impl Strategy<Value = Label> {
    words().prop_map(|text| Label::new(text).with("row", "7\"<"))
}

fn span() -> impl Strategy<Value = Option<(f64, f64)>> {
    prop::option::of((value(), value()))
}

fn row() -> impl Strategy<Value = ForestRow> {
    let mark = (value(), span(), span()).prop_map(|(estimate, outer, inner)| Mark { estimate, outer, inner });
    (label(), label(), prop::option::of(mark), "[0-9]{1,6}").prop_map(|(label, detail, mark, figure)| ForestRow {
        label,
        detail,
        mark,
        cells: vec![Label::new(figure)],
        tone: Tone::Minus,
    })
}

/// All pictures of one random input, in both widths.
fn pictures() -> impl Strategy<Value = Vec<String>> {
    let inputs =
        (prop::collection::vec(row(), 0..6), prop::collection::vec((label(), value()), 0..6), words(), value());
    inputs.prop_map(|(rows, pairs, title, reference)| {
        let marks: Vec<Mark> = rows.iter().filter_map(|row| row.mark).collect();
        let window = Window::over(&marks, Some(reference), Some(reference));
        let small = marks.iter().map(|mark| IntervalPicture { mark: *mark, tone: Tone::Plus }.draw(&window));
        let mut pictures: Vec<String> = small.collect();
        for width in Width::BOTH {
            pictures.extend(forest(&rows, &title, reference).draw(width));
            pictures.extend(bars(&pairs, &title).draw(width));
            pictures.extend(heat_map(&pairs, &title).draw(width));
            pictures.extend(waterfall(&pairs, &title).draw(width));
            pictures.extend(tree(&pairs, &title).draw(width));
            pictures.extend(lines(&rows, &title, reference).draw(width));
        }
        pictures
    })
}

fn forest(rows: &[ForestRow], title: &str, reference: f64) -> Forest {
    Forest {
        title: title.to_owned(),
        axis: title.to_owned(),
        reference: Some((reference, title.to_owned())),
        columns: vec!["units".to_owned()],
        groups: vec![ForestGroup { heading: title.to_owned(), rows: rows.to_vec() }],
    }
}

fn lines(rows: &[ForestRow], title: &str, reference: f64) -> Lines {
    let point = |row: &ForestRow| LinePoint {
        label: row.label.clone(),
        value: row.mark.map(|mark| mark.estimate),
        band: row.mark.and_then(|mark| mark.outer),
        faint: row.mark.is_some_and(|mark| mark.inner.is_some()),
    };
    Lines {
        title: title.to_owned(),
        axis: title.to_owned(),
        reference: Some((reference, title.to_owned())),
        points: rows.iter().map(point).collect(),
    }
}

fn bars(pairs: &[(Label, f64)], title: &str) -> Bars {
    let bar = |(label, value): &(Label, f64)| Bar {
        label: label.clone(),
        value: *value,
        figures: vec![Label::new("12%")],
        faint: false,
    };
    let bars = pairs.iter().map(bar).collect();
    Bars { title: title.to_owned(), axis: title.to_owned(), columns: vec![title.to_owned()], rows: bars, reach: 50.0 }
}

fn heat_map(pairs: &[(Label, f64)], title: &str) -> HeatMap {
    let cell = |(label, value): &(Label, f64)| HeatCell {
        value: Some(*value),
        label: label.clone(),
        hover: title.to_owned(),
        faint: false,
    };
    let cells: Vec<HeatCell> = pairs.iter().map(cell).collect();
    let rows = pairs.iter().map(|(label, _)| HeatRow { label: label.clone(), cells: cells.clone() }).collect();
    HeatMap { title: title.to_owned(), columns: pairs.iter().map(|(label, _)| label.clone()).collect(), rows }
}

fn waterfall(pairs: &[(Label, f64)], title: &str) -> Waterfall {
    let fall = |(label, value): &(Label, f64)| Fall {
        label: label.clone(),
        kept: value.abs(),
        dropped: 3.0,
        figures: label.clone(),
    };
    Waterfall { title: title.to_owned(), falls: pairs.iter().map(fall).collect() }
}

/// A tree whose every second node has the next two nodes as its children.
fn tree(pairs: &[(Label, f64)], title: &str) -> Tree {
    let node = |(index, (label, _)): (usize, &(Label, f64))| TreeNode {
        branch: label.clone(),
        lines: vec![(label.clone(), true)],
        children: if index % 2 == 0 && index + 2 < pairs.len() { vec![index + 1, index + 2] } else { vec![0] },
    };
    Tree { title: title.to_owned(), nodes: pairs.iter().enumerate().map(node).collect() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn nothing_that_is_not_a_number_is_drawn(pictures in pictures()) {
        for picture in pictures {
            let elements = picture.split('>').filter(|element| element.contains('<'));
            for element in elements {
                let drawn = element.rsplit_once('<').map_or(element, |(_, element)| element);
                for attribute in [" x=\"", " y=\"", " d=\"", " width=\"", " height=\"", " cx=\"", "viewBox=\""] {
                    let Some((_, rest)) = drawn.split_once(attribute) else { continue };
                    let value = rest.split('"').next().unwrap_or_default();
                    prop_assert!(!value.contains("NaN") && !value.contains("inf"), "{element}");
                }
            }
        }
    }

    #[test]
    fn every_label_is_inert(pictures in pictures()) {
        for picture in pictures {
            prop_assert!(!picture.contains("<script"), "{picture}");
            let known = ["svg", "g", "path", "rect", "circle", "text", "title"];
            for tag in picture.split('<').skip(1) {
                let name: String = tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphabetic).collect();
                prop_assert!(known.contains(&name.as_str()), "<{tag}");
            }
            let opened = known.iter().map(|name| picture.matches(&format!("<{name}>")).count()
                + picture.matches(&format!("<{name} ")).count()).sum::<usize>();
            let closed = picture.matches("</").count() + picture.matches("/>").count();
            prop_assert_eq!(opened, closed);
        }
    }

    #[test]
    fn every_label_has_room_in_its_picture(pictures in pictures()) {
        for picture in pictures {
            let width = number(&picture, "viewBox=\"0 0 ").expect("a width");
            for element in picture.split("<text ").skip(1) {
                let (attributes, rest) = element.split_once('>').expect("a text");
                let content = rest.split("</text>").next().unwrap_or_default();
                let shown = content.rsplit_once("</title>").map_or(content, |(_, shown)| shown);
                let shown = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"")
                    .replace("&#39;", "'").replace("&amp;", "&");
                let x = number(&format!(" {attributes}"), " x=\"").expect("x");
                // A label of a cell says neither its size nor its anchor: its group does.
                let of_its_own = number(attributes, "font-size=\"");
                let size = of_its_own.unwrap_or(12.0);
                let wide = text::width(&shown, size);
                let (from, to) = if attributes.contains("end\"") {
                    (x - wide, x)
                } else if attributes.contains("middle\"") || of_its_own.is_none() {
                    (x - wide / 2.0, x + wide / 2.0)
                } else if attributes.contains("rotate") {
                    (x - size, x)
                } else {
                    (x, x + wide)
                };
                prop_assert!(from >= -0.6 && to <= width + 0.6, "{from} to {to} of {width}: {element}");
            }
        }
    }
}

/// The number behind the first occurrence of a text.
fn number(text: &str, before: &str) -> Option<f64> {
    let (_, rest) = text.split_once(before)?;
    let digits: String =
        rest.chars().take_while(|character| character.is_ascii_digit() || "-.".contains(*character)).collect();
    digits.parse().ok()
}

#[test]
fn nothing_to_draw_is_no_picture() {
    for width in Width::BOTH {
        assert!(forest(&[], "t", 0.0).draw(width).is_none());
        assert!(bars(&[], "t").draw(width).is_none());
        assert!(heat_map(&[], "t").draw(width).is_none());
        assert!(waterfall(&[], "t").draw(width).is_none());
        assert!(tree(&[], "t").draw(width).is_none());
        assert!(tree(&[(Label::new("alone"), 0.0)], "t").draw(width).is_none());
        assert!(weeks(&[Some(1.0), None]).draw(width).is_none());
    }
}

/// A line through values, each with a band of its own.
fn weeks(values: &[Option<f64>]) -> Lines {
    let point = |(index, value): (usize, &Option<f64>)| LinePoint {
        label: Label::new(format!("week {index}")),
        value: *value,
        band: value.map(|value| (value - 1.0, value + 1.0)),
        faint: false,
    };
    let points = values.iter().enumerate().map(point).collect();
    Lines { title: "weeks".to_owned(), axis: "effect".to_owned(), reference: None, points }
}

#[test]
fn a_line_has_a_gap_where_there_is_no_value() {
    let drawn = |values: &[Option<f64>]| {
        let picture = weeks(values).draw(Width::Wide).expect("a picture");
        ["class=\"line\"", "class=\"area\"", "class=\"interval\"", "<circle"].map(|mark| picture.matches(mark).count())
    };
    assert_eq!(drawn(&[Some(1.0), Some(2.0), Some(0.5)]), [1, 1, 0, 3]);
    assert_eq!(drawn(&[Some(1.0), Some(2.0), None, Some(0.5), Some(1.5)]), [2, 2, 0, 4]);
    assert_eq!(drawn(&[Some(1.0), Some(2.0), None, Some(0.5)]), [1, 1, 1, 3], "a point alone has its interval");
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let pairs = [(Label::new("a"), 1.0), (Label::new("b"), -2.0), (Label::new("c"), 0.1 + 0.2)];
    assert_eq!(bars(&pairs, "t").draw(Width::Wide), bars(&pairs, "t").draw(Width::Wide));
    insta::assert_snapshot!(bars(&pairs[..1], "lengths").draw(Width::Narrow).expect("a picture"));
}
