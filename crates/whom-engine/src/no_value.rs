//! An expression that has no value for some row, told without what the row holds.
//!
//! Whoever evaluates an expression quotes the value that it tripped over, which may be the id of a user or anything else that
//! a message must not carry into logs. In its place stands a hash: the same value has the same hash, so that whoever can read
//! the data finds it, and several messages about one value are seen to be about one. It hides, and does not protect: who
//! guesses a value can check the guess.

use std::fmt;

use serde::{Deserialize, Serialize};
use whom_store::pseudonym;

/// The fewest digits of a number that is taken for a value; precisions and widths of types have fewer.
const DIGITS: usize = 4;

/// Why an expression has no value for some row. `Display` hashes what is quoted of the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoValue(String);

impl NoValue {
    /// Of the words of whoever evaluated the expression.
    pub(crate) fn new(reason: &dyn fmt::Display) -> Self {
        Self(reason.to_string())
    }

    /// The reason with what is quoted of the row.
    pub fn in_full(&self) -> String {
        told(&self.0, "")
    }
}

impl fmt::Display for NoValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hashed = hashed(&self.0);
        let hint = if hashed == self.0 { "" } else { " (`--show-ids` shows what is hashed here)" };
        out.write_str(&told(&hashed, hint))
    }
}

fn told(reason: &str, hint: &str) -> String {
    format!(
        "an expression has no value for some row: {reason}{hint}; mend the rows, or write `TRY_CAST`, `NULLIF` or `CASE`"
    )
}

/// The reason with a hash for each text between quotes and each number that may be a value.
fn hashed(reason: &str) -> String {
    let mut told = String::with_capacity(reason.len());
    let mut rest = reason;
    while let Some(start) = rest.find(|c: char| c == '\'' || c == '"' || c.is_ascii_digit()) {
        let (before, from) = rest.split_at(start);
        let in_word = before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        told.push_str(before);
        if let Some(after) = from.strip_prefix('\'').filter(|_| in_word) {
            told.push('\'');
            rest = after;
            continue;
        }
        let length = match from.chars().next() {
            Some(quote @ ('\'' | '"')) => quoted_length(from, quote),
            _ => from.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '+'))).unwrap_or(from.len()),
        };
        let (value, after) = from.split_at(length);
        let is_number = value.starts_with(|c: char| c.is_ascii_digit());
        if is_number && (in_word || value.len() < DIGITS) {
            told.push_str(value);
        } else {
            told.push_str(&pseudonym(value.trim_matches(['\'', '"'])));
        }
        rest = after;
    }
    told + rest
}

/// How long a quoted text is, its quotes included. A quote within it cannot be told from its end, so it reaches to the last
/// quote of the message: rather too much is hidden than too little.
fn quoted_length(text: &str, quote: char) -> usize {
    text.rfind(quote).filter(|end| *end > 0).map_or(text.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_quoted_of_a_row_is_hashed() {
        let words =
            |reason: &str| hashed(reason).replace(&pseudonym("user-7"), "#USER").replace(&pseudonym("70000"), "#N");
        assert_eq!(
            words("Cast error: Cannot cast string 'user-7' to value of Int32 type"),
            "Cast error: Cannot cast string #USER to value of Int32 type"
        );
        assert_eq!(words("Can't cast value 70000 to type Int16"), "Can't cast value #N to type Int16");
        assert_eq!(words("Overflow on: 70000 * 70000"), "Overflow on: #N * #N");
        assert_eq!(words("70000 is too large for Decimal128(10, 2)"), "#N is too large for Decimal128(10, 2)");
        assert_eq!(words("Divide by zero error"), "Divide by zero error");
    }

    #[test]
    fn who_may_see_it_is_told_everything() {
        let reason = NoValue::new(&"Cannot cast string 'it's' to value of Int32 type");
        insta::assert_snapshot!(reason.in_full(), @"an expression has no value for some row: Cannot cast string 'it's' to value of Int32 type; mend the rows, or write `TRY_CAST`, `NULLIF` or `CASE`");
        assert!(!reason.to_string().contains("it's"), "{reason}");
    }

    proptest! {
        #[test]
        fn no_value_is_shown_and_equal_ones_look_equal(id in "[a-z]{2}['\"-][0-9]{4}", number in 100_000_u64..) {
            let reason = NoValue::new(&format!("Cannot cast string '{id}' to value of Int32 type"));
            prop_assert!(!reason.to_string().contains(&id), "{}", reason);
            prop_assert_eq!(reason.to_string(), reason.clone().to_string());
            let reason = NoValue::new(&format!("value of {number} is out of range"));
            prop_assert!(!reason.to_string().contains(&number.to_string()), "{}", reason);
        }
    }
}
