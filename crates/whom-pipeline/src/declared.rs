//! Averages and declared cohorts without a search: of a replication, and where arms are compared within strata.

use whom_report::{Results, Stability};
use whom_stats::{Check, Routing};

use crate::analysis::{Analysed, described, internal, registered_views, uncounted};
use crate::averages::{AverageCells, average_rows};
use crate::clock::Stages;
use crate::error::RunError;
use crate::event::Stage;
use crate::models::models;
use crate::profiles::Profiles;
use crate::rows::exploratory;
use crate::study::Study;

/// Measures averages and declared cohorts; gives what they are made of as well.
pub(crate) async fn measure_declared(
    study: &Study<'_>,
    checks: Vec<Check>,
    stages: &mut Stages<'_>,
) -> Result<(Analysed, AverageCells), RunError> {
    stages.begin(Stage::Averages)?;
    let counted = AverageCells::count(study).await;
    let cells = counted.map_err(|error| RunError::engine(Stage::Averages, &error))?;
    let averages = average_rows(study, &cells);

    stages.begin(Stage::Validation)?;
    let profiles = Profiles::count(study, &Routing::root()).await.map_err(|error| uncounted(&error))?;
    let models = models(study).await.map_err(|error| uncounted(&error))?;
    let mut effects = averages.done;
    effects.extend(exploratory(averages.exploratory, &[]).0);
    let described = described(study, &cells).map_err(|error| internal(&error))?;
    let results = Results {
        checks: checks.into_iter().chain(cells.cohort_check(study)).collect(),
        effects,
        registered: registered_views(study, &cells, &profiles),
        models: models.views,
        stability: Stability::default(),
        ..described
    };
    Ok((Analysed { results, of_units: models.of_units }, cells))
}
