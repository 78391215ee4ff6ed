//! A quantile and its error from looks at values that nobody holds together: exact, ties included, in at most 96 KiB.
//!
//! The first look tells how many values there are. Of one value per unit the [ranks](QuantileRanks) of the quantile and of the
//! ends of its interval follow, and further looks narrow all three, those that lie in one bin together. Where units have
//! several values, the quantile is found first; one more look tells which share of its values each unit has at or below it,
//! how much that share varies over units, and with that the ranks of the ends. The same is done by cluster where units were assigned with
//! theirs, whether they have several values or one. Looks at parts of the units add up, in any order.

mod share;

use serde::{Deserialize, Serialize};

use crate::estimate::NotEstimable;
use crate::grid::Grid;
use crate::quantile_effect::{AtRanks, QuantileArm, QuantileRanks};
use crate::rank_search::{Narrowed, RankSearch};
use crate::value_counts::Percentile;
use share::{Share, ShareCounts};

/// What a quantile is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum QuantileOf {
    /// Units, each with one value.
    Units,
    /// Events, which units may have several of.
    Events,
}

/// A search for a quantile.
///
/// ```
/// use whom_stats::{Grid, Percentile, QuantileOf, QuantileSearch};
///
/// let mut search = QuantileSearch::new(Percentile::new(0.5)?, QuantileOf::Units);
/// while !search.is_done() {
///     (0..1_000).for_each(|value| search.push_unit(&[value]));
///     search = search.narrow();
/// }
/// let median = search.found(Grid::INTEGER);
/// assert_eq!((median.units, median.value), (1_000, Some(499.0)));
/// assert!((median.arm?.variance.sqrt() - 62.0 / 3.92).abs() < 0.3, "31 ranks to either side");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct QuantileSearch {
    percentile: Percentile,
    of: QuantileOf,
    /// The cells that clusters are counted in, where units were assigned with theirs.
    cells: Option<usize>,
    /// Units with a value, once they are counted.
    units: u64,
    /// Where the error comes from, once it is known.
    ranks: Result<QuantileRanks, NotEstimable>,
    /// How the share of values at or below the quantile varies, where units have several or lie in clusters.
    share: Option<Share>,
    /// The clusters with a value, where units were assigned with theirs.
    clusters: Option<u64>,
    quantile: Place,
    interval: [Place; 2],
    look: Look,
}

/// What is counted.
#[derive(Clone, Debug, Serialize, Deserialize)]
enum Look {
    /// How many units and values there are, and roughly where.
    First {
        units: u64,
        values: RankSearch,
    },
    /// Nearer to ranks.
    Nearer(Vec<RankSearch>),
    /// Values at or below the quantile, and values, by unit or by cluster.
    Share {
        quantile: i64,
        counts: ShareCounts,
    },
    Done,
}

/// How far the search for a rank is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Place {
    Unknown,
    /// By the place of the look that gets nearer to it.
    Looking {
        rank: u64,
        look: usize,
    },
    Found {
        value: i64,
        ties: u64,
    },
}

/// What was found.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundQuantile {
    /// Units with a value.
    pub units: u64,
    /// The quantile; `None` without a unit.
    pub value: Option<f64>,
    /// The same with its error, or why it has none.
    pub arm: Result<QuantileArm, NotEstimable>,
    /// The clusters with a value; `None` where units were assigned by themselves.
    pub clusters: Option<u64>,
    /// By cell of clusters, what they add to the quantile to first order; the squares add up to its variance. Empty where there is no
    /// error, or units were assigned by themselves.
    pub scores: Vec<f64>,
}

impl Place {
    fn found(self) -> Option<(i64, u64)> {
        match self {
            Self::Found { value, ties } => Some((value, ties)),
            Self::Unknown | Self::Looking { .. } => None,
        }
    }

    /// One look nearer; the looks that are needed next gather in `next`.
    fn nearer(self, looks: &[RankSearch], next: &mut Vec<RankSearch>) -> Self {
        let Self::Looking { rank, look } = self else { return self };
        let Some(looked) = looks.get(look) else { return Self::Unknown };
        match looked.narrow(rank) {
            Narrowed::Again(nearer) => {
                let known = next.iter().position(|known| known.looks_where(&nearer));
                if known.is_none() {
                    next.push(nearer);
                }
                Self::Looking { rank, look: known.unwrap_or(next.len() - 1) }
            }
            Narrowed::Found(value) => Self::Found { value, ties: looked.count(value).unwrap_or(0) },
            Narrowed::Beyond => Self::Unknown,
        }
    }
}

impl QuantileSearch {
    /// The first look.
    pub fn new(percentile: Percentile, of: QuantileOf) -> Self {
        Self {
            percentile,
            of,
            cells: None,
            units: 0,
            ranks: Err(NotEstimable::NotCounted),
            share: None,
            clusters: None,
            quantile: Place::Unknown,
            interval: [Place::Unknown; 2],
            look: Look::First { units: 0, values: RankSearch::new() },
        }
    }

    /// The same by cluster, each of which lies in one of so many cells.
    #[must_use]
    pub fn by_cluster(self, cells: usize) -> Self {
        Self { cells: Some(cells), clusters: Some(0), ..self }
    }

    /// Whether this look asks which cell a unit lies in.
    pub fn asks_for_cells(&self) -> bool {
        matches!(self.look, Look::Share { counts: ShareCounts::ByCluster(_), .. })
    }

