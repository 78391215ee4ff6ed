//! What is learned of all units before they are encoded: thresholds of caps, and the ratios that searches start from.
//!
//! A cap has one threshold for all arms, cohorts and tests. Trees are grown on values that are capped at the threshold of the
//! units that discover: what measures them must not have had a say in what is found.

use std::sync::atomic::AtomicBool;

use whom_spec::plan::{self, CapOf};
use whom_stats::{Cap, CapError, Grid, Narrowed, Percentile, RankSearch, Ranked};

use crate::error::QueryError;
use crate::ratios::ratios;
use crate::unit_schema::{UnitSchema, place_of};
use crate::unit_table::UnitTable;
use crate::values::{GatheredValues, LINEARISED, Origin, SomeValues, ValueColumn};

/// The cap of a metric, as it was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FoundCap {
    /// The metric's place in the file.
    pub metric: usize,
    /// That of all units, at which effects are measured.
    pub all: Cap,
    /// That of the units that discover, at which trees are grown.
    pub discover: Cap,
}

/// Adds to a schema the columns that are made of others, and points its outcomes to them.
///
/// # Errors
/// [`QueryError::Data`] for a cap that changes nothing or leaves nothing, and whatever reading units says.
pub(crate) fn derive(
    schema: &mut UnitSchema,
    table: &UnitTable,
    cancel: &AtomicBool,
) -> Result<Vec<FoundCap>, QueryError> {
    let units = GatheredValues { schema, table, cancel };
    let caps = Caps(&units).find()?;
    let ratios = ratios(&units)?;
    for cap in &caps {
        add_caps(schema, cap);
    }
    for (metric, ratio) in ratios {
        add_linearised(schema, metric, ratio);
    }
    Ok(caps)
}

/// The capped columns of a metric, two if their thresholds differ; its pre-period is capped like its value, for it is the same metric earlier.
fn add_caps(schema: &mut UnitSchema, found: &FoundCap) {
    let (uncapped, measures) = (schema.outcomes[found.metric].value, schema.measures.len());
    let mut capped = |of: usize, cap: Cap| {
        let origin = Origin::Capped { of, threshold: cap.threshold };
        let column = ValueColumn { grid: schema.values[of].grid, origin };
        place_of(&mut schema.values, column)
    };
    let (value, search) = (capped(uncapped, found.all), capped(uncapped, found.discover));
    let covariates = schema.outcomes[found.metric].covariates.clone();
    let covariates = covariates.into_iter().map(|of| if of < measures { capped(of, found.all) } else { of }).collect();
    let outcome = &mut schema.outcomes[found.metric];
    outcome.covariates = covariates;
    (outcome.value, outcome.search, outcome.uncapped) = (value, search, Some(uncapped));
}

fn add_linearised(schema: &mut UnitSchema, metric: usize, ratio: f64) {
    let (numerator, denominator) = (schema.outcomes[metric].value, schema.outcomes[metric].denominator);
    let (Some(denominator), Ok(grid)) = (denominator, Grid::binary(LINEARISED)) else { return };
    let steps = |column: usize| grid.steps_per_one() / schema.values[column].grid.steps_per_one();
    let origin =
        Origin::Linearised { numerator, denominator, ratio: ratio * steps(denominator), scale: steps(numerator) };
    schema.outcomes[metric].search = schema.values.len();
    schema.values.push(ValueColumn { grid, origin });
}

/// Finds the caps of metrics.
struct Caps<'a>(&'a GatheredValues<'a>);

/// A percentile that is searched among the values of a column.
#[derive(Clone, Copy)]
struct Wanted {
    column: usize,
    share: Percentile,
    of: CapOf,
    /// Whether among the units that discover alone.
    discover: bool,
}

/// How far a search is.
#[derive(Clone)]
enum Search {
    Looking(RankSearch),
    Found(Option<i64>),
}

