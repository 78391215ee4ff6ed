//! Quoting for SQL: one function for identifiers, one for strings, one for numbers.

/// An identifier: `"a ""quoted"" name"`.
pub(crate) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string: `'it''s'`.
pub(crate) fn string(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A number that reads back as the same double. It is written as a string that is cast, because a bare `0.1` is a
/// decimal in many dialects, whose conversion to a double need not be the nearest one.
pub(crate) fn double(value: f64) -> String {
    format!("CAST('{value:?}' AS DOUBLE)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_doubled() {
        assert_eq!(identifier(r#"a"; DROP TABLE x; --"#), r#""a""; DROP TABLE x; --""#);
        assert_eq!(string("it's; --"), "'it''s; --'");
    }

    #[test]
    fn a_double_reads_back_as_itself() {
        for value in [0.1, 0.245_301_82, 1.0 / 3.0, -0.0, 5e-324, f64::MAX, 6.0] {
            let literal = double(value);
            let text = literal.split('\'').nth(1).expect("a quoted number");
            assert_eq!(text.parse::<f64>().expect("a number").to_bits(), value.to_bits());
        }
    }
}
