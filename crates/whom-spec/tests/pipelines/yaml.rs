use std::fmt::Write;
use std::path::Path;

use whom_spec::{MemoryReader, Settings, load};

use super::{PLAIN, refusal, refusal_with};

fn refused_bytes(bytes: &[u8]) -> String {
    let reader = MemoryReader::default().with("pipeline.yaml", bytes);
    load(Path::new("pipeline.yaml"), &Settings::default(), &reader).map(|_| ()).unwrap_err().to_string()
}

#[test]
fn a_key_that_is_set_twice() {
    insta::assert_snapshot!(refusal_with("    window: 14d\n", "    window: 14d\n    role: guardrail\n"), @r"
    error: `role` is set twice
      --> pipeline.yaml:28:5
       |
    23 |     role: primary
       |     ---- first set here
    ...
    28 |     role: guardrail
       |     ^^^^ again here
       |
       = help: keep one of the two
    ");
}

#[test]
fn a_tab() {
    insta::assert_snapshot!(refusal_with("    window: 14d\n", "\twindow: 14d\n"), @r"
    error: not valid YAML: while scanning a plain scalar, found a tab
      --> pipeline.yaml:26:12
       |
    26 |     value: amount
       |            ^
       |
       = help: indent with spaces
    ");
}

#[test]
fn a_bracket_that_stays_open() {
    insta::assert_snapshot!(refusal_with("one_page: { weight: 0.5 }", "one_page: { weight: 0.5"), @r"
    error: not valid YAML: while parsing a flow mapping, did not find expected ',' or '}'
      --> pipeline.yaml:13:10
       |
    13 |   control: control
       |          ^
       |
       = help: a bracket that opens here or before is never closed, or a comma is missing
    ");
}

#[test]
fn a_colon_in_an_unquoted_value() {
    insta::assert_snapshot!(refusal_with("value: amount", "value: case: amount"), @r"
    error: not valid YAML: mapping values are not allowed in this context
      --> pipeline.yaml:26:16
       |
    26 |     value: case: amount
       |                ^
       |
       = help: check the indentation; a value that holds `: ` must be in quotes
    ");
}

#[test]
fn an_anchor_that_is_not_there() {
    insta::assert_snapshot!(refusal_with("window: 14d", "window: *week"), @r"
    error: not valid YAML: alias references unknown anchor
      --> pipeline.yaml:27:13
       |
    27 |     window: *week
       |             ^
       |
       = help: define it before, as `&name`; a text that begins with `*` must be in quotes
    ");
}

#[test]
fn a_tag_of_yaml() {
    insta::assert_snapshot!(refusal_with("window: 14d", "window: !duration 14d"), @r"
    error: not valid YAML: unsupported tag `!duration`
      --> pipeline.yaml:27:23
       |
    27 |     window: !duration 14d
       |                       ^
       |
       = help: leave the tag out: types follow from the key
    ");
}

#[test]
fn two_documents() {
    insta::assert_snapshot!(refusal(&format!("{PLAIN}---\n{PLAIN}")), @r"
    error: the file holds more than one document
      --> pipeline.yaml:40:1
       |
    40 | ---
       | ^
       |
       = help: keep one pipeline a file, without `---`
    ");
}

#[test]
fn an_empty_file() {
    insta::assert_snapshot!(refusal(""), @r"
    error: `pipeline.yaml` must be a mapping of keys to values, found nothing
     --> pipeline.yaml:1:1
      |
    1 |
      | ^
      |
      = help: start with `version: 1`
    ");
    insta::assert_snapshot!(refusal("# nothing\n"), @r"
    error: `pipeline.yaml` must be a mapping of keys to values, found nothing
     --> pipeline.yaml:1:11
      |
    1 | # nothing
      |          ^
      |
      = help: start with `version: 1`
    ");
    insta::assert_snapshot!(refusal("- a\n- b\n"), @r"
    error: `pipeline.yaml` must be a mapping of keys to values, found a list
     --> pipeline.yaml:1:1
      |
    1 | - a
      | ^
      |
      = help: start with `version: 1`
    ");
}

#[test]
fn an_alias_bomb() {
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let before = format!("*a{}", level - 1);
        writeln!(bomb, "a{level}: &a{level} [{}]", [before.as_str(); 9].join(", ")).unwrap();
    }
    insta::assert_snapshot!(refusal(&bomb), @r"
    error: too much is repeated by aliases
     --> pipeline.yaml:4:30
      |
    4 | a3: &a3 [*a2, *a2, *a2, *a2, *a2, *a2, *a2, *a2, *a2]
      |                              ^
      |
      = note: aliases of aliases multiply: a few lines of them can fill the memory
      = help: write the values out, or bring shared definitions in by `include`
    ");
}

#[test]
fn an_alias_inside_its_own_anchor() {
    insta::assert_snapshot!(refusal("a: &a\n  b: *a\n"), @r"
    error: an alias cannot stand inside the value that it repeats
     --> pipeline.yaml:2:6
      |
    2 |   b: *a
      |      ^
    ");
}

#[test]
fn a_tower_of_brackets() {
    let brackets = format!("a: {}", "[".repeat(100_000));
    let stairs: String = (0..600).fold(String::new(), |text, depth| text + &" ".repeat(depth) + "a:\n");
    for tower in [brackets, stairs, "- ".repeat(200_000), "? ".repeat(200_000)] {
        let message = refusal(&tower);
        assert!(message.starts_with("error: nested more than 24 levels deep\n"), "{message}");
        assert!(message.contains("--> pipeline.yaml:"), "{message}");
    }
}

#[test]
fn a_flood_of_values() {
    let flood: String = (0..60_000).fold(String::new(), |mut text, key| {
        writeln!(text, "k{key}: 1").unwrap();
        text
    });
    insta::assert_snapshot!(refusal(&flood), @r"
    error: the file holds more than 20000 values, repeated aliases included
         --> pipeline.yaml:10000:8
          |
    10000 | k9999: 1
          |        ^
          |
          = help: a pipeline this large is a mistake; check what generated it
    ");
}

#[test]
fn a_file_over_a_mebibyte() {
    insta::assert_snapshot!(refusal(&format!("# {}\n{PLAIN}", "x".repeat(1 << 20))), @r"
    error: `pipeline.yaml` is larger than 1 MiB
     |
     = help: a pipeline this large is a mistake; data belongs into Parquet files
    ");
}

#[test]
fn a_line_of_a_mebibyte_is_shown_in_part() {
    let message = refusal_with("value: amount", &format!("valu: {}", "x".repeat(1_000_000)));
    assert!(message.len() < 10_000, "{} bytes", message.len());
}

#[test]
fn text_that_is_no_utf_8() {
    insta::assert_snapshot!(refused_bytes(b"\xff\xfev\0e\0r\0"), @r"
    error: `pipeline.yaml` is UTF-16
     |
     = help: save it as UTF-8
    ");
    insta::assert_snapshot!(refused_bytes(b"version: 1\nexperiment: M\xfcnchen\n"), @r"
    error: `pipeline.yaml` is not UTF-8: line 2 holds an invalid byte
     |
     = help: save it as UTF-8
    ");
    insta::assert_snapshot!(refused_bytes(b"version: 1\nexperiment: a\0b\n"), @r"
    error: `pipeline.yaml` holds a NUL character in line 2
     |
     = help: is it a text file, in UTF-8?
    ");
    insta::assert_snapshot!(refused_bytes(b"version: 1\nexperiment: a\x01b\n"), @r"
    error: not valid YAML: unexpected character: `\u{1}'
     --> pipeline.yaml:2:13
      |
    2 | experiment: a␁b
      |             ^
    ");
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_are_no_mistake() {
    let text = format!("\u{feff}{}", PLAIN.replace('\n', "\r\n"));
    assert_eq!(super::loaded(&text).unwrap().plan, super::loaded(PLAIN).unwrap().plan);
}

#[test]
fn a_key_that_is_no_text() {
    insta::assert_snapshot!(refusal_with("version: 1", "version: 1\n? [a, b]\n: 1"), @r"
    error: unknown key `a list`
     --> pipeline.yaml:2:3
      |
    2 | ? [a, b]
      |   ^
      |
      = help: valid names are `version`, `include`, `experiment`, `unit`, `cluster`, `through`, `time_zone`, `split`, `facts`, `metrics`, `tags`, `cohorts`, `discover`, `slices`, `models`, `validate`, `looks`, `allocate` and `output`
    ");
}
