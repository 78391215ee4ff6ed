//! What an expression may call.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Expr, Operator};
use whom_spec::{Diagnostic, Spanned, name_hint};

use super::{reason, wrong};

/// Functions that give the same answer on every machine and in every run. Names are those that DataFusion resolves to.
pub(super) const FUNCTIONS: [&str; 37] = [
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

pub(super) fn refuse_calls(expression: &Expr, text: &Spanned<String>) -> Result<(), Diagnostic> {
    let mut refused = None;
    let walked = expression.apply(|node| {
        refused = match node {
            Expr::ScalarFunction(call) if !FUNCTIONS.contains(&call.name()) => Some(function(call.name(), text)),
            Expr::AggregateFunction(call) => Some(function(call.func.name(), text)),
            Expr::WindowFunction(call) => Some(function(call.fun.name(), text)),
            Expr::BinaryExpr(binary) if !is_allowed(binary.op) => Some(operator(&binary.op.to_string(), text)),
            Expr::SimilarTo(_) => Some(operator("SIMILAR TO", text)),
            _ => return Ok(TreeNodeRecursion::Continue),
        };
        Ok(TreeNodeRecursion::Stop)
    });
    match (refused, walked) {
        (Some(refused), _) => Err(refused),
        (None, Err(error)) => Err(wrong(text, reason(&error))),
        (None, Ok(_)) => Ok(()),
    }
}

fn function(name: &str, text: &Spanned<String>) -> Diagnostic {
    refused(name, text).hint_if(name_hint(name, FUNCTIONS))
}

fn operator(name: &str, text: &Spanned<String>) -> Diagnostic {
    refused(name, text).hint("arithmetic, comparisons, AND, OR, NOT, LIKE, IN, BETWEEN, CASE and `||` are")
}

fn refused(name: &str, text: &Spanned<String>) -> Diagnostic {
    wrong(text, format!("`{name}` is not allowed in a pipeline"))
        .note("an expression may only use what gives the same answer in every run, row by row")
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
