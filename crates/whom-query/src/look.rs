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
use whom_engine::{PlainWriter, StoredRows, decoded, encoded};

use crate::clusters::{ClusterLook, LeafTotalsLook, TotalsLook};
use crate::cohort_sums::CohortLook;
use crate::error::QueryError;
use crate::quantiles::QuantileLook;
use crate::ratios::RatioLook;
use crate::stretch::{AnalysedRows, StretchFile};
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

/// What a worker knows how to do with units: looks, and files, by their names.
#[derive(Clone, Default)]
pub struct Looks {
    looks: BTreeMap<&'static str, Arc<dyn Kind>>,
    files: BTreeMap<&'static str, Arc<dyn FileKind>>,
}

impl Looks {
    /// Those of this crate.
    pub fn of_units() -> Self {
        Self::default()
            .with::<SurveyLook>()
            .with::<CohortLook>()
            .with::<RankLook>()
            .with::<AboveLook>()
            .with::<RatioLook>()
            .with::<QuantileLook>()
            .with::<ClusterLook>()
            .with::<TotalsLook>()
            .with::<LeafTotalsLook>()
    }

    /// These, and one more.
    #[must_use]
    pub fn with<L: Look>(mut self) -> Self {
        self.looks.insert(L::NAME, Arc::new(KindOf::<L>(PhantomData)));
        self
    }

    /// These, and a kind of file.
    #[must_use]
    pub fn with_file<F: StretchFile>(mut self) -> Self {
        self.files.insert(F::NAME, Arc::new(KindOf::<F>(PhantomData)));
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
        self.looks.get(name).ok_or_else(unknown)?.take(look, pieces, cancel)
    }

    /// Writes a file of some units.
    ///
    /// # Errors
    /// As [`StretchFile::write`]; [`QueryError::Internal`] for a kind of file that it does not know.
    pub(crate) fn write(
        &self,
        name: &str,
        file: &[u8],
        (units, out): (&mut AnalysedRows<'_>, &mut PlainWriter),
    ) -> Result<(), QueryError> {
        let unknown = || QueryError::Internal(format!("nobody here knows how to write a file of `{name}`"));
        self.files.get(name).ok_or_else(unknown)?.write(file, units, out)
    }
}

impl fmt::Debug for Looks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.looks.keys()).entries(self.files.keys()).finish()
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

/// A kind of file, whatever it holds.
trait FileKind: Send + Sync {
    fn write(&self, file: &[u8], units: &mut AnalysedRows<'_>, out: &mut PlainWriter) -> Result<(), QueryError>;
}

impl<F: StretchFile> FileKind for KindOf<F> {
    fn write(&self, file: &[u8], units: &mut AnalysedRows<'_>, out: &mut PlainWriter) -> Result<(), QueryError> {
        decoded::<F>(file)?.write(units, out)
    }
}
