//! Names of result files.

use crate::{Result, StoreError, location::visible};

/// The longest name; file systems end at 255 bytes.
const LONGEST: usize = 200;

/// Accepts a name for a result file: letters, digits, `.`, `_` and `-` of ASCII, not starting with `.`, `_` or `-`.
///
/// Such a name means the same on every file system and in every store, can never be a path, and is never hidden.
pub(crate) fn check(name: &str) -> Result<()> {
    let refuse = |problem| Err(StoreError::InvalidName { name: visible(name), problem });
    if name.is_empty() {
        refuse("is empty")
    } else if name.len() > LONGEST {
        refuse("is longer than 200 bytes")
    } else if !name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')) {
        refuse("may only hold letters, digits, `.`, `_` and `-`")
    } else if !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        refuse("must start with a letter or digit")
    } else {
        Ok(())
    }
}

/// The refusal of a name that the run has already.
pub(crate) fn taken(name: &str) -> StoreError {
    StoreError::InvalidName { name: visible(name), problem: "is taken already" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_are_refused() {
        for name in [
            "",
            ".",
            "..",
            "../x",
            "a/b",
            "/etc/passwd",
            "a\\b",
            "a\0b",
            "a b",
            "%2e%2e",
            "a%2fb",
            ".hidden",
            "_x",
            "-rf",
            "naïve",
            "a\u{202e}b",
            "x#1",
            "C:x",
            "con:",
            "a?b",
            "a*b",
            "a\n",
            &"a".repeat(201),
        ] {
            let error = check(name).expect_err(name);
            assert!(!error.to_string().chars().any(crate::location::is_unprintable), "{error}");
        }
    }

    #[test]
    fn our_own_names_are_accepted() {
        for name in ["effects.parquet", "cohorts.sql", "result.json", "summary.md", "tree-2.json"] {
            check(name).unwrap();
        }
    }
}
