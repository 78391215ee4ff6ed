//! Two arms where units were assigned with their cluster: the values are those of the units, and the errors are by cluster.

mod adjusted;
mod beside;
mod measuring;
mod shared;

use std::sync::Arc;

use whom_engine::{EngineError, blocking};
use whom_query::clusters::Asked;
use whom_query::{Among, ClusterTotals, QueryError};
use whom_report::Fold;
use whom_stats::{
    BucketSet, CONTROL, ClusterColumn, ClusterMeans, Clusters, Comparison as Values, Grid, Moments, NotEstimable,
    Routing, Sample, Source, UnbiasedMean, Unreliable,
};

use beside::ArmClusters;

use crate::comparison::{Comparison, Contrast, Effect};
use crate::estimation::Estimation;
use crate::study::Study;

pub(crate) use beside::{Beside, Together};
pub(crate) use measuring::enough_clusters;
pub(crate) use shared::Sharing;

use adjusted::Covariates;

/// The sums of clusters, of which errors are made.
pub(crate) struct Clustered(pub(crate) ClusterTotals);

/// The totals of the treatment's clusters and of the control's; each has the sums above, and those below of a ratio.
type Arms = [[Vec<Moments>; 2]; 2];

impl Clustered {
    /// Sums over everybody and the pre-registered cohorts; `None` where units were assigned by themselves.
    pub(crate) async fn of_declared(study: &Study<'_>) -> Result<Option<Self>, EngineError> {
        let units = Arc::clone(study.units);
        let counted = blocking(study.units.cancel(), move || units.cluster_totals()).await;
        Ok(counted.map_err(uncounted)?.map(Self))
    }

    /// Sums over the leaves of a tree, one for each of these folds; nothing where units were assigned by themselves.
    pub(crate) async fn of_leaves(study: &Study<'_>, tree: &Routing, folds: &[Fold]) -> Result<Vec<Self>, EngineError> {
        let (units, tree) = (Arc::clone(study.units), tree.clone());
        let folds: Vec<BucketSet> = folds.iter().map(|fold| study.buckets(*fold).clone()).collect();
        let counted = blocking(study.units.cancel(), move || units.cluster_totals_in(&tree, &folds)).await;
        Ok(counted.map_err(uncounted)?.into_iter().flatten().map(Self).collect())
    }

    /// A comparison among some units with its error by cluster.
    pub(crate) fn compare(&self, units: Comparison, among: Among, estimation: &Estimation<'_>) -> Comparison {
        let covariates = self.covariates(&units, among, estimation);
        compared(units, (self.arms(among, estimation), covariates), estimation)
    }

    /// A comparison over some leaves with its error by cluster.
    pub(crate) fn compare_leaves(
        &self,
        units: Comparison,
        leaves: &[usize],
        estimation: &Estimation<'_>,
    ) -> Comparison {
        let sums = |asked, arm| self.0.over(leaves, asked, arm);
        let covariates = Covariates::of(&units, estimation, self.0.arms(), sums);
        compared(units, (of_arms(estimation, sums), covariates), estimation)
    }

    /// Why everybody is in too few clusters for tests that take the clusters of an arm for many; `None` if there are enough.
    pub(crate) fn too_few(&self, estimation: &Estimation<'_>) -> Option<String> {
        let values = self.arms(Among::Everybody, estimation).and_then(|arms| values(&arms, estimation));
        match values.map(|measured| measured.values.unreliable) {
            Ok(Some(few @ Unreliable::FewClusters { .. })) => Some(few.to_string()),
            Ok(_) => None,
            Err(reason) => Some(reason.to_string()),
        }
    }

    /// A cohort against the rest, whose errors go together where both have units of a cluster.
    pub(crate) fn contrast(
        &self,
        units: Contrast,
        [cohort, rest]: [Among; 2],
        estimation: &Estimation<'_>,
    ) -> Contrast {
        let of_cohort = self.covariates(&units.cohort, cohort, estimation);
        let together = match (of_cohort, self.covariates(&units.rest, rest, estimation)) {
            (Some(of_cohort), Some(of_rest)) if of_cohort.is_adjusted || of_rest.is_adjusted => {
                let difference = of_cohort.clusters().less(&of_rest.clusters());
                difference.map(|estimate| Together { estimate, errors: None })
            }
            _ => self
                .arms(cohort, estimation)
                .and_then(|cohort| difference(&cohort, &self.arms(rest, estimation)?, estimation)),
        };
        Contrast {
            cohort: self.compare(units.cohort, cohort, estimation),
            rest: self.compare(units.rest, rest, estimation),
            together: Some(together),
        }
    }

