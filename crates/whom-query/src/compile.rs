//! From a plan and its tables to statements, all of them before any runs.

mod facts;
mod grids;
mod split;
mod statement;
mod steps;
mod tags;
mod unit_table;

use datafusion::execution::SessionState;
use minijinja::Value;
use serde::{Deserialize, Serialize};
use whom_spec::Diagnostic;
use whom_spec::plan::{GivenFolds, MeasurePart, Plan};
use whom_stats::Grid;

use crate::catalog::{Catalog, Source};
use crate::columns::IdClass;
use crate::dialect::Dialect;
use crate::error::QueryError;
use crate::sql::{Fragment, Templates};

pub(crate) use grids::{not_zero_column, rounded_to_zero_column};
pub use statement::{Place, Purpose, Statement};

/// A measure as the unit table holds it: what a metric is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MeasureColumn {
    /// The metric's place in the file.
    pub metric: usize,
    /// What it is to the metric.
    pub part: MeasurePart,
    /// The measure's name; that of the metric for its value.
    pub name: String,
    /// Its column.
    pub column: String,
    /// The column that says why a unit has no value.
    pub status: String,
    /// The grid of its values.
    pub grid: Grid,
    /// Whether it is 0 or 1 for every unit.
    pub proportion: bool,
    /// The events of each unit, where a metric is a quantile of events; the values are how many there are.
    pub events: Option<EventsColumn>,
}

/// The values of the events of a unit: a list of grid values, in any order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventsColumn {
    /// Its column.
    pub column: String,
    /// The grid of the events.
    pub grid: Grid,
}

impl MeasureColumn {
    /// The grid on which the values of events are counted.
    pub fn grid_of_events(&self) -> Grid {
        self.events.as_ref().map_or(self.grid, |events| events.grid)
    }
}

/// A numeric tag that enters estimates as a number.
#[derive(Clone, Debug, PartialEq)]
pub struct CovariateColumn {
    /// The tag's name.
    pub name: String,
    /// Its column.
    pub column: String,
    /// The grid that its type gives it.
    pub grid: Grid,
}

/// A tag or a pre-registered cohort as the unit table holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedColumn {
    /// The name in the pipeline file.
    pub name: String,
    /// Its column.
    pub column: String,
}

/// All statements of a plan in the order in which they run, and what the last one's columns mean.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The statements.
    pub statements: Vec<Statement>,
    /// The measures, the value of each metric at the metric's place in the file.
    pub measures: Vec<MeasureColumn>,
    /// The column that is 1 for units which reached the event of the exposure filter and 0 for others; `None` without a filter.
    pub reached: Option<String>,
    /// The tags that metrics are adjusted by, in alphabetical order.
    pub covariates: Vec<CovariateColumn>,
    /// All numeric tags, in alphabetical order.
    pub numbers: Vec<CovariateColumn>,
    /// The tags in alphabetical order.
    pub tags: Vec<NamedColumn>,
    /// The pre-registered cohorts in the order of the file.
    pub cohorts: Vec<NamedColumn>,
    /// The columns of strata in the order of the file.
    pub strata: Vec<NamedColumn>,
    /// The column of clusters, where units were assigned by cluster.
    pub cluster: Option<NamedColumn>,
    /// What stands beside each unit in the table that the last statement reads.
    pub joined: Vec<JoinedTable>,
    /// The tag that gives the folds, where they are not drawn.
    pub folds: Option<GivenFolds>,
}

/// A table with at most one row that counts per unit, and the columns of it that the unit table needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JoinedTable {
    /// The statement that makes it.
    pub purpose: Purpose,
    /// The columns, beside the unit.
    pub columns: Vec<String>,
    /// The statement that says which day's row counts for each unit, if rows are of days.
    pub as_of: Option<Purpose>,
}

impl JoinedTable {
    /// The tables that are read for it.
    pub(crate) fn read(&self) -> impl Iterator<Item = &Purpose> {
        std::iter::once(&self.purpose).chain(&self.as_of)
    }
}

/// Compiles a plan against the schemas of its tables.
///
/// # Errors
/// [`QueryError::Plan`] with every column, type and expression that does not fit, each pointing into the file.
pub fn compile(plan: &Plan, catalog: &Catalog, state: &SessionState) -> Result<Compiled, QueryError> {
    compile_in(Dialect::Engine, plan, catalog, state)
}

