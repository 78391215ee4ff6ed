//! Which columns of which tables plans read.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::BoxFuture;
use whom_engine::Engine;
use whom_engine::scanned::columns;
use whom_store::TableKey;

use crate::catalog::Catalog;
use crate::compile::Compiled;
use crate::error::QueryError;
use crate::needs::dry_plans;

/// The columns that plans read of tables with days.
#[derive(Clone, Debug, Default)]
pub struct Needed {
    tables: BTreeMap<TableKey, NeededColumns>,
}

#[derive(Clone, Debug, Default)]
struct NeededColumns {
    columns: BTreeSet<String>,
    plans: usize,
}

impl Needed {
    /// What the statements of one plan read, as the engine plans them. `engine` is a session that knows no table yet; it is
    /// good for nothing else afterwards.
    ///
    /// # Errors
    /// What planning refuses.
    pub fn of<'a>(
        compiled: &'a Compiled,
        catalog: &'a Catalog,
        engine: &'a Engine,
    ) -> BoxFuture<'a, Result<Self, QueryError>> {
        Box::pin(async move {
            let mut read: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
            for (statement, plan) in dry_plans(compiled, catalog, engine).await? {
                for table in &statement.reads {
                    read.entry(table).or_default().extend(columns(&plan));
                }
            }
            let mut tables: BTreeMap<TableKey, NeededColumns> = BTreeMap::new();
            for source in catalog.sources() {
                let Some((days, columns)) = source.days.as_ref().zip(read.remove(source.table.as_str())) else {
                    continue;
                };
                let needed =
                    tables.entry(days.table.clone()).or_insert(NeededColumns { plans: 1, ..Default::default() });
                needed.columns.extend(columns.into_iter().filter(|column| *column != days.partition));
            }
            Ok(Self { tables })
        })
    }

    /// Adds what other plans read.
    pub fn add(&mut self, others: Self) {
        for (table, others) in others.tables {
            let needed = self.tables.entry(table).or_default();
            needed.columns.extend(others.columns);
            needed.plans += others.plans;
        }
    }

    /// Adds the columns that a plan reads of tables which are needed anyway.
    pub fn cover(&mut self, plan: &Self) {
        for (table, needed) in &mut self.tables {
            needed.columns.extend(plan.columns(table).into_iter().flatten().cloned());
        }
    }

    /// Only the tables that several plans read.
    #[must_use]
    pub fn shared(self) -> Self {
        Self { tables: self.tables.into_iter().filter(|(_, needed)| needed.plans > 1).collect() }
    }

    /// The columns of a table; none if nobody asks for it.
    pub(crate) fn columns(&self, table: &TableKey) -> Option<&BTreeSet<String>> {
        self.tables.get(table).map(|needed| &needed.columns)
    }
}
