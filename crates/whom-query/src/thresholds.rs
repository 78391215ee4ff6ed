//! What is learned of all units before they are encoded: thresholds of caps, and the ratios that searches start from.
//!
//! A cap has one threshold for all arms, cohorts and tests. Trees are grown on values that are capped at the threshold of the
//! units that discover: what measures them must not have had a say in what is found.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use whom_spec::plan::{self, CapOf};
use whom_stats::{Cap, CapError, Grid, Narrowed, Percentile, RankSearch, Ranked};

use crate::error::QueryError;
use crate::look::Look;
use crate::ratios::ratios;
use crate::unit_schema::{UnitSchema, place_of};
use crate::unit_table::{UnitRows, UnitTable};
use crate::values::{LINEARISED, Origin, SomeValues, ValueColumn};

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
    let caps = Caps { schema, table, cancel }.find()?;
    let ratios = ratios(schema, table, cancel)?;
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
struct Caps<'a> {
    schema: &'a UnitSchema,
    table: &'a UnitTable,
    cancel: &'a AtomicBool,
}

/// A percentile that is searched among the values of a column.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Wanted {
    column: usize,
    share: Percentile,
    of: CapOf,
    /// Whether among the units that discover alone.
    discover: bool,
}

/// How far a search is.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Search {
    Looking(RankSearch),
    Found(Option<i64>),
}

impl Caps<'_> {
    fn find(&self) -> Result<Vec<FoundCap>, QueryError> {
        let capped = &self.schema.caps;
        let mut wanted = Vec::new();
        for (metric, _, cap) in capped {
            if let plan::Cap::Percentile { percentile, of } = cap {
                let share = Percentile::new(*percentile).map_err(|error| QueryError::Internal(error.to_string()))?;
                wanted.extend([false, true].map(|discover| Wanted { column: *metric, share, of: *of, discover }));
            }
        }
        let mut percentiles = self.percentiles(wanted)?.into_iter();
        let mut thresholds = Vec::new();
        for (metric, name, cap) in capped {
            let refused = |error: &dyn std::fmt::Display| QueryError::Data(format!("`{name}`: {error}"));
            let [all, discover] = match cap {
                plan::Cap::Value(value) => {
                    let grid = self.schema.values[*metric].grid;
                    [Some(grid.to_grid(*value).map_err(|error| refused(&error))?); 2]
                }
                plan::Cap::Percentile { .. } => [percentiles.next().flatten(), percentiles.next().flatten()],
            };
            thresholds.push(Thresholds { column: *metric, all, discover });
        }
        let counted = self.counts(&thresholds)?;
        let found = capped.iter().zip(thresholds).zip(counted);
        found
            .map(|(((metric, name, cap), Thresholds { all, discover, .. }), [of_all, of_discover])| {
                let grid = self.schema.values[*metric].grid;
                let all =
                    judged(cap, all, &of_all, grid).map_err(|error| QueryError::Data(format!("`{name}`: {error}")))?;
                // Who discovers may have nothing to cap: trees then see the values as they are.
                let discover = Cap { threshold: discover.unwrap_or(i64::MAX), capped: of_discover.above };
                Ok(FoundCap { metric: *metric, all, discover })
            })
            .collect()
    }

    /// The value at each percentile; `None` where there is no value to rank.
    fn percentiles(&self, wanted: Vec<Wanted>) -> Result<Vec<Option<i64>>, QueryError> {
        let mut ranks: Vec<Option<u64>> = vec![None; wanted.len()];
        let searches = vec![Search::Looking(RankSearch::new()); wanted.len()];
        let mut look = RankLook { schema: self.schema.clone(), wanted, searches };
        while look.searches.iter().any(|search| matches!(search, Search::Looking(_))) {
            look.searches = self.table.look(&look, self.cancel)?;
            for ((search, wanted), rank) in look.searches.iter_mut().zip(&look.wanted).zip(&mut ranks) {
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
        Ok(look.searches.into_iter().map(found).collect())
    }

    /// What lies above each threshold, among all units and among those that discover.
    fn counts(&self, thresholds: &[Thresholds]) -> Result<Vec<[Ranked; 2]>, QueryError> {
        if thresholds.is_empty() {
            return Ok(Vec::new());
        }
        let look = AboveLook { schema: self.schema.clone(), thresholds: thresholds.to_vec() };
        self.table.look(&look, self.cancel)
    }
}

/// The look by which a percentile is come nearer to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RankLook {
    schema: UnitSchema,
    wanted: Vec<Wanted>,
    /// By what is wanted; they have counted nothing yet.
    searches: Vec<Search>,
}

impl Look for RankLook {
    const NAME: &'static str = "percentiles";
    type Seen = Vec<Search>;
    type Ready<'a> = &'a Self;

    fn ready(&self) -> Result<&Self, QueryError> {
        Ok(self)
    }

    fn nothing(&self) -> Self::Seen {
        self.searches.clone()
    }

    fn add(look: &&Self, seen: &mut Self::Seen, rows: UnitRows) -> Result<(), QueryError> {
        let units = SomeValues::of(&look.schema, rows)?;
        for (wanted, search) in look.wanted.iter().zip(seen) {
            let Search::Looking(search) = search else { continue };
            for (value, bucket) in units.present(wanted.column) {
                let counts = wanted.of == CapOf::All || value != 0;
                if counts && (!wanted.discover || look.schema.discover.contains(bucket)) {
                    search.push(value);
                }
            }
        }
        Ok(())
    }

    fn merged(mut one: Self::Seen, other: Self::Seen) -> Self::Seen {
        for (one, other) in one.iter_mut().zip(&other) {
            if let (Search::Looking(one), Search::Looking(other)) = (one, other) {
                one.add(other);
            }
        }
        one
    }
}

/// The thresholds of a column; `None` where nothing is above.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Thresholds {
    column: usize,
    all: Option<i64>,
    /// That of the units that discover.
    discover: Option<i64>,
}

/// The look by which is counted what lies above thresholds.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct AboveLook {
    schema: UnitSchema,
    thresholds: Vec<Thresholds>,
}

impl Look for AboveLook {
    const NAME: &'static str = "thresholds";
    /// By threshold, among all units and among those that discover.
    type Seen = Vec<[Ranked; 2]>;
    type Ready<'a> = &'a Self;

    fn ready(&self) -> Result<&Self, QueryError> {
        Ok(self)
    }

    fn nothing(&self) -> Self::Seen {
        vec![[Ranked::default(); 2]; self.thresholds.len()]
    }

    fn add(look: &&Self, seen: &mut Self::Seen, rows: UnitRows) -> Result<(), QueryError> {
        let units = SomeValues::of(&look.schema, rows)?;
        for (Thresholds { column, all, discover }, [of_all, of_discover]) in look.thresholds.iter().zip(seen) {
            for (value, bucket) in units.present(*column) {
                of_all.push(value, all.unwrap_or(i64::MAX));
                if look.schema.discover.contains(bucket) {
                    of_discover.push(value, discover.unwrap_or(i64::MAX));
                }
            }
        }
        Ok(())
    }

    fn merged(mut one: Self::Seen, other: Self::Seen) -> Self::Seen {
        for (one, other) in one.iter_mut().flatten().zip(other.iter().flatten()) {
            one.add(other);
        }
        one
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
