//! An A/A experiment in days before the real one, up to its errors: nothing is searched, and nothing is published.

use std::sync::Arc;

use futures::future::BoxFuture;
use whom_query::{QueryError, unit_table};
use whom_report::{PrePeriodView, Results};
use whom_stats::Check;

use crate::checks::{checks, let_through};
use crate::clock::Stages;
use crate::declared::measure_declared;
use crate::error::{Cause, RunError};
use crate::event::{Observer, Stage};
use crate::planned::Planned;
use crate::pre_period::PrePeriod;
use crate::prepare::{Prepared, load_plan};
use crate::request::Request;
use crate::study::Study;
use crate::trail::{Trail, Watched};
use crate::withheld;

/// What days before an experiment tell of it.
#[derive(Clone, Debug)]
pub struct Rehearsal {
    /// The averages and declared cohorts of the A/A experiment.
    pub results: Results,
    /// The days, and what was changed for them.
    pub period: PrePeriodView,
    /// Warnings about the pipeline file, each with its excerpt.
    pub warnings: Vec<String>,
}

/// Analyses days before an experiment as if it had begun in them. Checks that test the variants are advice: nobody was treated, and
/// the variants are ours.
///
/// # Errors
/// As those of [`run`](crate::run()); besides, [`Cause::Configuration`] for days or a fact table that cannot stand for exposures, and
/// [`Cause::Data`] if no unit came in these days.
pub fn rehearse<'a>(
    request: &'a Request,
    period: &'a PrePeriod,
    observer: &'a dyn Observer,
) -> BoxFuture<'a, Result<Rehearsal, RunError>> {
    Box::pin(async move {
        let mut stages = Stages::new(observer, Arc::clone(&request.cancel));
        let rehearsal = Box::pin(through(request, period, &mut stages)).await;
        stages.end();
        rehearsal
    })
}

async fn through(request: &Request, period: &PrePeriod, stages: &mut Stages<'_>) -> Result<Rehearsal, RunError> {
    stages.begin(Stage::Plan)?;
    let mut loaded = load_plan(request)?;
    let view = period.enter(&mut loaded)?;
    stages.begin(Stage::Sources)?;
    let prepared = Prepared::new(request, loaded).await?;
    let planned = Planned::new(request, &prepared).await?;

    stages.begin(Stage::UnitTable)?;
    let engine = planned.engine(request)?;
    let trail = Trail::default();
    let watch = Watched { observer: stages.observer(), trail: &trail };
    let refused = |error: &QueryError| prepared.refused(Stage::UnitTable, error);
    let table = unit_table::build(&prepared.compiled, &prepared.catalog, &engine, &watch).await;
    let table = table.map_err(|error| refused(&error))?;
    if table.units() == 0 {
        return Err(nobody(&view));
    }
    let units = prepared.analysed(request, &engine, table).await.map_err(|error| refused(&error))?;

    stages.begin(Stage::Checks)?;
    let plan = &prepared.loaded.plan;
    let study = Study::new(plan, &prepared.compiled, &units);
    let checks = let_through(&study, checks(&study).into_iter().map(advised).collect())?;
    let (analysed, _) = measure_declared(&study, checks, stages).await?;
    let results = withheld::results(plan, analysed.results)?;
    let unchanged = prepared.catalog.verify_unchanged().await;
    unchanged.map_err(|error| RunError::store(Stage::Validation, &error))?;
    Ok(Rehearsal { results, period: view, warnings: prepared.warnings() })
}

/// A test finds what a hash happened to do; a rule holds whoever assigned.
fn advised(check: Check) -> Check {
    if check.p_value.is_some() { check.as_advice() } else { check }
}

fn nobody(period: &PrePeriodView) -> RunError {
    let PrePeriodView { units_of, first, last, .. } = period;
    let message =
        format!("no row of `{units_of}` has a unit and a time from {first} to {last}, so nobody would have come");
    let error = RunError::new(Stage::UnitTable, Cause::Data, message);
    let fix = "choose other days, or another fact table";
    RunError { fix: Some(fix.to_owned()), ..error }
}
