//! Text that may be shown: addresses and options without their secrets.

use std::fmt;

/// What stands where a secret stood.
const MASK: &str = "***";

/// Parameters whose value is a secret wherever they appear, in lower case. A trailing `*` matches any ending.
const SECRET_PARAMETERS: [&str; 7] =
    ["x-amz-*", "x-goog-*", "awsaccesskeyid", "signature", "sig", "access_token", "x-ms-*"];

/// Option names that may be shown with their value; every other value is masked.
const OPEN_OPTIONS: [&str; 6] = ["region", "endpoint", "bucket", "container", "allow_http", "virtual_hosted_style"];

/// A text that holds no secret: what [`redact`] left of an address, an option or a foreign message.
///
/// `Display` and `Debug` both print only the masked text, and the original is not kept, so nothing that holds a
/// `Redacted` can leak, whichever way it is printed.
///
/// ```
/// use whom_store::Redacted;
///
/// let shown = Redacted::new("s3://key:canary@bucket/orders/?X-Amz-Signature=canary");
/// assert_eq!(shown.to_string(), "s3://***@bucket/orders/?***");
/// assert!(!format!("{shown:?}").contains("canary"));
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Redacted(String);

impl Redacted {
    /// Masks everything in `text` that can be a secret; see [`redact`].
    pub fn new(text: impl AsRef<str>) -> Self {
        Self(redact(text.as_ref()))
    }

    /// `name=value` of a store's option; the value is masked unless the name is known to be harmless.
    pub fn option(name: &str, value: &str) -> Self {
        let open = OPEN_OPTIONS.contains(&name.to_ascii_lowercase().as_str());
        Self(if open { format!("{name}={}", redact(value)) } else { format!("{name}={MASK}") })
    }

    /// The masked text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Redacted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Redacted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

impl From<&str> for Redacted {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

/// Masks, in any text, the user information and query of every address (`scheme://user:password@host/path?query`)
/// and the value of every signing parameter (`X-Amz-…=`, `sig=` and their kin), also outside an address.
///
/// Works word by word, so that an address inside a longer message is found. Text without secrets is unchanged.
pub fn redact(text: &str) -> String {
    text.split_inclusive(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>'))
        .map(|word| redact_parameters(&redact_address(word)))
        .collect()
}

/// Masks user information, query and fragment, if `word` holds an address.
fn redact_address(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    // A password may itself hold `/`; whatever stands before the last `@` of the word is taken for user information.
    let (authority, path) = match (authority.rsplit_once('@'), path.rsplit_once('@')) {
        (Some((_, host)), _) => (format!("{MASK}@{host}"), path),
        (None, Some((before, after))) if authority.contains(':') && !before.contains('?') => {
            (format!("{MASK}@"), after)
        }
        (None, _) => (authority.to_owned(), path),
    };
    match path.find(['?', '#']) {
        None => format!("{scheme}://{authority}{path}"),
        Some(at) => {
            let (before, query) = path.split_at(at);
            let closing: String = query.chars().rev().take_while(|c| !c.is_alphanumeric()).collect();
            let closing: String = closing.chars().rev().filter(|c| !matches!(c, '?' | '#' | '=' | '&')).collect();
            format!("{scheme}://{authority}{before}{}{MASK}{closing}", &query[..1])
        }
    }
}

/// Masks the value of each signing parameter in `word`.
fn redact_parameters(word: &str) -> String {
    word.split_inclusive(['&', ',', ';', '?', '{'])
        .map(|part| match part.split_once(['=', ':']) {
            Some((name, _)) if is_secret(name) => {
                let separator = &part[name.len()..=name.len()];
                let ending = part.chars().last().filter(|c| matches!(c, '&' | ',' | ';')).map(String::from);
                format!("{name}{separator}{MASK}{}", ending.unwrap_or_default())
            }
            _ => part.to_owned(),
        })
        .collect()
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_PARAMETERS.iter().any(|secret| match secret.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *secret,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn no_secret_survives_wherever_it_stands() {
        for text in [
            "https://user:canary@host/path",
            "https://canary@host/path",
            "https://user:can/ary@host/path",
            "s3://bucket/key?X-Amz-Signature=canary",
            "s3://bucket/key#canary",
            "could not get \"https://host/key?sig=canary&x=canary\", giving up",
            "headers: X-Amz-Security-Token=canary",
            "x-amz-security-token:canary",
            "retry of https://a:canary@h/ and https://b:canary@h/?q=canary failed",
            "sig=canary;next",
        ] {
            let shown = Redacted::new(text);
            assert!(!format!("{shown} {shown:?}").contains("canary"), "{text}: {shown}");
            assert!(!format!("{shown}").contains("can/ary"), "{text}: {shown}");
        }
    }

    #[test]
    fn harmless_text_is_unchanged() {
        for text in ["/data/warehouse/orders/dt=2026-10-01", "s3://bucket/orders/*.parquet", "1 file, 2 days: none", ""]
        {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn the_rest_of_a_message_stays_readable() {
        assert_eq!(
            redact("no answer from \"https://k:s@host/a?sig=1\" after 3 tries"),
            "no answer from \"https://***@host/a?***\" after 3 tries"
        );
    }

    #[test]
    fn an_unknown_option_is_masked() {
        assert_eq!(Redacted::option("region", "eu-central-1").to_string(), "region=eu-central-1");
        assert_eq!(Redacted::option("aws_secret_access_key", "canary").to_string(), "aws_secret_access_key=***");
    }

    proptest! {
        #[test]
        fn redacting_never_fails_and_twice_is_once(text in "\\PC{0,60}") {
            let once = redact(&text);
            prop_assert_eq!(redact(&once), once);
        }
    }
}
