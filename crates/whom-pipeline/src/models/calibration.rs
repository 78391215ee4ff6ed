//! Whether a model's predicted effects hold: by tenth of the prediction, what was predicted and what is measured.
//!
//! Predictions become integers on a grid that is fine beside the error of the treatment's coefficient, so that their order, their
//! ranks and their sums are exact. A unit's tenth follows from its rank: of n units ranked from 0 the one with rank r is in tenth
//! 10 r / n, rounded down; those with equal predictions are in one tenth, the one that the last of them is in.

use serde::{Deserialize, Serialize};
use whom_query::{AnalysedUnits, ModelColumns, ModelUnit, QueryError};
use whom_stats::{Effect, Grid, Moments, Narrowed, NotEstimable, RankSearch};

use super::look::{Gathers, gathered};
use super::predictor::Predictor;

/// Groups of units by their prediction.
const TENTHS: u64 = 10;

/// The units of the control and of a treatment, and what predicts their effects.
pub(super) struct Calibrated {
    pub(super) columns: ModelColumns,
    pub(super) predictor: Predictor,
    /// The grid of the metric.
    pub(super) grid: Grid,
}

/// What was predicted for a tenth of the units, and what is measured there.
pub(super) struct Tenth {
    /// 1 to 10.
    pub(super) number: u64,
    pub(super) control: u64,
    pub(super) treatment: u64,
    /// The mean prediction.
    pub(super) predicted: f64,
    pub(super) measured: Result<Effect, NotEstimable>,
}

/// The tenths of each, those of no unit left out: at most four looks that find where they end, and one that measures.
pub(super) fn calibrate(units: &AnalysedUnits, asked: &[Calibrated]) -> Result<Vec<Vec<Tenth>>, QueryError> {
    let columns: Vec<ModelColumns> = asked.iter().map(|asked| asked.columns.clone()).collect();
    let mut edges: Vec<Edges> = asked.iter().map(|asked| Edges::new(&asked.predictor)).collect();
    while edges.iter().any(Edges::is_open) {
        let looked = gathered(units, columns.clone(), edges)?;
        edges = looked.into_iter().map(|(edges, counted)| edges.narrow(counted)).collect();
    }
    let measured = gathered(units, columns, edges.into_iter().map(Tenths).collect())?;
    let tenths = measured.iter().zip(asked);
    Ok(tenths.map(|((Tenths(edges), sums), asked)| edges.predictor.tenths(sums, asked.grid)).collect())
}

/// The smallest predictions of the second tenth and those after it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Edges {
    predictor: Predictor,
    /// Those that are looked for have counted nothing yet.
    edges: Vec<Edge>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Edge {
    Looking(RankSearch),
    /// Found; the largest number where there is no unit of that rank.
    At(i64),
}

impl Gathers for Edges {
    const NAME: &'static str = "tenths of predictions";
    type Gathered = Vec<Edge>;

    fn nothing(&self) -> Vec<Edge> {
        self.edges.clone()
    }

    fn add(&self, edges: &mut Vec<Edge>, unit: ModelUnit<'_>) {
        let Some(prediction) = self.predictor.predict(unit) else { return };
        for edge in edges {
            if let Edge::Looking(search) = edge {
                search.push(prediction);
            }
        }
    }

    fn merge(one: &mut Vec<Edge>, other: &Vec<Edge>) {
        for (edge, other) in one.iter_mut().zip(other) {
            if let (Edge::Looking(search), Edge::Looking(other)) = (edge, other) {
                search.add(other);
            }
        }
    }
}

impl Edges {
    fn new(predictor: &Predictor) -> Self {
        let edges = (1..TENTHS).map(|_| Edge::Looking(RankSearch::new())).collect();
        Self { predictor: predictor.clone(), edges }
    }

    fn is_open(&self) -> bool {
        self.edges.iter().any(|edge| matches!(edge, Edge::Looking(_)))
    }

    /// Nearer by what was counted.
    fn narrow(self, counted: Vec<Edge>) -> Self {
        let nearer = |(edge, tenth): (Edge, u64)| {
            let Edge::Looking(search) = edge else { return edge };
            let below = (search.total() * tenth).div_ceil(TENTHS);
            match search.narrow(below + 1) {
                Narrowed::Again(next) => Edge::Looking(next),
                Narrowed::Found(value) => Edge::At(value),
                Narrowed::Beyond => Edge::At(i64::MAX),
            }
        };
        Self { predictor: self.predictor, edges: counted.into_iter().zip(1..).map(nearer).collect() }
    }

    fn tenth(&self, prediction: i64) -> usize {
        self.edges.iter().filter(|edge| matches!(edge, Edge::At(first) if *first <= prediction)).count()
    }
}

/// The tenths, once it is known where they end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Tenths(Edges);

/// The sums of a tenth.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct TenthSums {
    control: Moments,
    treatment: Moments,
    predictions: i128,
}

impl Gathers for Tenths {
    const NAME: &'static str = "sums of tenths";
    type Gathered = Vec<TenthSums>;

    fn nothing(&self) -> Vec<TenthSums> {
        vec![TenthSums::default(); self.0.edges.len() + 1]
    }

    fn add(&self, sums: &mut Vec<TenthSums>, unit: ModelUnit<'_>) {
        let Some(prediction) = self.0.predictor.predict(unit) else { return };
        let ModelUnit::Complete { arm, outcome, .. } = unit else { return };
        let tenth = &mut sums[self.0.tenth(prediction)];
        tenth.predictions += i128::from(prediction);
        if arm == 0 { tenth.control.push(outcome) } else { tenth.treatment.push(outcome) }
    }

    fn merge(one: &mut Vec<TenthSums>, other: &Vec<TenthSums>) {
        for (tenth, other) in one.iter_mut().zip(other) {
            tenth.control += other.control;
            tenth.treatment += other.treatment;
            tenth.predictions += other.predictions;
        }
    }
}

impl Predictor {
    fn tenths(&self, sums: &[TenthSums], grid: Grid) -> Vec<Tenth> {
        let tenths = sums.iter().zip(1..);
        let with_units = tenths.filter(|(sums, _)| sums.control.n + sums.treatment.n > 0);
        with_units.map(|(sums, number)| self.tenth(sums, number, grid)).collect()
    }

    fn tenth(&self, sums: &TenthSums, number: u64, grid: Grid) -> Tenth {
        let (control, treatment) = (sums.control.n, sums.treatment.n);
        Tenth {
            number,
            control,
            treatment,
            predicted: self.mean(sums.predictions, control + treatment),
            measured: Effect::welch(&sums.treatment, &sums.control, grid),
        }
    }
}
