//! What an executor says of a failure, in the only thing that Ballista carries from a task to a client: the text of an error.

use serde::{Deserialize, Serialize};
use whom_engine::Refusal;

/// What the text begins with, where it is ours.
const HEAD: &str = "whom-told:";

/// What it ends with.
const TAIL: char = ';';

/// Who failed, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Told {
    /// Trying again does not help.
    Refusal {
        /// Who did the work.
        host: String,
        /// Why it cannot be done.
        refusal: Refusal,
    },
    /// Trying again may help.
    Passing {
        /// Who did the work.
        host: String,
        /// What happened.
        reason: String,
    },
}

impl Told {
    /// The text, in characters that survive every quoting on the way.
    pub(crate) fn to_text(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        let digits = json.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digits: String = digits.filter_map(|digit| char::from_digit(u32::from(digit), 16)).collect();
        format!("{HEAD}{digits}{TAIL}")
    }

    /// What was said, if anything was, somewhere in the text of an error; the last of several.
    pub(crate) fn find(text: &str) -> Option<Self> {
        let after = text.rfind(HEAD).and_then(|at| text.get(at + HEAD.len()..))?;
        let digits = after.split(TAIL).next()?.as_bytes();
        let digit = |byte: u8| char::from(byte).to_digit(16);
        let pairs = digits.chunks(2).map(|pair| match pair {
            [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
            _ => None,
        });
        serde_json::from_slice(&pairs.collect::<Option<Vec<u8>>>()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn what_was_said_is_found_in_any_surroundings(host in ".*", reason in ".*", before in "[^:]*", after in "[^:]*") {
            for told in [
                Told::Passing { host: host.clone(), reason: reason.clone() },
                Told::Refusal { host, refusal: Refusal::Data(reason) },
            ] {
                let text = format!("{before}{:?}{after}", told.to_text());
                prop_assert_eq!(Told::find(&text), Some(told));
            }
        }

        #[test]
        fn other_texts_say_nothing(text in ".*") {
            prop_assert_eq!(Told::find(&text), None);
            prop_assert_eq!(Told::find(&format!("whom-told:{text}")), None);
        }
    }
}
