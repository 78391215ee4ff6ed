//! Which slices of whom are counted together.

use super::population::Population;
use crate::slices::{Cut, Slicing};

/// Some slices of a population, to be counted.
pub(super) struct Request {
    pub(super) slicing: usize,
    pub(super) population: usize,
    /// How many slices are counted; whoever is in another is in one further cell.
    pub(super) slices: usize,
    pub(super) cut: Cut,
}

/// Every slicing of every population, in stretches of slices that are not too many leaves.
pub(super) fn requests(slicings: &[Slicing], populations: &[Population], most: usize) -> Vec<Request> {
    let mut requests = Vec::new();
    for (place, slicing) in slicings.iter().enumerate() {
        for (number, population) in populations.iter().enumerate() {
            let stretch = (most / population.leaves.len().max(1)).max(1);
            let count = slicing.slices.len();
            requests.extend((0..count).step_by(stretch).map(|first| {
                let slices = first..count.min(first + stretch);
                let cut = slicing.cut(&population.tree, &population.leaves, slices.clone());
                Request { slicing: place, population: number, slices: slices.len(), cut }
            }));
        }
    }
    requests
}

/// The requests in their order, as many at once as are not too many cells.
pub(super) fn in_batches(requests: Vec<Request>, most: usize) -> Vec<Vec<Request>> {
    let mut batches: Vec<(usize, Vec<Request>)> = Vec::new();
    for request in requests {
        let cells = request.cut.routing.leaves().count();
        match batches.last_mut() {
            Some((counted, batch)) if *counted + cells <= most => {
                *counted += cells;
                batch.push(request);
            }
            _ => batches.push((cells, vec![request])),
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}
