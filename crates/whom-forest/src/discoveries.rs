//! Several discoveries that share their passes.

use whom_stats::pass::{Histograms, Pass};

use crate::discovery::{Discovered, Discovery};
use crate::error::ForestError;

/// Discoveries that grow side by side: whoever answers their passes goes over the units once for all of them.
///
/// Each gives the trees that it would give alone. Their histograms are all held at once, so how many go together is a matter of
/// memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Discoveries {
    all: Vec<Discovery>,
}

impl Discoveries {
    /// Discoveries that have not begun.
    pub fn new(all: Vec<Discovery>) -> Self {
        Self { all }
    }

    /// The next pass, or `None` when all are grown. Asking again gives the same pass.
    pub fn next(&self) -> Option<Pass> {
        let trees: Vec<_> = self.all.iter().filter_map(Discovery::next).flat_map(|pass| pass.trees).collect();
        (!trees.is_empty()).then_some(Pass { trees })
    }

    /// Takes the answer to [`Discoveries::next`].
    ///
    /// # Errors
    /// As [`Discovery::absorb`]. The discoveries before the one that refused its part have then absorbed theirs.
    pub fn absorb(&mut self, answer: Histograms) -> Result<(), ForestError> {
        let mut answers = answer.trees.into_iter();
        for discovery in &mut self.all {
            let Some(asked) = discovery.next() else { continue };
            let trees: Vec<_> = answers.by_ref().take(asked.trees.len()).collect();
            discovery.absorb(&Histograms { trees })?;
        }
        match answers.len() {
            0 => Ok(()),
            more => Err(ForestError::answer(format!("{more} trees that nobody asked for"))),
        }
    }

    /// The trees of each discovery, in order.
    ///
    /// # Errors
    /// [`ForestError::Unfinished`] while a pass is to be answered.
    pub fn finish(self) -> Result<Vec<Discovered>, ForestError> {
        self.all.into_iter().map(Discovery::finish).collect()
    }
}
