//! An expression in plain SQL, where engines mean different things by the same words.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::ops::ControlFlow;

use datafusion::arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::execution::SessionState;
use datafusion::logical_expr::ExprSchemable;
use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList, FunctionArguments, Ident,
    ObjectName, TimezoneInfo, Value, VisitMut, VisitorMut,
};

/// The expression in the words of DuckDB; what cannot be said exactly is told in a comment behind it.
///
/// Numbers with a point are doubles, integers are divided to integers, numbers become integers by truncation, and `\`
/// escapes in patterns, as in our engine.
pub(super) fn portable(parsed: &ast::Expr, schema: &DFSchema, state: &SessionState) -> String {
    let mut translated = parsed.clone();
    let mut translator = Translator { state, schema, caveats: BTreeSet::new() };
    let ControlFlow::Continue(()) = translated.visit(&mut translator);
    if translator.caveats.is_empty() {
        return translated.to_string();
    }
    let caveats: Vec<&str> = translator.caveats.into_iter().collect();
    format!("{translated} /* {} */", caveats.join("; "))
}

struct Translator<'a> {
    state: &'a SessionState,
    schema: &'a DFSchema,
    caveats: BTreeSet<&'static str>,
}

impl VisitorMut for Translator<'_> {
    type Break = Infallible;

    /// Before the parts: their types are known while they are written as our engine reads them.
    fn pre_visit_expr(&mut self, expression: &mut ast::Expr) -> ControlFlow<Infallible> {
        match expression {
            ast::Expr::Value(value) => {
                if let Value::Number(digits, _) = &mut value.value {
                    *digits = double(digits);
                }
            }
            ast::Expr::BinaryOp { left, op: op @ BinaryOperator::Divide, right } => self.divide(left, op, right),
            ast::Expr::Cast { .. } => self.cast(expression),
            ast::Expr::Like { escape_char: escape @ None, .. }
            | ast::Expr::ILike { escape_char: escape @ None, .. } => {
                *escape = Some(Value::SingleQuotedString("\\".to_owned()).into());
            }
            ast::Expr::Function(function) => self.call(function),
            ast::Expr::Substring { .. } => self.warn("substr"),
            ast::Expr::AtTimeZone { .. } => {
                self.caveats.insert("a time may mean another instant in another engine");
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Translator<'_> {
    /// The type of an expression that is not translated yet.
    fn kind(&self, expression: &ast::Expr) -> Option<DataType> {
        let planned = self.state.create_logical_expr(&expression.to_string(), self.schema).ok()?;
        planned.get_type(self.schema).ok()
    }

    fn divide(&mut self, left: &ast::Expr, op: &mut BinaryOperator, right: &ast::Expr) {
        let kinds = [self.kind(left), self.kind(right)];
        let all = |is: fn(&DataType) -> bool| kinds.iter().all(|kind| kind.as_ref().is_some_and(is));
        let any = |is: fn(&DataType) -> bool| kinds.iter().any(|kind| kind.as_ref().is_some_and(is));
        if all(DataType::is_integer) {
            *op = BinaryOperator::DuckIntegerDivide;
        } else if any(DataType::is_decimal) && !any(DataType::is_floating) {
            self.caveats.insert("a quotient of decimals may have other digits");
        }
    }

    fn cast(&mut self, expression: &mut ast::Expr) {
        let target = self.kind(expression);
        let ast::Expr::Cast { expr: inner, data_type, .. } = expression else { return };
        let source = self.kind(inner);
        let is = |kind: &Option<DataType>, is: fn(&DataType) -> bool| kind.as_ref().is_some_and(is);
        if is(&target, DataType::is_integer)
            && (is(&source, DataType::is_floating) || is(&source, DataType::is_decimal))
        {
            **inner = called("trunc", std::mem::replace(inner, ast::Expr::value(Value::Null)));
        } else if is(&target, DataType::is_string)
            && !is(&source, DataType::is_string)
            && !is(&source, DataType::is_integer)
        {
            self.caveats.insert("a number or time may be written in other characters");
        }
        if let ast::DataType::Timestamp(precision, TimezoneInfo::WithTimeZone) = data_type {
            *precision = None;
        }
    }

    fn call(&mut self, function: &mut Function) {
        let written = function.name.to_string().to_lowercase();
        let known = self.state.scalar_functions().get(&written).map_or(written, |known| known.name().to_owned());
        self.warn(&known);
        let name = match known.as_str() {
            "btrim" => "trim",
            "nvl" => "coalesce",
            "signum" => "sign",
            same => same,
        };
        function.name = ObjectName::from(vec![Ident::new(name)]);
    }

    /// Takes note of what is not the same everywhere about a function.
    fn warn(&mut self, function: &str) {
        let caveat = match function {
            "exp" | "ln" | "log10" | "log2" | "power" => "the last bit of exp, ln, log10, log2 and power may differ",
            "lower" | "upper" => "letters without a single counterpart may differ",
            "substr" => "a position below 1 may mean another one",
            "date_part" | "date_trunc" => "days are those of the session's time zone, UTC",
            _ => return,
        };
        self.caveats.insert(caveat);
    }
}

/// A number with a point as a double; a whole one as it is.
fn double(digits: &str) -> String {
    let is_double = digits.contains('.') && !digits.contains(['e', 'E']);
    if is_double { format!("{digits}e0") } else { digits.to_owned() }
}

fn called(name: &str, argument: ast::Expr) -> ast::Expr {
    ast::Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: vec![FunctionArg::Unnamed(FunctionArgExpr::Expr(argument))],
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}
