//! What every analysis stage works with: the plan, the units, and the names and grids of their columns.

use std::sync::Arc;

use whom_engine::EngineError;
use whom_query::AnalysedUnits;
use whom_query::Outcome;
use whom_query::compile::Compiled;
use whom_report::{self as report, Evidence, Seal};
use whom_spec::plan::{Direction, Metric, Plan, Reference as PlanReference, Test};
use whom_stats::{
    Alternative, ArmSums, BucketSet, CellStatistics, CellSums, Check, Fold, Folds, Grid, Grouping, Measured, Reference,
    Target,
};

use crate::comparison::{Comparison, Contrast, Sides};
use crate::estimation::Estimation;
use crate::replication::Replication;

/// The most strata within which cohorts are searched for. Of more, most leaves would lack an arm in some, and their effects could
/// not be measured.
pub(crate) const MOST_SEARCHED_STRATA: usize = 32;

/// An experiment whose units can be asked.
pub(crate) struct Study<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) compiled: &'a Compiled,
    pub(crate) units: &'a Arc<AnalysedUnits>,
    pub(crate) folds: Folds,
    /// The grids of the integers that passes and products see.
    pub(crate) grids: Vec<Grid>,
    pub(crate) everyone: BucketSet,
    /// How the plan stands to those that were registered; `None` if none were.
    pub(crate) seal: Option<Seal>,
    /// The how-manieth discovery of the experiment this is on the measuring fold, from 1.
    pub(crate) look: usize,
    /// The findings that are measured again, if any are.
    pub(crate) replication: Option<Replication<'a>>,
}

/// A treatment on a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    /// The treatment's arm.
    pub(crate) treatment: usize,
    /// The metric's place in the file.
    pub(crate) metric: usize,
}

impl<'a> Study<'a> {
    pub(crate) fn new(plan: &'a Plan, compiled: &'a Compiled, units: &'a Arc<AnalysedUnits>) -> Self {
        Self {
            plan,
            compiled,
            units,
            folds: whom_query::folds(plan),
            grids: units.grids(),
            everyone: BucketSet::all(),
            seal: None,
            look: 1,
            replication: None,
        }
    }

    /// The same units with other folds. It knows no seal: what it finds is no evidence.
    pub(crate) fn with_folds(&self, folds: Folds) -> Self {
        Self { folds, ..Self::new(self.plan, self.compiled, self.units) }
    }

