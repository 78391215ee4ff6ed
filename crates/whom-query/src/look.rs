//! A look at every unit of a table, which can be taken by whoever holds the units.
//!
//! To add one: say what is seen ([`Look`]), and enter it where workers are made ([`Looks`]), so that they know it by its name.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use serde::Serialize;
use serde::de::DeserializeOwned;
use whom_engine::{StoredRows, decoded, encoded};

use crate::cohort_sums::CohortLook;
use crate::error::QueryError;
use crate::ratios::RatioLook;
use crate::survey::SurveyLook;
use crate::thresholds::{AboveLook, RankLook};
use crate::unit_table::{UnitRows, UnitTable, rows_of};

/// What is looked for. What is seen of the units of some pieces merges in any order to what is seen of all.
pub trait Look: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// What is looked for, in words that no other look has.
    const NAME: &'static str;
    /// What is seen.
    type Seen: Serialize + DeserializeOwned + Send;
    /// What is made once, before any unit is looked at.
    type Ready<'a>: Sync;

    /// Gets ready to look.
    ///
    /// # Errors
    /// [`QueryError::Internal`] for a look at something that is not there.
    fn ready(&self) -> Result<Self::Ready<'_>, QueryError>;

    /// What is seen of no unit.
    fn nothing(&self) -> Self::Seen;

    /// Adds some units; those of a piece come in their order.
    ///
    /// # Errors
    /// [`QueryError::Data`] for what the data do not allow; [`QueryError::Internal`] if the rows are not of the unit table.
    fn add(ready: &Self::Ready<'_>, seen: &mut Self::Seen, rows: UnitRows) -> Result<(), QueryError>;

    /// What is seen of the units of both.
    fn merged(one: Self::Seen, other: Self::Seen) -> Self::Seen;
}

impl UnitTable {
    /// Takes a look where the units lie. Keeps processors busy.
    ///
    /// # Errors
    /// As [`Look::add`]; [`QueryError::Engine`] if units cannot be read, or the work is stopped.
    pub fn look<L: Look>(&self, look: &L, cancel: &AtomicBool) -> Result<L::Seen, QueryError> {
        if let Some(elsewhere) = self.elsewhere() {
            return elsewhere.look(look);
        }
        let ready = look.ready()?;
        self.gather(cancel, || look.nothing(), |seen, rows| L::add(&ready, seen, rows), L::merged)
    }
}

/// The looks that a worker knows, by their names.
#[derive(Clone)]
pub struct Looks(BTreeMap<&'static str, Arc<dyn Kind>>);

impl Looks {
    /// Those of this crate.
    pub fn of_units() -> Self {
        Self(BTreeMap::new())
            .with::<SurveyLook>()
            .with::<CohortLook>()
            .with::<RankLook>()
            .with::<AboveLook>()
            .with::<RatioLook>()
    }

    /// These, and one more.
    #[must_use]
    pub fn with<L: Look>(mut self) -> Self {
        self.0.insert(L::NAME, Arc::new(KindOf::<L>(PhantomData)));
        self
    }

    /// Takes a look at the units of some pieces, and gives what is seen as bytes.
    ///
    /// # Errors
    /// As [`UnitTable::look`]; [`QueryError::Internal`] for a look that it does not know.
    pub(crate) fn take(
        &self,
        name: &str,
        look: &[u8],
        (pieces, cancel): (&[StoredRows], &AtomicBool),
    ) -> Result<Vec<u8>, QueryError> {
        let unknown = || QueryError::Internal(format!("nobody here knows how to look for `{name}`"));
        self.0.get(name).ok_or_else(unknown)?.take(look, pieces, cancel)
    }
}

impl fmt::Debug for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A kind of look, whatever is seen.
trait Kind: Send + Sync {
    fn take(&self, look: &[u8], pieces: &[StoredRows], cancel: &AtomicBool) -> Result<Vec<u8>, QueryError>;
}

struct KindOf<L>(PhantomData<fn() -> L>);

impl<L: Look> Kind for KindOf<L> {
    fn take(&self, look: &[u8], pieces: &[StoredRows], cancel: &AtomicBool) -> Result<Vec<u8>, QueryError> {
        let look: L = decoded(look)?;
        let (ready, mut seen) = (look.ready()?, look.nothing());
        for piece in pieces {
            rows_of(piece, cancel)?.try_for_each(|rows| L::add(&ready, &mut seen, rows?))?;
        }
        Ok(encoded(&seen)?)
    }
}
