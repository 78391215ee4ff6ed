//! A name for a value that must not be shown.

use crate::digest::sha256;

/// The digits that are shown; two values of one run share them once in 2^48.
const DIGITS: usize = 12;

/// What stands in a message in place of a value: `#` and the first 12 digits of its SHA-256.
///
/// The same value has the same name, so that whoever can read the data finds it, and several messages about one value are
/// seen to be about one. It hides, and does not protect: who guesses a value can check the guess.
///
/// ```
/// assert_eq!(whom_store::pseudonym("user-7"), whom_store::pseudonym("user-7"));
/// assert!(!whom_store::pseudonym("user-7").contains("user-7"));
/// ```
pub fn pseudonym(value: &str) -> String {
    let digits = sha256(value.as_bytes());
    format!("#{}", digits.get(..DIGITS).unwrap_or(&digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_other_tools_say() {
        // printf user-7 | sha256sum
        assert_eq!(pseudonym("user-7"), "#092081140b67");
    }
}