    /// Other units in the same folds, as [`Self::with_folds`].
    pub(crate) fn with_units<'u>(&self, units: &'u Arc<AnalysedUnits>) -> Study<'u>
    where
        'a: 'u,
    {
        Study { folds: self.folds.clone(), ..Study::new(self.plan, self.compiled, units) }
    }

    /// What declared things are evidence of.
    pub(crate) fn declared_evidence(&self) -> Evidence {
        if self.seal.as_ref().is_some_and(Seal::is_kept) { Evidence::Sealed } else { Evidence::Declared }
    }

    /// What the measuring fold shows of what was discovered is evidence of. Only the first to look at it could not choose by what it says.
    pub(crate) fn discovered_evidence(&self) -> Evidence {
        if self.look > 1 { Evidence::Exploratory } else { Evidence::HeldOut }
    }

    /// The name of an arm.
    pub(crate) fn variant(&self, arm: usize) -> &str {
        self.plan.split.variants.get(arm).map_or("", |variant| variant.name.as_str())
    }

    /// The arms of the treatments.
    pub(crate) fn treatments(&self) -> std::ops::Range<usize> {
        1..self.plan.split.variants.len()
    }

    /// A metric by its place.
    pub(crate) fn metric(&self, place: usize) -> &Metric {
        &self.plan.metrics[place]
    }

    /// What the confirmatory tests of a metric are against.
    pub(crate) fn alternative(&self, place: usize) -> Alternative {
        let metric = self.metric(place);
        match (metric.test, metric.desired) {
            (Test::OneSided, Direction::Increase) => Alternative::Greater,
            (Test::OneSided, Direction::Decrease) => Alternative::Less,
            (Test::TwoSided, _) | (Test::OneSided, Direction::None) => Alternative::TwoSided,
        }
    }

    /// The columns of a metric by its place.
    pub(crate) fn outcome(&self, place: usize) -> &'a Outcome {
        &self.units.outcomes()[place]
    }

    /// How a question is estimated.
    pub(crate) fn estimation(&self, question: Question) -> Estimation<'a> {
        let outcome = self.outcome(question.metric);
        let group = outcome.group.and_then(|group| self.units.groups.get(group));
        let grid = self.grids[outcome.value];
        Estimation { question, outcome, grid, grids: Estimation::grids_of(group, &self.grids), parent: None }
    }

    /// The question on the column that trees see, in a cell.
    pub(crate) fn searched(&self, question: Question, cell: usize) -> Target {
        Target { metric: self.outcome(question.metric).search, treatment: question.treatment, cell }
    }

    /// Every treatment on every metric.
    pub(crate) fn questions(&self) -> impl Iterator<Item = Question> + '_ {
        (0..self.plan.metrics.len())
            .flat_map(|metric| self.treatments().map(move |treatment| Question { treatment, metric }))
    }

    /// Whether this run searches for cohorts: its plan says so, and there are not too many strata.
    pub(crate) fn searches(&self) -> bool {
        self.plan.searches() && self.strata() <= MOST_SEARCHED_STRATA
    }

    /// Whether units were assigned with their cluster.
    pub(crate) fn is_clustered(&self) -> bool {
        self.units.clusters.is_some()
    }

    /// What is said where only the strata are too many to search.
    pub(crate) fn unsearched(&self) -> Option<Check> {
        let strata = self.strata();
        let told = |detail: String| {
            let check = Check::ruled("search within strata", true, detail).as_advice();
            check.with_fix("name a column with fewer values in `split.strata`, or choose some of them by `where`; averages and declared cohorts are compared in any case")
        };
        (self.plan.searches() && !self.searches()).then(|| {
            told(format!("nothing is searched within {strata} strata, of which there may be {MOST_SEARCHED_STRATA}"))
        })
    }

    /// The questions that discovery asks: the declared treatments on the declared primary metrics; none where nothing is searched.
    pub(crate) fn targets(&self) -> Vec<Question> {
        if !self.searches() {
            return Vec::new();
        }
        let discover = &self.plan.discover;
        self.questions()
            .filter(|question| {
                self.plan.searches_on(&self.metric(question.metric).name)
                    && discover.treatments.iter().any(|name| name.as_str() == self.variant(question.treatment))
            })
            .collect()
    }

    /// The name of a tree for one question.
    pub(crate) fn question_name(&self, question: Question) -> String {
        format!("{} on {}", self.variant(question.treatment), self.metric(question.metric).name.value)
    }

    /// The units of a fold, or all.
    pub(crate) fn buckets(&self, fold: report::Fold) -> &BucketSet {
        match fold {
            report::Fold::Discover => self.folds.buckets(Fold::Discover),
            report::Fold::Measure => self.folds.buckets(Fold::Measure),
            report::Fold::Judge => self.folds.buckets(Fold::Judge),
            report::Fold::All => &self.everyone,
        }
    }

    /// Statistics by cell over the buckets of a fold.
    pub(crate) fn measured<'b>(&'b self, cells: &'b CellStatistics, fold: report::Fold) -> Measured<'b> {
        Measured { cells, buckets: self.buckets(fold), grids: &self.grids }
    }

    /// The number of strata that arms are compared within: one where all units are comparable.
    pub(crate) fn strata(&self) -> usize {
        self.units.strata().map_or(1, |(strata, _)| strata.count().max(1))
    }

    /// A question over everybody in a fold, whose cells are strata where there are some.
    pub(crate) fn compare(&self, everybody: &CellSums, fold: report::Fold, question: Question) -> Comparison {
        let buckets = self.buckets(fold);
        let strata: Vec<ArmSums> = (0..self.strata()).map(|stratum| everybody.sum(stratum, buckets)).collect();
        self.compare_units(&strata, question)
    }

    /// A question over some units, given by stratum.
    pub(crate) fn compare_units(&self, strata: &[ArmSums], question: Question) -> Comparison {
        Comparison::of_strata(strata, &self.estimation(question))
    }

    /// The units of a cell in a fold, and the rest.
    pub(crate) fn sides(&self, cells: &CellSums, fold: report::Fold, cell: usize) -> Sides {
        Sides::of(cells, cell, self.buckets(fold))
    }

    /// A question on a cohort and the rest.
    pub(crate) fn contrast(&self, sides: &Sides, question: Question) -> Contrast {
        sides.compare(self.estimation(question))
    }

    /// Everything that metrics are estimated from, for several ways of putting units into cells.
    pub(crate) async fn sums(&self, groupings: Vec<Grouping>) -> Result<Vec<CellSums>, EngineError> {
        self.units.source.sums(groupings, self.units.groups.clone()).await
    }

    /// The distribution that tests and individual intervals refer to.
    pub(crate) fn reference(&self) -> Reference {
        match self.plan.validate.reference {
            PlanReference::T => Reference::T,
            PlanReference::Normal => Reference::Normal,
        }
    }
}
