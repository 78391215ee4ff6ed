//! Quantile bins of a continuous tag, as the program cuts them.

/// Inclusive upper edges, ascending.
pub(super) struct Bins {
    edges: Vec<f64>,
}

/// The largest number of bins.
const MOST: usize = 255;

impl Bins {
    /// A bin per value where there are few, else bins of about equal size.
    pub(super) fn fit(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let mut edges = values.clone();
        edges.dedup();
        if edges.len() > MOST {
            edges = (1..=MOST).map(|bin| values[(values.len() * bin).div_ceil(MOST) - 1]).collect();
            edges.dedup();
        }
        Self { edges }
    }

    /// The number of bins.
    pub(super) fn codes(&self) -> usize {
        self.edges.len()
    }

    /// The bin of a value. Rules leave their outer sides open, so values beyond the edges are in the outer bins.
    pub(super) fn code(&self, value: f64) -> u8 {
        self.edges.partition_point(|edge| *edge < value).min(self.edges.len() - 1) as u8
    }
}
