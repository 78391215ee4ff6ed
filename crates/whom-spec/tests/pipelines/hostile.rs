use proptest::prelude::*;
use whom_spec::{Settings, Span, SpecError};

use super::{PLAIN, load_with};

/// Pieces that mean something to YAML or to us.
const PIECES: [&str; 24] = [
    ":",
    ": ",
    "- ",
    "? ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "|\n",
    "&a ",
    "*a",
    "<<: ",
    "!!int ",
    "${",
    "${var.x}",
    "$${env.Y}",
    "\t",
    "\r",
    "\u{85}",
    "ü€𝄞",
    "#",
    "---\n",
];

/// The plain pipeline with a few pieces put in, over what was there.
fn damaged() -> impl Strategy<Value = String> {
    let piece = (0..PLAIN.len(), 0..12_usize, prop::sample::select(PIECES.as_slice()));
    prop::collection::vec(piece, 1..4).prop_map(|damage| {
        damage.into_iter().fold(PLAIN.to_owned(), |mut text, (at, length, piece)| {
            let start = text.floor_char_boundary(at);
            let end = text.floor_char_boundary(start + length);
            text.replace_range(start..end, piece);
            text
        })
    })
}

fn load_damaged(text: &str) -> Result<whom_spec::LoadedPlan, SpecError> {
    let variables = text.contains("${var.x}").then(|| ("x".to_owned(), "1".to_owned())).into_iter().collect();
    let settings = Settings { variables, ..Settings::default() };
    load_with(text, &settings)
}

/// Looking at everything for each of thousands of mistakes would take minutes.
#[test]
fn thousands_of_mistakes_are_told_in_part() {
    let many = |line: fn(usize) -> String| (0..6_000).map(line).collect::<Vec<_>>().concat();
    let unknown = format!("{PLAIN}{}", many(|key| format!("key{key}{}: 1\n", "x".repeat(100))));
    let empty = PLAIN.replace("metrics:\n", &format!("metrics:\n{}", many(|key| format!("  m{key}: {{}}\n"))));
    for text in [unknown, empty] {
        let error = load_damaged(&text).map(|_| ()).unwrap_err();
        assert!(error.diagnostics.len() >= 6_000);
        let message = error.to_string();
        assert!(message.len() < 20_000 && message.ends_with("and others; mend these first"), "{} bytes", message.len());
    }
}

proptest! {
    #[test]
    fn whatever_is_written_there_is_an_answer(text in damaged()) {
        match load_damaged(&text) {
            Ok(loaded) => prop_assert!(loaded.plan.analysis_identity().is_ok()),
            Err(error) => {
                prop_assert!(!error.diagnostics.is_empty());
                prop_assert!(error.to_string().starts_with("error: "));
            }
        }
    }

    #[test]
    fn every_place_lies_in_the_text(text in damaged()) {
        let Err(error) = load_damaged(&text) else { return Ok(()) };
        let places = error.diagnostics.iter().flat_map(|d| d.span.into_iter().chain(d.related.iter().map(|r| r.0)));
        for Span { file, start, end, line, column } in places {
            let text = error.sources.get(file).map(whom_spec::Source::text).unwrap_or_default();
            prop_assert!(text.get(start as usize..end as usize).is_some(), "{start}..{end}");
            prop_assert!(line > 0 && column > 0);
        }
    }
}
