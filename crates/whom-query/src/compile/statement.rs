//! Statements, and what their rows are for.

use serde::{Deserialize, Serialize};

/// A statement, exactly as it runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// What its rows are for.
    pub purpose: Purpose,
    /// The pinned tables it reads.
    pub reads: Vec<String>,
    /// The text.
    pub sql: String,
}

/// What the rows of a statement are for. Names are those of the pipeline file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Purpose {
    /// The rows of the split, by how far they come.
    Exposures,
    /// The most frequent variants that are not declared.
    UnknownVariants,
    /// The first exposure of each unit to each variant.
    FirstExposure,
    /// Units of the experiment that were exposed before its start.
    EarlierExposed,
    /// One row per unit.
    Units,
    /// The rows of a fact table that may fall into a window of a unit.
    FactRows(String),
    /// The events of a fact table in the windows of its units.
    Events(String),
    /// Counts of repeated events of a fact table.
    EventRepeats(String),
    /// The keys of the events of a fact table.
    EventKeys(String),
    /// The number of those keys.
    DistinctKeys(String),
    /// The metrics of a fact table by unit.
    Metrics(String),
    /// The days on which units have a snapshot in a tag table.
    SnapshotDays(String),
    /// The snapshot of a tag table that counts for each unit.
    Snapshots(String),
    /// The rows of a tag table that may be those that count.
    TagRows(String),
    /// The tags of a tag table by unit, in plain SQL; our engine puts the rows of tags beside the units at once.
    Tags(String),
    /// The unit table.
    UnitTable,
    /// The rows of the unit table behind their clusters, by which they go to pieces.
    UnitsOfClusters,
    /// The unit table in the order of the buckets of clusters.
    UnitsByCluster,
}

impl Purpose {
    /// The name of the table that the rows become. A name of the pipeline file stands behind a word that only its own
    /// kind has, so no two tables share a name, whatever they are called in the file.
    pub fn table(&self) -> String {
        match self {
            Self::Exposures => "exposures".to_owned(),
            Self::UnknownVariants => "unknown_variants".to_owned(),
            Self::FirstExposure => "first_exposure".to_owned(),
            Self::EarlierExposed => "earlier_exposed".to_owned(),
            Self::Units => "units".to_owned(),
            Self::FactRows(fact) => format!("rows of {fact}"),
            Self::Events(fact) => format!("events of {fact}"),
            Self::EventRepeats(fact) => format!("repeats of {fact}"),
            Self::EventKeys(fact) => format!("keys of {fact}"),
            Self::DistinctKeys(fact) => format!("number of keys of {fact}"),
            Self::Metrics(fact) => format!("metrics of {fact}"),
            Self::SnapshotDays(tags) => format!("days of {tags}"),
            Self::Snapshots(tags) => format!("snapshots of {tags}"),
            Self::TagRows(tags) => format!("rows in {tags}"),
            Self::Tags(tags) => format!("values of {tags}"),
            Self::UnitTable => "unit_table".to_owned(),
            Self::UnitsOfClusters => "units_of_clusters".to_owned(),
            Self::UnitsByCluster => "units_by_cluster".to_owned(),
        }
    }