/// Compiles a plan in the words of a dialect.
pub(crate) fn compile_in(
    dialect: Dialect,
    plan: &Plan,
    catalog: &Catalog,
    state: &SessionState,
) -> Result<Compiled, QueryError> {
    let templates = Templates::new()?;
    let mut compiler =
        Compiler { plan, catalog, state, dialect, templates, id: None, statements: Vec::new(), problems: Vec::new() };
    compiler.split()?;
    let facts = compiler.facts()?;
    let tags = compiler.tags()?;
    let compiled = compiler.unit_table(facts, &tags)?;
    if compiler.problems.is_empty() {
        Ok(Compiled { statements: compiler.statements, ..compiled })
    } else {
        Err(QueryError::Plan(compiler.problems))
    }
}

struct Compiler<'a> {
    plan: &'a Plan,
    catalog: &'a Catalog,
    state: &'a SessionState,
    dialect: Dialect,
    templates: Templates,
    /// The class of the split's id; `None` while it is not known.
    id: Option<IdClass>,
    statements: Vec<Statement>,
    problems: Vec<Diagnostic>,
}

impl Compiler<'_> {
    /// Renders the template of a purpose as a statement. Plain SQL only says what the unit table is, and counts nothing; what
    /// our engine puts beside the units needs no statement of its own.
    fn emit(&mut self, purpose: Purpose, reads: &[&str], context: Value) -> Result<(), QueryError> {
        let name = match self.dialect {
            Dialect::Engine if purpose.stands_beside() => return Ok(()),
            Dialect::Engine => purpose.template().to_owned(),
            Dialect::Portable if purpose.is_ours_alone() => return Ok(()),
            Dialect::Portable => format!("portable/{}", purpose.template()),
        };
        let sql = self.templates.render(&name, context)?;
        let reads = reads.iter().map(|table| (*table).to_owned()).collect();
        self.statements.push(Statement { purpose, reads, sql });
        Ok(())
    }

    /// Keeps a problem and goes on, so that one compilation shows them all.
    fn keep<T>(&mut self, outcome: Result<T, Diagnostic>) -> Option<T> {
        match outcome {
            Ok(value) => Some(value),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }
}

impl Compiled {
    /// What the last statement makes: the unit table as it is analysed.
    pub(crate) fn made(&self) -> Purpose {
        self.statements.last().map_or(Purpose::UnitTable, |last| last.purpose.clone())
    }

    /// The statements as `whom compile` prints them: each exactly as it runs, under a comment that names its pinned
    /// tables and their files.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if a statement reads a table that was not opened.
    pub fn print(&self, catalog: &Catalog) -> Result<String, QueryError> {
        self.statements.iter().map(|statement| statement.print(catalog)).collect()
    }

    /// The SQL alone, for the plan's identity: it holds no path.
    pub fn identity_text(&self) -> String {
        let parts: Vec<&str> = self.statements.iter().map(|statement| statement.sql.as_str()).collect();
        parts.join(";\n")
    }
}

impl Statement {
    fn print(&self, catalog: &Catalog) -> Result<String, QueryError> {
        let sources: Result<String, QueryError> =
            self.reads.iter().map(|table| Ok(pinned_comment(catalog.source(table)?))).collect();
        let place = match self.purpose.place() {
            Place::Scan => "rows go to the pieces of their units",
            Place::Files => "only if there are any",
            Place::Piece => "in each piece",
            Place::Regroup => "in each piece; rows go to the pieces of their keys",
        };
        let title = in_one_line(&format!("-- {} ({place})", self.purpose.table()));
        Ok(format!("{title}\n{}{};\n\n", sources?, self.sql.trim_end()))
    }
}

pub(crate) fn pinned_comment(source: &Source) -> String {
    let files = source.pinned.files();
    let title = format!(
        "-- table {}: {} files, {} bytes, pinned:",
        Fragment::identifier(&source.table),
        files.len(),
        source.listing.bytes()
    );
    let lines = files.iter().map(|file| {
        let etag = file.etag.as_deref().unwrap_or("none");
        format!("--   {} ({} bytes, etag {etag})", file.path, file.size)
    });
    let lines: Vec<String> = std::iter::once(title).chain(lines).map(|line| in_one_line(&line)).collect();
    lines.join("\n") + "\n"
}

/// A comment ends with its line, so no name may break it.
pub(crate) fn in_one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_end_a_comment() {
        assert_eq!(in_one_line("-- part\n1\r.parquet"), "-- part 1 .parquet");
    }
}