    fn arms(&self, among: Among, estimation: &Estimation<'_>) -> Result<Arms, NotEstimable> {
        of_arms(estimation, |asked, arm| self.0.of(among, asked, arm))
    }

    fn covariates(&self, units: &Comparison, among: Among, estimation: &Estimation<'_>) -> Option<Covariates> {
        Covariates::of(units, estimation, self.0.arms(), |asked, arm| self.0.of(among, asked, arm))
    }
}

pub(crate) fn uncounted(error: QueryError) -> EngineError {
    match error {
        QueryError::Engine(error) => error,
        other => EngineError::Internal(other.to_string()),
    }
}

/// The sums of both arms of a question, given those of each.
fn of_arms(
    estimation: &Estimation<'_>,
    sums: impl Fn(Asked, usize) -> Option<[Vec<Moments>; 2]>,
) -> Result<Arms, NotEstimable> {
    let asked = Asked::of(estimation.outcome);
    let of = |arm: usize| sums(asked, arm).ok_or(NotEstimable::NotCounted);
    Ok([of(estimation.question.treatment)?, of(CONTROL)?])
}

/// What was compared unit by unit, with its error by cluster.
fn compared(
    units: Comparison,
    (arms, covariates): (Result<Arms, NotEstimable>, Option<Covariates>),
    estimation: &Estimation<'_>,
) -> Comparison {
    let holding = |arm: &[Vec<Moments>; 2]| arm[0].iter().filter(|total| total.n > 0).count() as u64;
    let clusters = arms.as_ref().ok().map(|[treatment, control]| [control, treatment].map(holding));
    let judged = units.effect.as_ref().ok().and_then(Effect::unreliable);
    let judged = |values: Values| Values { unreliable: values.unreliable.or(judged), ..values };
    let plain = arms.and_then(|arms| values(&arms, estimation));
    let units = Comparison { clusters, method: method(estimation), ..units };
    match (plain, covariates.filter(|covariates| covariates.is_adjusted)) {
        (Ok(Measured { values, .. }), Some(covariates)) => {
            let found = covariates.clusters().compare().map(judged);
            adjusted::compared(units, judged(values), (found, covariates.method()))
        }
        (Ok(Measured { values, beside }), None) => Comparison { beside, ..adjusted::unadjusted(units, judged(values)) },
        (Err(reason), _) => Comparison { effect: Err(reason), ..units },
    }
}

/// The arms' values with their errors by cluster, and what is told beside these.
struct Measured {
    values: Values,
    beside: Option<Beside>,
}

impl Measured {
    fn difference(&self) -> Result<Together, NotEstimable> {
        let estimate = self.values.difference()?;
        let beside = self.beside.as_ref();
        Ok(Together {
            estimate,
            errors: beside.and_then(|beside| beside.errors(estimate.degrees_of_freedom, Values::difference)),
        })
    }
}

