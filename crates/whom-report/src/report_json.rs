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
pub(crate) fn results_of(text: &str) -> Result<Results, ReportError> {
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
    use super::*;
    use crate::fixture;

    #[test]
    fn results_are_read_back_as_they_were_written() {
        for results in [fixture::hillstrom(), fixture::registered(), fixture::underpowered(), fixture::hostile()] {
            let text = report_json(&results).expect("a document");
            let again = results_of(&text).expect("results");
            assert_eq!(report_json(&again).expect("a document"), text);
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
