//! The second look, and the third: products and squared scores.

use whom_query::{AnalysedUnits, ModelColumns, ModelUnit, QueryError};
use whom_spec::plan::StandardErrors;
use whom_stats::linear::{ClusterError, ClusterScores, Covariance, LeastSquares, Meat, RobustError};
use whom_stats::{CrossProducts, NotEstimable};

use super::design::{Design, Scratch};

/// A model with its coefficients and their errors.
pub(super) struct Fitted {
    pub(super) fit: Result<LeastSquares, NotEstimable>,
    pub(super) errors: Result<Covariance, NotEstimable>,
    pub(super) effective_clusters: Option<f64>,
}

impl Fitted {
    /// A model that was not fitted.
    pub(super) fn nothing() -> Self {
        Self::not_estimable(NotEstimable::NoUnits)
    }

    fn not_estimable(reason: NotEstimable) -> Self {
        Self { fit: Err(reason), errors: Err(reason), effective_clusters: None }
    }
}

/// Fits all models in two looks at the units.
pub(super) fn fit_all(units: &AnalysedUnits, models: &[(&ModelColumns, &Design)]) -> Result<Vec<Fitted>, QueryError> {
    let columns: Vec<ModelColumns> = models.iter().map(|(columns, _)| (*columns).clone()).collect();
    let empty = || models.iter().map(|(_, design)| Products::of(design)).collect();
    let products = units.look_for_models(&columns, empty, Products::add, Products::merge)?;
    let fits: Vec<Result<LeastSquares, NotEstimable>> = products.iter().map(Products::fit).collect();

    let with_fit = || models.iter().zip(&fits).filter_map(|(model, fit)| Some((model, fit.as_ref().ok()?)));
    let columns: Vec<ModelColumns> = with_fit().map(|((columns, _), _)| (*columns).clone()).collect();
    let empty = || with_fit().map(|((_, design), fit)| Scores::of(design, fit)).collect();
    let mut scores = units.look_for_models(&columns, empty, Scores::add, Scores::merge)?.into_iter();
    let fitted = fits.iter().map(|fit| match fit {
        Err(reason) => Fitted::not_estimable(*reason),
        Ok(fit) => scores.next().map_or_else(Fitted::nothing, |scores| scores.finish(fit.clone())),
    });
    Ok(fitted.collect())
}

/// The products of a model's columns.
struct Products<'a> {
    design: &'a Design,
    sums: CrossProducts,
    /// Units of the control, without which nothing is compared.
    controls: u64,
    scratch: Scratch,
}

impl<'a> Products<'a> {
    fn of(design: &'a Design) -> Self {
        let sums = CrossProducts::new(design.interaction.columns());
        Self { design, sums, controls: 0, scratch: Scratch::default() }
    }

    fn add(&mut self, unit: ModelUnit<'_>) {
        if let ModelUnit::Complete { arm, outcome, tags, .. } = unit {
            self.controls += u64::from(arm == 0);
            self.design.row((arm, outcome), tags, &mut self.scratch);
            self.sums.push(&self.scratch.row);
        }
    }

    fn merge(&mut self, other: &Self) {
        self.sums += &other.sums;
        self.controls += other.controls;
    }

    fn fit(&self) -> Result<LeastSquares, NotEstimable> {
        let interaction = &self.design.interaction;
        if self.sums.n() > 0 && self.controls == 0 {
            return Err(NotEstimable::EmptyArm);
        }
        LeastSquares::fit(&self.sums, &interaction.variables(), &interaction.grids())
    }
}

/// What the errors of a model are made of.
struct Scores<'a> {
    design: &'a Design,
    sums: Sums,
    scratch: Scratch,
}

enum Sums {
    /// Nothing: the products tell the errors.
    Classical,
    Robust(Box<Meat>),
    Clustered(Box<ClusterScores>),
}

impl<'a> Scores<'a> {
    fn of(design: &'a Design, fit: &LeastSquares) -> Self {
        let robust = |kind| Sums::Robust(Box::new(Meat::new(fit, kind)));
        let clustered = |kind| Sums::Clustered(Box::new(ClusterScores::new(fit, kind)));
        let sums = match design.errors {
            StandardErrors::Classical => Sums::Classical,
            StandardErrors::Hc0 => robust(RobustError::Hc0),
            StandardErrors::Hc1 => robust(RobustError::Hc1),
            StandardErrors::Hc2 => robust(RobustError::Hc2),
            StandardErrors::Hc3 => robust(RobustError::Hc3),
            StandardErrors::Cr0 => clustered(ClusterError::Cr0),
            StandardErrors::Cr1 => clustered(ClusterError::Cr1),
            StandardErrors::Cr2 => clustered(ClusterError::Cr2),
        };
        Self { design, sums, scratch: Scratch::default() }
    }

    fn add(&mut self, unit: ModelUnit<'_>) {
        let ModelUnit::Complete { arm, outcome, tags, cluster } = unit else { return };
        self.design.row((arm, outcome), tags, &mut self.scratch);
        match &mut self.sums {
            Sums::Classical => {}
            Sums::Robust(meat) => meat.push(&self.scratch.row),
            Sums::Clustered(scores) => {
                // Every cluster has a number since the first look.
                let number = self.design.clusters.get(cluster).copied().unwrap_or(u64::MAX);
                scores.push(number, &self.scratch.row);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        match (&mut self.sums, &other.sums) {
            (Sums::Robust(meat), Sums::Robust(other)) => **meat += other,
            (Sums::Clustered(scores), Sums::Clustered(other)) => **scores += other,
            _ => {}
        }
    }

    fn finish(self, fit: LeastSquares) -> Fitted {
        let (errors, effective_clusters) = match self.sums {
            Sums::Classical => (Ok(fit.classical()), None),
            Sums::Robust(meat) => (meat.covariance(), None),
            Sums::Clustered(scores) => (scores.covariance(), Some(scores.effective_clusters())),
        };
        Fitted { fit: Ok(fit), errors, effective_clusters }
    }
}
