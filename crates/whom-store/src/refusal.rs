//! What stores say when they refuse, without what they repeat of the request.

use std::fmt;

/// An answer that no retry mends: the request, the place or the credentials are wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refusal(pub(crate) Answer);

/// The status of an answer and what its body says.
///
/// Bodies of errors repeat what was sent: names of keys, signed headers, even session tokens. Only the code and the
/// message are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    status: String,
    code: Option<String>,
    message: Option<String>,
}

impl Answer {
    /// The answer with this status line, as in `400 Bad Request`, and this body.
    pub(crate) fn new(status: impl fmt::Display, body: &str) -> Self {
        Self { status: status.to_string(), code: element(body, "Code"), message: element(body, "Message") }
    }

    /// The same answer with words of ours instead of its message.
    pub(crate) fn explained(self, message: String) -> Self {
        Self { message: Some(message), ..self }
    }

    /// The word by which the service names the error, as in `SlowDown`.
    pub(crate) fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.status)?;
        // In brackets, because some codes look like names of secrets, whose values are masked: `ExpiredToken: …`.
        self.code.iter().try_for_each(|code| write!(formatter, " ({code})"))?;
        self.message.iter().try_for_each(|message| write!(formatter, ": {message}"))
    }
}

/// What `object_store` puts before the status of an answer.
const STATUS: &str = "Server returned non-2xx status code: ";

/// The words of `object_store` for an answer, without what its body repeats: `… 403 Forbidden: <?xml …` becomes
/// `403 Forbidden (AccessDenied): Access Denied`.
pub(crate) fn condensed(text: &str) -> String {
    let (text, body) = text.split_at(text.find("<?xml").or_else(|| text.find("<Error")).unwrap_or(text.len()));
    match text.strip_prefix(STATUS) {
        Some(status) => Answer::new(status.trim_end().trim_end_matches(':'), body).to_string(),
        None if body.is_empty() => text.to_owned(),
        None => Answer::new(text.trim_end().trim_end_matches(':'), body).to_string(),
    }
}

/// The text of the first element `name`, on one line.
fn element(body: &str, name: &str) -> Option<String> {
    let (_, rest) = body.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISMATCH: &str = "<?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>The request \
        signature\n does not match</Message><AWSAccessKeyId>canary</AWSAccessKeyId><CanonicalRequest>GET\n\
        x-amz-security-token canary</CanonicalRequest></Error>";

    #[test]
    fn only_code_and_message_of_a_body_are_kept() {
        insta::assert_snapshot!(Answer::new("403 Forbidden", MISMATCH), @"403 Forbidden (SignatureDoesNotMatch): The request signature does not match");
        insta::assert_snapshot!(condensed(&format!("Server returned non-2xx status code: 403 Forbidden: {MISMATCH}")), @"403 Forbidden (SignatureDoesNotMatch): The request signature does not match");
    }

    #[test]
    fn an_answer_without_words_is_its_status() {
        for body in ["", "plain text", "<Code></Code>", "<Message>", "{\"error\": 1}"] {
            assert_eq!(Answer::new("400 Bad Request", body).to_string(), "400 Bad Request");
        }
        assert_eq!(condensed("no answer"), "no answer");
        assert_eq!(condensed("Server returned non-2xx status code: 500 Oh: "), "500 Oh");
    }
}
