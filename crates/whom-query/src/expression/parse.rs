//! From text to a tree and back, within limits.

use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use whom_spec::{Diagnostic, Spanned};

use super::wrong;

/// The deepest nesting by parentheses and functions.
const DEEPEST: usize = 64;

/// The most operators: a chain of them is a tree as deep as it is long, and trees are walked by recursion.
const MOST_OPERATORS: usize = 500;

/// Parses one expression, and nothing after it.
pub(super) fn parse(text: &Spanned<String>) -> Result<ast::Expr, Diagnostic> {
    let broken = |error: &ParserError| {
        let (ParserError::TokenizerError(reason) | ParserError::ParserError(reason)) = error else {
            return wrong(text, "this is not an SQL expression: it is nested too deeply".to_owned());
        };
        wrong(text, format!("this is not an SQL expression: {reason}")).hint(way_out(reason))
    };
    let tokens = Tokenizer::new(&GenericDialect {}, text).tokenize_with_location();
    let tokens = tokens.map_err(|error| broken(&ParserError::TokenizerError(error.to_string())))?;
    if tokens.iter().filter(|token| joins(&token.token)).count() > MOST_OPERATORS {
        return Err(wrong(text, format!("an expression may hold {MOST_OPERATORS} operators, this one holds more"))
            .hint("make it a column of the table"));
    }
    let mut parser = Parser::new(&GenericDialect {}).with_recursion_limit(DEEPEST).with_tokens_with_locations(tokens);
    let parsed = parser.parse_expr().map_err(|error| broken(&error))?;
    parser.expect_token(&Token::EOF).map_err(|error| broken(&error))?;
    Ok(parsed)
}

/// What was probably meant where the parser stumbled.
fn way_out(reason: &str) -> &'static str {
    if reason.contains("Unterminated string literal") {
        "a text stands between single quotes; a quote in it is written twice, as in `'it''s'`"
    } else if reason.contains("found: ;") {
        "write one condition or one value, not a statement"
    } else {
        "a column whose name is a word of SQL, or no plain word, stands in double quotes"
    }
}

fn joins(token: &Token) -> bool {
    match token {
        Token::Word(word) => word.keyword != Keyword::NoKeyword && word.quote_style.is_none(),
        Token::Comma | Token::Whitespace(_) | Token::Number(..) | Token::SingleQuotedString(_) => false,
        _ => true,
    }
}

pub(super) fn rendered(parsed: &ast::Expr, text: &Spanned<String>) -> Result<String, Diagnostic> {
    let sql = parsed.to_string();
    let again = Parser::new(&GenericDialect {}).try_with_sql(&sql).and_then(|mut parser| {
        let again = parser.parse_expr()?;
        parser.expect_token(&Token::EOF).map(|_| again)
    });
    if again.is_ok_and(|again| again == *parsed) {
        return Ok(sql);
    }
    Err(wrong(text, "this cannot be written as SQL again".to_owned())
        .hint("avoid two quotes in a row, and a backslash before one, in names and texts"))
}