    /// The table of the pipeline file that the statement is about, in words.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::FactRows(fact)
            | Self::Events(fact)
            | Self::EventRepeats(fact)
            | Self::EventKeys(fact)
            | Self::DistinctKeys(fact)
            | Self::Metrics(fact) => format!("fact table `{fact}`"),
            Self::SnapshotDays(tags) | Self::Snapshots(tags) | Self::TagRows(tags) | Self::Tags(tags) => {
                format!("tag table `{tags}`")
            }
            Self::UnitTable | Self::UnitsOfClusters | Self::UnitsByCluster => "the unit table".to_owned(),
            _ => "the split".to_owned(),
        }
    }

    /// The template that the text is made from.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Self::Exposures => "exposures",
            Self::UnknownVariants => "unknown_variants",
            Self::FirstExposure => "first_exposure",
            Self::EarlierExposed => "earlier_exposed",
            Self::Units => "units",
            Self::FactRows(_) => "fact_rows",
            Self::Events(_) => "events",
            Self::EventRepeats(_) => "repeats",
            Self::EventKeys(_) => "event_keys",
            Self::DistinctKeys(_) => "distinct_keys",
            Self::Metrics(_) => "metrics",
            Self::SnapshotDays(_) => "snapshot_days",
            Self::Snapshots(_) => "snapshots",
            Self::TagRows(_) => "tag_rows",
            Self::Tags(_) => "tags",
            Self::UnitTable => "unit_table",
            Self::UnitsOfClusters => "units_of_clusters",
            Self::UnitsByCluster => "units_by_cluster",
        }
    }

    /// Where the statement runs.
    pub fn place(&self) -> Place {
        match self {
            Self::Exposures | Self::FactRows(_) | Self::SnapshotDays(_) | Self::TagRows(_) => Place::Scan,
            Self::UnknownVariants => Place::Files,
            Self::EventKeys(_) | Self::UnitsOfClusters => Place::Regroup,
            _ => Place::Piece,
        }
    }

    /// Whether later statements read the rows; counts are read by nobody but us.
    pub(crate) fn is_read(&self) -> bool {
        !matches!(self, Self::UnknownVariants | Self::EventRepeats(_) | Self::DistinctKeys(_) | Self::UnitTable)
    }

    /// Whether plain SQL, which says what the unit table is, does without the statement: its rows only tell about the data, or
    /// only move units.
    pub(super) fn is_ours_alone(&self) -> bool {
        let only_counts =
            matches!(self, Self::UnknownVariants | Self::EventRepeats(_) | Self::EventKeys(_) | Self::DistinctKeys(_));
        only_counts || matches!(self, Self::UnitsOfClusters | Self::UnitsByCluster)
    }

    /// Whether plain SQL needs a statement for what our engine does as it puts tables beside the units.
    pub(super) fn stands_beside(&self) -> bool {
        matches!(self, Self::Tags(_))
    }

    /// The tables that no later statement reads once this one has run, so that their rows need no memory.
    pub(crate) fn supersedes(&self) -> Vec<Self> {
        match self {
            Self::Units => vec![Self::Exposures, Self::FirstExposure, Self::EarlierExposed],
            Self::Events(fact) => vec![Self::FactRows(fact.clone())],
            Self::DistinctKeys(fact) => vec![Self::EventKeys(fact.clone())],
            Self::Metrics(fact) => vec![Self::Events(fact.clone())],
            Self::Snapshots(tags) => vec![Self::SnapshotDays(tags.clone())],
            Self::UnitsOfClusters => vec![Self::UnitTable],
            Self::UnitsByCluster => vec![Self::UnitsOfClusters],
            _ => Vec::new(),
        }
    }

    /// The columns, unit first, by which scans of other tables are filtered once this statement has run.
    pub(crate) fn filter_key(&self) -> Option<(&'static str, Option<&'static str>)> {
        match self {
            Self::Units => Some(("unit", None)),
            Self::Snapshots(_) => Some(("unit", Some("snapshot"))),
            _ => None,
        }
    }
}

/// Where a statement runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Once over the files; its rows go to the pieces of their units.
    Scan,
    /// Once over the files.
    Files,
    /// In each piece.
    Piece,
    /// In each piece; its rows go to the pieces of what their first column holds.
    Regroup,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::align::JOINED;
    use crate::catalog::{SPLIT, fact_table, tag_table};

    proptest! {
        #[test]
        fn no_two_tables_share_a_name(one in "(metrics|events|tags|fact|values)?( of | )?[a-z ]{0,3}", other in "[a-z ]{0,9}") {
            let mut names = vec![SPLIT.to_owned(), JOINED.to_owned()];
            for purpose in [
                Purpose::Exposures,
                Purpose::UnknownVariants,
                Purpose::FirstExposure,
                Purpose::EarlierExposed,
                Purpose::Units,
                Purpose::UnitTable,
                Purpose::UnitsOfClusters,
                Purpose::UnitsByCluster,
            ] {
                names.push(purpose.table());
            }
            let mut given = vec![one, other];
            given.dedup();
            for name in given {
                names.extend([fact_table(&name), tag_table(&name)]);
                for purpose in [
                    Purpose::FactRows,
                    Purpose::Events,
                    Purpose::EventRepeats,
                    Purpose::EventKeys,
                    Purpose::DistinctKeys,
                    Purpose::Metrics,
                    Purpose::SnapshotDays,
                    Purpose::Snapshots,
                    Purpose::TagRows,
                    Purpose::Tags,
                ] {
                    names.push(purpose(name.clone()).table());
                }
            }
            let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
            prop_assert_eq!(distinct.len(), names.len(), "{:?}", names);
        }
    }
}
