//! User expressions: parsed, resolved against a table's columns, and limited to what is exact and repeatable.

mod allowed;
mod parse;
mod portable;

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::DFSchema;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::ExprSchemable;
use datafusion::sql::sqlparser::ast::{self, Ident, visit_expressions_mut};
use whom_spec::{Diagnostic, Spanned, name_hint};

use crate::columns::in_words;
use crate::dialect::Dialect;
use crate::sql::Fragment;
use allowed::{FUNCTIONS, refuse_calls};
use parse::{parse, rendered};
use portable::portable;

/// What an expression must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A condition: boolean.
    Condition,
    /// A number or a boolean.
    Number,
    /// What can be equal or not: anything but a floating-point number.
    Key,
}

/// An expression that may run.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// The expression rendered again, every column quoted and qualified.
    pub(crate) sql: Fragment,
    /// Its type.
    pub(crate) kind: DataType,
    /// The columns that it reads, as the user knows them.
    pub(crate) columns: BTreeSet<String>,
}

/// Where expressions are resolved: a table under its alias, and the session that knows the functions.
pub(crate) struct Scope<'a> {
    pub(crate) state: &'a SessionState,
    /// For whom the SQL is written.
    pub(crate) dialect: Dialect,
    pub(crate) alias: &'a str,
    /// The columns as the user knows them.
    pub(crate) schema: &'a Schema,
    /// What precedes a column's name in the rendered SQL's identifier, for columns that are stored under another name.
    pub(crate) prefix: &'a str,
    /// What the columns are, for messages: "table `orders`".
    pub(crate) owner: &'a str,
}

impl Scope<'_> {
    /// Resolves the text of a pipeline file.
    pub(crate) fn resolve(&self, text: &Spanned<String>, expected: Expected) -> Result<Resolved, Diagnostic> {
        let mut parsed = parse(text)?;
        self.refuse_forms(&parsed, text)?;
        let columns = self.qualify(&mut parsed, text)?;
        self.refuse_unknown_functions(&parsed, text)?;
        let sql = rendered(&parsed, text)?;
        let schema = self.schema_under_alias(text)?;
        let unfit = |error| wrong(text, format!("the expression does not fit its columns: {}", reason(&error)));
        let expression = self.state.create_logical_expr(&sql, &schema).map_err(unfit)?;
        refuse_calls(&expression, text)?;
        let kind = expression.get_type(&schema).map_err(unfit)?;
        check_type(&kind, expected, text)?;
        let sql = match self.dialect {
            Dialect::Engine => sql,
            Dialect::Portable => portable(&parsed, &schema, self.state),
        };
        Ok(Resolved { sql: Fragment::trusted(format!("({sql})")), kind, columns })
    }

    /// Resolves a filter; without one every row meets it.
    pub(crate) fn condition(&self, filter: Option<&Spanned<String>>) -> Result<Resolved, Diagnostic> {
        match filter {
            Some(filter) => self.resolve(filter, Expected::Condition),
            None => Ok(Resolved { sql: Fragment::trusted("true"), kind: DataType::Boolean, columns: BTreeSet::new() }),
        }
    }

    fn schema_under_alias(&self, text: &Spanned<String>) -> Result<DFSchema, Diagnostic> {
        let stored = Schema::new(
            self.schema
                .fields()
                .iter()
                .map(|field| field.as_ref().clone().with_name(format!("{}{}", self.prefix, field.name())))
                .collect::<Vec<_>>(),
        );
        DFSchema::try_from_qualified_schema(self.alias, &stored).map_err(|error| wrong(text, error.strip_backtrace()))
    }

    /// Qualifies and quotes every column, and tells which they are; an unknown one is refused with what was probably meant.
    fn qualify(&self, parsed: &mut ast::Expr, text: &Spanned<String>) -> Result<BTreeSet<String>, Diagnostic> {
        let mut columns = BTreeSet::new();
        let outcome = visit_expressions_mut(parsed, |expression| {
            let name = match expression {
                ast::Expr::Identifier(name) => name.value.clone(),
                ast::Expr::Function(function) => match self.column_without_quotes(function) {
                    Some(name) => name,
                    None => return ControlFlow::Continue(()),
                },
                ast::Expr::CompoundIdentifier(parts) => {
                    let path: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
                    return ControlFlow::Break(wrong(
                        text,
                        format!("`{}` names a table; write the column alone", path.join(".")),
                    ));
                }
                _ => return ControlFlow::Continue(()),
            };
            if self.schema.field_with_name(&name).is_err() {
                return ControlFlow::Break(self.unknown_column(&name, text));
            }
            *expression = ast::Expr::CompoundIdentifier(vec![
                Ident::new(self.alias),
                Ident::with_quote('"', format!("{}{name}", self.prefix).replace('\0', "")),
            ]);
            columns.insert(name);
            ControlFlow::Continue(())
        });
        match outcome {
            ControlFlow::Break(diagnostic) => Err(diagnostic),
            ControlFlow::Continue(()) => Ok(columns),
        }
    }

    /// The column that a function without parentheses means: `user` and a few more are functions in SQL, and columns in
    /// many a table.
    fn column_without_quotes(&self, function: &ast::Function) -> Option<String> {
        let [ast::ObjectNamePart::Identifier(name)] = function.name.0.as_slice() else { return None };
        let bare = matches!(function.args, ast::FunctionArguments::None);
        (bare && self.schema.field_with_name(&name.value).is_ok()).then(|| name.value.clone())
    }

    fn unknown_column(&self, name: &str, text: &Spanned<String>) -> Diagnostic {
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        Diagnostic::error(format!("there is no column `{name}` in {}", self.owner))
            .at(text.span)
            .label("used here")
            .hint_if(name_hint(name, columns))
    }

    /// Refuses functions that do not exist; DataFusion would propose ones that are not allowed.
    fn refuse_unknown_functions(&self, parsed: &ast::Expr, text: &Spanned<String>) -> Result<(), Diagnostic> {
        let unknown = first_in(parsed, &|expression| match expression {
            ast::Expr::Function(call) if !self.is_function(&call.name.to_string().to_lowercase()) => {
                Some(call.name.to_string())
            }
            _ => None,
        });
        match unknown {
            Some(name) => Err(wrong(text, format!("there is no function `{name}`"))
                .hint_if(name_hint(&name.to_lowercase(), FUNCTIONS))),
            None => Ok(()),
        }
    }

    fn is_function(&self, name: &str) -> bool {
        self.state.scalar_functions().contains_key(name)
            || self.state.aggregate_functions().contains_key(name)
            || self.state.window_functions().contains_key(name)
    }

    /// Refuses what is more than an expression over one row, by the form in which it is written.
    fn refuse_forms(&self, parsed: &ast::Expr, text: &Spanned<String>) -> Result<(), Diagnostic> {
        let form = first_in(parsed, &|expression| match expression {
            ast::Expr::Subquery(_) | ast::Expr::Exists { .. } | ast::Expr::InSubquery { .. } => {
                Some("a subquery".to_owned())
            }
            ast::Expr::Function(function) if function.over.is_some() => {
                Some(format!("the window function `{}`", function.name))
            }
            ast::Expr::Value(value) if matches!(value.value, ast::Value::Placeholder(_)) => {
                Some("a placeholder".to_owned())
            }
            _ => None,
        });
        match form {
            Some(form) => Err(wrong(text, format!("{form} is not allowed here"))
                .hint(format!("write an expression over the columns of one row of {}", self.owner))),
            None => Ok(()),
        }
    }
}

