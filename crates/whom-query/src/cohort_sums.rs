//! The third look at all units, once cohorts are known: sums of the numeric tags by cohort.

use serde::{Deserialize, Serialize};
use whom_stats::routing::Routing;
use whom_stats::{CodeColumn, NodeIndex};

use crate::analysed::AnalysedUnits;
use crate::bins::{Encoder, TagBins};
use crate::bucket_sums::{BucketSums, Spread};
use crate::compile::NamedColumn;
use crate::error::QueryError;
use crate::look::Look;
use crate::tag_values::TagValues;
use crate::unit_schema::UnitSchema;
use crate::unit_table::UnitRows;

/// The known values of the numeric tags in each leaf of a tree, and in each pre-registered cohort.
#[derive(Debug)]
pub struct CohortSums {
    /// By tag; `None` for a categorical one. The groups are the leaves, then the pre-registered cohorts.
    tags: Vec<Option<BucketSums>>,
    leaves: usize,
}

impl CohortSums {
    /// The values of a tag in a leaf, by its rank among the leaves; `None` without a value, or for a categorical tag.
    pub fn in_leaf(&self, tag: usize, rank: usize) -> Option<Spread> {
        self.tags.get(tag)?.as_ref()?.spread(rank..rank + 1)
    }

    /// The values of a tag in the pre-registered cohort at a place in the file.
    pub fn in_registered(&self, tag: usize, place: usize) -> Option<Spread> {
        self.in_leaf(tag, self.leaves + place)
    }
}

impl AnalysedUnits {
    /// Sums the numeric tags over the leaves of a tree and over the pre-registered cohorts. Keeps processors busy.
    ///
    /// # Errors
    /// As [`AnalysedUnits::new`].
    pub fn sums_by_cohort(&self, tree: &Routing) -> Result<CohortSums, QueryError> {
        tree.check(self.shapes.len()).map_err(|error| QueryError::Internal(error.to_string()))?;
        let look = CohortLook {
            schema: self.schema.clone(),
            bins: self.bins.clone(),
            centres: self.centres.clone(),
            tree: tree.clone(),
        };
        Ok(CohortSums { tags: self.table.look(&look, self.cancel())?, leaves: tree.leaves().count() })
    }
}

/// The look that numeric tags are summed by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CohortLook {
    schema: UnitSchema,
    bins: Vec<TagBins>,
    /// By tag, what is subtracted from its values.
    centres: Vec<f64>,
    tree: Routing,
}

impl Look for CohortLook {
    const NAME: &'static str = "cohorts";
    type Seen = Vec<Option<BucketSums>>;
    type Ready<'a> = Ranks<'a>;

    fn ready(&self) -> Result<Ranks<'_>, QueryError> {
        Ok(Ranks::of(&self.schema, &self.bins, &self.tree))
    }

    fn nothing(&self) -> Self::Seen {
        let groups = self.tree.leaves().count() + self.schema.cohorts.len();
        let tags = self.bins.iter().zip(&self.centres);
        tags.map(|(bins, centre)| bins.shape().ordered.then(|| BucketSums::new(*centre, groups))).collect()
    }

    fn add(ranks: &Ranks<'_>, seen: &mut Self::Seen, rows: UnitRows) -> Result<(), QueryError> {
        ranks.add(seen, &ranks.schema.analysed(rows)?)
    }

    fn merged(mut one: Self::Seen, other: Self::Seen) -> Self::Seen {
        let both = one.iter_mut().zip(&other);
        both.filter_map(|(one, other)| Some((one.as_mut()?, other.as_ref()?)))
            .for_each(|(one, other)| one.merge(other));
        one
    }
}

/// Finds the leaf of each unit.
pub(crate) struct Ranks<'a> {
    schema: &'a UnitSchema,
    bins: &'a [TagBins],
    /// Columns of codes.
    columns: usize,
    tree: &'a Routing,
    /// Of each node that is a leaf, its rank among the leaves.
    of_nodes: Vec<usize>,
    /// Encoders of the columns that the tree splits on.
    encoders: Vec<(usize, Encoder)>,
    /// The column of the week of first exposure, if the tree splits on it.
    week: Option<usize>,
}

impl<'a> Ranks<'a> {
    pub(crate) fn of(schema: &'a UnitSchema, bins: &'a [TagBins], tree: &'a Routing) -> Self {
        let mut of_nodes = vec![0; tree.nodes().len()];
        tree.leaves().enumerate().for_each(|(rank, leaf): (usize, NodeIndex)| of_nodes[leaf] = rank);
        let splits = |column: &usize| tree.nodes().iter().flatten().any(|split| split.column == *column);
        let split = (0..bins.len()).filter(splits);
        let encoders = split.map(|column| (column, Encoder::new(&bins[column]))).collect();
        let week = schema.week_column(bins).filter(splits);
        Self { schema, bins, columns: schema.shapes(bins).len(), tree, of_nodes, encoders, week }
    }

    fn add(&self, sums: &mut [Option<BucketSums>], rows: &UnitRows) -> Result<(), QueryError> {
        let schema = self.schema;
        let ranks = self.of_each(rows)?;
        let members =
            |cohort: &NamedColumn| Ok(rows.cohort(&cohort.column)?.iter().map(|member| member == Some(true)).collect());
        let members = schema.cohorts.iter().map(members).collect::<Result<Vec<Vec<bool>>, QueryError>>()?;
        let buckets = rows.buckets()?;
        let leaves = self.tree.leaves().count();
        for (tag, sums) in schema.tags.iter().zip(sums).filter_map(|(tag, sums)| Some((tag, sums.as_mut()?))) {
            let values = rows.column(&tag.column)?;
            let TagValues::Numbers(numbers) = TagValues::of(&values)? else { continue };
            for (row, value) in numbers.iter().enumerate() {
                let Some(value) = value else { continue };
                sums.add(buckets[row], ranks[row], value);
                for (place, members) in members.iter().enumerate() {
                    if members[row] {
                        sums.add(buckets[row], leaves + place, value);
                    }
                }
            }
        }
        Ok(())
    }

    /// The rank among the leaves of the leaf of each unit.
    pub(crate) fn of_each(&self, rows: &UnitRows) -> Result<Vec<usize>, QueryError> {
        let mut codes: Vec<CodeColumn> = (0..self.columns).map(|_| CodeColumn::U8(Vec::new())).collect();
        for (column, encoder) in &self.encoders {
            let values = rows.column(&self.schema.tags[*column].column)?;
            codes[*column] = self.bins[*column].no_codes();
            encoder.encode(&TagValues::of(&values)?, &mut codes[*column])?;
        }
        for (place, cohort) in self.schema.cohorts.iter().enumerate() {
            let members = rows.cohort(&cohort.column)?;
            codes[self.bins.len() + place] =
                CodeColumn::U8(members.iter().map(|member| u8::from(member == Some(true))).collect());
        }
        if let Some(column) = self.week {
            let weeks = rows.exposure_days()?.into_iter().map(|day| self.schema.weeks.week(day));
            codes[column] = CodeColumn::U8(weeks.collect());
        }
        Ok((0..rows.len()).map(|row| self.of_nodes[self.tree.leaf(|column| codes[column].code(row))]).collect())
    }
}