impl Caps<'_> {
    fn find(&self) -> Result<Vec<FoundCap>, QueryError> {
        let capped = &self.0.schema.caps;
        let mut wanted = Vec::new();
        for (metric, _, cap) in capped {
            if let plan::Cap::Percentile { percentile, of } = cap {
                let share = Percentile::new(*percentile).map_err(|error| QueryError::Internal(error.to_string()))?;
                wanted.extend([false, true].map(|discover| Wanted { column: *metric, share, of: *of, discover }));
            }
        }
        let mut percentiles = self.percentiles(&wanted)?.into_iter();
        let mut thresholds = Vec::new();
        for (metric, name, cap) in capped {
            let refused = |error: &dyn std::fmt::Display| QueryError::Data(format!("`{name}`: {error}"));
            let [all, discover] = match cap {
                plan::Cap::Value(value) => {
                    let grid = self.0.schema.values[*metric].grid;
                    [Some(grid.to_grid(*value).map_err(|error| refused(&error))?); 2]
                }
                plan::Cap::Percentile { .. } => [percentiles.next().flatten(), percentiles.next().flatten()],
            };
            thresholds.push((*metric, all, discover));
        }
        let counted = self.counts(&thresholds)?;
        let found = capped.iter().zip(thresholds).zip(counted);
        found
            .map(|(((metric, name, cap), (_, all, discover)), [of_all, of_discover])| {
                let grid = self.0.schema.values[*metric].grid;
                let all =
                    judged(cap, all, &of_all, grid).map_err(|error| QueryError::Data(format!("`{name}`: {error}")))?;
                // Who discovers may have nothing to cap: trees then see the values as they are.
                let discover = Cap { threshold: discover.unwrap_or(i64::MAX), capped: of_discover.above };
                Ok(FoundCap { metric: *metric, all, discover })
            })
            .collect()
    }

    /// The value at each percentile; `None` where there is no value to rank.
    fn percentiles(&self, wanted: &[Wanted]) -> Result<Vec<Option<i64>>, QueryError> {
        let mut ranks: Vec<Option<u64>> = vec![None; wanted.len()];
        let mut searches = vec![Search::Looking(RankSearch::new()); wanted.len()];
        while searches.iter().any(|search| matches!(search, Search::Looking(_))) {
            searches = self.look(wanted, &searches)?;
            for ((search, wanted), rank) in searches.iter_mut().zip(wanted).zip(&mut ranks) {
                let Search::Looking(looked) = search else { continue };
                let rank = *rank.get_or_insert_with(|| wanted.share.rank(looked.total()));
                *search = match looked.narrow(rank) {
                    Narrowed::Again(next) => Search::Looking(next),
                    Narrowed::Found(value) => Search::Found(Some(value)),
                    Narrowed::Beyond => Search::Found(None),
                };
            }
        }
        let found = |search| match search {
            Search::Found(found) => found,
            Search::Looking(_) => None,
        };
        Ok(searches.into_iter().map(found).collect())
    }

    /// Counts what the searches ask, from nothing.
    fn look(&self, wanted: &[Wanted], searches: &[Search]) -> Result<Vec<Search>, QueryError> {
        let add = |counted: &mut Vec<Search>, units: &SomeValues| {
            for (wanted, search) in wanted.iter().zip(counted) {
                let Search::Looking(search) = search else { continue };
                for (value, bucket) in units.present(wanted.column) {
                    let counts = wanted.of == CapOf::All || value != 0;
                    if counts && (!wanted.discover || self.0.schema.discover.contains(bucket)) {
                        search.push(value);
                    }
                }
            }
        };
        let merge = |mut one: Vec<Search>, other: Vec<Search>| {
            for (one, other) in one.iter_mut().zip(&other) {
                if let (Search::Looking(one), Search::Looking(other)) = (one, other) {
                    one.add(other);
                }
            }
            one
        };
        self.0.gather(|| searches.to_vec(), add, merge)
    }

    /// What lies above each threshold, among all units and among those that discover.
    fn counts(&self, thresholds: &[(usize, Option<i64>, Option<i64>)]) -> Result<Vec<[Ranked; 2]>, QueryError> {
        if thresholds.is_empty() {
            return Ok(Vec::new());
        }
        let add = |counted: &mut Vec<[Ranked; 2]>, units: &SomeValues| {
            for ((column, all, discover), [of_all, of_discover]) in thresholds.iter().zip(counted) {
                for (value, bucket) in units.present(*column) {
                    of_all.push(value, all.unwrap_or(i64::MAX));
                    if self.0.schema.discover.contains(bucket) {
                        of_discover.push(value, discover.unwrap_or(i64::MAX));
                    }
                }
            }
        };
        let merge = |mut one: Vec<[Ranked; 2]>, other: Vec<[Ranked; 2]>| {
            for (one, other) in one.iter_mut().flatten().zip(other.iter().flatten()) {
                one.add(other);
            }
            one
        };
        self.0.gather(|| vec![[Ranked::default(); 2]; thresholds.len()], add, merge)
    }
}

/// The cap of all units, unless it is none.
fn judged(cap: &plan::Cap, threshold: Option<i64>, counted: &Ranked, grid: Grid) -> Result<Cap, CapError> {
    match cap {
        plan::Cap::Value(_) => Cap::at_value(threshold.unwrap_or(i64::MAX), counted, grid),
        plan::Cap::Percentile { percentile, of } => {
            let of = match of {
                CapOf::All => whom_stats::CapOf::All,
                CapOf::NonZero => whom_stats::CapOf::NonZero,
            };
            let threshold = threshold.ok_or(CapError::NoValues { of })?;
            Cap::at_rank(threshold, counted, 100.0 * percentile, grid)
        }
    }
}