/// How rows name what is not adjusted.
fn method(estimation: &Estimation<'_>) -> &'static str {
    if estimation.outcome.denominator.is_some() { "clustered_ratio" } else { "clustered" }
}

/// The grids of a ratio's numerator and denominator; `None` for a mean.
fn ratio_grids(estimation: &Estimation<'_>) -> Option<[Grid; 2]> {
    estimation.outcome.denominator?;
    estimation.grids.get(..2)?.try_into().ok()
}

fn values(arms: &Arms, estimation: &Estimation<'_>) -> Result<Measured, NotEstimable> {
    let sides = [vec![&arms[0]], vec![&arms[1]]];
    if let Some(grids) = ratio_grids(estimation) {
        let sample = |arm: &[Vec<Moments>; 2]| ratios(&[arm], grids);
        let values = Values::of_means(&sample(&arms[0])?, &sample(&arms[1])?, 0)?;
        return Ok(measured(values, sides, [None, None]));
    }
    let (grid, centre) = (estimation.grid, centre(arms.iter().map(|arm| &arm[0])));
    let mean = |arm: usize| ClusterMeans { totals: &arms[arm][0], grid, centre }.mean();
    let [treatment, control] = [mean(0)?, mean(1)?];
    let plain = [Some(treatment.plain_variance), Some(control.plain_variance)];
    Ok(measured(of_means(treatment, control, grid.from_grid(centre)), sides, plain))
}

/// With what is told beside, given the sums of both arms and their variances of type CR0.
fn measured(values: Values, sides: [Vec<&[Vec<Moments>; 2]>; 2], plain: [Option<f64>; 2]) -> Measured {
    let [treatment, control] = sides;
    let arms = [(treatment, plain[0]), (control, plain[1])];
    let arms = arms.map(|(sides, plain_variance)| ArmClusters { sides, plain_variance });
    Measured { beside: Beside::of(&values, &arms), values }
}

/// The effect in a cohort less that in the rest.
fn difference(cohort: &Arms, rest: &Arms, estimation: &Estimation<'_>) -> Result<Together, NotEstimable> {
    let sides = [0, 1].map(|arm| vec![&cohort[arm], &rest[arm]]);
    if let Some(grids) = ratio_grids(estimation) {
        let sample = |arm: usize| ratios(&[&cohort[arm], &rest[arm]], grids)?.with_difference(0, 1);
        return measured(Values::of_means(&sample(0)?, &sample(1)?, 2)?, sides, [None, None]).difference();
    }
    let (grid, centre) = (estimation.grid, centre(cohort.iter().chain(rest).map(|arm| &arm[0])));
    let of = |arm: &[Vec<Moments>; 2]| -> Vec<Moments> { arm[0].clone() };
    let less = |arm: usize| {
        let (cohort, rest) = (of(&cohort[arm]), of(&rest[arm]));
        ClusterMeans { totals: &cohort, grid, centre }.less(ClusterMeans { totals: &rest, grid, centre })
    };
    let [treatment, control] = [less(0)?, less(1)?];
    let plain = [Some(treatment.plain_variance), Some(control.plain_variance)];
    measured(of_means(treatment, control, 0.0), sides, plain).difference()
}

/// The grid value below the mean of all.
fn centre<'a>(totals: impl Iterator<Item = &'a Vec<Moments>>) -> i64 {
    let all = totals.flatten().fold(Moments::default(), |sum, total| sum + *total);
    all.sum.checked_div_euclid(i128::from(all.n)).and_then(|centre| i64::try_from(centre).ok()).unwrap_or(0)
}

fn of_means(treatment: UnbiasedMean, control: UnbiasedMean, centre: f64) -> Values {
    let of_treatment =
        Source { treatment: treatment.variance, degrees_of_freedom: treatment.degrees_of_freedom, ..Source::default() };
    let of_control =
        Source { control: control.variance, degrees_of_freedom: control.degrees_of_freedom, ..Source::default() };
    Values {
        treatment: centre + treatment.offset,
        control: centre + control.offset,
        difference: treatment.offset - control.offset,
        sources: vec![of_treatment, of_control],
        unreliable: treatment.unreliable.or(control.unreliable),
    }
}

/// The ratios of the units of some sides of one arm.
fn ratios(sides: &[&[Vec<Moments>; 2]], grids: [Grid; 2]) -> Result<Sample, NotEstimable> {
    let clusters = sides.first().map_or(0, |side| side[0].len());
    let total = |cluster: usize| sides.iter().flat_map(|side| [side[0][cluster], side[1][cluster]]).collect();
    let columns: Vec<ClusterColumn> =
        (0..sides.len()).map(|side| ClusterColumn::Ratio { totals: [2 * side, 2 * side + 1], grids }).collect();
    let sample = Clusters::new((0..clusters).map(total)).sample(&columns, None);
    sample.map_err(|reason| if reason == NotEstimable::OneUnit { NotEstimable::OneCluster } else { reason })
}
