//! Units whose clusters were assigned together, and who come on different nights.
//!
//! What units of a cluster have in common makes what comes later resemble what came before. So looks go together more than those at
//! independent units do, for which sequences are made: they miss less often.

use whom_stats::{ClusterMeans, Comparison, ConfidenceSequence, Estimate, Grid, Moments, Source, UnbiasedMean};

use super::NIGHTS;
use super::counts::{Counts, Seen};
use crate::simulation::draws::Draws;
use crate::simulation::trial::LEVEL;

/// Experiments of one kind; the treatment does nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clustered {
    /// Clusters of both arms, as many of each.
    clusters: usize,
    /// Units that a night brings.
    pub(super) nightly: u64,
}

pub(super) const CLUSTERED: [Clustered; 2] =
    [Clustered { clusters: 160, nightly: 200 }, Clustered { clusters: 2_000, nightly: 200 }];

/// The part of the variance that clusters have in common.
const SHARED: f64 = 1.0 / 3.0;

impl Clustered {
    pub(super) fn words(self) -> String {
        format!("mean, normal, by cluster, {} of them | {} | 1 in 2 | 1", self.clusters, self.nightly)
    }

    /// As [`Kind::tried`](super::Kind::tried).
    pub(super) fn tried(self, repetition: u64) -> Vec<i64> {
        let sequence = ConfidenceSequence::of_family(LEVEL, 1, NIGHTS / 2 * self.nightly).expect("a level");
        let mut draws = Draws::new(&format!("looks {self:?} {repetition}"));
        let common: Vec<f64> = (0..self.clusters).map(|_| SHARED.sqrt() * draws.normal()).collect();
        let mut arms = [(); 2].map(|()| vec![Moments::default(); self.clusters / 2]);
        let mut counts = Counts::default();
        for night in 1..=NIGHTS {
            for _ in 0..self.nightly {
                let cluster = draws.below(self.clusters);
                let value = common[cluster] + (1.0 - SHARED).sqrt() * draws.normal();
                arms[cluster % 2][cluster / 2].push(Grid::FLOAT.to_grid(value).expect("a value in range"));
            }
            if let Some(estimate) = difference(&arms) {
                counts.add(Seen::of(&sequence, &estimate, night * self.nightly));
            }
        }
        Counts::of_all(&[counts])
    }
}

/// The difference of the arms' means; `None` outside the range of errors by cluster.
fn difference(arms: &[Vec<Moments>; 2]) -> Option<Estimate> {
    let mean = |arm: usize| ClusterMeans { totals: &arms[arm], grid: Grid::FLOAT, centre: 0 }.mean().ok();
    let (control, treatment) = (mean(0)?, mean(1)?);
    let source = |mean: &UnbiasedMean| Source {
        treatment: mean.variance,
        degrees_of_freedom: mean.degrees_of_freedom,
        ..Source::default()
    };
    let comparison = Comparison {
        treatment: treatment.offset,
        control: control.offset,
        difference: treatment.offset - control.offset,
        sources: vec![source(&treatment), source(&control)],
        unreliable: treatment.unreliable.or(control.unreliable),
    };
    comparison.difference().ok().filter(|_| comparison.unreliable.is_none())
}
