//! `report.json`: everything that a run found, so that its page can be written again.

use serde::{Deserialize, Serialize};

use crate::error::ReportError;
use crate::results::Results;

/// The version of `report.json`; it grows when an older program could no longer read it, or a newer one an older file.
pub const REPORT_SCHEMA_VERSION: u32 = 1;

const DOCUMENT: &str = "report.json";
const SCHEMA: &str = "report";

#[derive(Serialize)]
struct Written<'a> {
    schema: &'static str,
    schema_version: u32,
    results: &'a Results,
}

#[derive(Deserialize)]
struct Head {
    schema: String,
    schema_version: u32,
}

#[derive(Deserialize)]
struct Read {
    results: Results,
}

/// The text of `report.json`: the results in one line, with numbers in the fewest digits that name the same double.
///
/// # Errors
/// If the document cannot be encoded, which would be a bug.
pub fn report_json(results: &Results) -> Result<String, ReportError> {
    let written = Written { schema: SCHEMA, schema_version: REPORT_SCHEMA_VERSION, results };
    let mut text =
        serde_json::to_string(&written).map_err(|source| ReportError::Json { document: DOCUMENT, source })?;
    text.push('\n');
    Ok(text)
}

/// The results in the text of a `report.json`. A number may be read as the double next to the one that was written, so
/// whatever has to be the same again is made of the text, never of the results before they were written.
///
/// # Errors
/// [`ReportError::Unreadable`] if the text is not such a document, [`ReportError::Version`] if it is one of another version.
pub fn results_of(text: &str) -> Result<Results, ReportError> {
    let unreadable = |source| ReportError::Unreadable { document: DOCUMENT, source };
    let head: Head = serde_json::from_str(text).map_err(unreadable)?;
    if (head.schema.as_str(), head.schema_version) != (SCHEMA, REPORT_SCHEMA_VERSION) {
        return Err(ReportError::Version {
            document: DOCUMENT,
            found: format!("{} {}", head.schema, head.schema_version),
            known: format!("{SCHEMA} {REPORT_SCHEMA_VERSION}"),
        });
    }
    let read: Read = serde_json::from_str(text).map_err(unreadable)?;
    Ok(read.results)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::fixture;

    /// Whether two documents differ in nothing but doubles that lie next to each other.
    fn is_the_same(one: &Value, other: &Value) -> bool {
        match (one, other) {
            (Value::Array(one), Value::Array(other)) => {
                one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_the_same(one, other))
            }
            (Value::Object(one), Value::Object(other)) => {
                one.len() == other.len()
                    && one.iter().zip(other).all(|(one, other)| one.0 == other.0 && is_the_same(one.1, other.1))
            }
            (Value::Number(one), Value::Number(other)) => match (one.as_f64(), other.as_f64()) {
                (Some(one), Some(other)) => one.to_bits().abs_diff(other.to_bits()) <= 1,
                _ => false,
            },
            _ => one == other,
        }
    }

    #[test]
    fn results_are_read_back_as_they_were_written() {
        for results in [fixture::hillstrom(), fixture::registered(), fixture::underpowered(), fixture::hostile()] {
            let again = results_of(&report_json(&results).expect("a document")).expect("results");
            let [one, other] = [results, again].map(|results| serde_json::to_value(results).expect("a value"));
            assert!(is_the_same(&one, &other), "{one}\n{other}");
        }
    }

    #[test]
    fn another_version_is_refused_and_named() {
        let text = report_json(&fixture::no_discovery()).expect("a document");
        let newer = text.replacen("\"schema_version\":1", "\"schema_version\":7", 1);
        let refusal = results_of(&newer).expect_err("a refusal").to_string();
        insta::assert_snapshot!(refusal, @"`report.json` is of version `report 7`, and this program reads `report 1`");
        assert!(results_of("{").is_err() && results_of("[]").is_err());
    }
}