/// What is found in the first part of an expression in which something is.
fn first_in(parsed: &ast::Expr, found: &dyn Fn(&ast::Expr) -> Option<String>) -> Option<String> {
    let outcome = ast::visit_expressions(parsed, |expression| match found(expression) {
        Some(found) => ControlFlow::Break(found),
        None => ControlFlow::Continue(()),
    });
    outcome.break_value()
}

fn reason(error: &DataFusionError) -> String {
    let message = error.strip_backtrace();
    message.strip_prefix("Error during planning: ").unwrap_or(&message).to_owned()
}

fn check_type(kind: &DataType, expected: Expected, text: &Spanned<String>) -> Result<(), Diagnostic> {
    match expected {
        Expected::Condition if *kind == DataType::Boolean => Ok(()),
        Expected::Condition => Err(wrong(text, format!("a condition is true or false, this is {}", in_words(kind)))
            .hint("compare it, as in `x = 1`")),
        Expected::Number if kind.is_numeric() || *kind == DataType::Boolean => Ok(()),
        Expected::Number => Err(wrong(text, format!("a value is a number, this is {}", in_words(kind)))
            .hint("cast it, as in `CAST(x AS DOUBLE)`")),
        Expected::Key if kind.is_floating() => {
            Err(wrong(text, "different values cannot be told apart by floating-point numbers".to_owned())
                .hint("cast it, as in `CAST(x AS BIGINT)`"))
        }
        Expected::Key if is_key(kind) => Ok(()),
        Expected::Key => Err(wrong(text, format!("different values cannot be counted of what is {}", in_words(kind)))
            .hint("name a text, a whole number, a decimal, a boolean, a day or a time")),
    }
}

/// Whether two values of a type are the same in every engine exactly if they are equal.
fn is_key(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, values) => is_key(values),
        DataType::Boolean | DataType::Date32 | DataType::Date64 | DataType::Timestamp(..) => true,
        kind => kind.is_string() || kind.is_integer() || kind.is_decimal(),
    }
}

fn wrong(text: &Spanned<String>, message: String) -> Diagnostic {
    Diagnostic::error(message).at(text.span)
}

#[cfg(test)]
mod tests;
