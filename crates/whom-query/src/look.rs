//! A look at every unit of a table, which can be taken by whoever holds the units.

use std::sync::atomic::AtomicBool;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::elsewhere::LookOrder;
use crate::error::QueryError;
use crate::unit_table::{UnitRows, UnitTable};

/// What is looked for. What is seen of the units of some pieces merges in any order to what is seen of all.
pub(crate) trait Look: Sync {
    /// What is seen.
    type Seen: Serialize + DeserializeOwned + Send;
    /// What is made once, before any unit is looked at.
    type Ready<'a>: Sync
    where
        Self: 'a;

    /// Gets ready to look.
    fn ready(&self) -> Self::Ready<'_>;

    /// What is seen of no unit.
    fn nothing(&self) -> Self::Seen;

    /// Adds some units; those of a piece come in their order.
    fn add(ready: &Self::Ready<'_>, seen: &mut Self::Seen, rows: UnitRows) -> Result<(), QueryError>;

    /// What is seen of the units of both.
    fn merged(one: Self::Seen, other: Self::Seen) -> Self::Seen;

    /// The look in a form that can be sent.
    fn order(&self) -> LookOrder;
}

impl UnitTable {
    /// Takes a look where the units lie.
    pub(crate) fn look<L: Look>(&self, look: &L, cancel: &AtomicBool) -> Result<L::Seen, QueryError> {
        if let Some(elsewhere) = self.elsewhere() {
            return elsewhere.look(look);
        }
        let ready = look.ready();
        self.gather(cancel, || look.nothing(), |seen, rows| L::add(&ready, seen, rows), L::merged)
    }
}
