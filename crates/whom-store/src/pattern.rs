//! A pattern of file names.

use std::fmt;

/// A pattern that a whole file name matches or not: `*` stands for any characters, `?` for one, everything else for
/// itself.
///
/// ```
/// use whom_store::NamePattern;
///
/// let pattern = NamePattern::new("part-?*.parquet");
/// assert!(pattern.matches("part-0007.parquet"));
/// assert!(!pattern.matches("part-.parquet"));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamePattern(String);

impl NamePattern {
    /// A pattern; every text is one.
    pub fn new(pattern: impl Into<String>) -> Self {
        Self(pattern.into())
    }

    /// Whether the whole of `name` matches. Time is at most the product of both lengths.
    pub fn matches(&self, name: &str) -> bool {
        // `reached[i]`: the part of the name read so far is matched by the first `i` characters of the pattern.
        let pattern: Vec<char> = self.0.chars().collect();
        let mut reached = vec![true];
        reached.extend(pattern.iter().scan(true, |open, c| {
            *open &= *c == '*';
            Some(*open)
        }));
        for letter in name.chars() {
            let mut next = vec![false];
            for ((sign, before), here) in pattern.iter().zip(&reached).zip(reached.iter().skip(1)) {
                next.push(match sign {
                    '*' => *here || next.last() == Some(&true),
                    '?' => *before,
                    sign => *before && *sign == letter,
                });
            }
            reached = next;
        }
        reached.last() == Some(&true)
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_pattern_matches_whole_names() {
        for (pattern, name, expected) in [
            ("*", "", true),
            ("*.parquet", "a.parquet", true),
            ("*.parquet", ".parquet", true),
            ("*.parquet", "a.parquet.crc", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("a?c", "a日c", true),
            ("**a**", "bab", true),
            ("", "", true),
            ("", "a", false),
            ("[a]", "a", false),
            ("[a]", "[a]", true),
        ] {
            assert_eq!(NamePattern::new(pattern).matches(name), expected, "{pattern} {name}");
        }
    }

    /// The definition, word for word.
    fn by_definition(pattern: &[char], name: &[char]) -> bool {
        match (pattern.split_first(), name.split_first()) {
            (None, None) => true,
            (Some(('*', rest)), _) => (0..=name.len()).any(|taken| by_definition(rest, &name[taken..])),
            (Some((sign, rest)), Some((letter, others))) => {
                (*sign == '?' || sign == letter) && by_definition(rest, others)
            }
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn matching_agrees_with_its_definition(pattern in "[ab*?]{0,7}", name in "[ab]{0,7}") {
            let letters = |text: &str| text.chars().collect::<Vec<_>>();
            prop_assert_eq!(
                NamePattern::new(&*pattern).matches(&name),
                by_definition(&letters(&pattern), &letters(&name))
            );
        }
    }
}
