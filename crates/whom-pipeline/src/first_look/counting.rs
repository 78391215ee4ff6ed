//! Units by code, arm and metric, over all tags at once: the pass that asks for the root of a tree.
//!
//! Statistics by cell and bucket would hold a table for each of 1,024 buckets, which nothing here needs. The histograms of a
//! pass are the same integers on the reporting grid, without buckets, and so are the cross-products of metrics that are no plain
//! means, which are counted by level once there are levels.

use std::ops::Range;

use whom_engine::EngineError;
use whom_stats::{
    BucketSet, ColumnHistogram, Grouping, Moments, Pass, PooledProducts, ProductGroup, Routing, TreePass,
};

use super::levels::Level;
use super::primary;
use crate::leaf_sums::in_strata;
use crate::study::Study;

/// Bytes of histograms that one pass answers with; more tags are counted in several passes.
const PASS_BYTES: usize = 64 << 20;

/// The tag columns, in stretches that are counted together.
pub(super) fn passes(study: &Study<'_>) -> Vec<Range<usize>> {
    let bytes = |column: usize| {
        let moments = study.strata() * study.plan.split.variants.len() * study.grids.len() * size_of::<Moments>();
        study.units.bins[column].shape().codes * moments
    };
    let sizes: Vec<usize> = (0..study.units.bins.len()).map(bytes).collect();
    stretches(&sizes, PASS_BYTES)
}

/// Stretches of neighbours whose sizes add up to no more than a limit; one that is larger by itself stands alone.
fn stretches(sizes: &[usize], limit: usize) -> Vec<Range<usize>> {
    let mut stretches: Vec<Range<usize>> = Vec::new();
    let mut sum = 0;
    for (place, size) in sizes.iter().enumerate() {
        sum += size;
        match stretches.last_mut() {
            Some(last) if sum <= limit => last.end = place + 1,
            _ => {
                stretches.push(place..place + 1);
                sum = *size;
            }
        }
    }
    stretches
}

/// The units of all folds by the codes of some columns.
pub(super) async fn by_code(study: &Study<'_>, columns: Range<usize>) -> Result<Vec<ColumnHistogram>, EngineError> {
    let everybody = TreePass {
        routing: Routing::root(),
        buckets: BucketSet::all(),
        weights: None,
        within: study.units.strata().map(|(_, column)| column),
        nodes: vec![0],
        columns: columns.collect(),
    };
    let answer = study.units.source.answer(Pass { trees: vec![everybody] }).await?;
    Ok(answer.trees.into_iter().flatten().flat_map(|node| node.columns).collect())
}

/// By tag, the cross-products of its levels (of several strata, of each stratum of the first level, then of the second, and so on), for the primary metrics that need some; nothing where none does.
pub(super) async fn products(
    study: &Study<'_>,
    levels: &[Vec<Level>],
) -> Result<Option<Vec<PooledProducts>>, EngineError> {
    let groups = groups(study);
    if groups.iter().all(|group| group.columns.is_empty()) {
        return Ok(None);
    }
    let routings = levels.iter().enumerate().map(|(column, levels)| in_strata(study, &routing(column, levels)));
    let groupings = routings.map(Grouping::Leaves);
    study.units.source.pooled(groupings.collect(), groups).await.map(Some)
}

/// The groups of products in their places, those that no primary metric needs without a column.
fn groups(study: &Study<'_>) -> Vec<ProductGroup> {
    let needed: Vec<usize> = primary(study).filter_map(|question| study.outcome(question.metric).group).collect();
    let of = |(place, group): (usize, &ProductGroup)| {
        if needed.contains(&place) { group.clone() } else { ProductGroup { columns: Vec::new() } }
    };
    study.units.groups.iter().enumerate().map(of).collect()
}

/// A tree whose leaves are the levels in their order: each level is split off from those after it.
pub(super) fn routing(column: usize, levels: &[Level]) -> Routing {
    let (mut routing, mut rest) = (Routing::root(), 0);
    for level in levels.iter().take(levels.len().saturating_sub(1)) {
        if let Some((_, others)) = routing.split(rest, column, level.codes.clone()) {
            rest = others;
        }
    }
    routing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_hold_every_column_once_and_what_fits() {
        assert_eq!(stretches(&[3, 3, 3, 9, 1, 20, 1, 1], 10), [0..3, 3..5, 5..6, 6..8]);
        assert!(stretches(&[], 10).is_empty());
        assert_eq!(stretches(&[11, 1], 10), [0..1, 1..2]);
    }
}
