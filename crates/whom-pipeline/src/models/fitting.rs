//! The second look, and the third: products and squared scores.

use serde::{Deserialize, Serialize};
use whom_query::{AnalysedUnits, ModelColumns, ModelUnit, QueryError};
use whom_spec::plan::StandardErrors;
use whom_stats::linear::{ClusterError, ClusterScores, Covariance, LeastSquares, Meat, RobustError};
use whom_stats::{CrossProducts, NotEstimable};

use super::design::{Design, Scratch};
use super::look::{Gathers, gathered};

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
    let designs = models.iter().map(|(_, design)| (*design).clone()).collect();
    let products = gathered(units, columns, designs)?;
    let fits: Vec<Result<LeastSquares, NotEstimable>> =
        products.iter().map(|(design, products)| products.fit(design)).collect();

    let with_fit = || models.iter().zip(&fits).filter_map(|(model, fit)| Some((model, fit.as_ref().ok()?)));
    let columns: Vec<ModelColumns> = with_fit().map(|((columns, _), _)| (*columns).clone()).collect();
    let scored = |((_, design), fit): (&(&ModelColumns, &Design), &LeastSquares)| Scored {
        design: (*design).clone(),
        fit: fit.clone(),
    };
    let mut scores = gathered(units, columns, with_fit().map(scored).collect())?.into_iter();
    let fitted = fits.iter().map(|fit| match fit {
        Err(reason) => Fitted::not_estimable(*reason),
        Ok(fit) => scores.next().map_or_else(Fitted::nothing, |(_, scores)| scores.finish(fit.clone())),
    });
    Ok(fitted.collect())
}

/// The products of a model's columns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Products {
    sums: CrossProducts,
    /// Units of the control, without which nothing is compared.
    controls: u64,
    #[serde(skip)]
    scratch: Scratch,
}

impl Gathers for Design {
    const NAME: &'static str = "products of models";
    type Gathered = Products;

    fn nothing(&self) -> Products {
        let sums = CrossProducts::new(self.interaction.columns());
        Products { sums, controls: 0, scratch: Scratch::default() }
    }

    fn add(&self, products: &mut Products, unit: ModelUnit<'_>) {
        if let ModelUnit::Complete { arm, outcome, tags, .. } = unit {
            products.controls += u64::from(arm == 0);
            self.row((arm, outcome), tags, &mut products.scratch);
            products.sums.push(&products.scratch.row);
        }
    }

    fn merge(one: &mut Products, other: &Products) {
        one.sums += &other.sums;
        one.controls += other.controls;
    }
}

impl Products {
    fn fit(&self, design: &Design) -> Result<LeastSquares, NotEstimable> {
        let interaction = &design.interaction;
        if self.sums.n() > 0 && self.controls == 0 {
            return Err(NotEstimable::EmptyArm);
        }
        LeastSquares::fit(&self.sums, &interaction.variables(), &interaction.grids())
    }
}

/// A model whose errors are asked for.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Scored {
    design: Design,
    fit: LeastSquares,
}

/// What the errors of a model are made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Scores {
    sums: Sums,
    #[serde(skip)]
    scratch: Scratch,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Sums {
    /// Nothing: the products tell the errors.
    Classical,
    Robust(Box<Meat>),
    Clustered(Box<ClusterScores>),
}

impl Gathers for Scored {
    const NAME: &'static str = "scores of models";
    type Gathered = Scores;

    fn nothing(&self) -> Scores {
        let combinations = || self.design.combinations();
        let robust = |kind| Sums::Robust(Box::new(Meat::with_combinations(&self.fit, kind, &combinations())));
        let clustered = |kind| Sums::Clustered(Box::new(ClusterScores::new(&self.fit, kind)));
        let sums = match self.design.errors {
            StandardErrors::Classical => Sums::Classical,
            StandardErrors::Hc0 => robust(RobustError::Hc0),
            StandardErrors::Hc1 => robust(RobustError::Hc1),
            StandardErrors::Hc2 => robust(RobustError::Hc2),
            StandardErrors::Hc3 => robust(RobustError::Hc3),
            StandardErrors::Cr0 => clustered(ClusterError::Cr0),
            StandardErrors::Cr1 => clustered(ClusterError::Cr1),
            StandardErrors::Cr2 => clustered(ClusterError::Cr2),
        };
        Scores { sums, scratch: Scratch::default() }
    }

    fn add(&self, scores: &mut Scores, unit: ModelUnit<'_>) {
        let ModelUnit::Complete { arm, outcome, tags, cluster } = unit else { return };
        self.design.row((arm, outcome), tags, &mut scores.scratch);
        match &mut scores.sums {
            Sums::Classical => {}
            Sums::Robust(meat) => meat.push(&scores.scratch.row),
            Sums::Clustered(sums) => {
                // Every cluster has a number since the first look.
                let number = self.design.clusters.get(cluster).copied().unwrap_or(u64::MAX);
                sums.push(number, &scores.scratch.row);
            }
        }
    }

    fn merge(one: &mut Scores, other: &Scores) {
        match (&mut one.sums, &other.sums) {
            (Sums::Robust(meat), Sums::Robust(other)) => **meat += other,
            (Sums::Clustered(scores), Sums::Clustered(other)) => **scores += other,
            _ => {}
        }
    }
}

impl Scores {
    fn finish(self, fit: LeastSquares) -> Fitted {
        let (errors, effective_clusters) = match self.sums {
            Sums::Classical => (Ok(fit.classical()), None),
            Sums::Robust(meat) => (meat.covariance(), None),
            Sums::Clustered(scores) => (scores.covariance(), Some(scores.effective_clusters())),
        };
        Fitted { fit: Ok(fit), errors, effective_clusters }
    }
}
