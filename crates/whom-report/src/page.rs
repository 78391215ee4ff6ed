//! `report.html`: one page that a product manager reads and a statistician trusts.
//!
//! The page is a function of the text of `report.json`, so that it has the same bytes whenever it is written. One module for
//! each section says what is on it, as tables, pictures and sentences; templates say where it stands. A section without data
//! is left out, heading included. A new section is a module here, a field of [`Page`], and a template that `page.html` includes.
//!
//! Whatever comes from data is escaped by the templates, and by the one place that writes SVG; besides, the page forbids
//! itself every script but its own, and every request.

mod averages;
mod base64;
mod figure;
mod for_whom;
mod index;
mod methods;
mod metrics;
mod models;
mod picture;
mod profiles;
mod quality;
mod replication;
mod slices;
mod stability;
mod table;
mod tags;
mod templates;
mod tree;
mod trust;
mod verdict;
mod words;

use serde::Serialize;

pub use templates::Templates;

use crate::error::ReportError;
use crate::label;
use crate::report_json::results_of;
use crate::results::Results;
use crate::verdict::Verdict;
use index::Indexed;

/// What the templates see.
#[derive(Serialize)]
struct Page {
    experiment: String,
    verdict: verdict::VerdictSection,
    averages: Option<averages::AveragesSection>,
    replication: Option<replication::ReplicationSection>,
    for_whom: Option<for_whom::ForWhomSection>,
    tags: Option<tags::TagsSection>,
    models: Option<models::ModelsSection>,
    metrics: Option<metrics::MetricsSection>,
    profiles: Option<profiles::ProfilesSection>,
    trust: trust::TrustSection,
    stability: Option<stability::StabilitySection>,
    quality: quality::QualitySection,
    methods: methods::MethodsSection,
}

/// The page of the results in the text of a `report.json`.
///
/// # Errors
/// If the text is not such a document, or a template does not render.
pub fn report_html(document: &str, templates: &Templates) -> Result<String, ReportError> {
    templates.render(&page(&results_of(document)?))
}

fn page(results: &Results) -> Page {
    let (indexed, verdict) = (Indexed::new(results), Verdict::of(results));
    Page {
        experiment: label::plain(&results.experiment),
        verdict: verdict::section(results, &verdict),
        averages: averages::section(&indexed, &verdict),
        replication: replication::section(&indexed),
        for_whom: for_whom::section(&indexed, &verdict),
        tags: tags::section(&indexed),
        models: models::section(&indexed),
        metrics: metrics::section(&indexed),
        profiles: profiles::section(&indexed),
        trust: trust::section(&indexed, &verdict),
        stability: stability::section(results),
        quality: quality::section(&indexed),
        methods: methods::section(&indexed),
    }
}

#[cfg(test)]
mod tests;
