//! The interaction model y ~ w * x: how effects move with what was known about a unit.

use serde::{Deserialize, Serialize};

use super::covariance::Covariance;
use super::least_squares::{LeastSquares, Variables};
use crate::distribution::Reference;
use crate::estimate::{Estimate, NotEstimable};
use crate::grid::Grid;
use crate::multiplicity::Correction;
use crate::reliability::Unreliable;

/// How a covariate is reported.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scaling {
    /// As it is.
    Raw,
    /// (x - mean) / deviation, with both given: those of the units that the model is fitted to, or of others.
    Standardised {
        /// The mean.
        mean: f64,
        /// The standard deviation (the lecture's have divisor n); not zero.
        deviation: f64,
    },
}

/// A covariate of the model. The values that enter are grid values, whatever the scaling, which acts on coefficients only.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Covariate {
    /// The name in the table of coefficients.
    pub name: String,
    /// The grid of its values.
    pub grid: Grid,
    /// How it is reported.
    pub scaling: Scaling,
}

/// The model y = a + Σ_j b_j w_j + Σ_k c_k z_k + Σ_jk d_jk w_j z_k, with w_j = 1 in treatment arm j, z_k the covariates.
///
/// Covariates enter less their mean's grid value if they are standardised, so that an offset costs no digit; a raw one that
/// lies 100,000 deviations from zero would leave its interaction collinear with the arm.
///
/// ```
/// use whom_stats::linear::{Covariate, Interaction, LeastSquares, Scaling};
/// use whom_stats::{CrossProducts, Grid};
///
/// let female = Covariate { name: "female".into(), grid: Grid::INTEGER, scaling: Scaling::Raw };
/// let model = Interaction { treatments: vec!["test".into()], covariates: vec![female], outcome: Grid::INTEGER };
/// let mut products = CrossProducts::new(model.columns());
/// let mut row = Vec::new();
/// for (arm, female, outcome) in [(0, 0, 1), (0, 0, 3), (1, 0, 2), (1, 0, 8), (0, 1, 4), (1, 1, 9)] {
///     model.row(arm, &[female], outcome, &mut row);
///     products.push(&row);
/// }
/// let fit = LeastSquares::fit(&products, &model.variables(), &model.grids())?;
/// assert_eq!(model.names(), ["intercept", "test", "female", "test:female"]);
/// let among_women = fit.estimate(&model.effect_at(1, &[1.0]), &fit.classical())?;
/// assert!((among_women.value - 5.0).abs() < 1e-12);
/// # Ok::<(), whom_stats::NotEstimable>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interaction {
    /// The names of the treatment arms; treatment j is arm j + 1, and arm 0 is the control.
    pub treatments: Vec<String>,
    /// The covariates.
    pub covariates: Vec<Covariate>,
    /// The grid of the outcome.
    pub outcome: Grid,
}

/// A coefficient of the model, on the scale of its covariate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Coefficient {
    /// `intercept`, a treatment, a covariate, or `treatment:covariate`.
    pub name: String,
    /// The estimate, or why there is none.
    pub estimate: Result<Estimate, NotEstimable>,
    /// The two-sided p-value against zero.
    pub p_value: Option<f64>,
    /// The p-value corrected over all interactions of the model that have one; of interactions only.
    pub p_value_adjusted: Option<f64>,
    /// Why its interval may not hold its level.
    pub unreliable: Option<Unreliable>,
}

/// A coefficient's place in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Term {
    Intercept,
    Treatment(usize),
    Covariate(usize),
    Interaction(usize, usize),
}

impl Interaction {
    /// The number of columns of a row, the outcome included.
    pub fn columns(&self) -> usize {
        self.terms().len()
    }

    /// The grid of each column of a row.
    pub fn grids(&self) -> Vec<Grid> {
        let grid = |term: &Term| match term {
            Term::Intercept | Term::Treatment(_) => Grid::INTEGER,
            Term::Covariate(covariate) | Term::Interaction(_, covariate) => self.covariates[*covariate].grid,
        };
        self.terms()[1..].iter().map(grid).chain([self.outcome]).collect()
    }

    /// The parts of a row's columns: all predict the last one.
    pub fn variables(&self) -> Variables {
        let outcome = self.columns() - 1;
        Variables { predictors: (0..outcome).collect(), outcome }
    }

    /// The names of the coefficients, in their order: intercept, treatments, covariates, then each treatment's interactions.
    pub fn names(&self) -> Vec<String> {
        let name = |term: &Term| match term {
            Term::Intercept => "intercept".to_owned(),
            Term::Treatment(treatment) => self.treatments[*treatment].clone(),
            Term::Covariate(covariate) => self.covariates[*covariate].name.clone(),
            Term::Interaction(treatment, covariate) => {
                format!("{}:{}", self.treatments[*treatment], self.covariates[*covariate].name)
            }
        };
        self.terms().iter().map(name).collect()
    }