    /// Counts the values of a unit: one, or those of its events. Every look has to see every unit.
    pub fn push_unit(&mut self, values: &[i64]) {
        self.push(values, 0);
    }

    /// As [`Self::push_unit`], of a unit whose cluster lies in a cell; one that is not there counts nowhere.
    #[inline]
    pub fn push(&mut self, values: &[i64], cell: usize) {
        match &mut self.look {
            Look::First { units, values: look } => {
                *units += u64::from(!values.is_empty());
                for value in values {
                    look.push(*value);
                }
            }
            Look::Nearer(looks) => {
                for look in looks {
                    for value in values {
                        look.push(*value);
                    }
                }
            }
            Look::Share { quantile, counts } if !values.is_empty() => {
                let at_most = values.iter().filter(|value| **value <= *quantile).count();
                counts.push(at_most as u64, values.len() as u64, cell);
            }
            Look::Share { .. } | Look::Done => {}
        }
    }

    /// Adds the same look at other units.
    pub fn add(&mut self, other: &Self) {
        match (&mut self.look, &other.look) {
            (Look::First { units, values }, Look::First { units: others, values: of_others }) => {
                *units += others;
                values.add(of_others);
            }
            (Look::Nearer(looks), Look::Nearer(others)) => {
                looks.iter_mut().zip(others).for_each(|(look, other)| look.add(other));
            }
            (Look::Share { counts, .. }, Look::Share { counts: others, .. }) => counts.add(others),
            _ => {}
        }
    }

    /// Whether no look is needed any more.
    pub fn is_done(&self) -> bool {
        matches!(self.look, Look::Done)
    }

    /// The next look, which has counted nothing yet.
    #[must_use]
    pub fn narrow(mut self) -> Self {
        match std::mem::replace(&mut self.look, Look::Done) {
            Look::First { units, values } => {
                self.units = units;
                self.begin(values.total());
                self.nearer(&[values])
            }
            Look::Nearer(looks) => self.nearer(&looks),
            Look::Share { counts, .. } => self.shared(&counts),
            Look::Done => self,
        }
    }

    /// Begins the search for what can be sought of so many values.
    fn begin(&mut self, values: u64) {
        if values == 0 {
            self.ranks = Err(NotEstimable::EmptyArm);
            return;
        }
        self.quantile = Place::Looking { rank: self.percentile.rank(values), look: 0 };
        if !self.needs_share() {
            self.ranks = QuantileRanks::of_units(values, self.percentile);
            self.seek_interval();
        }
    }

    /// Whether values are not independent of each other.
    fn needs_share(&self) -> bool {
        self.of == QuantileOf::Events || self.cells.is_some()
    }

    fn seek_interval(&mut self) {
        if let Ok(ranks) = self.ranks {
            self.interval = ranks.interval.map(|rank| Place::Looking { rank, look: 0 });
        }
    }

    fn nearer(mut self, looks: &[RankSearch]) -> Self {
        let mut next = Vec::new();
        self.quantile = self.quantile.nearer(looks, &mut next);
        self.interval = self.interval.map(|end| end.nearer(looks, &mut next));
        let needs_share = self.needs_share() && self.share.is_none() && next.is_empty();
        self.look = match self.quantile.found() {
            Some((quantile, _)) if needs_share => Look::Share { quantile, counts: ShareCounts::new(self.cells) },
            _ if next.is_empty() => Look::Done,
            _ => Look::Nearer(next),
        };
        self
    }

    /// The ends of the interval, given how the share of values at or below the quantile varies.
    fn shared(mut self, counts: &ShareCounts) -> Self {
        let share = counts.share();
        self.clusters = counts.clusters();
        self.ranks = share
            .as_ref()
            .map_err(|reason| *reason)
            .and_then(|share| QuantileRanks::of_share(share.values, self.percentile, share.variance));
        self.share = share.ok();
        self.seek_interval();
        if self.ranks.is_ok() {
            self.look = Look::Nearer(vec![RankSearch::new()]);
        }
        self
    }

    /// What the looks came to, the values being on this grid.
    pub fn found(&self, grid: Grid) -> FoundQuantile {
        let quantile = self.quantile.found();
        let [lower, upper] = self.interval.map(|end| end.found().map(|(value, _)| value));
        let arm = self.ranks.and_then(|ranks| {
            let found = quantile.zip(lower).zip(upper).map(|(((quantile, ties), lower), upper)| AtRanks {
                quantile,
                ties,
                interval: [lower, upper],
            });
            let arm = QuantileArm::at_ranks(&ranks, &found.ok_or(NotEstimable::NotCounted)?, grid);
            Ok(self.share.as_ref().map_or(arm, |share| arm.sharing(share.degrees_of_freedom, share.unreliable)))
        });
        FoundQuantile {
            units: self.units,
            value: quantile.map(|(value, _)| grid.from_grid(value)),
            arm,
            clusters: self.clusters,
            scores: self.scores(arm),
        }
    }

    /// A share that is greater by d makes the quantile smaller by d over the density, which is s over the standard error.
    fn scores(&self, arm: Result<QuantileArm, NotEstimable>) -> Vec<f64> {
        let (Ok(arm), Some(share)) = (arm, &self.share) else { return Vec::new() };
        let of_share = (arm.variance / share.variance).sqrt();
        share.scores.iter().map(|score| -of_share * score).collect()
    }
}

#[cfg(test)]
mod by_cluster;
#[cfg(test)]
mod tests;
