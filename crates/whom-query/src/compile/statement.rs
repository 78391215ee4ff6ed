//! Statements, and what their rows are for.

/// A statement, exactly as it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What its rows are for.
    pub purpose: Purpose,
    /// The pinned tables it reads.
    pub reads: Vec<String>,
    /// The text.
    pub sql: String,
}

/// What the rows of a statement are for. Names are those of the pipeline file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    /// Counts of where the rows of the split go.
    SplitRows,
    /// The most frequent variants that are not declared.
    UnknownVariants,
    /// The first exposure of each unit to each variant.
    FirstExposure,
    /// Units of the experiment that were exposed before its start.
    EarlierExposed,
    /// One row per unit.
    Units,
    /// The events of a fact table in the windows of its units.
    Events(String),
    /// Counts of repeated events of a fact table.
    EventRepeats(String),
    /// The metrics of a fact table by unit.
    Metrics(String),
    /// The snapshot of a tag table that counts for each unit.
    Snapshots(String),
    /// The tags of a tag table by unit.
    Tags(String),
    /// Counts of units with several rows of a tag table.
    TagRepeats(String),
    /// The unit table.
    UnitTable,
}

impl Purpose {
    /// The name of the table that the rows become. A name of the pipeline file stands behind a word that only its own
    /// kind has, so no two tables share a name, whatever they are called in the file.
    pub fn table(&self) -> String {
        match self {
            Self::SplitRows => "split_rows".to_owned(),
            Self::UnknownVariants => "unknown_variants".to_owned(),
            Self::FirstExposure => "first_exposure".to_owned(),
            Self::EarlierExposed => "earlier_exposed".to_owned(),
            Self::Units => "units".to_owned(),
            Self::Events(fact) => format!("events of {fact}"),
            Self::EventRepeats(fact) => format!("repeats of {fact}"),
            Self::Metrics(fact) => format!("metrics of {fact}"),
            Self::Snapshots(tags) => format!("snapshots of {tags}"),
            Self::Tags(tags) => format!("values of {tags}"),
            Self::TagRepeats(tags) => format!("repeats in {tags}"),
            Self::UnitTable => "unit_table".to_owned(),
        }
    }

    /// The table of the pipeline file that the statement is about, in words.
    pub(crate) fn subject(&self) -> String {
        match self {
            Self::Events(fact) | Self::EventRepeats(fact) | Self::Metrics(fact) => format!("fact table `{fact}`"),
            Self::Snapshots(tags) | Self::Tags(tags) | Self::TagRepeats(tags) => format!("tag table `{tags}`"),
            Self::UnitTable => "the unit table".to_owned(),
            _ => "the split".to_owned(),
        }
    }

    /// The template that the text is made from.
    pub(super) fn template(&self) -> &'static str {
        match self {
            Self::SplitRows => "split_rows",
            Self::UnknownVariants => "unknown_variants",
            Self::FirstExposure => "first_exposure",
            Self::EarlierExposed => "earlier_exposed",
            Self::Units => "units",
            Self::Events(_) => "events",
            Self::EventRepeats(_) => "repeats",
            Self::Metrics(_) => "metrics",
            Self::Snapshots(_) => "snapshots",
            Self::Tags(_) => "tags",
            Self::TagRepeats(_) => "tag_repeats",
            Self::UnitTable => "unit_table",
        }
    }

    /// Whether later statements read the rows; counts are read by nobody but us.
    pub(crate) fn is_read(&self) -> bool {
        !matches!(
            self,
            Self::SplitRows | Self::UnknownVariants | Self::EventRepeats(_) | Self::TagRepeats(_) | Self::UnitTable
        )
    }

    /// The tables that no later statement reads once this one has run, so that their rows need no memory.
    pub(crate) fn supersedes(&self) -> Vec<Self> {
        match self {
            Self::Units => vec![Self::FirstExposure, Self::EarlierExposed],
            Self::Metrics(fact) => vec![Self::Events(fact.clone())],
            Self::Tags(tags) => vec![Self::Snapshots(tags.clone())],
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::catalog::{SPLIT, fact_table, tag_table};

    proptest! {
        #[test]
        fn no_two_tables_share_a_name(one in "(metrics|events|tags|fact|values)?( of | )?[a-z ]{0,3}", other in "[a-z ]{0,9}") {
            let mut names = vec![SPLIT.to_owned()];
            for purpose in [
                Purpose::SplitRows,
                Purpose::UnknownVariants,
                Purpose::FirstExposure,
                Purpose::EarlierExposed,
                Purpose::Units,
                Purpose::UnitTable,
            ] {
                names.push(purpose.table());
            }
            let mut given = vec![one, other];
            given.dedup();
            for name in given {
                names.extend([fact_table(&name), tag_table(&name)]);
                for purpose in [
                    Purpose::Events,
                    Purpose::EventRepeats,
                    Purpose::Metrics,
                    Purpose::Snapshots,
                    Purpose::Tags,
                    Purpose::TagRepeats,
                ] {
                    names.push(purpose(name.clone()).table());
                }
            }
            let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
            prop_assert_eq!(distinct.len(), names.len(), "{:?}", names);
        }
    }
}
