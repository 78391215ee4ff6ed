//! The tags of all cohorts, counted at once: codes by a pass, numbers by a look at the unit table.

use std::sync::Arc;

use whom_engine::blocking;
use whom_query::{CohortSums, QueryError, Spread};
use whom_report::TagDifference;
use whom_stats::{BucketSet, ColumnHistogram, NodeHistogram, Pass, Routing, TreePass};

use crate::profile::{Group, TagGroup, profile};
use crate::study::Study;

/// The units of everybody, of each leaf of a tree, and of each pre-registered cohort.
pub(crate) struct Profiles {
    everybody: Group,
    /// In the order of the leaves.
    leaves: Vec<Group>,
    /// In the order of the file.
    registered: Vec<Group>,
}

impl Profiles {
    /// Counts them.
    ///
    /// # Errors
    /// [`QueryError::Engine`] if the run is cancelled or the units cannot be read back.
    pub(crate) async fn count(study: &Study<'_>, tree: &Routing) -> Result<Self, QueryError> {
        let answer = study.units.source.answer(Pass { trees: requests(study, tree) }).await?;
        let sums = if study.units.bins.iter().any(|bins| bins.shape().ordered) {
            let (units, tree) = (Arc::clone(study.units), tree.clone());
            Some(blocking(study.units.cancel(), move || units.sums_by_cohort(&tree)).await?)
        } else {
            None
        };
        let counted = Counted { study, sums };
        let mut trees = answer.trees.iter();
        let leaves = trees.next().into_iter().flatten().enumerate();
        Ok(Self {
            everybody: everybody(study),
            leaves: leaves.map(|(rank, leaf)| counted.group(leaf, &|sums, tag| sums.in_leaf(tag, rank))).collect(),
            registered: trees
                .flatten()
                .enumerate()
                .map(|(place, members)| counted.group(members, &|sums, tag| sums.in_registered(tag, place)))
                .collect(),
        })
    }

    /// How the units of a leaf, by its rank among the leaves, differ from everybody.
    pub(crate) fn of_leaf(&self, study: &Study<'_>, rank: usize) -> Vec<TagDifference> {
        self.differences(study, self.leaves.get(rank))
    }

    /// How the units of a pre-registered cohort differ from everybody.
    pub(crate) fn of_registered(&self, study: &Study<'_>, place: usize) -> Vec<TagDifference> {
        self.differences(study, self.registered.get(place))
    }

    fn differences(&self, study: &Study<'_>, group: Option<&Group>) -> Vec<TagDifference> {
        group.map_or_else(Vec::new, |group| profile(&study.units.bins, &self.everybody, group))
    }
}

/// The categorical tags, whose codes are counted.
fn categorical(study: &Study<'_>) -> Vec<usize> {
    (0..study.units.bins.len()).filter(|tag| !study.units.bins[*tag].shape().ordered).collect()
}

/// The leaves of the tree, and the members of each pre-registered cohort.
fn requests(study: &Study<'_>, tree: &Routing) -> Vec<TreePass> {
    let (buckets, columns) = (BucketSet::all(), categorical(study));
    let request = |routing: Routing, nodes| {
        let (buckets, columns) = (buckets.clone(), columns.clone());
        TreePass { routing, buckets, weights: None, within: None, nodes, columns }
    };
    let mut requests = vec![request(tree.clone(), tree.leaves().collect())];
    for place in 0..study.plan.cohorts.len() {
        let mut routing = Routing::root();
        let members = routing.split(0, study.units.cohort_column(place), [1].into_iter().collect());
        requests.extend(members.map(|(members, _)| request(routing, vec![members])));
    }
    requests
}

fn everybody(study: &Study<'_>) -> Group {
    let tally = &study.units.tally;
    let tags = tally.tags.iter().map(|tag| match &tag.sums {
        Some(sums) => TagGroup::Numbers(sums.spread(0..sums.groups())),
        None => TagGroup::Codes(tag.by_code()),
    });
    Group { units: tally.units(), tags: tags.collect() }
}

struct Counted<'a> {
    study: &'a Study<'a>,
    /// `None` without a numeric tag.
    sums: Option<CohortSums>,
}

impl Counted<'_> {
    /// A cohort, from its units by code and the sums of its numbers.
    fn group(&self, counted: &NodeHistogram, numbers: &dyn Fn(&CohortSums, usize) -> Option<Spread>) -> Group {
        let mut codes = counted.columns.iter();
        let tags = self.study.units.bins.iter().enumerate().map(|(tag, bins)| {
            if bins.shape().ordered {
                TagGroup::Numbers(self.sums.as_ref().and_then(|sums| numbers(sums, tag)))
            } else {
                TagGroup::Codes(codes.next().map_or_else(Vec::new, by_code))
            }
        });
        Group { units: counted.totals.total_units(), tags: tags.collect() }
    }
}

/// Units by code, over all arms.
fn by_code(histogram: &ColumnHistogram) -> Vec<u64> {
    histogram.cells().map(|cell| cell.units.iter().sum()).collect()
}
