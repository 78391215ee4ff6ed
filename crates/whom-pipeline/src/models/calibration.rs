//! Whether a model's predicted effects hold: by tenth of the prediction, what was predicted and what is measured.
//!
//! Predictions become integers on a grid that is fine beside the error of the treatment's coefficient, so that their order, their
//! ranks and their sums are exact. A unit's tenth follows from its rank: of n units ranked from 0 the one with rank r is in tenth
//! 10 r / n, rounded down; those with equal predictions are in one tenth, the one that the last of them is in.

use whom_query::{AnalysedUnits, ModelColumns, ModelUnit, QueryError};
use whom_stats::{Effect, Grid, Moments, Narrowed, NotEstimable, RankSearch};

use super::predictor::Predictor;

/// Groups of units by their prediction.
const TENTHS: u64 = 10;

/// The units of the control and of a treatment, and what predicts their effects.
pub(super) struct Calibrated<'a> {
    pub(super) columns: ModelColumns,
    pub(super) predictor: Predictor<'a>,
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
pub(super) fn calibrate(units: &AnalysedUnits, asked: &[Calibrated<'_>]) -> Result<Vec<Vec<Tenth>>, QueryError> {
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let columns: Vec<ModelColumns> = asked.iter().map(|asked| asked.columns.clone()).collect();
    let mut edges: Vec<Edges> = asked.iter().map(|asked| Edges::new(&asked.predictor)).collect();
    while edges.iter().any(Edges::is_open) {
        edges = units.look_for_models(&columns, || edges.clone(), Edges::add, Edges::merge)?;
        edges.iter_mut().for_each(Edges::narrow);
    }
    let empty = || asked.iter().zip(&edges).map(|(asked, edges)| Sums::new(&asked.predictor, edges)).collect();
    let sums = units.look_for_models(&columns, empty, Sums::add, Sums::merge)?;
    Ok(sums.iter().zip(asked).map(|(sums, asked)| sums.tenths(asked.grid)).collect())
}

/// The smallest predictions of the second tenth and those after it.
#[derive(Clone)]
struct Edges<'a> {
    predictor: &'a Predictor<'a>,
    edges: Vec<Edge>,
}

#[derive(Clone)]
enum Edge {
    Looking(RankSearch),
    /// Found; the largest number where there is no unit of that rank.
    At(i64),
}

impl<'a> Edges<'a> {
    fn new(predictor: &'a Predictor<'a>) -> Self {
        let edges = (1..TENTHS).map(|_| Edge::Looking(RankSearch::new())).collect();
        Self { predictor, edges }
    }

    fn is_open(&self) -> bool {
        self.edges.iter().any(|edge| matches!(edge, Edge::Looking(_)))
    }

    fn add(&mut self, unit: ModelUnit<'_>) {
        let Some(prediction) = self.predictor.predict(unit) else { return };
        for edge in &mut self.edges {
            if let Edge::Looking(search) = edge {
                search.push(prediction);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        for (edge, other) in self.edges.iter_mut().zip(&other.edges) {
            if let (Edge::Looking(search), Edge::Looking(other)) = (edge, other) {
                search.add(other);
            }
        }
    }

    fn narrow(&mut self) {
        for (edge, tenth) in self.edges.iter_mut().zip(1..) {
            let Edge::Looking(search) = edge else { continue };
            let below = (search.total() * tenth).div_ceil(TENTHS);
            *edge = match search.narrow(below + 1) {
                Narrowed::Again(next) => Edge::Looking(next),
                Narrowed::Found(value) => Edge::At(value),
                Narrowed::Beyond => Edge::At(i64::MAX),
            };
        }
    }

    fn tenth(&self, prediction: i64) -> usize {
        self.edges.iter().filter(|edge| matches!(edge, Edge::At(first) if *first <= prediction)).count()
    }
}

/// The sums of all tenths.
struct Sums<'a> {
    predictor: &'a Predictor<'a>,
    edges: &'a Edges<'a>,
    tenths: Vec<TenthSums>,
}

#[derive(Clone, Default)]
struct TenthSums {
    control: Moments,
    treatment: Moments,
    predictions: i128,
}

impl<'a> Sums<'a> {
    fn new(predictor: &'a Predictor<'a>, edges: &'a Edges<'a>) -> Self {
        Self { predictor, edges, tenths: vec![TenthSums::default(); edges.edges.len() + 1] }
    }

    fn add(&mut self, unit: ModelUnit<'_>) {
        let Some(prediction) = self.predictor.predict(unit) else { return };
        let ModelUnit::Complete { arm, outcome, .. } = unit else { return };
        let tenth = &mut self.tenths[self.edges.tenth(prediction)];
        tenth.predictions += i128::from(prediction);
        if arm == 0 { tenth.control.push(outcome) } else { tenth.treatment.push(outcome) }
    }

    fn merge(&mut self, other: &Self) {
        for (tenth, other) in self.tenths.iter_mut().zip(&other.tenths) {
            tenth.control += other.control;
            tenth.treatment += other.treatment;
            tenth.predictions += other.predictions;
        }
    }

    fn tenths(&self, grid: Grid) -> Vec<Tenth> {
        let tenths = self.tenths.iter().zip(1..);
        let with_units = tenths.filter(|(sums, _)| sums.control.n + sums.treatment.n > 0);
        with_units.map(|(sums, number)| self.tenth(sums, number, grid)).collect()
    }

    fn tenth(&self, sums: &TenthSums, number: u64, grid: Grid) -> Tenth {
        let (control, treatment) = (sums.control.n, sums.treatment.n);
        Tenth {
            number,
            control,
            treatment,
            predicted: self.predictor.mean(sums.predictions, control + treatment),
            measured: Effect::welch(&sums.treatment, &sums.control, grid),
        }
    }
}
