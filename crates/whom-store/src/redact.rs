//! Text that may be shown: addresses and options without their secrets.

use std::fmt;

/// What stands where a secret stood.
const MASK: &str = "***";

/// Parameters, headers and options whose value is a secret, in lower case: by name, by beginning, by part.
const SECRET_NAMES: [&str; 4] = ["sig", "authorization", "awsaccesskeyid", "account_key"];
const SECRET_BEGINNINGS: [&str; 3] = ["x-amz-", "x-goog-", "x-ms-"];
const SECRET_PARTS: [&str; 6] = ["secret", "password", "token", "signature", "credential", "access_key"];

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

/// Masks, in any text, the user information and the query of every address
/// (`scheme://user:password@host/path?query`) and the value of every parameter, header or option that carries a
/// secret (`X-Amz-…=`, `sig=`, `password:` and their kin).
///
/// Text without secrets is unchanged. Rather too much is masked than too little.
pub fn redact(text: &str) -> String {
    mask_values(&mask_addresses(text))
}

/// Masks word by word, so that an address inside a longer message is found.
fn mask_addresses(text: &str) -> String {
    text.split_inclusive(ends_address)
        .map(|word| {
            let end = word.rfind(ends_address).unwrap_or(word.len());
            let (word, delimiter) = word.split_at(end);
            mask_address(word) + delimiter
        })
        .collect()
}

/// Masks user information, query and fragment, if `word` holds an address.
fn mask_address(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    // A password may itself hold `/`, `?` and `#`: all before the last `@` is user information, if it looks like it.
    let rest = match rest.rsplit_once('@') {
        Some((container, _)) if scheme.ends_with("abfss") && is_container(container) => rest.to_owned(),
        Some((user, host)) if user.contains(':') || !user.contains(['/', '?', '#']) => format!("{MASK}@{host}"),
        _ => rest.to_owned(),
    };
    match rest.find(['?', '#']) {
        Some(at) => format!("{scheme}://{}{MASK}", &rest[..=at]),
        None => format!("{scheme}://{rest}"),
    }
}

/// Whether it can be the name of a container of Azure, which stands where other addresses have a user.
fn is_container(name: &str) -> bool {
    name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$'))
}

/// Masks what follows the name of a secret and `:` or `=`, quoted or not.
fn mask_values(text: &str) -> String {
    let in_name = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(in_name) {
        let (before, from_name) = rest.split_at(start);
        let (name, after) = from_name.split_at(from_name.find(|c| !in_name(c)).unwrap_or(from_name.len()));
        shown.extend([before, name]);
        let value = value_of(after);
        let between = &after[..after.len() - value.len()];
        rest = after;
        if is_secret(name) && between.contains([':', '=']) && !value.is_empty() {
            // The words of `Authorization: Bearer …` belong together.
            let whole_line = name.eq_ignore_ascii_case("authorization");
            let ends = |c: char| if whole_line { matches!(c, '"' | '\'' | '\n') } else { ends_value(c) };
            shown.extend([between, MASK]);
            rest = &value[value.find(ends).unwrap_or(value.len())..];
        }
    }
    shown + rest
}

/// What follows the signs between a name and its value, and the `Some(` of a printed `Option`.
fn value_of(after: &str) -> &str {
    let signs = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ':' | '=');
    let value = after.trim_start_matches(signs);
    value.strip_prefix("Some(").unwrap_or(value).trim_start_matches(signs)
}

/// What cannot be part of an address.
fn ends_address(c: char) -> bool {
    c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>')
}

/// What cannot be part of an unquoted value.
fn ends_value(c: char) -> bool {
    ends_address(c) || matches!(c, '&' | ',' | ';' | '(' | ')' | '{' | '}')
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.contains(&name.as_str())
        || SECRET_BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
        || SECRET_PARTS.iter().any(|part| name.contains(part))
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
            "(X-Amz-Signature=canary)",
            "{\"X-Amz-Signature\":\"canary\", \"password\": \"canary\"}",
            "Authorization: Bearer canary",
            "authorization: AWS4-HMAC-SHA256 Credential=canary, Signature=canary",
            "AmazonS3Builder { secret_access_key: Some(\"canary\"), password: Some(canary), aws_session_token=canary }",
            "https://user:can?canary@host/x",
            "https://h/a?x=1&canary",
            "abfss://user:canary@account.dfs.core.windows.net/x",
        ] {
            let shown = Redacted::new(text);
            assert!(!format!("{shown} {shown:?}").contains("canary"), "{text}: {shown}");
            assert!(!format!("{shown}").contains("can/ary"), "{text}: {shown}");
        }
    }

    #[test]
    fn harmless_text_is_unchanged() {
        for text in [
            "/data/warehouse/orders/dt=2026-10-01",
            "s3://bucket/orders/*.parquet",
            "abfss://container@account.dfs.core.windows.net/orders/",
            "1 file, 2 days: none",
            "",
        ] {
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
