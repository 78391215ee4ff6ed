//! Looks at the units of models, all models together.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use whom_query::{AnalysedUnits, Look, ModelColumns, ModelReader, ModelUnit, ModelUnits, QueryError, UnitRows};

/// What is gathered for a model from the units that it is of.
pub(super) trait Gathers: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What is gathered, in words that no other look has.
    const NAME: &'static str;
    /// What of some units, which merges in any order.
    type Gathered: Serialize + DeserializeOwned + Send;

    fn nothing(&self) -> Self::Gathered;

    fn add(&self, gathered: &mut Self::Gathered, unit: ModelUnit<'_>);

    fn merge(one: &mut Self::Gathered, other: &Self::Gathered);
}

/// One look for all models.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ModelLook<M> {
    units: ModelUnits,
    /// By model, what it reads.
    columns: Vec<ModelColumns>,
    models: Vec<M>,
}

impl<M: Gathers> Look for ModelLook<M> {
    const NAME: &'static str = M::NAME;
    type Seen = Vec<M::Gathered>;
    type Ready<'a> = (&'a Self, ModelReader<'a>);

    fn ready(&self) -> Result<(&Self, ModelReader<'_>), QueryError> {
        Ok((self, self.units.reader()))
    }

    fn nothing(&self) -> Self::Seen {
        self.models.iter().map(M::nothing).collect()
    }

    fn add((look, reader): &(&Self, ModelReader<'_>), seen: &mut Self::Seen, rows: UnitRows) -> Result<(), QueryError> {
        let rows = reader.read(rows)?;
        let models = look.columns.iter().zip(&look.models).zip(seen);
        models.into_iter().try_for_each(|((columns, model), seen)| rows.each(columns, |unit| model.add(seen, unit)))
    }

    fn merged(mut one: Self::Seen, other: Self::Seen) -> Self::Seen {
        one.iter_mut().zip(&other).for_each(|(one, other)| M::merge(one, other));
        one
    }
}

/// Gathers something for each model from the units that it is of; the models come back with it. Keeps processors busy.
///
/// # Errors
/// [`QueryError::Data`] for a number beyond the grid of its tag; otherwise as [`AnalysedUnits::new`].
pub(super) fn gathered<M: Gathers>(
    units: &AnalysedUnits,
    columns: Vec<ModelColumns>,
    models: Vec<M>,
) -> Result<Vec<(M, M::Gathered)>, QueryError> {
    if models.is_empty() {
        return Ok(Vec::new());
    }
    let look = ModelLook { units: units.of_models(), columns, models };
    let seen = units.table.look(&look, units.cancel())?;
    Ok(look.models.into_iter().zip(seen).collect())
}
