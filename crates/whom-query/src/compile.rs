//! From a plan and its tables to statements, all of them before any runs.

mod facts;
mod split;
mod tags;
mod unit_table;

use datafusion::execution::SessionState;
use minijinja::Value;
use whom_spec::Diagnostic;
use whom_spec::plan::Plan;
use whom_stats::Grid;

use crate::catalog::{Catalog, Source};
use crate::columns::IdClass;
use crate::error::QueryError;
use crate::sql::Templates;

/// A statement, exactly as it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The table that its rows become.
    pub result: String,
    /// The pinned tables it reads.
    pub reads: Vec<String>,
    /// The text.
    pub sql: String,
}

/// A metric as the unit table holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricColumn {
    /// The metric's name.
    pub name: String,
    /// Its column.
    pub column: String,
    /// The column that says why a unit has no value.
    pub status: String,
    /// The grid of its values.
    pub grid: Grid,
    /// Whether it is 0 or 1 for every unit.
    pub proportion: bool,
}

/// A tag or a pre-registered cohort as the unit table holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The metrics in the order of the file.
    pub metrics: Vec<MetricColumn>,
    /// The tags in alphabetical order.
    pub tags: Vec<NamedColumn>,
    /// The pre-registered cohorts in the order of the file.
    pub cohorts: Vec<NamedColumn>,
}

/// Compiles a plan against the schemas of its tables.
///
/// # Errors
/// [`QueryError::Plan`] with every column, type and expression that does not fit, each pointing into the file.
pub fn compile(plan: &Plan, catalog: &Catalog, state: &SessionState) -> Result<Compiled, QueryError> {
    let templates = Templates::new()?;
    let mut compiler = Compiler {
        plan,
        catalog,
        state,
        templates,
        id: IdClass::Integer,
        statements: Vec::new(),
        problems: Vec::new(),
    };
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
    templates: Templates,
    id: IdClass,
    statements: Vec<Statement>,
    problems: Vec<Diagnostic>,
}

impl Compiler<'_> {
    /// Renders a template as the statement that makes a table.
    fn emit(&mut self, template: &str, result: &str, reads: &[&str], context: Value) -> Result<(), QueryError> {
        let sql = self.templates.render(template, context)?;
        let reads = reads.iter().map(|table| (*table).to_owned()).collect();
        self.statements.push(Statement { result: result.to_owned(), reads, sql });
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
    /// The statements as `whom compile` prints them: each exactly as it runs, under a comment that names its pinned
    /// tables and their files.
    ///
    /// # Errors
    /// [`QueryError::Internal`] if a statement reads a table that was not opened.
    pub fn print(&self, catalog: &Catalog) -> Result<String, QueryError> {
        let mut text = String::new();
        for statement in &self.statements {
            text.push_str(&format!("-- {}\n", statement.result));
            for table in &statement.reads {
                text.push_str(&pinned_comment(catalog.source(table)?));
            }
            text.push_str(statement.sql.trim_end());
            text.push_str(";\n\n");
        }
        Ok(text)
    }

    /// The SQL alone, for the plan's identity: it holds no path.
    pub fn identity_text(&self) -> String {
        let parts: Vec<&str> = self.statements.iter().map(|statement| statement.sql.as_str()).collect();
        parts.join(";\n")
    }
}

fn pinned_comment(source: &Source) -> String {
    let files = source.pinned.files();
    let bytes: u64 = files.iter().map(|file| file.size).sum();
    let mut text = format!("-- table \"{}\": {} files, {bytes} bytes, pinned:\n", source.table, files.len());
    for file in files {
        let etag = file.etag.as_deref().unwrap_or("none");
        text.push_str(&format!("--   {} ({} bytes, etag {etag})\n", file.path, file.size));
    }
    text
}
