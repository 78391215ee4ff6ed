//! The files of a run.

use whom_report::{CohortView, ReportError, Results, Templates};

/// The file that the page of a run is made of.
pub(crate) const REPORT_DOCUMENT: &str = "report.json";

/// A result file, ready to be staged.
pub(crate) struct ResultFile {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
    pub(crate) rows: Option<u64>,
}

/// Everything but the unit table; those of models only if there are some.
pub(crate) fn result_files(results: &Results) -> Result<Vec<ResultFile>, ReportError> {
    let rules: Vec<_> = results.discovered().iter().filter_map(CohortView::rule).cloned().collect();
    let cohorts = results.discovered().len() + results.registered.len();
    let levels = results.tag_tables.iter().flat_map(|table| &table.levels);
    let in_tags: usize = levels.map(|level| level.effects.len()).sum();
    let ranked: usize = results.tag_rankings.iter().map(|ranking| ranking.tags.len()).sum();
    let document = whom_report::report_json(results)?;
    let text = |name, text: String| ResultFile { name, bytes: text.into_bytes(), rows: None };
    let mut files = vec![
        ResultFile {
            name: "effects.parquet",
            bytes: whom_report::effects_parquet(results)?,
            rows: Some(results.effects.len() as u64),
        },
        ResultFile {
            name: "cohorts.parquet",
            bytes: whom_report::cohorts_parquet(results)?,
            rows: Some(cohorts as u64),
        },
        ResultFile {
            name: "slices.parquet",
            bytes: whom_report::slices_parquet(results)?,
            rows: Some(whom_report::slices_rows(results) as u64),
        },
        ResultFile { name: "tags.parquet", bytes: whom_report::tags_parquet(results)?, rows: Some(in_tags as u64) },
        ResultFile {
            name: "ranking.parquet",
            bytes: whom_report::ranking_parquet(results)?,
            rows: Some(ranked as u64),
        },
        ResultFile {
            name: "stability.parquet",
            bytes: whom_report::stability_parquet(results)?,
            rows: Some(whom_report::stability_rows(results) as u64),
        },
        text("tree.json", whom_report::tree_json(results)?),
        text("cohorts.sql", whom_report::cohorts_sql(&rules)),
        text("summary.md", whom_report::summary_md(results)),
        text("result.json", whom_report::result_json(results)?),
        text("report.html", whom_report::report_html(&document, &Templates::default())?),
        text("charts.json", whom_report::charts_json(results)?),
        text(REPORT_DOCUMENT, document),
    ];
    if !results.models.is_empty() {
        let coefficients: usize = results.models.iter().map(|model| model.coefficients.len()).sum();
        let (name, bytes) = ("models.parquet", whom_report::models_parquet(results)?);
        files.push(ResultFile { name, bytes, rows: Some(coefficients as u64) });
    }
    if results.models.iter().any(|model| !model.calibrated_on.is_empty()) {
        let tenths: usize = results.models.iter().map(|model| model.calibration.len()).sum();
        let (name, bytes) = ("calibration.parquet", whom_report::calibration_parquet(results)?);
        files.push(ResultFile { name, bytes, rows: Some(tenths as u64) });
    }
    let predicted: usize = results.models.iter().map(|model| model.predictions.len()).sum();
    if predicted > 0 {
        let (name, bytes) = ("predictions.parquet", whom_report::predictions_parquet(results)?);
        files.push(ResultFile { name, bytes, rows: Some(predicted as u64) });
    }
    Ok(files)
}
