//! The units of linear models: what each of them has of the metric, the tags and the cluster.

use datafusion::arrow::array::ArrayRef;
use serde::{Deserialize, Serialize};
use whom_stats::{ABSENT, CodeColumn, Grid};

use crate::analysed::AnalysedUnits;
use crate::bins::{Encoder, TagBins};
use crate::error::QueryError;
use crate::tag_values::TagValues;
use crate::unit_schema::UnitSchema;
use crate::unit_table::UnitRows;
use crate::values::{tag_numbers, values};

/// What a model reads of each unit. Tags are told by their columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelColumns {
    /// The metric's place in the file.
    pub metric: usize,
    /// The tags.
    pub tags: Vec<usize>,
    /// Categorical tags with the levels of the units that the model is of.
    pub units: Vec<(usize, Vec<String>)>,
    /// The tag whose levels are the clusters.
    pub cluster: Option<usize>,
}

/// A unit that a model is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModelUnit<'a> {
    /// It has everything.
    Complete {
        /// The arm, 0 for the control.
        arm: usize,
        /// The metric's grid value, capped if the metric is.
        outcome: i64,
        /// By tag, the grid value of a number, and the code of a level.
        tags: &'a [i64],
        /// The cluster; empty for a model without clusters.
        cluster: &'a str,
    },
    /// It lacks the metric, a tag or the cluster.
    Incomplete,
}

impl AnalysedUnits {
    /// The grid of a numeric tag's values in models; that of codes for a categorical one.
    pub fn tag_grid(&self, column: usize) -> Grid {
        self.schema.tags.get(column).map_or(Grid::INTEGER, |tag| tag.grid)
    }

    /// What models read of these units.
    pub fn of_models(&self) -> ModelUnits {
        ModelUnits { schema: self.schema.clone(), bins: self.bins.clone() }
    }
}

/// What the units of models are read by.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ModelUnits {
    schema: UnitSchema,
    bins: Vec<TagBins>,
}

/// Reads units of models.
pub struct ModelReader<'a> {
    units: &'a ModelUnits,
    encoders: Vec<Encoder>,
}

/// Some units, with what all models read of them.
pub struct ModelRows<'a> {
    reader: &'a ModelReader<'a>,
    rows: UnitRows,
    /// The columns of integers that metrics are estimated from.
    outcomes: Vec<Vec<i64>>,
}

impl ModelUnits {
    /// Gets ready to read.
    pub fn reader(&self) -> ModelReader<'_> {
        ModelReader { units: self, encoders: self.bins.iter().map(Encoder::new).collect() }
    }
}

impl ModelReader<'_> {
    /// Reads what all models need of some units.
    ///
    /// # Errors
    /// As [`AnalysedUnits::new`].
    pub fn read(&self, rows: UnitRows) -> Result<ModelRows<'_>, QueryError> {
        let rows = self.units.schema.analysed(rows)?;
        Ok(ModelRows { reader: self, outcomes: values(&self.units.schema.values, &rows)?, rows })
    }

    /// The values of a tag of units that are analysed already: on its grid or, of a categorical one, codes; [`ABSENT`] where it is
    /// missing.
    ///
    /// # Errors
    /// [`QueryError::Data`] for a number beyond the grid of its tag; [`QueryError::Internal`] for a tag that there is not.
    pub fn tag(&self, rows: &UnitRows, place: usize) -> Result<Vec<i64>, QueryError> {
        let ModelUnits { schema, bins } = self.units;
        let (Some(tag), Some(bins), Some(encoder)) =
            (schema.tags.get(place), bins.get(place), self.encoders.get(place))
        else {
            return Err(QueryError::Internal(format!("there is no tag {place}")));
        };
        if bins.shape().ordered {
            return tag_numbers(&tag.name, &tag.column, tag.grid, rows);
        }
        let values = rows.column(&tag.column)?;
        let mut codes = bins.no_codes();
        encoder.encode(&TagValues::of(&values)?, &mut codes)?;
        let code = |code: u16| if Some(code) == bins.missing() { ABSENT } else { i64::from(code) };
        Ok(match codes {
            CodeColumn::U8(codes) => codes.into_iter().map(|narrow| code(u16::from(narrow))).collect(),
            CodeColumn::U16(codes) => codes.into_iter().map(code).collect(),
        })
    }
}

impl ModelRows<'_> {
    /// Tells of every unit that a model is of.
    ///
    /// # Errors
    /// [`QueryError::Data`] for a number beyond the grid of its tag; [`QueryError::Internal`] for a metric or tag that there is not.
    pub fn each(&self, model: &ModelColumns, mut tell: impl FnMut(ModelUnit<'_>)) -> Result<(), QueryError> {
        let arms = self.rows.arms()?;
        let outcomes = self.outcomes_of(model.metric)?;
        let tags = model
            .tags
            .iter()
            .map(|tag| self.reader.tag(&self.rows, *tag))
            .collect::<Result<Vec<Vec<i64>>, QueryError>>()?;
        let inside = self.inside(model)?;
        let clusters = model.cluster.map(|cluster| self.column(cluster)).transpose()?;
        let clusters = clusters.as_ref().map(texts).transpose()?;
        let mut of_unit = Vec::with_capacity(tags.len());
        for row in (0..self.rows.len()).filter(|row| inside[*row]) {
            of_unit.clear();
            of_unit.extend(tags.iter().map(|tag| tag[row]));
            let cluster = clusters.as_ref().map_or(Some(""), |clusters| clusters[row]);
            let has_all = outcomes[row] != ABSENT && !of_unit.contains(&ABSENT);
            tell(match cluster.filter(|_| has_all) {
                Some(cluster) => {
                    ModelUnit::Complete { arm: usize::from(arms[row]), outcome: outcomes[row], tags: &of_unit, cluster }
                }
                None => ModelUnit::Incomplete,
            });
        }
        Ok(())
    }

    fn outcomes_of(&self, metric: usize) -> Result<&[i64], QueryError> {
        let outcome = self.reader.units.schema.outcomes.get(metric);
        let values = outcome.and_then(|outcome| self.outcomes.get(outcome.value));
        values.map(Vec::as_slice).ok_or_else(|| QueryError::Internal(format!("there is no metric {metric}")))
    }

    /// Which units have one of the levels of every tag that the model's units are told by.
    fn inside(&self, model: &ModelColumns) -> Result<Vec<bool>, QueryError> {
        let mut inside = vec![true; self.rows.len()];
        for (tag, levels) in &model.units {
            let column = self.column(*tag)?;
            let has_level = |text: Option<&str>| text.is_some_and(|text| levels.iter().any(|level| level == text));
            inside.iter_mut().zip(texts(&column)?).for_each(|(inside, text)| *inside &= has_level(text));
        }
        Ok(inside)
    }

    fn column(&self, tag: usize) -> Result<ArrayRef, QueryError> {
        let tag = self.reader.units.schema.tags.get(tag);
        let tag = tag.ok_or_else(|| QueryError::Internal("a model names a tag that is not there".to_owned()))?;
        self.rows.column(&tag.column)
    }
}

/// The texts of a categorical tag.
fn texts(column: &ArrayRef) -> Result<Vec<Option<&str>>, QueryError> {
    Ok(match TagValues::of(column)? {
        TagValues::Texts(texts) => texts.iter().collect(),
        TagValues::Words(words) => {
            let of_words = words.of_each_word(|word| word);
            words.places().map(|place| place.and_then(|place| of_words.get(place).copied())).collect()
        }
        TagValues::Numbers(_) => return Err(QueryError::Internal("a number has no level".to_owned())),
    })
}
