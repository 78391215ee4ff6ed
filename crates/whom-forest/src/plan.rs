//! What a discovery works on, and whether it can.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use whom_stats::bucket::BucketSet;
use whom_stats::pass::ColumnShape;
use whom_stats::routing::Code;

use crate::controls::Controls;
use crate::error::ForestError;
use crate::target::Target;

/// What a discovery works on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DiscoveryPlan {
    /// All tag columns of the units.
    pub shapes: Vec<ColumnShape>,
    /// Indices of the columns to search, each once.
    pub columns: Vec<usize>,
    /// The number of arms, control included.
    pub arms: usize,
    /// The number of metrics.
    pub metrics: usize,
    /// What to look for; one tree each, and one joint tree.
    pub targets: Vec<Target>,
    /// How trees are grown and pruned.
    pub controls: Controls,
    /// The discovery buckets. No pass asks for a unit of another bucket.
    pub buckets: BucketSet,
    /// The pruning folds: [`Controls::pruning_folds`] sets that partition the discovery buckets.
    pub folds: Vec<BucketSet>,
    /// By column, where its known codes lie on the line of numbers, ascending: an unseen code between the two sides of a split
    /// goes to the nearer one, to the left of two equally near ones. Empty, as a whole or for a column, if codes have no more
    /// than an order: an unseen code then goes right.
    #[serde(default)]
    pub places: Vec<Vec<f64>>,
    /// The column that tells apart the strata within which arms were assigned; `None` where all units are comparable. Answers then
    /// have the arms of each of its codes in turn.
    #[serde(default)]
    pub within: Option<usize>,
}

impl DiscoveryPlan {
    /// Checks the plan. [`crate::Discovery::new`] does so.
    ///
    /// # Errors
    /// A [`ForestError`] that names the control, target, tag or fold that is impossible.
    pub fn validate(&self) -> Result<(), ForestError> {
        self.controls.validate()?;
        self.validate_targets()?;
        self.validate_columns()?;
        self.validate_folds()
    }

    /// The number of strata: one where all units are comparable.
    pub(crate) fn strata(&self) -> usize {
        self.within.and_then(|column| self.shapes.get(column)).map_or(1, |shape| shape.codes.max(1))
    }

    fn validate_targets(&self) -> Result<(), ForestError> {
        if self.targets.is_empty() {
            return Err(ForestError::NoTarget);
        }
        let mut seen = BTreeSet::new();
        for Target { treatment, metric } in self.targets.iter().copied() {
            if treatment == 0 || treatment >= self.arms {
                return Err(ForestError::UnknownTreatment { treatment, last: self.arms.saturating_sub(1) });
            }
            if metric >= self.metrics {
                return Err(ForestError::UnknownMetric { metric, metrics: self.metrics });
            }
            if !seen.insert((treatment, metric)) {
                return Err(ForestError::RepeatedTarget { treatment, metric });
            }
        }
        Ok(())
    }

    fn validate_columns(&self) -> Result<(), ForestError> {
        let mut names = BTreeSet::new();
        for shape in &self.shapes {
            validate_shape(shape)?;
            if !names.insert(&shape.name) {
                return Err(ForestError::RepeatedTag { name: shape.name.clone() });
            }
        }
        if let Some(column) = self.within.filter(|column| *column >= self.shapes.len()) {
            return Err(ForestError::UnknownColumn { column, columns: self.shapes.len() });
        }
        let mut searched = BTreeSet::new();
        for column in self.columns.iter().copied() {
            let shape =
                self.shapes.get(column).ok_or(ForestError::UnknownColumn { column, columns: self.shapes.len() })?;
            if !searched.insert(column) {
                return Err(ForestError::RepeatedColumn { name: shape.name.clone() });
            }
        }
        Ok(())
    }

    fn validate_folds(&self) -> Result<(), ForestError> {
        let refuse = |problem: String| Err(ForestError::Folds { problem });
        if self.folds.len() != self.controls.pruning_folds {
            return refuse(format!("{} are asked for, {} given", self.controls.pruning_folds, self.folds.len()));
        }
        if self.folds.is_empty() {
            return Ok(());
        }
        for bucket in BucketSet::all().iter() {
            let holders = self.folds.iter().filter(|fold| fold.contains(bucket)).count();
            let expected = usize::from(self.buckets.contains(bucket));
            if holders != expected {
                return refuse(format!("bucket {bucket} lies in {holders} of them instead of {expected}"));
            }
        }
        match self.folds.iter().position(BucketSet::is_empty) {
            Some(fold) => refuse(format!("fold {fold} is empty")),
            None => Ok(()),
        }
    }
}

fn validate_shape(shape: &ColumnShape) -> Result<(), ForestError> {
    let most = usize::from(Code::MAX) + 1;
    let refuse = |problem: String| Err(ForestError::TagShape { name: shape.name.clone(), problem });
    if shape.codes == 0 || shape.codes > most {
        return refuse(format!("{} codes, but must have between 1 and {most}", shape.codes));
    }
    match shape.missing {
        Some(code) if usize::from(code) >= shape.codes => {
            refuse(format!("the missing code {code}, but its codes end at {}", shape.codes - 1))
        }
        _ => Ok(()),
    }
}