    /// Writes the row of a unit: its arm, 0 for the control, and grid values of its covariates and its outcome. A unit that
    /// lacks one of them takes no part in the model, and no row is asked for.
    ///
    /// A centred value holds 47 bits, whose products over 2^34 units stay below 2^126.
    ///
    /// # Panics
    /// There is another number of covariates: a bug of the caller.
    pub fn row(&self, arm: usize, covariates: &[i64], outcome: i64, row: &mut Vec<i64>) {
        assert_eq!(covariates.len(), self.covariates.len(), "a unit has a value for each covariate");
        row.clear();
        let in_arm = |treatment: usize| i64::from(arm == treatment + 1);
        let centred = || self.covariates.iter().zip(covariates).map(|(covariate, value)| value - covariate.centre());
        row.extend((0..self.treatments.len()).map(in_arm));
        row.extend(centred());
        for treatment in 0..self.treatments.len() {
            row.extend(centred().map(|value| in_arm(treatment) * value));
        }
        row.push(outcome);
    }

    /// The weights for [`LeastSquares::estimate`] of the effect of arm `arm` on a unit with these covariates, in natural units
    /// and not standardised: b_j + Σ_k d_jk x_k. All zero for the control.
    ///
    /// # Panics
    /// There is another number of covariates: a bug of the caller.
    pub fn effect_at(&self, arm: usize, covariates: &[f64]) -> Vec<f64> {
        assert_eq!(covariates.len(), self.covariates.len(), "a unit has a value for each covariate");
        let weight = |term: &Term| match term {
            Term::Treatment(treatment) if treatment + 1 == arm => 1.0,
            Term::Interaction(treatment, covariate) if treatment + 1 == arm => {
                covariates[*covariate] - self.covariates[*covariate].centre_value()
            }
            _ => 0.0,
        };
        self.terms().iter().map(weight).collect()
    }

    /// The table of coefficients, with p-values of the interactions corrected as one family: is any effect heterogeneous?
    pub fn table(&self, fit: &LeastSquares, covariance: &Covariance, inference: Inference) -> Vec<Coefficient> {
        let coefficient = |(place, (term, name)): (usize, (Term, String))| {
            let estimate = fit.estimate(&self.coefficient(term), covariance);
            let p_value = estimate.ok().map(|estimate| estimate.p_value(inference.reference));
            let unreliable = estimate.ok().and_then(|estimate| covariance.judge(place, &estimate));
            Coefficient { name, estimate, p_value, p_value_adjusted: None, unreliable }
        };
        let mut table: Vec<Coefficient> =
            self.terms().into_iter().zip(self.names()).enumerate().map(coefficient).collect();
        let first = 1 + self.treatments.len() + self.covariates.len();
        let interactions = &mut table[first..];
        let p_values: Vec<f64> = interactions.iter().filter_map(|coefficient| coefficient.p_value).collect();
        let tested = interactions.iter_mut().filter(|coefficient| coefficient.p_value.is_some());
        for (coefficient, adjusted) in tested.zip(inference.correction.adjust(&p_values)) {
            coefficient.p_value_adjusted = Some(adjusted);
        }
        table
    }

    /// A reported coefficient in terms of those that are fitted: z = (x - m) / s = (x' - shift) / s with x' what entered.
    fn coefficient(&self, reported: Term) -> Vec<f64> {
        let weight = |term: &Term| match (reported, *term) {
            (reported, term) if reported == term => match term {
                Term::Covariate(covariate) | Term::Interaction(_, covariate) => self.covariates[covariate].deviation(),
                _ => 1.0,
            },
            (Term::Intercept, Term::Covariate(covariate)) => self.covariates[covariate].shift(),
            (Term::Treatment(arm), Term::Interaction(treatment, covariate)) if arm == treatment => {
                self.covariates[covariate].shift()
            }
            _ => 0.0,
        };
        self.terms().iter().map(weight).collect()
    }

    fn terms(&self) -> Vec<Term> {
        let (treatments, covariates) = (0..self.treatments.len(), 0..self.covariates.len());
        let interactions = treatments
            .clone()
            .flat_map(|treatment| covariates.clone().map(move |covariate| Term::Interaction(treatment, covariate)));
        let main = treatments.clone().map(Term::Treatment).chain(covariates.clone().map(Term::Covariate));
        std::iter::once(Term::Intercept).chain(main).chain(interactions).collect()
    }
}

/// How the coefficients of a model are tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inference {
    /// What the statistics are held against.
    pub reference: Reference,
    /// How the interactions' p-values are corrected.
    pub correction: Correction,
}

impl Covariate {
    /// The grid value that is taken off before values enter.
    fn centre(&self) -> i64 {
        match self.scaling {
            Scaling::Raw => 0,
            Scaling::Standardised { mean, .. } => self.grid.to_grid(mean).unwrap_or(0),
        }
    }

    fn centre_value(&self) -> f64 {
        self.grid.from_grid(self.centre())
    }

    /// The covariate's mean less what was taken off.
    fn shift(&self) -> f64 {
        match self.scaling {
            Scaling::Raw => 0.0,
            Scaling::Standardised { mean, .. } => mean - self.centre_value(),
        }
    }

    fn deviation(&self) -> f64 {
        match self.scaling {
            Scaling::Raw => 1.0,
            Scaling::Standardised { deviation, .. } => deviation,
        }
    }
}
