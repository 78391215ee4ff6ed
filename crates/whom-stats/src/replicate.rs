//! A family's estimates under weights by bucket.

use crate::bootstrap::{Against, Hypothesis};
use crate::measured::{CONTROL, Measured};
use crate::series::{Series, SeriesKey, Sums, centre};

/// The series that a family reads, each once, and for each hypothesis which of them it reads.
pub(crate) struct Resampled {
    series: Vec<Series>,
    family: Vec<Reads>,
}

/// Places of series.
struct Reads {
    cell: ArmPair,
    /// All cells together, of which the rest is what the cell leaves.
    everybody: Option<ArmPair>,
}

#[derive(Clone, Copy)]
struct ArmPair {
    treatment: usize,
    control: usize,
}

impl Resampled {
    /// Gathers the series of hypotheses that the statistics hold.
    pub(crate) fn new(measured: &Measured<'_>, family: impl Iterator<Item = Hypothesis> + Clone) -> Self {
        let mut keys: Vec<SeriesKey> = family.clone().flat_map(Hypothesis::keys).collect();
        keys.sort_unstable();
        keys.dedup();
        let place = |key: SeriesKey| keys.binary_search(&key).unwrap_or_default();
        let pair =
            |[treatment, control]: [SeriesKey; 2]| ArmPair { treatment: place(treatment), control: place(control) };
        let reads = |hypothesis: Hypothesis| Reads {
            cell: pair(hypothesis.arm_keys(Some(hypothesis.target.cell))),
            everybody: (hypothesis.against == Against::Rest).then(|| pair(hypothesis.arm_keys(None))),
        };
        let family = family.map(reads).collect();
        let mut centre_of: Vec<Option<i128>> = vec![None; measured.grids.len()];
        let series = keys
            .iter()
            .map(|key| {
                let centre = *centre_of[key.metric].get_or_insert_with(|| centre(measured, key.metric));
                Series::new(measured, *key, centre)
            })
            .collect();
        Self { series, family }
    }

    /// The estimate and standard error of each hypothesis under a weight per bucket; `None` where an arm runs out of units.
    pub(crate) fn estimates(&self, weights: &[f64]) -> Vec<Option<(f64, f64)>> {
        let sums: Vec<Sums> = self.series.iter().map(|series| series.weighted(weights)).collect();
        self.family.iter().map(|reads| reads.estimate(&sums)).collect()
    }
}

impl Reads {
    fn estimate(&self, sums: &[Sums]) -> Option<(f64, f64)> {
        let of = |pair: ArmPair| (sums[pair.treatment], sums[pair.control]);
        let (treatment, control) = of(self.cell);
        let (value, variance) = difference(treatment, control)?;
        let (rest_value, rest_variance) = match self.everybody.map(of) {
            Some(everybody) => difference(everybody.0.without(treatment), everybody.1.without(control))?,
            None => (0.0, 0.0),
        };
        Some((value - rest_value, (variance + rest_variance).sqrt()))
    }
}

fn difference(treatment: Sums, control: Sums) -> Option<(f64, f64)> {
    let (treated_mean, treated_variance) = treatment.mean_and_variance()?;
    let (control_mean, control_variance) = control.mean_and_variance()?;
    Some((treated_mean - control_mean, treated_variance + control_variance))
}

impl Hypothesis {
    fn keys(self) -> impl Iterator<Item = SeriesKey> {
        let everybody = (self.against == Against::Rest).then(|| self.arm_keys(None));
        self.arm_keys(Some(self.target.cell)).into_iter().chain(everybody.into_iter().flatten())
    }

    fn arm_keys(self, cell: Option<usize>) -> [SeriesKey; 2] {
        [self.target.treatment, CONTROL].map(|arm| SeriesKey { metric: self.target.metric, arm, cell })
    }
}
