//! The unit table made on other machines.
//!
//! The same statements run in the same order as on one machine ([`build`](crate::build)). A scan is a stage of shares of its
//! files; each share's rows are put into pieces where they are read, and handed over. The statements between two scans are a
//! stage of pieces: who does one takes the rows of its tables, runs the statements, and hands over what later ones read. Rows go
//! from machine to machine through a folder that all reach ([`Exchange`]); what comes back to the caller are counts, and where
//! rows lie. So a machine that is lost costs the parts that it had at hand and nothing that was done before.
//!
//! After each stage the caller keeps where everything lies in the same folder. Killed and started again it goes on from there.

mod driver;
mod filters;
mod order;
mod position;
mod table;
mod worker;

use std::sync::Arc;

use futures::future::BoxFuture;
use whom_engine::{Dispatch, Engine};
use whom_store::Exchange;

use crate::build::{Keeping, Watch};
use crate::catalog::Catalog;
use crate::compile::Compiled;
use crate::error::QueryError;
use crate::unit_table::UnitTable;

pub(crate) use table::TableElsewhere;
pub use worker::UnitTableWorker;

/// Where the unit table is made, if not here.
#[derive(Clone, Debug)]
pub struct Elsewhere {
    /// Has parts done.
    pub dispatch: Arc<dyn Dispatch>,
    /// The folder through which rows go. It belongs to one plan on one state of its inputs, so that what an earlier run of the
    /// same work left there is of use.
    pub exchange: Exchange,
}

/// Makes the unit table on other machines, and takes it up here.
///
/// # Errors
/// As [`build`](crate::unit_table::build), and what [`Dispatch::dispatch`] refuses.
pub fn build_elsewhere<'a>(
    compiled: &'a Compiled,
    catalog: &'a Catalog,
    engine: &'a Engine,
    watch: &'a dyn Watch,
    elsewhere: &'a Elsewhere,
) -> BoxFuture<'a, Result<(UnitTable, Keeping), QueryError>> {
    Box::pin(async move {
        catalog.register(engine)?;
        driver::Driver::new(compiled, catalog, engine, elsewhere).run(watch).await
    })
}
