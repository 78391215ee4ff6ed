//! What can be asked of units, and what is answered, in one form wherever the units lie.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};
use whom_stats::{
    CellStatistics, CellSums, Grouping, Histograms, LeafLabels, Pass, PassError, PooledProducts, ProductGroup, Routing,
    UnitColumns, UnitSample,
};

use crate::error::EngineError;

/// A question about units.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Question {
    Pass(Pass),
    Cells(Vec<Grouping>),
    Leaves(Vec<Routing>, UnitSample),
    Sums(Vec<Grouping>, Vec<ProductGroup>),
    Pooled(Vec<Grouping>, Vec<ProductGroup>),
}

/// What some units answer.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Answer {
    Pass(Histograms),
    Cells(Vec<CellStatistics>),
    Leaves(LeafLabels),
    Sums(Vec<CellSums>),
    Pooled(Vec<PooledProducts>),
}

impl Question {
    /// What these units answer; counting stops soon after `cancel` becomes true.
    pub(crate) fn answered(&self, units: &UnitColumns, cancel: &AtomicBool) -> Result<Answer, PassError> {
        Ok(match self {
            Self::Pass(pass) => Answer::Pass(whom_stats::answer(units, pass, cancel)?),
            Self::Cells(groupings) => Answer::Cells(whom_stats::cell_statistics(units, groupings, cancel)?),
            Self::Leaves(trees, sample) => Answer::Leaves(whom_stats::leaf_labels(units, trees, sample, cancel)?),
            Self::Sums(groupings, groups) => Answer::Sums(whom_stats::cell_sums(units, groupings, groups, cancel)?),
            Self::Pooled(groupings, groups) => {
                Answer::Pooled(whom_stats::pooled_products(units, groupings, groups, cancel)?)
            }
        })
    }
}

impl Answer {
    /// Adds what the units of later buckets answered to the same question.
    pub(crate) fn add(&mut self, later: Self) {
        match (self, later) {
            (Self::Pass(all), Self::Pass(later)) => all.add(&later),
            (Self::Cells(all), Self::Cells(later)) => {
                all.iter_mut().zip(&later).for_each(|(all, later)| all.add(later));
            }
            (Self::Leaves(all), Self::Leaves(later)) => all.append(later),
            (Self::Sums(all), Self::Sums(later)) => all.iter_mut().zip(&later).for_each(|(all, later)| all.add(later)),
            (Self::Pooled(all), Self::Pooled(later)) => {
                all.iter_mut().zip(&later).for_each(|(all, later)| all.add(later));
            }
            // One question has one kind of answer.
            _ => {}
        }
    }

    /// The sum of what parts answered, which come in the order of their buckets.
    pub(crate) fn sum(parts: impl IntoIterator<Item = Self>) -> Result<Self, EngineError> {
        let summed = parts.into_iter().reduce(|mut all, later| {
            all.add(later);
            all
        });
        summed.ok_or_else(|| EngineError::Internal("there is no piece to count".to_owned()))
    }
}

/// Turns an answer into what was asked for.
macro_rules! answer_of {
    ($answer:expr, $kind:ident) => {
        match $answer {
            Answer::$kind(answer) => Ok(answer),
            _ => Err(EngineError::Internal("an answer is not of the kind that was asked for".to_owned())),
        }
    };
}

pub(crate) use answer_of;
