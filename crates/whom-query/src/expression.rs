//! User expressions: parsed, resolved against a table's columns, and limited to what is exact and repeatable.

use std::ops::ControlFlow;

use datafusion::arrow::datatypes::{DataType, Schema};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator};
use datafusion::sql::sqlparser::ast::{self, Ident, visit_expressions_mut};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;
use whom_spec::{Diagnostic, Spanned, name_hint};

use crate::sql::Fragment;

/// Functions that give the same answer on every machine and in every run. Names are those that DataFusion resolves to.
const FUNCTIONS: [&str; 37] = [
    "abs",
    "btrim",
    "ceil",
    "character_length",
    "coalesce",
    "concat",
    "contains",
    "date_part",
    "date_trunc",
    "ends_with",
    "exp",
    "floor",
    "greatest",
    "isnan",
    "least",
    "left",
    "ln",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "make_date",
    "nullif",
    "nvl",
    "power",
    "replace",
    "right",
    "round",
    "rtrim",
    "signum",
    "split_part",
    "sqrt",
    "starts_with",
    "strpos",
    "substr",
    "trunc",
    "upper",
];

/// What an expression must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A condition: boolean.
    Condition,
    /// A number or a boolean.
    Number,
    /// Whatever can be counted.
    Anything,
}

/// An expression that may run.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    /// The expression rendered again, every column quoted and qualified.
    pub(crate) sql: Fragment,
    /// Its type.
    pub(crate) kind: DataType,
}

/// Where expressions are resolved: a table under its alias, and the session that knows the functions.
pub(crate) struct Scope<'a> {
    pub(crate) state: &'a SessionState,
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
        self.qualify(&mut parsed, text)?;
        let sql = parsed.to_string();
        let schema = self.schema_under_alias(text)?;
        let expression = self.state.create_logical_expr(&sql, &schema).map_err(|error| {
            wrong(text, format!("the expression does not fit its columns: {}", error.strip_backtrace()))
        })?;
        refuse_functions(&expression, text)?;
        let kind = expression
            .get_type(&schema)
            .map_err(|error| wrong(text, format!("the expression has no type: {}", error.strip_backtrace())))?;
        check_type(&kind, expected, text)?;
        Ok(Resolved { sql: Fragment::trusted(format!("({sql})")), kind })
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

    /// Qualifies and quotes every column; an unknown one is refused with what was probably meant.
    fn qualify(&self, parsed: &mut ast::Expr, text: &Spanned<String>) -> Result<(), Diagnostic> {
        let outcome = visit_expressions_mut(parsed, |expression| {
            let name = match expression {
                ast::Expr::Identifier(name) => name.value.clone(),
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
            ControlFlow::Continue(())
        });
        match outcome {
            ControlFlow::Break(diagnostic) => Err(diagnostic),
            ControlFlow::Continue(()) => Ok(()),
        }
    }

    fn unknown_column(&self, name: &str, text: &Spanned<String>) -> Diagnostic {
        let columns: Vec<&str> = self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        Diagnostic::error(format!("there is no column `{name}` in {}", self.owner))
            .at(text.span)
            .label("used here")
            .hint_if(name_hint(name, columns))
    }

    /// Refuses what is more than an expression over one row, by the form in which it is written.
    fn refuse_forms(&self, parsed: &ast::Expr, text: &Spanned<String>) -> Result<(), Diagnostic> {
        let outcome = ast::visit_expressions(parsed, |expression| match expression {
            ast::Expr::Subquery(_) | ast::Expr::Exists { .. } | ast::Expr::InSubquery { .. } => {
                ControlFlow::Break("a subquery".to_owned())
            }
            ast::Expr::Function(function) if function.over.is_some() => {
                ControlFlow::Break(format!("the window function `{}`", function.name))
            }
            ast::Expr::Value(value) if matches!(value.value, ast::Value::Placeholder(_)) => {
                ControlFlow::Break("a placeholder".to_owned())
            }
            _ => ControlFlow::Continue(()),
        });
        match outcome {
            ControlFlow::Break(form) => Err(wrong(text, format!("{form} is not allowed here"))
                .hint(format!("write an expression over the columns of one row of {}", self.owner))),
            ControlFlow::Continue(()) => Ok(()),
        }
    }
}

fn parse(text: &Spanned<String>) -> Result<ast::Expr, Diagnostic> {
    let broken = |error: &dyn std::fmt::Display| wrong(text, format!("this is not an SQL expression: {error}"));
    let mut parser =
        Parser::new(&GenericDialect {}).with_recursion_limit(64).try_with_sql(text).map_err(|error| broken(&error))?;
    let parsed = parser.parse_expr().map_err(|error| broken(&error))?;
    parser.expect_token(&Token::EOF).map_err(|error| broken(&error))?;
    Ok(parsed)
}

fn refuse_functions(expression: &Expr, text: &Spanned<String>) -> Result<(), Diagnostic> {
    let mut refused = None;
    let walked = expression.apply(|node| {
        refused = match node {
            Expr::ScalarFunction(call) if !FUNCTIONS.contains(&call.name()) => Some(call.name().to_owned()),
            Expr::AggregateFunction(call) => Some(call.func.name().to_owned()),
            Expr::WindowFunction(call) => Some(call.fun.name().to_owned()),
            Expr::BinaryExpr(binary) if !is_allowed(binary.op) => Some(binary.op.to_string()),
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        Ok(TreeNodeRecursion::Stop)
    });
    if let Err(error) = walked {
        return Err(wrong(text, error.strip_backtrace()));
    }
    match refused {
        Some(name) => Err(wrong(text, format!("`{name}` is not allowed in a pipeline"))
            .note("an expression may only use what gives the same answer in every run, row by row")
            .hint_if(name_hint(&name, FUNCTIONS))),
        None => Ok(()),
    }
}

fn is_allowed(operator: Operator) -> bool {
    use Operator::{
        And, Divide, Eq, Gt, GtEq, IsDistinctFrom, IsNotDistinctFrom, Lt, LtEq, Minus, Modulo, Multiply, NotEq, Or,
        Plus, StringConcat,
    };
    matches!(
        operator,
        And | Divide
            | Eq
            | Gt
            | GtEq
            | IsDistinctFrom
            | IsNotDistinctFrom
            | Lt
            | LtEq
            | Minus
            | Modulo
            | Multiply
            | NotEq
            | Or
            | Plus
            | StringConcat
    )
}

fn check_type(kind: &DataType, expected: Expected, text: &Spanned<String>) -> Result<(), Diagnostic> {
    match expected {
        Expected::Condition if *kind == DataType::Boolean => Ok(()),
        Expected::Condition => {
            Err(wrong(text, format!("a condition is true or false, this is {kind}")).hint("compare it, as in `x = 1`"))
        }
        Expected::Anything => Ok(()),
        Expected::Number if kind.is_numeric() || *kind == DataType::Boolean => Ok(()),
        Expected::Number => {
            Err(wrong(text, format!("a value is a number, this is {kind}")).hint("cast it, as in `CAST(x AS DOUBLE)`"))
        }
    }
}

fn wrong(text: &Spanned<String>, message: String) -> Diagnostic {
    Diagnostic::error(message).at(text.span)
}
