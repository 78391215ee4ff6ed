//! Folds that the data gave, in place of those that are drawn.

use serde::{Deserialize, Serialize};

use crate::label;

/// The tag that told which units discovered cohorts and which measured them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenFolds {
    /// The tag.
    pub column: String,
    /// Its level on units that discovered.
    pub discover: String,
    /// Its level on units that measured.
    pub measure: String,
}

impl GivenFolds {
    /// What the folds are, and what held-out evidence rests on because of it.
    pub fn sentence(&self) -> String {
        format!(
            "Folds were given, not drawn: units whose {column} is {} discovered cohorts, those whose {column} is {} measured them. \
             What is called held out is so if nobody chose these folds knowing outcomes.",
            label::name(&self.discover),
            label::name(&self.measure),
            column = label::name(&self.column)
        )
    }
}
